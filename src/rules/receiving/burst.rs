//! How much one turn reads from a socket: bursts of reads, and the again list.
//!
//! Edges are never lost. A burst stops at the first short read, but a socket that may have more goes on
//! the again list: a TCP socket whose readiness reported an end, an error or urgent data, a Unix socket
//! always (until `EAGAIN`), and one that hit the bound.

use super::{Mark, Receiving};

/// How many reads one socket gets in a turn: libuv's bound. The loop's burst bounds their bytes as well.
const READS_PER_TURN: usize = 32;

/// What follows a read that has brought something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The kernel has no more: an edge will report what comes.
    Done,
    /// It may have more, which is read in the next turn.
    Again,
    ReadOn,
}

impl Next {
    /// After a read of `count` bytes into a buffer of `room`, the burst's number `reads`, when a burst
    /// is `bound` bytes.
    #[inline(always)]
    pub(crate) fn after_read(
        count: usize,
        room: usize,
        reads: usize,
        bound: usize,
        short_means_empty: bool,
    ) -> Next {
        if count < room {
            return match short_means_empty {
                true => Next::Done,
                false => Next::Again,
            };
        }
        match reads == READS_PER_TURN || reads * count >= bound {
            true => Next::Again,
            false => Next::ReadOn,
        }
    }
}

impl Receiving {
    /// Begins this turn's burst. Returns `false` if the kernel is not to be read, or was read in this turn
    /// already.
    #[inline]
    pub(crate) fn begin_burst(&mut self, turn: u32) -> bool {
        self.reads_kernel() && std::mem::replace(&mut self.read_in_turn, turn) != turn
    }

    /// Lets a burst begin in any turn: the turn counter has wrapped around, or the again list is served.
    pub(crate) fn allow_burst(&mut self) {
        self.read_in_turn = 0;
    }

    /// Leaves this turn's burst to the again list: readiness does not begin one.
    pub(crate) fn leave_to_again_list(&mut self, turn: u32) {
        self.read_in_turn = turn;
    }

    /// Joins the again list. Returns whether the socket was not on it. One that may hide more is read until
    /// the kernel has nothing.
    pub(crate) fn joins_again(&mut self, may_hide_more: bool) -> bool {
        if may_hide_more {
            self.states.marks.set(Mark::MayHideMore);
        }
        self.states.marks.set(Mark::Listed)
    }

    /// Leaves the again list. Returns whether it may hide more.
    pub(crate) fn leaves_again(&mut self) -> bool {
        self.states.marks.take(Mark::Listed);
        self.states.marks.take(Mark::MayHideMore)
    }

    pub(crate) fn is_listed_again(&self) -> bool {
        self.states.marks.has(Mark::Listed)
    }

    /// Notes readiness that has come for a socket on the again list.
    pub(crate) fn note_readiness(&mut self, may_hide_more: bool) {
        if may_hide_more && self.is_listed_again() {
            self.states.marks.set(Mark::MayHideMore);
        }
    }
}
