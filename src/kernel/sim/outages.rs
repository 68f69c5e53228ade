//! Outages: partitions, resets, machines that crash or sleep, and programs that are stopped.

use std::time::Duration;

use super::host::Power;
use super::network::{Happening, Network, pair};
use super::socket::{Domain, Key, Socket, State};
use super::trouble::REPETITION;

impl Network {
    /// The hosts between which an event's segment passes.
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

    /// Whether the program of a host runs.
    pub(crate) fn runs(&self, host: usize) -> bool {
        self.is_on(host) && self.hosts[host].stopped_until <= self.now
    }

    pub(super) fn lets_pass(&self, from: usize, to: usize) -> bool {
        self.is_on(from) && self.is_on(to) && !self.cut.contains(&(from, to))
    }

    /// Whether segments pass between two hosts in both directions.
    pub(super) fn has_answers(&self, one: usize, other: usize) -> bool {
        self.lets_pass(one, other) && self.lets_pass(other, one)
    }

    /// Holds what cannot pass. It stands for its retransmissions.
    pub(super) fn hold(&mut self, from: usize, to: usize, happening: Happening) {
        if let Happening::Arrival(key) = happening {
            // The segment is unacknowledged, or is itself an acknowledgment.
            let peer = self.sockets.get(&key).and_then(|socket| socket.peer);
            self.arm_retransmission_limit(key);
            peer.into_iter()
                .for_each(|peer| self.arm_retransmission_limit(peer));
        }
        self.held.push((from, to, happening));
    }

    /// Schedules the arrival of what can pass again.
    fn release(&mut self) {
        for (from, to, happening) in std::mem::take(&mut self.held) {
            if !self.lets_pass(from, to) {
                self.held.push((from, to, happening));
                continue;
            }
            let late = self.dice.within(&(Duration::ZERO..REPETITION));
            let after = self.latency(from, to).saturating_add(late);
            self.schedule(after, happening);
        }
        self.links_have_changed();
    }

    /// Begins a partition from one host to another. A host always reaches itself.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        if from != to {
            self.cut.insert((from, to));
            self.links_have_changed();
        }
    }

    /// Ends a partition from one host to another.
    pub(crate) fn heal(&mut self, from: usize, to: usize) {
        if self.cut.remove(&(from, to)) {
            self.release();
        }
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
            self.reset_arrives(key);
        }
    }

    /// Crashes the machine of a host: its sockets are gone, and nothing is sent to the peers. Its files stay.
    pub(crate) fn crash(&mut self, host: usize) {
        let here = self.sockets.iter().filter(|(_, it)| it.host == host);
        for key in here.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.disarm(key);
            self.sockets.remove(&key);
        }
        let since = match self.hosts[host].power {
            Power::On => self.now,
            Power::Asleep { since, .. } | Power::Off { since } => since,
        };
        self.hosts[host].power = Power::Off { since };
        self.hosts[host].reset_program();
        let peers = self.sockets.iter().filter(|(_, it)| it.peer_host == host);
        for key in peers.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.retransmit(key);
        }
        self.links_have_changed();
    }

    /// Stops the timers of a machine's sockets while it sleeps.
    fn hold_timers(&mut self, host: usize) {
        let here = self.sockets.iter().filter(|(_, it)| it.host == host);
        for key in here.map(|(key, _)| *key).collect::<Vec<Key>>() {
            if let Some((left, what)) = self.take_timer(key) {
                self.arm(key, left, what);
            }
        }
    }

    /// Turns the machine of a host on, or wakes it.
    pub(crate) fn turn_on(&mut self, host: usize) {
        let (Power::Asleep { since, .. } | Power::Off { since }) = self.hosts[host].power else {
            return;
        };
        self.hosts[host].downtime += self.now - since;
        self.hosts[host].power = Power::On;
        self.hold_timers(host);
        self.release();
    }

    /// Suspends the machine of a host, and its clock, for a while. If it sleeps already, the later end counts.
    pub(crate) fn suspend(&mut self, host: usize, span: Duration) {
        let end = self.now.saturating_add(span);
        let (since, until) = match self.hosts[host].power {
            Power::Off { .. } => return,
            Power::On => (self.now, end),
            Power::Asleep { since, until } => (since, until.max(end)),
        };
        self.hosts[host].power = Power::Asleep { since, until };
        self.hold_timers(host);
        self.schedule(span, Happening::Wake(host));
        self.links_have_changed();
    }

    /// Stops the program of a host for a while. If it is stopped already, the later end counts.
    pub(crate) fn stop(&mut self, host: usize, span: Duration) {
        let end = self.now.saturating_add(span);
        let it = &mut self.hosts[host];
        if matches!(it.power, Power::Off { .. }) {
            return;
        }
        it.was_stopped = true;
        it.stopped_until = it.stopped_until.max(end);
        self.schedule(span, Happening::Wake(host));
    }

    /// Wakes a machine whose sleep is over. The end of a stop needs no action: `runs` compares the time.
    pub(super) fn wake_up(&mut self, host: usize) {
        if let Power::Asleep { until, .. } = self.hosts[host].power
            && until <= self.now
        {
            self.turn_on(host);
        }
    }

    /// The clock of a host: CLOCK_MONOTONIC, which stands still while the machine does not run.
    pub(super) fn clock(&self, host: usize) -> Duration {
        let now = match self.hosts[host].power {
            Power::Asleep { since, .. } | Power::Off { since } => since,
            Power::On => self.now,
        };
        now - self.hosts[host].downtime
    }
}
