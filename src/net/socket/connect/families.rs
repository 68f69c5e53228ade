//! The loop's defaults for names that have several addresses.

use std::time::Duration;

use crate::net::event_loop::Loop;

/// Node's lower bound for the time of an attempt.
pub(in crate::net::socket) const ATTEMPT_TIMEOUT_MIN: Duration = Duration::from_millis(10);

impl Loop {
    /// Whether the addresses of a name are tried one after the other, unless
    /// [`auto_select_family`](crate::ConnectOptions::auto_select_family) says otherwise: `true` by
    /// default. Node's `net.getDefaultAutoSelectFamily`.
    pub fn default_auto_select_family(&self) -> bool {
        self.tries_all_families
    }

    /// Sets whether the addresses of a name are tried one after the other: Node's
    /// `net.setDefaultAutoSelectFamily`, for this loop, from the next `connect` on.
    #[track_caller]
    pub fn set_default_auto_select_family(&mut self, on: bool) {
        let name = "set_default_auto_select_family";
        self.calls(name, |event_loop| event_loop.tries_all_families = on);
    }

    /// How long each of several addresses but the last may take to answer: 500 ms by default. Node's
    /// `net.getDefaultAutoSelectFamilyAttemptTimeout`.
    pub fn default_auto_select_family_attempt_timeout(&self) -> Duration {
        self.family_attempt_timeout
    }

    /// Sets how long each address but the last may take to answer: Node's
    /// `net.setDefaultAutoSelectFamilyAttemptTimeout`, for this loop, from the next `connect` on.
    /// Less than 10 ms becomes 10 ms, as in Node. So does zero, for which Node throws.
    #[track_caller]
    pub fn set_default_auto_select_family_attempt_timeout(&mut self, timeout: Duration) {
        let name = "set_default_auto_select_family_attempt_timeout";
        let timeout = timeout.max(ATTEMPT_TIMEOUT_MIN);
        self.calls(name, |event_loop| {
            event_loop.family_attempt_timeout = timeout
        });
    }
}
