//! The state of sockets as ss(8) shows it.

use std::fmt;
use std::net::SocketAddr;

use super::network::Network;
use super::socket::{Domain, Socket, State};
use crate::kernel::reactor::Id;

/// A socket of a simulated host as its kernel knows it. Displayed, it is a line of ss(8).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketInfo {
    /// The state, in the words of ss(8): `LISTEN`, `SYN-SENT`, `SYN-RECV`, `ESTAB`, `FIN-WAIT-1`, `FIN-WAIT-2`,
    /// `CLOSE-WAIT`, `LAST-ACK`, `CLOSING`, or `UNCONN` for a socket without a connection. There is no
    /// `TIME-WAIT`. A connected Unix socket is `ESTAB` until it is closed.
    pub state: &'static str,
    /// The local address. `None` for a Unix socket.
    pub local: Option<SocketAddr>,
    /// The address of its peer.
    pub peer: Option<SocketAddr>,
    /// Recv-Q: the bytes that the program has not read, without an urgent byte that comes next. For a listener,
    /// the connections in the backlog.
    pub unread: usize,
    /// Send-Q: the bytes that the peer's kernel has not acknowledged. For a listener, the limit of the backlog.
    pub unsent: usize,
    /// The bytes that the program has read in all.
    pub received: u64,
    /// The bytes that the program has sent in all.
    pub sent: u64,
    /// Whether the program has the socket open. It does not before accept(2), and not after close(2), while the
    /// kernel finishes the connection.
    pub is_open: bool,
    /// Whether epoll would report the socket as writable, and send(2) would take bytes.
    pub is_writable: bool,
    /// Whether the program has shut down its half.
    pub is_shut: bool,
    /// Whether the peer's half has ended.
    pub has_ended: bool,
    /// The pending error, which no call has returned: `SO_ERROR`.
    pub error: Option<i32>,
    pub(crate) id: Option<Id>,
}

impl SocketInfo {
    /// Whether the socket is registered with the epoll instance of its program.
    pub fn is_registered(&self) -> bool {
        self.id.is_some()
    }
}

impl fmt::Display for SocketInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |address: Option<SocketAddr>| {
            address.map_or_else(|| "*".to_owned(), |address| address.to_string())
        };
        let (local, peer) = (shown(self.local), shown(self.peer));
        let SocketInfo {
            state,
            unread,
            unsent,
            ..
        } = self;
        write!(out, "{state} {unread} {unsent} {local} {peer}")
    }
}

impl Network {
    /// The sockets of a host, the oldest first.
    pub(crate) fn sockets_of(&self, host: usize) -> Vec<SocketInfo> {
        let sockets = self.sockets.values();
        let ours = sockets.filter(|socket| socket.host == host && !socket.is_gone());
        ours.map(Socket::info).collect()
    }
}

impl Socket {
    /// Whether the socket is kept only for its segments in flight.
    fn is_gone(&self) -> bool {
        self.is_orphan && matches!(self.state, State::Closed)
    }

    fn info(&self) -> SocketInfo {
        let (unread, unsent) = match &self.state {
            State::Listening(backlog) => (backlog.waiting.len(), backlog.limit),
            _ => {
                let urgent = usize::from(self.is_at_mark());
                (self.incoming.len() - urgent, self.used())
            }
        };
        let has_room = self.used() < self.send_buffer;
        let may_send = matches!(self.state, State::Connected) && has_room;
        SocketInfo {
            state: self.state_name(),
            local: self.local.map(|address| self.shown(address)),
            peer: self.remote.map(|address| self.shown(address)),
            unread,
            unsent,
            received: self.received,
            sent: self.sent,
            is_open: self.descriptor.is_some(),
            is_writable: may_send
                && !self.is_shut
                && match self.domain {
                    Domain::Unix => self.is_unix_writable(),
                    Domain::Ipv4 | Domain::Ipv6 => self.is_writable(),
                },
            is_shut: self.is_shut,
            has_ended: self.has_ended,
            error: self.error,
            id: self.token.map(Id::of),
        }
    }

    fn state_name(&self) -> &'static str {
        match self.state {
            State::Closed => "UNCONN",
            State::Listening(_) => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECV",
            State::Connected if self.domain == Domain::Unix => "ESTAB",
            State::Connected => match (self.is_shut, self.has_ended) {
                (false, false) => "ESTAB",
                (false, true) => "CLOSE-WAIT",
                (true, false) if self.is_fin_acked => "FIN-WAIT-2",
                (true, false) => "FIN-WAIT-1",
                (true, true) if self.is_shut_last => "LAST-ACK",
                (true, true) => "CLOSING",
            },
        }
    }
}
