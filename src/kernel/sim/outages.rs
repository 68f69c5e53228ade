//! What cuts hosts off: partitions, machines that die or sleep, and connections that are reset between them.

use std::time::Duration;

use super::host::Power;
use super::network::{Happening, Network, pair};
use super::socket::{Domain, Key, Socket, State};
use super::trouble::REPETITION;

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

    /// Whether the program of a host runs.
    pub(crate) fn runs(&self, host: usize) -> bool {
        self.is_on(host) && self.hosts[host].stopped_until <= self.now
    }

    pub(super) fn lets_pass(&self, from: usize, to: usize) -> bool {
        self.is_on(from) && self.is_on(to) && !self.cut.contains(&(from, to))
    }

    /// Whether what one host sends arrives at the other, and the answer, too.
    pub(super) fn has_answers(&self, one: usize, other: usize) -> bool {
        self.lets_pass(one, other) && self.lets_pass(other, one)
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
            let after = self.latency(from, to).saturating_add(late);
            self.schedule(after, happening);
        }
        self.links_have_changed();
    }

    /// Lets nothing pass from one host to another. A host always reaches itself.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        if from != to {
            self.cut.insert((from, to));
            self.links_have_changed();
        }
    }

    /// Lets what one host sends pass to another again.
    pub(crate) fn mend(&mut self, from: usize, to: usize) {
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
            self.refused(key);
        }
    }

    /// The machine of a host dies: its sockets are gone, and no peer learns of that. Its files stay.
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
        self.hosts[host].begins_anew();
        self.links_have_changed();
    }

    /// The machine of a host is on. What it is sent may belong to no connection that it knows.
    pub(crate) fn turn_on(&mut self, host: usize) {
        let (Power::Asleep { since, .. } | Power::Off { since }) = self.hosts[host].power else {
            return;
        };
        self.hosts[host].rested += self.now - since;
        self.hosts[host].power = Power::On;
        self.release();
    }

    /// The machine of a host sleeps for a while, and its clock with it. Of two such times the later end
    /// counts.
    pub(crate) fn suspend(&mut self, host: usize, span: Duration) {
        let end = self.now.saturating_add(span);
        let (since, until) = match self.hosts[host].power {
            Power::Off { .. } => return,
            Power::On => (self.now, end),
            Power::Asleep { since, until } => (since, until.max(end)),
        };
        self.hosts[host].power = Power::Asleep { since, until };
        self.schedule(span, Happening::Wake(host));
        self.links_have_changed();
    }

    /// The program of a host is stopped for a while. It notices when it goes on. Of two such times the later
    /// end counts.
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

    /// A time has passed for which a machine sleeps, or a program is stopped. There may be a longer one.
    pub(super) fn wake_up(&mut self, host: usize) {
        if let Power::Asleep { until, .. } = self.hosts[host].power
            && until <= self.now
        {
            self.turn_on(host);
        }
    }

    /// What the clock of a host shows: CLOCK_MONOTONIC, which stands while the machine does not run.
    pub(super) fn clock(&self, host: usize) -> Duration {
        let now = match self.hosts[host].power {
            Power::Asleep { since, .. } | Power::Off { since } => since,
            Power::On => self.now,
        };
        now - self.hosts[host].rested
    }
}
