//! The records of the trace: the public types.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::time::Duration;

use crate::net::ids::Subject;

/// What happened.
///
/// ```
/// use netloop::trace::What;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// event_loop.on_trace(|record| {
///     if let What::Transition { from, input, to } = record.what {
///         assert_eq!(format!("{from} -{input:?}-> {to}").split(' ').next(), Some("idle"));
///     }
/// });
/// event_loop.socket().end(); // idle -EndCalled-> idle (write sent), and so on
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum What<'a> {
    /// A phase of the loop serves this subject: `pending`, `closing` or `timers`. The poll phase shows as
    /// [`What::Readiness`] and [`What::Again`], the check phase by its callbacks.
    Phase(&'static str),
    /// The loop is about to wait in epoll_wait(2), and may sleep.
    Waits {
        /// For how long at most; `None` means without limit.
        timeout: Option<Duration>,
    },
    /// The loop has waited in epoll_wait(2), or has looked without waiting.
    Wait {
        /// How long it would have waited at most; `None` means without limit.
        timeout: Option<Duration>,
        /// How long it has waited.
        waited: Duration,
        /// How many sources became ready.
        ready: usize,
    },
    /// The kernel reports that a source is ready.
    Readiness {
        /// In mio's words: `readable, read closed`.
        mio: &'a str,
        /// In the kernel's: `EPOLLIN|EPOLLRDHUP`; see epoll_ctl(2).
        epoll: &'a str,
    },
    /// The cause of this record has led to nothing: readiness, or a source's turn on the again list or in the
    /// pending phase.
    Nothing(Idle),
    /// The loop serves a source of the again list, without new readiness.
    Again(Why),
    /// A state machine has made a step.
    Transition {
        /// The state before.
        from: &'a dyn fmt::Display,
        /// What happened.
        input: &'a dyn fmt::Debug,
        /// The state after.
        to: &'a dyn fmt::Display,
    },
    /// A callback of the program's runs, until its [`What::Done`]: Node's name of its event, such as
    /// `data`, the name of the function that queued it, such as `next_tick`, `set_timeout` or `post`, or
    /// `write callback` (also for the callback of an `end`), `lookup function` or `signal`.
    Callback(&'static str),
    /// The program calls this function, which returns at its [`What::Done`]. What the function itself calls
    /// has no record.
    Call(&'static str),
    /// A tick of the library's own runs; this is what it does.
    Tick(&'static str),
    /// The callback or the call that is the cause has returned. A `write` has returned this value.
    Done(Option<bool>),
    /// A system call was made. It has moved the [bytes](Record::bytes), or has failed with this errno.
    System {
        /// Its name, such as `recv`, `send` or `accept4`.
        name: &'static str,
        /// The error number.
        errno: Option<i32>,
    },
    /// A connection was accepted: the socket that the record is about has come into being.
    Accepted {
        /// Its descriptor.
        fd: i32,
        /// Our address; none on a Unix socket.
        local: Option<SocketAddr>,
        /// The peer's.
        remote: Option<SocketAddr>,
    },
    /// A connection that the program has asked for was made.
    Connected {
        /// Its descriptor.
        fd: i32,
        /// Our address; none on a Unix socket.
        local: Option<SocketAddr>,
        /// The peer's.
        remote: Option<SocketAddr>,
    },
    /// Some work was queued. The record of its run has the number of this one as its [`by`](Record::by).
    Queued {
        /// Where it waits.
        queue: Queue,
        /// What it will do.
        work: &'static str,
    },
    /// What was queued in the record [`by`](Record::by) will not run.
    Cleared,
    /// The subject, or what was queued in the record [`by`](Record::by), begins or ceases to hold the loop:
    /// see [`Loop::holders`](crate::Loop::holders). Timers of the program's and immediates hold it from
    /// their [`What::Queued`] on.
    Holds(bool),
}

/// A queue of the loop. It prints as its name, such as `ticks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Queue {
    /// Node's `process.nextTick` queue, which the library uses as well.
    Ticks,
    /// Runs when no tick is left.
    Microtasks,
    /// Runs in the check phase.
    Immediates,
    /// Served without readiness, in the pending phase.
    Pending,
    /// Served in the next turn's poll phase, since no new edge will come.
    Again,
    /// Closes in the closing phase.
    Closing,
    /// Runs in the timers phase once this time has passed.
    Timers(Duration),
}

impl fmt::Display for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Queue::Ticks => "ticks",
            Queue::Microtasks => "microtasks",
            Queue::Immediates => "immediates",
            Queue::Pending => "pending",
            Queue::Again => "again",
            Queue::Closing => "closing",
            Queue::Timers(_) => "timers",
        })
    }
}

