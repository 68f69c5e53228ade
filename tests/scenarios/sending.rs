//! `write-*`, continued: what is told of a write, and when.

use netloop::{ConnectOptions, Error, ServerOptions, Socket};

use crate::story::*;

fn outcome(
    t: &'static Story,
    name: &'static str,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| {
        let code = result.err().and_then(Error::code);
        t.log(format!("{name} {}", code.unwrap_or("null")));
    }
}

fn told(t: &'static Story, name: &'static str) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, _| t.log(name)
}

twin!(write_after_end, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end error close");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "finish error close")
            .resume()
            .on_connect(move |c| {
                c.end_with_then("early", outcome(t, "end-cb"));
                let wrote = c.write_then("late", move |_, result| {
                    let error = result.unwrap_err();
                    t.log(format!("cb {} {error}", error.code().unwrap()));
                });
                t.log(format!("write {wrote} {}", c.is_destroyed()));
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    })
    .unwrap();
});

twin!(write_empty, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                let wrote = c.write_then("", told(t, "cb"));
                let (bytes, length) = (c.bytes_written(), c.writable_length());
                t.log(format!("write {wrote} {bytes} {length}"));
                let id = c.id();
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
                c.event_loop()
                    .set_immediate(move |l| _ = l.socket_at(id).end());
            })
            .resume();
    })
    .unwrap();
});

twin!(write_epipe_tcp, |t, l| {
    l.create_server(|c| {
        c.destroy();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let options = ConnectOptions::from((HOST, s.port().unwrap())).allow_half_open(true);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, "end close")
            .resume()
            .on_error(move |_, e| t.log(format!("client error {}", errs(e))))
            .on_end(move |c| {
                let wrote = c.pause().write_then("one", outcome(t, "cb-1"));
                t.log(format!("write {wrote}"));
                let id = c.id();
                c.event_loop().set_timeout(ms(20), move |l| {
                    let mut c = l.socket_at(id);
                    let wrote = c.write_then("two", outcome(t, "cb-2"));
                    t.log(format!("write {wrote} {}", c.is_destroyed()));
                });
            });
    })
    .unwrap();
});

twin!(write_hwm_before_connect, |t, l| {
    l.create_server(|c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, "connect ready drain").resume();
        let wrote = c.write_then(vec![0; 65535], told(t, "cb-1"));
        let (length, need) = (c.writable_length(), c.writable_need_drain());
        t.log(format!("65535 {wrote} {length} {need}"));
        let wrote = c.write_then("x", told(t, "cb-2"));
        let (length, need) = (c.writable_length(), c.writable_need_drain());
        t.log(format!("1 {wrote} {length} {need}"));
        let wrote = c.write_then("y", move |c, _| {
            t.log("cb-3");
            c.end();
        });
        let (length, bytes) = (c.writable_length(), c.bytes_written());
        t.log(format!("more {wrote} {length} {bytes}"));
    })
    .unwrap();
});

twin!(write_order_callbacks_io, |t, l| {
    l.create_server(|c| {
        c.resume().end_with("x");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).once_data(move |c, _| {
            c.event_loop().next_tick(move |_| t.log("tick-1"));
            c.write_then("a", move |c, _| {
                t.log("cb-a");
                c.event_loop().next_tick(move |_| t.log("tick-of-a"));
            });
            c.event_loop().next_tick(move |_| t.log("tick-2"));
            c.write_then("b", told(t, "cb-b"));
            c.event_loop().next_tick(move |_| t.log("tick-3"));
            c.event_loop().queue_microtask(move |_| t.log("microtask"));
            c.event_loop().set_immediate(move |_| t.log("immediate"));
        });
    })
    .unwrap();
});

twin!(write_pending_destroy, |t, l| {
    l.create_server_with(ServerOptions::default().pause_on_connect(true), |c| {
        let id = c.on_error(|_, _| {}).id();
        close_server(c);
        c.event_loop()
            .set_timeout(ms(50), move |l| _ = l.socket_at(id).destroy());
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "finish error close").on_connect(move |c| {
            c.write_then(vec![0; 16 << 20], move |_, result| {
                t.log(format!("cb-1 {}", errs(result.unwrap_err())));
            });
            c.write_then("two", outcome(t, "cb-2"));
            c.end_then(outcome(t, "end-cb")).destroy();
            let (length, destroyed) = (c.writable_length(), c.is_destroyed());
            t.log(format!("client after {length} {destroyed}"));
            markers(t, c.event_loop(), "main");
        });
    })
    .unwrap();
});

twin!(write_separate_chunks, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| {
                c.write("one");
                c.write("two");
                c.end_with("three");
            })
            .resume();
    })
    .unwrap();
});
