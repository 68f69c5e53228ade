//! `server-*`: servers.

use netloop::{Error, ListenOptions, Server, Socket};

use crate::story::*;

fn close_told(
    t: &'static Story,
    name: &'static str,
) -> impl FnOnce(&mut Server<'_>, Result<(), Error>) {
    move |_, result| t.log(format!("server {name} {}", no_error(&result)))
}

fn no_error(result: &Result<(), Error>) -> &'static str {
    result
        .as_ref()
        .map_or_else(|error| error.code().unwrap(), |()| "no-error")
}

twin!(server_accept_batch, |t, l| {
    let order = shared(Vec::new());
    l.create_server(move |c| {
        c.once_data(move |_, chunk| {
            let mut all = order.take();
            all.push(String::from_utf8_lossy(chunk).into_owned());
            if all.len() == 10 {
                t.log(format!("order {}", all.join(" ")));
            }
            order.set(all);
        })
        .on_end(move |c| {
            c.end();
        })
        .resume();
    })
    .listen((HOST, 0), move |s| {
        let (server, left) = (s.id(), shared(10));
        for index in 0..10 {
            let mut c = connect(s);
            c.end_with(index.to_string())
                .resume()
                .on_close(move |c, _| {
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        t.log("all-closed");
                        c.event_loop().server_at(server).close();
                    }
                });
        }
    })
    .unwrap();
});

fn show(s: &Server<'_>, path: &std::path::Path) -> String {
    match (s.address(), s.path()) {
        (Some(address), _) => {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            let ip = address.ip();
            format!(r#"{{"address":"{ip}","family":"{family}","port":"number"}}"#)
        }
        (None, Some(known)) if known == path => "PATH".into(),
        (None, _) => "null".into(),
    }
}

twin!(server_address, |t, l| {
    let path = t.sock_path("s");
    let [s4, s6, sa, su] = [(); 4].map(|()| l.create_server(|_| {}).id());
    t.log(format!("unlistened {}", show(&l.server_at(s4), &path)));
    let log = move |name: &str, s: &Server<'_>| t.log(format!("{name} {}", show(s, &path)));
    let path = t.sock_path("s");
    let unix = {
        let log = log.clone();
        move |s: &mut Server<'_>| {
            let log = log.clone();
            s.event_loop()
                .server_at(su)
                .listen(&path, move |s| {
                    log("unix", s);
                    s.close();
                    log("unix-closed", s);
                })
                .unwrap();
        }
    };
    let any = {
        let log = log.clone();
        move |s: &mut Server<'_>| {
            s.event_loop()
                .server_at(sa)
                .listen((), move |s| {
                    log("any", s);
                    s.close();
                    unix(s);
                })
                .unwrap();
        }
    };
    let six = {
        let log = log.clone();
        move |s: &mut Server<'_>| {
            s.event_loop()
                .server_at(s6)
                .listen(("::1", 0), move |s| {
                    log("v6", s);
                    s.close();
                    any(s);
                })
                .unwrap();
        }
    };
    l.server_at(s4)
        .listen((HOST, 0), move |s| {
            log("v4", s);
            s.close();
            log("v4-closed", s);
            six(s);
        })
        .unwrap();
});

twin!(server_close_before_listening_host, |t, l| {
    let mut s = l.create_server(move |_| {});
    let server = s.id();
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |_| t.log("server listen-callback"))
        .unwrap()
        .close_then(close_told(t, "close-callback"));
    l.set_immediate(move |l| {
        let listening = l.server_at(server).is_listening();
        t.log(format!("main immediate listening={listening}"));
    });
});

twin!(server_close_before_listening, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((), move |_| t.log("server listen-callback"))
        .unwrap()
        .close_then(move |_, _| t.log("server close-callback"));
    t.log(format!("main listening={}", s.is_listening()));
});

twin!(server_close_in_connection, |t, l| {
    l.create_server(move |c| {
        t.log("server connection");
        c.resume();
        close_server_telling(t, c);
    })
    .listen((HOST, 0), move |s| {
        let a = watch(t, "a", &mut connect(s), "connect error close")
            .resume()
            .id();
        watch(t, "b", &mut connect(s), "connect error close")
            .resume()
            .on_close(move |c, _| {
                c.event_loop().socket_at(a).end();
            });
    })
    .unwrap();
});

twin!(server_close_not_running_nocb, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s).close();
    t.log("main returns-this=true");
});

