//! TCP: the segments that a socket sends, and what follows when they arrive.

use std::io::Read;
use std::net::SocketAddr;

use super::network::{Happening, Network};
use super::socket::{Binding, Key, Segment, Socket, State};
use super::trouble::REPETITION;

/// The most bytes of a segment.
const SEGMENT_MAX: usize = 64 * 1024;

impl Network {
    /// Puts a segment on the wire of a socket. Its segments arrive in order: one that is lost delays those behind it.
    pub(super) fn send(&mut self, key: Key, segment: Segment) {
        let Some(socket) = self.sockets.get(&key) else {
            return;
        };
        let (from, to) = (socket.host, socket.peer_host);
        let delay = self.delay(from, to, &segment);
        let after = self.latency(from, to).saturating_add(delay);
        let now = self.now;
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.wire.push_back(segment);
        socket.wire_until = now.saturating_add(after).max(socket.wire_until);
        let after = socket.wire_until - now;
        self.schedule(after, Happening::Arrival(key));
    }

    /// Sends what the peer has room for, and then a FIN if this half is shut down.
    pub(super) fn pump(&mut self, key: Key) {
        while let Some(bytes) = self.next_piece(key) {
            self.send(key, Segment::Data(bytes));
        }
        if let Some(socket) = self.sockets.get_mut(&key)
            && matches!(socket.state, State::Connected)
            && socket.is_shut
            && socket.outgoing.is_empty()
            && !std::mem::replace(&mut socket.is_fin_sent, true)
        {
            self.send(key, Segment::Fin);
        }
        self.probe_window(key);
    }

    fn next_piece(&mut self, key: Key) -> Option<Vec<u8>> {
        let socket = self.sockets.get(&key)?;
        let peer = socket
            .peer
            .filter(|_| matches!(socket.state, State::Connected))?;
        let window = self.sockets.get(&peer).map_or(usize::MAX, Socket::window);
        let is_far = socket.host != socket.peer_host;
        let mut most = socket.outgoing.len().min(window).min(SEGMENT_MAX);
        if is_far && self.settings.is_perturbed {
            most = most.min(1 << self.dice.below(17));
        }
        if let Some(peer) = self.sockets.get_mut(&peer) {
            peer.arriving += most;
        }
        let socket = self.sockets.get_mut(&key).filter(|_| most > 0)?;
        socket.in_flight += most;
        let mut piece = vec![0; most];
        _ = socket.outgoing.read_exact(&mut piece);
        Some(piece)
    }

    /// The oldest segment that a socket has sent arrives.
    pub(super) fn arrive(&mut self, from: Key) {
        let Some(sender) = self.sockets.get_mut(&from) else {
            return;
        };
        let Some(segment) = sender.wire.pop_front() else {
            return;
        };
        match (segment, sender.peer) {
            (Segment::Syn, _) => self.syn_arrives(from),
            (segment, Some(to)) if self.sockets.contains_key(&to) => {
                self.segment_arrives(from, to, segment);
            }
            (Segment::Reset, _) => {}
            _ => self.answer_with_reset(from),
        }
        self.reap(from);
    }

    fn segment_arrives(&mut self, from: Key, to: Key, segment: Segment) {
        if self.finds_no_place(to) && !matches!(segment, Segment::Reset) {
            return self.drop_segment(from, to, segment);
        }
        self.note_arrival(to);
        self.inject_failure(to);
        if !matches!(segment, Segment::Reset | Segment::Syn) {
            self.handshake_ack_arrives(to);
        }
        match segment {
            Segment::Reset => self.reset_arrives(to),
            // Anything but a reset is answered with one if the connection is over.
            _ if self.is_closed(to) => self.answer_with_reset(from),
            Segment::Syn | Segment::HandshakeAck | Segment::Again => {}
            Segment::SynAck => self.syn_ack_arrives(from, to),
            Segment::Data(bytes) => self.data_arrives(from, to, &bytes),
            Segment::Urgent => self.urgent_arrives(from, to),
            Segment::DataAck(count) => self.data_ack_arrives(to, count),
            Segment::Fin => self.fin_arrives(to),
            Segment::FinAck => self.fin_ack_arrives(to),
        }
    }

