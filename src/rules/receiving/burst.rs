//! How much of the kernel one turn takes: bursts of reads, and the again list.
//!
//! Edges are never lost. A burst stops at the first short read, but what may still have something to
//! give goes on the again list: a TCP socket whose readiness told of an end, an error or urgent data,
//! a Unix socket always (until `EAGAIN`), and one that hit the bound.

use super::{Mark, Receiving};

/// How many reads one socket gets before the others' turn comes: libuv's bound. The bytes that they
/// bring are bounded, too, by the loop's burst.
const READS_PER_TURN: usize = 32;

/// What follows a read that has brought something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The kernel has no more: an edge tells of what comes.
    Done,
    /// It may have more: in the next turn.
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
    /// Whether a burst begins in this turn: the kernel is read, and was not in this turn yet.
    #[inline]
    pub(crate) fn begins_burst(&mut self, turn: u32) -> bool {
        self.reads_kernel() && std::mem::replace(&mut self.read_in_turn, turn) != turn
    }

    /// The turns are counted anew, or the burst is one of the again list: it was not read yet.
    pub(crate) fn was_never_read(&mut self) {
        self.read_in_turn = 0;
    }

    /// In this turn it is read as one of the again list, whatever the kernel tells of it.
    pub(crate) fn waits_for_its_rest(&mut self, turn: u32) {
        self.read_in_turn = turn;
    }

    /// Joins the again list. Returns whether it did not stand there. What may hide more is looked at
    /// until the kernel has nothing.
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

    /// The kernel has told of one that stands on the list.
    pub(crate) fn was_told_of(&mut self, may_hide_more: bool) {
        if may_hide_more && self.is_listed_again() {
            self.states.marks.set(Mark::MayHideMore);
        }
    }
}
