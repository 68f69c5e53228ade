//! The state of one end of a connection, and the rules for each of its events.

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
    /// The callback of a write. Like that of an end, it may come after `close`.
    Written,
    Ended,
    /// The listener of a `once` method.
    Later,
    /// A timer that ends with the socket.
    OwnTimer,
}

pub(super) struct End {
    pub(super) actor: Actor,
    pub(super) host: usize,
    pub(super) id: SocketId,
    pub(super) manner: Manner,
    /// The server that has accepted the socket.
    pub(super) server: Option<usize>,
    pub(super) abort: Option<AbortId>,
    pub(super) extras: Extras,
    pub(super) piped_into: Vec<SocketId>,
    /// Dropped with the last callback that the loop keeps for the socket.
    pub(super) guard: Weak<()>,
    /// The number of the end that the socket is at present.
    pub(super) me: Weak<Cell<usize>>,
    /// The number of callbacks that have run.
    pub(super) callbacks: usize,
    /// The number of bytes written and received. The value of a byte follows from its position.
    pub(super) written: usize,
    pub(super) received: usize,
    /// The callbacks given to writes and ends, those that have run, and the last write that has succeeded.
    pub(super) callbacks_given: usize,
    pub(super) callbacks_run: usize,
    pub(super) last_written: usize,
    /// The number of writes, and whether one of them has returned `false` since the last `drain`.
    pub(super) writes: usize,
    pub(super) needs_drain: bool,
    /// The socket had another connection before.
    pub(super) is_again: bool,
    pub(super) is_connected: bool,
    pub(super) is_ready: bool,
    pub(super) has_ended: bool,
    pub(super) has_finished: bool,
    pub(super) has_failed: bool,
    pub(super) has_closed: bool,
    /// The program was killed.
    pub(super) is_killed: bool,
    /// The machine has crashed: nothing is sent to the peer.
    pub(super) host_has_crashed: bool,
    /// A callback has panicked, or an error had no listener: the other listeners of that event do not run.
    pub(super) has_thrown: bool,
    /// The running callback belongs to an event after which the socket reads on; and such a callback has thrown, so
    /// it does not.
    pub(super) reads_on_after_event: bool,
    pub(super) does_not_read_on: bool,
    /// A callback of the program has thrown.
    pub(super) host_has_thrown: bool,
    /// The program has destroyed the socket, or aborted its signal.
    pub(super) may_be_destroyed: bool,
    /// The callback of the socket's own buffer has stopped reading.
    pub(super) is_stopped: bool,
    /// The callback of a failed write is running.
    pub(super) is_in_failed_write: bool,
    /// A step has destroyed the socket.
    pub(super) was_destroyed: bool,
    /// `unref` was called: the loop may have ended.
    pub(super) was_unreferenced: bool,
    /// Bytes of another socket were piped into this one.
    pub(super) sends_other_bytes: bool,
    /// Bytes may have been dropped for want of a listener.
    pub(super) may_miss_bytes: bool,
    /// A step has added readers of another kind than the manner's, so bytes may wait.
    pub(super) has_other_readers: bool,
    /// The socket was half-open at its end, or may have been.
    pub(super) was_half_open: bool,
}

