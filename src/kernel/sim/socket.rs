//! One socket: its state, and what it answers from that alone, as Linux does.

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

/// The name of a socket. None is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(super) u64);

/// What a socket speaks, and the form of its addresses.
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

/// How a socket has come by its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    None,
    /// By bind(2), with SO_REUSEADDR, which the library sets.
    Bound,
    /// From its listener, and the option with it.
    Inherited,
    /// By connect(2), which does not set the option.
    Given,
}

/// TCP's states, as far as they differ here: `is_shut` and `has_ended` tell the halves of a connection apart.
#[derive(Debug)]
pub(super) enum State {
    /// New, or over: it has failed, or both halves have ended.
    Closed,
    Listening(Backlog),
    SynSent,
    /// A connection of a backlog, whose handshake is not over.
    SynReceived,
    Connected,
}

#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) waiting: VecDeque<Key>,
    pub(super) limit: usize,
    /// No new connection begins.
    pub(super) refuses: bool,
    pub(super) reuses_port: bool,
    pub(super) only_v6: bool,
    /// Of a Unix listener.
    pub(super) name: Option<Name>,
}

#[derive(Debug)]
pub(super) enum Segment {
    Syn,
    SynAck,
    /// The handshake's last.
    Ack,
    Data(Vec<u8>),
    /// One byte of urgent data.
    Urgent,
    /// So many bytes have arrived.
    Taken(usize),
    Fin,
    FinTaken,
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
    /// The listener in whose backlog it is.
    pub(super) parent: Option<Key>,
    /// None before accept(2), and after close(2).
    pub(super) descriptor: Option<i32>,
    /// The program has closed it.
    pub(super) is_orphan: bool,
    pub(super) token: Option<Token>,
    /// It is on the list of the sockets that are ready.
    pub(super) is_listed: bool,
    pub(super) error: Option<i32>,
    /// Our half was shut down.
    pub(super) is_shut: bool,
    /// The peer's half is over.
    pub(super) has_ended: bool,
    /// The peer's FIN has arrived: from then on recv(2) returns the end, and never an error.
    pub(super) is_done: bool,
    pub(super) is_fin_sent: bool,
    pub(super) is_fin_taken: bool,
    /// How many bytes recv(2) has returned, and send(2) has taken.
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) resets_on_close: bool,
    pub(super) type_of_service: u8,
    pub(super) probes: Probes,
    /// When something was last received.
    pub(super) heard: Duration,
    /// Bytes that wait for room in the peer's buffer.
    pub(super) outgoing: VecDeque<u8>,
    /// How many bytes are sent and not confirmed.
    pub(super) in_flight: usize,
    pub(super) send_buffer: usize,
    /// A send has found no room: the program learns when there is some.
    pub(super) wants_room: bool,
    pub(super) incoming: VecDeque<u8>,
    /// The place of the urgent byte among these.
    pub(super) mark: Option<usize>,
    /// How many bytes are on their way to it.
    pub(super) arriving: usize,
    pub(super) receive_buffer: usize,
    /// What it has sent and has not arrived, the oldest first.
    pub(super) wire: VecDeque<Segment>,
    /// The happening that its patience waits for.
    pub(super) timer: Option<(Duration, u64)>,
}

pub(super) fn failed(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

impl Socket {
    /// The flags of epoll that hold now.
    pub(super) fn flags(&mut self) -> i32 {
        match self.domain {
            Domain::Unix => self.unix_flags(),
            Domain::Ipv4 | Domain::Ipv6 => self.tcp_flags(),
        }
    }

    /// tcp_poll.
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

    /// A third of the buffer is free.
    pub(super) fn is_writable(&self) -> bool {
        let used = self.used();
        self.send_buffer.saturating_sub(used) >= used / 2
    }

    /// Whether something that was sent, or waits to be, has not been confirmed.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.used() > 0 || self.is_fin_sent && !self.is_fin_taken
    }

    /// How many bytes the peer may still send.
    pub(super) fn window(&self) -> usize {
        match self.state {
            State::Connected if !self.is_orphan => {
                (self.receive_buffer).saturating_sub(self.incoming.len() + self.arriving)
            }
            // What is sent to a connection that is over is answered with a reset.
            _ => usize::MAX,
        }
    }

    /// What a recv(2) without bytes answers: the end, or why there are none.
    fn without_bytes(&mut self) -> io::Result<usize> {
        if self.is_done {
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
        self.skip_marked();
        if self.incoming.is_empty() {
            return self.without_bytes();
        }
        let most = self.mark.unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..most];
        // The bytes stand in two pieces at most.
        let first = self.incoming.read(buffer)?;
        let second = self.incoming.read(&mut buffer[first..])?;
        self.mark = self.mark.map(|mark| mark - first - second);
        Ok(first + second)
    }

    pub(super) fn has_more(&mut self) -> io::Result<bool> {
        let answer = match self.has_bytes() {
            true => Ok(1),
            false => self.without_bytes(),
        };
        match answer {
            Err(error) if error.raw_os_error() == Some(EAGAIN) => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// The port that it keeps from others. One that it was not bound to goes with the connection.
    pub(super) fn port(&self) -> Option<u16> {
        let is_closed = matches!(self.state, State::Closed);
        let has_it = match self.binding {
            Binding::None => false,
            Binding::Bound => !(is_closed && self.is_orphan),
            Binding::Inherited | Binding::Given => !is_closed,
        };
        self.local.filter(|_| has_it).map(|local| local.port())
    }

    /// Whether a send can do anything but fail.
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

    /// The connection is over, with an error or without.
    pub(super) fn fail(&mut self, error: Option<i32>) {
        self.error = error.or(self.error);
        self.state = State::Closed;
        self.is_shut = true;
        self.has_ended = true;
        self.outgoing.clear();
        self.in_flight = 0;
    }

    /// The error that a reset by the peer leads to.
    pub(super) fn error_of_reset(&self) -> i32 {
        match self.state {
            State::SynSent => ECONNREFUSED,
            _ if self.is_done && !self.is_shut => EPIPE,
            _ => ECONNRESET,
        }
    }

    /// IP_TOS or IPV6_TCLASS. The two lowest bits are TCP's own. A Unix socket has none.
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

    /// A socket of IPv6 shows addresses of IPv4 as mapped.
    pub(super) fn shown(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.domain == Domain::Ipv6 => {
                (ip.to_ipv6_mapped(), address.port()).into()
            }
            _ => address,
        }
    }

    /// Whether getpeername(2) finds a peer. A Unix socket remembers one that is gone.
    pub(super) fn has_peer(&self) -> io::Result<()> {
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
