//! `error-throw-*`: after an exception, in each phase. The remaining ticks wait for the next callback, and the
//! socket whose callback has thrown finishes its service.

use std::cell::Cell;
use std::rc::Rc;

use netloop::{ConnectOptions, Error, Loop, ServerOptions, Socket, SocketId};

use crate::story::*;

fn uncaught_are_told(t: &'static Story) {
    t.on_uncaught(move |_, thrown| match thrown {
        Thrown::Panic(text) => t.log(format!("uncaughtException {text}")),
        Thrown::Error(error) => panic!("{error}"),
    });
}

/// Plays with this many accepted sockets, once all are accepted.
fn with_accepted(
    t: &'static Story,
    l: &mut Loop,
    count: usize,
    allow_half_open: bool,
    play: impl Fn(&mut Loop, &[SocketId]) + 'static,
) {
    uncaught_are_told(t);
    let mut accepted = Vec::new();
    let options = ServerOptions::default().allow_half_open(allow_half_open);
    l.create_server_with(options, move |c| {
        accepted.push(c.id());
        if accepted.len() == count {
            close_server(c);
            play(c.event_loop(), &accepted);
        }
    })
    .listen((HOST, 0), move |s| {
        for _ in 0..count {
            let options = ConnectOptions::from((HOST, s.port().unwrap()));
            let options = options.allow_half_open(allow_half_open);
            let mut c = s.event_loop().connect(options, |_| {}).unwrap();
            c.on_error(|_, _| {}).resume();
        }
    })
    .unwrap();
}

fn logs(t: &'static Story, line: impl Into<String>) -> impl FnOnce(&mut Loop) {
    let line = line.into();
    move |_| t.log(line)
}

twin!(error_throw_in_pending, |t, l| {
    fn throws(t: &'static Story, place: &'static str) -> impl FnMut(&mut Socket<'_>) {
        move |c| {
            let l = c.event_loop();
            l.next_tick(logs(t, "tick"));
            l.queue_microtask(logs(t, "microtask"));
            l.set_immediate(logs(t, "immediate"));
            panic!("in {place}");
        }
    }
    with_accepted(t, l, 4, true, move |l, ours| {
        for (i, pair) in ours.chunks(2).enumerate() {
            for (name, &id) in ["a", "b"].into_iter().zip(pair) {
                watch(t, name, &mut l.socket_at(id), "prefinish finish").resume();
            }
            let (a, b) = (pair[0], pair[1]);
            match i {
                0 => _ = l.socket_at(a).on_prefinish(throws(t, "prefinish")),
                _ => _ = l.socket_at(a).on_finish(throws(t, "finish")),
            }
            l.set_timeout(ms(100 * (i as u64 + 1)), move |l| {
                l.socket_at(a).end();
                l.socket_at(b).end();
            });
        }
        let ours = ours.to_vec();
        l.set_timeout(ms(400), move |l| {
            for &id in &ours {
                let mut c = l.socket_at(id);
                let (finished, destroyed) = (c.is_writable_finished(), c.is_destroyed());
                t.log(format!("{finished} {destroyed}"));
                c.destroy();
            }
        });
    });
});

twin!(error_throw_before_shutdown, |t, l| {
    uncaught_are_told(t);
    let options = ServerOptions::default().allow_half_open(true);
    l.create_server_with(options, move |c| {
        close_server(c);
        watch(t, "peer", c, "prefinish finish close").on_data(move |c, _| {
            c.end();
            c.event_loop().next_tick(logs(t, "tick"));
            panic!("in data");
        });
    })
    .listen((HOST, 0), |s| {
        let mut c = connect(s);
        c.on_connect(|c| {
            let id = c.id();
            c.event_loop().set_timeout(ms(20), move |l| {
                l.socket_at(id).write("x");
            });
        });
        c.resume();
    })
    .unwrap();
});

twin!(error_throw_in_attempt_failed, |t, l| {
    uncaught_are_told(t);
    for name in ["a", "b"] {
        let mut c = l.connect_to(t.sock_path(name)).unwrap();
        watch(t, name, &mut c, "connectionAttemptFailed error close").on_connection_attempt_failed(
            move |c, _, _| {
                c.event_loop().next_tick(logs(t, format!("tick of {name}")));
                if name == "a" {
                    panic!("in connectionAttemptFailed");
                }
            },
        );
        let id = c.id();
        if name == "a" {
            l.set_timeout(ms(50), move |l| {
                let mut c = l.socket_at(id);
                t.log(format!("destroyed {}", c.is_destroyed()));
                c.destroy();
            });
        }
    }
});

twin!(error_throw_in_close, |t, l| {
    with_accepted(t, l, 3, false, move |l, ours| {
        for (n, &id) in ours.iter().enumerate() {
            let mut c = l.socket_at(id);
            c.on_close(move |c, _| {
                t.log(format!("close {n}"));
                let l = c.event_loop();
                l.next_tick(logs(t, format!("tick {n}")));
                l.queue_microtask(logs(t, format!("microtask {n}")));
                l.set_immediate(logs(t, format!("immediate {n}")));
                if n > 0 {
                    panic!("in close {n}");
                }
            });
            c.destroy();
        }
    });
});

