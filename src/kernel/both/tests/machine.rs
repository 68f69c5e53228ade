//! A program's sockets on one kernel: its calls, their results, and the reported readiness.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libc::EAGAIN;
use socket2::SockRef;

use super::call::Call;
use super::place::{Kind, Place};
use crate::kernel::both::either::Either;
use crate::kernel::listener::BindOptions;
use crate::kernel::options::KeepAlive;
use crate::kernel::reactor::{Batch, Id, Reactor};
use crate::kernel::sim::{Kernel, Network};
use crate::kernel::stopwatch::Stopwatch;
use crate::kernel::{Accepted, Listener, Stream};

/// Linux is late only on a busy machine, and never so late.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The result of a call: a count or a flag, or an errno.
pub(super) type Answer = Result<usize, i32>;

/// The flags reported for each side. The listener has a number that no side has.
pub(super) type Told = BTreeMap<usize, BTreeSet<String>>;

/// The backlog holds one connection more.
pub(super) const BACKLOG: usize = 3;

const LISTENER: usize = usize::MAX;

/// One end of a connection.
pub(super) struct Side {
    pub(super) stream: Option<Stream>,
    pub(super) id: Id,
    pub(super) other: Option<usize>,
    /// The number of bytes sent and received. The value of a byte follows from its position.
    sent: usize,
    received: usize,
    /// The number of sends since the other side has read everything.
    pub(super) unread_sends: usize,
    has_urged: bool,
    /// Whether it has sent as much as the kernel takes, and how full it is differs.
    pub(super) is_full: bool,
    is_shut: bool,
}

pub(super) struct Machine {
    pub(super) reactor: Reactor<usize>,
    pub(super) batch: Batch,
    pub(super) listener: Option<(Listener, Id)>,
    pub(super) refuses: bool,
    pub(super) kind: Kind,
    place: Place,
    nobody: Place,
    pub(super) sides: Vec<Side>,
    /// The clients whose connections are in the backlog, in the order of their connects.
    pub(super) waiting: Vec<usize>,
    pub(super) told: Told,
}

pub(super) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or_default()
}

fn pattern(from: usize, count: usize) -> Vec<u8> {
    (from..from + count)
        .map(|place| (place % 251) as u8)
        .collect()
}

impl Machine {
    pub(super) fn new(mut reactor: Reactor<usize>, kind: Kind, name: &str) -> Machine {
        let options = BindOptions {
            backlog: BACKLOG as u32,
            ..BindOptions::default()
        };
        let id = reactor.insert(LISTENER);
        let listen = |place: Place| {
            let listener = place.listen(reactor.registry(), options);
            let listener = listener.expect("a listener");
            (place.of(&listener), listener)
        };
        let (nobody, gone) = listen(kind.place(&format!("{name}-gone")));
        let (place, mut listener) = listen(kind.place(name));
        drop(gone);
        (reactor.registry().register(&mut listener, id)).expect("registered");
        Machine {
            batch: Batch::default(),
            kind,
            place,
            nobody,
            listener: Some((listener, id)),
            refuses: false,
            sides: Vec::new(),
            waiting: Vec::new(),
            told: Told::new(),
            reactor,
        }
    }

    pub(super) fn simulated(kind: Kind, name: &str) -> Machine {
        let network = Arc::new(Mutex::new(Network::new(0, false)));
        let kernel = Kernel::new(&network, "here").expect("a kernel");
        Machine::new(Reactor::simulated(kernel), kind, name)
    }

    /// The number of sides so far.
    pub(super) fn sides(&self) -> usize {
        self.sides.len()
    }

    fn add(&mut self, mut stream: Stream, other: Option<usize>) -> usize {
        let number = self.sides.len();
        let id = self.reactor.insert(number);
        (self.reactor.registry().register(&mut stream, id)).expect("registered");
        self.sides.push(Side {
            stream: Some(stream),
            id,
            other,
            sent: 0,
            received: 0,
            unread_sends: 0,
            has_urged: false,
            is_full: false,
            is_shut: false,
        });
        number
    }

