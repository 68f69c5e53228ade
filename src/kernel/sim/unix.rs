//! Unix stream sockets. The effect of a call has reached the peer when the call returns.

use std::io;
use std::path::Path;

use libc::{
    EADDRINUSE, EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, ENOENT, EPIPE, EPOLLERR, EPOLLHUP,
    EPOLLIN, EPOLLOUT, EPOLLRDHUP,
};

use super::faults::Fault;
use super::network::Network;
use super::path::{Name, Unlinks};
use super::socket::{Domain, Key, Socket, State, failed};
use crate::kernel::listener::BindOptions;

impl Network {
    pub(super) fn is_unix(&self, key: Key) -> bool {
        (self.sockets.get(&key)).is_some_and(|socket| socket.domain == Domain::Unix)
    }

    /// The name that a listener is bound to.
    pub(super) fn name_of(&self, key: Key) -> Option<Vec<u8>> {
        let name = name(self.sockets.get(&key)?)?;
        Some(name.bytes.clone())
    }

    /// The socket with a name: for a path, the one that created the file, even if it is closed.
    fn named(&self, host: usize, sought: &Name) -> Option<Key> {
        if !sought.is_abstract() {
            return self.hosts[host].files.get(&sought.path()).copied();
        }
        let has_it = |socket: &Socket| {
            socket.host == host && name(socket).is_some_and(|name| name.bytes == sought.bytes)
        };
        let mut found = self.sockets.iter().filter(|(_, socket)| has_it(socket));
        found.next().map(|(key, _)| *key)
    }

    /// bind(2) and listen(2).
    pub(super) fn listen_unix(
        &mut self,
        key: Key,
        path: &Path,
        options: &BindOptions,
    ) -> io::Result<()> {
        let Some(host) = self.sockets.get(&key).map(|socket| socket.host) else {
            return Err(failed(EINVAL));
        };
        self.inject_on(key, Fault::Bind)?;
        let name = Name::of(path, options)?;
        if self.named(host, &name).is_some() {
            return Err(failed(EADDRINUSE));
        }
        if !name.is_abstract() {
            self.hosts[host].files.insert(name.path(), key);
        }
        self.listen(key, options, Some(name))
    }

    /// connect(2), which succeeds or fails at once.
    pub(super) fn connect_unix(&mut self, client: Key, path: &Path) -> io::Result<()> {
        let Some(host) = self.sockets.get(&client).map(|socket| socket.host) else {
            return Err(failed(EINVAL));
        };
        self.inject_on(client, Fault::Connect)?;
        let name = Name::of(path, &BindOptions::default())?;
        let unknown = if name.is_abstract() {
            ECONNREFUSED
        } else {
            ENOENT
        };
        let listener = self.named(host, &name).ok_or_else(|| failed(unknown))?;
        let backlog = self.backlog(listener).filter(|it| !it.refuses);
        let backlog = backlog.ok_or_else(|| failed(ECONNREFUSED))?;
        if backlog.is_full() {
            return Err(failed(EAGAIN));
        }
        let child = self.add_socket(host, Domain::Unix);
        if let Some(backlog) = self.backlog(listener) {
            backlog.waiting.push_back(child);
        }
        self.wake(listener);
        self.with(client, |socket| socket.set_connected(child));
        self.with(child, |socket| {
            socket.set_connected(client);
            socket.parent = Some(listener);
        });
        Ok(())
    }

    /// Frees the send buffer of a socket by the bytes that its peer has read.
    pub(super) fn peer_has_read(&mut self, sender: Option<Key>, count: usize) {
        if let Some((key, socket)) = sender.and_then(|key| Some((key, self.sockets.get_mut(&key)?)))
        {
            socket.in_flight = socket.in_flight.saturating_sub(count);
            if socket.wants_room && socket.is_unix_writable() {
                socket.wants_room = false;
                self.wake(key);
            }
        }
    }

