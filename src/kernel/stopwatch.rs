//! Real time, and the only place that asks for it.

use std::time::{Duration, Instant};

/// Measures how long ago it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Default for Stopwatch {
    fn default() -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Another one, which starts now.
    pub(crate) fn restarted(&self) -> Stopwatch {
        Stopwatch::default()
    }
}
