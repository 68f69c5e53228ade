//! Corners of several families: what a program meets seldom.

use netloop::{ConnectOptions, Error, Loop, ServerId, ServerOptions, Socket};

use crate::story::*;

fn outcome(
    t: &'static Story,
    name: &'static str,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| {
        let code = result.err().and_then(Error::code);
        t.log(format!("{name} {}", code.unwrap_or("null")));
    }
}

fn resuming(c: &mut Socket<'_>) {
    c.resume();
    close_server(c);
}

fn uncaught_are_told(t: &'static Story) {
    t.on_uncaught(move |_, thrown| match thrown {
        Thrown::Panic(text) => t.log(format!("uncaughtException {text}")),
        Thrown::Error(error) => t.log(format!("uncaughtException {error}")),
    });
}

twin!(state_after_destroy, |t, l| {
    let told = move |who: &str, c: &Socket<'_>| {
        let (ended, finished) = (c.is_writable_ended(), c.is_writable_finished());
        let (writable, destroyed) = (c.is_writable(), c.is_destroyed());
        t.log(format!("{who} {ended} {finished} {writable} {destroyed}"));
    };
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            connect(s)
                .resume()
                .on_connect(|c| _ = c.end_with("x"))
                .on_finish(move |c| {
                    c.destroy();
                    told("finish", c);
                })
                .on_close(move |c, _| {
                    told("close", c);
                    t.log(format!("write {}", c.write_then("late", outcome(t, "cb"))));
                    c.end_then(outcome(t, "end-cb"));
                    c.end_with_then("late", outcome(t, "end-late-cb"));
                    let mut d = c.event_loop().socket();
                    told("never", d.destroy());
                    told("never", d.end());
                    d.write_then("late", outcome(t, "never-cb"));
                });
        })
        .unwrap();
});

twin!(server_getconnections_at_call, |t, l| {
    fn count(t: &'static Story, l: &mut Loop, s: ServerId, when: &'static str) {
        l.server_at(s)
            .get_connections(move |_, n| t.log(format!("{when} {n}")));
    }
    l.create_server(move |c| {
        let s = c.server().unwrap();
        count(t, c.event_loop(), s, "before");
        c.destroy();
        count(t, c.event_loop(), s, "after");
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).resume().on_error(|_, _| {});
    })
    .unwrap();
});

twin!(connection_destroy_in_connect, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end close");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, "connect ready finish error close")
            .on_connect(|c| _ = c.destroy());
        c.write_then("one", outcome(t, "cb-1"));
        c.write_then("two", outcome(t, "cb-2"));
        c.end_then(outcome(t, "end-cb"));
    })
    .unwrap();
});

twin!(end_destroy_in_prefinish, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "prefinish finish error close")
                .on_prefinish(move |c| {
                    let id = c.destroy().id();
                    c.event_loop().next_tick(move |l| {
                        let finished = l.socket_at(id).is_writable_finished();
                        t.log(format!("main nextTick {finished}"));
                    });
                })
                .resume()
                .on_connect(move |c| _ = c.end_then(outcome(t, "end-cb")));
        })
        .unwrap();
});

twin!(end_destroy_no_connect, |t, l| {
    watch(t, "client", &mut l.socket(), "finish error close")
        .end_then(outcome(t, "end-cb"))
        .destroy();
});

twin!(end_empty_after_end, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "finish error close")
                .resume()
                .on_connect(move |c| {
                    c.end().end_with_then("", outcome(t, "cb"));
                    let (destroyed, ended) = (c.is_destroyed(), c.is_writable_ended());
                    t.log(format!("main {destroyed} {ended}"));
                });
        })
        .unwrap();
});

twin!(reset_connecting_write, |t, l| {
    let n = shared(0);
    l.create_server(move |c| {
        c.on_data(move |_, chunk| t.log(format!("peer data {}", String::from_utf8_lossy(chunk))))
            .on_error(move |_, e| t.log(format!("peer error {}", e.code().unwrap())));
        if count_up(n) == 2 {
            close_server(c);
        }
    })
    .listen((HOST, 0), move |s| {
        let id = s.id();
        let mut c = connect(s);
        watch(t, "late", &mut c, "connect ready close")
            .reset_and_destroy()
            .unwrap()
            .on_close(move |c, _| {
                let mut s = c.event_loop().server_at(id);
                let mut d = connect(&mut s);
                watch(t, "early", &mut d, "connect ready close")
                    .write_then("early", outcome(t, "early cb"));
                d.reset_and_destroy().unwrap();
            })
            .write_then("late", outcome(t, "late cb"));
    })
    .unwrap();
});

twin!(error_throw_two_waiting, |t, l| {
    uncaught_are_told(t);
    let n = shared(0);
    l.create_server(move |c| {
        t.log(format!("server connection {}", count_up(n)));
        c.end().resume();
        match n.get() {
            1 => _ = c.destroy_with(Error::new("unheard")),
            3 => close_server(c),
            _ => {}
        }
        panic!("thrown {}", n.get());
    })
    .listen((HOST, 0), |s| {
        for _ in 0..3 {
            connect(s).resume();
        }
    })
    .unwrap();
});

