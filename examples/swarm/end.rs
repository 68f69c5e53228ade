//! What is known of one end of a connection, and what must hold of each of its events.

use std::cell::Cell;
use std::rc::Weak;

use netloop::{AbortId, Socket, SocketId};

use super::extras::Extras;
use super::program::{Actor, Manner, Reading};

/// The events of a socket, and the callbacks of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    Lookup,
    Attempt,
    Connect,
    Ready,
    Data,
    Readable,
    End,
    Drain,
    Prefinish,
    Finish,
    Pause,
    Resume,
    Pipe,
    Unpipe,
    Timeout,
    Error,
    Close,
    /// A write's callback, which may come after `close`, and so may that of an end.
    Written,
    Ended,
    /// A tick, a timer or the like.
    Later,
    /// A timer that ends with the socket.
    OwnTimer,
}

pub(super) struct End {
    pub(super) actor: Actor,
    pub(super) host: usize,
    pub(super) id: SocketId,
    pub(super) manner: Manner,
    /// The server that has accepted it.
    pub(super) server: Option<usize>,
    pub(super) abort: Option<AbortId>,
    pub(super) extras: Extras,
    pub(super) piped_into: Vec<SocketId>,
    /// Falls with the last callback that the loop keeps for the socket.
    pub(super) guard: Weak<()>,
    /// Which end its socket is.
    pub(super) me: Weak<Cell<usize>>,
    /// How many callbacks it has had.
    pub(super) callbacks: usize,
    /// How many bytes were written and received. Each byte is that of its place.
    pub(super) written: usize,
    pub(super) received: usize,
    /// Callbacks given to writes and ends, those that have run, and the last write that was a success.
    pub(super) callbacks_given: usize,
    pub(super) callbacks_run: usize,
    pub(super) last_written: usize,
    /// How many writes there were, and whether one of them has returned `false` since the last `drain`.
    pub(super) writes: usize,
    pub(super) needs_drain: bool,
    /// Its socket had another connection before.
    pub(super) is_again: bool,
    pub(super) is_connected: bool,
    pub(super) is_ready: bool,
    pub(super) has_ended: bool,
    pub(super) has_finished: bool,
    pub(super) has_failed: bool,
    pub(super) has_closed: bool,
    /// Its program was killed.
    pub(super) is_killed: bool,
    /// Its machine has crashed: its peer does not learn of that.
    pub(super) host_has_crashed: bool,
    /// A callback has panicked, or an error had no listener: the rest of the same event is lost.
    pub(super) has_thrown: bool,
    /// The socket begins to read after the event whose callback runs; and such a callback has thrown, so that
    /// it does not.
    pub(super) reads_on_after_event: bool,
    pub(super) does_not_read_on: bool,
    /// A callback of its program has thrown.
    pub(super) host_has_thrown: bool,
    /// The program has destroyed the socket, or something that it is tied to.
    pub(super) may_be_destroyed: bool,
    /// The callback of its own buffer has stopped the reading.
    pub(super) is_stopped: bool,
    /// The running callback is that of a write that has failed.
    pub(super) is_in_failed_write: bool,
    /// `unref` was called: its loop may have ended.
    pub(super) was_unreferenced: bool,
    /// Bytes of another socket were piped into this one.
    pub(super) sends_other_bytes: bool,
    /// It may have received bytes that were passed to no listener.
    pub(super) may_miss_bytes: bool,
    /// It has readers of another kind than its manner asks for, so that bytes may wait.
    pub(super) has_other_readers: bool,
    /// It was half-open when it ended, or it may have been.
    pub(super) was_half_open: bool,
}

/// What the byte at this place is, on the way from this end. It is a letter in any encoding.
pub(super) fn byte(from: Actor, place: usize) -> u8 {
    let way = match from {
        Actor::Client(number) => number * 2,
        Actor::Accepted(number) => number * 2 + 1,
        Actor::Server(_) => 0,
    };
    ((place * 7 + way * 31) ^ (place >> 7) ^ (place >> 14)) as u8 & 0x7f
}

impl Actor {
    pub(super) fn peer(self) -> Actor {
        match self {
            Actor::Client(number) => Actor::Accepted(number),
            Actor::Accepted(number) => Actor::Client(number),
            server @ Actor::Server(_) => server,
        }
    }
}

impl End {
    pub(super) fn new(actor: Actor, host: usize, id: SocketId, manner: Manner) -> End {
        End {
            actor,
            host,
            id,
            manner,
            server: None,
            abort: None,
            extras: Extras::default(),
            piped_into: Vec::new(),
            guard: Weak::new(),
            me: Weak::new(),
            callbacks: 0,
            written: 0,
            received: 0,
            callbacks_given: 0,
            callbacks_run: 0,
            last_written: 0,
            writes: 0,
            needs_drain: false,
            is_again: false,
            is_connected: matches!(actor, Actor::Accepted(_)),
            is_ready: false,
            has_ended: false,
            has_finished: false,
            has_failed: false,
            has_closed: false,
            is_killed: false,
            host_has_crashed: false,
            has_thrown: false,
            reads_on_after_event: false,
            does_not_read_on: false,
            host_has_thrown: false,
            may_be_destroyed: false,
            is_stopped: false,
            is_in_failed_write: false,
            was_unreferenced: false,
            sends_other_bytes: false,
            may_miss_bytes: manner.reading == Reading::Nothing,
            has_other_readers: false,
            was_half_open: manner.is_half_open,
        }
    }

