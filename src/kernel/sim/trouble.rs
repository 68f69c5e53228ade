//! The injection of faults and shortages: which call fails, with which error, and what is delayed.

use std::io;
use std::ops::Range;
use std::time::Duration;

use libc::{EAGAIN, ECONNRESET, EINTR, EMFILE, EPOLLOUT, ETIMEDOUT};

use super::faults::{Fault, Faults, Place, Resource};
use super::names::TAKES;
use super::network::{Happening, Network};
use super::socket::{Domain, Key, Segment, Socket, State, failed};
use crate::kernel::host_name::Unresolved;
use crate::kernel::resolver::Answer;

/// How long a send finds no memory after an injected failure.
const WITHOUT_MEMORY: Range<Duration> = Duration::from_millis(1)..Duration::from_millis(20);
/// The first retransmission time-out; each further one is twice as long. After an outage, a retransmission
/// arrives within this time.
pub(super) const REPETITION: Duration = Duration::from_millis(200);
/// How long an unanswered connect takes to fail: tcp_syn_retries in ip-sysctl.
pub(super) const UNANSWERED: Duration = Duration::from_secs(131);
/// When a SYN is retransmitted, in seconds. A lost SYN-ACK is sent again when the SYN is.
const SYN_DELAYS: [u64; 7] = [1, 2, 3, 4, 5, 7, 11];
/// How long a slow lookup takes.
const LATE_ANSWER: Range<Duration> = Duration::from_millis(5)..Duration::from_secs(30);

/// The error of getaddrinfo(3), with libuv's number.
const EAI_MEMORY: Unresolved = Unresolved::Code("EAI_MEMORY", -3006);

impl Socket {
    fn place(&self) -> Place {
        match self.domain {
            Domain::Unix => Place::Path,
            _ if self.host == self.peer_host => Place::Near,
            _ => Place::Far,
        }
    }
}

impl Network {
    pub(crate) fn set_faults(&mut self, host: usize, faults: Faults) {
        self.hosts[host].faults = faults;
    }

    pub(crate) fn set_descriptor_limit(&mut self, host: usize, limit: usize) {
        self.hosts[host].descriptor_limit = limit;
    }

    pub(crate) fn descriptors(&self, host: usize) -> usize {
        self.hosts[host].descriptors()
    }

    /// Begins a shortage of a host.
    pub(crate) fn exhaust(&mut self, host: usize, what: Resource, span: Duration) {
        let end = self.now.saturating_add(span);
        let until = self.hosts[host].shortages.entry(what).or_default();
        // A shortage that ends later goes on.
        *until = end.max(*until);
        self.schedule(span, Happening::ShortageEnd(host));
    }

    fn is_short_of(&self, host: usize, what: Resource) -> bool {
        let end = self.hosts[host].shortages.get(&what);
        end.is_some_and(|end| self.now < *end)
    }

    /// Reports room to the sends of a host that found none.
    pub(super) fn shortage_ends(&mut self, host: usize) {
        let sockets = self.sockets.iter();
        let here = sockets.filter(|(_, socket)| socket.host == host && socket.wants_room);
        for key in here.map(|(key, _)| *key).collect::<Vec<Key>>() {
            self.has_room(key);
        }
    }

