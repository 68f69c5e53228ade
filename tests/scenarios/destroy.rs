//! `destroy-*`: ending at once.

use netloop::{Error, ServerOptions, Socket};

use crate::story::*;

/// Once more around, as `setImmediate(() => setImmediate(…))`.
fn after_two_immediates(c: &mut Socket<'_>, then: impl FnOnce(&mut Socket<'_>) + 'static) {
    let id = c.id();
    c.event_loop().set_immediate(move |l| {
        l.set_immediate(move |l| then(&mut l.socket_at(id)));
    });
}

twin!(destroy_basic, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            after_two_immediates(c, move |c| {
                c.destroy();
                let (destroyed, state, closed) = (c.is_destroyed(), c.ready_state(), c.is_closed());
                t.log(format!(
                    "main returns-this=true destroyed={destroyed} {state} closed={closed}"
                ));
                markers(t, c.event_loop(), "main");
            });
        });
    })
    .unwrap();
});

twin!(destroy_close_event_once, |t, l| {
    let n = shared(0);
    l.create_server(move |c| {
        let k = shared(0);
        c.on_error(move |_, _| {})
            .on_close(move |c, _| {
                count_up(k);
                let server = c.server().unwrap();
                c.event_loop().set_timeout(ms(30), move |l| {
                    t.log(format!("peer closes {}", k.get()));
                    if count_up(n) == 3 {
                        l.server_at(server).close();
                    }
                });
            })
            .resume();
    })
    .listen((HOST, 0), move |s| {
        let ways: [fn(&mut Socket<'_>); 3] = [
            |c| {
                _ = c.end();
            },
            |c| {
                _ = c.destroy_with(Error::new("x"));
            },
            |c| {
                _ = c.reset_and_destroy();
            },
        ];
        for way in ways {
            let (k, e) = (shared(0), shared(0));
            let mut c = connect(s);
            c.on_connect(move |c| {
                way(c);
                c.destroy().end();
            })
            .on_error(move |_, _| {
                count_up(e);
            })
            .on_close(move |c, _| {
                count_up(k);
                c.event_loop().set_timeout(ms(30), move |_| {
                    t.log(format!(
                        "client closes {} errors<=1 {}",
                        k.get(),
                        e.get() <= 1
                    ));
                });
            })
            .resume();
        }
    })
    .unwrap();
});

twin!(destroy_close_vs_others, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                let id = c.id();
                c.event_loop().set_timeout(ms(10), move |l| {
                    let mut c = l.socket_at(id);
                    c.on_close(move |c, _| {
                        t.log("client close");
                        markers(t, c.event_loop(), "close");
                    });
                    c.destroy();
                    l.next_tick(move |_| t.log("main nextTick"));
                    l.set_immediate(move |_| t.log("main immediate"));
                });
            })
            .resume();
    })
    .unwrap();
});

twin!(destroy_err_then_plain, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.destroy_with(Error::new("first"))
                .destroy()
                .destroy_with(Error::new("second"));
        });
    })
    .unwrap();
});

twin!(destroy_err, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            after_two_immediates(c, move |c| {
                c.destroy_with(Error::new("boom"));
                t.log(format!(
                    "main after-destroy errored={}",
                    c.errored().unwrap()
                ));
                markers(t, c.event_loop(), "main");
            });
        });
    })
    .unwrap();
});

twin!(destroy_in_data, |t, l| {
    l.create_server(move |c| {
        c.write("one");
        let id = c.id();
        c.event_loop().set_timeout(ms(120), move |l| {
            l.socket_at(id).end_with("two");
        });
        c.on_error(move |_, error| t.log(format!("peer error {}", error.code().unwrap())));
        close_server(c);
        c.resume();
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_data(move |c, _| {
            c.destroy();
            t.log("client destroyed");
        });
    })
    .unwrap();
});

