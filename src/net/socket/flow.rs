//! Whether a socket is read from, and what becomes of received bytes that wait: libuv's reading
//! handle, and what Node's stream keeps above it.

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
    pub(super) fn begin_reading(&mut self, id: SocketId) -> bool {
        let Some(entry) = self.entry(id) else {
            return false;
        };
        let is_open = matches!(entry.connection.state, State::Open(Readable::Open, _));
        let has_room = entry.cold.as_ref().is_none_or(|cold| {
            let length = cold.inbox.len();
            length == 0 || length < entry.read_mark()
        });
        if entry.is_reading || !is_open || !has_room {
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

    /// Wants bytes: starts to read, now or with the connection.
    pub(super) fn read_more(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        match entry.connection.state {
            State::Idle(_) | State::Opening(_) => entry.cold().reading.at_connect = true,
            State::Open(_, _) => self.start_reading(id),
            State::Destroyed | State::Closed => {}
        }
    }

    /// After `connect`: reads if somebody had asked for bytes before.
    pub(super) fn read_if_asked(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if mem::take(&mut entry.cold().reading.at_connect) {
            self.begin_reading(id);
        }
    }

    /// After `ready`: reads, unless the socket was paused meanwhile.
    pub(super) fn read_unless_paused(&mut self, id: SocketId) {
        if !self.socket_at(id).is_paused() {
            self.begin_reading(id);
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
        let Some(entry) = self.entry(id) else { return };
        entry.cold().reading.resume_is_queued = false;
        self.read_more(id);
        self.emit_plain(id, "resume", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.resume)
        });
        self.emit_waiting(id);
    }

    /// Emits what waits, chunk by chunk, for as long as the data flows. If a listener panics, a
    /// tick goes on behind the chunk that it was given.
    pub(super) fn emit_waiting(&mut self, id: SocketId) {
        self.call(
            (),
            |(), event_loop| {
                while let Some(chunk) = event_loop.next_to_emit(id) {
                    event_loop.emit_chunk(id, &chunk);
                }
            },
            |event_loop, ()| {
                if event_loop.flows(id) && !event_loop.is_drained(id) {
                    event_loop.socket_tick(id, SocketTick::Unshifted);
                }
            },
        );
        if self.flows(id) {
            if let Some(entry) = self.entry(id)
                && entry.is_read_by_hand()
            {
                let has_ended = entry.connection.state.has_peer_ended();
                entry.cold().reading.wants_readable |= !has_ended;
            }
            self.feed_drained(id);
            self.start_reading(id);
        }
    }

    fn next_to_emit(&mut self, id: SocketId) -> Option<Vec<u8>> {
        if !self.flows(id) {
            return None;
        }
        self.entry(id)?.cold.as_mut()?.inbox.pop()
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

    /// The tick of `readable`.
    pub(super) fn emit_readable(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let state = entry.connection.state;
        let has_ended = state.has_peer_ended();
        let cold = entry.cold();
        let is_over = state.is_destroyed() || state.is_broken();
        if is_over || cold.inbox.is_empty() && !has_ended {
            cold.reading.readable_is_queued = false;
            return;
        }
        self.emit_plain(id, "readable", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.readable)
        });
        if let Some(entry) = self.entry(id) {
            let (mark, flow) = (entry.read_mark(), entry.flow);
            let cold = entry.cold();
            cold.reading.readable_is_queued = false;
            cold.reading.wants_readable |=
                flow != Flow::Flowing && !has_ended && cold.inbox.len() <= mark;
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
