//! The properties of a socket.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use super::{HIGH_WATER_MARK, Socket, SocketEntry};
use crate::kernel::Stream;
use crate::net::ServerId;
use crate::net::error::{Error, words};
use crate::rules::state::socket::{Standing, State};

impl Socket<'_> {
    /// The state of the socket's life in its [table](crate::state::socket); [`State::Closed`] if the socket
    /// is gone. Node does not show it; its nearest property is [`readyState`](Socket::ready_state).
    pub fn state(&self) -> State {
        self.standing().life
    }

    /// The states of the socket's life and of both halves in their [tables](crate::state::socket).
    pub fn standing(&self) -> Standing {
        let standing = self.entry().map(|entry| entry.state);
        standing.unwrap_or(Standing::NEW.at(State::Closed))
    }

    pub(super) fn entry(&self) -> Option<&SocketEntry> {
        self.event_loop.entry_ref(self.id)
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.entry()?.stream.as_ref()
    }

    /// Whether it is connected to a path, or tries to be.
    pub(super) fn is_unix(&self) -> bool {
        let is_stream = self.stream().is_some_and(|stream| !stream.is_tcp());
        is_stream || self.entry().is_some_and(SocketEntry::connects_to_path)
    }

    /// Node's `readyState`: `opening`, `open`, `readOnly`, `writeOnly` or `closed`. A socket that
    /// was never connected is `open`.
    pub fn ready_state(&self) -> &'static str {
        self.standing().ready_state()
    }

    /// Whether `connect` was called and has neither succeeded nor failed: Node's `connecting`. It is
    /// already false when `connect` is emitted.
    pub fn is_connecting(&self) -> bool {
        self.state() == State::Opening
    }

    /// Whether there is no connection, not yet or no longer: Node's `pending`.
    pub fn is_pending(&self) -> bool {
        self.state() != State::Open
    }

    /// Whether `data` or `end` may still be emitted: Node's `readable`.
    pub fn is_readable(&self) -> bool {
        self.standing().is_readable()
    }

    /// Whether `write` is possible: Node's `writable`. It is false after `end`, `destroy` or a failed
    /// write.
    pub fn is_writable(&self) -> bool {
        self.standing().is_writable()
    }

    /// Whether `end` was called: Node's `writableEnded`.
    pub fn is_writable_ended(&self) -> bool {
        self.standing().is_ended()
    }

    /// Whether `finish` was emitted, or is about to be: Node's `writableFinished`.
    pub fn is_writable_finished(&self) -> bool {
        self.standing().is_finished()
    }

    /// Whether `destroy` was called, by the program or by the loop: Node's `destroyed`.
    pub fn is_destroyed(&self) -> bool {
        self.state().is_destroyed()
    }

    /// Whether the descriptor is closed: Node's `closed`. `close` may not be emitted yet.
    pub fn is_closed(&self) -> bool {
        self.is_destroyed()
    }

    /// The error that ended the socket, or that of a failed write that will end it: Node's `errored`.
    pub fn errored(&self) -> Option<Error> {
        self.entry()?.errored().cloned()
    }

    /// The server that accepted the socket: Node's `server`. `None` if the program made it.
    pub fn server(&self) -> Option<ServerId> {
        self.entry()?.server
    }

    /// The bytes received on this connection, including those that wait to be read: Node's
    /// `bytesRead`. It is known until the socket is gone.
    pub fn bytes_read(&self) -> u64 {
        self.entry().map_or(0, |entry| entry.bytes_read)
    }

    /// The bytes written on this connection, including those that wait to be sent: Node's
    /// `bytesWritten`. It is known until the socket is gone. Failed writes count, too; if connecting
    /// failed, only the first of the writes that waited for the connection does.
    pub fn bytes_written(&self) -> u64 {
        self.entry()
            .map_or(0, |entry| entry.sending.bytes_written())
    }

    /// The bytes that are not sent yet: Node's `writableLength`. A write that the kernel has taken in
    /// part counts in full until all of it is sent.
    pub fn writable_length(&self) -> usize {
        self.entry().map_or(0, |entry| entry.sending.len())
    }

    /// Whether a write returned `false` and `drain` is not emitted yet: Node's `writableNeedDrain`.
    pub fn writable_need_drain(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.sending.needs_drain() && entry.state.may_drain())
    }

    /// How many calls of [`cork`](Socket::cork) have had no [`uncork`](Socket::uncork): Node's
    /// `writableCorked`.
    pub fn writable_corked(&self) -> usize {
        self.entry().map_or(0, |entry| entry.sending.corked())
    }

    /// The high-water mark for sending, in bytes: Node's `writableHighWaterMark`.
    pub fn writable_high_water_mark(&self) -> usize {
        self.entry()
            .map_or(HIGH_WATER_MARK, SocketEntry::high_water_mark)
    }

    /// The high-water mark for receiving, in bytes: Node's `readableHighWaterMark`. It is that for
    /// sending, unless [`read`](Socket::read) has raised it.
    pub fn readable_high_water_mark(&self) -> usize {
        let cold = self.entry().and_then(|entry| entry.cold.as_ref());
        cold.map_or(HIGH_WATER_MARK, |cold| cold.kept.mark())
    }

    /// Our address and port: Node's `address()`, or `localAddress`, `localPort` and `localFamily` in
    /// one. `None` without a connection, or on a Unix-domain socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.stream()?.local_address()
    }

    /// Our IP address: Node's `localAddress`. `None` whenever [`address`](Socket::address) is `None`, which
    /// also has the zone of a link-local address.
    pub fn local_address(&self) -> Option<IpAddr> {
        Some(self.address()?.ip())
    }

    /// Our port: Node's `localPort`.
    pub fn local_port(&self) -> Option<u16> {
        Some(self.address()?.port())
    }

    /// `IPv4` or `IPv6`: Node's `localFamily`.
    pub fn local_family(&self) -> Option<&'static str> {
        Some(family(self.address()?.ip()))
    }

    /// The peer's address and port, from accept4(2) or getpeername(2): Node's `remoteAddress`,
    /// `remotePort` and `remoteFamily` in one. `None` while connecting and on a Unix-domain socket.
    /// After `destroy` it is known only if it was asked for before, as in Node.
    pub fn peer(&mut self) -> Option<SocketAddr> {
        let accepting = self.event_loop.accepting;
        let accepted = accepting.and_then(|(id, peer)| peer.filter(|_| id == self.id));
        let is_open = self.state() == State::Open;
        let entry = self.event_loop.entry(self.id)?;
        let known = entry.cold.as_ref().and_then(|cold| cold.remote);
        if known.is_some() || !is_open {
            return known;
        }
        let found = accepted.or_else(|| entry.stream.as_ref()?.remote_address());
        entry.cold().remote = found;
        found
    }

    /// The peer's IP address: Node's `remoteAddress`; see [`peer`](Socket::peer). On a server that
    /// listens on `::`, an IPv4 peer is `::ffff:1.2.3.4`, as in Node;
    /// [`to_canonical`](IpAddr::to_canonical) removes the prefix. The zone of a link-local address is
    /// in [`peer`](Socket::peer), as the number of its device.
    pub fn remote_address(&mut self) -> Option<IpAddr> {
        Some(self.peer()?.ip())
    }

    /// The peer's port: Node's `remotePort`; see [`peer`](Socket::peer).
    pub fn remote_port(&mut self) -> Option<u16> {
        Some(self.peer()?.port())
    }

    /// `IPv4` or `IPv6`: Node's `remoteFamily`; see [`peer`](Socket::peer).
    pub fn remote_family(&mut self) -> Option<&'static str> {
        Some(family(self.peer()?.ip()))
    }

    /// Another descriptor of the same connection (dup(2)), for the program to use. While it is open,
    /// closing this socket does not end the connection. Node has no such method.
    ///
    /// # Errors
    /// `ERR_SOCKET_CLOSED` without a connection, and the errors of dup(2).
    pub fn duplicate_fd(&mut self) -> Result<OwnedFd, Error> {
        let Some(stream) = self.stream() else {
            return Err(words::closed());
        };
        let duplicate = stream.duplicate();
        let duplicate = duplicate.map_err(|error| Error::of_call("dup", &error))?;
        if let Some(entry) = self.event_loop.entry(self.id) {
            entry.cold().is_foreign = true;
        }
        Ok(duplicate)
    }
}

/// Node's word for an address family.
pub(in crate::net) fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
