//! The same without a network.

mod program;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, in_order, seen};

pub(super) const LESSON: Lesson = Lesson {
    outside: Some("this lesson looks at a file, and a simulated host has none"),
    ..lesson!("path", CLAIMS, beside)
};

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The connection was there when connect(2) returned: no EINPROGRESS.",
        seen: |run| {
            let connect = run.system("client", "connect")?;
            seen(connect.errno.is_none(), [connect])
        },
    },
    Claim {
        sentence: "The event `connect` came later all the same, when the loop had asked the kernel.",
        seen: |run| {
            let system = run.system("client", "connect")?;
            let connect = run.callback("client", "connect")?;
            let wait = run.wait_of(connect.turn)?;
            let is_so = system.turn < connect.turn && wait.number < connect.number;
            seen(is_so, [system, wait, connect])
        },
    },
    Claim {
        sentence: "Neither end had an address or a port.",
        seen: |run| {
            let accepted = run.told("accepted", Kind::Accepted).next()?;
            let connected = run.told("client", Kind::Connected).next()?;
            let mut places = accepted.more.iter().chain(&connected.more);
            seen(places.all(String::is_empty), [accepted, connected])
        },
    },
    Claim {
        sentence: "The server read until EAGAIN.",
        seen: |run| {
            let mut recv = run.systems("accepted", "recv");
            let recv = recv.find(|recv| recv.errno == Some(libc::EAGAIN))?;
            seen(true, [recv])
        },
    },
    Claim {
        sentence: "The end was as over TCP: a shutdown, and a recv of nothing.",
        seen: |run| {
            let shutdown = run.system("accepted", "shutdown")?;
            let mut recv = run.systems("client", "recv");
            let end = recv.find(|recv| recv.bytes == Some(0))?;
            in_order([shutdown, end])
        },
    },
    Claim {
        sentence: "The file went with its server.",
        seen: |run| {
            let close = run.system("server", "close")?;
            let printed = run.printed("still there: false")?;
            in_order([close, printed])
        },
    },
];
