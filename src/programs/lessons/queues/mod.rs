//! What runs when, after a callback.

mod program;

use std::time::Duration;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = lesson!("queues", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The callback ran to its end before anything that it had queued.",
        seen: |run| {
            let callback = run.callback("accepted", "connection")?;
            let done = run.end_of(callback)?;
            let tick = run.printed("tick")?;
            seen(done.number < tick.number, [callback, tick])
        },
    },
    Claim {
        sentence: "All ticks ran before the microtask, also the tick of a tick.",
        seen: |run| {
            let tick = run.printed("tick of a tick")?;
            let microtask = run.printed("microtask")?;
            in_order([tick, microtask])
        },
    },
    Claim {
        sentence: "The tick of the microtask ran before the loop served the client, which was ready too.",
        seen: |run| {
            let tick = run.printed("tick of a microtask")?;
            let ready = run.told("client", Kind::Ready).next()?;
            let wait = run.wait_of(tick.turn)?;
            let is_so = wait.words == "2" && ready.turn == tick.turn;
            seen(is_so && tick.number < ready.number, [wait, tick, ready])
        },
    },
    Claim {
        sentence: "The immediate ran in the same turn, after all sockets that were ready.",
        seen: |run| {
            let immediate = run.printed("immediate")?;
            let ready = run.told("client", Kind::Ready).next()?;
            let is_so = ready.turn == immediate.turn && ready.number < immediate.number;
            seen(is_so, [ready, immediate])
        },
    },
    Claim {
        sentence: "`destroy` closed the descriptor at once, and `close` ran after the immediate.",
        seen: |run| {
            let system = run.system("accepted", "close")?;
            let (immediate, close) = (run.printed("immediate")?, run.printed("close")?);
            let is_so = run.why(system, "destroy").is_some();
            let is_so = is_so && immediate.number < close.number;
            seen(is_so, [system, immediate, close])
        },
    },
    Claim {
        sentence: "The timeout of 0 ms was one of 1 ms, and came last.",
        seen: |run| {
            let timeout = run.printed("timeout")?;
            let mut queued = run.told("loop", Kind::Queued);
            let queued = queued.find(|it| it.words == "timers")?;
            let close = run.printed("close")?;
            let is_so = queued.time == Some(Duration::from_millis(1));
            let due = run.why(timeout, "timers")?;
            seen(
                is_so && close.number < timeout.number,
                [close, due, timeout],
            )
        },
    },
];
