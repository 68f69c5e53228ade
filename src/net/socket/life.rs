//! The driver of a socket's state machine: it feeds inputs and performs actions.

use super::super::abort::Abortable;
use super::super::error::{Error, words};
use super::super::event_loop::Loop;
use super::super::queues::{Pending, SocketTick, Tick};
use super::super::trace::{Subject, What};
use super::super::{AbortId, ServerId, SocketId};
use super::{Flow, Socket, SocketEntry, WriteCallback};
use crate::room::reactor::Readiness;
use crate::rules::state::socket::{Action, Input, Readable, State, step};

/// `ECANCELED` of Linux.
const ECANCELED: i32 = 125;

impl Loop {
    /// Tells the machine what happened, and does what it says.
    pub(super) fn feed(&mut self, id: SocketId, input: Input) {
        let Some(entry) = self.entry(id) else { return };
        let from = entry.connection.state;
        let (to, actions) = step(from, input);
        if from == to && actions.is_empty() {
            return;
        }
        entry.connection.state = to;
        self.update_hold(id);
        let former = self.trace.is_on().then(|| {
            let (from, input, to) = (&from, &input, &to);
            let what = What::Transition { from, input, to };
            self.trace.enter(Subject::Socket(id), what)
        });
        for &action in actions {
            self.perform(id, action);
        }
        if let Some(former) = former {
            self.trace.leave(former);
        }
    }

    fn perform(&mut self, id: SocketId, action: Action) {
        match action {
            Action::EmitConnect => self.emit_connect(id),
            Action::QueueShutdown => self.pending.push_back(Pending::Shutdown(id)),
            Action::EmitPrefinish => {
                self.emit_plain(id, "prefinish", |entry| {
                    entry.cold.as_mut().map(|cold| &mut cold.prefinish)
                });
            }
            Action::QueueFinish => self.socket_tick(id, SocketTick::Finish),
            Action::EmitFinish => self.emit_finish(id),
            Action::QueueEnd => self.socket_tick(id, SocketTick::End),
            Action::EmitEnd => {
                self.emit_plain(id, "end", |entry| Some(&mut entry.listeners.end));
                self.end_pipes(id);
            }
            Action::OfferEnd => self.offer_end(id),
            Action::Destroy => self.destroy(id, None),
            Action::Reset => self.reset(id),
            Action::Release => self.release(id),
            Action::QueueClose => self.socket_tick(id, SocketTick::Close),
            Action::EmitClose => self.emit_close(id),
        }
    }

    pub(super) fn socket_tick(&mut self, id: SocketId, tick: SocketTick) {
        self.tick(Tick::Socket(id, tick));
    }

    /// The library's own work in the tick queue.
    pub(in crate::net) fn run_socket_tick(
        &mut self,
        id: SocketId,
        tick: SocketTick,
    ) -> Result<(), Error> {
        match tick {
            SocketTick::Connect => self.attempt(id),
            SocketTick::AskLookup => self.ask_lookup(id),
            SocketTick::Written(callbacks) => self.after_write(id, callbacks),
            SocketTick::WriteFailed(callback, error) => {
                self.after_failed_write(id, callback.into_iter().collect(), error);
            }
            SocketTick::Refused(callback, error) => self.call_back(id, callback, Err(&error)),
            SocketTick::EndCallback(callback, error) => {
                self.call_back(id, callback, error.as_ref().map_or(Ok(()), Err));
            }
            SocketTick::Abandon => self.abandon_waiting(id),
            SocketTick::Finish => self.feed(id, Input::FinishDue),
            SocketTick::End => self.end_is_due(id),
            SocketTick::AutoEnd => self.end_own_half(id),
            SocketTick::Error(error) => return self.emit_error(id, error),
            SocketTick::Close => {
                self.feed(id, Input::CloseDue);
                self.closed.push(id);
            }
            SocketTick::Resume => self.resume_now(id),
            SocketTick::Readable => self.emit_readable(id),
            SocketTick::ReadMore => self.read_more(id),
            SocketTick::Paused => {
                self.emit_plain(id, "pause", |entry| {
                    entry.cold.as_mut().map(|cold| &mut cold.pause)
                });
            }
            SocketTick::Piped(source) => self.emit_pipe(id, source),
            SocketTick::Unpiped(source) => self.emit_unpipe(id, source),
            SocketTick::Destroy(error) => self.destroy(id, error),
        }
        Ok(())
    }

