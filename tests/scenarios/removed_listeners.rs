//! `off-*`: listeners that are taken away.

use netloop::{Error, ListenerId, Server, Socket};

use crate::story::*;

fn text(chunk: &[u8]) -> &str {
    std::str::from_utf8(chunk).unwrap()
}

fn flowing(c: &Socket<'_>) -> String {
    c.readable_flowing()
        .map_or("null".into(), |flows| flows.to_string())
}

/// A client that says this, then that at the first answer, and ends.
fn two_words(s: &mut Server<'_>) {
    connect(s)
        .on_connect(|c| _ = c.write("one"))
        .once_data(|c, _| _ = c.end_with("two"))
        .resume();
}

fn parse_head(
    t: &'static Story,
    c: &mut Socket<'_>,
    parsed: impl FnOnce(&mut Socket<'_>, &str) + 'static,
) {
    let (this, mut parsed, mut head) = (ListenerId::unique(), Some(parsed), Vec::new());
    let on_readable = move |c: &mut Socket<'_>| {
        t.log(format!("readable {}", c.readable_length()));
        while let Some(chunk) = c.read(None) {
            head.extend(chunk);
            let Some(end) = head.windows(2).position(|pair| pair == b"\n\n") else {
                continue;
            };
            c.off("error", this)
                .off("readable", this)
                .unshift(&head[end + 2..]);
            return parsed.take().unwrap()(c, text(&head[..end]));
        }
    };
    c.on_error(|_, _| unreachable!())
        .named(this)
        .on_readable(on_readable)
        .named(this);
}

twin!(off_head_then_data, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end close");
        parse_head(t, c, move |c, head| {
            let (flows, errors) = (flowing(c), c.listener_count("error"));
            t.log(format!("head {head} flowing {flows} listeners {errors}"));
            c.on_data(move |c, chunk| {
                t.log(format!("data {} flowing {}", text(chunk), flowing(c)));
                c.write("+");
            });
            let id = c.id();
            c.event_loop()
                .next_tick(move |l| t.log(format!("tick flowing {}", flowing(&l.socket_at(id)))));
        });
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        let id = c.id();
        c.on_connect(|c| _ = c.write("hea")).once_data(|c, _| {
            c.write("dy");
            c.once_data(|c, _| _ = c.end());
        });
        c.event_loop()
            .set_timeout(ms(20), move |l| _ = l.socket_at(id).write("d\n\nbo"));
    })
    .unwrap();
});

twin!(off_readable_nobody, |t, l| {
    l.create_server(move |c| {
        let this = ListenerId::unique();
        watch(t, "peer", c, "end close resume")
            .on_readable(move |c| {
                t.log(format!("readable {}", text(&c.read(None).unwrap())));
                c.off("readable", this);
                t.log(format!("flowing {}", flowing(c)));
                let id = c.id();
                c.event_loop().next_tick(move |l| {
                    let mut c = l.socket_at(id);
                    t.log(format!("tick flowing {}", flowing(&c)));
                    c.on_data(move |_, chunk| t.log(format!("data {}", text(chunk))));
                    t.log(format!("asked flowing {}", flowing(&c)));
                    c.write("+");
                });
            })
            .named(this);
        close_server(c);
    })
    .listen((HOST, 0), two_words)
    .unwrap();
});

twin!(off_readable_of_two, |t, l| {
    l.create_server(move |c| {
        let first = ListenerId::unique();
        watch(t, "peer", c, "end close")
            .on_readable(move |c| {
                t.log(format!("first {}", c.readable_length()));
                c.off("readable", first);
            })
            .named(first)
            .on_readable(move |c| {
                let chunk = c.read(None);
                t.log(format!("second {}", chunk.as_deref().map_or("null", text)));
                c.write("+");
            });
        close_server(c);
    })
    .listen((HOST, 0), two_words)
    .unwrap();
});

twin!(off_readable_all, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end close resume")
            .on_readable(move |c| {
                t.log(format!("readable {}", c.readable_length()));
                c.remove_all_listeners("readable")
                    .on_data(move |_, chunk| t.log(format!("data {}", text(chunk))));
                t.log(format!("flowing {}", flowing(c)));
                c.write("+");
            })
            .on_readable(move |c| t.log(format!("both {}", c.readable_length())));
        close_server(c);
    })
    .listen((HOST, 0), two_words)
    .unwrap();
});

