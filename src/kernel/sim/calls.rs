//! The system calls of a program on a host. Each leaves the network settled: everything that takes no time
//! has happened when the call returns.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use libc::{
    EADDRNOTAVAIL, EAGAIN, ECONNRESET, EHOSTUNREACH, EINPROGRESS, EINVAL, ENETUNREACH, ENOTCONN,
    ETIMEDOUT,
};

use super::faults::{Fault, Place};
use super::keep_alive::Probes;
use super::network::{Happening, Network};
use super::path::Name;
use super::ports::reached;
use super::socket::{Backlog, Binding, Domain, Key, Segment, Socket, State, failed};
use super::trouble::UNANSWERED;
use crate::kernel::connector::Answer;
use crate::kernel::listener::BindOptions;

/// How long a connect to an address without a host takes to fail: three ARP requests, one a second.
const UNREACHABLE: Duration = Duration::from_secs(3);

/// The largest backlog: `net.core.somaxconn`.
const BACKLOG_MAX: u32 = 4096;

/// The send buffer of a Unix socket, which holds the bytes until the peer reads them: `net.core.wmem_default`.
const UNIX_BUFFER: usize = 212_992;

impl Network {
    /// A socket without a descriptor.
    pub(super) fn add_socket(&mut self, host: usize, domain: Domain) -> Key {
        let key = Key(self.number());
        let socket = Socket {
            host,
            state: State::Closed,
            domain,
            local: None,
            binding: Binding::None,
            remote: None,
            peer: None,
            peer_host: host,
            parent: None,
            descriptor: None,
            is_orphan: false,
            token: None,
            is_listed: false,
            error: None,
            is_shut: false,
            is_shut_last: false,
            has_ended: false,
            is_fin_received: false,
            is_fin_sent: false,
            is_fin_acked: false,
            received: 0,
            sent: 0,
            resets_on_close: false,
            type_of_service: 0,
            probes: Probes::default(),
            last_arrival: self.now,
            outgoing: VecDeque::new(),
            in_flight: 0,
            probes_window_since: None,
            send_buffer: match domain {
                Domain::Unix => self.settings.send_buffer.min(UNIX_BUFFER),
                Domain::Ipv4 | Domain::Ipv6 => self.settings.send_buffer,
            },
            wants_room: false,
            incoming: VecDeque::new(),
            mark: None,
            arriving: 0,
            receive_buffer: self.settings.receive_buffer,
            wire: VecDeque::new(),
            wire_until: Duration::ZERO,
            timer: None,
        };
        self.sockets.insert(key, socket);
        key
    }

    /// socket(2).
    pub(super) fn open(&mut self, host: usize, domain: Domain) -> io::Result<Key> {
        self.inject(host, Fault::Socket, Place::Near)?;
        self.hosts[host].check_descriptor_limit()?;
        let key = self.add_socket(host, domain);
        let descriptor = self.hosts[host].open();
        self.with(key, |socket| socket.descriptor = Some(descriptor));
        Ok(key)
    }

