//! What can be asked of a socket.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use super::super::error::{Error, words};
use super::super::{ServerId, SocketId};
use super::{HIGH_WATER_MARK, Socket, SocketEntry};
use crate::net::event_loop::Loop;
use crate::room::stream::Stream;
use crate::rules::state::socket::{Standing, State};

impl Loop {
    pub(super) fn state_of(&self, id: SocketId) -> Option<Standing> {
        Some(self.entry_ref(id)?.connection.state)
    }
}

impl Socket<'_> {
    /// How far the socket's life is in its [table](crate::state::socket). One that is gone is
    /// [`State::Closed`]. Node hides it, and shows [`readyState`](Socket::ready_state).
    pub fn state(&self) -> State {
        self.standing().life
    }

    /// Where the socket's life and both of its halves stand in their [tables](crate::state::socket).
    pub fn standing(&self) -> Standing {
        let standing = self.event_loop.state_of(self.id);
        standing.unwrap_or(Standing::NEW.at(State::Closed))
    }

    pub(super) fn entry(&self) -> Option<&SocketEntry> {
        self.event_loop.entry_ref(self.id)
    }

    pub(super) fn stream(&self) -> Option<&Stream> {
        self.entry()?.connection.stream.as_ref()
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

    /// Whether `connect` was called and nothing has come of it yet: Node's `connecting`. It is
    /// already false when `connect` is emitted.
    pub fn is_connecting(&self) -> bool {
        self.state() == State::Opening
    }

    /// Whether there is no connection (yet, or any more): Node's `pending`.
    pub fn is_pending(&self) -> bool {
        self.state() != State::Open
    }

    /// Whether `data` or `end` may still come: Node's `readable`.
    pub fn is_readable(&self) -> bool {
        self.standing().is_readable()
    }

    /// Whether `write` is welcome: Node's `writable`. Not after `end`, `destroy` or a failed write.
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

    /// Whether the descriptor is closed; `close` may be yet to come. Node's `closed`.
    pub fn is_closed(&self) -> bool {
        self.is_destroyed()
    }

    /// The error that ended it, or that a write has met and that is going to: Node's `errored`.
    pub fn errored(&self) -> Option<Error> {
        self.entry()?.errored().cloned()
    }

    /// The server that accepted it, or none: Node's `server`.
    pub fn server(&self) -> Option<ServerId> {
        self.entry()?.server
    }

    /// Bytes received, those included that wait for the user: Node's `bytesRead`. It counts a
    /// connection, and is good until the socket is gone.
    pub fn bytes_read(&self) -> u64 {
        self.entry().map_or(0, |entry| entry.connection.bytes_read)
    }

    /// Bytes sent, and those that wait to be sent: Node's `bytesWritten`. It counts a connection,
    /// and is good until the socket is gone. A write that failed counts, too, and if there was no
    /// connection in the end, the first that waited for it.
    pub fn bytes_written(&self) -> u64 {
        self.entry()
            .map_or(0, |entry| entry.sending.bytes_written())
    }

    /// Bytes that have not left: Node's `writableLength`. A write of which the kernel has taken a
    /// part counts whole until it has left.
    pub fn writable_length(&self) -> usize {
        self.entry().map_or(0, |entry| entry.sending.len())
    }

    /// Whether a write returned `false` and `drain` is yet to come: Node's `writableNeedDrain`.
    pub fn writable_need_drain(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.sending.needs_drain() && entry.connection.state.may_drain())
    }

    /// How often [`cork`](Socket::cork) was called more than [`uncork`](Socket::uncork): Node's
    /// `writableCorked`.
    pub fn writable_corked(&self) -> usize {
        self.entry().map_or(0, |entry| entry.sending.corked())
    }

    /// The high-water mark of what may wait to be sent, in bytes: Node's `writableHighWaterMark`.
    pub fn writable_high_water_mark(&self) -> usize {
        self.entry()
            .map_or(HIGH_WATER_MARK, SocketEntry::high_water_mark)
    }

    /// The high-water mark of what may wait to be read, in bytes: the same as that of what may wait
    /// to be sent, unless [`read`](Socket::read) has raised it. Node's `readableHighWaterMark`.
    pub fn readable_high_water_mark(&self) -> usize {
        self.entry().map_or(HIGH_WATER_MARK, SocketEntry::read_mark)
    }

    /// Our address and port; none without a connection, or on a Unix-domain socket. Node's
    /// `address()`, and `localAddress`, `localPort` and `localFamily` with it.
    pub fn address(&self) -> Option<SocketAddr> {
        self.stream()?.local_address()
    }

    /// Our IP address: Node's `localAddress`. None where [`address`](Socket::address) is, which
    /// has the zone of a link-local one, too.
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

    /// The peer's address and port, as accept4(2) or getpeername(2) tells it: Node's
    /// `remoteAddress`, `remotePort` and `remoteFamily` in one. None while
    /// connecting and on a Unix-domain socket; after `destroy` only if it was asked for before,
    /// as in Node.
    pub fn peer(&mut self) -> Option<SocketAddr> {
        let accepted = self.event_loop.accepted_peer(self.id);
        let is_open = self.state() == State::Open;
        let entry = self.event_loop.entry(self.id)?;
        let known = entry.cold.as_ref().and_then(|cold| cold.remote);
        if known.is_some() || !is_open {
            return known;
        }
        let found = accepted.or_else(|| entry.connection.stream.as_ref()?.remote_address());
        entry.cold().remote = found;
        found
    }

    /// The peer's IP address: Node's `remoteAddress`; see [`peer`](Socket::peer). On a server that
    /// listens on `::`, an IPv4 peer is `::ffff:1.2.3.4`, as in Node;
    /// [`to_canonical`](IpAddr::to_canonical) takes the prefix off. The zone of a link-local one is
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

    /// Another descriptor of the same connection (dup(2)), for a program of one's own. While it
    /// lives, closing this socket does not end the connection. Node has no such method.
    ///
    /// # Errors
    /// `ERR_SOCKET_CLOSED` without a connection, and what dup(2) says.
    pub fn duplicate_fd(&mut self) -> Result<OwnedFd, Error> {
        use std::os::fd::AsFd;
        let Some(stream) = self.stream() else {
            return Err(words::closed());
        };
        let duplicate = stream.as_fd().try_clone_to_owned();
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