twin!(off_data, |t, l| {
    l.create_server(move |c| {
        let this = ListenerId::unique();
        watch(t, "peer", c, "end close resume")
            .on_data(move |c, chunk| {
                t.log(format!("data {}", text(chunk)));
                c.off("data", this);
                let (count, id) = (c.listener_count("data"), c.id());
                t.log(format!("listeners {count} flowing {}", flowing(c)));
                c.event_loop().next_tick(move |l| {
                    t.log(format!("tick flowing {}", flowing(&l.socket_at(id))));
                });
                c.write("1");
                c.after(ms(40), move |c| {
                    t.log(format!("later flowing {} {}", flowing(c), c.bytes_read()));
                    c.on_data(move |_, chunk| t.log(format!("again {}", text(chunk))));
                    c.write("2");
                });
            })
            .named(this);
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s)
            .on_connect(|c| _ = c.write("one"))
            .on_data(|c, chunk| match chunk {
                b"1" => _ = c.write("two"),
                _ => _ = c.end_with("three"),
            });
    })
    .unwrap();
});

twin!(off_while_emitted, |t, l| {
    l.create_server(move |c| {
        let [second, late] = [(); 2].map(|()| ListenerId::unique());
        watch(t, "peer", c, "end close")
            .on_data(move |c, chunk| {
                t.log(format!("first {}", text(chunk)));
                c.off("data", second)
                    .off("data", late)
                    .on_data(move |_, _| t.log("late"))
                    .named(late)
                    .write("+");
            })
            .once_data(move |_, _| t.log("second"))
            .named(second)
            .on_data(move |_, _| t.log("second"))
            .named(second)
            .on_data(move |_, _| t.log("third"));
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        let count = shared(0);
        connect(s)
            .on_connect(|c| _ = c.write("one"))
            .on_data(|c, _| match count_up(count) {
                3 => _ = c.end(),
                _ => _ = c.write("more"),
            });
    })
    .unwrap();
});

twin!(off_all, |t, l| {
    let first = move |c: &mut Socket<'_>| {
        t.log("first connection");
        let id = c.server().unwrap();
        let mut server = c.event_loop().server_at(id);
        server
            .remove_all_listeners("connection")
            .on_connection(move |c| {
                t.log("added");
                c.resume().end();
                close_server(c);
            });
        let port = server.port().unwrap();
        c.resume().end();
        c.on_close(move |_, _| t.log("gone"))
            .remove_all_listeners("close")
            .on_close(move |c, _| {
                t.log("close");
                c.remove_all_listeners("close");
                t.log(format!("listeners {}", c.listener_count("close")));
                let again = c.event_loop().connect_to((HOST, port));
                again.unwrap().resume();
            })
            .on_close(move |_, _| t.log("close, too"));
    };
    l.create_server(first)
        .on_connection(move |_| t.log("second connection"))
        .on_close(move |_| t.log("server close"))
        .listen((HOST, 0), |s| _ = connect(s).resume())
        .unwrap();
});

twin!(off_error, |t, l| {
    t.on_uncaught(move |_, thrown| match thrown {
        Thrown::Error(error) => t.log(format!("uncaught {error}")),
        Thrown::Panic(text) => panic!("{text}"),
    });
    for way in ["off", "all", "neither"] {
        let name = ListenerId::unique();
        let mut c = l.socket();
        watch(t, way, &mut c, "close")
            .on_error(move |_, error| t.log(format!("heard {error}")))
            .named(name);
        match way {
            "off" => _ = c.off("error", name),
            "all" => _ = c.remove_all_listeners("error"),
            _ => {}
        }
        c.destroy_with(Error::new(way));
    }
});

twin!(off_own_listeners, |t, l| {
    let counts = move |when: &str, c: &Socket<'_>, events: &[&str]| {
        let counts = events.iter().map(|event| c.listener_count(event));
        t.log(counts.fold(when.to_owned(), |line, count| format!("{line} {count}")));
    };
    let left = shared(3);
    l.create_server(move |c| {
        c.resume().on_error(|_, _| {});
        left.set(left.get() - 1);
        if left.get() == 0 {
            close_server(c);
        }
    })
    .listen((HOST, 0), move |s| {
        for way in ["destroySoon", "resetAndDestroy", "removeAllListeners"] {
            let all = ["connect", "close", "finish"];
            let port = s.port().unwrap();
            let mut c = s.event_loop().connect_to((HOST, port)).unwrap();
            c.resume();
            counts(way, &c, &all);
            c.write("x");
            c.write_then("y", move |_, result| {
                let code = result.err().and_then(Error::code);
                t.log(format!("{way} cb {}", code.unwrap_or("null")));
            });
            counts(way, &c, &all);
            match way {
                "destroySoon" => _ = c.destroy_soon(),
                "resetAndDestroy" => _ = c.reset_and_destroy(),
                _ => _ = c.remove_all_listeners("connect"),
            }
            counts(way, &c, &all);
            c.on_connect(move |c| {
                counts(&format!("{way} in connect"), c, &all[1..]);
                if way == "removeAllListeners" {
                    c.destroy();
                }
            });
            c.on_close(move |c, _| counts(&format!("{way} in close"), c, &all[2..]));
        }
    })
    .unwrap();
});
