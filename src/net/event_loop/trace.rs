//! Showing its working: what the loop waited for, what became ready, which state changed, and
//! which callback ran, each with its cause.
//!
//! ```
//! use std::{cell::RefCell, rc::Rc};
//! use netloop::EventLoop;
//! use netloop::trace::What;
//!
//! let told = Rc::new(RefCell::new(Vec::new()));
//! let listener = Rc::clone(&told);
//! let mut event_loop = EventLoop::new()?;
//! event_loop.on_trace(move |record| {
//!     if let What::Callback(name) = record.what {
//!         listener.borrow_mut().push((record.number, record.cause, name));
//!     }
//! });
//! event_loop.set_immediate(|event_loop| event_loop.next_tick(|_| {}));
//! event_loop.run()?;
//!
//! let told = told.borrow();
//! assert_eq!((told[0].2, told[1].2), ("set_immediate", "next_tick"));
//! assert_eq!(told[1].1, told[0].0); // the immediate is the cause of the tick
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! The phases speak, the wait, the dispatch of readiness, the steps of the state machines, and all
//! that runs a callback of the program's. With no tracer set each costs one branch. Node's nearest of
//! kin is `async_hooks`, whose `triggerAsyncId` is the cause here. `netloop server --trace`
//! prints these records, indented by their depth.
//!
//! The trace tells how the library works inside, and changes with it: what stands in this module is
//! not covered by Semantic Versioning.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::kernel::reactor::Readiness;
pub use crate::net::ids::Subject;

/// The number of a record. 0 stands for the kernel, or the program before `run`.
pub type Cause = u64;

/// A queue entry and the record that caused it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caused<T>(pub(crate) Cause, pub(crate) T);

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
    /// [`What::Readiness`], the check phase by its callbacks.
    Phase(&'static str),
    /// The loop has waited, at most for `timeout` (for ever without one), and this many sources
    /// became ready.
    Wait {
        /// How long it would have waited.
        timeout: Option<Duration>,
        /// How many sources became ready.
        ready: usize,
    },
    /// The kernel reports that a source is ready; the names are mio's.
    Readiness(&'a str),
    /// The loop came back to a source by itself, because no new edge will announce the rest.
    Again,
    /// A state machine has made a step.
    Transition {
        /// The state before.
        from: &'a dyn fmt::Display,
        /// What happened.
        input: &'a dyn fmt::Debug,
        /// The state after.
        to: &'a dyn fmt::Display,
    },
    /// A callback of the program's runs: Node's name of its event, such as `data`, the name of the
    /// function that queued it, such as `next_tick`, `set_timeout` or `post`, or else `write callback` (be
    /// it that of an `end`), `lookup function` or `signal`.
    Callback(&'static str),
    /// The library's own deferred work runs, from the tick queue.
    Tick,
}

/// One record of the trace. It is lent for one call; copy out what is to be kept.
///
/// ```
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut expected = 1;
/// event_loop.on_trace(move |record| {
///     assert_eq!(record.number, expected); // none is left out
///     assert!(record.cause < record.number);
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
    pub number: Cause,
    /// The number of the record that led to it, or 0. Of what was put off (a tick, an immediate, a
    /// socket's turn in the pending or the closing phase) this is the one that queued it, which may
    /// be many records ago.
    pub cause: Cause,
    /// How many causes stand above it. A cause of more than 4096 records ago counts as the top.
    pub depth: usize,
    /// The turn of the loop, counted from 1; 0 is the program before `run`.
    pub turn: u64,
    /// Who it is about.
    pub subject: Subject,
    /// What happened.
    pub what: What<'a>,
}

pub(crate) type Tracer = Box<dyn FnMut(&Record<'_>)>;

/// The state of tracing: who listens, and what is going on.
#[derive(Default)]
pub(crate) struct Trace {
    tracer: Option<Tracer>,
    /// The record under which everything happens now.
    current: Cause,
    last: Cause,
    pub(crate) turn: u64,
    /// The tracer has panicked.
    panic: Option<Box<dyn Any + Send>>,
    /// Depths by number, for as long as somebody may still name them as a cause.
    depths: std::collections::BTreeMap<Cause, usize>,
}

/// How many records back a cause is still known by its depth; older ones count as the top.
const DEPTHS_KEPT: usize = 4096;

impl Trace {
    pub(crate) fn set(&mut self, tracer: Tracer) {
        self.tracer = Some(tracer);
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.tracer.is_some()
    }

    pub(crate) fn current(&self) -> Cause {
        self.current
    }

    /// Tells the tracer, and makes the new record the cause of what follows. Returns the former
    /// cause, for [`Trace::leave`].
    #[inline]
    pub(crate) fn enter(&mut self, subject: Subject, what: What<'_>) -> Cause {
        self.enter_caused(self.current, subject, what)
    }

    /// The same for what the kernel has told.
    pub(crate) fn enter_ready(&mut self, subject: Subject, readiness: &Readiness<'_>) -> Cause {
        match self.is_on() {
            true => self.record(self.current, subject, What::Readiness(&readiness.names())),
            false => 0,
        }
    }

    /// The same for queued work, whose cause is the one who queued it.
    #[inline]
    pub(crate) fn enter_caused(&mut self, cause: Cause, subject: Subject, what: What<'_>) -> Cause {
        match self.is_on() {
            true => self.record(cause, subject, what),
            false => 0,
        }
    }

    #[cold]
    fn record(&mut self, cause: Cause, subject: Subject, what: What<'_>) -> Cause {
        let former = self.current;
        self.tell(cause, subject, what);
        self.current = self.last;
        former
    }

    /// A turn has waited: it is counted, traced or not, and nothing of the former one is a cause
    /// any more.
    pub(crate) fn begin_turn(&mut self) {
        self.turn += 1;
        self.current = 0;
    }

    pub(crate) fn leave(&mut self, former: Cause) {
        self.current = former;
    }

    fn tell(&mut self, cause: Cause, subject: Subject, what: What<'_>) {
        let Some(tracer) = &mut self.tracer else {
            return;
        };
        self.last += 1;
        let depth = self.depths.get(&cause).map_or(0, |depth| depth + 1);
        self.depths.insert(self.last, depth);
        if self.depths.len() > DEPTHS_KEPT {
            self.depths.pop_first();
        }
        let record = Record {
            number: self.last,
            cause,
            depth,
            turn: self.turn,
            subject,
            what,
        };
        // Between any two steps of the loop's own work: to unwind from here would lose the rest.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| tracer(&record))) {
            self.panic.get_or_insert(panic);
        }
    }

    /// The turn is over: a panic of the tracer's goes on.
    pub(crate) fn unwind(&mut self) {
        if let Some(panic) = self.panic.take() {
            resume_unwind(panic);
        }
    }
}