twin!(server_close_open_connection, |t, l| {
    let client = shared(None);
    let mut s = l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        let server = c.server().unwrap();
        let mut s = c.event_loop().server_at(server);
        s.close_then(move |_, _| t.log("server close-callback"));
        t.log(format!("server after-close listening={}", s.is_listening()));
        s.get_connections(move |_, count| t.log(format!("server connections {count}")));
        s.event_loop().set_timeout(ms(20), move |l| {
            t.log("main end-client");
            l.socket_at(client.get().unwrap()).end();
        });
    });
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            let id = watch(t, "client", &mut connect(s), DEFAULT).id();
            client.set(Some(id));
        })
        .unwrap();
});

twin!(server_close_refuses, |t, l| {
    let mut s = l.create_server(move |c| {
        c.resume();
    });
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |s| {
            let (server, port) = (s.id(), s.port().unwrap());
            connect(s).on_connect(move |a| {
                let a_id = a.id();
                a.event_loop().set_immediate(move |l| {
                    l.server_at(server).close();
                    let mut b = l.connect((HOST, port), move |_| {}).unwrap();
                    watch(t, "late", &mut b, DEFAULT).on_close(move |c, _| {
                        let mut a = c.event_loop().socket_at(a_id);
                        t.log(format!("main a-still-open readyState={}", a.ready_state()));
                        a.end().resume();
                    });
                });
            });
        })
        .unwrap();
});

twin!(server_close_relisten_swallow, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            s.close_then(move |s, result| {
                let (code, listening) = (no_error(&result), s.is_listening());
                t.log(format!(
                    "server close-callback {code} listening={listening}"
                ));
            });
            s.listen((), move |s| {
                t.log("server second-up");
                let server = s.id();
                s.event_loop().set_immediate(move |l| {
                    l.server_at(server).close();
                });
            })
            .unwrap();
            t.log(format!("main sync listening={}", s.is_listening()));
        })
        .unwrap();
});

twin!(server_close_twice_with_connection, |t, l| {
    let mut s = l.create_server(move |c| {
        let server = c.server().unwrap();
        c.event_loop()
            .server_at(server)
            .close_then(close_told(t, "callback-1"))
            .close_then(close_told(t, "callback-2"));
        let id = c.id();
        c.event_loop().set_immediate(move |l| {
            l.socket_at(id).destroy();
        });
    });
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            connect(s).resume();
        })
        .unwrap();
});

twin!(server_close_twice, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            s.close_then(close_told(t, "callback-1"))
                .close_then(close_told(t, "callback-2"));
        })
        .unwrap();
});

twin!(server_eaddrinuse_nohost, |t, l| {
    l.create_server(move |_| {})
        .listen((), move |s| {
            let (a, port) = (s.id(), s.port().unwrap());
            let mut b = s.event_loop().create_server(move |_| {});
            b.on_error(move |s, e| {
                let message = e.to_string().replace(&port.to_string(), "PORT");
                let (address, error) = (e.address().unwrap(), errs(e));
                t.log(format!("b error {error} {address} {message}"));
                s.event_loop().server_at(a).close();
            });
            b.listen(port, move |_| {}).unwrap();
            s.event_loop()
                .next_tick(move |_| t.log("main nextTick-after-listen"));
        })
        .unwrap();
});

twin!(server_eaddrinuse_unix, Real::Files, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |_| {})
        .listen(path.clone(), move |s| {
            let a = s.id();
            let mut b = s.event_loop().create_server(move |_| {});
            let place = path.clone();
            watch_server(t, "b", &mut b)
                .on_error(move |s, e| {
                    let at = place.to_string_lossy();
                    let message = e.to_string().replace(&*at, "PATH");
                    let (errno, port) = (e.errno().unwrap(), e.port().unwrap());
                    let same = e.address() == Some(&*at);
                    t.log(format!("b props {errno} {same} {port} {message}"));
                    let path = place.clone();
                    s.event_loop().server_at(a).close_then(move |s, _| {
                        std::fs::write(&path, "").unwrap();
                        let mut c = s.event_loop().create_server(move |_| {});
                        watch_server(t, "c", &mut c)
                            .listen(&path, move |_| {})
                            .unwrap();
                    });
                })
                .listen(&path, move |_| {})
                .unwrap();
        })
        .unwrap();
});

twin!(server_eaddrnotavail, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .on_error(move |_, error| t.log(format!("server message {error}")))
        .listen(("203.0.113.7", 0), move |_| {})
        .unwrap();
});

twin!(server_eof_then_new_connection, |t, l| {
    l.create_server(move |c| {
        c.end_with("bye").resume();
    })
    .listen((HOST, 0), move |s| {
        let server = s.id();
        next_client(t, (s.event_loop(), server), 1);
    })
    .unwrap();
});

