//! A socket: its state, and the results of calls that depend on it alone.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use libc::{
    EAGAIN, ECONNREFUSED, ECONNRESET, ENOTCONN, EPIPE, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT,
    EPOLLPRI, EPOLLRDHUP,
};
use mio::Token;

use super::keep_alive::Probes;
use super::path::Name;
use crate::kernel::options::KeepAlive;

/// The id of a socket, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(super) u64);

/// The address family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    Ipv4,
    Ipv6,
    Unix,
}

impl Domain {
    pub(super) fn of(address: SocketAddr) -> Domain {
        match address {
            SocketAddr::V4(_) => Domain::Ipv4,
            SocketAddr::V6(_) => Domain::Ipv6,
        }
    }
}

/// How a socket got its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    None,
    /// From bind(2), with SO_REUSEADDR, which the library sets.
    Bound,
    /// From its listener, with the option.
    Inherited,
    /// From connect(2), which allocates an ephemeral port without the option.
    Given,
}

/// TCP's states. `is_shut` and `has_ended` are the states of the two halves of a connection.
#[derive(Debug)]
pub(super) enum State {
    /// Without a connection: new, failed, or ended in both directions.
    Closed,
    Listening(Backlog),
    SynSent,
    /// An incoming connection during its handshake.
    SynReceived,
    Connected,
}

#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) waiting: VecDeque<Key>,
    pub(super) limit: usize,
    /// New connections are refused.
    pub(super) refuses: bool,
    pub(super) reuses_port: bool,
    pub(super) only_v6: bool,
    /// The name of a Unix listener.
    pub(super) name: Option<Name>,
}

impl Backlog {
    /// Linux's `sk_acceptq_is_full`: there is room for one more than the limit.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() > self.limit
    }
}

#[derive(Debug)]
pub(super) enum Segment {
    Syn,
    SynAck,
    /// The last segment of the handshake, which any later one can stand for.
    HandshakeAck,
    Data(Vec<u8>),
    /// One byte of urgent data.
    Urgent,
    /// Acknowledges this many bytes.
    DataAck(usize),
    Fin,
    FinAck,
    /// A retransmission of data that has arrived before.
    Again,
    Reset,
}

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) host: usize,
    pub(super) state: State,
    pub(super) domain: Domain,
    pub(super) local: Option<SocketAddr>,
    pub(super) binding: Binding,
    pub(super) remote: Option<SocketAddr>,
    pub(super) peer: Option<Key>,
    pub(super) peer_host: usize,
    /// The listener, until the connection is accepted.
    pub(super) parent: Option<Key>,
    /// `None` before accept(2), and after close(2).
    pub(super) descriptor: Option<i32>,
    /// The program has closed the socket.
    pub(super) is_orphan: bool,
    pub(super) token: Option<Token>,
    /// The socket is on the ready list.
    pub(super) is_listed: bool,
    pub(super) error: Option<i32>,
    /// This half is shut down.
    pub(super) is_shut: bool,
    /// This half was shut down after the peer's.
    pub(super) is_shut_last: bool,
    /// The peer's half has ended.
    pub(super) has_ended: bool,
    /// The peer's FIN has arrived: recv(2) then returns the end, and never an error.
    pub(super) is_fin_received: bool,
    pub(super) is_fin_sent: bool,
    pub(super) is_fin_acked: bool,
    /// The bytes that recv(2) has returned, and that send(2) has taken.
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) resets_on_close: bool,
    pub(super) type_of_service: u8,
    pub(super) probes: Probes,
    /// When the last segment arrived.
    pub(super) last_arrival: Duration,
    /// Bytes that wait for room in the peer's receive buffer.
    pub(super) outgoing: VecDeque<u8>,
    /// The number of bytes sent and not acknowledged.
    pub(super) in_flight: usize,
    /// Since when data waits for the window of the peer.
    pub(super) probes_window_since: Option<Duration>,
    pub(super) send_buffer: usize,
    /// A send found no room: an event follows when there is some.
    pub(super) wants_room: bool,
    pub(super) incoming: VecDeque<u8>,
    /// The position of the urgent byte in `incoming`.
    pub(super) mark: Option<usize>,
    /// The number of bytes on their way to this socket.
    pub(super) arriving: usize,
    pub(super) receive_buffer: usize,
    /// The segments on their way to the peer, the oldest first.
    pub(super) wire: VecDeque<Segment>,
    /// When the last of them arrives.
    pub(super) wire_until: Duration,
    /// The event that its timer has scheduled.
    pub(super) timer: Option<(Duration, u64)>,
}

