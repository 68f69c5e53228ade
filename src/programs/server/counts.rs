//! Counters since the start; they are summed up when the metrics are read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use netloop::{Loop, Socket, SocketId};

use super::reason::Reason;
use super::servers;

/// The counts: kept by the loop.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    /// In the order of [`Reason::ALL`].
    pub(super) dropped: [u64; Reason::ALL.len()],
    pub(super) timed_out: u64,
    /// By `--max-owed`.
    pub(super) cut: u64,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// Of connections that have closed.
    pub(super) closed: Traffic,
    pub(super) lag: Histogram,
    /// When it began to be measured how busy the loop is.
    pub(super) measured_since: Option<Instant>,
}

/// The bytes of connections.
#[derive(Clone, Copy, Default)]
pub(super) struct Traffic {
    pub(super) received: u64,
    pub(super) sent: u64,
    /// What was written, and the kernel has not taken.
    pub(super) owed: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, socket: &Socket<'_>) {
        let owed = socket.writable_length() as u64;
        self.received += socket.bytes_read();
        self.sent += socket.bytes_written().saturating_sub(owed);
        self.owed += owed;
    }

    /// Adds the bytes of a connection that has closed, which is owed nothing.
    pub(super) fn take(&mut self, closed: Traffic) {
        self.received += closed.received;
        self.sent += closed.sent;
    }
}

/// How many times took at most so long, in seconds.
#[derive(Default)]
pub(super) struct Histogram {
    pub(super) counts: [u64; Histogram::BOUNDS.len()],
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl Histogram {
    pub(super) const BOUNDS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];

    pub(super) fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.count += 1;
        self.sum += seconds;
        for (count, bound) in self.counts.iter_mut().zip(Histogram::BOUNDS) {
            *count += u64::from(seconds <= bound);
        }
    }
}

/// Counts something.
pub(super) fn note(event_loop: &mut Loop, note: impl FnOnce(&mut Counts)) {
    if let Some(counts) = event_loop.data_mut::<Counts>() {
        note(counts);
    }
}

/// The connections that are open, at all places.
pub(super) fn open(event_loop: &mut Loop) -> Vec<SocketId> {
    let servers = servers(event_loop).into_iter();
    servers
        .flat_map(|id| event_loop.server_at(id).sockets())
        .collect()
}

/// The bytes of the connections that are open.
pub(super) fn traffic(event_loop: &mut Loop) -> Traffic {
    let mut traffic = Traffic::default();
    for id in open(event_loop) {
        traffic.add(&event_loop.socket_at(id));
    }
    traffic
}
