//! `end-*`: ending one half, or both.

use netloop::{ConnectOptions, Encoding, Error, ServerOptions, Socket, SocketId};

use crate::story::*;

fn half_open(port: u16) -> ConnectOptions {
    ConnectOptions::from((HOST, port)).allow_half_open(true)
}

fn code(result: Result<(), &Error>) -> String {
    result.map_or_else(|error| error.code().unwrap().into(), |()| "null".into())
}

twin!(end_before_connect, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, DEFAULT).end();
        t.log(format!(
            "main {} writable={}",
            c.ready_state(),
            c.is_writable()
        ));
    })
    .unwrap();
});

twin!(end_both_at_once, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).end_with("from-server");
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, DEFAULT).on_connect(move |c| {
            c.end_with("from-client");
        });
    })
    .unwrap();
});

twin!(end_callback, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let connected = move |c: &mut Socket<'_>| {
            watch(t, "client", c, "prefinish finish");
            c.end_with_then("x", move |_, _| t.log("client end-cb"));
            let (ended, finished) = (c.is_writable_ended(), c.is_writable_finished());
            let state = c.ready_state();
            t.log(format!(
                "main after-end writableEnded={ended} writableFinished={finished} {state}"
            ));
            markers(t, c.event_loop(), "main");
        };
        s.event_loop()
            .connect((HOST, port), connected)
            .unwrap()
            .resume();
    })
    .unwrap();
});

twin!(end_client_default, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.end();
        });
    })
    .unwrap();
});

twin!(end_finish_from_immediate, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        c.on_connect(move |c| {
            let id = c.id();
            c.event_loop().set_timeout(ms(10), move |l| {
                l.set_immediate(move |l| {
                    l.socket_at(id)
                        .on_finish(move |_| t.log("client finish"))
                        .end();
                    l.next_tick(move |_| t.log("main nextTick"));
                    l.set_immediate(move |_| t.log("main immediate"));
                });
            });
        })
        .resume();
    })
    .unwrap();
});

twin!(end_halfopen_both, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        watch(t, "peer", c, DEFAULT).on_end(move |c| {
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                l.socket_at(id).end_with("reply");
            });
        });
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s
            .event_loop()
            .connect(half_open(port), move |_| {})
            .unwrap();
        watch(t, "client", &mut c, DEFAULT).on_connect(move |c| {
            c.end_with("req");
        });
    })
    .unwrap();
});

twin!(end_halfopen_client, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).end_with("first");
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s
            .event_loop()
            .connect(half_open(port), move |_| {})
            .unwrap();
        watch(t, "client", &mut c, DEFAULT).on_end(move |c| {
            t.log(format!("client state {}", c.ready_state()));
            let id = c.id();
            c.event_loop().set_timeout(ms(20), move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("client write {}", c.write("after")));
                c.end();
            });
        });
    })
    .unwrap();
});

twin!(end_halfopen_forgotten, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server_telling(t, c);
        c.on_end(move |c| {
            let id = c.id();
            c.event_loop().set_timeout(ms(50), move |l| {
                let mut c = l.socket_at(id);
                let (state, destroyed) = (c.ready_state(), c.is_destroyed());
                t.log(format!("peer state {state} destroyed={destroyed}"));
                c.destroy();
            });
        });
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.end();
        });
    })
    .unwrap();
});

twin!(end_halfopen_server, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        watch(t, "peer", c, DEFAULT).on_end(move |c| {
            t.log(format!("peer state {}", c.ready_state()));
            let id = c.id();
            c.event_loop().set_timeout(ms(20), move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("peer write {}", c.write("still here")));
                c.end_with("bye");
                t.log(format!("peer state {}", c.ready_state()));
            });
        });
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT)
            .on_connect(move |c| {
                c.end_with("req");
            })
            .on_finish(move |c| t.log(format!("client state {}", c.ready_state())));
    })
    .unwrap();
});

twin!(end_no_connect, |t, l| {
    let mut c = l.socket();
    let id = c.id();
    watch(t, "client", &mut c, DEFAULT).end_then(move |_, _| t.log("client end-cb"));
    let (state, pending, destroyed) = (c.ready_state(), c.is_pending(), c.is_destroyed());
    t.log(format!(
        "state {state} pending={pending} destroyed={destroyed}"
    ));
    l.set_timeout(ms(20), move |l| {
        let c = l.socket_at(id);
        t.log(format!(
            "later {} destroyed={}",
            c.ready_state(),
            c.is_destroyed()
        ));
    });
});

twin!(end_server_default, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).end();
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT);
    })
    .unwrap();
});

