//! One host: its address, its descriptors and ports, and what is ready for its loop.

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

/// Standard input, output and error, and the epoll instance, have the lowest.
const FIRST_DESCRIPTOR: i32 = 4;

/// Whether a host's machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    On,
    /// It sleeps.
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
    /// The files of Unix sockets, each with the socket that has created it.
    pub(super) files: BTreeMap<PathBuf, Key>,
    /// How many descriptors a program may have: RLIMIT_NOFILE.
    pub(super) descriptor_limit: usize,
    pub(super) faults: Faults,
    /// What the host has run out of, and until when.
    pub(super) shortages: BTreeMap<Resource, Duration>,
    /// Its last wait was interrupted.
    pub(super) was_interrupted: bool,
    /// Its program was stopped, and goes on: the wait that it was in is interrupted (signal(7)).
    pub(super) was_stopped: bool,
    /// Until then its program is stopped.
    pub(super) stopped_until: Duration,
    /// Which program runs: the first, or its successors.
    pub(super) program: u64,
    pub(super) power: Power,
    /// How long its machine has not run.
    pub(super) rested: Duration,
    /// The port that was given out last.
    pub(super) last_port: u16,
    /// The sockets that are ready, in the order in which they became so.
    pub(super) ready: VecDeque<Key>,
    is_woken: bool,
    pub(super) answers: VecDeque<(u64, Answer)>,
    watched: BTreeSet<i32>,
    /// Signals that have arrived, each once, and whether the loop knows.
    arrived: Vec<i32>,
    is_told: bool,
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
            rested: Duration::ZERO,
            last_port: 0,
            ready: VecDeque::new(),
            is_woken: false,
            answers: VecDeque::new(),
            watched: BTreeSet::new(),
            arrived: Vec::new(),
            is_told: true,
        }
    }

    /// The program is gone, with all that it had open or waited for.
    pub(super) fn begins_anew(&mut self) {
        self.program += 1;
        self.descriptors.clear();
        self.ready.clear();
        self.answers.clear();
        self.is_woken = false;
        self.watched.clear();
        self.arrived.clear();
        self.is_told = true;
        self.stopped_until = Duration::ZERO;
        (self.was_stopped, self.was_interrupted) = (false, false);
    }

    /// That of fd00::/64 with the same number as the one of IPv4.
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

    /// Whether another descriptor would be one too many.
    pub(super) fn has_spare(&self) -> io::Result<()> {
        match self.descriptors() < self.descriptor_limit {
            true => Ok(()),
            false => Err(failed(libc::EMFILE)),
        }
    }

    /// The lowest descriptor that is free.
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
        self.is_woken || !self.is_told || !self.ready.is_empty()
    }

    /// The events of the waker and of the signals.
    pub(super) fn own_events(&mut self) -> Vec<Event> {
        let woken = mem::take(&mut self.is_woken).then_some(Id::WAKER);
        let signals = (!mem::replace(&mut self.is_told, true)).then_some(Id::SIGNALS);
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
            self.is_told = false;
        }
    }

    pub(super) fn arrived(&mut self) -> Vec<i32> {
        mem::take(&mut self.arrived)
    }
}
