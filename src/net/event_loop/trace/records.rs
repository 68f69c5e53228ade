//! What the trace tells: the public types.

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
    /// The loop has waited in epoll_wait(2).
    Wait {
        /// How long it would have waited at most; `None` is for ever.
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
    /// The readiness in whose midst this is told has led to nothing.
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
    /// else `write callback` (be it that of an `end`), `lookup function` or `signal`.
    Callback(&'static str),
    /// The program calls this function, which works until its [`What::Done`].
    Call(&'static str),
    /// The library's own deferred work runs, from the tick queue; this is what it does.
    Tick(&'static str),
    /// The callback or the call that is the cause has returned; of a `write`, with this answer.
    Done(Option<bool>),
    /// A system call was made. It has moved the [bytes](Record::bytes), or has failed with this number
    /// (`EAGAIN` is 11).
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
    /// Something was put off: it runs later, in a record whose [`by`](Record::by) is the number of this
    /// one.
    Queued {
        /// Where it waits.
        queue: Queue,
        /// What it will do.
        work: &'static str,
    },
    /// What was queued in the record [`by`](Record::by) will not run.
    Cleared,
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
    /// Served in the next turn's poll phase, as no new edge will tell.
    Again,
    /// Closes in the closing phase.
    Closing,
    /// Runs in the timers phase once this has passed.
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

/// Why a source stands on the again list: why it may have something to give though no new edge will tell.
/// It prints as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The program began to read: no edge tells of what came before.
    BeganToRead,
    /// It has just connected: what came with the connection is read in the next turn.
    Connected,
    /// The bound of a turn was reached.
    Bound,
    /// The kernel told of an end, an error or urgent data: it is read until nothing is left.
    MayHideMore,
    /// It is not TCP, where a short read means that nothing is left: it is read until `EAGAIN`.
    ShortRead,
    /// The kernel has taken a part of a write twice: the rest is tried in the next turn.
    PartlySent,
    /// A callback has panicked in the midst of serving it.
    Interrupted,
}

impl Why {
    /// Whether even a short read does not mean that nothing is left.
    pub(crate) fn may_hide_more(self) -> bool {
        matches!(self, Why::BeganToRead | Why::MayHideMore | Why::Interrupted)
    }

    /// Why a burst of reads has ended before the kernel had nothing.
    #[cold]
    pub(crate) fn after_burst(may_hide_more: bool, is_full: bool) -> Why {
        match (may_hide_more, is_full) {
            (true, _) => Why::MayHideMore,
            (false, true) => Why::Bound,
            (false, false) => Why::ShortRead,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Why::BeganToRead => "reading began after the last edge",
            Why::Connected => "it has just connected",
            Why::Bound => "the bound of a turn was reached",
            Why::MayHideMore => "an end or an error may stand behind the bytes",
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

/// Why readiness leads to nothing. It prints as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idle {
    /// It was served in this turn already, from the again list.
    ServedAlready,
    /// Nobody reads: the bytes stay in the kernel.
    NotReading,
    /// There is room, and nothing waits to be written.
    NothingToWrite,
    /// It has gone.
    Gone,
}

impl fmt::Display for Idle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Idle::ServedAlready => "it was served in this turn already",
            Idle::NotReading => "nobody reads: the bytes stay in the kernel",
            Idle::NothingToWrite => "nothing waits to be written",
            Idle::Gone => "it has gone",
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
    /// Who ran it: the number of the record in whose midst it happened, or 0.
    pub cause: u64,
    /// Who put it there: of what was put off, the number of the [`What::Queued`] record, which may be many
    /// records ago, or 0 if it was put off before there was a tracer. `None` of all else.
    pub by: Option<u64>,
    /// How long after the tracer was set.
    pub at: Duration,
    /// The turn of the loop, counted from 1; 0 is what comes before the first.
    pub turn: u64,
    /// Who it is about.
    pub subject: Subject,
    /// How many bytes, of a `data`, a `write` or a system call that moves some.
    pub bytes: Option<usize>,
    /// The line of the program: of a call, where it stands; of a callback, where it was added.
    pub line: Option<&'static Location<'static>>,
    /// What happened.
    pub what: What<'a>,
}

impl Record<'_> {
    /// The record that led to this one: who put it there or, unless it was put off, who ran it. 0 stands
    /// for the kernel, or the program outside of all callbacks.
    pub fn origin(&self) -> u64 {
        self.by.unwrap_or(self.cause)
    }
}
