//! Timers: odd delays, the order of what is due, what is cleared, and what holds the loop.

use std::time::Duration;

use netloop::Loop;

use crate::peers::new_loop;
use crate::stage::*;
use crate::story::*;

/// Delays that are none, or too long: all of them count as 1 ms.
fn odd_delays() -> Vec<Duration> {
    vec![
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_micros(500),
        Duration::from_micros(999),
        Duration::from_micros(1000),
        Duration::from_micros(1999),
        ms(1 << 31),
        ms(u64::from(u32::MAX)),
        ms(1 << 32),
        Duration::MAX,
    ]
}

row!(
    timers,
    ["10 timeouts and 10 intervals before 50 ms", "ended"],
    |t, l| {
        let (timeouts, intervals) = (shared(0), shared(0));
        // However slow the machine is, this comes after all that is due before it.
        l.set_timeout(ms(50), move |_| {
            let (timeouts, intervals) = (timeouts.get(), intervals.get());
            t.log(format!(
                "{timeouts} timeouts and {intervals} intervals before 50 ms"
            ));
        });
        for delay in odd_delays() {
            l.set_timeout(delay, move |_| _ = count_up(timeouts));
            l.set_interval(delay, move |l| {
                count_up(intervals);
                let own = l.current_timer().expect("a timer runs");
                l.clear_interval(own);
            });
        }
        t.run(l);
        assert_eq!((timeouts.get(), intervals.get()), (10, 10));
        t.log("ended");
    }
);

row!(
    timers_args,
    ["129 timeouts and 129 intervals had what they were made with"],
    |t, l| {
        let (timeouts, intervals) = (shared(0), shared(0));
        for count in 0..=128_u32 {
            let arguments: Vec<u32> = (0..count).collect();
            let again = arguments.clone();
            let is_right = move |arguments: &[u32]| arguments.iter().copied().eq(0..count);
            l.set_timeout(ms(1), move |_| {
                assert!(is_right(&arguments));
                count_up(timeouts);
            });
            l.set_interval(ms(1), move |l| {
                assert!(is_right(&again));
                count_up(intervals);
                let own = l.current_timer().expect("a timer runs");
                l.clear_interval(own);
            });
        }
        t.run(l);
        let (timeouts, intervals) = (timeouts.get(), intervals.get());
        t.log(format!(
            "{timeouts} timeouts and {intervals} intervals had what they were made with"
        ));
    }
);

row!(
    timers_max_duration_warning,
    [
        "timeout: 2147483648ms does not fit into 2^31-1 ms: the delay was set to 1 ms",
        "interval: 2147483648ms does not fit into 2^31-1 ms: the delay was set to 1 ms",
        "2 ran",
    ],
    |t, l| {
        keep_warnings();
        let long = ms(1 << 31);
        let ran = shared(0);
        let tell = move |word: &str| {
            for warning in warnings() {
                t.log(format!("{word}: {warning}").replace("2147483.648s", "2147483648ms"));
            }
        };
        l.set_timeout(ms((1 << 31) - 1), |_| unreachable!());
        l.set_timeout(long, move |_| _ = count_up(ran));
        tell("timeout");
        l.set_interval(long, move |l| {
            count_up(ran);
            let own = l.current_timer().expect("a timer runs");
            l.clear_interval(own);
        });
        tell("interval");
        l.run_for(ms(1)).unwrap();
        t.log(format!("{} ran", ran.get()));
        *l = new_loop();
    }
);

row!(
    timers_nested,
    [
        "outer 0",
        "immediate",
        "inner 0",
        "outer 20",
        "immediate",
        "inner 20"
    ],
    |t, l| {
        for (delay, outer, inner) in [(0, "outer 0", "inner 0"), (20, "outer 20", "inner 20")] {
            l.set_timeout(ms(delay), move |l| {
                t.log(outer);
                l.set_timeout(ms(delay), move |_| t.log(inner));
                l.set_immediate(move |_| t.log("immediate"));
                // The inner one is due before this pass is over.
                busy(l, delay + 2);
            });
            t.run(l);
        }
    }
);