    /// Its socket, connected again.
    pub(super) fn again(&self, actor: Actor) -> End {
        let mut end = End::new(actor, self.host, self.id, self.manner);
        end.is_again = true;
        end.guard = self.guard.clone();
        end.extras = self.extras.clone();
        (end.may_miss_bytes, end.has_other_readers) = (self.may_miss_bytes, self.has_other_readers);
        // What waits for `connect` or `finish` waits on, and pipes stay.
        (end.may_be_destroyed, end.sends_other_bytes) =
            (self.may_be_destroyed, self.sends_other_bytes);
        (end.host_has_thrown, end.does_not_read_on) = (self.host_has_thrown, self.does_not_read_on);
        (end.was_half_open, end.was_unreferenced) = (self.was_half_open, self.was_unreferenced);
        end
    }

    /// Notes an event. An error if it must not come.
    pub(super) fn note(&mut self, event: Event, socket: &Socket<'_>) -> Result<(), &'static str> {
        if self.has_closed && !self.may_follow_close(event) {
            return Err("an event after close");
        }
        let first = |flag: &mut bool, words| match std::mem::replace(flag, true) {
            true => Err(words),
            false => Ok(()),
        };
        let is_destroyed = socket.is_destroyed();
        match event {
            Event::Connect if is_destroyed => Err("connect after destroy"),
            Event::Connect => first(&mut self.is_connected, "connect twice"),
            Event::Ready if !self.is_connected => Err("ready before connect"),
            Event::Ready => first(&mut self.is_ready, "ready twice"),
            Event::Data | Event::Readable if !self.is_connected => Err("data before connect"),
            Event::Data if self.has_ended => Err("data after end"),
            Event::Data if is_destroyed => Err("data after destroy"),
            Event::Drain if !std::mem::take(&mut self.needs_drain) && self.has_own_bytes() => {
                Err("drain for no reason")
            }
            Event::Timeout if is_destroyed => Err("timeout after destroy"),
            Event::OwnTimer if is_destroyed => Err("a timer of its own after destroy"),
            Event::End if self.ends_early(socket) => Err("end while bytes wait"),
            Event::End => first(&mut self.has_ended, "end twice"),
            Event::Finish => first(&mut self.has_finished, "finish twice"),
            Event::Error if !is_destroyed => Err("error before destroy"),
            Event::Error => first(&mut self.has_failed, "error twice"),
            Event::Close if !self.may_close(socket) => Err("close for no reason"),
            Event::Close => first(&mut self.has_closed, "close twice"),
            _ => Ok(()),
        }
    }

    fn ends_early(&self, socket: &Socket<'_>) -> bool {
        socket.readable_length() > 0 && !socket.is_destroyed()
    }

    /// Whether there is a reason to close: both halves are over, something has failed, or the program wants it.
    fn may_close(&self, socket: &Socket<'_>) -> bool {
        let is_over = self.has_ended && self.has_finished;
        let is_wanted = self.may_be_destroyed || self.host_has_thrown;
        is_over || is_wanted || self.has_failed || socket.errored().is_some()
    }

    /// Whether an event may come after `close`: a pipe's source is unpiped at that of its destination. After
    /// a callback has thrown, the ticks that are left wait for the next callback, which may be `close`.
    fn may_follow_close(&self, event: Event) -> bool {
        match event {
            Event::Written | Event::Ended | Event::Later | Event::Pipe | Event::Unpipe => true,
            Event::Connect | Event::Data | Event::Timeout | Event::Close => false,
            Event::OwnTimer => false,
            _ => self.host_has_thrown,
        }
    }

    /// Notes bytes that were received, and compares them with those that were sent.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let (from, first) = (self.actor.peer(), self.received);
        self.received += bytes.len();
        let is_right = |(place, got): (usize, &u8)| *got == byte(from, first + place);
        match self.may_miss_bytes || bytes.iter().enumerate().all(is_right) {
            true => Ok(()),
            false => Err("a wrong byte"),
        }
    }

    /// Bytes that were received last, to be put back.
    pub(super) fn unread(&mut self, size: usize) -> Vec<u8> {
        self.received -= size;
        let places = self.received..self.received + size;
        places.map(|place| byte(self.actor.peer(), place)).collect()
    }

    /// Compares the socket's counters with ours.
    pub(super) fn check_counters(&self, socket: &Socket<'_>) -> Result<(), &'static str> {
        // What waits when a socket is destroyed is dropped. Afterwards it may be another end.
        let is_known = self.sees_all() && !self.has_closed && !socket.is_destroyed();
        let read = (self.received + socket.readable_length()) as u64;
        match is_known && socket.bytes_read() != read {
            true => Err("bytes_read is wrong"),
            false => self.check_sending(socket),
        }
    }

    /// Whether all writes are known.
    fn has_own_bytes(&self) -> bool {
        !self.sends_other_bytes && !self.is_again
    }

    /// Whether all bytes that arrive are passed to its listeners.
    pub(super) fn sees_all(&self) -> bool {
        !self.may_miss_bytes && !self.has_other_readers
    }

    /// The bytes that it writes next.
    pub(super) fn next_bytes(&self, size: usize) -> Vec<u8> {
        let places = self.written..self.written + size;
        places.map(|place| byte(self.actor, place)).collect()
    }

    /// Notes that its callback has thrown.
    pub(super) fn note_throw(&mut self) {
        self.has_thrown = true;
        self.does_not_read_on |= self.reads_on_after_event;
    }

    /// Whether all its events come: none is lost by a panic, and its program runs.
    pub(super) fn is_undisturbed(&self) -> bool {
        !(self.is_killed || self.has_thrown)
    }

    /// Whether bytes that arrive are read.
    pub(super) fn is_reading(&self, socket: &Socket<'_>) -> bool {
        match self.manner.reading {
            _ if self.does_not_read_on => false,
            Reading::ByHand => !socket.is_paused(),
            Reading::OwnBuffer(_) => !socket.is_paused() && !self.is_stopped,
            _ => socket.readable_flowing() == Some(true),
        }
    }
}
