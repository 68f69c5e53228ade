//! The world that the kernels share: hosts, their sockets, what is on its way between them, and time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use libc::EDEADLK;

use super::dice::Dice;
use super::host::Host;
use super::socket::{Key, Socket, failed};
use crate::kernel::resolver::Answer;

/// What is going to happen, at a time of its own.
#[derive(Debug)]
pub(super) enum Happening {
    /// The oldest segment that a socket has sent arrives.
    Arrival(Key),
    /// A reset arrives that no socket has sent: the port has no listener, or the connection is gone.
    Refusal { from: usize, to: Key },
    /// The peer of this socket has made room.
    Window(Key),
    /// There was no answer to so many SYN.
    SynAgain(Key, u32),
    /// A connection fails with an error.
    Failure(Key, i32),
    /// The probes of a connection had no answer.
    Silence(Key),
    /// A send that found no memory may find some.
    Room(Key),
    /// A shortage of a host has ended.
    Plenty(usize),
    /// A host that sleeps, or whose program is stopped, may go on.
    Wake(usize),
    /// A name was looked up.
    Answer(usize, u64, Answer),
}

/// How the network treats its traffic.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) latency: Range<Duration>,
    /// Pairs of hosts that have a latency of their own, the lower number first.
    pub(super) links: BTreeMap<(usize, usize), Range<Duration>>,
    pub(super) send_buffer: usize,
    pub(super) receive_buffer: usize,
    /// Whether readiness comes late, or without need, and what is sent arrives in pieces.
    pub(super) is_whimsical: bool,
    /// The ports that a host gives out by itself: `net.ipv4.ip_local_port_range`.
    pub(super) ports: RangeInclusive<u16>,
    /// How much later than it could a wait ends, in a world of one host.
    lateness: Range<Duration>,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(super) now: Duration,
    pub(super) dice: Dice,
    pub(super) settings: Settings,
    pub(super) hosts: Vec<Host>,
    /// Whether nothing but its one loop lets time pass.
    is_alone: bool,
    pub(super) sockets: BTreeMap<Key, Socket>,
    happenings: BTreeMap<(Duration, u64), Happening>,
    numbers: u64,
    /// Pairs of hosts: from the first to the second nothing passes.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// What waits until it can pass from a host to another.
    pub(super) held: Vec<(usize, usize, Happening)>,
}

/// Two hosts, in whichever order they are named.
pub(super) fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

