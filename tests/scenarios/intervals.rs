//! `interval-*`: when the next run of an interval is due.

use crate::story::*;

twin!(interval_clear_in_callback, |t, l| {
    let n = shared(0);
    l.set_interval(ms(10), move |l| {
        t.log(format!("tick {}", count_up(n)));
        if n.get() == 3 {
            let this = l.current_timer().unwrap();
            l.clear_interval(this);
        }
    });
});

twin!(interval_drift, |t, l| {
    let (start, n) = (l.now(), shared(0));
    l.set_interval(ms(200), move |l| {
        if count_up(n) == 4 {
            let all = l.now() - start;
            t.log(format!("four-runs {}", (780..1100).contains(&all)));
            return l.clear_interval(l.current_timer().unwrap());
        }
        busy(l, 150);
    });
});

twin!(interval_missed, |t, l| {
    l.set_timeout(ms(1), move |l| {
        let n = shared(0);
        l.set_interval(ms(10), move |l| {
            t.log(format!("interval {}", count_up(n)));
            if n.get() == 2 {
                l.clear_interval(l.current_timer().unwrap());
            }
        });
        l.set_immediate(move |_| t.log("immediate"));
        busy(l, 100);
        l.set_timeout(ms(1), move |_| t.log("timeout"));
    });
});

twin!(interval_slow, |t, l| {
    let n = shared(0);
    l.set_interval(ms(5), move |l| {
        t.log(format!("interval {}", count_up(n)));
        l.set_immediate(move |_| t.log(format!("immediate {}", n.get())));
        if n.get() == 3 {
            l.clear_interval(l.current_timer().unwrap());
        }
        busy(l, 20);
    });
});

twin!(interval_throw, |t, l| {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Panic(text) = thrown else {
            panic!("no error was emitted")
        };
        t.log(format!("uncaughtException {text}"));
    });
    let n = shared(0);
    l.set_interval(ms(5), move |l| {
        t.log(format!("interval {}", count_up(n)));
        l.next_tick(move |_| t.log(format!("tick {}", n.get())));
        if n.get() == 3 {
            l.clear_interval(l.current_timer().unwrap());
        }
        panic!("run {}", n.get());
    });
});
