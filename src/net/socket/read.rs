//! Receiving: bounded bursts of reads, delivery to whoever listens, and what waits meanwhile.
//!
//! Edges are never lost. A burst stops at the first short read, but whoever may still have
//! something to give goes on the again list: a TCP socket whose readiness told of an end, an
//! error or urgent data, a Unix socket always (until `EAGAIN`), and one that hit the bound.

use std::borrow::Cow;
use std::{io, mem};

use super::super::SocketId;
use super::super::error::Error;
use super::super::event_loop::Loop;
use super::super::queues::SocketTick;
use super::super::slot::Slot;
use super::super::trace::Subject;
use super::{Flow, OnData, OnRead, Socket, SocketEntry};
use crate::rules::decoder::{Decoder, Encoding};
use crate::rules::state::socket::{Input, Readable, State};

/// How many reads one socket gets before the others' turn comes: libuv's bound.
const READS_PER_TURN: usize = 32;

/// How far `read` can raise the high-water mark, as in Node.
const READ_MARK_MAX: usize = 1 << 30;

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
        let turn = self.turns;
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
            if reads == READS_PER_TURN {
                self.read_again(id, is_sticky);
                return Ok(());
            }
            match self.entry(id) {
                Some(again) if again.is_reading => entry = again,
                _ => return Ok(()),
            }
        }
    }

    /// The kernel has nothing, or the connection has failed.
    #[cold]
    fn receive_failed(&mut self, id: SocketId, error: &io::Error) -> Result<(), Error> {
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
                        if !callback(&mut event_loop.socket_at(id), chunk) {
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
        let decoder = self
            .entry(id)
            .and_then(|entry| entry.cold.as_mut()?.decoder.as_mut());
        let rest = decoder.map_or_else(Vec::new, Decoder::end);
        if !rest.is_empty() {
            self.accept_chunk(id, &rest);
        }
        self.feed(id, Input::PeerEnded);
        if self.is_read_by_hand(id) {
            self.emit_readable(id);
        }
        self.feed_drained(id);
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
            Some(_) => {}
        }
    }

    /// Hands a chunk on, or keeps it for later.
    fn accept_chunk(&mut self, id: SocketId, chunk: &[u8]) {
        let Some(entry) = self.entry(id) else { return };
        let waits = entry
            .cold
            .as_ref()
            .is_some_and(|cold| !cold.inbox.is_empty());
        if entry.flow == Flow::Flowing && !waits {
            let listeners = mem::take(&mut entry.listeners.data);
            self.emit_data(id, listeners, chunk);
            return self.pipe_chunk(id, chunk);
        }
        if entry.connection.state.is_destroyed() {
            return;
        }
        let mark = entry.read_mark();
        let cold = entry.cold();
        cold.inbox.push(chunk.to_vec());
        let is_full = cold.inbox.len() >= mark;
        let wants_readable = cold.reading.wants_readable;
        if is_full {
            self.stop_reading(id);
        }
        if wants_readable {
            self.queue_readable(id);
        }
    }

    #[inline(always)]
    fn emit_data(&mut self, id: SocketId, listeners: Slot<OnData>, chunk: &[u8]) {
        self.emit_to(
            listeners,
            Subject::Socket(id),
            "data",
            move |event_loop| Some(&mut event_loop.entry(id)?.listeners.data),
            move |listener, event_loop| listener(&mut event_loop.socket_at(id), chunk),
        );
    }

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

    fn stop_reading(&mut self, id: SocketId) {
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
        let Some(entry) = self.entry_ref(id) else {
            return;
        };
        if entry.cold.as_ref().is_none_or(|cold| cold.inbox.is_empty()) {
            self.feed(id, Input::Drained);
        }
    }

    /// The tick of `end`: unless bytes were put back meanwhile.
    pub(super) fn end_is_due(&mut self, id: SocketId) {
        let Some(entry) = self.entry_ref(id) else {
            return;
        };
        let waits = entry
            .cold
            .as_ref()
            .is_some_and(|cold| !cold.inbox.is_empty());
        self.feed(
            id,
            if waits {
                Input::Unshifted
            } else {
                Input::EndDue
            },
        );
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

    /// Emits what waits, chunk by chunk, for as long as the data flows.
    pub(super) fn emit_waiting(&mut self, id: SocketId) {
        loop {
            let Some(entry) = self.entry(id) else { return };
            if entry.flow != Flow::Flowing || entry.connection.state.is_destroyed() {
                return;
            }
            let Some(chunk) = entry.cold.as_mut().and_then(|cold| cold.inbox.pop()) else {
                break;
            };
            let listeners = mem::take(&mut entry.listeners.data);
            self.emit_data(id, listeners, &chunk);
            self.pipe_chunk(id, &chunk);
        }
        self.feed_drained(id);
        self.start_reading(id);
    }

    fn is_read_by_hand(&self, id: SocketId) -> bool {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        cold.is_some_and(|cold| cold.reading.is_by_hand)
    }

    fn queue_readable(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let reading = &mut entry.cold().reading;
        reading.wants_readable = false;
        if !std::mem::replace(&mut reading.readable_is_queued, true) {
            self.socket_tick(id, SocketTick::Readable);
        }
    }

    /// The tick of `readable`.
    pub(super) fn emit_readable(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let state = entry.connection.state;
        let has_ended = matches!(state, State::Open(Readable::Eof | Readable::Due, _));
        let cold = entry.cold();
        cold.reading.readable_is_queued = false;
        if state.is_destroyed() || cold.inbox.is_empty() && !has_ended {
            return;
        }
        self.emit_plain(id, "readable", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.readable)
        });
        if let Some(entry) = self.entry(id) {
            let mark = entry.read_mark();
            let cold = entry.cold();
            cold.reading.wants_readable = !has_ended && cold.inbox.len() <= mark;
            if cold.readable.is_empty() {
                self.socket_tick(id, SocketTick::HandsOff);
            }
        }
        self.emit_waiting(id);
    }

    /// The tick after the last listener of `readable` has gone: those of `data` have their way, or
    /// it is as if nobody had ever asked.
    pub(super) fn hands_off(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if !entry.cold().readable.is_empty() {
            return;
        }
        entry.cold().reading.is_by_hand = false;
        if !entry.listeners.data.is_empty() {
            self.socket_at(id).resume();
        } else if entry.flow == Flow::Paused {
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
    fn raise_read_mark(&mut self, size: usize) {
        if size > self.read_mark() {
            self.cold().reading.raised_mark = size.min(READ_MARK_MAX).next_power_of_two();
        }
    }

    fn has_own_buffer(&self) -> bool {
        self.cold
            .as_ref()
            .is_some_and(|cold| cold.reading.has_own_buffer)
    }
}

impl Socket<'_> {
    /// Stops `data`: Node's `pause()`. What comes is kept, up to the high-water mark; then nothing is
    /// read any more, and the peer has to wait. `pause` is emitted from a tick.
    pub fn pause(&mut self) -> &mut Self {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return self;
        };
        if entry.connection.state.is_destroyed() {
            return self;
        }
        entry.cold().reading.is_paused = true;
        if entry.has_own_buffer() {
            entry.is_reading = false;
        }
        if entry.flow != Flow::Paused {
            entry.flow = Flow::Paused;
            self.event_loop.socket_tick(id, SocketTick::Paused);
        }
        self.event_loop.update_hold(id);
        self
    }

    /// Lets `data` flow, from a tick on: Node's `resume()`. Without a listener it is thrown away.
    /// While somebody listens for `readable` it does not flow, as in Node. A destroyed socket stays
    /// as it is.
    pub fn resume(&mut self) -> &mut Self {
        let id = self.id;
        let is_read_by_hand = self.event_loop.is_read_by_hand(id);
        let Some(entry) = self.event_loop.entry(id) else {
            return self;
        };
        if entry.connection.state.is_destroyed() {
            return self;
        }
        if let Some(cold) = &mut entry.cold {
            cold.reading.is_paused = false;
        }
        if entry.flow != Flow::Flowing {
            entry.flow = if is_read_by_hand {
                Flow::Paused
            } else {
                Flow::Flowing
            };
            self.queue_resume();
        }
        let entry = self.event_loop.entry_ref(id);
        if entry.is_some_and(SocketEntry::has_own_buffer) {
            // A callback that answered `false` has stopped the reading, but not the flow.
            self.event_loop.start_reading(id);
        }
        self
    }

    /// A connection that is read from, with nothing waiting and nobody listening for `resume`,
    /// needs no tick for it: the next chunk finds it flowing.
    fn queue_resume(&mut self) {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return;
        };
        if entry.is_reading && entry.cold.is_none() {
            return;
        }
        if !std::mem::replace(&mut entry.cold().reading.resume_is_queued, true) {
            self.event_loop.socket_tick(id, SocketTick::Resume);
        }
    }

    pub(super) fn flow_for_data(&mut self) {
        if self
            .event_loop
            .entry_ref(self.id)
            .is_some_and(|entry| entry.flow != Flow::Paused)
        {
            self.resume();
        }
    }

    pub(super) fn read_by_hand(&mut self) {
        let id = self.id;
        let Some(entry) = self.event_loop.entry(id) else {
            return;
        };
        entry.flow = Flow::Paused;
        let is_reading = entry.is_reading;
        let cold = entry.cold();
        cold.reading.is_by_hand = true;
        cold.reading.wants_readable = true;
        if !cold.inbox.is_empty() {
            self.event_loop.queue_readable(id);
        } else if !is_reading {
            self.event_loop.socket_tick(id, SocketTick::ReadMore);
        }
    }

    /// Whether the data was told not to flow: Node's `isPaused()`.
    pub fn is_paused(&self) -> bool {
        self.event_loop.entry_ref(self.id).is_some_and(|entry| {
            entry.flow == Flow::Paused
                || entry
                    .cold
                    .as_ref()
                    .is_some_and(|cold| cold.reading.is_paused)
        })
    }

    /// Whether the data flows: Node's `readableFlowing`, with `None`, its `null`, until somebody asks
    /// for data.
    pub fn readable_flowing(&self) -> Option<bool> {
        match self.event_loop.entry_ref(self.id)?.flow {
            Flow::Unasked => None,
            Flow::Paused => Some(false),
            Flow::Flowing => Some(true),
        }
    }

    /// Takes bytes that wait: a chunk as it came (with an encoding, all of the text), or with
    /// `size` exactly as many, or, after the end, what is left. `None` when there are not so many
    /// (yet). Node's `read([size])`, but no `data` is emitted for what is taken.
    ///
    /// A `size` above the high-water mark raises it, to the next power of two and at most to 1 GiB,
    /// so that so much can come together. After [`set_encoding`](Socket::set_encoding) it counts the
    /// units of UTF-16, as JavaScript does; a character of two units is not cut.
    pub fn read(&mut self, size: Option<usize>) -> Option<Vec<u8>> {
        let id = self.id;
        let entry = self.event_loop.entry(id)?;
        let has_ended = matches!(entry.connection.state, State::Open(Readable::Eof, _));
        let is_flowing = entry.flow == Flow::Flowing;
        entry.raise_read_mark(size.unwrap_or(0));
        let cold = entry.cold();
        let length = cold.inbox.len();
        let wanted = match size {
            None if cold.decoder.is_none() || is_flowing => Some(cold.inbox.first_len()),
            None => Some(length),
            Some(size) if cold.decoder.is_some() => cold.inbox.bytes_of(size),
            Some(size) => (size <= length).then_some(size),
        };
        let count = wanted.unwrap_or(if has_ended { length } else { 0 });
        let taken = (count > 0).then(|| cold.inbox.take(count));
        if taken.is_none() || cold.inbox.is_empty() {
            cold.reading.wants_readable = !has_ended;
        }
        self.event_loop.feed_drained(id);
        self.event_loop.read_more(id);
        taken
    }

    /// Puts bytes back in front of what waits: Node's `unshift()`. They come again as `data` or
    /// `readable`, from a tick.
    ///
    /// # Errors
    /// `ERR_STREAM_UNSHIFT_AFTER_END_EVENT` after `end` was emitted.
    pub fn unshift(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        if matches!(self.state(), State::Open(Readable::Ended, _)) {
            return Err(Error::with_code(
                "ERR_STREAM_UNSHIFT_AFTER_END_EVENT",
                "stream.unshift() after end event",
            ));
        }
        let Some(entry) = self.event_loop.entry(self.id) else {
            return Ok(());
        };
        if bytes.as_ref().is_empty() || entry.connection.state.is_destroyed() {
            return Ok(());
        }
        entry.cold().inbox.unshift(bytes.as_ref().to_vec());
        if self.event_loop.is_read_by_hand(self.id) {
            self.event_loop.queue_readable(self.id);
        } else {
            self.event_loop.socket_tick(self.id, SocketTick::Unshifted);
        }
        Ok(())
    }

    /// Sets how received bytes are turned into text: Node's `setEncoding`. Chunks are then whole
    /// characters, as UTF-8, and what a chunk cuts in two waits for the next one. What waits already
    /// is converted, too.
    ///
    /// ```
    /// use netloop::{Encoding, EventLoop};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop
    ///     .create_server(|socket| {
    ///         socket.end_with([0xe2, 0x82]); // two bytes of the three of a euro sign
    ///         let server = socket.server().unwrap();
    ///         socket.event_loop().server_at(server).close();
    ///     })
    ///     .listen(("127.0.0.1", 0), |server| {
    ///         let port = server.port().unwrap();
    ///         let mut socket = server.event_loop().connect(("127.0.0.1", port), |_| {}).unwrap();
    ///         socket
    ///             .set_encoding(Encoding::Utf8)
    ///             .on_data(|_, text| assert_eq!(std::str::from_utf8(text), Ok("\u{fffd}")));
    ///     })?;
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn set_encoding(&mut self, encoding: Encoding) -> &mut Self {
        let Some(entry) = self.event_loop.entry(self.id) else {
            return self;
        };
        let has_ended = matches!(entry.connection.state, State::Open(Readable::Eof, _));
        let mut decoder = Decoder::new(encoding);
        let cold = entry.cold();
        let length = cold.inbox.len();
        let mut text = decoder.write(&cold.inbox.take(length)).into_owned();
        if has_ended {
            text.append(&mut decoder.end());
        }
        if !text.is_empty() {
            cold.inbox.push(text);
        }
        cold.decoder = Some(decoder);
        self
    }

    /// How many received bytes wait for the program: Node's `readableLength`.
    pub fn readable_length(&self) -> usize {
        let cold = self
            .event_loop
            .entry_ref(self.id)
            .and_then(|entry| entry.cold.as_ref());
        cold.map_or(0, |cold| cold.inbox.len())
    }
}
