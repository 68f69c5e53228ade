//! Where it began: a server, a client, and a port.

mod program;

use std::time::Duration;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = lesson!("two-programs", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "One wait reported both ends: `connection` ran, then `connect`, in one turn.",
        seen: |run| {
            let connection = run.callback("accepted", "connection")?;
            let connect = run.callback("client", "connect")?;
            let is_so = connection.number < connect.number;
            seen(
                is_so && connection.turn == connect.turn,
                [connection, connect],
            )
        },
    },
    Claim {
        sentence: "`Welcome` was sent before the client's program knew of the connection.",
        seen: |run| {
            let send = run.system("accepted", "send")?;
            let connect = run.callback("client", "connect")?;
            in_order([send, connect])
        },
    },
    Claim {
        sentence: "Still it was received a turn after `connect`.",
        seen: |run| {
            let connect = run.callback("client", "connect")?;
            let data = run.callback("client", "data")?;
            seen(data.turn == connect.turn + 1, [connect, data])
        },
    },
    Claim {
        sentence: "Until the timer was due, the loop slept in the kernel.",
        seen: |run| {
            let timer = run.why(run.call("client", "write")?, "timers")?;
            let wait = run.wait_of(timer.turn)?;
            let slept = wait.most > Some(Duration::ZERO) && wait.words == "0";
            seen(slept, [wait, timer])
        },
    },
    Claim {
        sentence: "Meanwhile the loop was held by the server, both sockets and the interval.",
        seen: |run| {
            let timer = run.why(run.call("client", "write")?, "timers")?;
            let wait = run.wait_of(timer.turn)?;
            let model = run.after(wait.number);
            let (who, queued) = model.holders();
            let works: Vec<&str> = queued.iter().map(|it| it.work.as_str()).collect();
            seen(who.len() == 3 && works == ["set_interval"], [wait])
        },
    },
    Claim {
        sentence: "Each `hi` was one send, one recv and one `data`, of two bytes.",
        seen: |run| {
            let send: Vec<_> = run.systems("client", "send").collect();
            let data: Vec<_> = run.callbacks("accepted", "data").collect();
            let ([one, two], [first, second]) = (&send[..], &data[..]) else {
                return None;
            };
            let all = [*one, *first, *two, *second];
            seen(all.iter().all(|it| it.bytes == Some(2)), all)
        },
    },
    Claim {
        sentence: "The client's `end` was a shutdown, and the server's recv of nothing.",
        seen: |run| {
            let shutdown = run.system("client", "shutdown")?;
            let end = run.systems("accepted", "recv").last()?;
            let is_so = end.bytes == Some(0) && shutdown.number < end.number;
            seen(is_so, [shutdown, end])
        },
    },
    Claim {
        sentence: "The server had closed its end before the client received `end`.",
        seen: |run| {
            let close = run.system("accepted", "close")?;
            let end = run.callback("client", "end")?;
            in_order([close, end])
        },
    },
    Claim {
        sentence: "At last nothing held the loop, and it ended.",
        seen: |run| {
            let last = run.recording.entries.last()?;
            let model = run.after(last.number);
            let (who, queued) = model.holders();
            seen(who.is_empty() && queued.is_empty(), [last])
        },
    },
];