    pub(super) fn with(&mut self, key: Key, change: impl FnOnce(&mut Socket)) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            change(socket);
        }
    }

    /// listen(2) on a bound socket.
    pub(super) fn listen(
        &mut self,
        key: Key,
        options: &BindOptions,
        name: Option<Name>,
    ) -> io::Result<()> {
        self.inject_on(key, Fault::Listen)?;
        let backlog = Backlog {
            waiting: VecDeque::new(),
            limit: options.backlog.min(BACKLOG_MAX) as usize,
            refuses: false,
            reuses_port: options.reuse_port,
            only_v6: options.ipv6_only,
            name,
        };
        self.with(key, |socket| socket.state = State::Listening(backlog));
        Ok(())
    }

    pub(super) fn backlog(&mut self, listener: Key) -> Option<&mut Backlog> {
        match &mut self.sockets.get_mut(&listener)?.state {
            State::Listening(backlog) => Some(backlog),
            _ => None,
        }
    }

    /// Refuses new connections. For a Unix listener, this is shutdown(2).
    pub(super) fn refuse_new(&mut self, listener: Key) {
        if let Some(backlog) = self.backlog(listener) {
            backlog.refuses = true;
        }
        if self.is_unix(listener) {
            self.with(listener, |socket| socket.has_ended = true);
            self.wake(listener);
        }
    }

    /// connect(2) of a nonblocking socket.
    pub(super) fn connect(&mut self, key: Key, to: SocketAddr) -> io::Result<Answer> {
        self.inject_on(key, Fault::Connect)?;
        let Some(socket) = self.sockets.get(&key) else {
            return Err(failed(EINVAL));
        };
        let (host, bound) = (socket.host, socket.local);
        let (to, ip) = reached(to, bound.map(|local| local.ip()))?;
        let ours = match to.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_loopback() => ip.into(),
            IpAddr::V4(_) => self.hosts[host].address.into(),
            IpAddr::V6(ip) if ip.segments()[0] == 0xfd00 => self.hosts[host].ipv6_address().into(),
            IpAddr::V6(_) => return Err(failed(ENETUNREACH)),
        };
        let ip = ip.unwrap_or(ours);
        let (port, binding) = match bound {
            Some(local) => (local.port(), Binding::Bound),
            None => (self.port_to_connect(host, ip, to)?, Binding::Given),
        };
        let local = SocketAddr::new(ip, port);
        if self.is_connection(host, local, to) {
            return Err(failed(EADDRNOTAVAIL));
        }
        let target = self.host_at(to.ip(), host);
        let is_martian = ip.is_loopback() && target != Some(host);
        if is_martian && ip.is_ipv4() {
            return Err(failed(EINVAL));
        }
        self.with(key, |socket| {
            socket.state = State::SynSent;
            (socket.local, socket.binding) = (Some(local), binding);
            socket.remote = Some(to);
            socket.peer_host = target.unwrap_or(host);
        });
        if target.is_none() {
            self.arm(key, UNREACHABLE, Happening::Failure(key, EHOSTUNREACH));
        } else if is_martian {
            self.arm(key, UNANSWERED, Happening::Failure(key, ETIMEDOUT));
        } else if let Some((errno, after)) = self.inject_handshake(key) {
            self.arm(key, after, Happening::Failure(key, errno));
        } else {
            self.send(key, Segment::Syn);
            self.await_answer(key, 0);
        }
        self.settle();
        Ok(Err(EINPROGRESS))
    }

    /// accept4(2).
    pub(super) fn accept(&mut self, listener: Key) -> io::Result<(Key, Option<SocketAddr>)> {
        let host = self.sockets.get(&listener).map(|socket| socket.host);
        let host = host.ok_or_else(|| failed(EINVAL))?;
        // The kernel reserves a descriptor before it looks at the queue.
        self.hosts[host].check_descriptor_limit()?;
        self.inject_on(listener, Fault::Accept)?;
        let child = self.next_waiting(listener)?;
        if let Err(error) = self.inject_on(listener, Fault::Abort) {
            self.drop_waiting(child);
            self.settle();
            return Err(error);
        }
        let descriptor = self.hosts[host].open();
        let mut remote = None;
        self.with(child, |socket| {
            socket.parent = None;
            socket.descriptor = Some(descriptor);
            remote = socket.remote.map(|address| socket.shown(address));
        });
        Ok((child, remote))
    }

    fn next_waiting(&mut self, listener: Key) -> io::Result<Key> {
        let backlog = self.backlog(listener).ok_or_else(|| failed(EINVAL))?;
        let child = backlog.waiting.pop_front();
        child.ok_or_else(|| failed(EAGAIN))
    }

    /// Resets a connection that waits in a backlog.
    fn drop_waiting(&mut self, child: Key) {
        self.with(child, |socket| socket.resets_on_close = true);
        self.abandon(child);
    }

    pub(super) fn receive(&mut self, key: Key, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Ok(0);
        };
        let was_full = !socket.has_ended && socket.window() == 0;
        let received = socket.receive(buffer)?;
        socket.received += received as u64;
        let (host, from, peer) = (socket.host, socket.peer_host, socket.peer);
        if socket.domain == Domain::Unix {
            self.peer_has_read(peer, received);
        } else if let Some(peer) = peer
            && (self.sockets.get(&peer)).is_some_and(|peer| !peer.outgoing.is_empty())
        {
            let after = self.latency(host, from);
            self.schedule(after, Happening::Window(peer));
            self.settle();
        } else if was_full && peer.is_some_and(|peer| self.is_gone(peer)) {
            // The peer knows nothing of the connection whose window has opened.
            self.answer_with_reset(key);
        }
        Ok(received)
    }

    pub(super) fn transmit(&mut self, key: Key, bytes: &[u8]) -> io::Result<usize> {
        if self.is_unix(key) {
            return self.transmit_unix(key, bytes);
        }
        let socket = self.sockets.get_mut(&key);
        let sent = socket.map_or(Ok(0), |socket| socket.send(bytes))?;
        self.with(key, |socket| socket.sent += sent as u64);
        self.pump(key);
        self.settle();
        Ok(sent)
    }

    /// shutdown(2) with SHUT_WR.
    pub(super) fn shut_down(&mut self, key: Key) -> io::Result<()> {
        if self.is_unix(key) {
            self.shut_down_unix(key);
            return Ok(());
        }
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Ok(());
        };
        let answer = match socket.state {
            State::Closed | State::Listening(_) => Err(failed(ENOTCONN)),
            State::SynSent => {
                socket.state = State::Closed;
                socket.error = Some(ECONNRESET);
                self.disarm(key);
                Ok(())
            }
            State::SynReceived | State::Connected => {
                socket.shut();
                Ok(())
            }
        };
        self.pump(key);
        self.wake(key);
        self.settle();
        answer
    }

    /// close(2): with a reset if bytes are unread.
    pub(super) fn close(&mut self, key: Key) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        let (host, descriptor) = (socket.host, socket.descriptor.take());
        socket.token = None;
        let waiting = match &mut socket.state {
            State::Listening(backlog) => std::mem::take(&mut backlog.waiting),
            _ => VecDeque::new(),
        };
        self.hosts[host].ready.retain(|listed| *listed != key);
        if let Some(descriptor) = descriptor {
            self.hosts[host].close(descriptor);
        }
        self.abandon(key);
        for child in waiting {
            self.drop_waiting(child);
        }
        self.settle();
    }

    /// Orphans a socket: the program has closed it, and the kernel finishes the connection.
    pub(super) fn abandon(&mut self, key: Key) {
        if self.is_unix(key) {
            return self.abandon_unix(key);
        }
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.is_orphan = true;
        let is_unread = !socket.incoming.is_empty();
        // In CLOSING and LAST-ACK, which await nothing but the acknowledgment of the FIN, there is nothing to reset.
        let is_over = socket.is_shut && socket.has_ended && socket.is_fin_sent;
        let is_connected = matches!(socket.state, State::Connected | State::SynReceived);
        if is_connected && (is_unread || socket.resets_on_close) {
            self.terminate(key, None);
            if is_unread || !is_over {
                self.send(key, Segment::Reset);
            }
        } else if is_connected {
            socket.shut();
            self.pump(key);
            self.orphan_waits(key);
        } else {
            socket.state = State::Closed;
            self.disarm(key);
        }
        self.reap(key);
    }
}
