//! The loop's clock.
//!
//! It counts whole milliseconds from the start of the loop, floored, as libuv's does, and remembers the
//! last reading: one turn sees one time, unless a fresh one is asked for. After a wait the clock is read
//! only when the time is needed, so a turn without timers pays nothing. A test may hold and move it.

use std::cell::Cell;
use std::time::Duration;

use super::Stopwatch;

/// The latest time that it shows. A timer that starts then does not overflow.
const END: u64 = u64::MAX / 2;

#[derive(Debug)]
pub(crate) struct Clock {
    /// Since it was started, when it showed the time `shown`.
    watch: Stopwatch,
    shown: Duration,
    is_held: bool,
    cached: Cell<Option<u64>>,
}

impl Clock {
    pub(crate) fn new(watch: Stopwatch) -> Clock {
        Clock {
            watch,
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
            false => self.shown.saturating_add(self.watch.elapsed()),
        }
    }

    /// A stopwatch that starts now, and goes by the same time, held or not.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        self.watch.restarted()
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
        self.watch = self.watch.restarted();
        self.is_held = false;
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.shown = self.shown.saturating_add(by);
        self.expire();
    }
}
