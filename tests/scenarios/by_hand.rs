//! `flow-read*` and `flow-unshift-*`: received bytes taken by hand, and put back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use netloop::{ConnectOptions, Encoding, Loop, ServerOptions, Socket};

use crate::story::*;

fn text(chunk: &[u8]) -> &str {
    std::str::from_utf8(chunk).unwrap()
}

fn ending(data: &'static [u8]) -> impl FnMut(&mut Socket<'_>) {
    move |c| {
        c.end_with(data);
    }
}

twin!(flow_readable_event, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end close").on_readable(move |c| {
            t.log(format!("peer readable {}", c.readable_length()));
            while let Some(chunk) = c.read(None) {
                t.log(format!("peer read {}", text(&chunk)));
            }
            t.log("peer null");
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_connect(ending(b"hello")).resume();
    })
    .unwrap();
});

twin!(flow_readable_unread_end, |t, l| {
    l.create_server(move |c| {
        let n = shared(0);
        watch(t, "peer", c, "end close").on_readable(move |c| {
            let length = c.readable_length();
            t.log(format!("peer readable {} {length}", count_up(n)));
            let id = c.id();
            if n.get() == 1 {
                c.event_loop().set_timeout(ms(40), move |l| {
                    let mut c = l.socket_at(id);
                    t.log(format!("peer takes {}", text(&c.read(None).unwrap())));
                    t.log(format!(
                        "peer again {}",
                        c.read(None).map_or("null", |_| "more")
                    ));
                });
            }
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| {
                c.write("hello");
                let id = c.id();
                c.event_loop()
                    .set_timeout(ms(20), move |l| _ = l.socket_at(id).end());
            })
            .resume();
    })
    .unwrap();
});

twin!(flow_read_chunks, |t, l| {
    l.create_server(move |c| {
        let id = c.pause().id();
        c.read(Some(0));
        c.on_end(move |_| t.log("peer end"));
        c.write(".");
        c.event_loop().set_timeout(ms(60), move |l| {
            let mut c = l.socket_at(id);
            let take = |c: &mut Socket<'_>, size| {
                let taken = c.read(size).unwrap();
                t.log(format!("peer {} {}", text(&taken), c.readable_length()));
            };
            t.log(format!("peer waits {}", c.readable_length()));
            take(&mut c, None);
            take(&mut c, Some(2));
            c.set_encoding(Encoding::Utf8).unshift("x");
            take(&mut c, None);
            t.log(format!("peer {}", c.read(None).map_or("null", |_| "more")));
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write("one"))
            .once_data(|c, _| {
                let id = c.id();
                c.event_loop().set_timeout(ms(10), move |l| {
                    l.socket_at(id).write("two");
                    l.set_timeout(ms(10), move |l| _ = l.socket_at(id).end_with("three"));
                });
            })
            .resume();
    })
    .unwrap();
});

twin!(flow_readable_end, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end finish close")
            .on_readable(move |c| t.log(format!("peer readable {}", c.readable_length())));
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).on_connect(|c| _ = c.end()).resume();
    })
    .unwrap();
});

twin!(flow_readable_end_write, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end close").on_readable(move |c| {
            t.log("peer readable");
            c.write_then("x", move |_, _| t.log("peer cb"));
        });
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).on_connect(|c| _ = c.end()).resume();
    })
    .unwrap();
});

twin!(flow_readable_resume, |t, l| {
    l.create_server(move |c| {
        let n = shared(0);
        watch(t, "peer", c, "end").on_readable(move |c| {
            c.resume();
            let (flowing, paused) = (c.readable_flowing().unwrap(), c.is_paused());
            t.log(format!("peer readable {} {flowing} {paused}", count_up(n)));
            if n.get() > 1 {
                return;
            }
            let id = c.id();
            c.event_loop().set_timeout(ms(20), move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("peer waits {}", c.readable_length()));
                while c.read(None).is_some() {}
            });
        });
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).on_connect(|c| _ = c.end_with("hello")).resume();
    })
    .unwrap();
});

twin!(flow_readable_once_data, |t, l| {
    l.create_server(move |c| {
        let text = |chunk: &[u8]| String::from_utf8_lossy(chunk).into_owned();
        watch(t, "peer", c, "end close").once_readable(move |c| {
            let head = c.read(Some(2)).unwrap();
            t.log(format!("peer head {}", text(&head)));
            c.unshift(head);
            c.on_data(move |_, chunk| t.log(format!("peer data {}", text(chunk))));
            t.log(format!("peer flowing {}", c.readable_flowing().unwrap()));
        });
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).on_connect(|c| _ = c.end_with("hello")).resume();
    })
    .unwrap();
});

