//! Queries of a socket: Node's flags, each of which follows from its states.

use super::states::{Readable, Standing, State, Writable};

impl Standing {
    /// Node's `readyState`.
    pub fn ready_state(self) -> &'static str {
        if self.life == State::Opening {
            return "opening";
        }
        match (self.is_readable(), self.is_writable()) {
            (true, true) => "open",
            (true, false) => "readOnly",
            (false, true) => "writeOnly",
            (false, false) => "closed",
        }
    }

    /// Whether `data` or `end` may still come: Node's `readable`.
    pub fn is_readable(self) -> bool {
        !self.is_destroyed() && !self.is_end_emitted()
    }

    /// Whether `write` is possible: Node's `writable`.
    pub fn is_writable(self) -> bool {
        !self.is_destroyed() && self.sending == Writable::Open
    }

    /// Whether `end` was called: Node's `writableEnded`.
    pub fn is_ended(self) -> bool {
        !matches!(self.sending, Writable::Open | Writable::Broken)
    }

    /// Whether `finish` was emitted: Node's `writableFinished`.
    pub fn is_finished(self) -> bool {
        self.sending == Writable::Finished
    }

    /// Whether `end` was emitted: Node's `readableEnded`.
    pub fn is_end_emitted(self) -> bool {
        self.receiving == Readable::Ended
    }

    /// Whether the peer may still send.
    pub(crate) fn is_receiving(self) -> bool {
        self.life == State::Open && self.receiving == Readable::Open
    }

    /// Whether the peer's FIN was read, whatever has happened since.
    pub(crate) fn has_peer_ended(self) -> bool {
        self.receiving != Readable::Open
    }

    /// Whether `drain` may be emitted: a write that failed does not stop it, as in Node.
    pub(crate) fn may_drain(self) -> bool {
        self.is_writable() || self.is_broken()
    }

    /// Whether a write has failed, and the socket is about to be destroyed.
    pub(crate) fn is_broken(self) -> bool {
        !self.is_destroyed() && self.sending == Writable::Broken
    }

    /// Whether the socket was destroyed: Node's `destroyed`.
    pub fn is_destroyed(self) -> bool {
        self.life.is_destroyed()
    }
}
