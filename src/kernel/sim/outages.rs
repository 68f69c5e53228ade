//! What cuts hosts off: partitions, machines that die or sleep, and connections that are reset between them.

use std::time::Duration;

use super::host::Power;
use super::network::{Happening, Network};
use super::socket::{Domain, Key, Socket, State};

/// One connection's repetition after an outage comes at most so late.
const REPETITION: Duration = Duration::from_millis(200);

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

impl Network {
    /// The hosts between which something passes.
    pub(super) fn route(&self, happening: &Happening) -> Option<(usize, usize)> {
        match happening {
            Happening::Arrival(key) => {
                let socket = self.sockets.get(key)?;
                Some((socket.host, socket.peer_host))
            }
            Happening::Refusal { from, to } => Some((*from, self.sockets.get(to)?.host)),
            _ => None,
        }
    }

    pub(super) fn is_on(&self, host: usize) -> bool {
        self.hosts[host].power == Power::On
    }

    pub(super) fn lets_pass(&self, from: usize, to: usize) -> bool {
        self.is_on(from) && self.is_on(to) && !self.cut.contains(&pair(from, to))
    }

    /// Keeps what cannot pass. It is sent again until it can.
    pub(super) fn hold(&mut self, from: usize, to: usize, happening: Happening) {
        if let Happening::Arrival(key) = happening {
            // The segment waits for its answer, or is one that the peer waits for.
            let peer = self.sockets.get(&key).and_then(|socket| socket.peer);
            self.loses_patience(key);
            peer.into_iter().for_each(|peer| self.loses_patience(peer));
        }
        self.held.push((from, to, happening));
    }

    /// Sends what can pass again.
    fn release(&mut self) {
        for (from, to, happening) in std::mem::take(&mut self.held) {
            if !self.lets_pass(from, to) {
                self.held.push((from, to, happening));
                continue;
            }
            let late = self.dice.within(&(Duration::ZERO..REPETITION));
            let after = self.latency(from, to) + late;
            self.schedule(after, happening);
        }
        self.links_have_changed();
    }

    /// Lets nothing pass between two hosts.
    pub(crate) fn partition(&mut self, one: usize, other: usize) {
        self.cut.insert(pair(one, other));
        self.links_have_changed();
    }

    pub(crate) fn heal(&mut self, one: usize, other: usize) {
        self.cut.remove(&pair(one, other));
        self.release();
    }

    /// Resets all connections between two hosts, at both ends.
    pub(crate) fn reset(&mut self, one: usize, other: usize) {
        let ends = pair(one, other);
        let is_between = |socket: &Socket| {
            pair(socket.host, socket.peer_host) == ends
                && socket.domain != Domain::Unix
                && matches!(socket.state, State::Connected | State::SynReceived)
        };
        let sockets = self.sockets.iter();
        let found = sockets.filter(|(_, socket)| is_between(socket));
        for key in found.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.refused(key);
        }
    }

    /// The machine of a host dies: its sockets are gone, and no peer learns of that.
    pub(crate) fn crash(&mut self, host: usize) {
        self.sockets.retain(|_, socket| socket.host != host);
        self.hosts[host].crash();
        self.links_have_changed();
    }

    /// The machine of a host runs again. What it is sent belongs to no connection that it knows.
    pub(crate) fn restart(&mut self, host: usize) {
        self.hosts[host].power = Power::On;
        self.release();
    }

    /// The machine of a host sleeps for a while, and its clock with it.
    pub(crate) fn suspend(&mut self, host: usize, span: Duration) {
        if self.hosts[host].power == Power::On {
            self.hosts[host].power = Power::Suspended(self.now);
            self.schedule(span, Happening::Wake(host));
            self.links_have_changed();
        }
    }

    pub(super) fn wake_up(&mut self, host: usize) {
        if let Power::Suspended(since) = self.hosts[host].power {
            self.hosts[host].slept += self.now - since;
            self.restart(host);
        }
    }

    /// What the clock of a host shows: CLOCK_MONOTONIC, which stands while the machine sleeps.
    pub(super) fn clock(&self, host: usize) -> Duration {
        let now = match self.hosts[host].power {
            Power::Suspended(since) => since,
            Power::On | Power::Off => self.now,
        };
        now - self.hosts[host].slept
    }

    /// The program of a host is stopped. It notices when it goes on.
    pub(crate) fn stop(&mut self, host: usize) {
        self.hosts[host].was_stopped = true;
    }
}