    /// Reports room on a socket whose send found none, if there is some.
    pub(super) fn has_room(&mut self, key: Key) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && socket.wants_room
            && socket.flags() & EPOLLOUT != 0
        {
            socket.wants_room = false;
            self.wake(key);
        }
    }

    // Chance.

    /// Whether a fault happens this time.
    pub(super) fn is_injected(&mut self, host: usize, fault: Fault) -> bool {
        let probability = self.hosts[host].faults.of(fault);
        probability > 0.0 && self.dice.happens(probability)
    }

    /// The error of a fault, if it happens this time.
    fn injected(&mut self, host: usize, fault: Fault, place: Place) -> Option<i32> {
        let errnos = fault.errnos(place);
        let is_injected = !errnos.is_empty() && self.is_injected(host, fault);
        is_injected.then(|| errnos[self.dice.below(errnos.len())])
    }

    /// Fails if the call needs a resource that is short, or if the fault happens.
    pub(super) fn inject(&mut self, host: usize, fault: Fault, place: Place) -> io::Result<()> {
        let now = self.now;
        let shortages = self.hosts[host].shortages.iter();
        let current = shortages.filter(|(_, end)| now < **end);
        let missing = current
            .filter_map(|(what, _)| what.errno(fault, place))
            .next();
        let errno = missing.or_else(|| self.injected(host, fault, place));
        errno.map_or(Ok(()), |errno| Err(failed(errno)))
    }

    /// [`inject`](Network::inject) for a call on a socket.
    pub(super) fn inject_on(&mut self, key: Key, fault: Fault) -> io::Result<()> {
        match self.sockets.get(&key).map(|it| (it.host, it.place())) {
            Some((host, place)) => self.inject(host, fault, place),
            None => Ok(()),
        }
    }

    /// Fails with `errno` in a shortage of ports.
    pub(super) fn check_port_shortage(&self, host: usize, errno: i32) -> io::Result<()> {
        match self.is_short_of(host, Resource::Ports) {
            true => Err(failed(errno)),
            false => Ok(()),
        }
    }

    /// Interrupts an idle wait if the fault happens, but never two in a row.
    pub(super) fn interrupt(&mut self, host: usize, is_idle: bool) -> io::Result<()> {
        let may_be = is_idle && !self.hosts[host].was_interrupted;
        let is_interrupted = may_be && self.is_injected(host, Fault::Wait);
        self.hosts[host].was_interrupted = is_interrupted;
        match is_interrupted {
            true => Err(failed(EINTR)),
            false => Ok(()),
        }
    }

    // Bytes.

    /// How many of `count` bytes a call takes: fewer if the fault happens.
    fn part_of(&mut self, host: usize, fault: Fault, count: usize) -> usize {
        match count > 1 && self.is_injected(host, fault) {
            true => 1 + self.dice.below(count - 1),
            false => count,
        }
    }

    /// How many of `count` bytes a read takes. Where no segment takes time, all have arrived before the first
    /// read, so it is the reads that find the stream in pieces.
    fn part_to_receive(&mut self, key: Key, host: usize, count: usize) -> usize {
        let takes_no_time = self.settings.latency.end.is_zero() && self.settings.links.is_empty();
        let is_part = self.settings.is_perturbed && takes_no_time && !self.is_unix(key);
        match is_part && count > 1 && self.dice.one_in(4) {
            true => 1 + self.dice.below(count - 1),
            false => self.part_of(host, Fault::Receive, count),
        }
    }

    /// recv(2), which may be interrupted or short. A short read is followed by another event.
    pub(super) fn try_to_receive(&mut self, key: Key, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(socket) = self.sockets.get(&key) else {
            return self.receive(key, buffer);
        };
        let (host, there) = (socket.host, socket.incoming.len());
        self.inject_on(key, Fault::Receive)?;
        let most = self.part_to_receive(key, host, buffer.len().min(there));
        if most == 0 || most == buffer.len() || most == there {
            return self.receive(key, buffer);
        }
        let received = self.receive(key, &mut buffer[..most])?;
        if !self.is_unix(key) {
            self.wake(key);
        }
        Ok(received)
    }

    /// send(2), which may be interrupted, find no memory, or be short.
    pub(super) fn try_to_transmit(&mut self, key: Key, bytes: &[u8]) -> io::Result<usize> {
        let host = match self.sockets.get(&key) {
            Some(it) if it.can_send() => it.host,
            _ => return self.transmit(key, bytes),
        };
        if let Err(error) = self.inject_on(key, Fault::Send) {
            if error.raw_os_error() == Some(EAGAIN) {
                self.schedule_room(host, key);
            }
            return Err(error);
        }
        let count = self.part_of(host, Fault::Send, bytes.len());
        // On one host, the bytes are acknowledged before `transmit` returns.
        self.with(key, |socket| socket.wants_room |= count < bytes.len());
        let sent = self.transmit(key, &bytes[..count]);
        if count < bytes.len() {
            self.schedule_room(host, key);
        }
        sent
    }

    /// Schedules the event that reports room for a send: soon, or at the end of a shortage of memory.
    fn schedule_room(&mut self, host: usize, key: Key) {
        self.with(key, |socket| socket.wants_room = true);
        if !self.is_short_of(host, Resource::Memory) {
            let after = self.dice.within(&WITHOUT_MEMORY);
            self.schedule(after, Happening::Room(key));
        }
    }

    // Connections.

    /// The error of a connect in progress, and after how long, if the fault happens.
    pub(super) fn inject_handshake(&mut self, key: Key) -> Option<(i32, Duration)> {
        let socket = self.sockets.get(&key)?;
        let (host, to) = (socket.host, socket.peer_host);
        let errno = self.injected(host, Fault::Handshake, socket.place())?;
        let after = match errno {
            ETIMEDOUT => UNANSWERED,
            _ => (self.latency(host, to)).saturating_add(self.latency(to, host)),
        };
        Some((errno, after))
    }

    /// Fails a connection at which a segment arrives, if the fault happens.
    pub(super) fn inject_failure(&mut self, key: Key) {
        let Some(socket) = self.sockets.get(&key) else {
            return;
        };
        let (host, place) = (socket.host, socket.place());
        if !matches!(socket.state, State::Connected) {
            return;
        }
        match self.injected(host, Fault::Connection, place) {
            None => {}
            Some(ECONNRESET) => self.reset_arrives(key),
            Some(errno) => self.fail(key, errno),
        }
    }

    /// The delay of a segment by retransmissions, if it is lost once or several times.
    pub(super) fn delay(&mut self, from: usize, to: usize, segment: &Segment) -> Duration {
        if from == to || !self.is_injected(from, Fault::Loss) {
            return Duration::ZERO;
        }
        let times = self.dice.below(7);
        match segment {
            Segment::Syn | Segment::SynAck => Duration::from_secs(SYN_DELAYS[times]),
            _ => REPETITION * ((2 << times) - 1),
        }
    }

    /// The answer to a lookup, and how long it takes.
    pub(super) fn inject_lookup(&mut self, host: usize, answer: Answer) -> (Answer, Duration) {
        let soon = self.dice.within(&TAKES);
        if self.is_short_of(host, Resource::Memory) {
            return (Err(EAI_MEMORY), soon);
        }
        if !self.is_injected(host, Fault::LookUp) {
            return (answer, soon);
        }
        let failure = match self.dice.below(8) {
            0 => Unresolved::Code("EAI_AGAIN", -3001),
            1 => Unresolved::Code("EAI_FAIL", -3004),
            2 => EAI_MEMORY,
            3 => Unresolved::NOT_FOUND,
            4 => Unresolved::System(failed(EMFILE)),
            _ => return (answer, self.dice.within(&LATE_ANSWER)),
        };
        (Err(failure), soon)
    }
}
