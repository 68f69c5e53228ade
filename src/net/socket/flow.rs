//! What becomes of received bytes that wait: Node's `flow`, `resume`, `readable` and `end`. When the
//! kernel is read is said in `asking`.

use std::mem;

use super::super::SocketId;
use super::super::queues::SocketTick;
use super::events::{READABLE, RESUME};
use super::{Flow, SocketEntry};
use crate::net::event_loop::Loop;
use crate::rules::state::socket::Input;

impl Loop {
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
        if waits {
            self.feed(id, Input::Unshifted);
        } else if !entry.connection.state.is_destroyed() || entry.errored().is_none() {
            self.feed(id, Input::EndDue);
        }
    }

    /// The tick of `resume`: what waits is emitted, and reading goes on.
    pub(super) fn resume_now(&mut self, id: SocketId) {
        self.read_unless_asked(id);
        let Some(entry) = self.entry(id) else { return };
        entry.cold().reading.resume_is_queued = false;
        self.emit_plain(id, RESUME);
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
            self.emit_plain(id, READABLE);
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
        let is_by_hand = !cold.listeners.readable.is_empty();
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
    /// Whether the peer's FIN was read, also if `end` was emitted or the socket destroyed since:
    /// Node's `state.ended`.
    pub(super) fn has_peer_ended(&self) -> bool {
        self.connection.state.has_peer_ended()
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
