//! The loop's clock, the only place that asks what time it is.
//!
//! It counts whole milliseconds from the start of the loop, floored, as libuv's does, and
//! remembers what it read: one turn sees one time unless somebody asks for a fresh one. The
//! reading after a wait is put off until somebody wants it, so a turn without timers pays
//! nothing.

use std::cell::Cell;
use std::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    cached: Cell<Option<u64>>,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            origin: Instant::now(),
            cached: Cell::new(Some(0)),
        }
    }

    /// The loop's time in milliseconds, as last read.
    pub(crate) fn now(&self) -> u64 {
        self.cached.get().unwrap_or_else(|| self.refresh())
    }

    /// Reads the clock.
    pub(crate) fn refresh(&self) -> u64 {
        let now = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.cached.set(Some(now));
        now
    }

    /// Forgets the last reading: time has passed.
    pub(crate) fn expire(&self) {
        self.cached.set(None);
    }
}
