//! The loop of a host, and when it runs next.

use std::time::Duration;

use crate::kernel::sim::Kernel;
use crate::{Error, EventLoop, Loop};

/// When a loop is run next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// It has something to do.
    Now,
    /// When something is ready, or at this time.
    Later(Option<Duration>),
    /// Nothing holds it: its program is over, until it is given something to do.
    Never,
}

/// The loop of a host.
pub(super) struct Process {
    pub(super) kernel: Kernel,
    pub(super) event_loop: EventLoop,
    pub(super) next: Next,
    /// How long the loop would have waited, when it was lent to the test since its last turn.
    lent: Option<Option<Duration>>,
}

impl Process {
    pub(super) fn new(kernel: Kernel) -> Process {
        Process {
            event_loop: EventLoop::simulated(kernel.clone()),
            kernel,
            next: Next::Never,
            lent: None,
        }
    }

    /// The loop, which the test may give something to do.
    pub(super) fn lend(&mut self) -> &mut Loop {
        if self.lent.is_none() {
            self.lent = Some(self.event_loop.backend_timeout());
        }
        &mut self.event_loop
    }

    /// Finds out whether the loop was given something to do. No time has passed since it was lent.
    pub(super) fn comes_back(&mut self, now: Duration) {
        let Some(before) = self.lent.take() else {
            return;
        };
        let wait = self.event_loop.backend_timeout();
        self.next = match self.next {
            Next::Now => Next::Now,
            _ if !self.event_loop.is_alive() => Next::Never,
            Next::Later(at) if wait == before => Next::Later(at),
            Next::Later(_) | Next::Never => Next::after(wait, now),
        };
    }

    /// Runs one turn.
    pub(super) fn turn(&mut self, now: Duration) -> Result<(), Error> {
        // After an error or a panic, the loop has the rest of the turn to do.
        self.next = Next::Now;
        let is_alive = self.event_loop.run_nowait()?;
        self.next = match self.event_loop.backend_timeout() {
            _ if !is_alive => Next::Never,
            wait => Next::after(wait, now),
        };
        Ok(())
    }
}

impl Next {
    /// What is too late for the clock never comes.
    fn after(wait: Option<Duration>, now: Duration) -> Next {
        match wait {
            Some(Duration::ZERO) => Next::Now,
            wait => Next::Later(wait.and_then(|wait| now.checked_add(wait))),
        }
    }
}
