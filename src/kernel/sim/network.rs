//! What the kernels share: hosts, their sockets, the segments in flight, and time.

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

/// A scheduled event of the simulation.
#[derive(Debug)]
pub(super) enum Happening {
    /// The oldest segment that a socket has sent arrives.
    Arrival(Key),
    /// A reset arrives from a host: its port has no listener, or the connection is gone.
    Refusal { from: usize, to: Key },
    /// A window update from the peer of this socket arrives.
    Window(Key),
    /// The retransmission of a SYN or a SYN-ACK, by its number, is due.
    SynAgain(Key, u32),
    /// A connection fails with an error.
    Failure(Key, i32),
    /// The keep-alive probes of a connection give up.
    ProbeTimeout(Key),
    /// The time-out of an orphan in FIN-WAIT-2, or of one that probes a window.
    Expiry(Key),
    /// There may be memory for a send that found none.
    Room(Key),
    /// A shortage of a host may be over.
    ShortageEnd(usize),
    /// The sleep of a machine, or the stop of its program, may be over.
    Wake(usize),
    /// A lookup is answered.
    Answer(usize, u64, Answer),
}

/// The settings of a network.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) latency: Range<Duration>,
    /// The latencies of single links: pairs of hosts, the lower number first.
    pub(super) links: BTreeMap<(usize, usize), Range<Duration>>,
    pub(super) send_buffer: usize,
    pub(super) receive_buffer: usize,
    /// Whether readiness may be late or redundant, and data arrives in random pieces.
    pub(super) is_perturbed: bool,
    /// The ephemeral ports of a host: `net.ipv4.ip_local_port_range`.
    pub(super) ports: RangeInclusive<u16>,
    /// How late the waits of a loop end, if its host has no network.
    lateness: Range<Duration>,
}

#[derive(Debug)]
pub(crate) struct Network {
    pub(super) now: Duration,
    pub(super) dice: Dice,
    pub(super) settings: Settings,
    pub(super) hosts: Vec<Host>,
    /// Whether there is one host, and time passes while its loop waits.
    is_alone: bool,
    pub(super) sockets: BTreeMap<Key, Socket>,
    happenings: BTreeMap<(Duration, u64), Happening>,
    /// The timers of sockets on sleeping machines, each with its remaining time.
    frozen: BTreeMap<Key, (Duration, Happening)>,
    numbers: u64,
    /// The partitions: nothing passes from the first host to the second.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// What a partition, or a machine that does not run, keeps from passing from one host to another.
    pub(super) held: Vec<(usize, usize, Happening)>,
}

/// Two hosts, the lower number first.
pub(super) fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