    fn is_closed(&self, key: Key) -> bool {
        let socket = self.sockets.get(&key);
        socket.is_none_or(|it| matches!(it.state, State::Closed))
    }

    /// Answers a segment that belongs to no connection.
    pub(super) fn answer_with_reset(&mut self, to: Key) {
        if let Some(sender) = self.sockets.get(&to) {
            let (from, host) = (sender.peer_host, sender.host);
            let after = self.latency(from, host);
            self.schedule(after, Happening::Refusal { from, to });
        }
    }

    // The handshake.

    fn syn_arrives(&mut self, client: Key) {
        let Some(sender) = self.sockets.get(&client) else {
            return;
        };
        let (State::SynSent, Some(to)) = (&sender.state, sender.remote) else {
            return;
        };
        let (host, remote, client_host) = (sender.peer_host, sender.local, sender.host);
        let answers = |it: &Socket| it.peer == Some(client) && !matches!(it.state, State::Closed);
        if self.sockets.values().any(answers) {
            // A retransmission: the answer to the first SYN is on its way.
            return;
        }
        if let Some(other) = self.simultaneous(host, to, remote) {
            self.with(other, |it| it.peer = Some(client));
            return self.send(other, Segment::SynAck);
        }
        let Some(listener) = self.listener_for(host, to) else {
            return self.answer_with_reset(client);
        };
        let Some(parent) = self.sockets.get(&listener) else {
            return;
        };
        if !matches!(&parent.state, State::Listening(it) if !it.refuses && !it.is_full()) {
            // The SYN is dropped, and the client retransmits it.
            return;
        }
        let domain = parent.domain;
        let (type_of_service, probes) = (parent.type_of_service, parent.probes);
        let child = self.add_socket(host, domain);
        if let Some(socket) = self.sockets.get_mut(&child) {
            socket.state = State::SynReceived;
            (socket.local, socket.remote) = (Some(to), remote);
            socket.binding = Binding::Inherited;
            (socket.peer, socket.peer_host) = (Some(client), client_host);
            socket.parent = Some(listener);
            (socket.type_of_service, socket.probes) = (type_of_service, probes);
        }
        self.await_answer(child, 0);
        self.send(child, Segment::SynAck);
    }

    /// A simultaneous open (RFC 9293, 3.5): the socket that connects to the source of a SYN, perhaps the sender
    /// itself. Both are connected when each has a SYN-ACK.
    fn simultaneous(
        &self,
        host: usize,
        local: SocketAddr,
        remote: Option<SocketAddr>,
    ) -> Option<Key> {
        let is_it = |it: &Socket| {
            let ends = (it.host, it.local, it.remote);
            matches!(it.state, State::SynSent) && ends == (host, Some(local), remote)
        };
        let mut found = self.sockets.iter().filter(|(_, socket)| is_it(socket));
        found.next().map(|(key, _)| *key)
    }

    fn syn_ack_arrives(&mut self, server: Key, client: Key) {
        let Some(socket) = self.sockets.get_mut(&client) else {
            return;
        };
        if socket.peer == Some(server) && matches!(socket.state, State::Connected) {
            // A retransmission: the listener has dropped the first answer.
            return self.send(client, Segment::HandshakeAck);
        }
        if !matches!(socket.state, State::SynSent) {
            return self.answer_with_reset(server);
        }
        socket.state = State::Connected;
        socket.peer = Some(server);
        self.disarm(client);
        self.send(client, Segment::HandshakeAck);
        self.wake(client);
    }

    /// Whether a segment that acknowledges the SYN-ACK is dropped: the backlog is full. The client is connected
    /// already.
    fn finds_no_place(&self, child: Key) -> bool {
        let child = self.sockets.get(&child);
        let child = child.filter(|it| matches!(it.state, State::SynReceived));
        let parent = child.and_then(|it| self.sockets.get(&it.parent?));
        parent.is_some_and(|it| matches!(&it.state, State::Listening(it) if it.is_full()))
    }