twin!(end_twice, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        c.resume();
        close_server(c);
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            l.socket_at(id).end();
        });
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s
            .event_loop()
            .connect(half_open(port), move |_| {})
            .unwrap();
        watch(t, "client", &mut c, "finish error close")
            .resume()
            .on_connect(move |c| {
                c.end_then(move |_, result| t.log(format!("cb-1 {}", code(result))));
                c.end_then(move |_, result| t.log(format!("cb-2 {}", code(result))));
            })
            .on_finish(move |c| {
                c.end_then(move |_, result| t.log(format!("cb-3 {}", code(result))))
                    .end();
                t.log(format!("finish-state {}", c.ready_state()));
                let id = c.id();
                c.event_loop().set_immediate(move |l| {
                    let told = move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                        t.log(format!("cb-4 {}", code(result)));
                    };
                    l.socket_at(id).end_with_then("data", told);
                });
            });
    })
    .unwrap();
});

twin!(end_unread_nodata, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end finish close");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "end close")
            .resume()
            .on_connect(move |c| {
                c.end();
            });
    })
    .unwrap();
});

twin!(write_before_connect, |t, l| {
    let text = shared(String::new());
    l.create_server(move |c| {
        c.set_encoding(Encoding::Utf8)
            .on_data(move |_, chunk| {
                text.set(text.take() + std::str::from_utf8(chunk).unwrap());
            })
            .on_end(move |c| {
                t.log(format!("peer got {}", text.take()));
                close_server(c);
            });
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, "connect ready finish close").resume();
        let wrote = c.write_then("one", move |_, _| t.log("client cb-1"));
        let (len, bytes) = (c.writable_length(), c.bytes_written());
        t.log(format!(
            "client write {wrote} len={len} bytesWritten={bytes} bufferSize={len}"
        ));
        let wrote = c.write_then("two", move |_, _| t.log("client cb-2"));
        let (len, bytes) = (c.writable_length(), c.bytes_written());
        t.log(format!(
            "client write {wrote} len={len} bytesWritten={bytes}"
        ));
        c.on_connect(move |c| {
            let (len, bytes) = (c.writable_length(), c.bytes_written());
            t.log(format!("client in-connect len={len} bytesWritten={bytes}"));
        });
        c.on_ready(move |c| t.log(format!("client in-ready len={}", c.writable_length())));
        c.end_with_then("three", move |_, _| t.log("client end-cb"));
        let (len, bytes, writable) = (c.writable_length(), c.bytes_written(), c.is_writable());
        let state = c.ready_state();
        t.log(format!(
            "client after-end len={len} bytesWritten={bytes} writable={writable} {state}"
        ));
    })
    .unwrap();
});

twin!(end_default_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server_telling(t, c);
    })
    .listen(path.clone(), move |s| {
        let mut c = s.event_loop().connect(&path, |_| {}).unwrap();
        watch(t, "client", &mut c, DEFAULT).on_connect(|c| _ = c.end());
    })
    .unwrap();
});

twin!(end_finish_from_timer, |t, l| {
    l.create_server(|c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .resume()
            .on_finish(move |_| t.log("client finish"))
            .on_connect(move |c| {
                let id = c.id();
                c.event_loop().set_timeout(ms(10), move |l| {
                    l.set_immediate(move |_| t.log("main immediate"));
                    l.socket_at(id).end();
                    l.next_tick(move |_| t.log("main nextTick"));
                });
            });
    })
    .unwrap();
});

twin!(end_unread_withdata, |t, l| {
    l.create_server(move |c| {
        let id = watch(t, "peer", c, "end finish close").id();
        c.event_loop().set_timeout(ms(30), move |l| {
            let mut c = l.socket_at(id);
            let (waits, read) = (c.readable_length(), c.bytes_read());
            t.log(format!("peer resume {waits} {read}"));
            c.resume();
            l.next_tick(move |_| t.log("main nextTick"));
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(|c| _ = c.end_with("unread")).resume();
    })
    .unwrap();
});

twin!(end_both_closed_unix, |t, l| {
    let path = t.sock_path("s");
    let first = shared(None::<SocketId>);
    l.create_server(move |p| {
        let Some(first) = first.replace(Some(p.id())) else {
            return;
        };
        close_server(p);
        let peers = [first, p.id()];
        p.event_loop().after(ms(20), move |l| {
            for peer in peers {
                l.socket_at(peer).destroy();
            }
        });
    })
    .listen(path.clone(), move |s| {
        for name in ["a", "b"] {
            let mut c = s.event_loop().connect(&path, |_| {}).unwrap();
            watch(t, name, &mut c, "end prefinish finish close")
                .resume()
                .on_end(move |c| {
                    let l = c.event_loop();
                    l.next_tick(move |_| t.log(format!("{name} nextTick")));
                    l.set_immediate(move |_| t.log(format!("{name} immediate")));
                });
        }
    })
    .unwrap();
});
