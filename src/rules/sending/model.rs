//! All rules at once: random programs over a kernel that answers at random, checked against a model that
//! keeps a list of writes and nothing else.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use super::super::timers::{TimerKey, Timers};
use super::{Kernel, Later, Limits, Next, Reply, Sending};

const LIMITS: Limits = Limits {
    mark: 12,
    limit: 400,
};

/// Bytes are numbered, so that a lost, doubled or misplaced one shows.
#[derive(Default)]
struct ModelKernel {
    random: u64,
    received: usize,
    fails: bool,
    /// The last offer was not taken whole, so an edge will come.
    is_full: bool,
    is_starved: bool,
}

impl ModelKernel {
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 16) % bound
    }
}

impl Kernel for ModelKernel {
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply {
        let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        (self.is_full, self.is_starved) = (false, false);
        if self.fails && self.below(12) == 0 {
            return Reply::Failed(io::ErrorKind::BrokenPipe.into());
        }
        let taken = match self.below(5) {
            0 => {
                self.is_full = true;
                return Reply::Full;
            }
            1 => {
                self.is_starved = true;
                return Reply::Starved;
            }
            2 => self.below(offered.len() as u64 + 1) as usize,
            _ => offered.len(),
        };
        for byte in &offered[..taken] {
            assert_eq!(*byte, self.received as u8, "the bytes stand in line");
            self.received += 1;
        }
        self.is_full = taken < offered.len();
        Reply::Took(taken)
    }
}

/// A write that has not been called back.
struct Write {
    name: u32,
    length: usize,
    /// The number of its last byte, plus one.
    end: usize,
}

/// Both implementations, fed the same inputs in the same order.
struct Pair {
    ours: Sending<u32>,
    kernel: ModelKernel,
    timers: Timers<()>,
    /// In their order: first those of the request.
    writes: VecDeque<Write>,
    in_request: usize,
    names: u32,
    written: usize,
    corked: usize,
    is_connected: bool,
    owes_drain: bool,
    turn: u32,
    has_failed: bool,
}

impl Pair {
    fn new(seed: u64, is_connected: bool, fails: bool) -> Pair {
        Pair {
            ours: Sending::default(),
            kernel: ModelKernel {
                random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
                fails,
                ..ModelKernel::default()
            },
            timers: Timers::new(),
            writes: VecDeque::new(),
            in_request: 0,
            names: 0,
            written: 0,
            corked: 0,
            is_connected,
            owes_drain: false,
            turn: 1,
            has_failed: false,
        }
    }

    fn write(&mut self) {
        let length = [0, 1, 3, 8][self.kernel.below(4) as usize];
        let bytes: Vec<u8> = (self.written..self.written + length)
            .map(|number| number as u8)
            .collect();
        let name = self.names;
        let may_try = self.is_connected && self.ours.is_clear();
        assert_eq!(
            self.ours.is_clear(),
            self.writes.is_empty() && self.corked == 0
        );
        let write = Write {
            name,
            length,
            end: self.written + length,
        };
        let may_go_on = if may_try {
            self.ours.dispatch(length);
            let reply = self.kernel.offer(&[IoSlice::new(&bytes)]);
            self.accept(write);
            self.in_request = 1;
            let next = self
                .ours
                .begin(&bytes, Some(name), reply, self.turn, &mut self.kernel);
            self.follow(next);
            self.ours.may_go_on(LIMITS)
        } else {
            match self.ours.queue(&bytes, Some(name), LIMITS) {
                Err(callback) => return assert_eq!(callback, Some(name)),
                Ok(may_go_on) => {
                    self.accept(write);
                    may_go_on
                }
            }
        };
        let length = self.length();
        assert_eq!(may_go_on, length < LIMITS.mark || length == 0);
        self.owes_drain |= !may_go_on;
        self.send();
    }

    fn accept(&mut self, write: Write) {
        self.names += 1;
        self.written = write.end;
        self.writes.push_back(write);
    }

    /// Sends what waits, if possible, or holds it for the connection.
    fn send(&mut self) {
        let may_send =
            self.corked == 0 && self.in_request == 0 && !self.writes.is_empty() && !self.has_failed;
        assert_eq!(self.ours.may_send() && !self.has_failed, may_send);
        if !may_send {
            return;
        }
        self.in_request = self.writes.len();
        if self.is_connected {
            let next = self.ours.send(self.turn, &mut self.kernel);
            self.follow(next);
        } else {
            assert!(self.ours.hold());
            assert!(!self.ours.hold(), "one request at a time");
        }
    }

    fn connect(&mut self) {
        if std::mem::replace(&mut self.is_connected, true) {
            return;
        }
        assert_eq!(self.ours.is_held(), self.in_request > 0);
        if let Some(next) = self.ours.release(self.turn, &mut self.kernel) {
            self.follow(next);
        }
    }