fn next_client(t: &'static Story, (l, server): (&mut netloop::Loop, netloop::ServerId), n: u32) {
    let mut s = l.server_at(server);
    if n > 3 {
        s.get_connections(move |s, count| {
            t.log(format!("connections {count}"));
            s.close_then(move |_, _| t.log("server close"));
        });
        return;
    }
    connect(&mut s)
        .on_data(move |_, chunk| {
            t.log(format!(
                "client {n} data {}",
                String::from_utf8_lossy(chunk)
            ));
        })
        .on_close(move |c, _| {
            t.log(format!("client {n} close"));
            c.event_loop()
                .set_timeout(ms(10), move |l| next_client(t, (l, server), n + 1));
        });
}

twin!(server_error_unhandled, |t, l| {
    let a = l.create_server(move |_| {}).id();
    t.on_uncaught(move |l, thrown| {
        let Thrown::Error(error) = thrown else {
            panic!("nothing panics")
        };
        let code = error.code().unwrap();
        t.log(format!(
            "process uncaughtException {code} uncaughtException"
        ));
        l.server_at(a).close();
    });
    l.server_at(a)
        .listen((HOST, 0), move |s| {
            let port = s.port().unwrap();
            s.event_loop()
                .create_server(move |_| {})
                .listen((HOST, port), move |_| {})
                .unwrap();
        })
        .unwrap();
});

twin!(server_ipv6only, |t, l| {
    l.create_server(move |c| {
        c.end().resume();
    })
    .listen(ListenOptions::from(("::", 0)).ipv6_only(true), move |s| {
        let (server, port) = (s.id(), s.port().unwrap());
        connect(s).on_error(move |c, error| {
            t.log(format!("v4 {}", error.code().unwrap()));
            let connected = move |_: &mut Socket<'_>| t.log("v6 connect");
            let mut c = c.event_loop().connect(("::1", port), connected).unwrap();
            c.resume().on_close(move |c, _| {
                c.event_loop().server_at(server).close();
            });
        });
    })
    .unwrap();
});

twin!(server_listen_after_close, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            s.close_then(move |s, _| {
                t.log(format!(
                    "server close-callback listening={}",
                    s.is_listening()
                ));
            });
            s.listen((), move |s| {
                t.log(format!("server listening-2 {}", s.is_listening()));
                s.close_then(move |_, _| t.log("server close-callback-2"));
            })
            .unwrap();
        })
        .unwrap();
});

twin!(server_listen_fd, Real::Descriptors, |t, l| {
    l.create_server(move |_| {})
        .listen((HOST, 0), move |s| {
            let (a, port, fd) = (s.id(), s.port(), s.duplicate_fd().unwrap());
            let mut b = s.event_loop().create_server(move |c| {
                c.end_with("from-b").resume();
                close_server(c);
                c.event_loop().server_at(a).close();
            });
            watch_server(t, "b", &mut b)
                .listen(ListenOptions::fd(fd), move |s| {
                    t.log(format!("same-port {}", s.port() == port));
                    watch(t, "client", &mut connect(s), DEFAULT);
                })
                .unwrap();
        })
        .unwrap();
});

twin!(server_listen_port_forms, |t, l| {
    // The script's eight ways to say no port are one way here.
    let left = shared(8);
    for form in 0..8 {
        l.create_server(move |_| {})
            .listen((), move |s| {
                let address = s.address().unwrap();
                let listens = address.port() > 0;
                t.log(format!("form {form} listening {listens} {}", address.ip()));
                s.close_then(move |_, _| {
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        t.log("all closed");
                    }
                });
            })
            .unwrap();
    }
});

twin!(server_listen_twice, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen((), move |s| {
            let error = s.listen((), move |_| t.log("server never")).err().unwrap();
            t.log(format!(
                "server throws {} {}",
                error.code().unwrap(),
                error.name()
            ));
            t.log(format!("server listening={}", s.is_listening()));
            s.close();
        })
        .unwrap();
    let error = s.listen((), move |_| {}).err().unwrap();
    t.log(format!("main throws {} {error}", error.code().unwrap()));
});

twin!(server_maxconnections_unix, |t, l| {
    let path = t.sock_path("s");
    let mut s = l.create_server(move |c| {
        c.resume();
    });
    let server = s.id();
    watch_server(t, "server", &mut s)
        .set_max_connections(Some(1))
        .listen(path.clone(), move |s| {
            let place = path.clone();
            let connected = move |a: &mut Socket<'_>| {
                let id = a.id();
                let mut b = a.event_loop().connect(&place, move |_| {}).unwrap();
                watch(t, "b", &mut b, DEFAULT).on_close(move |c, _| {
                    c.event_loop().socket_at(id).end().resume();
                    c.event_loop().server_at(server).close();
                });
            };
            s.event_loop().connect(&path, connected).unwrap();
        })
        .unwrap();
});

