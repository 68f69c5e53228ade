//! The end of a socket: `destroy`, `close(2)`, `close`, and the slot is free.

use super::super::abort::Abortable;
use super::super::error::{Error, words};
use super::super::queues::{Caused, SocketTick};
use super::super::trace::Subject;
use super::super::{AbortId, SocketId};
use super::Socket;
use super::idle::Idle;
use crate::net::event_loop::Loop;
use crate::rules::state::socket::{Input, State};

impl Loop {
    /// Ends the socket now, with an error or without. Idempotent; a later error is ignored.
    pub(in crate::net) fn destroy(&mut self, id: SocketId, error: Option<Error>) {
        let Some(entry) = self.entry(id) else { return };
        let state = entry.connection.state;
        if state.is_destroyed() {
            return;
        }
        let waits = entry
            .connection
            .outbox()
            .is_some_and(|outbox| outbox.has_waiting());
        let has_handle = !matches!(state, State::Idle(_));
        let error = error.map(|error| error.of(Subject::Socket(id)));
        if error.is_some() || !has_handle || entry.cold.is_some() {
            let cold = entry.cold();
            cold.had_error = has_handle.then_some(error.is_some());
            if cold.errored.is_none() {
                cold.errored.clone_from(&error);
            }
        }
        let is_ending = entry
            .cold
            .as_ref()
            .is_some_and(|cold| !cold.end_callbacks.is_empty());
        if waits || is_ending {
            self.socket_tick(id, SocketTick::Abandon);
        }
        if let Some(error) = error {
            self.socket_tick(id, SocketTick::Error(error));
        }
        self.stop_everything(id);
        self.feed(id, Input::DestroyCalled);
        self.leave_server(id);
    }

    /// Timers, lookups and abort handles of a socket end with it.
    fn stop_everything(&mut self, id: SocketId) {
        let Some(cold) = self.entry(id).and_then(|entry| entry.cold.as_mut()) else {
            return;
        };
        let connecting = cold.connecting.take();
        let idle = cold.idle.as_mut().and_then(Idle::stop);
        let timers = std::mem::take(&mut cold.timers);
        let retry = cold.retry.take();
        let abort = cold.abort.take();
        for timer in timers {
            self.end_timer(timer);
        }
        for timer in idle.into_iter().chain(retry) {
            self.agenda.timers.cancel(timer);
        }
        if let Some(connecting) = connecting {
            self.stop_connecting(&connecting);
        }
        if let Some(abort) = abort {
            self.forget_abortable(abort, Abortable::Socket(id));
        }
    }

    pub(super) fn reset(&mut self, id: SocketId) {
        if let Some(stream) = self
            .entry_ref(id)
            .and_then(|entry| entry.connection.stream.as_ref())
        {
            stream.reset_on_close();
        }
        self.destroy(id, None);
    }

    /// `close(2)`. No `epoll_ctl` before it: closing takes a descriptor out of epoll, unless a
    /// duplicate of it lives on.
    pub(super) fn release(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        entry.is_reading = false;
        entry.connection.is_over = false;
        let is_foreign = entry.cold.as_ref().is_some_and(|cold| cold.is_foreign);
        if let Some(mut stream) = entry.connection.stream.take()
            && is_foreign
        {
            self.reactor.deregister(&mut stream);
        }
        self.update_hold(id);
        self.agenda
            .closing
            .push(Caused(self.agenda.trace.current(), id));
        self.end_rests();
    }

    /// The closing phase of one socket: what was on its way is cancelled, then `close`. Left by a
    /// panic or an error it is called again, and does what is left.
    pub(in crate::net) fn finish_closing(&mut self, id: SocketId) -> Result<(), Error> {
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        let is_held_back = entry.cold.as_ref().is_some_and(|cold| cold.is_held_back);
        if entry.connection.is_in_flight() && !is_held_back {
            self.cancel_request(id);
            self.drain()?;
        }
        self.feed(id, Input::CloseDue);
        self.drain()?;
        self.agenda.to_free.push(id);
        Ok(())
    }

