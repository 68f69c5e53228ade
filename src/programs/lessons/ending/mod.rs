//! How a connection ends.

mod program;

use std::time::Duration;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = lesson!("ending", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The first client ended its half before it received the answer.",
        seen: |run| {
            let shutdown = run.system("client#2", "shutdown")?;
            let data = run.callback("client#2", "data")?;
            in_order([shutdown, data])
        },
    },
    Claim {
        sentence: "To the server its end was EPOLLRDHUP, and then a recv of nothing; so `end` ran.",
        seen: |run| {
            let end = run.callback("accepted#3", "end")?;
            let ready = run.why(end, "readable, writable, read closed")?;
            let mut recv = run.systems("accepted#3", "recv");
            let recv = recv.find(|recv| recv.bytes == Some(0))?;
            seen(recv.number < end.number, [ready, recv, end])
        },
    },
    Claim {
        sentence: "For 50 ms the connection was half open: the server could still write.",
        seen: |run| {
            let end = run.callback("accepted#3", "end")?;
            let write = run.call("accepted#3", "end_with")?;
            let due = run.why(write, "timers")?;
            let close = run.system("accepted#3", "close")?;
            let is_so = write.at - end.at > Duration::from_millis(40);
            seen(is_so && write.number < close.number, [end, due, write])
        },
    },
    Claim {
        sentence: "The server's end came second: it was a close, without a shutdown.",
        seen: |run| {
            let write = run.call("accepted#3", "end_with")?;
            let close = run.system("accepted#3", "close")?;
            let is_so = run.system("accepted#3", "shutdown").is_none();
            in_order([write, close]).filter(|_| is_so)
        },
    },
    Claim {
        sentence: "Once both halves had ended, each side closed its socket, and `close` was its last event.",
        seen: |run| {
            let closes = ["client#2", "accepted#3"].map(|who| {
                let close = run.callback(who, "close")?;
                let is_last = run
                    .told(who, Kind::Callback)
                    .all(|it| it.number <= close.number);
                let system = run.system(who, "close")?;
                let is_so = system.number < close.number;
                (is_so && is_last).then_some([system, close])
            });
            let [client, server] = [closes[0]?, closes[1]?];
            seen(true, [server[0], server[1], client[0], client[1]])
        },
    },
    Claim {
        sentence: "The second client's recv found no end but an error, ECONNRESET; `end` did not run.",
        seen: |run| {
            let reset = run.call("accepted#5", "reset_and_destroy")?;
            let mut recv = run.systems("client#4", "recv");
            let recv = recv.find(|recv| recv.errno == Some(libc::ECONNRESET))?;
            let is_so = run.callback("client#4", "end").is_none();
            seen(is_so, [reset, recv])
        },
    },
    Claim {
        sentence: "Neither side shut its half down this time: the reset ended both.",
        seen: |run| {
            let close = run.system("accepted#5", "close")?;
            let mut shutdowns = ["client#4", "accepted#5"].into_iter();
            let is_so = shutdowns.all(|who| run.system(who, "shutdown").is_none());
            seen(is_so, [close])
        },
    },
    Claim {
        sentence: "`error` came before `close`.",
        seen: |run| {
            let error = run.callback("client#4", "error")?;
            let close = run.callback("client#4", "close")?;
            in_order([error, close])
        },
    },
];
