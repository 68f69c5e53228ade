//! A host: its addresses, its descriptors, its power, and the readiness of its loop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::event::Event;
use super::faults::{Faults, Resource};
use super::socket::{Key, failed};
use crate::kernel::reactor::Id;
use crate::kernel::resolver::Answer;

/// Standard input, output and error, and the epoll instance come before it.
const FIRST_DESCRIPTOR: i32 = 4;

/// Whether the machine of a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    /// Suspended.
    Asleep {
        since: Duration,
        until: Duration,
    },
    Off {
        since: Duration,
    },
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    descriptors: BTreeSet<i32>,
    /// The files of Unix sockets, each with the socket that created it.
    pub(super) files: BTreeMap<PathBuf, Key>,
    /// How many descriptors the program may have open: RLIMIT_NOFILE.
    pub(super) descriptor_limit: usize,
    pub(super) faults: Faults,
    /// The resources that the host is short of, each with the end of the shortage.
    pub(super) shortages: BTreeMap<Resource, Duration>,
    /// Its last wait was interrupted.
    pub(super) was_interrupted: bool,
    /// Its program was stopped: its next wait is interrupted (signal(7)).
    pub(super) was_stopped: bool,
    /// When its program goes on after a stop.
    pub(super) stopped_until: Duration,
    /// The number of its program: one more after each kill or crash.
    pub(super) program: u64,
    pub(super) power: Power,
    /// How long its machine was asleep or off in all.
    pub(super) downtime: Duration,
    /// The ephemeral port that was allocated last.
    pub(super) last_port: u16,
    /// The ready list of its epoll instance.
    pub(super) ready: VecDeque<Key>,
    is_woken: bool,
    pub(super) answers: VecDeque<(u64, Answer)>,
    watched: BTreeSet<i32>,
    /// The signals that have arrived, each once, and whether an event has reported them.
    arrived: Vec<i32>,
    is_reported: bool,
}

impl Host {
    pub(super) fn new(name: &str, address: Ipv4Addr) -> Host {
        Host {
            name: name.to_ascii_lowercase(),
            address,
            descriptors: BTreeSet::new(),
            files: BTreeMap::new(),
            descriptor_limit: usize::MAX,
            faults: Faults::none(),
            shortages: BTreeMap::new(),
            was_interrupted: false,
            was_stopped: false,
            stopped_until: Duration::ZERO,
            program: 0,
            power: Power::On,
            downtime: Duration::ZERO,
            last_port: 0,
            ready: VecDeque::new(),
            is_woken: false,
            answers: VecDeque::new(),
            watched: BTreeSet::new(),
            arrived: Vec::new(),
            is_reported: true,
        }
    }

    /// Forgets the program, and everything that it had open or waited for.
    pub(super) fn reset_program(&mut self) {
        self.program += 1;
        self.descriptors.clear();
        self.ready.clear();
        self.answers.clear();
        self.is_woken = false;
        self.watched.clear();
        self.arrived.clear();
        self.is_reported = true;
        self.stopped_until = Duration::ZERO;
        (self.was_stopped, self.was_interrupted) = (false, false);
    }

    /// The address in fd00::/64 with the host's number in 10.0.0.0/8.
    pub(super) fn ipv6_address(&self) -> Ipv6Addr {
        let [_, rest @ ..] = self.address.octets();
        let [high, middle, low] = rest.map(u128::from);
        Ipv6Addr::from_bits(0xfd00 << 112 | high << 16 | middle << 8 | low)
    }

    pub(super) fn has(&self, address: IpAddr) -> bool {
        address == self.address || address == self.ipv6_address()
    }

    /// How many descriptors are open.
    pub(super) fn descriptors(&self) -> usize {
        self.descriptors.len() + FIRST_DESCRIPTOR as usize
    }

    /// `EMFILE` if the limit of descriptors is reached.
    pub(super) fn check_descriptor_limit(&self) -> io::Result<()> {
        match self.descriptors() < self.descriptor_limit {
            true => Ok(()),
            false => Err(failed(libc::EMFILE)),
        }
    }

    /// Opens the lowest free descriptor.
    pub(super) fn open(&mut self) -> i32 {
        let mut free = FIRST_DESCRIPTOR;
        while !self.descriptors.insert(free) {
            free += 1;
        }
        free
    }

    pub(super) fn close(&mut self, descriptor: i32) {
        self.descriptors.remove(&descriptor);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_woken || !self.is_reported || !self.ready.is_empty()
    }

    /// The events of the waker and of the signals.
    pub(super) fn own_events(&mut self) -> Vec<Event> {
        let woken = mem::take(&mut self.is_woken).then_some(Id::WAKER);
        let signals = (!mem::replace(&mut self.is_reported, true)).then_some(Id::SIGNALS);
        let event = |id: Id| Event {
            token: id.token(),
            flags: libc::EPOLLIN,
        };
        woken.into_iter().chain(signals).map(event).collect()
    }

    pub(super) fn wake(&mut self) {
        self.is_woken = true;
    }

    pub(super) fn answered(&mut self, ticket: u64, answer: Answer) {
        self.answers.push_back((ticket, answer));
        self.wake();
    }

    pub(super) fn watch(&mut self, signal: i32) {
        self.watched.insert(signal);
    }

    pub(super) fn raise(&mut self, signal: i32) {
        if self.watched.contains(&signal) && !self.arrived.contains(&signal) {
            self.arrived.push(signal);
            self.is_reported = false;
        }
    }

    pub(super) fn arrived(&mut self) -> Vec<i32> {
        mem::take(&mut self.arrived)
    }
}
