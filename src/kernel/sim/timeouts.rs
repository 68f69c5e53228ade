//! Time-outs: when a kernel gives up on a peer that does not answer. The times are the defaults of Linux 6.18,
//! explained in its document ip-sysctl.

use std::time::Duration;

use libc::ETIMEDOUT;

use super::network::{Happening, Network};
use super::socket::{Key, Segment, Socket, State};
use super::trouble::REPETITION;

/// How often a SYN is retransmitted: first at intervals of a second (`net.ipv4.tcp_syn_linear_timeouts`), then at
/// intervals that double (`net.ipv4.tcp_syn_retries`).
const SYN_LINEAR: u32 = 4;
const SYN_RETRIES: u32 = 6;
/// How often a SYN-ACK is retransmitted, at intervals that double: `net.ipv4.tcp_synack_retries`.
const SYN_ACK_RETRIES: u32 = 5;
/// How long sent data may stay unacknowledged: `net.ipv4.tcp_retries2`.
const RETRANSMISSION_LIMIT: Duration = Duration::from_millis(924_600);
/// The same for an orphan: `net.ipv4.tcp_orphan_retries`, where 0 stands for 8. It gives up instead of sending the
/// next retransmission.
const ORPHAN_LIMIT: Duration = Duration::from_millis(102_200);
/// The longest retransmission time-out: TCP_RTO_MAX.
const RTO_MAX: Duration = Duration::from_secs(120);
/// How long an orphan stays in FIN-WAIT-2: `net.ipv4.tcp_fin_timeout`.
const FIN_TIMEOUT: Duration = Duration::from_secs(60);

/// How long data of an orphan may stay unacknowledged, if the socket was closed after `closed_after` of that time.
fn orphan_limit(closed_after: Duration) -> Duration {
    let (mut at, mut wait) = (Duration::ZERO, REPETITION);
    while at < closed_after.max(ORPHAN_LIMIT) {
        at += wait;
        wait = RTO_MAX.min(wait * 2);
    }
    at
}

/// How long an orphan probes a window, if the socket was closed after `closed_after` of that time: it gives up when
/// a probe has waited for the longest time.
fn orphan_probe_limit(closed_after: Duration) -> Duration {
    let (mut at, mut wait) = (REPETITION, REPETITION);
    while at <= closed_after || wait < RTO_MAX {
        wait = RTO_MAX.min(wait * 2);
        at += wait;
    }
    at
}

impl Socket {
    fn is_orphan_in_fin_wait_2(&self) -> bool {
        let is_connected = matches!(self.state, State::Connected);
        self.is_orphan && is_connected && self.is_fin_acked && !self.has_ended
    }

    fn awaits_ack(&self) -> bool {
        matches!(self.state, State::Connected) && self.is_unconfirmed()
    }
}

impl Network {
    // The handshake.

    fn is_syn_received(&self, key: Key) -> bool {
        let socket = self.sockets.get(&key);
        socket.is_some_and(|it| matches!(it.state, State::SynReceived))
    }

    /// Retransmits a SYN or a SYN-ACK, or gives up.
    pub(super) fn syn_again(&mut self, key: Key, tries: u32) {
        let is_answer = self.is_syn_received(key);
        if is_answer && tries > SYN_ACK_RETRIES {
            return self.expire(key);
        }
        if tries > SYN_LINEAR + SYN_RETRIES {
            return self.give_up(key, ETIMEDOUT);
        }
        // In a partition the first one is still on its way.
        if self.sockets.get(&key).is_some_and(|it| it.wire.is_empty()) {
            let segment = match is_answer {
                true => Segment::SynAck,
                false => Segment::Syn,
            };
            self.send(key, segment);
        }
        self.await_answer(key, tries);
    }

