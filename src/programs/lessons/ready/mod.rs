//! Readiness, and turns.

mod program;

use netloop::study::Kind;

use super::lesson::{Claim, Lesson, seen};

pub(super) const LESSON: Lesson = lesson!("ready", CLAIMS, beside);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The loop waited once in each turn, for all of them together.",
        seen: |run| {
            let waits: Vec<_> = run.told("loop", Kind::Wait).collect();
            let (first, last) = (*waits.first()?, *waits.last()?);
            seen(last.turn == waits.len() as u64, [first, last])
        },
    },
    Claim {
        sentence: "The first wait reported four at once: the server and three clients.",
        seen: |run| {
            let wait = run.wait_of(1)?;
            seen(wait.words == "4", [wait])
        },
    },
    Claim {
        sentence: "So all three clients connected in one turn.",
        seen: |run| {
            let connects: Vec<_> = run.callbacks("client", "connect").collect();
            let [ada, ben, cleo] = connects[..] else {
                return None;
            };
            seen(
                ada.turn == ben.turn && ben.turn == cleo.turn,
                [ada, ben, cleo],
            )
        },
    },
    Claim {
        sentence: "The server accepted one connection in each turn.",
        seen: |run| {
            let callbacks: Vec<_> = run.callbacks("accepted", "connection").collect();
            let [one, two, three] = callbacks[..] else {
                return None;
            };
            let is_so = one.turn + 1 == two.turn && two.turn + 1 == three.turn;
            seen(is_so, [one, two, three])
        },
    },
    Claim {
        sentence: "The kernel reported the server only once: the loop remembered that two more were waiting, \
                   and did not sleep before it accepted them.",
        seen: |run| {
            let ready: Vec<_> = run.told("server", Kind::Ready).collect();
            let again = run.told("server", Kind::Again).next()?;
            let wait = run.wait_of(again.turn)?;
            let is_so = ready.len() == 1 && wait.most.is_some_and(|most| most.is_zero());
            seen(is_so, [ready[0], wait, again])
        },
    },
    Claim {
        sentence: "Ada's bytes and her end were in one report, EPOLLIN and EPOLLRDHUP; `data` ran in that \
                   turn, and the end was received in the next.",
        seen: |run| {
            let data = run.callback("accepted", "data")?;
            let ready = run.why(data, "readable, writable, read closed")?;
            let mut recv = run.systems("accepted", "recv");
            let end = recv.find(|recv| recv.bytes == Some(0))?;
            seen(
                ready.turn == data.turn && data.turn + 1 == end.turn,
                [ready, data, end],
            )
        },
    },
    Claim {
        sentence: "Some readiness led to nothing: that a socket can be written to is of no use while \
                   nothing waits to be written.",
        seen: |run| {
            let nothing = run.told("client", Kind::Nothing).next()?;
            seen(nothing.words == "nothing waits to be written", [nothing])
        },
    },
];
