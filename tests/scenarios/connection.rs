//! `connection-*`: connecting, and the order of what both ends see.

use std::io::{Read, Write};
use std::net::TcpListener;

use netloop::{ConnectOptions, Error, Loop, Server, Socket};

use crate::story::*;

twin!(connection_destroy_attempting, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).on_close(move |c, _| close_server(c));
        t.log("server connection");
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, "connectionAttempt connect error close");
        c.on_connection_attempt(move |c, _| {
            let id = c.id();
            c.event_loop().next_tick(move |l| {
                l.socket_at(id).destroy();
                t.log("main destroyed");
            });
        });
    })
    .unwrap();
});

twin!(connection_destroy_immediately, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |s| {
            let server = s.id();
            let mut c = connect(s);
            watch(t, "client", &mut c, "connectionAttempt connect error close");
            c.destroy();
            let (connecting, destroyed) = (c.is_connecting(), c.is_destroyed());
            t.log(format!(
                "main after-destroy {connecting} {destroyed} {}",
                c.ready_state()
            ));
            c.event_loop().next_tick(move |_| t.log("main nextTick"));
            c.event_loop()
                .set_immediate(move |_| t.log("main immediate"));
            c.on_close(move |c, _| {
                c.event_loop().set_timeout(ms(10), move |l| {
                    l.server_at(server).close();
                });
            });
        })
        .unwrap();
});

twin!(connection_events_ip, |t, l| {
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().socket();
        watch(
            t,
            "client",
            &mut c,
            "lookup connectionAttempt connectionAttemptFailed connectionAttemptTimeout connect \
             ready end close",
        );
        c.resume();
        c.event_loop()
            .next_tick(move |_| t.log("main nextTick-before-connect"));
        c.connect((HOST, port), move |c| {
            t.log("client connect-callback");
            c.event_loop()
                .next_tick(move |_| t.log("client nextTick-of-connect"));
        })
        .unwrap();
        let (connecting, pending) = (c.is_connecting(), c.is_pending());
        let state = c.ready_state();
        t.log(format!(
            "main after-connect true connecting={connecting} pending={pending} {state}"
        ));
        c.event_loop()
            .next_tick(move |_| t.log("main nextTick-after-connect"));
    })
    .unwrap();
});

twin!(connection_events_localhost, Real::Names, |t, l| {
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().connect(port, move |_| {}).unwrap();
        watch(
            t,
            "client",
            &mut c,
            "lookup connectionAttempt connect ready close",
        )
        .resume();
    })
    .unwrap();
});

twin!(connection_local_port_in_use, |t, l| {
    l.create_server(move |_| {})
        .listen((HOST, 0), move |s| {
            let (server, port) = (s.id(), s.port().unwrap());
            let options = ConnectOptions::from((HOST, port))
                .local_address(HOST.parse().unwrap())
                .local_port(port);
            let mut c = s.event_loop().connect(options, move |_| {}).unwrap();
            let events = "connectionAttempt connectionAttemptFailed connect error close";
            watch(t, "client", &mut c, events)
                .on_error(move |_, error| {
                    let message = error.to_string().replace(&port.to_string(), "PORT");
                    t.log(format!("message {message}"));
                })
                .on_close(move |c, _| {
                    c.event_loop().server_at(server).close();
                });
        })
        .unwrap();
});

