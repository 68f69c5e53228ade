//! Signals as readiness: signal-hook's self-pipe, registered with the reactor like any source.

use mio::Interest;
pub(crate) use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_mio::v1_0::Signals;

use super::Failed;
use super::reactor::Id;

pub(crate) struct SignalSource {
    signals: Signals,
}

impl SignalSource {
    pub(crate) fn new(epoll: &mio::Registry) -> Result<SignalSource, Failed> {
        let made = Signals::new::<[i32; 0], i32>([]);
        let mut signals = made.map_err(|error| ("socketpair", error))?;
        let registered = epoll.register(&mut signals, Id::SIGNALS.token(), Interest::READABLE);
        registered.map_err(|error| ("epoll_ctl", error))?;
        Ok(SignalSource { signals })
    }

    /// Starts to watch a signal, by its number.
    pub(crate) fn watch(&self, signal: i32) -> Result<(), Failed> {
        let watched = self.signals.add_signal(signal);
        watched.map_err(|error| ("sigaction", error))
    }

    /// The signals that have arrived since the last call.
    pub(crate) fn arrived(&mut self) -> Vec<i32> {
        self.signals.pending().collect()
    }
}
