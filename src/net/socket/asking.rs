//! When the kernel is read: the rule of Node's `Readable` and `net.Socket`, in one place.
//!
//! Three flags decide.
//!
//! - `is_reading`, Node's reading handle: when the kernel says that there is something, it is read.
//! - `asked`, Node's `state.reading`: a chunk was asked for and has not come yet.
//! - `wants_readable`, Node's `needReadable`: the next chunk is announced by `readable`.
//!
//! They change as follows.
//!
//! - **Asking** starts the handle; before there is a connection, it waits for `connect` (Node's
//!   `_read`). A [`Loop::read`] asks if less than the high-water mark is left behind it, unless a chunk
//!   was asked for already, or the stream has ended or been destroyed. Whether the data is paused plays
//!   no part.
//! - **Reads** come from the program, and from the flow, which reads each chunk *before* it emits it.
//!   Reads of size 0, which take nothing, come from `ready`, from an accepted connection and from
//!   `resume`; and, from a tick, behind the first listener of `readable`, and behind each chunk while
//!   there is room.
//! - A read of size 0 with the mark reached, or behind the end, does not ask. It has `readable` emitted
//!   again, if that is wanted, and the flow goes on from there.
//! - **A chunk** clears `asked`. If it leaves the mark reached, the handle stops. Otherwise only the
//!   end, an error and `destroy` stop it, and, with a buffer of the program's own, `pause` and a
//!   callback that returns `false`.
//!
//! So a paused socket reads on up to the mark: it learns of the peer's end and reset, and holds the
//! loop.

use std::mem;

use super::super::SocketId;
use super::super::queues::SocketTick;
use super::{Flow, SocketEntry};
use crate::net::event_loop::Loop;

/// How far `read` can raise the high-water mark, as in Node.
const READ_MARK_MAX: usize = 1 << 30;

impl Loop {
    /// Asks for what the kernel has, from now on. No edge tells of what came while nobody read,
    /// be it the end, so the socket is looked at in the next turn, until the kernel has no more.
    pub(super) fn start_reading(&mut self, id: SocketId) {
        if self.begin_reading(id) {
            self.read_again(id, true);
        }
    }

    /// Wants what the kernel will tell of. Returns whether that is new.
    fn begin_reading(&mut self, id: SocketId) -> bool {
        let Some(entry) = self.entry(id) else {
            return false;
        };
        let is_open = entry.connection.state.is_receiving();
        if entry.is_reading || !is_open {
            return false;
        }
        entry.is_reading = true;
        self.update_hold(id);
        true
    }

    pub(super) fn stop_reading(&mut self, id: SocketId) {
        if let Some(entry) = self.entry(id) {
            entry.is_reading = false;
            self.update_hold(id);
        }
    }

    /// After `connect`: reads if somebody had asked for bytes before.
    pub(super) fn read_if_asked(&mut self, id: SocketId) {
        if self.entry(id).is_some_and(|entry| entry.has_asked()) {
            self.begin_reading(id);
        }
    }

    /// After `ready`: reads, unless the socket was paused meanwhile.
    pub(super) fn read_unless_paused(&mut self, id: SocketId) {
        if !self.socket_at(id).is_paused() {
            self.read_by(id, Some(0), |event_loop| {
                event_loop.begin_reading(id);
            });
        }
    }

    /// Takes of what waits, and asks for more: Node's `read(size)`.
    pub(super) fn read(&mut self, id: SocketId, size: Option<usize>) -> Option<Vec<u8>> {
        self.read_by(id, size, |event_loop| event_loop.start_reading(id))
    }

    fn read_by(
        &mut self,
        id: SocketId,
        size: Option<usize>,
        start: impl FnOnce(&mut Loop),
    ) -> Option<Vec<u8>> {
        let entry = self.entry(id)?;
        entry.raise_read_mark(size.unwrap_or(0));
        let has_ended = entry.has_peer_ended();
        let before = entry.cold().inbox.len();
        if size == Some(0) {
            if entry.tells_readable_again() {
                match before {
                    0 => self.feed_drained(id),
                    _ => self.queue_readable(id),
                }
                return None;
            }
        } else {
            entry.cold().reading.readable_is_queued = false;
        }
        let (taken, is_exact) = entry.take(size);
        if entry.asks(before) {
            start(self);
        }
        let entry = self.entry(id)?;
        let mark = entry.read_mark();
        let cold = entry.cold();
        let is_empty = cold.inbox.is_empty();
        if !has_ended {
            cold.reading.wants_readable |= is_empty || taken.is_none() && before <= mark;
        } else if is_empty && (taken.is_none() || !is_exact) {
            self.feed_drained(id);
        }
        taken
    }