    /// The kernel says that a socket is ready.
    #[inline(always)]
    pub(in crate::net) fn socket_ready(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        if !self.trace.is_on() {
            return self.serve(id, readiness, buffer);
        }
        let words = readiness.words();
        let former = self
            .trace
            .enter(Subject::Socket(id), What::Readiness(&words));
        let outcome = self.serve(id, readiness, buffer);
        self.trace.leave(former);
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
        if matches!(entry.connection.state, State::Opening(_)) {
            self.connect_progress(id, readiness);
            return self.drain();
        }
        // Looked at before anything is delivered: what is queued from there on gets an edge of
        // its own.
        if entry.connection.is_in_flight() {
            return self.serve_owing(id, readiness, buffer);
        }
        if readiness.is_to_read() {
            return self.receive(id, readiness.is_sticky(), buffer);
        }
        Ok(())
    }

    #[inline(never)]
    fn serve_owing(
        &mut self,
        id: SocketId,
        readiness: Readiness<'_>,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        if readiness.is_to_read() {
            self.receive(id, readiness.is_sticky(), buffer)?;
        }
        self.flush(id)
    }

    /// A socket that had more to give is served again.
    pub(in crate::net) fn socket_again(
        &mut self,
        id: SocketId,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        entry.is_again = false;
        let is_sticky = std::mem::take(&mut entry.is_again_sticky);
        let former = self
            .trace
            .is_on()
            .then(|| self.trace.enter(Subject::Socket(id), What::Again));
        let outcome = self
            .receive(id, is_sticky, buffer)
            .and_then(|()| self.flush(id));
        if let Some(former) = former {
            self.trace.leave(former);
        }
        outcome
    }

    /// Puts a socket on the again list, unless it stands there. Sticky, it stays there until the
    /// kernel has no more.
    pub(super) fn read_again(&mut self, id: SocketId, is_sticky: bool) {
        let Some(entry) = self.entry(id) else { return };
        entry.is_again_sticky |= is_sticky;
        if !std::mem::replace(&mut entry.is_again, true) {
            self.serve_next_turn(id.0);
        }
    }

    fn offer_end(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| !entry.allow_half_open)
        {
            self.socket_tick(id, SocketTick::AutoEnd);
        }
    }

    /// The pending phase does what `end` has queued. The second to end is destroyed next, in the
    /// drain of this very phase: there `close(2)` sends the FIN, and unless somebody listens to
    /// what comes between, nobody can tell.
    pub(in crate::net) fn shut_down(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let Some(stream) = &entry.connection.stream else {
            return;
        };
        let has_peer_ended = matches!(entry.connection.state, State::Open(Readable::Ended, _));
        let shut_down = if has_peer_ended && entry.cold.is_none() {
            Ok(())
        } else {
            stream.shutdown()
        };
        match shut_down {
            Ok(()) => self.feed(id, Input::ShutDown),
            Err(error) => self.destroy(id, Some(Error::of_call("shutdown", &error))),
        }
    }

    fn emit_finish(&mut self, id: SocketId) {
        let callbacks = self.take_end_callbacks(id);
        for callback in callbacks {
            self.call_back(id, callback, Ok(()));
        }
        self.emit_plain(id, "finish", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.finish)
        });
        self.unpipe_all_into(id);
    }

    pub(super) fn take_end_callbacks(&mut self, id: SocketId) -> Vec<WriteCallback> {
        let cold = self.entry(id).and_then(|entry| entry.cold.as_mut());
        cold.map_or_else(Vec::new, |cold| std::mem::take(&mut cold.end_callbacks))
    }

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

    /// Timers, lookups, pipes and abort handles of a socket end with it.
    fn stop_everything(&mut self, id: SocketId) {
        let Some(cold) = self.entry(id).and_then(|entry| entry.cold.as_mut()) else {
            return;
        };
        let connecting = cold.connecting.take();
        let idle = cold.idle.as_mut().and_then(|idle| idle.timer.take());
        let timers = std::mem::take(&mut cold.timers);
        let abort = cold.abort.take();
        for timer in timers {
            self.clear_timeout(super::super::TimerId(timer));
        }
        if let Some(timer) = idle {
            self.timers.cancel(timer);
        }
        if let Some(connecting) = connecting {
            self.stop_connecting(&connecting);
        }
        if let Some(abort) = abort {
            self.forget_abortable(abort, Abortable::Socket(id));
        }
    }

    fn reset(&mut self, id: SocketId) {
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
    fn release(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        entry.is_reading = false;
        let is_foreign = entry.cold.as_ref().is_some_and(|cold| cold.is_foreign);
        if let Some(mut stream) = entry.connection.stream.take()
            && is_foreign
        {
            self.reactor.deregister(&mut stream);
        }
        self.update_hold(id);
        self.closing.push(id);
        self.end_rests();
    }

    /// The closing phase of one socket: what was on its way is cancelled, then `close`.
    pub(in crate::net) fn finish_closing(&mut self, id: SocketId) -> Result<(), Error> {
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        let is_held_back = entry.cold.as_ref().is_some_and(|cold| cold.is_held_back);
        if entry.connection.is_in_flight() && !is_held_back {
            let cancelled = std::io::Error::from_raw_os_error(ECANCELED);
            self.fail_writes(id, &Error::of_call("write", &cancelled));
            self.drain()?;
        }
        self.feed(id, Input::CloseDue);
        self.closed.push(id);
        self.drain()
    }

    fn emit_close(&mut self, id: SocketId) {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        let had_error = cold.map_or(Some(false), |cold| cold.had_error);
        self.emit_socket(
            id,
            "close",
            |entry| Some(&mut entry.listeners.close),
            |listener, socket| listener(socket, had_error),
        );
        self.unpipe_all_into(id);
        self.forget_pipes_of(id);
    }

    /// Frees the slot of a socket that has closed, unless it was connected again.
    pub(in crate::net) fn free_closed(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| entry.connection.state == State::Closed)
        {
            self.reactor.remove(id.0);
        }
    }

    fn emit_error(&mut self, id: SocketId, error: Error) -> Result<(), Error> {
        self.errors_of_pipes(id);
        let was_heard = self.emit_socket(
            id,
            "error",
            |entry| Some(&mut entry.listeners.error),
            |listener, socket| listener(socket, &error),
        );
        if was_heard { Ok(()) } else { Err(error) }
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
        } else if let Some(entry) = self.entry(id) {
            entry.cold().abort = Some(signal);
        }
    }
}

