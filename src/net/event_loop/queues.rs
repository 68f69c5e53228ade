//! The queues between the phases: ticks, microtasks, immediates and the pending queue.

use std::collections::VecDeque;

use super::Loop;
use super::events::Event;
use super::listeners::Slot;
use super::trace::Cause;
use crate::kernel::mailbox::Mailbox;
use crate::kernel::signals::SignalSource;
use crate::net::error::Error;
use crate::net::ids::{ServerId, SocketId};
use crate::net::server::Server;
use crate::net::socket::{LookupAnswer, WriteCallback};
use crate::rules::receiving;

pub(crate) type Task = Box<dyn FnOnce(&mut Loop)>;
type ServerCallback = Box<dyn FnOnce(&mut Server<'_>)>;

/// What waits for the next drain: Node's `process.nextTick` queue, where the library's own
/// deferred work stands in line with the user's.
pub(crate) enum Tick {
    User(Task),
    Socket(SocketId, SocketTick),
    Server(ServerId, ServerTick),
    Lookup(u64, LookupAnswer),
}

pub(crate) enum SocketTick {
    /// `connect` to an IP address, or to a path, begins.
    Connect,
    /// The user's lookup function is to be asked.
    AskLookup,
    /// These writes have left: emit `drain` if it is owed, call them back.
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
    /// It had ended before it was piped: its destinations end.
    EndPipes,
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

pub(crate) struct Immediate {
    pub(crate) callback: Task,
    pub(crate) is_held: bool,
    pub(crate) cause: Cause,
}

/// Immediates, first come first served. Cleared ones leave a gap, so that a serial number finds
/// its place by subtraction.
#[derive(Default)]
pub(crate) struct Immediates {
    queue: VecDeque<Option<Immediate>>,
    /// The serial number of the first in the queue.
    first: u64,
    /// The running batch ends before this one: what is queued meanwhile waits a turn.
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

    pub(crate) fn clear(&mut self, serial: u64) {
        if let Some(immediate) = self.slot(serial).and_then(Option::take) {
            self.held -= usize::from(immediate.is_held);
        }
    }

    /// Lets an immediate hold the loop, or not.
    pub(crate) fn hold(&mut self, serial: u64, is_held: bool) {
        if let Some(immediate) = self.get_mut(serial) {
            let before = std::mem::replace(&mut immediate.is_held, is_held);
            self.held += usize::from(is_held);
            self.held -= usize::from(before);
        }
    }

    pub(crate) fn are_held(&self) -> bool {
        self.held > 0
    }

    /// Whether there are any, held or not.
    pub(crate) fn are_queued(&self) -> bool {
        self.queue.iter().any(Option::is_some)
    }

    /// Whether the running batch has been run.
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

/// What a call leaves to be done for others, as soon as its socket is given back.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) enum Errand {
    /// A descriptor of ours was closed: servers that are without one may try again.
    EndBackOffs,
    /// A socket of this server was destroyed.
    LeaveServer(ServerId),
}

pub(super) type Post = Box<dyn FnOnce(&mut Loop) + Send>;

/// What other threads have posted, once somebody has asked for a handle.
pub(in crate::net) type Posts = Mailbox<Post>;

type OnSignal = dyn FnMut(&mut Loop);

pub(super) const SIGNAL: Event<Slot<OnSignal>, OnSignal> = Event {
    name: "signal",
    slot: |slot| Some(slot),
};

#[derive(Default)]
pub(in crate::net) struct Signals {
    pub(super) source: Option<SignalSource>,
    /// By the number of their signal.
    pub(super) listeners: Vec<(i32, Slot<OnSignal>)>,
    /// Those that have arrived and are to be emitted.
    pub(super) arrived: VecDeque<i32>,
}

impl Signals {
    pub(super) fn slot(&mut self, number: i32) -> Option<&mut Slot<OnSignal>> {
        let found = self.listeners.iter_mut().find(|(of, _)| *of == number);
        found.map(|(_, slot)| slot)
    }
}