twin!(error_throw_in_last_close, |t, l| {
    with_accepted(t, l, 1, false, move |l, ours| {
        l.socket_at(ours[0]).on_close(move |c, _| {
            c.event_loop().next_tick(logs(t, "tick"));
            c.event_loop().queue_microtask(logs(t, "microtask"));
            panic!("in close");
        });
        l.set_timeout(ms(1), move |_| t.log("timer"));
        l.set_immediate(|l| busy(l, 5));
        l.socket_at(ours[0]).destroy();
    });
});

/// Accepts two sockets, whose peers write these words and end.
fn with_two_that_are_sent(
    t: &'static Story,
    l: &mut Loop,
    sent: [Vec<u8>; 2],
    play: impl Fn(&mut Loop, SocketId, SocketId) + 'static,
) {
    uncaught_are_told(t);
    let mut accepted = Vec::new();
    l.create_server(move |c| {
        accepted.push(c.id());
        if let [a, b] = accepted[..] {
            close_server(c);
            play(c.event_loop(), a, b);
        }
    })
    .listen((HOST, 0), move |s| {
        let first = connect(s).resume().id();
        let second = connect(s).resume().id();
        s.event_loop().set_timeout(ms(30), move |l| {
            let [a, b] = &sent;
            l.socket_at(first).end_with(a);
            l.socket_at(second).end_with(b);
        });
    })
    .unwrap();
}

twin!(error_throw_in_burst, |t, l| {
    let sent = [vec![0; 220_000], b"x".to_vec()];
    with_two_that_are_sent(t, l, sent, move |l, a, b| {
        let count = shared(0);
        l.socket_at(a).on_data(move |c, _| {
            let n = count_up(count);
            if n > 3 {
                return;
            }
            t.log(format!("a data {n}"));
            c.event_loop().next_tick(logs(t, format!("tick of {n}")));
            c.event_loop()
                .set_immediate(logs(t, format!("immediate of {n}")));
            if n < 3 {
                panic!("in data");
            }
        });
        l.socket_at(b).on_data(move |_, _| t.log("b data"));
    });
});

twin!(error_throw_after_a_short_read, |t, l| {
    let sent = [b"x".to_vec(), b"y".to_vec()];
    with_two_that_are_sent(t, l, sent, move |l, a, b| {
        watch(t, "a", &mut l.socket_at(a), "data end").on_data(move |c, _| {
            let l = c.event_loop();
            l.next_tick(|_| panic!("in a tick"));
            l.next_tick(logs(t, "next tick"));
            l.queue_microtask(logs(t, "microtask"));
            l.set_immediate(logs(t, "immediate"));
        });
        watch(t, "b", &mut l.socket_at(b), "data").on_data(move |c, _| {
            c.event_loop().next_tick(logs(t, "tick of b"));
        });
    });
});

twin!(error_throw_in_connect, |t, l| {
    uncaught_are_told(t);
    let count = shared(0);
    l.create_server(move |c| {
        c.end_with("hi").resume().on_error(|_, _| {});
        if count_up(count) == 2 {
            close_server(c);
        }
    })
    .listen((HOST, 0), move |s| {
        for name in ["a", "b"] {
            let mut c = connect(s);
            watch(t, name, &mut c, "connect ready data end").on_connect(move |c| {
                c.event_loop().next_tick(logs(t, format!("tick of {name}")));
                if name == "a" {
                    c.event_loop().set_immediate(logs(t, "immediate"));
                    panic!("in connect");
                }
            });
            let id = c.id();
            if name == "a" {
                s.event_loop().set_timeout(ms(100), move |l| {
                    let mut c = l.socket_at(id);
                    t.log(format!("{} {}", c.is_destroyed(), c.bytes_read()));
                    c.destroy();
                });
            }
        }
    })
    .unwrap();
});

twin!(error_throw_in_accept, |t, l| {
    uncaught_are_told(t);
    let count = shared(0);
    l.create_server(move |c| {
        let k = count_up(count);
        t.log(format!("connection {k}"));
        c.event_loop().next_tick(logs(t, format!("tick of {k}")));
        c.event_loop()
            .set_immediate(logs(t, format!("immediate of {k}")));
        c.resume();
        match k {
            3 => close_server(c),
            _ => panic!("in connection {k}"),
        }
    })
    .listen((HOST, 0), move |s| {
        for name in ["a", "b", "c"] {
            connect(s)
                .on_connect(move |c| {
                    t.log(format!("connect {name}"));
                    c.end();
                })
                .resume();
        }
    })
    .unwrap();
});