    /// Starts the timer of a SYN or a SYN-ACK.
    pub(super) fn await_answer(&mut self, key: Key, tries: u32) {
        let doublings = match self.is_syn_received(key) {
            true => tries,
            false => tries.saturating_sub(SYN_LINEAR),
        };
        let after = Duration::from_secs(1 << doublings);
        self.arm(key, after, Happening::SynAgain(key, tries + 1));
    }

    // Acknowledgements, and the FIN of the peer.

    /// Starts the limit of retransmissions, if a socket has unacknowledged data. It replaces the timer of the
    /// probes.
    pub(super) fn arm_retransmission_limit(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get(&key)
            && self.is_on(socket.host)
            && socket.awaits_ack()
            && (socket.timer.is_none() || self.is_probed(key))
        {
            let limit = match socket.is_orphan {
                true => ORPHAN_LIMIT,
                false => RETRANSMISSION_LIMIT,
            };
            self.arm(key, limit, Happening::Failure(key, ETIMEDOUT));
        }
    }

    /// The same for data that waits for a window, if the peer cannot answer the window probes. If it answers, only
    /// an orphan gives up.
    pub(super) fn probe_window(&mut self, key: Key) {
        let now = self.now;
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        let waits = !socket.outgoing.is_empty();
        let is_probing = waits && socket.in_flight == 0;
        let since = socket
            .probes_window_since
            .filter(|_| is_probing)
            .unwrap_or(now);
        socket.probes_window_since = is_probing.then_some(since);
        let is_closing = socket.is_orphan && !socket.is_fin_acked;
        let (host, other) = (socket.host, socket.peer_host);
        if waits && !self.has_answers(host, other) {
            self.arm_retransmission_limit(key);
        } else if is_closing && is_probing {
            if self.timer(key).is_none() {
                let left = orphan_probe_limit(now - since).saturating_sub(now - since);
                self.arm(key, left, Happening::Expiry(key));
            }
        } else if is_closing && matches!(self.timer(key), Some((_, Happening::Expiry(_)))) {
            self.disarm(key);
        }
    }

    /// Replaces the time-outs of a socket that has become an orphan.
    pub(super) fn orphan_waits(&mut self, key: Key) {
        if let Some((at, Happening::Failure(..))) = self.timer(key) {
            let waited = RETRANSMISSION_LIMIT.saturating_sub(at.saturating_sub(self.now));
            let left = orphan_limit(waited).saturating_sub(waited);
            self.arm(key, left, Happening::Failure(key, ETIMEDOUT));
        }
        self.await_fin(key);
    }

    /// Starts the time-out of FIN-WAIT-2, if the socket is an orphan.
    pub(super) fn await_fin(&mut self, key: Key) {
        let socket = self.sockets.get(&key);
        if socket.is_some_and(Socket::is_orphan_in_fin_wait_2) {
            self.arm(key, FIN_TIMEOUT, Happening::Expiry(key));
        }
    }

    /// Retransmits unacknowledged data to a machine that does not know the connection.
    pub(super) fn retransmit(&mut self, key: Key) {
        let is_due = |it: &Socket| it.awaits_ack() && it.wire.is_empty();
        if self.sockets.get(&key).is_some_and(is_due) {
            self.send(key, Segment::Again);
        }
    }

    /// Fails a connection, and stops its retransmissions. Acknowledgements that did not arrive are lost, and the
    /// peer retransmits what it has sent.
    pub(super) fn give_up(&mut self, key: Key, errno: i32) {
        let peer = self.sockets.get(&key).and_then(|socket| socket.peer);
        self.with(key, |socket| socket.wire.clear());
        self.fail(key, errno);
        peer.into_iter().for_each(|peer| self.retransmit(peer));
    }

    /// Removes a connection that no program has.
    pub(super) fn expire(&mut self, key: Key) {
        let removed = self.sockets.remove(&key);
        let peer = removed.and_then(|socket| socket.peer);
        if let Some(peer) = peer {
            self.retransmit(peer);
            self.probe(peer);
        }
    }
}
