//! `reading-*` and `pipe-*`: when the kernel is read, what a read of nothing tells, and what a pipe
//! has to do with it.

use std::cell::Cell;

use netloop::{ConnectOptions, Encoding, Loop, Server, Socket, SocketId};

use crate::story::*;

type Told = &'static Cell<u32>;

/// Goes on in the first turn in which this is so.
fn until(
    l: &mut Loop,
    is_so: impl Fn(&mut Loop) -> bool + 'static,
    then: impl FnOnce(&mut Loop) + 'static,
) {
    if is_so(l) {
        then(l);
    } else {
        l.set_immediate(move |l| until(l, is_so, then));
    }
}

fn until_told(l: &mut Loop, told: Told, times: u32, then: impl FnOnce(&mut Loop) + 'static) {
    until(l, move |_| told.get() == times, then);
}

/// A server that names its one connection.
fn serve_one(l: &mut Loop, first: impl Fn(&mut Socket<'_>) + 'static) -> (Server<'_>, Peer) {
    let peer: Peer = shared(None);
    let server = l.create_server(move |p| {
        close_server(p);
        peer.set(Some(p.id()));
        first(p);
    });
    (server, peer)
}

type Peer = &'static Cell<Option<SocketId>>;

pub(crate) fn with_mark<'s>(server: &'s mut Server<'_>, mark: usize) -> Socket<'s> {
    let options = ConnectOptions::from((HOST, server.port().unwrap())).high_water_mark(mark);
    server.event_loop().connect_to(options).unwrap()
}

fn count_readable(c: &mut Socket<'_>) -> Told {
    let told = shared(0);
    c.on_readable(move |_| _ = count_up(told));
    told
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or("null".into(), |bytes| String::from_utf8(bytes).unwrap())
}

twin!(reading_while_paused, |t, l| {
    let (mut server, peer) = serve_one(l, |p| _ = p.write("0123456789"));
    let begin = move |s: &mut Server<'_>| {
        let mut c = with_mark(s, 10);
        let c = watch(t, "client", &mut c, "end error close").id();
        let pause_in_data = move |l: &mut Loop| {
            l.socket_at(c).on_data(move |c, chunk| {
                t.log(format!("client {}", data(chunk)));
                c.pause();
            });
            l.socket_at(peer.get().unwrap()).write("abc");
            let has_read_on = move |l: &mut Loop| l.socket_at(c).bytes_read() == 13;
            until(l, has_read_on, move |l| {
                let c = l.socket_at(c);
                let (is_paused, waits) = (c.is_paused(), c.readable_length());
                t.log(format!("paused {is_paused} waits {waits}"));
                let mut peer = l.socket_at(peer.get().unwrap());
                peer.reset_and_destroy().unwrap();
            });
        };
        let is_full = move |l: &mut Loop| l.socket_at(c).readable_length() == 10;
        until(s.event_loop(), is_full, pause_in_data);
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(reading_of_nothing, |t, l| {
    let (mut server, peer) = serve_one(l, |p| _ = p.write("0123456789"));
    let begin = move |s: &mut Server<'_>| {
        let mut c = with_mark(s, 10);
        let told = shared(0);
        c.on_readable(move |c| {
            count_up(told);
            t.log(format!("client readable {}", c.readable_length()));
        });
        c.on_end(move |_| t.log("client end"));
        let (c, l) = (c.id(), c.event_loop());
        until_told(l, told, 1, move |l| {
            assert_eq!(l.socket_at(c).read(Some(0)), None);
            until_told(l, told, 2, move |l| {
                l.socket_at(c).resume();
                until_told(l, told, 3, move |l| {
                    let mut c = l.socket_at(c);
                    c.on_readable(move |c| {
                        while let Some(chunk) = c.read(None) {
                            t.log(format!("client read {}", chunk.len()));
                        }
                    });
                    c.read(Some(0));
                    l.socket_at(peer.get().unwrap()).end();
                });
            });
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(reading_exactly_the_rest, |t, l| {
    let (mut server, _) = serve_one(l, |p| _ = p.end_with("abc"));
    let begin = move |s: &mut Server<'_>| {
        let mut c = connect(s);
        let told = count_readable(&mut c);
        c.on_end(move |_| t.log("client end"));
        let (c, l) = (c.id(), c.event_loop());
        until_told(l, told, 2, move |l| {
            let three = l.socket_at(c).read(Some(3));
            t.log(format!("client read {}", text(three)));
            l.set_immediate(move |l| {
                let rest = l.socket_at(c).read(None);
                t.log(format!("client read {}", text(rest)));
            });
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(reading_text_is_text, |t, l| {
    let (mut server, peer) = serve_one(l, |p| _ = p.write("abc"));
    let begin = move |s: &mut Server<'_>| {
        let mut c = connect(s);
        let (c, l) = (c.id(), c.event_loop());
        let waits = move |length| move |l: &mut Loop| l.socket_at(c).readable_length() == length;
        until(l, waits(3), move |l| {
            let mut socket = l.socket_at(c);
            socket.set_encoding(Encoding::Base64);
            let four = socket.set_encoding(Encoding::Base64).read(None);
            t.log(format!("client read {}", text(four)));
            l.socket_at(peer.get().unwrap()).end_with("abcd");
            until(l, waits(4), move |l| {
                l.socket_at(c)
                    .set_encoding(Encoding::Hex)
                    .on_data(move |_, it| t.log(format!("client data {}", text(Some(it.into())))));
            });
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(reading_text_of_the_destroyed, |t, l| {
    let (mut server, _) = serve_one(l, |p| {
        p.on_error(|_, _| {}).end_with([0x61, 0xe2, 0x82]);
    });
    let begin = move |s: &mut Server<'_>| {
        let mut c = connect(s);
        let told = count_readable(&mut c);
        let (c, l) = (c.id(), c.event_loop());
        until_told(l, told, 2, move |l| {
            let mut c = l.socket_at(c);
            c.destroy().set_encoding(Encoding::Utf8);
            t.log(format!("client waits {}", c.readable_length()));
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(pipe_of_the_ended, |t, l| {
    let (mut server, _) = serve_one(l, move |p| {
        p.end();
        p.on_end(move |_| t.log("peer end")).resume();
    });
    let begin = move |s: &mut Server<'_>| {
        let mut c = connect(s);
        c.set_allow_half_open(true).on_end(move |c| {
            let flowing = c.readable_flowing();
            t.log(format!(
                "client end {}",
                flowing.map_or("null", |_| "asked")
            ));
            let id = c.id();
            let flowing = c.pipe(id).readable_flowing();
            t.log(format!("client piped {}", undefined(flowing)));
        });
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(pipe_ends_in_its_place, |t, l| {
    let (mut server, _) = serve_one(l, move |p| {
        let id = p.id();
        let flows = move |s: &mut Socket<'_>, when: &str| {
            let flowing = s.event_loop().socket_at(id).readable_flowing();
            t.log(format!("{when} {}", undefined(flowing)));
        };
        p.on_resume(|_| {});
        let two = p.event_loop().socket().id();
        let mut one = p.event_loop().socket();
        one.on_finish(move |s| flows(s, "finish earlier"));
        let one = one.id();
        p.pipe(one);
        let l = p.event_loop();
        l.socket_at(one)
            .on_finish(move |s| {
                flows(s, "finish later");
                let l = s.event_loop();
                l.socket_at(id).pipe(two);
                l.socket_at(two).on_close(move |s, _| {
                    flows(s, "close later");
                    s.event_loop().socket_at(id).destroy();
                });
                l.socket_at(two).destroy();
            })
            .end();
        l.socket_at(two)
            .on_close(move |s, _| flows(s, "close earlier"));
    });
    let begin = |s: &mut Server<'_>| {
        connect(s).on_error(|_, _| {}).resume();
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(pipe_into_the_finished, |t, l| {
    let (mut server, _) = serve_one(l, move |p| {
        let id = p.id();
        let mut one = p.event_loop().socket();
        one.on_finish(move |one| {
            let (one, l) = (one.id(), one.event_loop());
            l.socket_at(id).pipe(one);
            l.set_immediate(move |l| {
                let flowing = undefined(l.socket_at(id).readable_flowing());
                t.log(format!("flows {flowing}"));
                l.socket_at(id).destroy();
            });
        });
        one.end();
    });
    let begin = |s: &mut Server<'_>| {
        connect(s).on_error(|_, _| {}).resume();
    };
    server.listen((HOST, 0), begin).unwrap();
});

twin!(pipe_away_while_it_waits, |t, l| {
    let mut sink = l.create_server(|p| {
        p.on_error(|_, _| {}).resume();
    });
    let sink_id = sink.id();
    let begin = move |s: &mut Server<'_>| {
        let a = with_mark(s, 1).id();
        let b = connect(s).id();
        let mut echo = s.event_loop().create_server(move |p| {
            let (id, echo_id) = (p.id(), p.server().unwrap());
            p.event_loop().socket_at(a).cork();
            p.pipe(a).pipe(b).once_data(move |p, _| {
                p.event_loop().set_immediate(move |l| {
                    let mut p = l.socket_at(id);
                    t.log(format!("waits {}", p.is_paused()));
                    let is_paused = p.unpipe(Some(a)).is_paused();
                    t.log(format!("unpiped {is_paused}"));
                    for it in [a, b, id] {
                        l.socket_at(it).destroy();
                    }
                    l.server_at(sink_id).close();
                    l.server_at(echo_id).close();
                });
            });
        });
        let say = |s: &mut Server<'_>| {
            connect(s).on_connect(|c| _ = c.write("x")).resume();
        };
        echo.listen((HOST, 0), say).unwrap();
    };
    sink.listen((HOST, 0), begin).unwrap();
});

twin!(pipe_drain_of_another, |t, l| {
    let (mut server, _) = serve_one(l, |p| {
        p.on_error(|_, _| {}).resume();
    });
    let begin = move |s: &mut Server<'_>| {
        let a = connect(s).id();
        let source = s.event_loop().socket().pipe(a).pause().id();
        let mut a = s.event_loop().socket_at(a);
        a.on_drain(move |a| {
            let a_id = a.id();
            a.event_loop().set_immediate(move |l| {
                t.log(format!("drained {}", l.socket_at(source).is_paused()));
                l.socket_at(a_id).destroy();
            });
        });
        t.log(format!("written {}", a.write(vec![0; 100_000])));
    };
    server.listen((HOST, 0), begin).unwrap();
});
