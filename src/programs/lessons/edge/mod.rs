//! What becomes of a server that forgets that an edge is reported once.

mod program;

use super::lesson::{Claim, Lesson, seen};
use super::stage::Recorded;

pub(super) const LESSON: Lesson = lesson!("edge", CLAIMS, recorded);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The kernel took each word at once.",
        seen: |run| {
            let sends: Vec<_> = run.systems("client", "send").collect();
            let taken: Vec<_> = sends.iter().filter_map(|send| send.bytes).collect();
            seen(taken == [3, 3, 5, 4], [*sends.first()?, *sends.last()?])
        },
    },
    Claim {
        sentence: "Nothing came back for `one` until the client had waited a second and said `two`.",
        seen: |run| {
            let mut writes = run.calls("client", "write");
            let (one, two) = (writes.next()?, writes.next()?);
            let data = run.callback("client", "data")?;
            let timeout = run.callbacks("client", "timeout").nth(1)?;
            let is_so = timeout.number < two.number && two.number < data.number;
            seen(is_so, [one, timeout, two])
        },
    },
    Claim {
        sentence: "Then `one` came, and `two` did not.",
        seen: |run| {
            let data = run.callback("client", "data")?;
            let timeout = run.callbacks("client", "timeout").nth(2)?;
            let is_so = data.bytes == Some(3) && data.number < timeout.number;
            seen(is_so, [data, timeout])
        },
    },
    Claim {
        sentence: "`three` brought nothing, and `four` brought `twothree`.",
        seen: |run| {
            let writes: Vec<_> = run.calls("client", "write").collect();
            let [_, _, three, four] = writes[..] else {
                return None;
            };
            let data = run.callbacks("client", "data").nth(1)?;
            let is_so = data.bytes == Some(8) && four.number < data.number;
            seen(is_so, [three, four, data])
        },
    },
    Claim {
        sentence: "`four` never came back, and the client had no error.",
        seen: |run| {
            let last = run.callbacks("client", "data").last()?;
            let destroy = run.call("client", "destroy")?;
            let all = run.bytes(run.callbacks("client", "data"));
            let is_so = run.callback("client", "error").is_none();
            seen(all == 11 && is_so, [last, destroy])
        },
    },
];
