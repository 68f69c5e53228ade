//! How a connection comes to be, and who does it.

mod program;

use std::time::Duration;

use netloop::study::{Entry, Kind, Segment};

use super::lesson::{Claim, Lesson, in_order, seen};
use super::stage::{Played, Recorded};

pub(super) const LESSON: Lesson = lesson!("handshake", CLAIMS, recorded);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "SYN, SYN ACK and ACK made the connection while the program was busy with something else.",
        seen: |run| {
            let (busy, done) = busy(run)?;
            let [syn, answer, last] = &run.recording.segments.get(..3)? else {
                return None;
            };
            let is_handshake =
                syn.flags == "SYN" && answer.flags == "SYN,ACK" && last.flags == "ACK";
            let is_so = busy.at < answer.at && last.at < done.at;
            seen(is_handshake && is_so, [busy, done])
        },
    },
    Claim {
        sentence: "It waited in the server's queue until the program was free, and accept4 took it.",
        seen: |run| {
            let (_, done) = busy(run)?;
            let accept = run.system("server", "accept4")?;
            let last = run.recording.segments.get(2)?;
            seen(
                last.at < done.at && done.number < accept.number,
                [done, accept],
            )
        },
    },
    Claim {
        sentence: "Both programs were told after the busy callback, in one turn, the client first.",
        seen: |run| {
            let (_, done) = busy(run)?;
            let connect = run.callback("client#2", "connect")?;
            let connection = run.callback("accepted#3", "connection")?;
            let is_so = connect.turn == connection.turn && connect.number < connection.number;
            let is_so = is_so && done.number < connect.number;
            seen(is_so, [connect, connection])
        },
    },
    Claim {
        sentence: "The second client's SYN was lost. Its kernel sent it again, a second later.",
        seen: |run| {
            let (lost, again) = syns(run)?;
            let later = again.at.saturating_sub(lost.at);
            let second = Duration::from_millis(900)..Duration::from_millis(2000);
            seen(
                second.contains(&later),
                [run.system("client#4", "connect")?],
            )
        },
    },
    Claim {
        sentence: "In that second the loop slept: the program was not told of the loss.",
        seen: |run| {
            let connect = run.callback("client#4", "connect")?;
            let wait = run.wait_of(connect.turn)?;
            let is_so = wait.time > Some(Duration::from_millis(900));
            seen(
                is_so && run.callback("client#4", "error").is_none(),
                [wait, connect],
            )
        },
    },
    Claim {
        sentence: "This client was connected before the server knew: the last of the three segments was \
                   still under way.",
        seen: |run| {
            let connect = run.callback("client#4", "connect")?;
            let connection = run.callback("accepted#5", "connection")?;
            in_order([connect, connection])
        },
    },
];

/// The callback that keeps the program busy, and its end.
fn busy(run: &Played) -> Option<(&Entry, &Entry)> {
    let busy = run.callback("loop", "set_immediate")?;
    let done = run
        .told("loop", Kind::Done)
        .find(|it| it.cause == busy.number)?;
    Some((busy, done))
}

/// The SYN that was lost, and the next.
fn syns(run: &Played) -> Option<(&Segment, &Segment)> {
    let mut syns = run.recording.segments.iter().filter(|it| it.flags == "SYN");
    let lost = syns.find(|it| it.is_lost)?;
    Some((lost, syns.next()?))
}