twin!(connection_local_port_shared, |t, l| {
    fn refused(t: &'static Story, l: &mut Loop, port: u16, local: u16) {
        let options = ConnectOptions::from((HOST, port)).local_port(local);
        let mut c = l.connect(options, |_| unreachable!()).unwrap();
        c.on_error(move |c, error| {
            let message = error.to_string();
            let message = message.replace(&format!(":{port} "), ":PORT ");
            let message = message.replace(&format!(":{local})"), ":LOCAL)");
            let (address, is_local) = (error.local_address(), error.local_port() == Some(local));
            t.log(format!("{message} {} {is_local}", address.unwrap()));
            let other = ConnectOptions::from((HOST, port)).local_address("::1".parse().unwrap());
            let mut c = c.event_loop().connect(other, |_| unreachable!()).unwrap();
            c.on_error(move |_, error| {
                let port = error.port().map_or("undefined".into(), |it| it.to_string());
                t.log(format!("{error} {} {port}", error.code().unwrap()));
            });
        });
    }
    let local = |port: u16| ConnectOptions::from((HOST, port)).local_address(HOST.parse().unwrap());
    l.create_server(|c| _ = c.resume())
        .listen((HOST, 0), move |s| {
            let (s, port, l) = (s.id(), s.port().unwrap(), s.event_loop());
            let listening = move |other_server: &mut Server<'_>| {
                let (other, other_port) = (other_server.id(), other_server.port().unwrap());
                let first = move |c: &mut Socket<'_>| {
                    let (first, local_port) = (c.id(), c.local_port().unwrap());
                    let second = move |c: &mut Socket<'_>| {
                        t.log(format!("second {}", c.local_port() == Some(local_port)));
                        let l = c.destroy().event_loop();
                        l.socket_at(first).destroy();
                        for server in [s, other] {
                            l.server_at(server).close();
                        }
                        closed_port(l, move |l, port| refused(t, l, port, local_port));
                    };
                    let options = local(other_port).local_port(local_port);
                    c.event_loop().connect(options, second).unwrap();
                };
                other_server
                    .event_loop()
                    .connect(local(port), first)
                    .unwrap();
            };
            l.create_server(|c| _ = c.resume())
                .listen((HOST, 0), listening)
                .unwrap();
        })
        .unwrap();
});

twin!(connection_address_as_given, |t, l| {
    const ADDRESS: &str = "0:0:0:0:0:0:0:1";
    let log = move |error: &Error, port: u16| {
        let message = error.to_string().replace(&port.to_string(), "PORT");
        t.log(format!("{message} {}", error.address().unwrap()));
    };
    closed_port(l, move |l, port| {
        let mut c = l.connect((ADDRESS, port), |_| unreachable!()).unwrap();
        c.on_connection_attempt(move |_, attempt| {
            let family = attempt.family.unwrap();
            t.log(format!("attempt {} {family}", attempt.address));
        });
        c.on_error(move |c, error| {
            log(error, port);
            let listening = move |s: &mut Server<'_>| {
                let (first, port) = (s.id(), s.port().unwrap());
                let mut second = s.event_loop().create_server(|_| {});
                second.on_error(move |s, error| {
                    log(error, port);
                    s.event_loop().server_at(first).close();
                });
                second.listen((ADDRESS, port), |_| {}).unwrap();
            };
            let mut first = c.event_loop().create_server(|_| {});
            first.listen(("::1", 0), listening).unwrap();
        });
    });
});

twin!(connection_two_servers, |t, l| {
    let closing = shared(0);
    let servers = ["first", "second"].map(|name| {
        let server = l.create_server(move |c| {
            t.log(format!("{name} server"));
            c.end().resume();
            count_up(closing);
        });
        server.id()
    });
    let begin = move |l: &mut Loop| {
        for (n, id) in servers.into_iter().enumerate() {
            let connected = move |_: &mut Socket<'_>| t.log(format!("client {n}"));
            let port = l.server_at(id).port().unwrap();
            l.connect((HOST, port), connected).unwrap().resume();
            l.server_at(id).on_connection(move |c| {
                if closing.get() == 2 {
                    for id in servers {
                        c.event_loop().server_at(id).close();
                    }
                }
            });
        }
    };
    let listening = move |s: &mut Server<'_>| {
        let listening = move |s: &mut Server<'_>| _ = s.event_loop().set_immediate(begin);
        let mut second = s.event_loop().server_at(servers[1]);
        second.listen((HOST, 0), listening).unwrap();
    };
    let mut first = l.server_at(servers[0]);
    first.listen((HOST, 0), listening).unwrap();
});

twin!(connection_order_child, Real::Threads, |t, l| {
    t.go_by_the_clock(l);
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let child = std::thread::spawn(move || {
        let (mut c, _) = listener.accept().unwrap();
        c.write_all(b"Welcome").unwrap();
        c.shutdown(std::net::Shutdown::Write).unwrap();
        c.read_to_end(&mut Vec::new()).unwrap();
    });
    watch(
        t,
        "client",
        &mut l.connect((HOST, port), move |_| {}).unwrap(),
        DEFAULT,
    );
    t.run(l);
    child.join().unwrap();
});

