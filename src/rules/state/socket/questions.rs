//! What is asked of a state: Node's flags, each of which follows from it.

use super::{Intent, Readable, State, Writable};

impl State {
    /// Node's `readyState`.
    pub fn ready_state(self) -> &'static str {
        match self {
            State::Opening(_) => "opening",
            _ => match (self.is_readable(), self.is_writable()) {
                (true, true) => "open",
                (true, false) => "readOnly",
                (false, true) => "writeOnly",
                (false, false) => "closed",
            },
        }
    }

    /// Whether `data` or `end` may still come: Node's `readable`.
    pub fn is_readable(self) -> bool {
        match self {
            State::Idle(_) | State::Opening(_) => true,
            State::Open(readable, _) => readable != Readable::Ended,
            State::Destroyed | State::Closed => false,
        }
    }

    /// Whether `write` is welcome: Node's `writable`.
    pub fn is_writable(self) -> bool {
        match self {
            State::Idle(writable) | State::Open(_, writable) => writable == Writable::Open,
            State::Opening(intent) => intent == Intent::Talk,
            State::Destroyed | State::Closed => false,
        }
    }

    /// Whether `end` was called: Node's `writableEnded`.
    pub fn is_ended(self) -> bool {
        match self {
            State::Idle(writable) | State::Open(_, writable) => {
                !matches!(writable, Writable::Open | Writable::Broken)
            }
            State::Opening(intent) => matches!(intent, Intent::End | Intent::Receive),
            State::Destroyed | State::Closed => false,
        }
    }

    /// Whether `finish` was emitted: Node's `writableFinished`.
    pub fn is_finished(self) -> bool {
        match self {
            State::Idle(writable) | State::Open(_, writable) => writable == Writable::Finished,
            State::Opening(intent) => intent == Intent::Receive,
            State::Destroyed | State::Closed => false,
        }
    }

    /// Whether the peer's FIN was read, and `end` is yet to come.
    pub(crate) fn has_peer_ended(self) -> bool {
        matches!(self, State::Open(Readable::Eof | Readable::Due, _))
    }

    /// Whether `drain` may be emitted: a write that failed does not stop it, as in Node.
    pub(crate) fn may_drain(self) -> bool {
        self.is_writable() || self.is_broken()
    }

    /// Whether a write has failed, so that our half is over.
    pub(crate) fn is_broken(self) -> bool {
        matches!(
            self,
            State::Idle(Writable::Broken) | State::Open(_, Writable::Broken)
        )
    }

    /// The same, but for our half: it has ended, or finished.
    pub(crate) fn with_our_half(self, writable: Writable) -> State {
        match self {
            State::Opening(_) => State::Opening(Intent::End),
            State::Open(readable, _) => State::Open(readable, writable),
            State::Idle(_) | State::Destroyed | State::Closed => State::Idle(writable),
        }
    }

    /// Whether the socket was destroyed: Node's `destroyed`.
    pub fn is_destroyed(self) -> bool {
        match self {
            State::Destroyed | State::Closed => true,
            State::Idle(_) | State::Opening(_) | State::Open(_, _) => false,
        }
    }
}