twin!(flow_readable_once_again, |t, l| {
    fn take(t: &'static Story, c: &mut Socket<'_>) {
        let two = c.read(Some(2));
        let told = two.as_deref().map_or("null", text).to_owned();
        t.log(format!("readable {told} {}", c.readable_length()));
        if two.is_none() {
            c.once_readable(move |c| take(t, c));
        } else {
            c.on_readable(move |c| more(t, c));
        }
        let id = c.id();
        c.event_loop().next_tick(move |l| {
            let flowing = l.socket_at(id).readable_flowing().unwrap();
            t.log(format!("flowing {flowing}"));
        });
    }
    fn more(t: &'static Story, c: &mut Socket<'_>) {
        let one = c.read(Some(1)).unwrap();
        t.log(format!("more {} {}", text(&one), c.readable_length()));
        match &*one {
            b"x" => _ = c.unshift("y"),
            b"z" => _ = c.destroy(),
            _ => {}
        }
    }
    l.create_server(move |c| {
        close_server(c);
        c.once_readable(move |c| take(t, c));
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.resume();
        let mut parts = ["a", "b", "xz", "w"].into_iter();
        c.set_interval(ms(20), move |c| match parts.next() {
            Some(part) => _ = c.write(part),
            None => _ = c.end(),
        });
    })
    .unwrap();
});

twin!(flow_readable_once_flows, |t, l| {
    let flowing = |c: &Socket<'_>| {
        c.readable_flowing()
            .map_or("null".into(), |it| it.to_string())
    };
    l.create_server(move |c| {
        close_server(c);
        c.once_readable(move |c| {
            let head = c.read(Some(1)).unwrap();
            t.log(format!("readable {} {}", text(&head), flowing(c)));
            let id = c.id();
            c.event_loop().next_tick(move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("tick {}", flowing(&c)));
                c.on_data(move |c, chunk| {
                    t.log(format!("data {}", text(chunk)));
                    c.destroy();
                });
                t.log(format!("then {}", flowing(&c)));
            });
        });
        t.log(format!("at first {}", flowing(c)));
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_connect(|c| _ = c.write("abc"));
        c.resume().on_error(|_, _| {});
    })
    .unwrap();
});

type Steps = Rc<RefCell<VecDeque<&'static str>>>;

/// Takes the steps of the next row.
fn next_steps(t: &'static Story, c: &mut Socket<'_>, rows: &Steps) {
    let row = rows.borrow_mut().pop_front().unwrap_or_default();
    for step in row.split_whitespace() {
        let rows = Rc::clone(rows);
        match step {
            "once" => _ = c.once_readable(move |c| called(t, "once", c, &rows)),
            "on" => _ = c.on_readable(move |c| called(t, "on", c, &rows)),
            "resume" => _ = c.resume(),
            read => {
                let taken = c.read(read["read".len()..].parse().ok());
                t.log(format!("read {}", taken.as_deref().map_or("null", text)));
            }
        }
    }
}

fn called(t: &'static Story, name: &str, c: &mut Socket<'_>, rows: &Steps) {
    t.log(format!("{name} {}", c.readable_length()));
    next_steps(t, c, rows);
}

fn play_cases(t: &'static Story, l: &mut Loop, number: usize, cases: &'static [&'static str]) {
    let Some((case, others)) = cases.split_first() else {
        return;
    };
    t.log(format!("case {number}"));
    let rows: Steps = Rc::new(RefCell::new(case.split('|').collect()));
    l.create_server(move |c| {
        c.on_end(move |_| t.log("end"));
        next_steps(t, c, &rows);
        let (id, server) = (c.id(), c.server().unwrap());
        c.event_loop().set_timeout(ms(120), move |l| {
            let mut c = l.socket_at(id);
            let flowing = c
                .readable_flowing()
                .map_or("null".into(), |it| it.to_string());
            t.log(format!("left {} {flowing}", c.readable_length()));
            c.destroy();
            let mut server = l.server_at(server);
            server.close_then(move |s, _| play_cases(t, s.event_loop(), number + 1, others));
        });
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_error(|_, _| {}).resume();
        let mut parts = ["abcd", "efgh", "ijkl"].into_iter();
        c.set_interval(ms(20), move |c| match parts.next() {
            Some(part) => _ = c.write(part),
            None => _ = c.end(),
        });
    })
    .unwrap();
}

twin!(flow_readable_once_mixed, |t, l| {
    play_cases(
        t,
        l,
        0,
        &[
            "once|resume once read9|||read",
            "once once|resume||read2 once|resume",
            "once once||once resume read|once|read9|once",
            "once|on|once|resume|read9",
        ],
    );
});

twin!(flow_readable_after_failure, |t, l| {
    let options = ServerOptions::default().pause_on_connect(true);
    l.create_server_with(options, move |c| {
        close_server(c);
        c.read(Some(0));
        c.on_error(move |_, error| t.log(format!("error {}", error.code().unwrap())))
            .on_close(move |_, _| t.log("close"));
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            let mut c = l.socket_at(id);
            c.on_readable(move |c| t.log(format!("readable {}", c.readable_length())));
            t.log(format!("waits {}", c.readable_length()));
            c.end();
            t.log(format!("write {}", c.write("late")));
            c.unshift("abc");
            t.log(format!("now {}", c.readable_length()));
        });
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_connect(|c| _ = c.write("1234"));
        c.on_error(|_, _| {}).resume();
    })
    .unwrap();
});

