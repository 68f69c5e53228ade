//! What the poll phase does with a socket: the kernel says that it is ready, or it stands on the
//! again list.

use super::super::SocketId;
use super::super::error::Error;
use super::super::trace::{Subject, What};
use super::SocketEntry;
use crate::net::event_loop::Loop;
use crate::net::event_loop::errands::Errands;
use crate::room::reactor::Readiness;
use crate::room::stream::Stream;
use crate::rules::state::socket::State;

impl Loop {
    /// The kernel says that a socket is ready.
    #[inline(always)]
    pub(in crate::net) fn socket_ready(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        if self.agenda.trace.is_on() {
            return self.serve_told(id, readiness, buffer);
        }
        self.serve(id, readiness, buffer)
    }

    /// The same, and the trace is told of it.
    #[cold]
    fn serve_told(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let former = self
            .agenda
            .trace
            .enter_ready(Subject::Socket(id), &readiness);
        let outcome = self.serve(id, readiness, buffer);
        self.agenda.trace.leave(former);
        outcome
    }

    #[inline(always)]
    fn serve(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let Some(entry) = self.entry_ref(id) else {
            return Ok(());
        };
        if entry.connection.state.life == State::Opening {
            return self.connect_progress(id, readiness);
        }
        if entry.sending.is_in_flight() || readiness.is_sticky() {
            return self.serve_whole(id, readiness, buffer);
        }
        if readiness.is_to_read() {
            return self.receive(id, false, buffer);
        }
        Ok(())
    }

    /// Looked at before anything is delivered: what is queued from there on gets an edge of its
    /// own. That the connection is over holds for it, too.
    #[inline(never)]
    fn serve_whole(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let turn = self.agenda.turns;
        if let Some(entry) = self.entry(id) {
            if readiness.is_to_write() {
                entry.sending.room_reported(turn);
            }
            entry.connection.is_over |= readiness.is_over();
        }
        if readiness.is_to_read() {
            self.receive(id, readiness.is_sticky(), buffer)?;
        }
        self.serve_rest(id)
    }

    /// What is left after reading: to write, if there is room. Where the connection is over, libuv
    /// also shuts down at once what `end` has ended meanwhile, and does not put it off.
    fn serve_rest(&mut self, id: SocketId) -> Result<(), Error> {
        match self.entry_ref(id) {
            Some(entry) if entry.connection.is_over || entry.sending.has_room() => {
                self.serve_writable(id)
            }
            _ => Ok(()),
        }
    }

    /// A socket that had more to give is served again.
    pub(in crate::net) fn socket_again(
        &mut self,
        id: SocketId,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let goes_last = self.burst.goes_last;
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        entry.is_again = false;
        if goes_last {
            entry.read_in_turn = 0;
        }
        let is_sticky = std::mem::take(&mut entry.is_again_sticky);
        let failed = match &mut entry.cold {
            Some(cold) if entry.is_reading => cold.reading.failed.take(),
            _ => None,
        };
        let former = self
            .agenda
            .trace
            .is_on()
            .then(|| self.agenda.trace.enter(Subject::Socket(id), What::Again));
        let outcome = match failed {
            Some(error) => self.receive_failed(id, &error),
            None => self.receive(id, is_sticky, buffer),
        };
        let outcome = outcome.and_then(|()| self.serve_rest(id));
        if let Some(former) = former {
            self.agenda.trace.leave(former);
        }
        outcome
    }

    /// Puts a socket on the again list, unless it stands there. Sticky, it stays there until the
    /// kernel has no more.
    pub(in crate::net) fn read_again(&mut self, id: SocketId, is_sticky: bool) {
        self.with_socket(id, |socket, errands| socket.read_again(is_sticky, errands));
    }
}

impl SocketEntry {
    /// Puts the socket on the again list, unless it stands there. Sticky, it stays there until the
    /// kernel has no more.
    pub(super) fn read_again(&mut self, is_sticky: bool, errands: &mut Errands<'_>) {
        self.is_again_sticky |= is_sticky;
        if !std::mem::replace(&mut self.is_again, true) {
            errands.agenda.serve_next_turn(errands.id.0);
        }
    }

    /// The turns are counted anew.
    pub(in crate::net) fn was_never_read(&mut self) {
        self.read_in_turn = 0;
        self.sending.was_made_before();
    }

    /// In this turn it is read as one of the again list, whatever the kernel tells of it.
    pub(in crate::net) fn waits_for_its_rest(&mut self, turn: u32) {
        self.read_in_turn = turn;
    }

    /// Whether there is something to be done for a socket on the again list; if not, it stands
    /// there no more. An error that is met is kept until the socket is served.
    pub(in crate::net) fn stays_to_be_served(&mut self) -> bool {
        if !self.is_reading || self.sending.has_room() {
            return true;
        }
        match self.connection.stream.as_ref().map(Stream::has_more) {
            None | Some(Ok(true)) => {}
            Some(Ok(false)) => {
                self.is_again = false;
                self.is_again_sticky = false;
            }
            Some(Err(error)) => self.cold().reading.failed = Some(error),
        }
        self.is_again
    }
}
