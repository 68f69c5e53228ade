//! Where the loop stands in its turn, and what the running phase works through.

use std::collections::VecDeque;

use super::trace::{Caused, Why};
use crate::kernel::reactor::{Batch, Id};
use crate::net::SocketId;

/// What waits for the pending phase, in libuv's sense: descriptors that are to be served without
/// readiness.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// What is on its way is tried again, what has landed is told, and our half is shut down: as if
    /// the kernel had reported room.
    Writable(SocketId),
    /// `connect(2)` failed at once.
    ConnectFailed(SocketId),
}

impl Pending {
    /// What is to be done, for the trace.
    pub(in crate::net) fn words(self) -> &'static str {
        match self {
            Pending::Writable(_) => "write on, or shut our half down",
            Pending::ConnectFailed(_) => "tell that connect(2) has failed",
        }
    }
}

/// A source on the again list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Id,
    pub(crate) why: Why,
}

/// Where the loop stands. It is kept in the loop, not on the stack, so that a run that was left
/// by a panic or an unhandled error goes on where it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Phase {
    /// Outside the turns: the program's own statements have queued ticks.
    Script,
    /// The ticks of these statements, once before the first turn.
    FirstTicks,
    /// Due timers, once after those ticks.
    FirstTimers,
    /// Between two turns.
    Pending,
    /// A turn has begun.
    FirstPending,
    Poll,
    Ready,
    PendingAgain,
    Check,
    Closing,
    Timers,
}

/// What the running phase took to work through; what is added meanwhile waits.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) pending: VecDeque<Caused<Pending>>,
    pub(super) again: VecDeque<Caused<Listed>>,
    /// The first of these is being served.
    pub(super) is_at_again: bool,
    pub(super) ready: Batch,
    pub(super) closing: Vec<Caused<SocketId>>,
}

/// How long the poll phase may sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::net) enum Wait {
    UntilReady,
    /// Gives the kernel so many milliseconds for what it has under way between sockets.
    Briefly(u64),
    NotAtAll,
}

impl Batches {
    /// Whether the last wait has found nothing, and nothing is left in the kernel.
    pub(in crate::net) fn is_quiet(&self) -> bool {
        self.ready.is_empty() && !self.ready.has_left_some()
    }
}