impl Network {
    pub(crate) fn new(seed: u64, is_whimsical: bool) -> Network {
        let millis = Duration::from_millis;
        Network {
            now: Duration::ZERO,
            dice: Dice::new(seed),
            settings: Settings {
                latency: millis(1)..millis(5),
                links: BTreeMap::new(),
                send_buffer: 256 * 1024,
                receive_buffer: 128 * 1024,
                is_whimsical,
                ports: 32_768..=60_999,
                lateness: Duration::ZERO..Duration::ZERO,
            },
            hosts: Vec::new(),
            is_alone: false,
            sockets: BTreeMap::new(),
            happenings: BTreeMap::new(),
            numbers: 0,
            cut: BTreeSet::new(),
            held: Vec::new(),
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A network of one host, without whims.
    pub(super) fn alone(seed: u64) -> Network {
        Network {
            is_alone: true,
            ..Network::new(seed, false)
        }
    }

    /// Leaves to chance what differs from one run on a machine to the next: how late a wait ends, how large the
    /// buffers are, and which ports are free.
    pub(super) fn vary(&mut self) {
        self.settings.lateness = Duration::from_micros(5)..Duration::from_micros(300);
        let mut buffer = || (64 + self.dice.below(448)) * 1024;
        (self.settings.send_buffer, self.settings.receive_buffer) = (buffer(), buffer());
        let first = 32_768 + self.dice.below(1 << 14) as u16;
        self.settings.ports = first..=60_999;
    }

    // Time.

    /// When the next thing happens.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        self.happenings.keys().next().map(|(time, _)| *time)
    }

    /// Moves the time, and lets all happen that is due by then.
    pub(crate) fn move_to(&mut self, time: Duration) {
        while let Some(next) = self.next_time().filter(|next| *next <= time) {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = self.now.max(time);
    }

    /// A loop waits so long, or until something is ready. In a world of several hosts it does not: time is
    /// not its own.
    pub(super) fn pass(&mut self, host: usize, wait: Option<Duration>) -> io::Result<()> {
        let end = wait.map(|wait| self.now.saturating_add(wait));
        while self.is_alone && !self.is_ready(host) && end.is_none_or(|end| self.now < end) {
            let next = self.next_time().into_iter().chain(end).min();
            // Nothing will ever end this wait.
            let next = next.ok_or_else(|| failed(EDEADLK))?;
            self.move_to(next);
        }
        if self.is_alone && !self.settings.lateness.is_empty() {
            let late = self.dice.within(&self.settings.lateness);
            self.move_to(self.now.saturating_add(late));
        }
        Ok(())
    }

    /// Lets all happen that is due.
    pub(super) fn settle(&mut self) {
        while let Some(first) = self.happenings.first_entry() {
            if first.key().0 > self.now {
                return;
            }
            let happening = first.remove();
            self.happen(happening);
        }
    }

    /// Lets something happen so much later. What is too late for the clock never happens.
    pub(super) fn schedule(&mut self, after: Duration, what: Happening) -> (Duration, u64) {
        let at = (self.now.saturating_add(after), self.number());
        if at.0 < Duration::MAX {
            self.happenings.insert(at, what);
        }
        at
    }

    /// Sets the one timer of a socket.
    pub(super) fn arm(&mut self, key: Key, after: Duration, what: Happening) {
        self.disarm(key);
        let at = self.schedule(after, what);
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.timer = Some(at);
        }
    }

    pub(super) fn disarm(&mut self, key: Key) {
        let timer = self.sockets.get_mut(&key).and_then(|it| it.timer.take());
        if let Some(at) = timer {
            self.happenings.remove(&at);
        }
    }

    /// How long something takes from one host to the other. On one host nothing takes time.
    pub(super) fn latency(&mut self, from: usize, to: usize) -> Duration {
        if from == to {
            return Duration::ZERO;
        }
        let link = self.settings.links.get(&pair(from, to));
        self.dice.within(link.unwrap_or(&self.settings.latency))
    }

    fn happen(&mut self, happening: Happening) {
        if let Some((from, to)) = self.route(&happening)
            && !self.lets_pass(from, to)
        {
            return self.hold(from, to, happening);
        }
        match happening {
            Happening::Arrival(key) => self.arrive(key),
            Happening::Refusal { to, .. } => self.refused(to),
            Happening::Window(key) => self.pump(key),
            Happening::SynAgain(key, tries) => self.syn_again(key, tries),
            Happening::Failure(key, errno) => self.fail(key, errno),
            Happening::Silence(key) => self.falls_silent(key),
            Happening::Room(key) => self.has_room(key),
            Happening::Plenty(host) => self.has_plenty(host),
            Happening::Wake(host) => self.wake_up(host),
            Happening::Answer(host, ticket, answer) => self.hosts[host].answered(ticket, answer),
        }
    }

    /// What the timer of a socket is for.
    pub(super) fn timer(&self, key: Key) -> Option<(Duration, &Happening)> {
        let timer = self.sockets.get(&key)?.timer?;
        Some((timer.0, self.happenings.get(&timer)?))
    }

    // Hosts.

    /// Adds a host. Its address is the next one of 10.0.0.0/8.
    pub(crate) fn add_host(&mut self, name: &str) -> usize {
        let number = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX);
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + number);
        self.hosts.push(Host::new(name, address));
        self.hosts.len() - 1
    }

    pub(crate) fn address(&self, host: usize) -> Ipv4Addr {
        self.hosts[host].address
    }

    pub(crate) fn ipv6_address(&self, host: usize) -> Ipv6Addr {
        self.hosts[host].ipv6_address()
    }

    /// The host that an address leads to, from another one.
    pub(super) fn host_at(&self, address: IpAddr, from: usize) -> Option<usize> {
        if address.is_loopback() {
            return Some(from);
        }
        self.hosts.iter().position(|host| host.has(address))
    }

    pub(crate) fn set_latency(&mut self, latency: Range<Duration>) {
        self.settings.latency = latency;
    }

    pub(crate) fn set_link_latency(&mut self, one: usize, other: usize, latency: Range<Duration>) {
        self.settings.links.insert(pair(one, other), latency);
    }

    /// Whether a host has this name, however it is written.
    pub(crate) fn name(&self, host: usize) -> &str {
        &self.hosts[host].name
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        let mut names = self.hosts.iter().map(|host| &host.name);
        names.any(|other| other.eq_ignore_ascii_case(name))
    }

    pub(crate) fn set_buffers(&mut self, send: usize, receive: usize) {
        self.settings.send_buffer = send.max(1);
        self.settings.receive_buffer = receive.max(1);
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// The program of a host that has asked is gone.
    pub(super) fn forget_questions(&mut self, host: usize) {
        self.happenings
            .retain(|_, happening| !matches!(happening, Happening::Answer(of, ..) if *of == host));
        self.hosts[host].answers.clear();
    }

    /// Takes a question back. Returns how many were: none if it was answered already.
    pub(super) fn withdraw(&mut self, host: usize, ticket: u64) -> usize {
        let before = self.happenings.len();
        self.happenings.retain(|_, happening| {
            !matches!(happening, Happening::Answer(of, asked, _) if (*of, *asked) == (host, ticket))
        });
        before - self.happenings.len()
    }
}