impl SocketEntry {
    /// An accepted connection is read from at once, unless it is to be paused.
    pub(in crate::net) fn begin_accepted(
        &mut self,
        server: ServerId,
        allow_half_open: bool,
        is_paused: bool,
    ) {
        self.server = Some(server);
        self.allow_half_open = allow_half_open;
        self.is_reading = !is_paused;
        if is_paused {
            self.flow = Flow::Paused;
        }
    }

    pub(in crate::net) fn set_limits(&mut self, mark: Option<usize>, limit: Option<usize>) {
        if mark.is_some() || limit.is_some() {
            let cold = self.cold();
            cold.high_water_mark = mark;
            cold.write_limit = limit;
        }
    }
}

impl Socket<'_> {
    /// Ends the socket now: what is queued is dropped, `close(2)` is called, and if received
    /// bytes were left unread, the kernel resets the connection. `close` is emitted in the
    /// closing phase. Calling it again does nothing.
    pub fn destroy(&mut self) -> &mut Self {
        self.event_loop.destroy(self.id, None);
        self
    }

    /// As [`destroy`](Socket::destroy), and `error` is emitted before `close`, from a tick.
    pub fn destroy_with(&mut self, error: Error) -> &mut Self {
        self.event_loop.destroy(self.id, Some(error));
        self
    }

    /// Ends our half, and destroys the socket as soon as all that was written has left, without
    /// waiting for the peer's end.
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

    /// Closes the connection so that the peer sees a reset (`ECONNRESET`). While connecting,
    /// this waits for the connection; a socket that has no connection to reset is destroyed with
    /// `ERR_SOCKET_CLOSED`.
    ///
    /// # Errors
    /// `ERR_INVALID_HANDLE_TYPE` for a Unix-domain socket, which knows no reset.
    pub fn reset_and_destroy(&mut self) -> Result<&mut Self, Error> {
        match self.state() {
            State::Idle(_) | State::Destroyed | State::Closed => {
                self.event_loop.destroy(self.id, Some(words::closed()));
            }
            State::Opening(_) | State::Open(_, _) => {
                if self.is_unix() {
                    return Err(words::invalid_handle());
                }
                self.event_loop.feed(self.id, Input::ResetCalled);
            }
        }
        Ok(self)
    }

    /// Lets the socket hold the loop again: Node's `ref()`.
    pub fn ref_(&mut self) -> &mut Self {
        self.hold(true)
    }

    /// Lets the loop end although this socket is open: Node's `unref()`. A request that is on
    /// its way (a connect, a write) holds the loop all the same.
    pub fn unref(&mut self) -> &mut Self {
        self.hold(false)
    }

    fn hold(&mut self, is_held: bool) -> &mut Self {
        if let Some(entry) = self.event_loop.entry(self.id) {
            entry.is_held = is_held;
            self.event_loop.update_hold(self.id);
        }
        self
    }
}