    fn follow(&mut self, next: Next<u32>) {
        match next {
            Next::Done(callbacks) => self.call_back(&callbacks, true),
            Next::Failed(callbacks, _) => self.call_back(&callbacks, false),
            Next::InFlight(later) => self.follow_later(later),
        }
    }

    fn follow_later(&mut self, later: Later) {
        if later == Later::Timer {
            assert!(!self.ours.waits_for_memory());
            let timer: TimerKey = self.timers.insert(0, 10, ());
            self.ours.set_timer(timer);
        }
        assert_eq!(later == Later::NextTurn, self.ours.has_room());
        assert_ne!(later == Later::Landed, self.ours.is_on_its_way());
        let is_driven = self.kernel.is_full || self.ours.waits_for_memory();
        assert!(later != Later::Readiness || is_driven, "nobody will tell");
    }

    /// A request is over: these are the callbacks of all its writes.
    fn call_back(&mut self, callbacks: &[u32], has_left: bool) {
        let request: Vec<Write> = self.writes.drain(..self.in_request).collect();
        self.in_request = 0;
        let names: Vec<u32> = request.iter().map(|write| write.name).collect();
        assert_eq!(callbacks, names);
        if has_left {
            let end = request.last().map(|write| write.end);
            assert_eq!(end, Some(self.kernel.received), "all of it, and no more");
        } else {
            self.abandon();
        }
    }

    /// A request has failed: what waits is abandoned, one by one.
    fn abandon(&mut self) {
        self.has_failed = true;
        for write in std::mem::take(&mut self.writes) {
            assert_eq!(self.ours.abandon_one(), Some(Some(write.name)));
        }
        assert_eq!(self.ours.abandon_one(), None);
        self.ours.forget_abandoned();
    }

    fn serve(&mut self) {
        match self.kernel.below(3) {
            0 => self.ours.room_reported(self.turn),
            1 if self.ours.waits_for_memory() => _ = self.ours.take_timer(),
            _ => {}
        }
        let is_on_its_way = self.ours.is_on_its_way();
        if is_on_its_way && (self.ours.has_room() || self.kernel.below(2) == 0) {
            let later = self.ours.try_again(&mut self.kernel);
            self.follow_later(later);
        }
        if let Some((callbacks, outcome)) = self.ours.take_landed() {
            self.call_back(&callbacks, outcome.is_ok());
            self.send();
        }
        if self.ours.is_drain_due() {
            assert!(self.owes_drain && self.length() == 0);
            self.owes_drain = false;
            self.ours.drains();
        }
    }

    fn step(&mut self) {
        match self.kernel.below(12) {
            0..5 => self.write(),
            5 => {
                self.ours.cork();
                self.corked += 1;
            }
            6 => {
                self.ours.uncork();
                self.corked = self.corked.saturating_sub(1);
                self.send();
            }
            7 => self.connect(),
            8 => self.turn += 1,
            _ => self.serve(),
        }
    }

    fn length(&self) -> usize {
        self.writes.iter().map(|write| write.length).sum()
    }

    fn check(&self) {
        assert_eq!(self.ours.len(), self.length());
        assert_eq!(self.ours.is_flushed(), self.writes.is_empty());
        assert_eq!(self.ours.is_in_flight(), self.in_request > 0);
        assert_eq!(self.ours.corked(), self.corked);
        assert_eq!(self.ours.needs_drain(), self.owes_drain);
        if !self.has_failed {
            assert_eq!(self.ours.bytes_written(), self.written as u64);
        }
    }
}

#[test]
fn bytes_leave_once_and_in_order_and_each_write_is_called_back_with_its_request() {
    let (mut told, mut failed) = (0, 0);
    for seed in 0..400 {
        let mut pair = Pair::new(seed, seed % 3 > 0, seed % 2 > 0);
        for _ in 0..300 {
            pair.step();
            pair.check();
            if pair.has_failed {
                failed += 1;
                break;
            }
        }
        told += pair.names as usize - pair.writes.len();
    }
    assert!(told > 5_000 && failed > 100, "{told} told, {failed} failed");
}

#[test]
fn an_empty_debt_takes_no_room() {
    for seed in 0..100 {
        let mut pair = Pair::new(seed, true, false);
        for _ in 0..100 {
            pair.step();
        }
        pair.ours.uncork_fully();
        pair.corked = 0;
        pair.send();
        while !pair.writes.is_empty() || pair.owes_drain || pair.ours.waits_for_memory() {
            pair.turn += 1;
            pair.serve();
        }
        assert!(pair.ours.owed.is_none(), "seed {seed}");
    }
}
