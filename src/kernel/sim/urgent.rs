//! Urgent data: a byte outside the stream. A read ends before it, and the next one skips it.

use std::io;

use libc::EAGAIN;

use super::network::Network;
use super::socket::{Domain, Key, Segment, Socket, State, failed};

impl Network {
    /// send(2) of one byte with MSG_OOB, if no bytes wait to be sent.
    pub(crate) fn send_urgent(&mut self, key: Key) -> io::Result<usize> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Ok(0);
        };
        if !socket.outgoing.is_empty() {
            return Err(failed(EAGAIN));
        }
        let sent = socket.send(b"!")?;
        socket.outgoing.clear();
        socket.in_flight += sent;
        let peer = socket.peer;
        peer.into_iter()
            .for_each(|peer| self.with(peer, |peer| peer.arriving += sent));
        self.send(key, Segment::Urgent);
        self.settle();
        Ok(sent)
    }

    /// [`send_urgent`](Network::send_urgent) on each connection from one host to another.
    pub(crate) fn send_urgent_to(&mut self, from: usize, to: usize) {
        let is_it = |socket: &Socket| {
            (socket.host, socket.peer_host) == (from, to)
                && socket.domain != Domain::Unix
                && matches!(socket.state, State::Connected)
                && !socket.is_orphan
        };
        let found = self.sockets.iter().filter(|(_, socket)| is_it(socket));
        for key in found.map(|(key, _)| *key).collect::<Vec<Key>>() {
            // A socket that has no room, or is shut down, sends none.
            let _ = self.send_urgent(key);
        }
    }

    pub(super) fn urgent_arrives(&mut self, from: Key, to: Key) {
        self.with(to, |socket| {
            // An earlier urgent byte that is not next becomes part of the stream.
            socket.skip_marked();
            socket.mark = Some(socket.incoming.len());
        });
        self.data_arrives(from, to, b"!");
    }
}

impl Socket {
    /// Whether the next byte is the urgent one.
    pub(super) fn is_at_mark(&self) -> bool {
        self.mark == Some(0)
    }

    pub(super) fn skip_marked(&mut self) {
        if self.is_at_mark() {
            self.incoming.pop_front();
            self.mark = None;
        }
    }

    /// Whether recv(2) would return bytes.
    pub(super) fn has_bytes(&self) -> bool {
        self.incoming.len() > usize::from(self.is_at_mark())
    }
}
