//! `server-*`: listening, and the places listened at.

use std::os::unix::fs::PermissionsExt;

use netloop::{ListenOptions, Loop, Server};

use crate::story::*;

fn place(s: &Server<'_>) -> String {
    s.address()
        .map_or("null".into(), |address| address.ip().to_string())
}

twin!(server_close_not_running, |t, l| {
    let mut s = l.create_server(|_| {});
    s.on_close(move |_| t.log("server close"))
        .close_then(move |_, result| {
            let error = result.unwrap_err();
            t.log(format!("cb {} {error}", error.code().unwrap()));
        });
    l.next_tick(move |_| t.log("main nextTick"));
    l.queue_microtask(move |_| t.log("main microtask"));
});

twin!(server_close_from_socket_close, |t, l| {
    l.create_server(move |c| {
        c.resume().on_close(move |c, _| {
            t.log("peer close");
            close_server_telling(t, c);
            markers(t, c.event_loop(), "main");
        });
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(|c| _ = c.end()).resume();
    })
    .unwrap();
});

twin!(listen_bad_acts, |t, l| {
    fn bad(t: &'static Story, s: &mut Server<'_>, word: &'static str) {
        let refused = s.listen("70000", move |_| t.log(word)).err().unwrap();
        t.log(refused.code().unwrap());
    }
    let mut s = l.create_server(|_| {});
    bad(t, &mut s, "first");
    let second = move |s: &mut Server<'_>| {
        t.log("second");
        s.close();
    };
    s.listen((HOST, 0), second).unwrap();
    let mut s = l.create_server(|_| {});
    s.listen((HOST, 0), move |_| t.log("never")).unwrap();
    bad(t, &mut s, "neither");
    s.on_error(move |_, error| t.log(format!("error {}", error.code().unwrap())))
        .on_close(move |_| t.log("close"));
    let id = s.id();
    l.set_timeout(ms(40), move |l| {
        let s = l.server_at(id);
        let address = s.address().map_or("null".into(), |it| it.to_string());
        t.log(format!("listening {} {address}", s.is_listening()));
    });
});

twin!(server_close_order, |t, l| {
    l.create_server(|_| {})
        .listen((HOST, 0), move |s| {
            s.on_close(move |_| t.log("server close"));
            s.event_loop().next_tick(move |_| t.log("main before"));
            s.close_then(move |_, _| t.log("cb"));
            t.log(format!("main listening {} {}", s.is_listening(), place(s)));
            markers(t, s.event_loop(), "main");
        })
        .unwrap();
});

twin!(server_dualstack, |t, l| {
    let n = shared(0);
    l.create_server(move |c| {
        let (remote, local) = (c.remote_address().unwrap(), c.local_address().unwrap());
        let family = c.remote_family().unwrap();
        t.log(format!("peer {remote} {family} {local}"));
        c.end().resume();
        if count_up(n) == 2 {
            close_server(c);
        }
    })
    .listen((), move |s| {
        let (port, family) = (s.port().unwrap(), "IPv6");
        t.log(format!("address {} {family}", place(s)));
        let mut c = s.event_loop().connect((HOST, port), |_| {}).unwrap();
        c.resume().on_close(move |c, _| {
            let mut c = c.event_loop().connect(("::1", port), |_| {}).unwrap();
            c.resume();
        });
    })
    .unwrap();
});

twin!(server_eaddrinuse, |t, l| {
    l.create_server(|_| {})
        .listen((HOST, 0), move |s| {
            let (a, port) = (s.id(), s.port().unwrap());
            let mut b = s.event_loop().create_server(|_| {});
            watch_server(t, "b", &mut b)
                .listen((HOST, port), move |_| t.log("b listen-callback"))
                .unwrap()
                .once_error(move |b, e| {
                    let (code, errno) = (e.code().unwrap(), e.errno().unwrap());
                    let (syscall, address) = (e.syscall().unwrap(), e.address().unwrap());
                    let same = e.port() == Some(port.into());
                    let text = e.to_string().replace(&port.to_string(), "PORT");
                    t.log(format!(
                        "props {code} {errno} {syscall} {address} {same} {text}"
                    ));
                    t.log(format!("b listening {} {}", b.is_listening(), place(b)));
                    b.listen((HOST, 0), move |b| {
                        t.log("b second-callback");
                        b.close();
                        b.event_loop().server_at(a).close();
                    })
                    .unwrap();
                });
            s.event_loop()
                .next_tick(move |l| l.next_tick(move |_| t.log("main tick-of-tick")));
        })
        .unwrap();
});

twin!(server_getconnections, |t, l| {
    fn count(t: &'static Story, l: &mut Loop, s: netloop::ServerId, when: &'static str) {
        l.server_at(s)
            .get_connections(move |_, n| t.log(format!("{when} null {n}")));
    }
    l.create_server(move |c| {
        let s = c.server().unwrap();
        count(t, c.event_loop(), s, "after-accept");
        t.log("sync");
        c.event_loop().next_tick(move |_| t.log("nextTick"));
        c.resume()
            .on_end(move |c| {
                c.destroy();
                count(t, c.event_loop(), s, "after-destroy");
            })
            .on_close(move |c, _| {
                t.log("close");
                c.event_loop().server_at(s).close();
            });
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(|c| _ = c.end()).resume();
    })
    .unwrap();
});

