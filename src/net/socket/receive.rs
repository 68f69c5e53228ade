//! From readiness to `data`: the kernel reports that a socket is ready, or the socket is on the again list;
//! a bounded burst of reads follows, and each chunk is emitted or kept.
//!
//! The rules in [`receiving`](crate::rules::receiving) decide when the kernel is read, and what a chunk
//! leads to.

use std::{io, mem};

use super::events::{DATA, ON_READ, OnData};
use super::rest::Delivery;
use super::{OnRead, SocketEntry};
use crate::kernel::Stream;
use crate::kernel::reactor::Readiness;
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::listeners::Slot;
use crate::net::trace::{Idle, Subject, Why, errno};
use crate::rules::receiving::Next;
use crate::rules::state::socket::{Input, State};

impl Served<'_> {
    /// The kernel reports that a socket is ready.
    #[inline(always)]
    pub(in crate::net) fn socket_ready(
        self,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        if self.event_loop.agenda.trace.is_on() {
            return self.serve_traced(readiness, buffer);
        }
        self.serve(readiness, buffer)
    }

    #[cold]
    fn serve_traced(mut self, readiness: Readiness<'_>, buffer: &mut [u8]) -> Result<(), Error> {
        let subject = Subject::Socket(self.id);
        let entry = self.entry_ref();
        let idle = entry.map_or(Idle::Gone, |entry| entry.why_idle(readiness.is_to_read()));
        let trace = &mut self.event_loop.agenda.trace;
        let former = trace.enter_ready(subject, &readiness);
        let outcome = self.lend().serve(readiness, buffer);
        let trace = &mut self.event_loop.agenda.trace;
        trace.leave_ready(former, subject, idle);
        outcome
    }

    #[inline(always)]
    fn serve(self, readiness: Readiness<'_>, buffer: &mut [u8]) -> Result<(), Error> {
        let Some(entry) = self.entry_ref() else {
            return Ok(());
        };
        if entry.state.life == State::Opening {
            return self.connect_progress(readiness);
        }
        if entry.sending.is_in_flight() || readiness.may_hide_more() {
            return self.serve_whole(readiness, buffer);
        }
        if readiness.is_to_read() {
            return self.receive(false, buffer);
        }
        Ok(())
    }

    /// Serves a socket that has a request in flight, or whose readiness may hide more: it is read first,
    /// then written to. The room that the kernel reports is noted before a chunk is delivered, because a
    /// request that a listener makes gets an edge of its own. `is_hung_up` counts for such a request, too.
    #[inline(never)]
    fn serve_whole(mut self, readiness: Readiness<'_>, buffer: &mut [u8]) -> Result<(), Error> {
        let turn = self.event_loop.agenda.turns;
        if let Some(entry) = self.entry() {
            if readiness.is_to_write() {
                entry.sending.room_reported(turn);
            }
            entry.is_hung_up |= readiness.is_hung_up();
        }
        if readiness.is_to_read() {
            self.lend().receive(readiness.may_hide_more(), buffer)?;
        }
        self.serve_after_read()
    }

    /// What follows reading: a write, if there is room. When the connection is over, our half is also shut
    /// down at once if `end` was called meanwhile, and not put off, as in libuv.
    pub(super) fn serve_after_read(&mut self) -> Result<(), Error> {
        match self.entry_ref() {
            Some(entry) if entry.is_hung_up || entry.sending.has_room() => self.serve_writable(),
            _ => Ok(()),
        }
    }

    /// Serves a socket of the again list.
    pub(in crate::net) fn socket_again(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        let goes_last = self.event_loop.burst.goes_last;
        let Some(entry) = self.entry() else {
            return Ok(());
        };
        let may_hide_more = entry.receiving.leaves_again();
        if goes_last {
            entry.receiving.allow_burst();
        }
        let failed = match &mut entry.cold {
            Some(cold) if entry.receiving.reads_kernel() => cold.failed.take(),
            _ => None,
        };
        match failed {
            Some(error) => self.lend().receive_failed(&error)?,
            None => self.lend().receive(may_hide_more, buffer)?,
        }
        self.serve_after_read()
    }

    /// Reads until the kernel has no more, or the bound is hit: one burst a turn.
    #[inline(always)]
    pub(super) fn receive(self, may_hide_more: bool, buffer: &mut [u8]) -> Result<(), Error> {
        match self.event_loop.agenda.trace.is_on() {
            true => self.receive_traced(may_hide_more, buffer),
            false => self.receive_as::<false>(may_hide_more, buffer),
        }
    }

    #[cold]
    #[inline(never)]
    fn receive_traced(self, may_hide_more: bool, buffer: &mut [u8]) -> Result<(), Error> {
        self.receive_as::<true>(may_hide_more, buffer)
    }

    #[inline(always)]
    fn receive_as<const IS_TRACED: bool>(
        self,
        may_hide_more: bool,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        match self.entry_ref() {
            Some(entry) if entry.has_own_buffer() => self.receive_into_own(may_hide_more),
            _ => self.receive_into::<IS_TRACED>(buffer, may_hide_more, |mut socket, chunk| {
                socket.deliver(chunk)
            }),
        }
    }

    /// Reads one burst into `buffer`. A chunk that passes goes to the listeners of `data`, any other to
    /// `deliver`; the queues are drained after each. `IS_TRACED` is decided once for a burst, since a
    /// check for each chunk would cost an echo too much.
    #[inline(always)]
    fn receive_into<const IS_TRACED: bool>(
        mut self,
        buffer: &mut [u8],
        may_hide_more: bool,
        mut deliver: impl FnMut(Served<'_>, &[u8]),
    ) -> Result<(), Error> {
        let turn = self.event_loop.agenda.turns;
        let Some(mut entry) = self.entry() else {
            return Ok(());
        };
        if !entry.receiving.begin_burst(turn) {
            return Ok(());
        }
        let mut reads = 0;
        loop {
            let Some(stream) = &mut entry.stream else {
                return Ok(());
            };
            let short_means_empty = stream.is_tcp() && !may_hide_more;
            let count = match stream.receive(buffer) {
                Ok(0) => return self.receive_end(),
                Ok(count) => count,
                Err(error) => return self.receive_failed(&error),
            };
            entry.bytes_read += count as u64;
            let passes = entry.begin_passing();
            let listeners = passes.then(|| mem::take(&mut entry.listeners.data));
            self.trace_chunk::<IS_TRACED>(&buffer[..count]);
            reads += 1;
            let reading = (count, buffer.len(), reads);
            let mut delivery = Delivery::begin(self.lend(), reading, short_means_empty);
            match listeners {
                Some(listeners) => delivery.socket.pass(listeners, &buffer[..count]),
                None => deliver(delivery.socket.lend(), &buffer[..count]),
            }
            delivery.socket.drain()?;
            match delivery.end() {
                Next::Done => return Ok(()),
                Next::Again => {
                    self.read_on_next_turn(may_hide_more, count == buffer.len());
                    return Ok(());
                }
                Next::ReadOn => {}
            }
            match self.entry() {
                Some(after) if after.receiving.reads_kernel() => entry = after,
                _ => return Ok(()),
            }
        }
    }

    /// The burst ends although the kernel may have more: the socket joins the again list.
    #[cold]
    fn read_on_next_turn(&mut self, may_hide_more: bool, is_full: bool) {
        let why = Why::after_burst(may_hide_more, is_full);
        self.with(|socket, errands| {
            socket.join_again(why, errands);
            socket.receiving.note_readiness(may_hide_more);
        });
    }

    #[inline(always)]
    fn trace_chunk<const IS_TRACED: bool>(&mut self, chunk: &[u8]) {
        if IS_TRACED {
            let subject = Subject::Socket(self.id);
            self.event_loop.agenda.trace.received(subject, chunk);
        }
    }

    /// Passes a chunk to the listeners of `data`.
    #[inline(always)]
    fn pass(&mut self, listeners: Slot<OnData>, chunk: &[u8]) {
        let entry = self.emit_data(listeners, chunk);
        if !entry.is_some_and(SocketEntry::end_passing) {
            self.lend().chunk_is_done();
        }
    }

    /// recv(2) has failed: the kernel has nothing, or the connection has failed.
    #[cold]
    fn receive_failed(mut self, error: &io::Error) -> Result<(), Error> {
        let subject = Subject::Socket(self.id);
        (self.event_loop.agenda.trace).system(subject, "recv", Err(errno(error)));
        if error.kind() == io::ErrorKind::WouldBlock {
            return Ok(());
        }
        self.with(|socket, errands| {
            socket.touch(errands);
            socket.destroy(Some(Error::of_call("read", error)), errands);
        });
        self.drain()
    }

    /// Reads a burst into a buffer of the program's own. Buffer and callback are out of their slot until
    /// the burst ends.
    #[cold]
    fn receive_into_own(mut self, may_hide_more: bool) -> Result<(), Error> {
        let mut outcome = Ok(());
        self.emit(ON_READ, |own: &mut OnRead, socket| {
            let OnRead { buffer, callback } = own;
            let served = socket.event_loop.served(socket.id);
            outcome = served.receive_into::<true>(buffer, may_hide_more, |mut served, chunk| {
                served.with(SocketEntry::touch);
                if !callback.get()(&mut served.event_loop.socket_at(served.id), chunk) {
                    served.with(SocketEntry::stop_reading);
                }
            });
        });
        outcome
    }

    /// The peer's FIN.
    #[cold]
    fn receive_end(mut self) -> Result<(), Error> {
        let subject = Subject::Socket(self.id);
        (self.event_loop.agenda.trace).system(subject, "recv", Ok(Some(0)));
        self.with(|socket, errands| {
            socket.touch(errands);
            let then = socket.with_kept(|receiving, kept, _| receiving.ended(kept));
            socket.follow_reading(then, errands);
            socket.feed(Input::PeerEnded, errands);
        });
        self.emit_readable();
        self.with(|socket, errands| _ = socket.read(Some(0), errands));
        self.drain()
    }

    /// Emits or keeps a chunk, decoded if an encoding is set.
    #[inline(never)]
    fn deliver(&mut self, chunk: &[u8]) {
        let text = self.with(|socket, errands| {
            socket.touch(errands);
            if let Some(then) = socket.receiving.drop_chunk() {
                socket.follow_reading(then, errands);
                return None;
            }
            let text = socket.with_kept(|receiving, kept, _| {
                receiving.chunk_came();
                kept.decode(chunk)
            });
            let passes_on = !text.is_empty() && socket.passes_on_or_keeps(&text, errands);
            passes_on.then_some(text)
        });
        if let Some(text) = text.flatten() {
            self.emit_chunk(&text);
        }
        self.chunk_is_done();
    }

    /// Emits a chunk, then sends it through the pipes that existed before: a pipe that a listener adds or
    /// removes counts from the next chunk on. A destination whose `write` returns `false` pauses the
    /// source.
    pub(super) fn emit_chunk(&mut self, chunk: &[u8]) {
        let Some(entry) = self.entry() else {
            return;
        };
        let listeners = mem::take(&mut entry.listeners.data);
        let pipes = entry.pipes_to_fill();
        entry.receiving.begin_emission();
        self.event_loop.agenda.trace.gives(chunk.len());
        if let Some(entry) = self.emit_data(listeners, chunk) {
            entry.receiving.end_emission();
        }
        for to in pipes {
            if !self.event_loop.socket_at(to).write(chunk) {
                self.with(|socket, errands| socket.wait_for_drain(to, errands));
            }
        }
    }

    #[inline(always)]
    fn emit_data(&mut self, listeners: Slot<OnData>, chunk: &[u8]) -> Option<&mut SocketEntry> {
        let id = self.id;
        self.event_loop.emit_to(
            listeners,
            Subject::Socket(id),
            DATA,
            move |event_loop| event_loop.entry(id),
            move |listener, event_loop| listener(&mut event_loop.socket_at(id), chunk),
        )
    }

    /// What follows a chunk that was emitted or kept.
    #[inline(never)]
    fn chunk_is_done(&mut self) {
        self.with(|socket, errands| {
            let then = socket.with_kept(|receiving, kept, _| receiving.chunk_is_done(kept));
            socket.follow_reading(then, errands);
        });
    }
}