    /// Drops a segment for which there is no place. Data is retransmitted, each time after a longer while, and the
    /// answer to the SYN-ACK when that is. A reset needs no place.
    fn drop_segment(&mut self, from: Key, to: Key, segment: Segment) {
        let begun = self.sockets.get(&to).map_or(self.now, |it| it.last_arrival);
        let after = REPETITION.max(self.now - begun);
        let Some(sender) = self.sockets.get_mut(&from) else {
            return;
        };
        if matches!(sender.wire.back(), Some(Segment::Reset)) {
            sender.wire.clear();
            self.reset_arrives(to);
        } else if !matches!(segment, Segment::HandshakeAck) {
            sender.wire.push_front(segment);
            self.schedule(after, Happening::Arrival(from));
        }
    }

    fn handshake_ack_arrives(&mut self, child: Key) {
        let Some(socket) = self.sockets.get_mut(&child) else {
            return;
        };
        if !matches!(socket.state, State::SynReceived) {
            return;
        }
        socket.state = State::Connected;
        let parent = socket.parent;
        self.disarm(child);
        if let Some(listener) = parent
            && let Some(backlog) = self.backlog(listener)
        {
            backlog.waiting.push_back(child);
            self.wake(listener);
        } else if let Some(socket) = self.sockets.get_mut(&child) {
            // The listener was closed during the handshake.
            socket.resets_on_close = true;
            self.abandon(child);
        }
    }

    // A connection.

    pub(super) fn data_arrives(&mut self, from: Key, to: Key, bytes: &[u8]) {
        let Some(socket) = self.sockets.get_mut(&to) else {
            return;
        };
        socket.arriving = socket.arriving.saturating_sub(bytes.len());
        if socket.is_orphan {
            // The program has closed the socket and cannot read the bytes.
            self.terminate(to, None);
            self.reap(to);
            return self.answer_with_reset(from);
        }
        socket.incoming.extend(bytes);
        self.wake(to);
        self.send(to, Segment::DataAck(bytes.len()));
    }

    fn data_ack_arrives(&mut self, key: Key, count: usize) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.in_flight = socket.in_flight.saturating_sub(count);
        self.pump(key);
        if let Some(socket) = self.sockets.get_mut(&key)
            && socket.wants_room
            && socket.is_writable()
        {
            socket.wants_room = false;
            self.wake(key);
        }
    }

    fn fin_arrives(&mut self, key: Key) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.has_ended = true;
        socket.is_fin_received = true;
        self.send(key, Segment::FinAck);
        self.end_if_both_have(key);
    }

    fn fin_ack_arrives(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.is_fin_acked = true;
            self.await_fin(key);
            self.end_if_both_have(key);
        }
    }

    fn end_if_both_have(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && socket.is_fin_acked
            && (socket.has_ended && socket.is_fin_received)
        {
            socket.state = State::Closed;
            self.disarm(key);
        }
        self.wake(key);
        self.reap(key);
    }

    /// A reset arrives.
    pub(super) fn reset_arrives(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && !matches!(socket.state, State::Closed)
        {
            // Before the end of its handshake a connection is in no backlog.
            socket.is_orphan |= matches!(socket.state, State::SynReceived);
            let error = socket.error_of_reset();
            self.fail(key, error);
        }
    }

    /// Ends a connection and its timer.
    pub(super) fn terminate(&mut self, key: Key, error: Option<i32>) {
        self.disarm(key);
        self.with(key, |socket| socket.fail(error));
    }

    /// Ends a connection with an error, and reports it.
    pub(super) fn fail(&mut self, key: Key, errno: i32) {
        self.terminate(key, Some(errno));
        self.wake(key);
        let peer = self.sockets.get(&key).and_then(|socket| socket.peer);
        self.reap(key);
        if let Some(peer) = peer {
            self.probe(peer);
        }
    }

    /// Removes an orphan whose connection is over, once its last segment has arrived.
    pub(super) fn reap(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get(&key)
            && socket.is_orphan
            && socket.wire.is_empty()
            && matches!(socket.state, State::Closed)
        {
            self.disarm(key);
            self.sockets.remove(&key);
        }
    }
}