    fn connect(&mut self, to: &Place) -> Answer {
        let connected = to.connect(self.reactor.registry());
        let (stream, answer) = connected.map_err(|error| errno(&error))?;
        let number = self.add(stream, None);
        if *to == self.place && self.listener.is_some() && !self.refuses {
            self.waiting.push(number);
        }
        answer.map(|()| 0)
    }

    fn accept(&mut self) -> Answer {
        let Some((listener, _)) = &mut self.listener else {
            return Ok(0);
        };
        match listener.accept() {
            Accepted::Stream(stream, _) => {
                let client = self.waiting.remove(0);
                let number = self.add(stream, Some(client));
                self.sides[client].other = Some(number);
                Ok(number)
            }
            Accepted::Empty => Err(EAGAIN),
            other => panic!("{other:?}"),
        }
    }

    fn flood(&mut self, from: usize) -> Answer {
        let Some(to) = self.sides[from].other else {
            return Ok(0);
        };
        match self.fill(from) {
            Ok(1) => self.drain(to),
            other => other,
        }
    }

    /// Sends as much as the kernel takes: 0 if the side is closed.
    fn fill(&mut self, from: usize) -> Answer {
        loop {
            match self.send(from, 100_000) {
                Ok(0) => return Ok(0),
                Ok(_) => {}
                Err(EAGAIN) => break,
                failed => return failed,
            }
        }
        self.sides[from].is_full = true;
        self.look(Duration::ZERO);
        self.told.remove(&from);
        Ok(1)
    }

    /// Receives all that the other side has sent: 0 if the end comes then.
    fn drain(&mut self, to: usize) -> Answer {
        let Some(from) = self.sides[to]
            .other
            .filter(|_| self.sides[to].stream.is_some())
        else {
            return Ok(0);
        };
        let begun = Stopwatch::default();
        loop {
            match self.receive(to, 70_000) {
                Ok(0) => return Ok(0),
                Ok(_) => {}
                Err(EAGAIN) if self.sides[to].received == self.sides[from].sent => break,
                Err(EAGAIN) => {
                    assert!(begun.elapsed() < PATIENCE, "bytes are missing");
                    self.look(Duration::from_millis(1));
                }
                failed => return failed,
            }
        }
        let sender = &mut self.sides[from];
        let found_no_room = std::mem::take(&mut sender.is_full);
        if !found_no_room || sender.is_shut || sender.stream.is_none() {
            return Ok(1);
        }
        // The side that found no room is reported as writable.
        while !(self.told.get(&from)).is_some_and(|told| told.contains("writable")) {
            assert!(begun.elapsed() < PATIENCE, "no room is reported");
            self.look(Duration::from_millis(1));
        }
        // Flags that were reported on the way need not hold at the end.
        self.told.remove(&to);
        Ok(1)
    }

    fn send(&mut self, number: usize, count: usize) -> Answer {
        self.offer(number, count, false)
    }

    fn offer(&mut self, number: usize, count: usize, is_in_slices: bool) -> Answer {
        let side = &mut self.sides[number];
        let Some(stream) = &side.stream else {
            return Ok(0);
        };
        let bytes = pattern(side.sent, count);
        let sent = match is_in_slices {
            false => stream.try_to_send(&bytes),
            true => {
                let (first, rest) = bytes.split_at(count / 3);
                let slices = [first, &[], rest].map(IoSlice::new);
                stream.send_slices(&slices)
            }
        };
        let sent = sent.map_err(|error| errno(&error))?;
        side.sent += sent;
        side.unread_sends += 1;
        Ok(sent)
    }

    /// A send of a program. How much a full side takes is not promised.
    fn send_some(&mut self, number: usize, count: usize, is_in_slices: bool) -> Answer {
        match (
            self.offer(number, count, is_in_slices),
            self.sides[number].is_full,
        ) {
            (Ok(_) | Err(EAGAIN), true) => Ok(0),
            (answer, _) => answer,
        }
    }