/// The byte at a position of the stream from an end. It is ASCII, so no encoding changes it.
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
            was_destroyed: false,
            was_unreferenced: false,
            sends_other_bytes: false,
            may_miss_bytes: manner.reading == Reading::Nothing,
            has_other_readers: false,
            was_half_open: manner.is_half_open,
        }
    }

    /// The end that the socket becomes when it connects again.
    pub(super) fn again(&self, actor: Actor) -> End {
        let mut end = End::new(actor, self.host, self.id, self.manner);
        end.is_again = true;
        end.guard = self.guard.clone();
        end.extras = self.extras.clone();
        (end.may_miss_bytes, end.has_other_readers) = (self.may_miss_bytes, self.has_other_readers);
        // Callbacks that wait for `connect` or `finish` keep waiting, and pipes stay.
        (end.may_be_destroyed, end.sends_other_bytes) =
            (self.may_be_destroyed, self.sends_other_bytes);
        (end.host_has_thrown, end.does_not_read_on) = (self.host_has_thrown, self.does_not_read_on);
        (end.was_half_open, end.was_unreferenced) = (self.was_half_open, self.was_unreferenced);
        end
    }

    /// Notes an event. It is an error if the event must not occur.
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
                Err("drain without need")
            }
            Event::Timeout if is_destroyed => Err("timeout after destroy"),
            Event::OwnTimer if is_destroyed => Err("a timer of the socket after destroy"),
            Event::End if self.ends_early(socket) => Err("end while bytes wait"),
            Event::End => first(&mut self.has_ended, "end twice"),
            Event::Finish => first(&mut self.has_finished, "finish twice"),
            Event::Error if !is_destroyed => Err("error before destroy"),
            Event::Error => first(&mut self.has_failed, "error twice"),
            Event::Close if !self.may_close(socket) => Err("close without a reason"),
            Event::Close => first(&mut self.has_closed, "close twice"),
            _ => Ok(()),
        }
    }

    fn ends_early(&self, socket: &Socket<'_>) -> bool {
        socket.readable_length() > 0 && !socket.is_destroyed()
    }

    /// Whether the socket has a reason to close: both halves are over, it has failed, or the program destroys it.
    fn may_close(&self, socket: &Socket<'_>) -> bool {
        let is_over = self.has_ended && self.has_finished;
        let is_wanted = self.may_be_destroyed || self.host_has_thrown;
        is_over || is_wanted || self.has_failed || socket.errored().is_some()
    }

    /// Whether an event may come after `close`. The `close` of a pipe's destination emits `unpipe`. After a
    /// callback has thrown, the remaining ticks wait for the next callback, which may be `close`.
    fn may_follow_close(&self, event: Event) -> bool {
        match event {
            Event::Written | Event::Ended | Event::Later | Event::Pipe | Event::Unpipe => true,
            Event::Connect | Event::Data | Event::Timeout | Event::Close => false,
            Event::OwnTimer => false,
            _ => self.host_has_thrown,
        }
    }

    /// Notes received bytes, and compares them with the sent ones.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let (from, first) = (self.actor.peer(), self.received);
        self.received += bytes.len();
        let is_right = |(place, got): (usize, &u8)| *got == byte(from, first + place);
        match self.may_miss_bytes || bytes.iter().enumerate().all(is_right) {
            true => Ok(()),
            false => Err("a wrong byte"),
        }
    }

    /// Takes the bytes that were received last, to put them back.
    pub(super) fn unread(&mut self, size: usize) -> Vec<u8> {
        self.received -= size;
        let places = self.received..self.received + size;
        places.map(|place| byte(self.actor.peer(), place)).collect()
    }

    /// Compares the socket's counters with the test's own.
    pub(super) fn check_counters(&self, socket: &Socket<'_>) -> Result<(), &'static str> {
        // A destroyed socket drops what it keeps, and may become another end.
        // While a throw delays what follows a failed write, what comes is dropped.
        let drops = self.host_has_thrown && socket.errored().is_some();
        let is_known = self.sees_all() && !drops && !self.has_closed && !socket.is_destroyed();
        let read = (self.received + socket.readable_length()) as u64;
        match is_known && socket.bytes_read() != read {
            true => Err("bytes_read is wrong"),
            false => self.check_sending(socket),
        }
    }

    /// Whether the test knows every byte that the socket sends.
    fn has_own_bytes(&self) -> bool {
        !self.sends_other_bytes && !self.is_again
    }

    /// Whether the test sees all bytes that arrive.
    pub(super) fn sees_all(&self) -> bool {
        !self.may_miss_bytes && !self.has_other_readers
    }

    /// The next bytes to write.
    pub(super) fn next_bytes(&self, size: usize) -> Vec<u8> {
        let places = self.written..self.written + size;
        places.map(|place| byte(self.actor, place)).collect()
    }

    /// Notes that a callback has thrown.
    pub(super) fn note_throw(&mut self) {
        self.has_thrown = true;
        // As in Node, nothing more is read after a failed write whose callback throws.
        self.does_not_read_on |= self.reads_on_after_event || self.is_in_failed_write;
    }

    /// Whether all events are expected: no panic has suppressed one, and the program was not killed.
    pub(super) fn is_undisturbed(&self) -> bool {
        !(self.is_killed || self.has_thrown)
    }

    /// Whether the socket reads bytes as they arrive.
    pub(super) fn is_reading(&self, socket: &Socket<'_>) -> bool {
        match self.manner.reading {
            _ if self.does_not_read_on => false,
            Reading::ByHand => !socket.is_paused(),
            Reading::OwnBuffer(_) => !socket.is_paused() && !self.is_stopped,
            _ => socket.readable_flowing() == Some(true),
        }
    }
}