pub(super) fn failed(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

impl Socket {
    /// The current flags of epoll.
    pub(super) fn flags(&mut self) -> i32 {
        match self.domain {
            Domain::Unix => self.unix_flags(),
            Domain::Ipv4 | Domain::Ipv6 => self.tcp_flags(),
        }
    }

    /// Linux's `tcp_poll`.
    fn tcp_flags(&mut self) -> i32 {
        if let State::Listening(backlog) = &self.state {
            return if backlog.waiting.is_empty() {
                0
            } else {
                EPOLLIN
            };
        }
        let mut flags = 0;
        let is_closed = matches!(self.state, State::Closed);
        if is_closed || self.is_shut && self.has_ended {
            flags |= EPOLLHUP;
        }
        if self.has_ended {
            flags |= EPOLLIN | EPOLLRDHUP;
        }
        if !matches!(self.state, State::SynSent) {
            if self.has_bytes() {
                flags |= EPOLLIN;
            }
            if self.mark.is_some() {
                flags |= EPOLLPRI;
            }
            if self.is_shut || self.is_writable() {
                flags |= EPOLLOUT;
            } else {
                self.wants_room = true;
            }
        }
        if self.error.is_some() {
            flags |= EPOLLERR;
        }
        flags
    }

    pub(super) fn used(&self) -> usize {
        self.outgoing.len() + self.in_flight
    }

    /// Whether a third of the send buffer is free.
    pub(super) fn is_writable(&self) -> bool {
        let used = self.used();
        self.send_buffer.saturating_sub(used) >= used / 2
    }

    /// Whether bytes or a FIN are unacknowledged, or wait to be sent.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.used() > 0 || self.is_fin_sent && !self.is_fin_acked
    }

    /// How many bytes the peer may still send.
    pub(super) fn window(&self) -> usize {
        match self.state {
            State::Connected if !self.is_orphan => {
                (self.receive_buffer).saturating_sub(self.incoming.len() + self.arriving)
            }
            // Whatever is sent here is answered with a reset.
            _ => usize::MAX,
        }
    }

    /// The result of recv(2) without bytes: the end, or an error.
    fn without_bytes(&mut self) -> io::Result<usize> {
        if self.is_fin_received {
            return Ok(0);
        }
        if let Some(errno) = self.error.take() {
            return Err(failed(errno));
        }
        match self.state {
            _ if self.has_ended => Ok(0),
            State::Closed | State::Listening(_) => Err(failed(ENOTCONN)),
            _ => Err(failed(EAGAIN)),
        }
    }

    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() && !self.incoming.is_empty() {
            return Ok(0);
        }
        self.skip_marked();
        if self.incoming.is_empty() {
            return self.without_bytes();
        }
        let most = self.mark.unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..most];
        // The queue has at most two slices.
        let first = self.incoming.read(buffer)?;
        let second = self.incoming.read(&mut buffer[first..])?;
        self.mark = self.mark.map(|mark| mark - first - second);
        Ok(first + second)
    }

    /// recv(2) of one byte with MSG_PEEK.
    pub(super) fn peek(&mut self) -> io::Result<usize> {
        match self.has_bytes() {
            true => Ok(1),
            false => self.without_bytes(),
        }
    }

    /// The port that the socket occupies. One that it was not bound to is free when the connection is over.
    pub(super) fn port(&self) -> Option<u16> {
        let is_closed = matches!(self.state, State::Closed);
        let has_it = match self.binding {
            Binding::None => false,
            Binding::Bound => !(is_closed && self.is_orphan),
            Binding::Inherited | Binding::Given => !is_closed,
        };
        self.local.filter(|_| has_it).map(|local| local.port())
    }

    /// Whether a send can succeed.
    pub(super) fn can_send(&self) -> bool {
        let is_connected = matches!(self.state, State::Connected);
        is_connected && self.error.is_none() && !self.is_shut
    }

    /// Takes as many bytes as there is room for.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_some() || self.is_shut {
            return Err(failed(self.error.take().unwrap_or(EPIPE)));
        }
        match self.state {
            State::Connected => {}
            State::SynSent | State::SynReceived => return Err(failed(EAGAIN)),
            State::Closed | State::Listening(_) => return Err(failed(EPIPE)),
        }
        let room = self.send_buffer.saturating_sub(self.used());
        let count = bytes.len().min(room);
        self.wants_room |= count < bytes.len();
        if count == 0 && !bytes.is_empty() {
            return Err(failed(EAGAIN));
        }
        self.outgoing.extend(&bytes[..count]);
        Ok(count)
    }

    /// Shuts this half down: a FIN follows the data.
    pub(super) fn shut(&mut self) {
        if !std::mem::replace(&mut self.is_shut, true) {
            self.is_shut_last = self.is_fin_received;
        }
    }

    /// Ends the connection, with or without an error.
    pub(super) fn fail(&mut self, error: Option<i32>) {
        self.error = error.or(self.error);
        self.state = State::Closed;
        self.is_shut = true;
        self.has_ended = true;
        self.outgoing.clear();
        self.in_flight = 0;
    }

    /// The error after a reset by the peer.
    pub(super) fn error_of_reset(&self) -> i32 {
        match self.state {
            State::SynSent => ECONNREFUSED,
            _ if self.is_fin_received && !self.is_shut => EPIPE,
            _ => ECONNRESET,
        }
    }

    /// IP_TOS or IPV6_TCLASS. The two lowest bits belong to TCP. A Unix socket has no such option.
    pub(super) fn set_type_of_service(&mut self, value: u8) {
        if self.domain != Domain::Unix {
            self.type_of_service = value & !0b11;
        }
    }

    pub(super) fn set_keep_alive(&mut self, wanted: Option<KeepAlive>) -> io::Result<()> {
        match self.domain {
            Domain::Unix => Ok(()),
            Domain::Ipv4 | Domain::Ipv6 => self.probes.set(wanted),
        }
    }

    /// An address as the socket reports it: an IPv6 socket shows IPv4 addresses as mapped.
    pub(super) fn shown(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.domain == Domain::Ipv6 => {
                (ip.to_ipv6_mapped(), address.port()).into()
            }
            _ => address,
        }
    }

    /// `ENOTCONN` if getpeername(2) would find no peer. A Unix socket remembers a peer that is gone.
    pub(super) fn check_peer(&self) -> io::Result<()> {
        match (self.domain, self.peer) {
            (Domain::Unix, Some(_)) => Ok(()),
            _ => self.remote_shown().map(|_| ()),
        }
    }

    /// getpeername(2).
    pub(super) fn remote_shown(&self) -> io::Result<SocketAddr> {
        match (&self.state, self.remote) {
            (State::Connected | State::SynReceived, Some(remote)) => Ok(self.shown(remote)),
            _ => Err(failed(ENOTCONN)),
        }
    }
}
