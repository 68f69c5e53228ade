//! `timer-*` and `refresh-*`: lists by duration, and the order they run in.

use netloop::Loop;

use crate::story::*;

twin!(timer_accuracy, |t, l| {
    let start = l.now();
    l.set_timeout(ms(50), move |l| {
        let passed = l.now() - start;
        let (early, late) = (passed >= 49, passed < 150);
        t.log(format!("not-early {early} not-very-late {late}"));
    });
});

twin!(timer_first_turn, |t, l| {
    // A file's status comes through Node's thread pool in the poll phase: here the connection
    // does, since there are no files.
    l.create_server(move |c| {
        t.log("stat");
        c.destroy();
        close_server(c);
    })
    .listen((), move |s| {
        connect(s).resume();
        s.event_loop().next_tick(move |l| {
            l.set_timeout(ms(1), move |_| t.log("timer"));
            l.set_immediate(move |_| t.log("immediate"));
            busy(l, 10);
        });
    })
    .unwrap();
});

twin!(timer_immediate_from_timer, |t, l| {
    l.set_timeout(ms(1), move |l| {
        t.log("t1");
        l.set_timeout(ms(0), move |_| t.log("t2"));
        l.set_immediate(move |_| t.log("imm"));
        busy(l, 5);
    });
});

twin!(timer_late_lists_2, |t, l| {
    l.set_timeout(ms(200), move |_| t.log("200"));
    l.set_timeout(ms(150), move |_| t.log("150"));
    busy(l, 3);
    l.set_timeout(ms(150), move |_| t.log("150-second"));
    l.set_timeout(ms(10), move |_| t.log("10"));
    l.set_timeout(ms(200), move |_| t.log("200-second"));
    l.set_timeout(ms(50), move |_| t.log("50"));
    busy(l, 300);
});

twin!(timer_late_lists, |t, l| {
    l.set_timeout(ms(10), move |_| t.log("A-10-first"));
    l.set_timeout(ms(12), move |_| t.log("B-12"));
    busy(l, 5);
    l.set_timeout(ms(10), move |_| t.log("C-10-second"));
    busy(l, 30);
});

twin!(timer_many_order, |t, l| {
    let fired = shared(Vec::new());
    let mut seed: u64 = 7;
    for index in 0..1000 {
        seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
        let delay = seed % 60 + 1;
        let start = l.now();
        l.set_timeout(ms(delay), move |l| {
            let mut all = fired.take();
            all.push((delay, index, l.now() - start < delay - 1));
            if all.len() == 1000 {
                tell_order(t, &all);
            }
            fired.set(all);
        });
    }
});

fn tell_order(t: &'static Story, fired: &[(u64, u32, bool)]) {
    let in_order = (1..=60).all(move |delay| {
        let same = fired.iter().filter(move |(other, _, _)| *other == delay);
        same.map(move |(_, index, _)| *index).is_sorted()
    });
    t.log(format!("same-duration-in-order {in_order}"));
    t.log(format!(
        "any-early {}",
        fired.iter().any(move |(_, _, early)| *early)
    ));
    t.log(format!("fired {}", fired.len()));
}

twin!(timer_nested_busy, |t, l| {
    l.set_timeout(ms(1), move |l| {
        t.log("a");
        l.set_timeout(ms(1), move |_| t.log("a-nested"));
        busy(l, 10);
        l.set_immediate(move |_| t.log("immediate"));
    });
});

twin!(timer_same, |t, l| {
    for n in ["a", "b", "c"] {
        l.set_timeout(ms(10), move |l| {
            t.log(format!("timer {n}"));
            l.next_tick(move |_| t.log(format!("tick {n}")));
            l.queue_microtask(move |_| t.log(format!("micro {n}")));
        });
    }
});

twin!(timer_throw, |t, l| {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Panic(text) = thrown else {
            panic!("no error was emitted")
        };
        t.log(format!("uncaughtException {text}"));
    });
    l.set_timeout(ms(5), move |l| {
        l.next_tick(move |_| t.log("tick-of-a"));
        l.set_immediate(move |_| t.log("immediate"));
        panic!("a");
    });
    l.set_timeout(ms(5), move |_| t.log("b"));
    l.set_timeout(ms(5), move |_| t.log("c"));
    busy(l, 15);
});

