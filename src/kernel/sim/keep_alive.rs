//! Keep-alive: how a connection is probed while nothing is received.

use std::io;
use std::time::Duration;

use libc::EINVAL;

use crate::kernel::options::KeepAlive;

/// The most that Linux takes: `MAX_TCP_KEEPIDLE` and `MAX_TCP_KEEPINTVL`, both in seconds, and
/// `MAX_TCP_KEEPCNT`.
const SECONDS_MAX: u64 = 32_767;
const COUNT_MAX: u32 = 127;

/// `SO_KEEPALIVE` with its times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probes {
    is_on: bool,
    /// How long nothing is received before the first.
    idle: Duration,
    /// From one to the next.
    interval: Duration,
    /// After so many without an answer, the connection has failed.
    count: u32,
}

/// How many of the probes were sent that have no answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sent {
    None,
    Some,
    All,
}

impl Default for Probes {
    /// `net.ipv4.tcp_keepalive_time`, `_intvl` and `_probes`.
    fn default() -> Probes {
        Probes {
            is_on: false,
            idle: Duration::from_secs(7200),
            interval: Duration::from_secs(75),
            count: 9,
        }
    }
}

impl Probes {
    /// As the real kernel's `set_keep_alive`: zeros leave the times alone, and the first time that is too
    /// long ends it.
    pub(super) fn set(&mut self, wanted: Option<KeepAlive>) -> io::Result<()> {
        self.is_on = wanted.is_some();
        let Some((idle, interval, count)) = wanted.map(KeepAlive::seconds) else {
            return Ok(());
        };
        if idle == 0 || interval == 0 || count == 0 {
            return Ok(());
        }
        self.idle = within_bounds(idle)?;
        self.interval = within_bounds(interval)?;
        if count > COUNT_MAX {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        self.count = count;
        Ok(())
    }
}

impl Probes {
    /// How many were sent, if this time is left until they have failed.
    pub(super) fn sent(&self, left: Duration) -> Sent {
        match left {
            _ if left <= self.interval => Sent::All,
            _ if left < self.interval * self.count => Sent::Some,
            _ => Sent::None,
        }
    }

    /// After how long the next is sent, if they are on and each was answered until now, and how long it
    /// takes until they have failed.
    pub(super) fn next(&self, silent: Duration) -> Option<(Duration, Duration)> {
        let since_last = silent.as_nanos() % self.idle.as_nanos().max(1);
        let since_last = Duration::from_nanos(u64::try_from(since_last).unwrap_or(0));
        let next = self.idle.saturating_sub(since_last);
        self.is_on.then_some((next, self.interval * self.count))
    }
}

fn within_bounds(seconds: u64) -> io::Result<Duration> {
    match seconds {
        0..=SECONDS_MAX => Ok(Duration::from_secs(seconds)),
        _ => Err(io::Error::from_raw_os_error(EINVAL)),
    }
}