impl Network {
    pub(crate) fn new(seed: u64, is_perturbed: bool) -> Network {
        let millis = Duration::from_millis;
        Network {
            now: Duration::ZERO,
            dice: Dice::new(seed),
            settings: Settings {
                latency: millis(1)..millis(5),
                links: BTreeMap::new(),
                send_buffer: 256 * 1024,
                receive_buffer: 128 * 1024,
                is_perturbed,
                ports: 32_768..=60_999,
                lateness: Duration::ZERO..Duration::ZERO,
            },
            hosts: Vec::new(),
            is_alone: false,
            sockets: BTreeMap::new(),
            happenings: BTreeMap::new(),
            frozen: BTreeMap::new(),
            numbers: 0,
            cut: BTreeSet::new(),
            held: Vec::new(),
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A network for one host, without perturbation.
    pub(super) fn alone(seed: u64) -> Network {
        Network {
            is_alone: true,
            ..Network::new(seed, false)
        }
    }

    /// Varies with the seed what varies between two runs on a real machine: how late a wait ends, how large the
    /// buffers are, and which port comes first.
    pub(super) fn vary(&mut self) {
        self.settings.lateness = Duration::from_micros(5)..Duration::from_micros(300);
        let mut buffer = || (64 + self.dice.below(448)) * 1024;
        (self.settings.send_buffer, self.settings.receive_buffer) = (buffer(), buffer());
        let first = 32_768 + self.dice.below(1 << 14) as u16;
        self.settings.ports = first..=60_999;
    }

    // Time.

    /// The time of the next event.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        self.happenings.keys().next().map(|(time, _)| *time)
    }

    /// Advances the time, and runs the events on the way.
    pub(crate) fn move_to(&mut self, time: Duration) {
        while let Some(next) = self.next_time().filter(|next| *next <= time) {
            self.now = self.now.max(next);
            self.settle();
        }
        self.now = self.now.max(time);
    }

    /// Lets time pass while a loop waits: until something is ready, or for `wait`. In a world no time passes
    /// here: the world advances it for all its loops.
    pub(super) fn pass(&mut self, host: usize, wait: Option<Duration>) -> io::Result<()> {
        let end = wait.map(|wait| self.now.saturating_add(wait));
        while self.is_alone && !self.is_ready(host) && end.is_none_or(|end| self.now < end) {
            let next = self.next_time().into_iter().chain(end).min();
            // Nothing can end this wait.
            let next = next.ok_or_else(|| failed(EDEADLK))?;
            self.move_to(next);
        }
        if self.is_alone && !self.settings.lateness.is_empty() {
            let late = self.dice.within(&self.settings.lateness);
            self.move_to(self.now.saturating_add(late));
        }
        Ok(())
    }

    /// Runs the events that are due.
    pub(super) fn settle(&mut self) {
        while let Some(first) = self.happenings.first_entry() {
            if first.key().0 > self.now {
                return;
            }
            let happening = first.remove();
            self.happen(happening);
        }
    }

    /// Schedules an event. One beyond the range of the clock never happens.
    pub(super) fn schedule(&mut self, after: Duration, what: Happening) -> (Duration, u64) {
        let at = (self.now.saturating_add(after), self.number());
        if at.0 < Duration::MAX {
            self.happenings.insert(at, what);
        }
        at
    }

    /// Sets the timer of a socket. It has only one, which stands still while the machine sleeps.
    pub(super) fn arm(&mut self, key: Key, after: Duration, what: Happening) {
        self.disarm(key);
        let host = self.sockets.get(&key).map(|socket| socket.host);
        if host.is_some_and(|host| !self.is_on(host)) {
            self.frozen.insert(key, (after, what));
            return;
        }
        let at = self.schedule(after, what);
        self.with(key, |socket| socket.timer = Some(at));
    }

    pub(super) fn disarm(&mut self, key: Key) {
        _ = self.take_timer(key);
    }

    /// Stops the timer of a socket. Returns its remaining time and its event.
    pub(super) fn take_timer(&mut self, key: Key) -> Option<(Duration, Happening)> {
        if let Some(frozen) = self.frozen.remove(&key) {
            return Some(frozen);
        }
        let at = self.sockets.get_mut(&key)?.timer.take()?;
        let what = self.happenings.remove(&at)?;
        Some((at.0.saturating_sub(self.now), what))
    }

    /// How long a segment takes from one host to another: no time if they are the same.
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
            Happening::Refusal { to, .. } => self.reset_arrives(to),
            Happening::Window(key) => self.pump(key),
            Happening::SynAgain(key, tries) => self.syn_again(key, tries),
            Happening::Failure(key, errno) => self.give_up(key, errno),
            Happening::ProbeTimeout(key) => self.probes_fail(key),
            Happening::Expiry(key) => self.expire(key),
            Happening::Room(key) => self.has_room(key),
            Happening::ShortageEnd(host) => self.shortage_ends(host),
            Happening::Wake(host) => self.wake_up(host),
            Happening::Answer(host, ticket, answer) => self.hosts[host].answered(ticket, answer),
        }
    }

    /// The time and the event of a socket's timer.
    pub(super) fn timer(&self, key: Key) -> Option<(Duration, &Happening)> {
        let timer = self.sockets.get(&key)?.timer?;
        Some((timer.0, self.happenings.get(&timer)?))
    }

    // Hosts.

    /// Adds a host, with the next address of 10.0.0.0/8.
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

    /// The host that an address leads to from a host.
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

    pub(crate) fn name(&self, host: usize) -> &str {
        &self.hosts[host].name
    }

    /// Whether a host has this name, in upper or lower case.
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

    /// Drops the questions of a program that is gone.
    pub(super) fn forget_questions(&mut self, host: usize) {
        self.happenings
            .retain(|_, happening| !matches!(happening, Happening::Answer(of, ..) if *of == host));
        self.hosts[host].answers.clear();
    }

    /// Withdraws a question. Returns how many were withdrawn: none if it was answered already.
    pub(super) fn withdraw(&mut self, host: usize, ticket: u64) -> usize {
        let before = self.happenings.len();
        self.happenings.retain(|_, happening| {
            !matches!(happening, Happening::Answer(of, asked, _) if (*of, *asked) == (host, ticket))
        });
        before - self.happenings.len()
    }
}