twin!(connection_order, |t, l| {
    l.create_server(move |c| {
        t.log("server connection");
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let connected = move |_: &mut netloop::Socket<'_>| t.log("client connect-callback");
        let mut c = s.event_loop().connect((HOST, port), connected).unwrap();
        watch(t, "client", &mut c, "connect ready").resume();
    })
    .unwrap();
});

twin!(connection_order_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |c| {
        t.log("server connection");
        c.end().resume();
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let connected = move |_: &mut netloop::Socket<'_>| t.log("client connect-callback");
        let mut c = s.event_loop().connect(&path, connected).unwrap();
        watch(t, "client", &mut c, "connect ready").resume();
    })
    .unwrap();
});

twin!(connection_reconnect, |t, l| {
    let n = shared(0);
    l.create_server(move |c| {
        let text = format!("n{}", count_up(n));
        c.end_with(text).resume();
    })
    .listen((HOST, 0), move |s| {
        let (server, port) = (s.id(), s.port().unwrap());
        let mut c = s.event_loop().socket();
        watch(t, "client", &mut c, DEFAULT).on_close(move |c, _| {
            t.log(format!("client bytesRead={}", c.bytes_read()));
            if n.get() < 2 {
                c.connect((HOST, port), move |_| {}).unwrap();
                let (destroyed, state) = (c.is_destroyed(), c.ready_state());
                t.log(format!("client reconnecting destroyed={destroyed} {state}"));
            } else {
                c.event_loop().server_at(server).close();
            }
        });
        c.connect((HOST, port), move |_| {}).unwrap();
    })
    .unwrap();
});

fn welcome_end(t: &'static Story, c: &mut netloop::Socket<'_>) {
    watch(t, "client", c, DEFAULT)
        .on_data(move |c, _| {
            c.event_loop()
                .set_immediate(move |_| t.log("client immediate-of-data"));
        })
        .on_end(move |c| {
            c.event_loop()
                .set_immediate(move |_| t.log("client immediate-of-end"));
        });
}

twin!(connection_welcome_end, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).end_with("Welcome");
        close_server(c);
    })
    .listen((HOST, 0), move |s| welcome_end(t, &mut connect(s)))
    .unwrap();
});

twin!(connection_welcome_end_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).end_with("Welcome");
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        welcome_end(t, &mut s.event_loop().connect(&path, move |_| {}).unwrap());
    })
    .unwrap();
});

twin!(connection_welcome, |t, l| {
    l.create_server(move |c| {
        t.log("server connection");
        t.log(format!("server write-returns {}", c.write("Welcome")));
        c.on_end(move |_| t.log("peer end"))
            .on_close(move |c, _| {
                t.log("peer close");
                close_server(c);
            })
            .resume();
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, DEFAULT)
            .on_connect(move |c| {
                c.event_loop()
                    .set_immediate(move |_| t.log("client immediate-of-connect"));
            })
            .on_data(move |c, _| {
                c.event_loop()
                    .set_immediate(move |_| t.log("client immediate-of-data"));
                c.end();
            });
    })
    .unwrap();
});

twin!(connection_local_address, |t, l| {
    l.create_server(move |c| {
        t.log(format!("peer remote {}", c.remote_address().unwrap()));
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let options = ConnectOptions::from((HOST, s.port().unwrap()))
            .local_address("127.0.0.3".parse().unwrap());
        let told = move |c: &mut Socket<'_>| {
            t.log(format!("client local {}", c.local_address().unwrap()));
        };
        s.event_loop().connect(options, told).unwrap().resume();
    })
    .unwrap();
});

twin!(connection_three_clients, |t, l| {
    let n = shared(0);
    l.create_server(move |c| {
        t.log(format!("server connection {}", count_up(n)));
        c.end().resume();
        if n.get() == 3 {
            close_server(c);
        }
    })
    .listen((HOST, 0), move |s| {
        for who in ["a", "b", "c"] {
            connect(s)
                .on_connect(move |_| t.log(format!("{who} connect")))
                .resume();
        }
    })
    .unwrap();
});
