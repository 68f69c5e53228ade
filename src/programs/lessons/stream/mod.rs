//! Bytes have no boundaries.

mod program;

use super::lesson::{Claim, Lesson, seen};

pub(super) const LESSON: Lesson = lesson!("stream", CLAIMS);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The client wrote five times, and the kernel took five times.",
        seen: |run| {
            let sends: Vec<_> = run.systems("client", "send").collect();
            let (first, last) = (*sends.first()?, *sends.last()?);
            let writes = run.calls("client", "write").count();
            seen((writes, sends.len()) == (5, 5), [first, last])
        },
    },
    Claim {
        sentence: "The server received all 19 bytes at once: one recv, one `data`.",
        seen: |run| {
            let recv = run.system("accepted", "recv")?;
            let data: Vec<_> = run.callbacks("accepted", "data").collect();
            let is_so = data.len() == 1 && recv.bytes == Some(19);
            seen(is_so && data[0].bytes == Some(19), [recv, data[0]])
        },
    },
    Claim {
        sentence: "The server wrote its answer once, and the client's `data` ran several times.",
        seen: |run| {
            let writes: Vec<_> = run.calls("accepted", "end_with").collect();
            let data: Vec<_> = run.callbacks("client", "data").collect();
            let (first, last) = (*data.first()?, *data.last()?);
            let is_so = writes.len() == 1 && data.len() > 1;
            seen(is_so, [writes[0], first, last])
        },
    },
    Claim {
        sentence: "No chunk had more than 65536 bytes, and all together had 200000.",
        seen: |run| {
            let data: Vec<_> = run.callbacks("client", "data").collect();
            let largest = data.iter().max_by_key(|it| it.bytes)?;
            let is_so = largest.bytes <= Some(65536);
            let all = run.bytes(run.callbacks("client", "data"));
            seen(
                is_so && all == 200_000,
                [*largest, run.callback("client", "end")?],
            )
        },
    },
    Claim {
        sentence: "`end` ran after the last `data`, in a later turn.",
        seen: |run| {
            let data = run.callbacks("client", "data").last()?;
            let end = run.callback("client", "end")?;
            seen(data.turn < end.turn, [data, end])
        },
    },
];
