//! Immediates: one batch a turn, and what holds the loop.

use netloop::Loop;

use crate::story::*;

row!(
    timers_immediate_queue,
    ["1 2 3 4 5 in one turn", "timer", "6 7 8 9 10 in one turn",],
    |t, l| {
        let numbers = shared(0);
        let line = shared(String::new());
        for _ in 0..5 {
            l.set_immediate(move |l| {
                say(t, line, count_up(numbers));
                busy(l, 2);
                // Queued from the check phase: the timer that is due comes first.
                l.set_immediate(move |_| say(t, line, count_up(numbers)));
            });
        }
        l.set_immediate(move |l| {
            l.set_timeout(ms(1), move |_| t.log("timer"));
            busy(l, 5);
        });
    }
);

fn say(t: &'static Story, line: &'static std::cell::Cell<String>, number: u32) {
    let all = line.take() + &number.to_string();
    if number.is_multiple_of(5) {
        t.log(all + " in one turn");
    } else {
        line.set(all + " ");
    }
}

row!(
    timers_immediate_queue_throw,
    [
        "before",
        "uncaught setImmediate",
        "rest of the batch",
        "a timer that is due",
        "queued from the batch, a turn later",
    ],
    |t, l| {
        t.on_uncaught(move |_, thrown| {
            let Thrown::Panic(text) = thrown else {
                panic!("no error was emitted")
            };
            t.log(format!("uncaught {text}"));
        });
        l.set_immediate(move |l| {
            t.log("before");
            l.set_immediate(move |_| t.log("queued from the batch, a turn later"));
            l.set_timeout(ms(1), move |_| t.log("a timer that is due"));
        });
        l.set_immediate(|_| panic!("setImmediate"));
        l.set_immediate(move |l| {
            t.log("rest of the batch");
            busy(l, 5);
        });
    }
);

row!(
    timers_immediate_unref_nested_once,
    ["outer", "ended"],
    |t, l| {
        l.set_immediate(move |l| {
            t.log("outer");
            let inner = l.set_immediate(|_| unreachable!());
            l.unref_immediate(inner);
        });
        t.run(l);
        assert!(!l.is_alive());
        t.log("ended");
    }
);

row!(
    timers_immediate_unref,
    [
        "made true",
        "unref unref false",
        "ref ref true",
        "unref false",
        "ran, as another one held the turn",
        "the other one",
    ],
    |t, l| {
        let immediate = l.set_immediate(move |_| t.log("ran, as another one held the turn"));
        let tell = move |word: &str, l: &mut Loop| {
            t.log(format!("{word} {}", l.immediate_has_ref(immediate)));
        };
        tell("made", l);
        l.unref_immediate(immediate);
        l.unref_immediate(immediate);
        tell("unref unref", l);
        l.ref_immediate(immediate);
        l.ref_immediate(immediate);
        tell("ref ref", l);
        l.unref_immediate(immediate);
        tell("unref", l);
        l.set_immediate(move |_| t.log("the other one"));
    }
);

row!(
    timers_setimmediate_infinite_loop,
    ["first", "second", "ended"],
    |t, l| {
        let others = shared(Vec::new());
        l.set_immediate(move |l| {
            t.log("first");
            for other in others.take() {
                l.clear_immediate(other);
            }
            l.set_immediate(move |_| t.log("second"));
        });
        let never = |l: &mut Loop| l.set_immediate(|_| unreachable!());
        others.set((0..3).map(|_| never(l)).collect());
        t.run(l);
        assert!(!l.is_alive());
        t.log("ended");
    }
);
