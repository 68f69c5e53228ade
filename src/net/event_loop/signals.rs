//! Signals of the process, delivered in the poll phase.

use super::Loop;
use super::listeners::Slot;
use super::queues::SIGNAL;
use super::trace::Subject;
use crate::kernel::Failed;
use crate::kernel::signals::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use crate::net::error::Error;

/// A signal that a program can listen for: the name in Node's `process.on('SIGTERM', …)`. See
/// signal(7).
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// use netloop::{EventLoop, Signal};
/// let mut event_loop = EventLoop::new()?;
/// event_loop.on_signal(Signal::Terminate, |_| println!("asked to end"))?;
/// event_loop.run() // waiting for a signal does not hold the loop
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: the terminal was closed, or a daemon should reload its settings.
    HangUp,
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`: a request to end, as by kill(1) or systemd.
    Terminate,
    /// `SIGUSR1`: the program's own. (Node starts its inspector.)
    User1,
    /// `SIGUSR2`: the program's own.
    User2,
}

impl Signal {
    pub(crate) fn number(self) -> i32 {
        match self {
            Signal::HangUp => SIGHUP,
            Signal::Interrupt => SIGINT,
            Signal::Terminate => SIGTERM,
            Signal::User1 => SIGUSR1,
            Signal::User2 => SIGUSR2,
        }
    }
}

impl Loop {
    /// Calls back in the poll phase for each arrival of a signal: Node's `process.on('SIGTERM', …)`.
    /// Several arrivals between two turns count as one. From then on the signal's default action is off for
    /// the whole process. Listening does not hold the loop, and cannot be undone.
    ///
    /// # Errors
    /// An error of the kernel, such as `EMFILE`, if the signal cannot be watched.
    #[track_caller]
    pub fn on_signal(
        &mut self,
        signal: Signal,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> Result<(), Error> {
        let failed = |(call, error): Failed| Error::of_call(call, &error);
        if self.signals.source.is_none() {
            self.signals.source = Some(self.reactor.registry().signals().map_err(failed)?);
        }
        if let Some(source) = &self.signals.source {
            source.watch(signal.number()).map_err(failed)?;
        }
        let number = signal.number();
        self.agenda.trace.listens((Subject::Loop, SIGNAL.name));
        if self.signals.slot(number).is_none() {
            self.signals.listeners.push((number, Slot::default()));
        }
        if let Some(slot) = self.signals.slot(number) {
            slot.add(Box::new(callback), false);
        }
        Ok(())
    }

    pub(in crate::net) fn run_signals(&mut self) -> Result<(), Error> {
        let Some(source) = &mut self.signals.source else {
            return Ok(());
        };
        self.signals.arrived.extend(source.arrived());
        while let Some(number) = self.signals.arrived.pop_front() {
            self.emit(
                Subject::Loop,
                SIGNAL,
                |event_loop| event_loop.signals.slot(number),
                |listener, event_loop| listener(event_loop),
            );
            self.drain()?;
        }
        Ok(())
    }
}
