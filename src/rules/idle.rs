//! The idle timeout of a socket.

use std::time::Duration;

use super::timers::TimerKey;

/// Activity only notes the time; the timer is moved when it fires.
pub(crate) struct IdleTimeout {
    /// Milliseconds; 0 is off.
    pub(crate) duration: u32,
    /// What was asked for.
    pub(crate) wanted: Duration,
    /// None once it has fired, until there is activity.
    pub(crate) timer: Option<TimerKey>,
    pub(crate) last_activity: u64,
}

impl IdleTimeout {
    /// The socket is destroyed: it does not time out any more, and if it is connected again, only
    /// when that is asked for again, as in Node.
    pub(crate) fn stop(&mut self) -> Option<TimerKey> {
        self.duration = 0;
        self.timer.take()
    }
}
