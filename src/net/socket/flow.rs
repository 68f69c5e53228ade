//! When the kernel is read, and what becomes of received bytes that wait: what Node's `Readable`
//! does for a socket, whole.
//!
//! Three marks decide. The handle **reads** (`is_reading`): what the kernel tells of is taken. The
//! stream has **asked** (`asked`, Node's `state.reading`): it wants one more chunk, which has not
//! come. The program **wants** `readable` (`wants_readable`, Node's `needReadable`).
//!
//! - Who asks starts the handle, or has it started by the connection (Node's `_read`). Each
//!   [`Loop::read`] asks if less than the high-water mark will wait behind it, unless the stream has
//!   asked, has ended or is over; whether the data is paused plays no part. Such a read is made by
//!   the program, by the flow for each chunk *before* it is emitted, and with a size of 0 (which
//!   takes nothing) by `ready`, by a connection that was accepted, by `resume`, and, from a tick,
//!   by the first listener of `readable` and behind each chunk for which there is still room.
//! - A read of 0 that finds the mark reached, or the end, asks for nothing: it tells `readable`
//!   again if that is wanted, and so goes on with the flow.
//! - A chunk answers what was asked. If it leaves the mark reached, the handle stops. Nothing else
//!   stops it but the end, an error and `destroy`; with a buffer of the program's own, `pause` and a
//!   callback that answers `false`.
//!
//! So a paused socket is read from up to the mark: it hears of the peer's end and reset, and holds
//! the loop.

use std::mem;

use super::super::SocketId;
use super::super::event_loop::Loop;
use super::super::queues::SocketTick;
use super::{Flow, SocketEntry};
use crate::rules::state::socket::{Action, Input, Readable, State};

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
        let is_open = matches!(entry.connection.state, State::Open(Readable::Open, _));
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

    /// Tells the machine if the peer has ended and nothing waits any more.
    pub(super) fn feed_drained(&mut self, id: SocketId) {
        if self.is_drained(id) {
            self.feed(id, Input::Drained);
        }
    }

    /// The tick of `end`, unless bytes were put back meanwhile. A `destroy` that came since, without
    /// an error, does not stop it.
    pub(super) fn end_is_due(&mut self, id: SocketId) {
        let Some(entry) = self.entry_ref(id) else {
            return;
        };
        let waits = entry
            .cold
            .as_ref()
            .is_some_and(|cold| !cold.inbox.is_empty());
        match entry.connection.state {
            State::Destroyed if entry.errored().is_none() && !waits => {
                self.perform(id, Action::EmitEnd);
            }
            _ if waits => self.feed(id, Input::Unshifted),
            _ => self.feed(id, Input::EndDue),
        }
    }

    /// The tick of `resume`: what waits is emitted, and reading goes on.
    pub(super) fn resume_now(&mut self, id: SocketId) {
        self.read_unless_asked(id);
        let Some(entry) = self.entry(id) else { return };
        entry.cold().reading.resume_is_queued = false;
        self.emit_plain(id, "resume", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.resume)
        });
        self.emit_waiting(id);
        if self.flows(id) {
            self.read_unless_asked(id);
        }
    }

    fn read_unless_asked(&mut self, id: SocketId) {
        if self.entry(id).is_some_and(|entry| !entry.has_asked()) {
            self.read(id, Some(0));
        }
    }

    /// Emits what waits, chunk by chunk, for as long as the data flows: Node's `flow`. If a listener
    /// panics, a tick goes on behind the chunk that it was given. What a `destroy` finds flowing is
    /// dropped.
    pub(super) fn emit_waiting(&mut self, id: SocketId) {
        self.call(
            (),
            |(), event_loop| {
                while event_loop.flows(id)
                    && let Some(chunk) = event_loop.read(id, None)
                {
                    event_loop.emit_chunk(id, &chunk);
                }
            },
            |event_loop, ()| {
                if event_loop.flows(id) && !event_loop.is_drained(id) {
                    event_loop.socket_tick(id, SocketTick::Unshifted);
                }
            },
        );
        if let Some(entry) = self.entry(id)
            && entry.flow == Flow::Flowing
            && entry.connection.state.is_destroyed()
        {
            entry.cold().inbox.clear();
        }
    }

    fn flows(&self, id: SocketId) -> bool {
        self.entry_ref(id).is_some_and(|entry| {
            entry.flow == Flow::Flowing && !entry.connection.state.is_destroyed()
        })
    }

    /// Whether nothing received waits.
    fn is_drained(&self, id: SocketId) -> bool {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        cold.is_none_or(|cold| cold.inbox.is_empty())
    }

    pub(super) fn queue_readable(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let reading = &mut entry.cold().reading;
        reading.wants_readable = false;
        if !mem::replace(&mut reading.readable_is_queued, true) {
            self.socket_tick(id, SocketTick::Readable);
        }
    }

    /// The tick of `readable`, which goes on with the flow.
    pub(super) fn emit_readable(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let state = entry.connection.state;
        let is_over = state.is_destroyed() || state.is_broken();
        let has_ended = entry.has_peer_ended();
        if !is_over && (has_ended || !entry.cold().inbox.is_empty()) {
            self.emit_plain(id, "readable", |entry| {
                entry.cold.as_mut().map(|cold| &mut cold.readable)
            });
            let Some(entry) = self.entry(id) else { return };
            entry.cold().reading.readable_is_queued = false;
        }
        if let Some(entry) = self.entry(id) {
            let (mark, has_ended) = (entry.read_mark(), entry.has_peer_ended());
            let is_flowing = entry.flow == Flow::Flowing;
            let cold = entry.cold();
            cold.reading.wants_readable |= !is_flowing && !has_ended && cold.inbox.len() <= mark;
        }
        self.emit_waiting(id);
    }

    /// The tick after a listener of `readable` has gone: if none has come instead, who wants data
    /// has it, or it is as if nobody had ever asked.
    pub(super) fn who_reads(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let cold = entry.cold();
        let is_by_hand = !cold.readable.is_empty();
        cold.reading.is_by_hand = is_by_hand;
        if cold.reading.resume_is_queued && !cold.reading.is_paused {
            entry.flow = Flow::Flowing;
        } else if entry.hears_data() {
            self.socket_at(id).resume();
        } else if !is_by_hand {
            entry.flow = Flow::Unasked;
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

    /// Whether the peer's FIN was read, also if `end` was emitted or the socket destroyed since:
    /// Node's `state.ended`.
    pub(super) fn has_peer_ended(&self) -> bool {
        let stood_at = self.stood_at();
        stood_at.has_peer_ended() || matches!(stood_at, State::Open(Readable::Ended, _))
    }

    /// Whether a chunk was asked for that has not come.
    fn has_asked(&self) -> bool {
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

    /// Whether what comes goes to a listener of `data`, or into a pipe.
    pub(super) fn hears_data(&self) -> bool {
        let is_piped = self.cold.as_ref().is_some_and(|it| !it.pipes.is_empty());
        is_piped || !self.listeners.data.is_empty()
    }

    /// Whether somebody listens for `readable`, be it that it is being emitted.
    pub(super) fn is_read_by_hand(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| cold.reading.is_by_hand)
    }

    pub(super) fn has_own_buffer(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| cold.reading.has_own_buffer)
    }
}
