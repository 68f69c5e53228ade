//! Receiving: bounded bursts of reads, and delivery to whoever listens.
//!
//! Edges are never lost. A burst stops at the first short read, but whoever may still have
//! something to give goes on the again list: a TCP socket whose readiness told of an end, an
//! error or urgent data, a Unix socket always (until `EAGAIN`), and one that hit the bound.

use std::borrow::Cow;
use std::{io, mem};

use super::super::SocketId;
use super::super::error::Error;
use super::super::listeners::Slot;
use super::super::trace::Subject;
use super::events::{DATA, OnData};
use super::{Flow, HIGH_WATER_MARK, OnRead};
use crate::net::event_loop::Loop;
use crate::rules::decoder::Decoder;
use crate::rules::state::socket::Input;

/// How many reads one socket gets before the others' turn comes: libuv's bound. The bytes that they
/// bring are bounded, too, by the loop's burst.
const READS_PER_TURN: usize = 32;

impl Loop {
    /// Reads until the kernel has no more, or the bound is hit: one burst a turn.
    #[inline(always)]
    pub(super) fn receive(
        &mut self,
        id: SocketId,
        is_sticky: bool,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        match self.entry_ref(id) {
            Some(entry) if entry.has_own_buffer() => self.receive_into_own(id, is_sticky),
            _ => self.receive_into(id, buffer, is_sticky, Loop::deliver),
        }
    }

    #[inline(always)]
    fn receive_into(
        &mut self,
        id: SocketId,
        buffer: &mut [u8],
        is_sticky: bool,
        mut deliver: impl FnMut(&mut Loop, SocketId, &[u8]),
    ) -> Result<(), Error> {
        let turn = self.agenda.turns;
        let Some(mut entry) = self.entry(id) else {
            return Ok(());
        };
        if !entry.is_reading || mem::replace(&mut entry.read_in_turn, turn) == turn {
            return Ok(());
        }
        let mut reads = 0;
        loop {
            let Some(stream) = &mut entry.connection.stream else {
                return Ok(());
            };
            let is_tcp = stream.is_tcp();
            let count = match stream.receive(buffer) {
                Ok(0) => return self.receive_end(id),
                Ok(count) => count,
                Err(error) => return self.receive_failed(id, &error),
            };
            entry.connection.bytes_read += count as u64;
            if entry.cold.is_none() && entry.flow == Flow::Flowing {
                let listeners = mem::take(&mut entry.listeners.data);
                self.emit_data(id, listeners, &buffer[..count]);
                if count >= HIGH_WATER_MARK {
                    self.much_has_flowed(id);
                }
            } else {
                deliver(self, id, &buffer[..count]);
            }

            self.drain()?;
            if count < buffer.len() {
                if is_sticky || !is_tcp {
                    self.read_again(id, is_sticky);
                }
                return Ok(());
            }
            reads += 1;
            if reads == READS_PER_TURN || reads * count >= self.burst.bytes {
                self.read_again(id, is_sticky);
                return Ok(());
            }
            match self.entry(id) {
                Some(again) if again.is_reading => entry = again,
                _ => return Ok(()),
            }
        }
    }

    /// A chunk of the mark's size has flowed through: it may have been put back, which stops the
    /// handle.
    #[cold]
    fn much_has_flowed(&mut self, id: SocketId) {
        if let Some(cold) = self.entry(id).and_then(|entry| entry.cold.as_mut()) {
            cold.reading.asked = false;
            self.chunk_has_come(id);
        }
    }

    /// The kernel has nothing, or the connection has failed.
    #[cold]
    pub(super) fn receive_failed(&mut self, id: SocketId, error: &io::Error) -> Result<(), Error> {
        if error.kind() == io::ErrorKind::WouldBlock {
            return Ok(());
        }
        self.touch(id);
        self.destroy(id, Some(Error::of_call("read", error)));
        self.drain()
    }

    /// The same into a buffer of the program's own, which is lent with its callback for the burst.
    #[cold]
    fn receive_into_own(&mut self, id: SocketId, is_sticky: bool) -> Result<(), Error> {
        let mut outcome = Ok(());
        self.emit(
            Subject::Socket(id),
            "on_read",
            |event_loop| {
                event_loop
                    .entry(id)?
                    .cold
                    .as_mut()
                    .map(|cold| &mut cold.on_read)
            },
            |own: &mut OnRead, event_loop| {
                let OnRead { buffer, callback } = own;
                outcome =
                    event_loop.receive_into(id, buffer, is_sticky, |event_loop, id, chunk| {
                        event_loop.touch(id);
                        if !callback.get()(&mut event_loop.socket_at(id), chunk) {
                            event_loop.stop_reading(id);
                        }
                    });
            },
        );
        outcome
    }

    /// The peer's FIN. What the decoder holds back will not be completed any more.
    #[cold]
    fn receive_end(&mut self, id: SocketId) -> Result<(), Error> {
        self.touch(id);
        self.stop_reading(id);
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        let Some(cold) = &mut entry.cold else {
            self.feed(id, Input::PeerEnded);
            self.feed_drained(id);
            return self.drain();
        };
        let rest = cold.decoder.as_mut().map_or_else(Vec::new, Decoder::end);
        if !rest.is_empty() {
            cold.inbox.push(rest);
        }
        // `readable` comes with the end, and once.
        cold.reading.asked = false;
        cold.reading.wants_readable = false;
        cold.reading.readable_is_queued = true;
        self.feed(id, Input::PeerEnded);
        self.emit_readable(id);
        self.read(id, Some(0));
        self.drain()
    }

    /// Hands bytes on, decoded if that was asked for.
    #[inline(never)]
    fn deliver(&mut self, id: SocketId, chunk: &[u8]) {
        self.touch(id);
        let decoder = self
            .entry(id)
            .and_then(|entry| entry.cold.as_mut()?.decoder.as_mut());
        let text = decoder.map(|decoder| decoder.write(chunk));
        match text {
            None => self.accept_chunk(id, chunk),
            Some(Cow::Borrowed(text)) if !text.is_empty() => self.accept_chunk(id, text),
            Some(Cow::Owned(text)) if !text.is_empty() => self.accept_chunk(id, &text),
            Some(_) => self.chunk_has_come(id),
        }
    }

    /// Hands a chunk on, or keeps it for later.
    pub(super) fn accept_chunk(&mut self, id: SocketId, chunk: &[u8]) {
        let Some(entry) = self.entry(id) else { return };
        let waits = entry
            .cold
            .as_ref()
            .is_some_and(|cold| !cold.inbox.is_empty());
        let is_for_data = entry.hears_data() || !entry.is_read_by_hand();
        let is_flowing = entry.flow == Flow::Flowing;
        let cold = entry.cold();
        cold.reading.asked = false;
        if is_flowing && !waits && is_for_data {
            self.emit_chunk(id, chunk);
        } else {
            cold.inbox.push(chunk.to_vec());
            if cold.reading.wants_readable {
                self.queue_readable(id);
            }
        }
        self.chunk_has_come(id);
    }

    #[inline(always)]
    pub(super) fn emit_data(&mut self, id: SocketId, listeners: Slot<OnData>, chunk: &[u8]) {
        self.emit_to(
            listeners,
            Subject::Socket(id),
            DATA.name,
            move |event_loop| event_loop.entry(id).and_then(DATA.slot),
            move |listener, event_loop| listener(&mut event_loop.socket_at(id), chunk),
        );
    }
}