twin!(destroy_in_io, |t, l| {
    l.create_server(move |c| {
        c.write("x");
        c.on_error(move |_, _| {}).resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "error close").on_data(move |c, _| {
            c.destroy_with(Error::new("boom"));
            c.event_loop().next_tick(move |_| t.log("main nextTick"));
            c.event_loop()
                .set_immediate(move |_| t.log("main immediate"));
        });
    })
    .unwrap();
});

twin!(destroy_peer_mid_write, |t, l| {
    let path = t.sock_path("s");
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        let id = c.id();
        c.event_loop().set_timeout(ms(30), move |l| {
            l.socket_at(id).destroy();
        });
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let mut c = s.event_loop().connect(&path, move |_| {}).unwrap();
        watch(t, "client", &mut c, "connect end finish close")
            .on_error(move |_, error| {
                let code = ["EPIPE", "ECONNRESET"].contains(&error.code().unwrap());
                let syscall = ["read", "write"].contains(&error.syscall().unwrap());
                t.log(format!("client error {code} {syscall}"));
            })
            .on_connect(move |c| {
                let told = move |name: &'static str| {
                    move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                        t.log(format!(
                            "{name} {}",
                            result.map_or("error", move |()| "null")
                        ));
                    }
                };
                c.write_then(vec![0; 8 << 20], told("cb-1"));
                c.write_then("x", told("cb-2"));
            });
    })
    .unwrap();
});

twin!(destroy_twice, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.destroy().destroy_with(Error::new("ignored"));
        });
    })
    .unwrap();
});

twin!(destroy_with_unread, |t, l| {
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        close_server(c);
        let id = c.id();
        c.event_loop().set_timeout(ms(20), move |l| {
            let mut c = l.socket_at(id);
            t.log(format!(
                "peer destroy readableLength={}",
                c.readable_length()
            ));
            c.destroy();
        });
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.write("unread");
        });
    })
    .unwrap();
});

twin!(destroy_no_handle, |t, l| {
    let mut a = l.socket();
    watch(t, "plain", &mut a, DEFAULT).destroy();
    let (destroyed, state) = (a.is_destroyed(), a.ready_state());
    t.log(format!("plain destroyed {destroyed} {state}"));
    watch(t, "failed", &mut l.socket(), DEFAULT).destroy_with(Error::new("mine"));
    markers(t, l, "main");
});

twin!(destroy_two_lifo, |t, l| {
    let peers = shared(Vec::new());
    l.create_server(move |c| {
        let mut all = peers.take();
        let index = all.len();
        c.resume()
            .on_close(move |_, _| t.log(format!("peer close {index}")));
        all.push(c.id());
        if all.len() < 3 {
            return peers.set(all);
        }
        close_server(c);
        for id in all {
            c.event_loop().socket_at(id).destroy();
        }
    })
    .listen((HOST, 0), move |s| {
        for _ in 0..3 {
            connect(s).resume();
        }
    })
    .unwrap();
});

twin!(destroysoon, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        let got = shared(0);
        c.on_data(move |_, chunk| got.set(got.get() + chunk.len()))
            .on_end(move |c| {
                t.log(format!("peer end {}", got.get()));
                c.end();
            });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "end finish error close")
            .resume()
            .on_connect(move |c| {
                c.write_then(vec![0; 8 << 20], move |_, _| t.log("client cb"));
                c.destroy_soon();
                let (destroyed, writable) = (c.is_destroyed(), c.is_writable());
                t.log(format!(
                    "client after {destroyed} {writable} {}",
                    c.ready_state()
                ));
            });
    })
    .unwrap();
});

twin!(destroysoon_idle, |t, l| {
    l.create_server(|c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(
            t,
            "client",
            &mut connect(s),
            "prefinish end finish error close",
        )
        .resume()
        .on_connect(move |c| {
            c.destroy_soon().destroy_soon();
            let (destroyed, state) = (c.is_destroyed(), c.ready_state());
            t.log(format!("client after {destroyed} {state}"));
            markers(t, c.event_loop(), "main");
        });
    })
    .unwrap();
});