fn log_uncaught(t: &'static Story) {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Panic(text) = thrown else {
            panic!("no error was emitted")
        };
        t.log(format!("uncaught {text}"));
    });
}

twin!(throw_and_queues, |t, l| {
    log_uncaught(t);
    let later = |l: &mut Loop, millis, act: fn(&'static Story, &mut Loop)| {
        l.set_timeout(ms(millis), move |l| _ = l.set_immediate(move |l| act(t, l)));
    };
    later(l, 0, |t, l| {
        l.queue_microtask(|_| panic!("microtask"));
        l.queue_microtask(move |_| t.log("next microtask"));
        l.set_immediate(move |_| t.log("immediate"));
    });
    later(l, 50, |t, l| {
        l.set_timeout(ms(1), move |l| {
            l.next_tick(move |_| t.log("tick"));
            panic!("last of its list");
        });
        l.set_timeout(ms(2), move |_| t.log("another list"));
        busy(l, 5);
    });
    later(l, 100, |t, l| {
        l.set_immediate(move |_| t.log("next immediate"));
        l.set_timeout(ms(1), move |_| t.log("timer"));
        busy(l, 5);
        panic!("last immediate");
    });
});

twin!(throw_then_a_turn, |t, l| {
    log_uncaught(t);
    l.set_timeout(ms(1), move |l| {
        let immediate = l.set_immediate(move |_| t.log("immediate"));
        l.unref_immediate(immediate);
        panic!("thrown");
    });
});

twin!(timer_first_then_turn, |t, l| {
    l.set_timeout(ms(1), move |l| {
        let immediate = l.set_immediate(move |_| t.log("immediate"));
        l.unref_immediate(immediate);
    });
    busy(l, 3);
});

twin!(timer_list_before_ticks, |t, l| {
    let later = move |l: &mut Loop, delay, word: &'static str| {
        l.set_timeout(ms(delay), move |_| t.log(word));
    };
    let n = shared(0);
    l.set_interval(ms(40), move |l| {
        l.next_tick(move |l| {
            busy(l, 20);
            later(l, 20, "of the interval");
        });
        t.log("interval");
        if count_up(n) == 2 {
            let interval = l.current_timer().unwrap();
            l.clear_interval(interval);
        }
    });
    l.set_timeout(ms(200), move |l| {
        l.set_timeout(ms(40), move |l| {
            l.next_tick(move |l| {
                later(l, 40, "first made");
                busy(l, 20);
                later(l, 20, "then made");
            });
        });
    });
});

twin!(timer_unref_interval, |t, l| {
    let n = shared(0);
    let interval = l.set_interval(ms(10), move |_| {
        count_up(n);
    });
    l.unref_timer(interval);
    l.set_timeout(ms(60), move |_| t.log(format!("ran {}", n.get() >= 2)));
});

twin!(timer_unref_runs, |t, l| {
    let five = l.set_timeout(ms(5), move |_| t.log("unrefd-5"));
    l.unref_timer(five);
    l.set_timeout(ms(100), move |_| t.log("refd-100"));
    let never = l.set_timeout(ms(2000), move |_| t.log("unrefd-2000-never"));
    l.unref_timer(never);
});

twin!(timer_unref, |t, l| {
    let a = l.set_timeout(ms(900), move |_| t.log("never"));
    l.unref_timer(a);
    let b = l.set_timeout(ms(10), move |_| t.log("b"));
    l.unref_timer(b);
    l.ref_timer(b);
    l.ref_timer(b);
    t.log(format!(
        "hasRef {} {} chain true true",
        l.timer_has_ref(a),
        l.timer_has_ref(b)
    ));
    t.run(l);
    t.log(format!("exit {}", l.timer_has_ref(a)));
});

twin!(timer_vs_io, |t, l| {
    let client = shared(None);
    l.create_server(move |c| {
        c.on_error(move |_, _| {}).resume();
        close_server(c);
        let peer = c.id();
        c.event_loop()
            .socket_at(client.get().unwrap())
            .on_data(move |c, _| {
                t.log("client data");
                c.destroy();
            });
        c.event_loop().set_timeout(ms(20), move |l| {
            t.log("t1");
            l.socket_at(peer).write("x");
            l.set_timeout(ms(1), move |_| t.log("t2"));
            l.set_immediate(move |_| t.log("immediate"));
            busy(l, 10);
        });
    })
    .listen((HOST, 0), move |s| client.set(Some(connect(s).id())))
    .unwrap();
});

