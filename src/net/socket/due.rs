//! The deferred work of a socket: the library's own ticks, the shutdown in the pending phase, and the
//! closing phase.

use super::SocketEntry;
use super::events::{CLOSE, ERROR, FINISH, PIPE, UNPIPE};
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::event_loop::phase::Rest;
use crate::net::queues::SocketTick;
use crate::net::trace::{Subject, errno};
use crate::rules::state::socket::{Input, State, Writable};

impl Served<'_> {
    /// Runs a tick of the library's own.
    pub(in crate::net) fn run_socket_tick(&mut self, tick: SocketTick) -> Result<(), Error> {
        match tick {
            SocketTick::Connect => self.attempt(),
            SocketTick::AskLookup => self.ask_lookup(),
            SocketTick::Written(callbacks) => self.writes_have_left(callbacks),
            SocketTick::WriteFailed(callbacks, error) => {
                self.writes_have_failed(callbacks, error);
            }
            SocketTick::Refused(callback, error) => self.call_back(callback, Err(&error)),
            SocketTick::Abandon => self.abandon(),
            SocketTick::Finish => self.feed(Input::FinishDue),
            SocketTick::End => self.end_is_due(),
            SocketTick::AutoEnd => _ = self.with(SocketEntry::end_with_peer),
            SocketTick::Error(error) => return self.emit_error(error),
            SocketTick::Close => {
                self.event_loop.agenda.to_free.push(self.id);
                self.feed(Input::CloseDue);
            }
            SocketTick::Receiving(tick) => self.run_receiving_tick(tick),
            SocketTick::Piped(source) => {
                self.emit(PIPE, |listener, socket| listener(socket, source));
            }
            SocketTick::Unpiped(source) => {
                self.emit(UNPIPE, |listener, socket| listener(socket, source));
            }
            SocketTick::EndPipe(to, ends) => self.end_pipe(to, ends),
            SocketTick::Destroy(error) => self.destroy(error),
        }
        Ok(())
    }

    /// Shuts our half down, which `end` has queued for the pending phase. If the peer has ended before,
    /// the socket is destroyed in the same drain, and `close(2)` sends the FIN: `shutdown(2)` is skipped,
    /// unless the difference could be observed. A socket that was destroyed meanwhile, or is being
    /// connected again, has nothing to shut down.
    pub(in crate::net) fn shut_down(&mut self) -> Result<(), Error> {
        let Some(entry) = self.entry() else {
            return Ok(());
        };
        let state = entry.state;
        let (Writable::Shutting, Some(stream)) = (state.sending, &entry.stream) else {
            return Ok(());
        };
        let shut_down = if state.is_end_emitted() && !entry.is_finish_observed() {
            Ok(())
        } else {
            let outcome = stream.shutdown();
            let told = outcome.as_ref().map(|()| None).map_err(errno);
            let subject = Subject::Socket(self.id);
            (self.event_loop.agenda.trace).system(subject, "shutdown", told);
            outcome
        };
        match shut_down {
            Ok(()) => self.feed(Input::ShutDown),
            Err(error) => self.destroy(Some(Error::of_call("shutdown", &error))),
        }
        self.drain()
    }

    pub(super) fn emit_finish(&mut self) {
        let socket = self.entry();
        let ends = socket.map(|socket| socket.sending.take_end_callbacks());
        for callback in ends.unwrap_or_default() {
            self.call_back(callback, Ok(()));
        }
        self.emit_plain(FINISH);
    }

    fn emit_error(&mut self, error: Error) -> Result<(), Error> {
        self.unpipe_all_into();
        let was_heard = self.emit(ERROR, |listener, socket| listener(socket, &error));
        if was_heard {
            Ok(())
        } else {
            Err(error.unheard())
        }
    }

    /// The closing phase of one socket: cancels the request in flight, then emits `close`.
    pub(in crate::net) fn finish_closing(&mut self) -> Result<(), Error> {
        let Some(entry) = self.entry() else {
            return Ok(());
        };
        if entry.sending.is_in_flight() && !entry.sending.is_held() {
            self.event_loop.agenda.rest = Some(Rest::Close(self.id));
            self.cancel_request();
            self.drain()?;
            self.event_loop.agenda.rest = None;
        }
        self.close_is_due()
    }

    /// Emits `close`. The socket is freed afterwards, even if a listener throws.
    pub(in crate::net) fn close_is_due(&mut self) -> Result<(), Error> {
        self.event_loop.agenda.to_free.push(self.id);
        self.feed(Input::CloseDue);
        self.drain()
    }

    pub(super) fn emit_close(&mut self) {
        let entry = self.entry_ref();
        let had_error = entry.map_or(Some(false), SocketEntry::told_by_close);
        let cold = entry.and_then(|entry| entry.cold.as_ref());
        let is_heard_by_pipes = cold.is_some_and(|cold| cold.hears_its_end);
        self.emit(CLOSE, |listener, socket| listener(socket, had_error));
        if !is_heard_by_pipes {
            self.unpipe_all_into();
        }
    }

    /// Frees the slot of a socket that has closed, unless it was connected again.
    pub(in crate::net) fn free_closed(&mut self) {
        if self
            .entry_ref()
            .is_some_and(|entry| entry.state.life == State::Closed)
        {
            self.with(SocketEntry::forget_pipes);
            self.event_loop.reactor.remove(self.id.0);
            (self.event_loop.agenda.trace).forget(Subject::Socket(self.id));
        }
    }
}