    /// A chunk was emitted or put to the others: whether the handle goes on, and a tick that asks
    /// for the next one. There is none where the data flows through: it would change nothing that
    /// can be seen.
    pub(super) fn chunk_has_come(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let (mark, is_reading) = (entry.read_mark(), entry.is_reading);
        let is_flowing = entry.flow == Flow::Flowing;
        let cold = entry.cold();
        if is_flowing && is_reading && cold.inbox.is_empty() {
            cold.reading.asked = true;
            cold.reading.wants_readable = true;
            return;
        }
        let is_full = !cold.inbox.is_empty() && cold.inbox.len() >= mark;
        self.ask_from_a_tick(id);
        if is_full {
            self.stop_reading(id);
        }
    }

    /// Node's `maybeReadMore`.
    pub(super) fn ask_from_a_tick(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let reading = &mut entry.cold().reading;
        if !reading.asked && !mem::replace(&mut reading.asking_is_queued, true) {
            self.socket_tick(id, SocketTick::AskForMore);
        }
    }

    /// The tick behind a chunk: asks for the next one if there is room.
    pub(super) fn ask_for_more(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let is_flowing = entry.flow == Flow::Flowing;
        let (mark, is_over) = (entry.read_mark(), entry.has_peer_ended());
        let cold = entry.cold();
        cold.reading.asking_is_queued = false;
        let has_room = cold.inbox.len() < mark || is_flowing && cold.inbox.is_empty();
        if has_room && !is_over && !cold.reading.asked {
            self.read(id, Some(0));
        }
    }
}

impl SocketEntry {
    /// The high-water mark of what may wait to be read.
    pub(super) fn read_mark(&self) -> usize {
        let raised = self
            .cold
            .as_ref()
            .map_or(0, |cold| cold.reading.raised_mark);
        raised.max(self.high_water_mark())
    }

    /// Lets so much wait to be read: Node's `computeNewHighWaterMark`.
    pub(super) fn raise_read_mark(&mut self, size: usize) {
        if size > self.read_mark() {
            self.cold().reading.raised_mark = size.min(READ_MARK_MAX).next_power_of_two();
        }
    }

    /// Whether a chunk was asked for that has not come.
    pub(super) fn has_asked(&self) -> bool {
        match &self.cold {
            Some(cold) => cold.reading.asked,
            None => self.is_reading,
        }
    }

    /// Whether more is to be asked for, with this much waiting before something was taken; then
    /// that is done.
    fn asks(&mut self, before: usize) -> bool {
        let state = self.connection.state;
        let is_over = self.has_peer_ended() || state.is_destroyed() || state.is_broken();
        let (mark, is_reading) = (self.read_mark(), self.is_reading);
        let has_own_buffer = self.has_own_buffer();
        let cold = self.cold();
        let has_room = cold.reading.wants_readable || before == 0 || cold.inbox.len() < mark;
        if is_over || cold.reading.asked || !has_room {
            return has_own_buffer && !is_reading;
        }
        cold.reading.asked = true;
        cold.reading.wants_readable |= before == 0;
        true
    }

    /// Whether a read of nothing has `readable` told again.
    fn tells_readable_again(&mut self) -> bool {
        let (mark, has_ended) = (self.read_mark(), self.has_peer_ended());
        let cold = self.cold();
        let is_full = !cold.inbox.is_empty() && cold.inbox.len() >= mark;
        cold.reading.wants_readable && (is_full || has_ended)
    }

    /// Takes what a read of this size is given, and says whether it is all that was asked for.
    fn take(&mut self, size: Option<usize>) -> (Option<Vec<u8>>, bool) {
        let (has_ended, is_flowing) = (self.has_peer_ended(), self.flow == Flow::Flowing);
        let cold = self.cold();
        let bytes = cold.inbox.bytes();
        let wanted = match size {
            None if cold.decoder.is_none() || is_flowing => Some(cold.inbox.first_len()),
            None => Some(bytes),
            Some(size) if cold.decoder.is_some() => cold.inbox.bytes_of(size),
            Some(size) => (size <= bytes).then_some(size),
        };
        let count = wanted.unwrap_or(if has_ended { bytes } else { 0 });
        let taken = (count > 0).then(|| cold.inbox.take(count));
        (taken, size.is_some() && wanted.is_some())
    }
}
