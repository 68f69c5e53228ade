//! The queues between the phases: ticks, microtasks, immediates and the pending queue.

use std::collections::VecDeque;

use super::Loop;
use super::events::Event;
use super::listeners::Slot;
use super::trace::{Cause, Subject};
use crate::kernel::SignalSource;
use crate::kernel::mailbox::Mailbox;
use crate::net::error::Error;
use crate::net::ids::{ServerId, SocketId};
use crate::net::server::Server;
use crate::net::socket::{LookupAnswer, WriteCallback};
use crate::rules::receiving;

pub(crate) type Task = Box<dyn FnOnce(&mut Loop)>;
type ServerCallback = Box<dyn FnOnce(&mut Server<'_>)>;

/// An entry of Node's `process.nextTick` queue, in which the library's deferred work waits in line with
/// the user's.
pub(crate) enum Tick {
    User(Task),
    Socket(SocketId, SocketTick),
    Server(ServerId, ServerTick),
    Lookup(u64, LookupAnswer),
}

pub(crate) enum SocketTick {
    /// Begin to connect to an IP address or a path.
    Connect,
    /// Call the user's lookup function.
    AskLookup,
    /// These writes have left: emit `drain` if it is owed, and call them back.
    Written(Vec<WriteCallback>),
    /// These writes have failed: call them back, and destroy the socket.
    WriteFailed(Vec<WriteCallback>, Error),
    /// Call back one `write` or `end` that was refused.
    Refused(WriteCallback, Error),
    /// The socket was destroyed: call back what had not been sent.
    Abandon,
    /// Emit `finish`.
    Finish,
    /// Emit `end`.
    End,
    /// End our half after the peer's, unless half open is allowed.
    AutoEnd,
    Error(Error),
    /// Emit `close` of a socket that has no descriptor.
    Close,
    Receiving(receiving::Tick),
    Piped(SocketId),
    Unpiped(SocketId),
    /// The socket had ended before it was piped: end the destination, if it is to be ended.
    EndPipe(SocketId, bool),
    Destroy(Option<Error>),
}

pub(crate) enum ServerTick {
    Listening,
    Error(Error),
    Close,
    /// Bind an IP address that was given as a host, if this is still the newest `listen`.
    Bind(u64),
    /// Look a host up, if this is still the newest `listen`.
    LookUp(u64),
    Abort,
    Connections(ServerCallback),
}

impl Tick {
    /// Its subject, and the words for its work in the trace.
    pub(super) fn words(&self) -> (Subject, &'static str) {
        match self {
            Tick::User(_) => (Subject::Loop, "next_tick"),
            Tick::Socket(id, tick) => (Subject::Socket(*id), tick.words()),
            Tick::Server(id, tick) => (Subject::Server(*id), tick.words()),
            Tick::Lookup(..) => (Subject::Loop, "take the answer to a lookup"),
        }
    }
}

impl SocketTick {
    fn words(&self) -> &'static str {
        match self {
            SocketTick::Connect => "begin to connect",
            SocketTick::AskLookup => "look the name up",
            SocketTick::Written(_) => "call back: written",
            SocketTick::WriteFailed(..) => "call back: the write has failed",
            SocketTick::Refused(..) => "call back: refused",
            SocketTick::Abandon => "call back what was not sent",
            SocketTick::Finish => "emit finish",
            SocketTick::End => "emit end",
            SocketTick::AutoEnd => "end our half, too",
            SocketTick::Error(_) => "emit error",
            SocketTick::Close => "emit close",
            SocketTick::Receiving(tick) => match tick {
                receiving::Tick::Pause => "emit pause",
                receiving::Tick::Resume => "emit resume, and let data flow",
                receiving::Tick::Unshifted => "emit what waits",
                receiving::Tick::Readable => "emit readable",
                receiving::Tick::CountReaders => "look who reads",
                receiving::Tick::ReadNothing => "begin to read",
                receiving::Tick::Ask => "read on",
            },
            SocketTick::Piped(_) => "emit pipe",
            SocketTick::Unpiped(_) => "emit unpipe",
            SocketTick::EndPipe(..) => "end the destination",
            SocketTick::Destroy(_) => "destroy",
        }
    }
}

