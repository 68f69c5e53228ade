//! Timers that do not hold the loop: when they run all the same, and that it ends.

use netloop::{Loop, TimerId};

use crate::story::*;

row!(
    timers_unenroll_unref_interval,
    ["clear_interval 1", "clear_timeout 1", "ended",],
    |t, l| {
        type End = fn(&mut Loop, TimerId);
        let ends: [(&str, End); 2] = [
            ("clear_interval", Loop::clear_interval),
            ("clear_timeout", Loop::clear_timeout),
        ];
        let holder = l.set_interval(ms(1), |_| {});
        let ended = shared(0);
        for (word, end) in ends {
            let runs = shared(0);
            let interval = l.set_interval(ms(1), move |l| {
                t.log(format!("{word} {}", count_up(runs)));
                let own = l.current_timer().expect("a timer runs");
                l.unref_timer(own);
                end(l, own);
                if count_up(ended) == 2 {
                    // Two more turns would show an interval that goes on.
                    l.set_timeout(ms(3), move |l| l.clear_interval(holder));
                }
            });
            l.unref_timer(interval);
        }
        t.run(l);
        assert!(!l.is_alive());
        t.log("ended");
    }
);

row!(
    timers_unref_throw_then_ref,
    ["uncaught once", "runs 1", "ended"],
    |t, l| {
        let runs = shared(0);
        t.on_uncaught(move |_, thrown| {
            let Thrown::Panic(text) = thrown else {
                panic!("no error was emitted")
            };
            t.log(format!("uncaught {text}"));
        });
        let timer = l.set_timeout(ms(1), move |l| {
            count_up(runs);
            let own = l.current_timer().expect("a timer runs");
            l.ref_timer(own);
            panic!("once");
        });
        l.unref_timer(timer);
        l.set_timeout(ms(10), |_| {});
        t.run(l);
        t.log(format!("runs {}", runs.get()));
        assert!(
            !l.is_alive(),
            "the timers that hold the loop are counted right"
        );
        t.log("ended");
    }
);

row!(
    timers_unref,
    [
        "unref ref unref: false true false",
        "unref'd interval ran while held: 3",
        "ended",
    ],
    |t, l| {
        let chain = l.set_timeout(ms(60_000), |_| unreachable!());
        l.unref_timer(chain);
        let first = l.timer_has_ref(chain);
        l.ref_timer(chain);
        let second = l.timer_has_ref(chain);
        l.unref_timer(chain);
        let third = l.timer_has_ref(chain);
        t.log(format!("unref ref unref: {first} {second} {third}"));
        let long = l.set_interval(ms(60_000), |_| unreachable!());
        l.unref_timer(long);
        let (runs, holder) = (shared(0), l.set_interval(ms(1), |_| {}));
        let short = l.set_interval(ms(2), move |l| {
            if count_up(runs) == 3 {
                l.clear_interval(holder);
            }
        });
        l.unref_timer(short);
        t.run(l);
        t.log(format!("unref'd interval ran while held: {}", runs.get()));
        assert!(!l.is_alive());
        t.log("ended");
    }
);

row!(timers_unrefed_in_callback, ["runs 3", "ended"], |t, l| {
    let runs = shared(0);
    let holder = l.set_interval(ms(1), |_| {});
    l.set_interval(ms(1), move |l| {
        let own = l.current_timer().expect("a timer runs");
        l.unref_timer(own);
        if count_up(runs) == 3 {
            l.clear_interval(own);
            // Two more turns would show that it goes on.
            l.set_timeout(ms(3), move |l| l.clear_interval(holder));
        }
    });
    t.run(l);
    t.log(format!("runs {}", runs.get()));
    assert!(!l.is_alive());
    t.log("ended");
});
