//! What the page says about each kind of record, and about the words of the kernel.

use super::super::entry::{Entry, Kind};

/// How much of a recording a record belongs to: 0 to the story, 1 to the states as well, 2 to all.
pub(super) fn level(entry: &Entry) -> u8 {
    match entry.kind {
        Kind::Wait
        | Kind::Ready
        | Kind::Nothing
        | Kind::Again
        | Kind::Phase
        | Kind::Callback
        | Kind::Call
        | Kind::System
        | Kind::Accepted
        | Kind::Connected
        | Kind::Stopped => 0,
        Kind::Done if entry.words == "false" => 0,
        Kind::Step | Kind::Tick | Kind::Other(_) => 1,
        Kind::Waits | Kind::Done | Kind::Queued | Kind::Cleared | Kind::Holds => 2,
    }
}

/// Each kind: its sign, and what it is.
pub(super) static KINDS: [(Kind, &str, &str); 18] = [
    (
        Kind::Waits,
        "◌",
        "The loop is about to wait in epoll_wait(2): nothing is left to do at once.",
    ),
    (
        Kind::Wait,
        "◔",
        "The loop has asked the kernel what is ready, with epoll_wait(2). It sleeps there until something is, or a timer is due; while something is left to do, it only looks.",
    ),
    (
        Kind::Ready,
        "▶",
        "The kernel has reported that this is ready: in plain words, and in epoll's own, which stand without their EPOLL in the rows.",
    ),
    (Kind::Nothing, "○", "There was nothing to do for it."),
    (
        Kind::Again,
        "↻",
        "The loop serves it once more without new readiness: data may be left, and epoll reports only what is new.",
    ),
    (
        Kind::Phase,
        "§",
        "A phase of the turn serves it: nothing became ready, it stood in the queue of that phase.",
    ),
    (
        Kind::Step,
        "◆",
        "A state machine has made a step: from one state to the next, by what happened.",
    ),
    (
        Kind::Callback,
        "●",
        "The program's own code runs, for this event. Until it returns, the loop does nothing else: ▲ marks one that took 10 ms or more.",
    ),
    (
        Kind::Call,
        "→",
        "The program calls this function. It runs no callback before it returns; what follows from it is queued.",
    ),
    (
        Kind::Tick,
        "▹",
        "Work that was put off until the running callback had returned.",
    ),
    (
        Kind::Done,
        "↩",
        "The callback or the call has returned. A write that returns false asks for no more until drain: 64 KiB or more wait to be sent.",
    ),
    (
        Kind::System,
        "■",
        "A system call, and its result. EAGAIN: nothing is there, or no room is left. EINPROGRESS: the kernel goes on by itself, and reports when it is done.",
    ),
    (
        Kind::Accepted,
        "★",
        "A connection was accepted: a socket has come into being.",
    ),
    (
        Kind::Connected,
        "★",
        "The connection that was asked for is there.",
    ),
    (Kind::Queued, "+", "Work was queued: it runs later."),
    (Kind::Cleared, "×", "Work that was queued will not run."),
    (
        Kind::Holds,
        "#",
        "What holds the loop keeps it from ending.",
    ),
    (Kind::Stopped, "■", "The recording was full."),
];

/// What a segment of TCP is; it is not a record.
pub(super) const SEGMENT: [&str; 3] = [
    "segment",
    "⇒",
    "A segment of TCP on the wire: the kernels send and answer them, while the programs may do something else.",
];

/// Why a segment was sent that no system call has asked for.
pub(super) const SEGMENT_ROOT: [&str; 2] = [
    "segment",
    "The kernel sends this by itself: no program has asked for it.",
];

/// The kernel's words for readiness, and the flags of a segment.
pub(super) const FLAGS: [(&str, &str); 10] = [
    (
        "EPOLLIN",
        "there is something to read: bytes, a connection, or the end",
    ),
    (
        "EPOLLOUT",
        "the kernel has room for bytes, or a connect has ended",
    ),
    (
        "EPOLLRDHUP",
        "the peer has ended its half: its FIN has come",
    ),
    ("EPOLLHUP", "both halves have ended"),
    ("EPOLLERR", "an error waits to be fetched"),
    ("EPOLLPRI", "urgent data"),
    ("SYN", "asks for a connection, or agrees to one"),
    (
        "ACK",
        "everything before the place that ack names has come, in order",
    ),
    ("FIN", "the sender has nothing more to send"),
    ("RST", "the connection is cut"),
];

/// How a chain begins, by the kind of its root.
pub(super) static ROOTS: [(Kind, &str); 5] = [
    (
        Kind::Ready,
        "The kernel has said so: this is where the chain begins.",
    ),
    (
        Kind::Call,
        "A statement of the program's, outside of all callbacks: this is where the chain begins.",
    ),
    (Kind::Wait, "The loop waits by itself, once in each turn."),
    (Kind::Waits, "The loop waits by itself, once in each turn."),
    (Kind::Again, "The recording does not say what put it there."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_words() {
        for (index, (kind, _, words)) in KINDS.iter().enumerate() {
            assert!(words.ends_with('.'));
            assert!(!KINDS[..index].iter().any(|(other, _, _)| other == kind));
            assert_eq!(&Kind::from(kind.name()), kind);
        }
    }
}
