//! `timeout-*`: a socket on which nothing happens.

use std::time::Duration;

use netloop::{ConnectOptions, Error, EventLoop, Loop, Server, ServerOptions, Socket};

use crate::peers::new_loop;
use crate::story::*;

fn resuming(c: &mut Socket<'_>) {
    c.resume();
    close_server(c);
}

twin!(timeout_activity, |t, l| {
    l.create_server(move |c| {
        let id = c.id();
        c.pipe(id);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let start = s.event_loop().now();
        let n = shared(0);
        let mut c = connect(s);
        c.resume();
        c.set_timeout_once(ms(100), move |c| {
            let (all, late) = (n.get() == 5, c.event_loop().now() - start >= 295);
            t.log(format!(
                "client timeout after-all-writes={all} late-enough={late}"
            ));
            c.end();
        });
        c.set_interval(ms(40), move |c| {
            c.write("x");
            if count_up(n) == 5 {
                let this = c.event_loop().current_timer().unwrap();
                c.event_loop().clear_interval(this);
            }
        });
        c.on_close(move |_, _| t.log("client close"));
    })
    .unwrap();
});

twin!(timeout_after_destroy, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            watch(t, "client", &mut c, "timeout close").set_timeout(ms(400));
            c.on_connect(move |c| {
                c.destroy().set_timeout(ms(10));
                let timeout = c.timeout().unwrap();
                c.event_loop().set_timeout(ms(550), move |_| {
                    t.log(format!("main quiet timeout={}", timeout.as_millis()));
                });
            });
        })
        .unwrap();
});

twin!(timeout_basic, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "timeout end close")
                .on_connect(move |c| {
                    c.set_timeout(ms(30));
                    let timeout = c.timeout().unwrap().as_millis();
                    t.log(format!("returns-this true timeout={timeout}"));
                    let id = c.id();
                    c.event_loop().set_timeout(ms(150), move |l| {
                        let mut c = l.socket_at(id);
                        let (state, destroyed) = (c.ready_state(), c.is_destroyed());
                        t.log(format!("main state {state} destroyed={destroyed}"));
                        c.end();
                    });
                })
                .resume();
        })
        .unwrap();
});

twin!(timeout_callback, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            let n = shared(0);
            let mut c = connect(s);
            c.set_timeout_once(ms(30), move |_| t.log("client timeout-callback"))
                .on_timeout(move |c| {
                    t.log(format!("client timeout {}", count_up(n)));
                    if n.get() < 3 {
                        c.write("x");
                    } else {
                        c.end();
                    }
                })
                .on_close(move |_, _| t.log("client close"))
                .resume();
        })
        .unwrap();
});

twin!(timeout_connecting, |t, l| {
    let lookup = move |l: &mut Loop, request: netloop::LookupRequest| {
        l.set_timeout(ms(200), move |l| {
            l.answer_lookup(request.id, Err(Error::new("late")));
        });
    };
    let options = ConnectOptions::from(("slow.test", 1))
        .timeout(ms(30))
        .lookup(lookup);
    let mut c = l.connect(options, move |_| {}).unwrap();
    watch(t, "client", &mut c, "lookup timeout error close").on_timeout(move |c| {
        t.log(format!("state {}", c.ready_state()));
        c.destroy();
    });
});

twin!(timeout_read_only, |t, l| {
    l.create_server(move |c| {
        let n = shared(0);
        c.set_interval(ms(40), move |c| {
            c.write("x");
            if count_up(n) == 5 {
                let this = c.event_loop().current_timer().unwrap();
                c.event_loop().clear_interval(this);
            }
        });
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        let n = shared(0);
        connect(s)
            .on_data(move |_, chunk| n.set(n.get() + chunk.len()))
            .set_timeout_once(ms(150), move |c| {
                t.log(format!("client timeout received={}", n.get()));
                c.end();
            });
    })
    .unwrap();
});

twin!(timeout_unref, |t, l| {
    l.socket().set_timeout_once(ms(50), move |_| t.log("never"));
    t.run(l);
    t.log("process exit");
});

twin!(timeout_large_write, |t, l| {
    let peer = shared(None);
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        peer.set(Some(c.id()));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let n = shared(0);
        connect(s)
            .on_connect(move |c| {
                c.set_timeout(ms(60));
                c.write_then(vec![0; 16 << 20], move |_, _| t.log("client written"));
            })
            .resume()
            .on_timeout(move |c| {
                let owes = c.writable_length() > 0;
                t.log(format!("client timeout {} {owes}", count_up(n)));
                if n.get() == 1 {
                    c.event_loop().socket_at(peer.get().unwrap()).resume();
                } else {
                    c.end();
                }
            })
            .on_close(move |_, e| t.log(format!("client close {}", e.unwrap())));
    })
    .unwrap();
});