    pub(super) fn emit_close(&mut self, id: SocketId) {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        let had_error = cold.map_or(Some(false), |cold| cold.had_error);
        let is_heard_by_pipes = cold.is_some_and(|cold| cold.hears_its_end);
        self.emit_socket(
            id,
            "close",
            |entry| Some(&mut entry.listeners.close),
            |listener, socket| listener(socket, had_error),
        );
        if !is_heard_by_pipes {
            self.unpipe_all_into(id);
        }
    }

    /// Frees the slot of a socket that has closed, unless it was connected again.
    pub(in crate::net) fn free_closed(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| entry.connection.state == State::Closed)
        {
            self.forget_pipes_of(id);
            self.reactor.remove(id.0);
        }
    }

    pub(in crate::net) fn abort_socket(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| !entry.connection.state.is_destroyed())
        {
            self.destroy(id, Some(words::aborted()));
        }
    }

    pub(super) fn attach_signal(&mut self, id: SocketId, signal: Option<AbortId>) {
        let Some(signal) = signal else { return };
        if self.end_on_abort(signal, Abortable::Socket(id)) {
            self.socket_tick(id, SocketTick::Destroy(Some(words::aborted())));
        }
        if let Some(entry) = self.entry(id) {
            entry.cold().abort = Some(signal);
        }
    }

    /// Whether its abort handle was used before it was given to it.
    pub(super) fn is_to_abort(&self, id: SocketId) -> bool {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        cold.and_then(|cold| cold.abort)
            .is_some_and(|signal| self.is_aborted(signal))
    }
}

impl Socket<'_> {
    /// Ends the socket now: Node's `destroy()`. What is queued is dropped, close(2) is called, and
    /// if received bytes were left unread, the kernel resets the connection (RFC 1122, 4.2.2.13).
    /// `close` is emitted in the closing phase, without a descriptor from a tick. Calling it again
    /// does nothing.
    pub fn destroy(&mut self) -> &mut Self {
        self.event_loop.destroy(self.id, None);
        self
    }

    /// As [`destroy`](Socket::destroy), and `error` is emitted before `close`, from a tick: Node's
    /// `destroy(error)`. Of a socket that is destroyed already the error is ignored.
    pub fn destroy_with(&mut self, error: Error) -> &mut Self {
        self.event_loop.destroy(self.id, Some(error));
        self
    }

    /// Ends our half, and destroys the socket at `finish`, when all that was written has left,
    /// without waiting for the peer's end: Node's `destroySoon()`.
    pub fn destroy_soon(&mut self) -> &mut Self {
        if self.is_writable() {
            self.end();
        }
        if self.is_writable_finished() {
            return self.destroy();
        }
        self.once_finish(|socket| {
            socket.destroy();
        })
    }

    /// Closes the connection so that the peer sees a reset (`ECONNRESET`), by `SO_LINGER` of zero
    /// (socket(7)): Node's `resetAndDestroy()`. Ours sees a `close` without an error. While
    /// connecting, this waits for the connection; a socket that has none to reset is destroyed with
    /// `ERR_SOCKET_CLOSED`.
    ///
    /// # Errors
    /// `ERR_INVALID_HANDLE_TYPE` for a Unix-domain socket, which knows no reset.
    pub fn reset_and_destroy(&mut self) -> Result<&mut Self, Error> {
        match self.state() {
            State::Idle(_) | State::Destroyed | State::Closed => {
                self.event_loop.destroy(self.id, Some(words::closed()));
            }
            State::Opening(_) | State::Open(_, _) if self.is_unix() => {
                return Err(words::invalid_handle());
            }
            // Among the other listeners, as in Node: a write made before leaves before.
            State::Opening(_) => {
                self.once_connect(|socket| socket.event_loop.feed(socket.id, Input::ResetCalled));
            }
            State::Open(_, _) => {
                self.event_loop.feed(self.id, Input::ResetCalled);
            }
        }
        Ok(self)
    }
}