    fn send_urgent(&mut self, number: usize) -> Answer {
        let side = &mut self.sides[number];
        if self.kind.is_unix() || side.is_full || std::mem::replace(&mut side.has_urged, true) {
            return Ok(0);
        }
        let sent = match &side.stream {
            None => Ok(0),
            Some(Either::Real(stream)) => SockRef::from(stream).send_out_of_band(b"!"),
            Some(Either::Simulated(stream)) => stream.send_urgent(),
        };
        sent.map_err(|error| errno(&error))
    }

    pub(super) fn receive(&mut self, number: usize, count: usize) -> Answer {
        let side = &mut self.sides[number];
        let Some(stream) = &side.stream else {
            return Ok(0);
        };
        let mut buffer = vec![0; count];
        let received = stream.receive(&mut buffer);
        let received = received.map_err(|error| errno(&error))?;
        assert_eq!(
            buffer[..received],
            pattern(side.received, received),
            "the bytes"
        );
        side.received += received;
        let total = side.received;
        if let Some(sender) = side.other.map(|other| &mut self.sides[other])
            && sender.sent == total
        {
            sender.unread_sends = 0;
        }
        Ok(received)
    }

    fn ask(&mut self, number: usize, ask: impl FnOnce(&Stream) -> io::Result<bool>) -> Answer {
        let answer = self.sides[number].stream.as_ref().map_or(Ok(false), ask);
        answer.map(usize::from).map_err(|error| errno(&error))
    }

    fn type_of_service(&mut self, number: usize, value: Option<u8>) -> Answer {
        let Some(stream) = &self.sides[number].stream else {
            return Ok(0);
        };
        let set = value.map_or(Ok(()), |value| stream.set_type_of_service(value));
        let read = set.and_then(|()| stream.type_of_service());
        read.map(usize::from).map_err(|error| errno(&error))
    }

    fn close(&mut self, number: usize) -> Answer {
        let side = &mut self.sides[number];
        side.stream = None;
        self.reactor.remove(side.id);
        Ok(0)
    }

    pub(super) fn perform(&mut self, call: Call) -> Answer {
        match call {
            Call::Connect => self.connect(&self.place.clone()),
            Call::ConnectToNobody => self.connect(&self.nobody.clone()),
            Call::Accept => self.accept(),
            Call::Send(side, count) => self.send_some(side, count, false),
            Call::SendSlices(side, count) => self.send_some(side, count, true),
            Call::Flood(side) => self.flood(side),
            Call::Fill(side) => self.fill(side),
            Call::Drain(side) => self.drain(side),
            Call::SendUrgent(side) => self.send_urgent(side),
            Call::Receive(side, count) => self.receive(side, count),
            Call::HasMore(side) => self.ask(side, Stream::has_more),
            Call::Connected(side) => self.ask(side, Stream::connected),
            Call::HasPeer(side) => self.ask(side, |it| Ok(it.remote_address().is_some())),
            Call::ShutDown(side) => {
                self.sides[side].is_shut = true;
                self.ask(side, |it| it.shutdown().map(|()| true))
            }
            Call::Close(side) => self.close(side),
            Call::Reset(side) => {
                if let Some(stream) = &self.sides[side].stream {
                    stream.reset_on_close();
                }
                self.close(side)
            }
            Call::NoDelay(side) => self.ask(side, |it| it.set_no_delay(true).map(|()| true)),
            Call::KeepAlive(side, seconds) => {
                let wanted = KeepAlive::after(Duration::from_secs(seconds));
                self.ask(side, |it| it.set_keep_alive(Some(wanted)).map(|()| true))
            }
            Call::TypeOfService(side, value) => self.type_of_service(side, value),
            Call::Refuse => {
                self.refuses = true;
                let refused = self.listener.as_ref().map(|(it, _)| it.refuse_new());
                (refused.transpose().map(|_| 0)).map_err(|error| errno(&error))
            }
            Call::CloseListener => {
                self.waiting.clear();
                if let Some((_, id)) = self.listener.take() {
                    self.reactor.remove(id);
                }
                Ok(0)
            }
        }
    }
}