impl ServerTick {
    fn words(&self) -> &'static str {
        match self {
            ServerTick::Listening => "emit listening",
            ServerTick::Error(_) => "emit error",
            ServerTick::Close => "emit close",
            ServerTick::Bind(_) => "bind",
            ServerTick::LookUp(_) => "look the name up",
            ServerTick::Abort => "close: aborted",
            ServerTick::Connections(_) => "tell how many connections there are",
        }
    }
}

pub(crate) struct Immediate {
    pub(crate) callback: Task,
    pub(crate) is_held: bool,
    /// The trace record of its queueing.
    pub(crate) by: Cause,
}

/// Immediates, in the order in which they were set. A cleared one leaves a gap: the index of a serial
/// number is found by subtraction.
#[derive(Default)]
pub(crate) struct Immediates {
    queue: VecDeque<Option<Immediate>>,
    /// The serial number of the first in the queue.
    first: u64,
    /// The serial number before which the running batch ends. Immediates that are set meanwhile wait for
    /// the next turn.
    batch_end: u64,
    /// How many hold the loop.
    held: usize,
}

impl Immediates {
    pub(crate) fn push(&mut self, immediate: Immediate) -> u64 {
        self.held += usize::from(immediate.is_held);
        self.queue.push_back(Some(immediate));
        self.first + self.queue.len() as u64 - 1
    }

    fn slot(&mut self, serial: u64) -> Option<&mut Option<Immediate>> {
        let index = serial.checked_sub(self.first)?;
        self.queue.get_mut(usize::try_from(index).ok()?)
    }

    pub(crate) fn get_mut(&mut self, serial: u64) -> Option<&mut Immediate> {
        self.slot(serial)?.as_mut()
    }

    /// Returns the record of its queueing, if there was such an immediate.
    pub(crate) fn clear(&mut self, serial: u64) -> Option<Cause> {
        let immediate = self.slot(serial).and_then(Option::take)?;
        self.held -= usize::from(immediate.is_held);
        Some(immediate.by)
    }

    /// Lets an immediate hold the loop, or not. Returns the record of its queueing, if that is new.
    pub(crate) fn hold(&mut self, serial: u64, is_held: bool) -> Option<Cause> {
        let immediate = self.get_mut(serial)?;
        let before = std::mem::replace(&mut immediate.is_held, is_held);
        let by = immediate.by;
        self.held += usize::from(is_held);
        self.held -= usize::from(before);
        (before != is_held).then_some(by)
    }

    /// How many hold the loop.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn are_held(&self) -> bool {
        self.held > 0
    }

    /// Whether there are any, held or not.
    pub(crate) fn are_queued(&self) -> bool {
        self.queue.iter().any(Option::is_some)
    }

    /// Whether all immediates of the batch have run.
    pub(crate) fn are_through(&self) -> bool {
        self.first >= self.batch_end
    }

    pub(crate) fn begin_batch(&mut self) {
        self.batch_end = self.first + self.queue.len() as u64;
    }

    /// The next of the running batch.
    pub(crate) fn next(&mut self) -> Option<Immediate> {
        while self.first < self.batch_end {
            self.first += 1;
            if let Some(immediate) = self.queue.pop_front()? {
                self.held -= usize::from(immediate.is_held);
                return Some(immediate);
            }
        }
        None
    }
}

/// Work that a call leaves for other entries. It is done as soon as the call's own entry is given back.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) enum FollowUp {
    /// A descriptor of ours was closed: servers that ran out of them may try again.
    EndBackOffs,
    /// A socket of this server was destroyed.
    LeaveServer(ServerId),
}

pub(super) type Post = Box<dyn FnOnce(&mut Loop) + Send>;

/// What other threads have posted. It exists once the program has asked for a handle.
pub(in crate::net) type Posts = Mailbox<Post>;

type OnSignal = dyn FnMut(&mut Loop);

pub(super) const SIGNAL: Event<Slot<OnSignal>, OnSignal> = Event {
    name: "signal",
    slot: |slot| Some(slot),
};

#[derive(Default)]
pub(in crate::net) struct Signals {
    pub(super) source: Option<SignalSource>,
    /// The listeners of each signal, by its number.
    pub(super) listeners: Vec<(i32, Slot<OnSignal>)>,
    /// The numbers of signals that have arrived and were not emitted yet.
    pub(super) arrived: VecDeque<i32>,
}

impl Signals {
    pub(super) fn slot(&mut self, number: i32) -> Option<&mut Slot<OnSignal>> {
        let found = self.listeners.iter_mut().find(|(of, _)| *of == number);
        found.map(|(_, slot)| slot)
    }
}
