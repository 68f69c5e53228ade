//! Peers that do not answer: keep-alive probes and the limit of retransmissions.
//!
//! An answered probe changes nothing, so only probes that stay unanswered are simulated.

use std::io;

use libc::ETIMEDOUT;

use super::keep_alive::Sent;
use super::network::{Happening, Network};
use super::socket::{Key, Socket, State};
use crate::kernel::options::KeepAlive;

fn is_connected(socket: &Socket) -> bool {
    matches!(socket.state, State::Connected)
}

impl Network {
    /// `SO_KEEPALIVE` with its times.
    pub(super) fn set_keep_alive(&mut self, key: Key, wanted: Option<KeepAlive>) -> io::Result<()> {
        let socket = self.sockets.get_mut(&key);
        let set = socket.map_or(Ok(()), |socket| socket.set_keep_alive(wanted));
        if self.is_probed(key) {
            self.disarm(key);
        }
        self.probe(key);
        set
    }

    /// Whether the timer of a socket runs for its probes.
    pub(super) fn is_probed(&self, key: Key) -> bool {
        let timer = self.timer(key);
        timer.is_some_and(|(_, what)| {
            matches!(what, Happening::ProbeTimeout(_) | Happening::Refusal { .. })
        })
    }

    /// Sets the timer for the probes of a connection, if they get no answer, or a reset: the peer cannot be
    /// reached, or has forgotten the connection. A machine that sleeps sends no probes.
    pub(super) fn probe(&mut self, key: Key) {
        let Some(socket) = self.sockets.get(&key) else {
            return;
        };
        let (host, from) = (socket.host, socket.peer_host);
        if !is_connected(socket) || socket.timer.is_some() || !self.is_on(host) {
            return;
        }
        let Some((next, until_failed)) = socket.probes.next(self.now - socket.last_arrival) else {
            return;
        };
        if !self.has_answers(host, from) {
            self.arm(key, next + until_failed, Happening::ProbeTimeout(key));
        } else if socket.peer.is_some_and(|peer| self.is_gone(peer)) {
            self.arm(key, next, Happening::Refusal { from, to: key });
        }
    }

    pub(super) fn is_gone(&self, key: Key) -> bool {
        let socket = self.sockets.get(&key);
        socket.is_none_or(|it| matches!(it.state, State::Closed) && it.wire.is_empty())
    }

    /// The probes of a connection give up.
    pub(super) fn probes_fail(&mut self, key: Key) {
        self.disarm(key);
        self.give_up(key, ETIMEDOUT);
    }

    /// A partition has begun or ended, or a machine was turned on or off.
    pub(super) fn links_have_changed(&mut self) {
        let is_far = |socket: &Socket| socket.host != socket.peer_host && is_connected(socket);
        let found = self.sockets.iter().filter(|(_, socket)| is_far(socket));
        let found = found.map(|(key, socket)| (*key, socket.host, socket.peer_host));
        for (key, host, other) in found.collect::<Vec<_>>() {
            if self.has_answers(host, other) {
                self.link_is_back(key);
            }
            self.probe_window(key);
            self.probe(key);
        }
    }

    /// Stops what waits for the peer, which can be reached again.
    fn link_is_back(&mut self, key: Key) {
        match self.timer(key) {
            Some((at, Happening::ProbeTimeout(_))) => {
                let left = at.saturating_sub(self.now);
                let sent = self.sockets.get(&key).map(|it| it.probes.sent(left));
                match sent {
                    // There is no further probe that the peer could answer.
                    Some(Sent::All) => {}
                    Some(Sent::Some) => self.note_arrival(key),
                    Some(Sent::None) | None => self.disarm(key),
                }
            }
            Some((_, Happening::Failure(..))) => self.disarm(key),
            _ => {}
        }
    }

    /// Restarts the idle time of the probes, and the limit of window probes: a segment has arrived.
    pub(super) fn note_arrival(&mut self, key: Key) {
        let now = self.now;
        self.with(key, |socket| socket.last_arrival = now);
        let socket = self.sockets.get(&key);
        let waits = socket.is_some_and(|it| it.probes_window_since.is_some() && !it.is_orphan);
        if self.is_probed(key) {
            self.disarm(key);
            self.probe(key);
        } else if waits && matches!(self.timer(key), Some((_, Happening::Failure(..)))) {
            self.disarm(key);
            self.probe_window(key);
        }
    }
}
