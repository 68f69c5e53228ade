//! Peers that are silent: what keep-alive finds out.
//!
//! A probe that is answered changes nothing, so only those are reckoned with that are not.

use std::io;
use std::time::Duration;

use libc::ETIMEDOUT;

use super::keep_alive::Sent;
use super::network::{Happening, Network};
use super::socket::{Key, Socket, State};
use crate::kernel::options::KeepAlive;

/// How long what was sent may be unconfirmed: `net.ipv4.tcp_retries2`.
const PATIENCE: Duration = Duration::from_millis(924_600);

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

    /// Whether the timer of a socket is that of its probes.
    fn is_probed(&self, key: Key) -> bool {
        let timer = self.timer(key);
        timer.is_some_and(|(_, what)| {
            matches!(what, Happening::Silence(_) | Happening::Refusal { .. })
        })
    }

    /// Sets the time at which the probes of a connection fail, if there will be no answer: nothing reaches
    /// the peer, or the peer knows of no connection. A machine that sleeps sends none.
    pub(super) fn probe(&mut self, key: Key) {
        let Some(socket) = self.sockets.get(&key) else {
            return;
        };
        let (host, from) = (socket.host, socket.peer_host);
        if !is_connected(socket) || socket.timer.is_some() || !self.is_on(host) {
            return;
        }
        let Some((next, until_failed)) = socket.probes.next(self.now - socket.heard) else {
            return;
        };
        if !self.has_answers(host, from) {
            self.arm(key, next + until_failed, Happening::Silence(key));
        } else if socket.peer.is_some_and(|peer| self.is_gone(peer)) {
            self.arm(key, next, Happening::Refusal { from, to: key });
        }
    }

    fn is_gone(&self, key: Key) -> bool {
        let socket = self.sockets.get(&key);
        socket.is_none_or(|it| matches!(it.state, State::Closed) && it.wire.is_empty())
    }

    /// No probe of a connection was answered.
    pub(super) fn falls_silent(&mut self, key: Key) {
        self.disarm(key);
        let host = self.sockets.get(&key).map(|socket| socket.host);
        if host.is_some_and(|host| self.is_on(host)) {
            self.fail(key, ETIMEDOUT);
        }
    }

    /// Hosts reach each other again, or do not.
    pub(super) fn links_have_changed(&mut self) {
        let is_far = |socket: &Socket| socket.host != socket.peer_host && is_connected(socket);
        let found = self.sockets.iter().filter(|(_, socket)| is_far(socket));
        let found = found.map(|(key, socket)| (*key, socket.host, socket.peer_host));
        for (key, host, other) in found.collect::<Vec<_>>() {
            if self.has_answers(host, other) {
                self.is_patient_again(key);
            }
            self.probe(key);
        }
    }

    /// What a socket has sent cannot arrive, or no answer comes: if something is unconfirmed, it waits for
    /// that a quarter of an hour, whatever the probes say.
    pub(super) fn loses_patience(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get(&key)
            && is_connected(socket)
            && socket.is_unconfirmed()
            && (socket.timer.is_none() || self.is_probed(key))
        {
            self.arm(key, PATIENCE, Happening::Failure(key, ETIMEDOUT));
        }
    }

    /// The peer can be reached.
    fn is_patient_again(&mut self, key: Key) {
        match self.timer(key) {
            Some((at, Happening::Silence(_))) => {
                let left = at.saturating_sub(self.now);
                let sent = self.sockets.get(&key).map(|it| it.probes.sent(left));
                match sent {
                    // No other one will be answered.
                    Some(Sent::All) => {}
                    Some(Sent::Some) => self.hears(key),
                    Some(Sent::None) | None => self.disarm(key),
                }
            }
            Some((_, Happening::Failure(..))) => self.disarm(key),
            _ => {}
        }
    }

    /// Something is received.
    pub(super) fn hears(&mut self, key: Key) {
        if self.is_probed(key) {
            self.disarm(key);
        }
        let now = self.now;
        self.with(key, |socket| socket.heard = now);
    }
}