/// Why a source is on the again list: why it may have more to give, though no new edge will come. It prints
/// as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The program began to read: bytes that came before cause no new edge.
    BeganToRead,
    /// The socket has just connected: bytes that arrived with the connection are read in the next turn.
    Connected,
    /// The bound of a turn was reached.
    Bound,
    /// An end, an error or urgent data may follow the bytes that were read: the socket is read until
    /// `EAGAIN`.
    MayHideMore,
    /// Connections may wait in the kernel's queue: a listener tries again after a shortage, or takes the
    /// last ones before it closes.
    MayWait,
    /// The socket is not TCP: a short read does not prove that the kernel has nothing left.
    ShortRead,
    /// The kernel has twice taken only a part of a write: the rest is tried in the next turn.
    PartlySent,
    /// A callback panicked while the source was being served.
    Interrupted,
}

impl Why {
    /// Whether the source is read until `EAGAIN`, even after a short read.
    pub(crate) fn may_hide_more(self) -> bool {
        matches!(self, Why::BeganToRead | Why::MayHideMore | Why::Interrupted)
    }

    /// Why a burst of reads ended although the kernel may have more.
    #[cold]
    pub(crate) fn after_burst(may_hide_more: bool, is_full: bool) -> Why {
        match (may_hide_more, is_full) {
            (_, true) => Why::Bound,
            (true, false) => Why::MayHideMore,
            (false, false) => Why::ShortRead,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Why::BeganToRead => "bytes may have come before it was read",
            Why::Connected => "it has just connected",
            Why::Bound => "its share of the turn was used up",
            Why::MayHideMore => "an end or an error may follow",
            Why::MayWait => "connections may wait in its queue",
            Why::ShortRead => "it is read until EAGAIN",
            Why::PartlySent => "a part of a write was left",
            Why::Interrupted => "a callback panicked",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}

/// Why a source that is served has nothing to do. It prints as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idle {
    /// What was to be done has been done in this turn already.
    ServedAlready,
    /// The socket is not read from: the bytes stay in the kernel.
    NotReading,
    /// The peer's end was read before: nothing comes after it.
    EndWasRead,
    /// The kernel has room, and no write waits for it.
    NothingToWrite,
    /// The source is closed.
    Gone,
}

impl fmt::Display for Idle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Idle::ServedAlready => "it was served in this turn already",
            Idle::NotReading => "it is not being read, the bytes stay",
            Idle::EndWasRead => "its end was read before",
            Idle::NothingToWrite => "nothing waits to be written",
            Idle::Gone => "it is closed",
        })
    }
}

/// One record of the trace. It is lent for one call; copy out what is to be kept.
///
/// ```
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut expected = 1;
/// event_loop.on_trace(move |record| {
///     assert_eq!(record.number, expected); // none is left out
///     assert!(record.origin() < record.number);
///     expected += 1;
/// });
/// event_loop.set_timeout(std::time::Duration::ZERO, |_| {});
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// The number of the record during which this one was made, or 0.
    pub cause: u64,
    /// For work that was queued, the number of its [`What::Queued`] record, or 0 if it was queued before
    /// there was a tracer. `None` for everything else.
    pub by: Option<u64>,
    /// The time since the tracer was set.
    pub at: Duration,
    /// The turn of the loop, counted from 1. It is 0 before the first turn.
    pub turn: u64,
    /// The socket, server or loop that the record is about.
    pub subject: Subject,
    /// The number of bytes of a `data`, a `write` or a system call.
    pub bytes: Option<usize>,
    /// The bytes themselves, of what the program sends and of what recv(2) has returned.
    pub payload: Option<&'a [u8]>,
    /// The line of the program that made the call, or that added the callback. Callbacks of writes and of
    /// lookups, and those that other threads post, have none.
    pub line: Option<&'static Location<'static>>,
    /// What happened.
    pub what: What<'a>,
}

impl Record<'_> {
    /// The record that led to this one: `by` for queued work, and otherwise `cause`. 0 stands for the
    /// kernel, or for the program outside of all callbacks.
    pub fn origin(&self) -> u64 {
        self.by.unwrap_or(self.cause)
    }
}
