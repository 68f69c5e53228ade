//! What is asked of a state: Node's flags, each of which follows from it.

use super::{Readable, State, Writable};

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
        !self.is_destroyed() && !self.is_end_emitted()
    }

    /// Whether `write` is welcome: Node's `writable`.
    pub fn is_writable(self) -> bool {
        let (_, sending) = self.halves();
        !self.is_destroyed() && sending == Writable::Open
    }

    /// Whether `end` was called: Node's `writableEnded`.
    pub fn is_ended(self) -> bool {
        let (_, sending) = self.halves();
        !matches!(sending, Writable::Open | Writable::Broken)
    }

    /// Whether `finish` was emitted: Node's `writableFinished`.
    pub fn is_finished(self) -> bool {
        let (_, sending) = self.halves();
        sending == Writable::Finished
    }

    /// Whether `end` was emitted: Node's `readableEnded`.
    pub fn is_end_emitted(self) -> bool {
        let (receiving, _) = self.halves();
        receiving == Readable::Ended
    }

    /// Whether the peer's FIN was read, whatever has come of it since.
    pub(crate) fn has_peer_ended(self) -> bool {
        let (receiving, _) = self.halves();
        receiving != Readable::Open
    }

    /// Whether `drain` may be emitted: a write that failed does not stop it, as in Node.
    pub(crate) fn may_drain(self) -> bool {
        self.is_writable() || self.is_broken()
    }

    /// Whether a write has failed, and the socket is about to be destroyed.
    pub(crate) fn is_broken(self) -> bool {
        let (_, sending) = self.halves();
        !self.is_destroyed() && sending == Writable::Broken
    }

    /// Whether the socket was destroyed: Node's `destroyed`.
    pub fn is_destroyed(self) -> bool {
        match self {
            State::Destroyed(_, _) | State::Closed(_, _) => true,
            State::Idle(_) | State::Opening(_) | State::Open(_, _) => false,
        }
    }
}