twin!(server_listen_callback_order, |t, l| {
    let mut s = l.create_server(|_| {});
    s.on_listening(move |_| t.log("on-before"))
        .listen((HOST, 0), move |s| {
            t.log("callback");
            s.close();
        })
        .unwrap()
        .on_listening(move |_| t.log("on-after"))
        .once_close(move |s| {
            s.listen((HOST, 0), move |s| {
                t.log("second");
                s.close();
            })
            .unwrap();
        });
});

twin!(server_listen_host_ip, |t, l| {
    let mut s = l.create_server(|_| {});
    let id = s.id();
    s.on_listening(move |s| {
        t.log(format!("listening {}", s.is_listening()));
        s.close();
    });
    s.event_loop().next_tick(move |_| t.log("tick-before"));
    s.listen((HOST, 0), |_| {}).unwrap();
    t.log(format!("sync {} {}", s.is_listening(), place(&s)));
    l.next_tick(move |l| {
        let s = l.server_at(id);
        t.log(format!("tick-after {} {}", s.is_listening(), place(&s)));
    });
    l.queue_microtask(move |_| t.log("microtask"));
});

twin!(server_listen_order, |t, l| {
    let mut s = l.create_server(|_| {});
    s.on_listening(move |s| {
        t.log("listening");
        s.close();
    });
    s.event_loop().next_tick(move |_| t.log("tick-before"));
    s.listen(0, |_| {}).unwrap();
    t.log(format!("sync {} {}", s.is_listening(), place(&s)));
    l.next_tick(move |_| t.log("tick-after"));
    l.queue_microtask(move |_| t.log("microtask"));
    l.set_immediate(move |_| t.log("immediate"));
});

twin!(server_listen_twice_host, |t, l| {
    let mut s = l.create_server(|_| {});
    watch_server(t, "server", &mut s)
        .listen((HOST, 0), move |_| t.log("first"))
        .unwrap()
        .listen(("127.0.0.2", 0), move |s| {
            t.log(format!("second {}", place(s)));
            s.close();
        })
        .unwrap();
});

twin!(server_maxconnections_zero, |t, l| {
    let mut s = l.create_server(|_| {});
    watch_server(t, "server", &mut s)
        .set_max_connections(Some(0))
        .listen((HOST, 0), move |s| {
            let id = s.id();
            watch(t, "client", &mut connect(s), DEFAULT).on_close(move |c, _| {
                c.event_loop().server_at(id).close();
            });
        })
        .unwrap();
});

twin!(server_ref, |t, l| {
    l.create_server(|_| {})
        .listen((HOST, 0), move |s| {
            let id = s.unref().ref_().id();
            let timer = s.event_loop().set_timeout(ms(20), move |l| {
                let mut s = l.server_at(id);
                t.log(format!("still-here {}", s.is_listening()));
                s.close_then(move |_, _| t.log("server close"));
            });
            s.event_loop().unref_timer(timer);
        })
        .unwrap();
});

twin!(server_unref_connection_keeps, |t, l| {
    l.create_server(move |c| {
        let (id, server) = (c.id(), c.server().unwrap());
        c.event_loop().server_at(server).unref();
        let timer = c.event_loop().set_timeout(ms(30), move |l| {
            t.log("still-here");
            l.socket_at(id).end_with("bye");
        });
        c.event_loop().unref_timer(timer);
        c.resume().on_close(move |_, _| t.log("peer close"));
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .unref()
            .resume()
            .on_close(move |_, _| t.log("client close"));
    })
    .unwrap();
    t.run(l);
    t.log("exit");
});

twin!(server_abstract, |t, l| {
    let name = format!("\0netloop-{}-{t:p}", std::process::id());
    l.create_server(|c| {
        c.end_with("hi").resume();
        close_server(c);
    })
    .listen(std::path::PathBuf::from(&name), move |s| {
        let same = s.path().unwrap().to_str() == Some(&name);
        let is_file = std::path::Path::new(&name[1..]).exists();
        t.log(format!("address {same} {is_file}"));
        let path = std::path::PathBuf::from(&name);
        let mut c = s.event_loop().connect(path, |_| {}).unwrap();
        c.on_data(move |_, chunk| {
            t.log(format!("client data {}", String::from_utf8_lossy(chunk)));
        })
        .on_close(move |_, e| t.log(format!("client close {}", e.unwrap())));
    })
    .unwrap();
});

twin!(server_unix_long_path, |t, l| {
    let path = t.sock_path(&"x".repeat(120));
    let mut s = l.create_server(|_| {});
    watch_server(t, "server", &mut s)
        .listen(path, |_| {})
        .unwrap()
        .on_error(move |s, e| {
            let (code, syscall) = (e.code().unwrap(), e.syscall().unwrap());
            t.log(format!("props {code} {syscall} {}", s.is_listening()));
        });
});

twin!(server_unix_modes, Real::Files, |t, l| {
    let path = t.sock_path("s");
    let options = || ListenOptions::default().path(&path);
    for (told, options) in [
        (r#"{"readableAll":true}"#, options().readable_all(true)),
        (r#"{"writableAll":true}"#, options().writable_all(true)),
        (
            r#"{"readableAll":true,"writableAll":true}"#,
            options().readable_all(true).writable_all(true),
        ),
    ] {
        let mut s = l.create_server(|_| {});
        s.listen(options, |_| {}).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        t.log(format!("{told} {:o}", mode & 0o777));
        s.close();
    }
});