/// More bytes than the kernels buffer: a write of this size waits until the peer reads.
const LARGE: usize = 40 << 20;

fn written(
    t: &'static Story,
    then: impl FnOnce(&mut Socket<'_>) + 'static,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |c, _| {
        t.log("written");
        c.event_loop().next_tick(logs(t, "tick"));
        then(c);
        panic!("in a write callback");
    }
}

twin!(error_throw_in_landed, |t, l| {
    with_accepted(t, l, 1, false, move |l, ours| {
        let mut c = l.socket_at(ours[0]);
        c.on_drain(move |_| t.log("drain"))
            .on_prefinish(move |_| t.log("prefinish"))
            .on_finish(move |_| t.log("finish"));
        c.resume()
            .write_then(vec![0; LARGE], written(t, |c| _ = c.end()));
    });
});

twin!(error_throw_in_cancelled, |t, l| {
    uncaught_are_told(t);
    let mut accepted = Vec::new();
    l.create_server(move |c| {
        accepted.push(c.id());
        let [a, b] = accepted[..] else { return };
        close_server(c);
        for (n, id) in [a, b].into_iter().enumerate() {
            let mut c = c.event_loop().socket_at(id);
            c.on_error(|_, _| {})
                .on_close(move |_, _| t.log(format!("close {n}")));
            c.write_then(vec![0; LARGE], move |c, _| {
                t.log(format!("cancelled {n}"));
                c.event_loop().next_tick(logs(t, format!("tick of {n}")));
                if n == 1 {
                    panic!("in a write callback");
                }
            });
        }
        c.event_loop().set_timeout(ms(30), move |l| {
            l.socket_at(a).destroy();
            l.socket_at(b).destroy();
        });
    })
    .listen((HOST, 0), |s| {
        for _ in 0..2 {
            connect(s).on_error(|_, _| {}).pause();
        }
    })
    .unwrap();
});

/// The peer sends a second byte and closes once the first one waits; then the client resumes.
fn close_behind_what_waits(peer: &mut Socket<'_>, client: SocketId) {
    close_server(peer);
    peer.write("a");
    let id = peer.id();
    let poll = Rc::new(Cell::new(None));
    let this = poll.clone();
    poll.set(Some(peer.event_loop().set_interval(ms(1), move |l| {
        if l.socket_at(client).readable_length() > 0 {
            l.clear_interval(this.take().unwrap());
            l.socket_at(id).write("b");
            l.socket_at(id).destroy_soon();
        }
    })));
    peer.on_close(move |peer, _| {
        let resumes = move |l: &mut Loop| _ = l.socket_at(client).resume();
        peer.event_loop().set_immediate(resumes);
    });
}

/// For each mark, and whether the callback of the failed write throws.
fn play_failed_writes(t: &'static Story, l: &mut Loop, mut left: Vec<(usize, bool)>) {
    let Some((mark, throws)) = left.pop() else {
        return;
    };
    let path = t.sock_path(&format!("s{}", left.len()));
    let client = Rc::new(Cell::new(None));
    let ours = client.clone();
    l.create_server(move |peer| close_behind_what_waits(peer, ours.get().unwrap()))
        .listen(path.clone(), move |s| {
            let options = ConnectOptions::from(&path).high_water_mark(mark);
            let options = options.allow_half_open(true);
            let mut c = s.event_loop().connect_to(options).unwrap();
            client.set(Some(c.id()));
            let is_first = Rc::new(Cell::new(true));
            c.pause().on_connect(|c| _ = c.read(Some(0)));
            c.on_data(move |c, chunk| {
                t.log(format!("data {}", String::from_utf8_lossy(chunk)));
                let is_first = is_first.clone();
                c.write_then("x", move |c, outcome| {
                    t.log(format!("written {}", outcome.unwrap_err().code().unwrap()));
                    if throws && is_first.replace(false) {
                        let id = c.id();
                        let shown = move |l: &mut Loop| show_and_destroy(t, &mut l.socket_at(id));
                        c.event_loop().set_immediate(shown);
                    }
                    assert!(!throws, "in a write callback");
                });
            });
            c.on_error(move |_, e| t.log(format!("error {}", e.code().unwrap())))
                .on_end(move |_| t.log("end"))
                .on_close(move |c, _| play_failed_writes(t, c.event_loop(), left.clone()));
        })
        .unwrap();
}

fn show_and_destroy(t: &'static Story, c: &mut Socket<'_>) {
    let (read, waiting) = (c.bytes_read(), c.readable_length());
    let (flowing, destroyed) = (c.readable_flowing().unwrap(), c.is_destroyed());
    t.log(format!(
        "read {read} waiting {waiting} flowing {flowing} destroyed {destroyed}"
    ));
    c.destroy();
}

twin!(error_throw_in_failed_write, |t, l| {
    uncaught_are_told(t);
    let left = vec![(65536, true), (1, true), (65536, false), (1, false)];
    play_failed_writes(t, l, left);
});
