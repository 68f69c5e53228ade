//! `tick-*` and `immediate-*`: the queues between the phases.

use netloop::{Loop, Socket};

use crate::story::*;

twin!(tick_exit, |t, l| {
    // `beforeExit` is what comes after a run that has ended; `exit` what comes after the last.
    t.run(l);
    t.log("beforeExit");
    l.set_timeout(ms(1), move |_| t.log("timeout"));
    t.run(l);
    t.log("beforeExit");
    t.log("exit");
});

twin!(tick_io, |t, l| {
    l.create_server(move |c| {
        c.end_with("x").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).once_data(move |c, _| {
            let l = c.event_loop();
            l.set_timeout(ms(0), move |_| t.log("timeout"));
            l.set_immediate(move |_| t.log("immediate"));
            l.queue_microtask(move |_| t.log("microtask"));
            l.next_tick(move |_| t.log("nextTick"));
            t.log("sync");
        });
    })
    .unwrap();
});

twin!(tick_main_timeout, |t, l| {
    l.set_immediate(move |_| t.log("immediate"));
    l.set_timeout(ms(0), move |_| t.log("timeout"));
    busy(l, 5);
});

twin!(tick_main, |t, l| {
    l.set_immediate(move |_| t.log("immediate"));
    l.queue_microtask(move |_| t.log("microtask-1"));
    l.next_tick(move |_| t.log("nextTick-1"));
    l.queue_microtask(move |_| t.log("microtask-2"));
    l.next_tick(move |_| t.log("nextTick-2"));
    t.log("sync");
});

twin!(tick_nested, |t, l| {
    l.next_tick(move |l| {
        t.log("tick-1");
        l.next_tick(move |_| t.log("tick-1-1"));
        l.queue_microtask(move |_| t.log("micro-of-tick-1"));
    });
    l.next_tick(move |_| t.log("tick-2"));
    l.queue_microtask(move |l| {
        t.log("micro-1");
        l.next_tick(move |_| t.log("tick-of-micro-1"));
        l.queue_microtask(move |_| t.log("micro-1-1"));
    });
    l.queue_microtask(move |_| t.log("micro-2"));
});

twin!(tick_starve, |t, l| {
    let n = shared(0);
    l.set_timeout(ms(1), move |_| {
        t.log(format!("timeout after-all-ticks={}", n.get() == 1000))
    });
    fn tick(t: &'static Story, l: &mut Loop, n: &'static std::cell::Cell<u32>) {
        match count_up(n) {
            1000 => return t.log("ticks-done"),
            500 => busy(l, 5),
            _ => {}
        }
        l.next_tick(move |l| tick(t, l, n));
    }
    l.next_tick(move |l| tick(t, l, n));
});

twin!(tick_throw, |t, l| {
    t.on_uncaught(move |l, thrown| {
        let Thrown::Panic(text) = thrown else {
            panic!("no error was emitted")
        };
        t.log(format!("uncaughtException {text}"));
        l.next_tick(move |_| t.log("tick-of-handler"));
    });
    l.next_tick(move |_| panic!("a"));
    l.next_tick(move |_| t.log("b"));
    l.queue_microtask(move |_| t.log("micro"));
    l.set_immediate(move |_| t.log("immediate"));
});

twin!(immediate_clear_self_and_next, |t, l| {
    let b = shared(None);
    l.set_immediate(move |l| {
        t.log("a");
        l.next_tick(move |l| l.clear_immediate(b.get().unwrap()));
    });
    b.set(Some(l.set_immediate(move |_| t.log("b-never"))));
    l.set_immediate(move |_| t.log("c"));
});

twin!(immediate_clear, |t, l| {
    let b = l.set_immediate(move |_| t.log("b-never"));
    let d = shared(None);
    l.set_immediate(move |l| {
        t.log("c");
        l.clear_immediate(d.get().unwrap());
    });
    d.set(Some(l.set_immediate(move |_| t.log("d-never"))));
    l.set_immediate(move |_| t.log("e"));
    l.clear_immediate(b);
    l.clear_immediate(b);
});

twin!(immediate_io_between, |t, l| {
    l.create_server(move |c| {
        c.end_with("x").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let n = shared(0);
        let port = s.port().unwrap();
        let connected = move |_: &mut Socket<'_>| {
            t.log(format!("client connect turns-before<3 {}", n.get() < 3));
        };
        let mut c = s.event_loop().connect((HOST, port), connected).unwrap();
        let id = c.id();
        c.on_data(move |_, _| t.log("client data"))
            .on_end(move |_| t.log("client end"))
            .on_close(move |_, _| t.log("client close"));
        fn go(l: &mut Loop, id: netloop::SocketId, n: &'static std::cell::Cell<u32>) {
            if count_up(n) < 50 && !l.socket_at(id).is_destroyed() {
                l.set_immediate(move |l| go(l, id, n));
            }
        }
        s.event_loop().set_immediate(move |l| go(l, id, n));
    })
    .unwrap();
});

twin!(immediate_nested, |t, l| {
    l.set_immediate(move |l| {
        t.log("a");
        l.set_immediate(move |_| t.log("a-nested"));
    });
    l.set_immediate(move |_| t.log("b"));
    l.set_immediate(move |l| {
        t.log("c");
        l.next_tick(move |_| t.log("tick-of-c"));
        l.queue_microtask(move |_| t.log("micro-of-c"));
    });
    l.set_immediate(move |_| t.log("d"));
});

twin!(immediate_ref, |t, l| {
    let i = l.set_immediate(move |_| t.log("never"));
    let before = l.immediate_has_ref(i);
    l.unref_immediate(i);
    t.log(format!("hasRef {before} true {}", l.immediate_has_ref(i)));
    t.run(l);
    t.log("exit");
});

twin!(immediate_throw, |t, l| {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Panic(text) = thrown else {
            panic!("no error was emitted")
        };
        t.log(format!("uncaughtException {text}"));
    });
    l.set_immediate(move |l| {
        l.next_tick(move |_| t.log("tick-of-a"));
        panic!("a");
    });
    l.set_immediate(move |_| t.log("b"));
    l.set_immediate(move |l| {
        t.log("c");
        l.set_immediate(move |_| t.log("next-turn"));
    });
});

twin!(immediate_unref_runs, |t, l| {
    let first = l.set_immediate(move |_| t.log("unref"));
    l.unref_immediate(first);
    l.set_immediate(move |_| t.log("ref"));
    let last = l.set_immediate(move |_| t.log("last"));
    l.unref_immediate(last);
});

twin!(tick_between_listeners, |t, l| {
    let told = move |l: &mut Loop, event: &'static str, n: u32| {
        t.log(format!("{event} {n}"));
        l.next_tick(move |_| t.log(format!("tick-of {event} {n}")));
        l.queue_microtask(move |_| t.log(format!("micro-of {event} {n}")));
    };
    l.create_server(move |c| {
        c.end_with("x").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        for n in [1, 2] {
            c.on_connect(move |c| told(c.event_loop(), "connect", n))
                .on_ready(move |c| told(c.event_loop(), "ready", n))
                .on_data(move |c, _| told(c.event_loop(), "data", n))
                .on_end(move |c| told(c.event_loop(), "end", n))
                .on_close(move |c, _| told(c.event_loop(), "close", n));
        }
    })
    .unwrap();
});
