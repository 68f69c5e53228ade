//! `refresh` and names of timers: the place in the list, and what a stale name does.

use netloop::Loop;

use crate::story::*;

row!(
    timers_refresh,
    [
        "b",
        "a, which was refreshed",
        "unref'd, which was refreshed",
        "c",
    ],
    |t, l| {
        let a = l.set_timeout(ms(1), move |_| t.log("a, which was refreshed"));
        l.set_timeout(ms(1), move |_| t.log("b"));
        let unrefd = l.set_timeout(ms(1), move |_| t.log("unref'd, which was refreshed"));
        l.unref_timer(unrefd);
        let cleared = l.set_timeout(ms(1), |_| unreachable!());
        l.clear_timeout(cleared);
        assert!(!l.refresh(cleared), "a cleared timer stays cleared");
        assert!(l.refresh(a) && l.refresh(unrefd));
        assert!(!l.timer_has_ref(unrefd) && l.timer_has_ref(a));
        l.set_timeout(ms(1), move |_| t.log("c"));
    }
);

row!(
    timers_same_timeout_wrong_list_deleted,
    ["first", "second", "third"],
    |t, l| {
        let first = shared(None);
        first.set(Some(l.set_timeout(ms(3), move |l| {
            t.log("first");
            // The list of 3 ms is new after this: to clear what has fired must leave it alone.
            l.set_immediate(move |l| {
                l.set_timeout(ms(3), move |_| t.log("second"));
                l.clear_timeout(first.get().expect("set before it ran"));
                l.set_timeout(ms(3), move |_| t.log("third"));
            });
        })));
    }
);

row!(
    timers_to_primitive,
    [
        "two names differ",
        "a copy of a name clears as the name does"
    ],
    |t, l| {
        let never = |l: &mut Loop| l.set_timeout(ms(1), |_| unreachable!());
        let (first, second) = (never(l), never(l));
        assert!(first != second && format!("{first:?}") != format!("{second:?}"));
        t.log("two names differ");
        let copies = std::collections::HashSet::from([first, second]);
        for copy in copies {
            l.clear_timeout(copy);
            assert!(!l.timer_has_ref(copy));
        }
        assert!(!l.timer_has_ref(first) && !l.timer_has_ref(second));
        t.log("a copy of a name clears as the name does");
    }
);