impl SocketEntry {
    /// Begins to pass a chunk unchanged to the listeners of `data`, and nowhere else, if that is all there
    /// is to do. Returns whether it does.
    #[inline(always)]
    fn begin_passing(&mut self) -> bool {
        let stands_in_the_way = self.cold.as_ref().is_some_and(|cold| {
            !cold.kept.lets_chunks_pass() || !cold.pipes.is_empty() || cold.idle.is_some()
        });
        !stands_in_the_way && self.receiving.begin_passing()
    }

    /// Ends the passing. Returns whether nothing is left to do but to wait for the next chunk.
    #[inline(always)]
    fn end_passing(&mut self) -> bool {
        self.keeps_nothing() && self.receiving.end_passing()
    }

    /// Returns whether a chunk is to be emitted at once. Otherwise keeps it.
    fn passes_on_or_keeps(&mut self, chunk: &[u8], errands: &mut Errands<'_>) -> bool {
        let is_heard = self.hears_data();
        let passes_on = self.with_kept(|receiving, kept, _| receiving.passes_on(is_heard, kept));
        if !passes_on {
            let then = self.with_kept(|receiving, kept, _| receiving.keep(chunk.to_vec(), kept));
            self.follow_reading(then, errands);
        }
        passes_on
    }

    /// Joins the again list, unless the socket is on it already. A socket that may hide more stays on it
    /// until the kernel has nothing.
    pub(in crate::net) fn join_again(&mut self, why: Why, errands: &mut Errands<'_>) {
        if self.receiving.joins_again(why.may_hide_more()) {
            let (subject, id) = (Subject::Socket(errands.id), errands.id.0);
            errands.agenda.serve_next_turn(subject, id, why);
        }
    }

    /// The turn counter has wrapped around.
    pub(in crate::net) fn allow_burst(&mut self) {
        self.receiving.allow_burst();
        self.sending.was_made_before();
    }

    /// Whether there is work for a socket on the again list; if not, it leaves the list. An error that is
    /// found here is kept until the socket is served.
    pub(in crate::net) fn stays_to_be_served(&mut self) -> bool {
        if !self.receiving.reads_kernel() || self.sending.has_room() {
            return true;
        }
        match self.stream.as_ref().map(Stream::has_more) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => _ = self.receiving.leaves_again(),
            Some(Err(error)) => self.cold().failed = Some(error),
        }
        self.receiving.is_listed_again()
    }
}
