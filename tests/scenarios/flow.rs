//! `flow-*` and `option-onread-*`: receiving, by listener, as text, and into a buffer of one's own.

use netloop::{ConnectOptions, Encoding, OnRead, ServerOptions, Socket};

use crate::story::*;

fn text(chunk: &[u8]) -> &str {
    std::str::from_utf8(chunk).unwrap()
}

fn ending(data: &'static [u8]) -> impl FnMut(&mut Socket<'_>) {
    move |c| {
        c.end_with(data);
    }
}

twin!(flow_no_listener_mark, |t, l| {
    l.create_server(move |c| {
        let before = shared(None);
        c.set_interval(ms(20), move |c| {
            let now = c.bytes_read();
            if now == 0 || before.replace(Some(now)) != Some(now) {
                return;
            }
            let (waits, mark) = (c.readable_length(), c.readable_high_water_mark());
            t.log(format!("peer read {now} waits {waits} mark {mark}"));
            c.destroy();
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write(vec![0; 1 << 20]))
            .on_error(|_, _| {})
            .resume();
    })
    .unwrap();
});

twin!(flow_pause_resume, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "resume data end close");
        c.once_data(move |c, _| {
            c.pause();
            let flowing = c.readable_flowing().unwrap();
            t.log(format!("peer paused {} {flowing}", c.is_paused()));
            c.write("go on");
            let id = c.id();
            c.event_loop().set_timeout(ms(30), move |l| {
                let mut c = l.socket_at(id);
                let (waits, read) = (c.readable_length(), c.bytes_read());
                t.log(format!("peer waits {waits} {read}"));
                c.resume();
                let flowing = c.readable_flowing().unwrap();
                t.log(format!("peer resumed {} {flowing}", c.is_paused()));
                l.next_tick(move |_| t.log("main nextTick"));
                l.queue_microtask(move |_| t.log("main microtask"));
            });
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write("one"))
            .once_data(|c, _| _ = c.end_with("two"))
            .resume();
    })
    .unwrap();
});

twin!(flow_setencoding, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c.set_encoding(Encoding::Utf8), "end").on_data(move |c, chunk| {
            t.log(format!("peer got {} {}", text(chunk), c.bytes_read()));
            c.write(".");
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write(b"a\xe2\x82"))
            .once_data(|c, _| _ = c.end_with(b"\xacb"))
            .resume();
    })
    .unwrap();
});

twin!(flow_setencoding_buffered, |t, l| {
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        let id = watch(t, "peer", c, "end").id();
        c.read(Some(0));
        c.event_loop().set_timeout(ms(30), move |l| {
            let mut c = l.socket_at(id);
            t.log(format!("peer waits {}", c.readable_length()));
            c.set_encoding(Encoding::Hex);
            t.log(format!("peer waits {}", c.readable_length()));
            c.on_data(move |_, chunk| t.log(format!("peer got {}", text(chunk))))
                .resume();
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(ending(b"hey")).resume();
    })
    .unwrap();
});

twin!(flow_setencoding_incomplete, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c.set_encoding(Encoding::Utf8), "end close")
            .on_data(move |_, chunk| t.log(format!("peer got {}", text(chunk))));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(ending(b"a\xe2\x82")).resume();
    })
    .unwrap();
});

twin!(flow_setencoding_split_only, |t, l| {
    l.create_server(move |c| {
        let id = watch(t, "peer", c.set_encoding(Encoding::Utf8), "end").id();
        c.on_data(move |c, chunk| t.log(format!("peer got {} {}", text(chunk), c.bytes_read())));
        c.event_loop().set_timeout(ms(30), move |l| {
            let mut c = l.socket_at(id);
            t.log(format!("peer bytesRead {}", c.bytes_read()));
            c.write(".");
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write(b"\xe2\x82"))
            .once_data(|c, _| _ = c.end_with(b"\xac"))
            .resume();
    })
    .unwrap();
});

fn into_own(
    port: u16,
    size: usize,
    callback: impl FnMut(&mut Socket<'_>, &[u8]) -> bool + 'static,
) -> ConnectOptions {
    ConnectOptions::from((HOST, port)).on_read(OnRead::new(vec![0; size], callback))
}

twin!(option_onread, |t, l| {
    l.create_server(move |c| {
        c.write("first");
        c.once_data(|c, _| _ = c.end_with("second"));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let calls = shared(0);
        let told = move |_: &mut Socket<'_>, chunk: &[u8]| {
            t.log(format!("onread {} {}", chunk.len(), text(chunk)));
            count_up(calls) != 1
        };
        let options = into_own(s.port().unwrap(), 100, told);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, DEFAULT).on_connect(move |c| {
            let id = c.id();
            c.event_loop().set_timeout(ms(30), move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("client resume {} {}", calls.get(), c.is_paused()));
                c.write("more");
                c.resume();
            });
        });
    })
    .unwrap();
});

twin!(option_onread_small, |t, l| {
    l.create_server(move |c| {
        c.end_with("0123456789").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let told = move |c: &mut Socket<'_>, chunk: &[u8]| {
            t.log(format!("onread {} {}", chunk.len(), text(chunk)));
            c.event_loop().next_tick(move |_| t.log("nextTick"));
            c.event_loop().set_immediate(move |_| t.log("immediate"));
            true
        };
        let options = into_own(s.port().unwrap(), 4, told);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, "end close");
    })
    .unwrap();
});
