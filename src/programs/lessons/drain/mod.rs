//! What a write waits for when the peer does not read.

mod program;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, seen};

pub(super) const LESSON: Lesson = lesson!("drain", CLAIMS);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The kernel took a part of the write, and left the rest to the program.",
        seen: |run| {
            let write = run.call("client", "write")?;
            let sends = || {
                run.systems("client", "send")
                    .filter(|it| it.cause == write.number)
            };
            let (first, last) = (sends().next()?, sends().last()?);
            seen(run.bytes(sends()) < 16_000_000, [first, last])
        },
    },
    Claim {
        sentence: "`write` returned false, and had taken all of it nevertheless.",
        seen: |run| {
            let write = run.call("client", "write")?;
            let done = run.end_of(write)?;
            let is_so = run.calls("client", "write").count() == 1;
            seen(is_so && done.words == "false", [write, done])
        },
    },
    Claim {
        sentence: "When the server began to read, a part was still waiting in the client's program.",
        seen: |run| {
            let resume = run.call("accepted", "resume")?;
            let recv = run.system("accepted", "recv")?;
            let sends = || {
                run.systems("client", "send")
                    .filter(|it| it.number < resume.number)
            };
            let is_so = run.bytes(sends()) < 16_000_000 && resume.number < recv.number;
            let sent = sends().map(|it| it.number);
            is_so.then(|| sent.chain([resume.number, recv.number]).collect())
        },
    },
    Claim {
        sentence: "The kernel said when there was room again (EPOLLOUT), and the loop sent on.",
        seen: |run| {
            let resume = run.call("accepted", "resume")?;
            let mut sends = run.systems("client", "send");
            let next = sends.find(|send| send.number > resume.number)?;
            let mut why = run.recording.why(next.number);
            let ready = why.find(|it| it.kind == Kind::Ready)?;
            seen(ready.words.contains("writable"), [ready, next])
        },
    },
    Claim {
        sentence: "`drain` ran once, after the send of the last bytes.",
        seen: |run| {
            let mut drains = run.callbacks("client", "drain");
            let drain = drains.next()?;
            let sends = run.systems("client", "send");
            let last = sends.filter(|send| send.errno.is_none()).last()?;
            let is_so = drains.next().is_none() && last.number < drain.number;
            let sent = run.bytes(run.systems("client", "send"));
            seen(is_so && sent == 16_000_000, [last, drain])
        },
    },
    Claim {
        sentence: "All 16000000 bytes arrived.",
        seen: |run| {
            let all = run.bytes(run.callbacks("accepted", "data"));
            seen(all == 16_000_000, [run.callback("accepted", "end")?])
        },
    },
];