row!(
    timers_next_tick,
    [
        "timer 1",
        "tick of timer 1",
        "timer 3",
        "immediate 1",
        "tick of immediate 1",
        "immediate 3",
    ],
    |t, l| {
        // Each tick runs before the next timer or immediate, and clears it.
        let timer = shared(None);
        l.set_timeout(ms(1), move |l| {
            t.log("timer 1");
            l.next_tick(move |l| {
                t.log("tick of timer 1");
                l.clear_timeout(timer.get().expect("made before it ran"));
            });
        });
        timer.set(Some(l.set_timeout(ms(1), |_| unreachable!())));
        l.set_timeout(ms(1), move |_| t.log("timer 3"));
        t.run(l);
        let immediate = shared(None);
        l.set_immediate(move |l| {
            t.log("immediate 1");
            l.next_tick(move |l| {
                t.log("tick of immediate 1");
                l.clear_immediate(immediate.get().expect("made before it ran"));
            });
        });
        immediate.set(Some(l.set_immediate(|_| unreachable!())));
        l.set_immediate(move |_| t.log("immediate 3"));
    }
);

row!(
    timers_non_integer_delay,
    ["50 runs of an interval", "the loop ended"],
    |t, l| {
        let runs = shared(0);
        l.set_interval(Duration::from_micros(1500), move |l| {
            if count_up(runs) == 50 {
                let own = l.current_timer().expect("a timer runs");
                l.clear_interval(own);
            }
        });
        t.run(l);
        t.log(format!("{} runs of an interval", runs.get()));
        assert!(!l.is_alive());
        t.log("the loop ended");
    }
);

fn chain(l: &mut Loop, delay: Duration, left: u32, then: impl FnOnce() + 'static) {
    let mut then = Some(then);
    l.set_timeout(delay, move |l| {
        let then = then.take().expect("a timeout runs once");
        if left == 1 {
            then();
        } else {
            chain(l, delay, left - 1, then);
        }
    });
}

row!(timers_timeout_with_non_integer, ["50 of 50"], |t, l| {
    chain(l, Duration::from_nanos(1_000_001), 50, move || {
        t.log("50 of 50")
    });
});

/// Chains timers of 1, 2, 3 … ms; each counts from the loop's time when it is made.
fn climb(l: &mut Loop, millis: u64, last: u64, told: &'static std::cell::Cell<u64>) {
    let before = l.now();
    l.set_timeout(ms(millis), move |l| {
        assert!(l.now() > before, "{millis} ms later");
        assert_eq!(told.replace(millis), millis - 1);
        if millis < last {
            climb(l, millis + 1, last, told);
        }
    });
}

row!(
    timers_ordering,
    ["20 in order, each later than the one before"],
    |t, l| {
        let told = shared(0);
        climb(l, 1, 20, told);
        t.run(l);
        t.log(format!(
            "{} in order, each later than the one before",
            told.get()
        ));
    }
);

row!(
    timers_uncaught_exception,
    ["uncaught timer", "second timer"],
    |t, l| {
        t.on_uncaught(move |_, thrown| {
            let Thrown::Panic(text) = thrown else {
                panic!("no error was emitted")
            };
            t.log(format!("uncaught {text}"));
        });
        l.set_timeout(ms(1), |_| panic!("timer"));
        l.set_timeout(ms(1), move |_| t.log("second timer"));
    }
);

row!(
    timers_set_interval_excludes_callback_duration,
    ["first, for 40 of 60 ms", "second", "80 ms after the first"],
    |t, l| {
        let first = shared(None);
        l.set_interval(ms(60), move |l| {
            let Some(first) = first.replace(Some(l.now())) else {
                t.log("first, for 40 of 60 ms");
                // Counted from this callback's end, the second would be due after 100 ms.
                l.set_timeout(ms(80), move |_| t.log("80 ms after the first"));
                return busy(l, 40);
            };
            t.log("second");
            assert_eq!(l.now() - first, 60);
            let own = l.current_timer().expect("a timer runs");
            l.clear_interval(own);
        });
    }
);
