//! Destroying and resetting: what is told, to whom, and how often.

use netloop::{Error, Loop, Socket};

use crate::stage::farewell;
use crate::story::*;

fn coded(
    t: &'static Story,
    word: &'static str,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| {
        let code = result.err().and_then(Error::code);
        t.log(format!("{word} {}", code.unwrap_or("none")));
    }
}

row!(
    net_after_close,
    ["close", "and whatever is asked of it then is quiet"],
    |t, l| {
        farewell(l, HOST, move |s| {
            connect(s).resume().on_close(move |c, _| {
                t.log("close");
                c.set_no_delay(true)
                    .set_keep_alive(true, ms(1000))
                    .pause()
                    .resume()
                    .set_timeout(ms(5));
                assert_eq!(c.writable_length(), 0);
                assert_eq!((c.address(), c.local_address()), (None, None));
                assert_eq!((c.remote_address(), c.remote_port()), (None, None));
                assert_eq!((c.remote_family(), c.local_port()), (None, None));
                assert!(c.is_destroyed() && c.is_pending() && c.duplicate_fd().is_err());
                t.log("and whatever is asked of it then is quiet");
            });
        });
    }
);

row!(
    net_connect_destroy,
    ["destroyed=true", "close None"],
    |t, l| {
        let mut c = l.socket();
        c.on_close(move |_, had_error| t.log(format!("close {had_error:?}")))
            .destroy();
        t.log(format!("destroyed={}", c.is_destroyed()));
    }
);

row!(
    net_connect_reset,
    ["error ERR_SOCKET_CLOSED Error", "close"],
    |t, l| {
        let mut c = l.socket();
        c.on_error(move |_, error| {
            t.log(format!("error {} {}", error.code().unwrap(), error.name()));
        })
        .on_close(move |_, _| t.log("close"));
        c.reset_and_destroy().unwrap();
    }
);

row!(
    net_connect_reset_after_destroy,
    [
        "write false destroyed=true",
        "callback ERR_STREAM_DESTROYED",
        "client close hadError=false",
        "peer error ECONNRESET read",
        "peer close hadError=true",
    ],
    |t, l| {
        l.create_server(move |c| {
            watch(t, "peer", c, "end error close").resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(move |c| {
                    c.reset_and_destroy().unwrap().destroy();
                    let wrote = c.write_then("late", coded(t, "callback"));
                    t.log(format!("write {wrote} destroyed={}", c.is_destroyed()));
                })
                .on_error(|_, _| unreachable!())
                .on_close(move |_, had_error| {
                    t.log(format!("client close hadError={}", undefined(had_error)));
                });
        })
        .unwrap();
    }
);

row!(
    net_connect_reset_until_connected,
    [
        "client close hadError=false",
        "peer error ECONNRESET read",
        "peer close hadError=true",
    ],
    |t, l| {
        let (client, both) = (shared(None), shared(0));
        // Whoever comes second resets: both ends are up then.
        let up = move |c: &mut Socket<'_>| {
            if count_up(both) == 2 {
                let client = client.get().expect("made before the loop ran");
                c.event_loop()
                    .socket_at(client)
                    .reset_and_destroy()
                    .unwrap();
            }
        };
        l.create_server(move |c| {
            watch(t, "peer", c, "end error close").resume();
            close_server(c);
            up(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            client.set(Some(c.id()));
            watch(t, "client", &mut c, "error close").on_connect(up);
        })
        .unwrap();
    }
);

row!(
    net_socket_destroy_send,
    [
        "write false destroyed=true",
        "callback ERR_STREAM_DESTROYED",
        "close",
    ],
    |t, l| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(move |c| {
                    let id = c.id();
                    assert_eq!(c.destroy().destroy().id(), id);
                    let wrote = c.write_then("late", coded(t, "callback"));
                    t.log(format!("write {wrote} destroyed={}", c.is_destroyed()));
                })
                .on_error(|_, _| unreachable!())
                .on_close(move |_, _| t.log("close"));
        })
        .unwrap();
    }
);

row!(
    net_write_cb_on_destroy_before_connect,
    [
        "write true",
        "close hadError=false",
        "callback ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
    ],
    |t, l| {
        l.create_server(|_| {})
            .listen((HOST, 0), move |s| {
                let mut c = connect(s);
                c.on_connect(|_| unreachable!())
                    .on_close(move |_, had_error| {
                        t.log(format!("close hadError={}", undefined(had_error)));
                    });
                let wrote = c.write_then("x", coded(t, "callback"));
                t.log(format!("write {wrote}"));
                c.destroy();
                s.close();
            })
            .unwrap();
    }
);

row!(
    net_error_twice,
    [
        "write false",
        "callback",
        "error",
        "server close hadError=true"
    ],
    |t, l| {
        let (client, server, both) = (shared(None), shared(None), shared(0));
        let lost = |error: &Error| matches!(error.code(), Some("EPIPE" | "ECONNRESET"));
        // Whoever comes second: the client goes, and then the server writes.
        let up = move |l: &mut Loop| {
            if count_up(both) == 2 {
                let [client, server] = [client, server].map(|end| end.get().expect("made"));
                l.socket_at(client).destroy();
                let told = move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                    assert!(lost(result.unwrap_err()));
                    t.log("callback");
                };
                let wrote = l.socket_at(server).write_then(vec![0; 16 << 20], told);
                t.log(format!("write {wrote}"));
            }
        };
        l.create_server(move |c| {
            server.set(Some(c.id()));
            c.on_error(move |_, error| {
                assert!(lost(error), "{error:?}");
                t.log("error");
            });
            watch(t, "server", c, "close");
            close_server(c);
            up(c.event_loop());
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            client.set(Some(c.id()));
            c.on_connect(move |c| up(c.event_loop()));
        })
        .unwrap();
    }
);

row!(
    net_server_reset,
    [
        "2 clients: close Some(true)",
        "2 clients: error ECONNRESET",
        "1 server: close",
        "2 sockets: close Some(false)",
    ],
    |t, l| {
        let (accepted, told) = (shared(Vec::new()), shared(Vec::new()));
        let tell = move |what: String| {
            let mut all = told.take();
            all.push(what);
            told.set(all);
        };
        l.create_server(move |c| {
            c.resume()
                .on_close(move |_, had_error| tell(format!("sockets: close {had_error:?}")));
            let mut all = accepted.take();
            all.push(c.id());
            if all.len() == 2 {
                close_server(c);
                for id in all {
                    c.event_loop().socket_at(id).reset_and_destroy().unwrap();
                }
            } else {
                accepted.set(all);
            }
        })
        .on_close(move |_| tell("server: close".into()))
        .listen((HOST, 0), move |s| {
            for _ in 0..2 {
                connect(s)
                    .resume()
                    .on_error(move |_, error| {
                        tell(format!("clients: error {}", error.code().unwrap()));
                    })
                    .on_close(move |_, had_error| tell(format!("clients: close {had_error:?}")));
            }
        })
        .unwrap();
        t.run(l);
        let mut all = told.take();
        all.sort_unstable();
        for same in all.chunk_by(|one, other| one == other) {
            t.log(format!("{} {}", same.len(), same[0]));
        }
    }
);
