//! The idle timeout of a socket.

use std::time::Duration;

use super::timers::TimerKey;

/// Activity only notes the time; the timer is moved when it fires.
pub(crate) struct IdleTimeout {
    /// Milliseconds; 0 is off.
    pub(crate) duration: u32,
    /// What the program has asked for.
    pub(crate) wanted: Duration,
    /// `None` once it has fired, until the next activity.
    pub(crate) timer: Option<TimerKey>,
    pub(crate) last_activity: u64,
}

impl IdleTimeout {
    /// Turns the timeout off, since the socket is destroyed. After another `connect` it has to be set
    /// again, as in Node.
    pub(crate) fn stop(&mut self) -> Option<TimerKey> {
        self.duration = 0;
        self.timer.take()
    }
}
