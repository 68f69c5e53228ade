//! The loop's clock, the only place that asks what time it is.
//!
//! It counts whole milliseconds from the start of the loop, floored, as libuv's does, and remembers the
//! last reading: one turn sees one time, unless a fresh one is asked for. After a wait the clock is read
//! only when the time is needed, so a turn without timers pays nothing. A test may hold and move it.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The latest time that it shows. A timer that starts then does not overflow.
const END: u64 = u64::MAX / 2;

/// Measures how long ago it was made, in real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Default for Stopwatch {
    fn default() -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Debug)]
pub(crate) struct Clock {
    /// When it was started, and `shown` is the time that it showed then.
    origin: Instant,
    shown: Duration,
    is_held: bool,
    cached: Cell<Option<u64>>,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            origin: Instant::now(),
            shown: Duration::ZERO,
            is_held: false,
            cached: Cell::new(Some(0)),
        }
    }

    /// The loop's time in milliseconds, as last read.
    pub(crate) fn now(&self) -> u64 {
        self.cached.get().unwrap_or_else(|| self.refresh())
    }

    /// Reads the clock.
    pub(crate) fn refresh(&self) -> u64 {
        let now = u64::try_from(self.time().as_millis()).unwrap_or(END);
        let now = now.min(END);
        self.cached.set(Some(now));
        now
    }

    fn time(&self) -> Duration {
        match self.is_held {
            true => self.shown,
            false => self.shown.saturating_add(self.origin.elapsed()),
        }
    }

    /// Forgets the last reading: time has passed.
    pub(crate) fn expire(&self) {
        self.cached.set(None);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    pub(crate) fn hold(&mut self) {
        self.shown = self.time();
        self.is_held = true;
    }

    /// Lets the time go on from where it stands.
    pub(crate) fn let_go(&mut self) {
        self.shown = self.time();
        self.origin = Instant::now();
        self.is_held = false;
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.shown = self.shown.saturating_add(by);
        self.expire();
    }
}
