//! The program of a host: its loop, and when the loop runs next.

use std::time::Duration;

use crate::kernel::sim::Kernel;
use crate::{Error, EventLoop, Loop};

/// When a loop runs next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// At once.
    Now,
    /// When something is ready, or at this time.
    Later(Option<Duration>),
    /// Not at all: nothing holds the loop.
    Never,
}

/// The program of a host.
pub(super) struct Process {
    pub(super) kernel: Kernel,
    pub(super) event_loop: EventLoop,
    pub(super) next: Next,
    /// If the loop is lent to the test: how long it would have waited before.
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

    /// Lends the loop to the test, which may start something on it.
    pub(super) fn lend(&mut self) -> &mut Loop {
        if self.lent.is_none() {
            self.lent = Some(self.event_loop.backend_timeout());
        }
        &mut self.event_loop
    }

    /// Takes a lent loop back, and finds out when it runs next. No time has passed since it was lent.
    pub(super) fn take_back(&mut self, now: Duration) {
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
        // After an error or a panic, the rest of the turn is still to be run.
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
    /// After a wait that began now. A time beyond the range of the clock never comes.
    fn after(wait: Option<Duration>, now: Duration) -> Next {
        match wait {
            Some(Duration::ZERO) => Next::Now,
            wait => Next::Later(wait.and_then(|wait| now.checked_add(wait))),
        }
    }
}
