//! Keep-alive: when an idle connection is probed, and when the probes give up.

use std::io;
use std::time::Duration;

use libc::EINVAL;

use crate::kernel::options::KeepAlive;

/// Linux's limits: `MAX_TCP_KEEPIDLE` and `MAX_TCP_KEEPINTVL`, both in seconds, and `MAX_TCP_KEEPCNT`.
const SECONDS_MAX: u64 = 32_767;
const COUNT_MAX: u32 = 127;

/// `SO_KEEPALIVE` with its times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probes {
    is_on: bool,
    /// How long the connection is idle before the first probe.
    idle: Duration,
    /// The time between two probes.
    interval: Duration,
    /// The number of unanswered probes after which the connection fails.
    count: u32,
}

/// How many unanswered probes were sent.
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
    /// As the real kernel's `set_keep_alive`: a zero keeps the old times, and the first value over its limit
    /// is an error, after which the rest is not set.
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
    /// How many probes were sent, if they give up in `left`.
    pub(super) fn sent(&self, left: Duration) -> Sent {
        match left {
            _ if left <= self.interval => Sent::All,
            _ if left < self.interval * self.count => Sent::Some,
            _ => Sent::None,
        }
    }

    /// If keep-alive is on and all probes were answered: the time until the next probe, and from that one
    /// until the probes give up.
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
