//! One thread, and a callback that does not return.

mod program;

use std::time::Duration;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = Lesson {
    outside: Some("in a simulated world a callback takes no time, however long it blocks"),
    ..lesson!("blocking", CLAIMS, beside)
};

const LONG: Duration = Duration::from_millis(290);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The heavy callback took 300 ms. Nothing else ran meanwhile.",
        seen: |run| {
            let heavy = run.printed("heavy: begins")?;
            let done = run.end_of(heavy)?;
            let entries = run.recording.entries.iter();
            let within = entries.filter(|it| heavy.number < it.number && it.number < done.number);
            let mut callbacks = within.filter(|it| it.kind == Kind::Callback);
            seen(
                callbacks.next().is_none() && done.at - heavy.at > LONG,
                [heavy, done],
            )
        },
    },
    Claim {
        sentence: "The light client had sent its word before the heavy callback began.",
        seen: |run| {
            let sent = run.system("client#3", "send")?;
            let heavy = run.printed("heavy: begins")?;
            in_order([sent, heavy])
        },
    },
    Claim {
        sentence: "Its word was received more than 300 ms later.",
        seen: |run| {
            let sent = run.system("client#3", "send")?;
            let light = run.callback("accepted#5", "data")?;
            let done = run.end_of(run.printed("heavy: begins")?)?;
            seen(light.at - sent.at > LONG, [sent, done, light])
        },
    },
    Claim {
        sentence: "The interval of 20 ms had come due many times, and ran once.",
        seen: |run| {
            let timer = run.call("loop", "set_interval")?;
            let ticks: Vec<_> = run.callbacks("loop", "set_interval").collect();
            let [tick] = ticks[..] else {
                return None;
            };
            let done = run.end_of(run.printed("heavy: begins")?)?;
            let due = run.why(tick, "timers")?;
            seen(tick.at - timer.at > LONG, [timer, done, due, tick])
        },
    },
    Claim {
        sentence: "Then the loop asked the kernel without waiting, and found the light one ready.",
        seen: |run| {
            let light = run.callback("accepted#5", "data")?;
            let wait = run.wait_of(light.turn)?;
            let is_so = wait.most.is_some_and(|most| most.is_zero());
            seen(is_so, [wait, light])
        },
    },
];
