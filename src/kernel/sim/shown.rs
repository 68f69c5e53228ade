//! What the kernel knows of its sockets, as ss(8) shows it.

use std::fmt;
use std::net::SocketAddr;

use super::network::Network;
use super::socket::{Domain, Socket, State};
use crate::kernel::reactor::Id;

/// A socket as the kernel of a simulated host has it: a line of ss(8), as which it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketInfo {
    /// The state in the words of ss(8): `LISTEN`, `SYN-SENT`, `SYN-RECV`, `ESTAB`, `FIN-WAIT-1`, `FIN-WAIT-2`,
    /// `CLOSE-WAIT`, `CLOSING` (also where Linux has `LAST-ACK`), or `UNCONN`: a new socket, or one whose
    /// connection is over. A Unix socket that is connected is `ESTAB` until it is closed.
    pub state: &'static str,
    /// Its address; that of a Unix socket is not shown.
    pub local: Option<SocketAddr>,
    /// The address of its peer.
    pub peer: Option<SocketAddr>,
    /// The bytes that the program has not read, without an urgent one that is next; of a listener, the connections that wait to be accepted.
    pub unread: usize,
    /// The bytes that the peer's kernel has not confirmed; of a listener, how many connections may wait.
    pub unsent: usize,
    /// How many bytes the program has read in all, and how many it has sent.
    pub received: u64,
    /// See [`received`](SocketInfo::received).
    pub sent: u64,
    /// Whether the program has the socket open. If not, the kernel has not finished with the connection, or it
    /// was not accepted yet.
    pub is_open: bool,
    /// Whether a send(2) would find room.
    pub is_writable: bool,
    /// Whether the program's half was shut down.
    pub is_shut: bool,
    /// Whether the peer's end has arrived.
    pub has_ended: bool,
    /// The error number that the program has not been told: `SO_ERROR`.
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
        let ours = sockets.filter(|socket| socket.host == host);
        ours.map(Socket::shown_whole).collect()
    }
}

impl Socket {
    fn shown_whole(&self) -> SocketInfo {
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
                (true, false) if self.is_fin_taken => "FIN-WAIT-2",
                (true, false) => "FIN-WAIT-1",
                (true, true) => "CLOSING",
            },
        }
    }
}
