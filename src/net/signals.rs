//! Signals of the process, delivered in the poll phase.

use super::error::Error;
use super::event_loop::Loop;
use super::trace::{Subject, What};
use crate::room::signals::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SignalSource};

/// A signal a program may want to know of: the name in Node's `process.on('SIGTERM', …)`. See
/// signal(7).
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// use netloop::{EventLoop, Signal};
/// let mut event_loop = EventLoop::new()?;
/// event_loop.on_signal(Signal::Terminate, |_| println!("asked to end"))?;
/// event_loop.run() // a signal nobody sends does not hold the loop
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// `SIGHUP`: the terminal has gone, or a daemon is to read its settings again.
    HangUp,
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGTERM`: asked to end, as by kill(1) or systemd.
    Terminate,
    /// `SIGUSR1`: the program's own. (Node starts its inspector.)
    User1,
    /// `SIGUSR2`: the program's own.
    User2,
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Signal::HangUp => SIGHUP,
            Signal::Interrupt => SIGINT,
            Signal::Terminate => SIGTERM,
            Signal::User1 => SIGUSR1,
            Signal::User2 => SIGUSR2,
        }
    }
}

type SignalCallback = Box<dyn FnMut(&mut Loop)>;

#[derive(Default)]
pub(super) struct Signals {
    source: Option<SignalSource>,
    listeners: Vec<(Signal, Option<SignalCallback>)>,
}

impl Loop {
    /// Calls back in the poll phase for each arrival of a signal: Node's
    /// `process.on('SIGTERM', …)`. Several arrivals between two turns count as one.
    /// The signal's usual effect is off from now on, for the whole process. Listening does not
    /// hold the loop, and cannot be undone.
    ///
    /// # Errors
    /// What the kernel says when it cannot watch the signal, such as `EMFILE`.
    pub fn on_signal(
        &mut self,
        signal: Signal,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> Result<(), Error> {
        let failed = |error| Error::of_call("sigaction", &error);
        if self.signals.source.is_none() {
            self.signals.source = Some(SignalSource::new(&self.reactor).map_err(failed)?);
        }
        if let Some(source) = &self.signals.source {
            source.watch(signal.number()).map_err(failed)?;
        }
        let listeners = &mut self.signals.listeners;
        listeners.push((signal, Some(Box::new(callback))));
        Ok(())
    }

    pub(super) fn run_signals(&mut self) -> Result<(), Error> {
        let Some(source) = &mut self.signals.source else {
            return Ok(());
        };
        for number in source.pending() {
            for index in 0..self.signals.listeners.len() {
                if self.signals.listeners[index].0.number() == number {
                    self.call_signal_listener(index);
                }
            }
            self.drain()?;
        }
        Ok(())
    }

    fn call_signal_listener(&mut self, index: usize) {
        let Some(mut callback) = self.signals.listeners[index].1.take() else {
            return;
        };
        let former = self.trace.enter(Subject::Loop, What::Callback("signal"));
        callback(self);
        self.trace.leave(former);
        self.signals.listeners[index].1 = Some(callback);
    }
}
