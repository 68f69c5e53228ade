//! Addresses, ports, families.

mod program;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, seen};

pub(super) const LESSON: Lesson = lesson!("addresses", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The second server could not have the place of the first: EADDRINUSE.",
        seen: |run| {
            let listen = run.system("server#2", "listen")?;
            seen(listen.errno == Some(libc::EADDRINUSE), [listen])
        },
    },
    Claim {
        sentence: "At another address the same port was free.",
        seen: |run| {
            let listen = run.system("server#3", "listen")?;
            seen(
                listen.errno.is_none(),
                [listen, run.callback("server#3", "listening")?],
            )
        },
    },
    Claim {
        sentence: "The client tried the addresses of the name in their order, one by one.",
        seen: |run| {
            let attempts: Vec<_> = run.callbacks("client", "connectionAttempt").collect();
            let failed = run.callback("client", "connectionAttemptFailed")?;
            let [first, second] = attempts[..] else {
                return None;
            };
            let is_so = first.number < failed.number && failed.number < second.number;
            seen(is_so, [first, failed, second])
        },
    },
    Claim {
        sentence: "As one of them was there, the refusal of the other was no `error`.",
        seen: |run| {
            let failed = run.callback("client", "connectionAttemptFailed")?;
            let connect = run.callback("client", "connect")?;
            seen(run.callback("client", "error").is_none(), [failed, connect])
        },
    },
    Claim {
        sentence: "The kernel has chosen the client's port, which is not that of the server.",
        seen: |run| {
            let connected = run.told("client", Kind::Connected).next()?;
            let [own, peer] = &connected.more[..] else {
                return None;
            };
            let port = |place: &str| place.rsplit(':').next().map(str::to_owned);
            seen(
                port(own) != port(peer) && port(own) != Some("0".into()),
                [connected],
            )
        },
    },
    Claim {
        sentence: "Both ends name the same two places, each its own first.",
        seen: |run| {
            let connected = run.told("client", Kind::Connected).next()?;
            let accepted = run.told("accepted", Kind::Accepted).next()?;
            let is_so = connected.more.iter().eq(accepted.more.iter().rev());
            seen(is_so && connected.more.len() == 2, [accepted, connected])
        },
    },
];