twin!(flow_length_of_text, |t, l| {
    let options = ServerOptions::default().pause_on_connect(true);
    l.create_server_with(options, move |c| {
        close_server(c);
        c.read(Some(0));
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            let mut c = l.socket_at(id);
            t.log(format!("bytes {}", c.readable_length()));
            c.set_encoding(Encoding::Utf8);
            t.log(format!("text {}", c.readable_length()));
            let taken = c.read(Some(2)).unwrap();
            t.log(format!("taken {} {}", text(&taken), c.readable_length()));
            c.unshift("\u{1f600}");
            t.log(format!("put back {}", c.readable_length()));
            c.destroy();
        });
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_connect(|c| _ = c.write("éüb\u{1f600}"));
        c.on_error(|_, _| {}).resume();
    })
    .unwrap();
});

twin!(flow_readable_cut_at_end, |t, l| {
    l.create_server(move |c| {
        close_server(c);
        c.set_encoding(Encoding::Utf8)
            .on_readable(move |c| t.log(format!("readable {}", c.readable_length())));
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.resume().on_connect(|c| {
            c.write(b"\xe2\x82\xaca\xe2\x82");
            let id = c.id();
            c.event_loop().set_timeout(ms(20), move |l| {
                l.socket_at(id).end();
                l.set_timeout(ms(20), move |l| _ = l.socket_at(id).destroy());
            });
        });
    })
    .unwrap();
});

twin!(flow_unshift_after_end, |t, l| {
    let options = ServerOptions::default().allow_half_open(true);
    l.create_server_with(options, move |c| {
        close_server(c);
        watch(t, "peer", c, "data end finish error close").on_end(move |c| {
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                let mut c = l.socket_at(id);
                c.unshift("late");
                let (destroyed, length) = (c.is_destroyed(), c.readable_length());
                t.log(format!("after {destroyed} {length}"));
                c.unshift("later");
            });
        });
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_connect(|c| _ = c.end_with("hi"));
        c.resume().on_error(|_, _| {});
    })
    .unwrap();
});

twin!(flow_unshift_waits, |t, l| {
    l.create_server(|c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        c.on_resume(move |_| t.log("client resume"))
            .on_connect(move |c| {
                let flowing = c
                    .readable_flowing()
                    .map_or("null".into(), |on| on.to_string());
                t.log(format!("client connect {flowing} {}", c.readable_length()));
            })
            .on_ready(move |c| {
                let id = c.id();
                c.event_loop().set_immediate(move |l| {
                    t.log("client listens");
                    l.socket_at(id)
                        .on_data(move |_, chunk| {
                            t.log(format!("client data {}", String::from_utf8_lossy(chunk)));
                        })
                        .on_end(move |_| t.log("client end"));
                });
            })
            .unshift("back");
    })
    .unwrap();
});

twin!(flow_unshift_at_mark, |t, l| {
    l.create_server(|c| {
        c.on_data(|c, _| _ = c.end_with("b"));
        c.write("a");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let options = ConnectOptions::from((HOST, port)).high_water_mark(1);
        let mut c = s.event_loop().connect_to(options).unwrap();
        c.on_data(move |c, chunk| {
            t.log(format!("client data {}", String::from_utf8_lossy(chunk)));
            match chunk {
                b"a" => {
                    assert_eq!(c.read(None), None);
                    c.unshift("u").unshift("v");
                }
                b"v" => _ = c.write("on"),
                _ => {}
            }
        })
        .on_end(move |_| t.log("client end"));
    })
    .unwrap();
});