twin!(timeout_behind_write, |t, l| {
    fn play(t: &'static Story, server: &mut Server<'_>, before: bool) {
        let name = if before { "before" } else { "behind" };
        let id = server.id();
        connect(server)
            .on_connect(move |c| {
                if before {
                    c.set_timeout(ms(120));
                }
                c.write(vec![0; 16 << 20]);
                if !before {
                    c.set_timeout(ms(120));
                }
                c.event_loop()
                    .set_timeout(ms(180), move |_| t.log(format!("{name} later")));
            })
            .on_timeout(move |c| {
                let owes = c.writable_length() > 0;
                t.log(format!("{name} timeout {owes}"));
                c.destroy();
                let mut server = c.event_loop().server_at(id);
                if before {
                    play(t, &mut server, false);
                } else {
                    for peer in server.close().sockets() {
                        server.event_loop().socket_at(peer).destroy();
                    }
                }
            });
    }
    let options = ServerOptions::default().pause_on_connect(true);
    l.create_server_with(options, |c| _ = c.on_error(|_, _| {}))
        .listen((HOST, 0), move |s| play(t, s, true))
        .unwrap();
});

twin!(timeout_second_life, |t, l| {
    l.create_server(|c| _ = c.on_error(|_, _| {}).resume())
        .listen((HOST, 0), move |s| {
            let (server, port) = (s.id(), s.port().unwrap());
            connect(s)
                .once_connect(|c| _ = c.set_timeout(ms(40)).destroy())
                .on_timeout(move |_| t.log("timeout"))
                .once_close(move |c, _| {
                    let again = move |c: &mut Socket<'_>| {
                        let timeout = c.timeout().unwrap().as_millis();
                        t.log(format!("again {timeout}"));
                        let id = c.id();
                        c.event_loop().set_timeout(ms(100), move |l| {
                            l.socket_at(id).destroy();
                            l.server_at(server).close();
                        });
                    };
                    c.connect((HOST, port), again).unwrap();
                });
        })
        .unwrap();
});

twin!(timeout_option, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            let options = ConnectOptions::from((HOST, s.port().unwrap())).timeout(ms(40));
            let mut c = s.event_loop().connect(options, |_| {}).unwrap();
            t.log(format!(
                "client timeout {}",
                c.timeout().unwrap().as_millis()
            ));
            watch(t, "client", &mut c, "connect timeout end close")
                .resume()
                .on_timeout(|c| _ = c.end());
        })
        .unwrap();
});

twin!(timeout_server_socket, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c.set_timeout(ms(30)), "timeout end finish close")
            .resume()
            .on_timeout(|c| _ = c.end_with("too slow"));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "data end close");
    })
    .unwrap();
});

/// What of `timeout-disable.js` is not about the identity of a listener.
#[test]
fn a_timeout_of_zero_turns_it_off_and_adds_no_listener() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(resuming)
            .listen((HOST, 0), move |s| {
                let mut c = connect(s);
                c.resume()
                    .set_timeout(ms(20))
                    .set_timeout_once(ms(0), move |_| t.log("client never"));
                t.log(format!("timeout={}", c.timeout().unwrap().as_millis()));
                let id = c.id();
                c.event_loop().set_timeout(ms(80), move |l| {
                    t.log("main no-timeout-happened");
                    let mut c = l.socket_at(id);
                    c.set_timeout(ms(20)).on_timeout(move |c| {
                        t.log("client timeout");
                        c.end();
                    });
                });
                c.on_timeout(move |_| t.log("client any-timeout"));
            })
            .unwrap();
    };
    check_text(
        "a timeout of zero",
        "timeout=0\n\
         main no-timeout-happened\n\
         client any-timeout\n\
         client timeout\n",
        play,
    );
}

#[test]
fn a_timeout_set_after_destroy_adds_no_listener_for_the_next_life() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.resume();
        })
        .listen((HOST, 0), move |s| {
            let (server, port) = (s.id(), s.port().unwrap());
            connect(s)
                .once_connect(move |c| {
                    c.destroy()
                        .set_timeout_once(ms(20), move |_| t.log("client never"));
                })
                .once_close(move |c, _| {
                    t.log("client close");
                    c.connect((HOST, port), |_| {}).unwrap();
                    c.set_timeout_once(ms(20), move |c| {
                        t.log("client timeout");
                        c.destroy();
                        c.event_loop().server_at(server).close();
                    });
                });
        })
        .unwrap();
    };
    let expected = "client close\nclient timeout\n";
    check_text("a timeout set after destroy", expected, play);
}

/// What of `timeout-bad-args.js` is a duration: one above 2^31-1 ms is cut, not forgotten, and reads
/// back as it was given.
#[test]
fn an_idle_timeout_above_the_longest_is_cut_and_tells_what_was_asked() {
    let mut l = new_loop();
    let fired = shared(false);
    let mut c = l.socket();
    let told = c
        .set_timeout_once(Duration::MAX, move |_| fired.set(true))
        .timeout();
    assert_eq!(told, Some(Duration::MAX));
    l.set_timeout(ms(5), |_| {});
    l.run().unwrap();
    assert!(!fired.get());
}