twin!(error_throw_more_to_read, |t, l| {
    let caught = shared(0);
    t.on_uncaught(move |_, _| _ = count_up(caught));
    l.create_server(move |c| {
        let got = shared(0);
        c.on_data(move |_, chunk| {
            if got.replace(got.get() + chunk.len()) == 0 {
                panic!("thrown");
            }
        })
        .on_end(move |_| t.log(format!("peer end {} {}", got.get(), caught.get())));
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s)
            .on_connect(|c| _ = c.end_with(vec![0; 1 << 20]))
            .resume();
    })
    .unwrap();
});

twin!(error_throw_in_ready, |t, l| {
    uncaught_are_told(t);
    l.create_server(|c| {
        c.end_with("hi").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "connect data end close")
            .on_ready(|_| panic!("thrown"));
    })
    .unwrap();
});

twin!(error_throw_in_write_callback, |t, l| {
    uncaught_are_told(t);
    let mut c = l.socket();
    c.on_error(move |_, error| t.log(format!("error {}", error.code().unwrap())))
        .on_close(move |_, _| t.log("close"))
        .cork();
    c.write_then("x", move |_, result| {
        t.log(format!("first {}", result.unwrap_err().code().unwrap()));
        panic!("thrown");
    });
    c.write_then("y", outcome(t, "second"));
    let id = c.uncork().id();
    l.set_immediate(move |l| {
        t.log(format!("destroyed {}", l.socket_at(id).is_destroyed()));
    });
});

twin!(pipe_from_destroyed, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end finish close");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let dead = s.event_loop().socket().destroy().id();
        connect(s)
            .on_connect(move |c| {
                let id = c.id();
                c.event_loop().socket_at(dead).pipe(id);
                c.event_loop().set_immediate(move |l| {
                    let mut c = l.socket_at(id);
                    t.log(format!("client {}", c.ready_state()));
                    c.end_with("x");
                });
            })
            .resume();
    })
    .unwrap();
});

twin!(write_failed_drain, |t, l| {
    l.create_server(|c| {
        c.write("hi");
        c.destroy();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let options = ConnectOptions::from((HOST, s.port().unwrap())).high_water_mark(4);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, "connect drain ready error close");
        c.write_then("one", outcome(t, "cb-1"));
        let wrote = c.write_then("two", outcome(t, "cb-2"));
        t.log(format!("write {wrote} {}", c.writable_need_drain()));
    })
    .unwrap();
});

twin!(write_cb_destroys, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "finish error close")
                .resume()
                .on_connect(move |c| {
                    c.write_then("x", move |c, _| {
                        t.log("client cb");
                        c.event_loop().next_tick(move |_| t.log("main nextTick"));
                        c.destroy();
                    });
                    c.end_then(outcome(t, "client end-cb"));
                });
        })
        .unwrap();
});

twin!(end_destroy_in_end, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end finish")
            .resume()
            .on_end(|c| _ = c.destroy())
            .on_close(move |c, _| {
                let (ended, finished) = (c.is_writable_ended(), c.is_writable_finished());
                t.log(format!("peer close {ended} {finished}"));
            });
        close_server(c);
    })
    .listen((HOST, 0), |s| {
        connect(s).on_connect(|c| _ = c.end()).resume();
    })
    .unwrap();
});

twin!(data_next_turn, |t, l| {
    let count = shared(0);
    l.create_server(move |c| {
        c.resume();
        if count_up(count) == 1 {
            return;
        }
        close_server(c);
        t.log("server connection");
        watch(t, "peer", c, "prefinish finish");
        c.write("1");
        c.end_then(move |_, _| t.log("peer end callback"));
    })
    .listen((HOST, 0), move |s| {
        let first = connect(s).id();
        let mut second = connect(s);
        watch(t, "second", &mut second, "data end");
        second.on_close(move |c, _| _ = c.event_loop().socket_at(first).destroy());
    })
    .unwrap();
});

twin!(pipe_in_close_after_end, |t, l| {
    let mut server = l.create_server(|c| _ = c.end_with("x"));
    let id = server.id();
    server
        .listen((HOST, 0), move |s| {
            let options = ConnectOptions::from((HOST, s.port().unwrap())).allow_half_open(true);
            let mut to = s.event_loop().connect(options, |_| {}).unwrap();
            watch(t, "to", &mut to, "prefinish finish close");
            let to = to.resume().id();
            let mut from = connect(s);
            from.resume().on_close(move |c, _| {
                t.log("from close");
                c.pipe(to);
                c.event_loop().set_timeout(ms(30), move |l| {
                    l.server_at(id).close();
                    l.socket_at(to).destroy();
                });
            });
        })
        .unwrap();
});

twin!(flow_unshift_reads, |t, l| {
    let told = move |when: &str, c: &Socket<'_>| {
        t.log(format!("{when} {} {}", c.bytes_read(), c.readable_length()));
    };
    let options = ServerOptions::default().pause_on_connect(true);
    l.create_server_with(options, move |c| {
        close_server(c);
        told("before", c);
        c.unshift([0; 3]);
        told("after", c);
        let id = c.id();
        c.event_loop().set_timeout(ms(50), move |l| {
            told("later", &l.socket_at(id));
            l.socket_at(id).destroy();
        });
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(|c| _ = c.write("12345"))
            .resume()
            .on_error(|_, _| {});
    })
    .unwrap();
});