twin!(refresh_basic, |t, l| {
    let start = l.now();
    let n = shared(0);
    let timer = l.set_timeout(ms(50), move |l| {
        let late = match count_up(n) {
            1 => format!("late={}", l.now() - start >= 79),
            _ => String::new(),
        };
        t.log(format!("fired {} {late}", n.get()));
        if n.get() == 1 {
            let this = l.current_timer().unwrap();
            t.log(format!("returns-this {}", l.refresh(this)));
        }
    });
    l.set_timeout(ms(30), move |l| {
        l.refresh(timer);
    });
});

twin!(refresh_cleared, |t, l| {
    let a = l.set_timeout(ms(10), move |_| t.log("never"));
    l.clear_timeout(a);
    l.refresh(a);
    let b = l.set_timeout(ms(10), move |_| t.log("b-never"));
    l.unref_timer(b);
    l.refresh(b);
    t.log(format!("hasRef {}", l.timer_has_ref(b)));
    t.run(l);
    t.log("exit");
});

twin!(refresh_in_callback, |t, l| {
    let n = shared(0);
    l.set_timeout(ms(10), move |l| {
        t.log(format!("fired {}", count_up(n)));
        if n.get() < 3 {
            let this = l.current_timer().unwrap();
            l.refresh(this);
        }
    });
});

twin!(refresh_order, |t, l| {
    let a = l.set_timeout(ms(300), move |_| t.log("a"));
    l.set_timeout(ms(300), move |_| t.log("b"));
    l.set_timeout(ms(5), move |l| {
        l.refresh(a);
    });
});

twin!(timer_clear_other, |t, l| {
    let (b, d) = (shared(None), shared(None));
    l.set_timeout(ms(5), move |l| {
        t.log("a");
        l.clear_timeout(b.get().unwrap());
        l.clear_timeout(d.get().unwrap());
    });
    b.set(Some(l.set_timeout(ms(5), move |_| t.log("b-never"))));
    l.set_timeout(ms(5), move |_| t.log("c"));
    d.set(Some(l.set_timeout(ms(6), move |_| t.log("d-never"))));
    l.set_timeout(ms(6), move |_| t.log("e"));
    busy(l, 15);
});

twin!(timer_durations, |t, l| {
    for millis in [9, 3, 7, 1, 5, 3, 9, 1] {
        l.set_timeout(ms(millis), move |_| t.log(format!("timer {millis}")));
    }
    busy(l, 30);
});

twin!(timer_io_same_turn, |t, l| {
    l.create_server(move |c| {
        close_server(c);
        c.on_close(move |c, _| {
            t.log("close");
            c.event_loop().next_tick(move |_| t.log("tick-of-close"));
        });
        t.log("connection");
        let l = c.event_loop();
        l.set_timeout(ms(1), move |_| t.log("timer"));
        l.set_immediate(move |_| t.log("immediate"));
        c.destroy();
        busy(c.event_loop(), 5);
    })
    .listen((HOST, 0), move |s| {
        connect(s).on_error(|_, _| {}).resume();
    })
    .unwrap();
});

twin!(timer_nested_zero, |t, l| {
    l.set_timeout(ms(1), move |l| {
        t.log("a");
        l.set_timeout(ms(0), move |_| t.log("nested"));
        l.set_immediate(move |_| t.log("immediate"));
    });
    l.set_timeout(ms(1), move |_| t.log("b"));
    l.set_timeout(ms(4), move |_| t.log("c"));
    busy(l, 10);
});

twin!(timer_unref_in_callback, |t, l| {
    let n = shared(0);
    l.set_interval(ms(50), move |l| {
        t.log(format!("interval {}", count_up(n)));
        if n.get() == 2 {
            l.unref_timer(l.current_timer().unwrap());
        }
    });
    l.set_timeout(ms(1), move |l| {
        t.log("once");
        l.unref_timer(l.current_timer().unwrap());
    });
    t.run(l);
    t.log(format!("exit {}", n.get()));
});
