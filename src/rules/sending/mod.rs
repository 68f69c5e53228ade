//! The sending half: what is owed to the kernel, and when each write is called back.
//!
//! As with Node's streams over libuv, at most one *request* is in flight: one write, or all writes
//! that had piled up during the request before. The others *wait*: for it, for `uncork`, or for
//! the connection. Each write has a callback `C`, which nothing here calls.
#![doc = include_str!("table.md")]
//! # What can fail
//!
//! | word | which writes | called back | the socket |
//! | --- | --- | --- | --- |
//! | *refuse* | one that is not allowed: after `end`, after `destroy` | in a tick | is destroyed in the call |
//! | *fail* | the request in flight; then those that wait are abandoned | in a tick, if the call that made the request has met the error; else in the phase that has | stops writing, and is destroyed after the callbacks |
//! | *abandon* | those that wait, and those of `end` | in the phase, or in a tick after `destroy`; never before the request in flight | stays as it is |
//!
//! These are Node's three: `errorOrDestroy` in `write`, `onwriteError`, and `errorBuffer`.

use std::io::{self, IoSlice};

use self::outbox::Outbox;
use super::timers::TimerKey;

mod asked;
#[cfg(test)]
mod model;
mod outbox;
#[cfg(test)]
mod table;
mod tries;

/// Takes bytes, as many as it has room for.
pub(crate) trait Kernel {
    /// Offers bytes in one call.
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply;
}

/// The kernel's answer to an offer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It took this many bytes.
    Took(usize),
    /// It is full: readiness will report room.
    Full,
    /// It is short of memory. No readiness will report when it has some again.
    Starved,
    Failed(io::Error),
}

/// The outcome of making a request.
#[derive(Debug)]
pub(crate) enum Next<C> {
    /// The first try has sent all of it: these are its callbacks.
    Done(Vec<C>),
    /// The first try has failed: these are its callbacks.
    Failed(Vec<C>, io::Error),
    /// It is in flight.
    InFlight(Later),
}

/// What a request in flight waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// Readiness, or the timer, which is armed already.
    Readiness,
    /// A timer, which the caller arms: the kernel is short of memory.
    Timer,
    /// The next turn: the kernel may have room, and no readiness will report it.
    NextTurn,
    /// Its callbacks, since it was sent or has failed. They run from the pending phase, unless the caller
    /// runs them.
    Landed,
}

/// The limits of what may be owed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From this many bytes on, `write` returns `false`: the program should wait for `drain`.
    pub(crate) mark: usize,
    /// Writes beyond this many bytes fail.
    pub(crate) limit: usize,
}

/// What a socket sends. While nothing is owed it is two words.
#[derive(Debug)]
pub(crate) struct Sending<C> {
    /// Bytes given to the kernel, or in a request that is on its way there.
    dispatched: u64,
    owed: Option<Box<Owed<C>>>,
}

#[derive(Debug)]
struct Owed<C> {
    outbox: Outbox<C>,
    request: Request,
    /// A write has returned `false`, and `drain` has not been emitted since.
    needs_drain: bool,
    /// How often `cork` was called more than `uncork`.
    corked: usize,
    end_callbacks: Vec<C>,
    /// The length of the request that waited for the connection, until the next one is made: Node's
    /// `_pendingData`.
    held_length: usize,
    /// Armed while the kernel is short of memory.
    timer: Option<TimerKey>,
}

/// The state of the request in flight.
#[derive(Debug, Default)]
enum Request {
    /// There is none.
    #[default]
    None,
    /// It waits for the connection.
    Held,
    /// Some of it is not sent. It was made in the turn `since`: room that the kernel reports in that turn
    /// is older than the request.
    Waiting { since: u32 },
    /// The same, and the kernel may have room.
    Roomy { since: u32 },
    /// It was sent or has failed, after the call that made it.
    Landed(io::Result<()>),
}

impl<C> Default for Sending<C> {
    fn default() -> Self {
        Sending {
            dispatched: 0,
            owed: None,
        }
    }
}

impl<C> Default for Owed<C> {
    fn default() -> Self {
        Owed {
            outbox: Outbox::default(),
            request: Request::None,
            needs_drain: false,
            corked: 0,
            end_callbacks: Vec::new(),
            held_length: 0,
            timer: None,
        }
    }
}

impl<C> Sending<C> {
    /// Frees the box if nothing is owed.
    fn trim(&mut self) {
        if self.owed.as_mut().is_some_and(|owed| owed.trim()) {
            self.owed = None;
        }
    }

    fn request(&self) -> Option<&Request> {
        self.owed.as_ref().map(|owed| &owed.request)
    }

    fn owed_mut(&mut self) -> &mut Owed<C> {
        self.owed.get_or_insert_with(Box::default)
    }
}

impl<C> Owed<C> {
    fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.request.is_in_flight()
    }

    /// Frees the outbox if it is empty. Returns whether nothing else has to be kept either.
    fn trim(&mut self) -> bool {
        if !self.is_flushed() || !self.outbox.is_idle() {
            return false;
        }
        self.outbox = Outbox::default();
        !self.needs_drain
            && self.corked == 0
            && self.end_callbacks.is_empty()
            && self.held_length == 0
            && self.timer.is_none()
    }
}

impl Request {
    fn is_on_its_way(&self) -> bool {
        matches!(self, Request::Waiting { .. } | Request::Roomy { .. })
    }

    fn is_in_flight(&self) -> bool {
        match self {
            Request::None => false,
            Request::Held
            | Request::Waiting { .. }
            | Request::Roomy { .. }
            | Request::Landed(_) => true,
        }
    }
}
