//! Signals as readiness: signal-hook's self-pipe, registered with the reactor like any source.

use std::io;

pub(crate) use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_mio::v1_0::Signals;

use super::reactor::{Id, Reactor};

pub(crate) struct SignalSource {
    signals: Signals,
}

impl SignalSource {
    pub(crate) fn new<T>(reactor: &Reactor<T>) -> io::Result<SignalSource> {
        let mut signals = Signals::new::<[i32; 0], i32>([])?;
        reactor.register_readable(&mut signals, Id::SIGNALS)?;
        Ok(SignalSource { signals })
    }

    /// Starts to watch a signal, by its number.
    pub(crate) fn watch(&self, signal: i32) -> io::Result<()> {
        self.signals.add_signal(signal)
    }

    /// The signals that have arrived since the last call.
    pub(crate) fn arrived(&mut self) -> Vec<i32> {
        self.signals.pending().collect()
    }
}