    pub(super) fn transmit_unix(&mut self, key: Key, bytes: &[u8]) -> io::Result<usize> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Ok(0);
        };
        let (sent, peer) = (socket.send_unix(bytes.len())?, socket.peer);
        socket.sent += sent as u64;
        if let Some(peer) = peer.filter(|_| sent > 0) {
            self.with(peer, |peer| peer.incoming.extend(&bytes[..sent]));
            self.wake(peer);
        }
        Ok(sent)
    }

    /// shutdown(2) with SHUT_WR.
    pub(super) fn shut_down_unix(&mut self, key: Key) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.is_shut = true;
        let peer = socket.peer;
        self.wake(key);
        if let Some(peer) = peer {
            self.with(peer, |peer| peer.has_ended = true);
            self.wake(peer);
        }
    }

    /// Closes a socket. The peer gets a reset if bytes are unread, or if the connection was never accepted.
    pub(super) fn abandon_unix(&mut self, key: Key) {
        let Some(socket) = self.sockets.remove(&key) else {
            return;
        };
        self.unlink_own(key, &socket);
        let Some(peer) = socket.peer else {
            return;
        };
        let is_reset = socket.parent.is_some() || !socket.incoming.is_empty();
        self.with(peer, |peer| {
            (peer.is_shut, peer.has_ended) = (true, true);
            peer.in_flight = 0;
            peer.error = is_reset.then_some(ECONNRESET).or(peer.error);
        });
        self.wake(peer);
    }

    // Files.

    fn unlink_own(&mut self, key: Key, socket: &Socket) {
        let Some(name) = name(socket) else {
            return;
        };
        let (files, path) = (&mut self.hosts[socket.host].files, name.path());
        let is_to_go = match name.unlinks {
            Unlinks::Nothing => false,
            Unlinks::Own => files.get(&path) == Some(&key),
            Unlinks::Any => true,
        };
        if is_to_go {
            files.remove(&path);
        }
    }

    /// unlink(2). Returns whether the file existed.
    pub(crate) fn unlink(&mut self, host: usize, path: &Path) -> bool {
        self.hosts[host].files.remove(path).is_some()
    }

    /// Forgets the program of a host, whose listeners then leave their files when they are closed.
    pub(crate) fn kill_program(&mut self, host: usize) {
        self.hosts[host].reset_program();
        let sockets = self.sockets.values_mut();
        for socket in sockets.filter(|socket| socket.host == host) {
            if let State::Listening(backlog) = &mut socket.state
                && let Some(name) = &mut backlog.name
            {
                name.unlinks = Unlinks::Nothing;
            }
        }
    }
}

fn name(socket: &Socket) -> Option<&Name> {
    match &socket.state {
        State::Listening(backlog) => backlog.name.as_ref(),
        _ => None,
    }
}

impl Socket {
    fn set_connected(&mut self, peer: Key) {
        self.state = State::Connected;
        self.peer = Some(peer);
    }

    /// Linux's `unix_poll`.
    pub(super) fn unix_flags(&mut self) -> i32 {
        let mut flags = 0;
        if self.has_ended {
            flags |= EPOLLIN | EPOLLRDHUP;
        }
        if let State::Listening(backlog) = &self.state {
            return if backlog.waiting.is_empty() {
                flags
            } else {
                flags | EPOLLIN
            };
        }
        if !self.incoming.is_empty() {
            flags |= EPOLLIN;
        }
        if self.is_shut && self.has_ended {
            flags |= EPOLLHUP;
        }
        if self.is_unix_writable() {
            flags |= EPOLLOUT;
        }
        if self.error.is_some() {
            flags |= EPOLLERR;
        }
        flags
    }

    /// Whether three quarters of the send buffer are free.
    pub(super) fn is_unix_writable(&self) -> bool {
        self.used() <= self.send_buffer / 4
    }

    /// Takes as many of the bytes as there is room for.
    fn send_unix(&mut self, offered: usize) -> io::Result<usize> {
        if self.is_shut {
            return Err(failed(EPIPE));
        }
        let count = offered.min(self.send_buffer.saturating_sub(self.used()));
        self.in_flight += count;
        self.wants_room = !self.is_unix_writable();
        if count == 0 && offered > 0 {
            return Err(failed(EAGAIN));
        }
        Ok(count)
    }
}