twin!(server_maxconnections, |t, l| {
    let mut s = l.create_server(move |c| {
        c.resume();
    });
    let server = s.id();
    watch_server(t, "server", &mut s)
        .set_max_connections(Some(1))
        .on_drop(move |s, dropped| {
            let (local, remote) = (
                dropped.unwrap().local.unwrap(),
                dropped.unwrap().remote.unwrap(),
            );
            let same = Some(local.port()) == s.port();
            let (local, remote_port) = (local.ip(), remote.port() > 0);
            let remote = remote.ip();
            t.log(format!(
                "drop detail {local} IPv4 {same} {remote} IPv4 {remote_port}"
            ));
        })
        .listen((HOST, 0), move |s| {
            let port = s.port().unwrap();
            let connected = move |a: &mut Socket<'_>| {
                t.log("a connect");
                let a_id = a.id();
                a.event_loop().set_immediate(move |l| {
                    let mut b = l.connect((HOST, port), move |_| {}).unwrap();
                    watch(t, "b", &mut b, DEFAULT).on_close(move |c, _| {
                        c.event_loop()
                            .server_at(server)
                            .get_connections(move |s, count| {
                                t.log(format!("server count {count}"));
                                s.event_loop().socket_at(a_id).end().resume();
                                s.close();
                            });
                    });
                });
            };
            s.event_loop().connect((HOST, port), connected).unwrap();
        })
        .unwrap();
});

twin!(server_port_and_path, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |_| {})
        .listen(ListenOptions::from(0).path(&path), move |s| {
            let kind = if s.address().is_some() {
                "object"
            } else {
                "string"
            };
            t.log(format!("address {kind} {}", path.exists()));
            s.close();
        })
        .unwrap();
});

twin!(server_signal_aborted, |t, l| {
    let signal = l.abort_handle();
    l.abort(signal);
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen(ListenOptions::from(0).signal(signal), move |_| {})
        .unwrap();
    t.log(format!("main after-listen listening={}", s.is_listening()));
});

twin!(server_signal, |t, l| {
    let signal = l.abort_handle();
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen(ListenOptions::from((HOST, 0)).signal(signal), move |s| {
            s.event_loop().abort(signal);
            t.log(format!("main after-abort listening={}", s.is_listening()));
        })
        .unwrap();
});

twin!(server_unix_enoent_dir, Real::Files, |t, l| {
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .on_error(move |s, e| {
            let (error, errno, listening) = (errs(e), e.errno().unwrap(), s.is_listening());
            t.log(format!(
                "server props {error} {errno} listening={listening}"
            ));
        })
        .listen(t.sock_path("no/such/dir"), move |_| {})
        .unwrap();
});

twin!(server_unix_unlink_foreign, Real::Files, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |_| {})
        .listen(path.clone(), move |s| {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "mine").unwrap();
            s.close();
            t.log(format!("main foreign-file-exists={}", path.exists()));
        })
        .unwrap();
});

twin!(server_unix_unlink, Real::Files, |t, l| {
    let path = t.sock_path("s");
    let mut s = l.create_server(move |_| {});
    watch_server(t, "server", &mut s)
        .listen(&path, move |_| {})
        .unwrap();
    let is_socket = {
        use std::os::unix::fs::FileTypeExt;
        std::fs::metadata(&path).unwrap().file_type().is_socket()
    };
    t.log(format!(
        "main after-listen exists={} isSocket={is_socket}",
        path.exists()
    ));
    s.on_listening(move |s| {
        t.log(format!("main exists={}", path.exists()));
        let place = path.clone();
        s.close_then(move |_, _| t.log(format!("main closed exists={}", place.exists())));
        t.log(format!("main after-close exists={}", path.exists()));
    });
});

twin!(server_unref_before_listen, |t, l| {
    let mut s = l.create_server(move |_| {});
    let server = s.id();
    watch_server(t, "server", &mut s)
        .unref()
        .listen((HOST, 0), move |s| {
            s.event_loop()
                .set_timeout(ms(10), move |_| t.log("timer fired"));
        })
        .unwrap();
    t.run(l);
    t.log(format!(
        "process exit listening={}",
        l.server_at(server).is_listening()
    ));
});

twin!(server_unref, |t, l| {
    let mut s = l.create_server(move |_| {});
    let server = s.id();
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |s| {
            s.unref();
            t.log("unref-returns-this true");
        })
        .unwrap();
    t.run(l);
    t.log(format!(
        "process beforeExit listening={}",
        l.server_at(server).is_listening()
    ));
    t.log("process exit 0");
});
