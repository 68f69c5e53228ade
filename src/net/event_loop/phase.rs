//! The loop's position in its turn, and the batches that the running phase works through.

use std::collections::VecDeque;

use super::trace::{Caused, Why};
use crate::kernel::reactor::{Batch, Id};
use crate::net::SocketId;

/// An entry of the pending queue, in libuv's sense: a descriptor that is served without readiness.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pending {
    /// The socket is served as if the kernel had reported it writable: it sends on, calls back the
    /// writes that are done, and shuts its half down.
    Writable(SocketId),
    /// `connect(2)` failed at once.
    ConnectFailed(SocketId),
}

impl Pending {
    /// The words for this work in the trace.
    pub(in crate::net) fn words(self) -> &'static str {
        match self {
            Pending::Writable(_) => "write on, or shut our half down",
            Pending::ConnectFailed(_) => "tell that connect(2) has failed",
        }
    }
}

/// The rest of a socket's service after one of its callbacks has thrown. libuv does not know exceptions: it
/// goes on with the same descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Read on, then write.
    Read(SocketId),
    /// Write: the burst of reads is over.
    Write(SocketId),
    /// Shut our half down: the callbacks of the writes have run.
    ShutDown(SocketId),
    /// Emit `close`: the callbacks of the cancelled writes have run.
    Close(SocketId),
}

/// A source on the again list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) id: Id,
    pub(crate) why: Why,
}

/// The loop's position in its turn. It is kept in the loop and not on the stack: after a panic or an
/// unhandled error, the next run continues from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Phase {
    /// Outside a run: the program's own statements may have queued ticks.
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

/// What the running phase has taken from the queues. Entries that are added meanwhile wait.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) pending: VecDeque<Caused<Pending>>,
    pub(super) again: VecDeque<Caused<Listed>>,
    /// The first entry of `again` is being served.
    pub(super) is_at_again: bool,
    pub(super) ready: Batch,
    pub(super) closing: Vec<Caused<SocketId>>,
}

/// How long the poll phase may sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::net) enum Wait {
    UntilReady,
    /// A few milliseconds, in which the kernel may deliver what is on its way between sockets.
    Briefly,
    NotAtAll,
}

impl Batches {
    /// Whether the last wait found nothing ready, and left nothing ready in the kernel.
    pub(in crate::net) fn is_quiet(&self) -> bool {
        self.ready.is_empty() && !self.ready.has_left_some()
    }
}
