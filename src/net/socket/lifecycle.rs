//! A socket's life: the driver of its state machine, and its end.

use super::events::{END, PREFINISH};
use super::{Cold, Socket, SocketEntry, ToldByClose};
use crate::net::AbortId;
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::queues::FollowUp;
use crate::net::listeners::Own;
use crate::net::queues::SocketTick;
use crate::net::trace::{Cause, Subject, What};
use crate::rules::idle::IdleTimeout;
use crate::rules::state::socket::{Action, Input, State, step};

/// The name of the call in the trace.
const RESET: &str = "reset_and_destroy";

impl SocketEntry {
    /// Feeds the machine what a call has done, and performs its actions. None of the actions that follow
    /// such an input emits.
    pub(super) fn feed(&mut self, input: Input, errands: &mut Errands<'_>) {
        let Some((actions, former)) = self.step(input, errands) else {
            return;
        };
        for &action in actions {
            self.perform(action, errands);
        }
        errands.agenda.trace.leave(former);
    }

    /// Feeds the machine. Returns its actions, if anything has changed, and the cause to return to.
    fn step(
        &mut self,
        input: Input,
        errands: &mut Errands<'_>,
    ) -> Option<(&'static [Action], Cause)> {
        let from = self.state;
        let (to, actions) = step(from, input);
        if from == to && actions.is_empty() {
            return None;
        }
        self.state = to;
        let (from, input, to) = (&from, &input, &to);
        let what = What::Transition { from, input, to };
        let trace = &mut errands.agenda.trace;
        let former = trace.enter(Subject::Socket(errands.id), what);
        self.update_hold(errands);
        Some((actions, former))
    }

    fn perform(&mut self, action: Action, errands: &mut Errands<'_>) {
        match action {
            Action::QueueShutdown => self.serve_soon(errands),
            Action::QueueFinish => errands.tick(SocketTick::Finish),
            Action::QueueEnd => errands.tick(SocketTick::End),
            Action::OfferEnd if self.allow_half_open => {}
            Action::OfferEnd => errands.tick(SocketTick::AutoEnd),
            Action::Destroy => self.destroy(None, errands),
            Action::Reset => self.reset(errands),
            Action::Release => self.release(errands),
            Action::QueueClose => errands.tick(SocketTick::Close),
            Action::EmitConnect
            | Action::EmitPrefinish
            | Action::EmitFinish
            | Action::EmitEnd
            | Action::EmitClose => debug_assert!(false, "{action:?} is for a phase"),
        }
    }

    /// Ends the socket now, with an error or without. Idempotent; a later error is ignored.
    pub(in crate::net) fn destroy(&mut self, error: Option<Error>, errands: &mut Errands<'_>) {
        let state = self.state;
        if state.is_destroyed() {
            return;
        }
        let has_handle = state.life != State::Idle;
        let error = error.map(|error| error.of(Subject::Socket(errands.id)));
        self.note_what_close_tells(has_handle.then_some(error.is_some()));
        if let Some(error) = &error {
            self.cold().errored.get_or_insert_with(|| error.clone());
        }
        if self.sending.has_waiting() {
            errands.tick(SocketTick::Abandon);
        }
        if let Some(error) = error {
            errands.tick(SocketTick::Error(error));
        }
        self.detach(errands);
        self.feed(Input::DestroyCalled, errands);
        if let Some(server) = self.server {
            errands.leave(FollowUp::LeaveServer(server));
        }
    }

    /// Timers, lookups and abort handles of a socket end with it.
    fn detach(&mut self, errands: &mut Errands<'_>) {
        if let Some(timer) = self.sending.take_timer() {
            errands.agenda.cancel(timer);
        }
        self.stop_connecting(errands);
        let Some(cold) = &mut self.cold else { return };
        for timer in std::mem::take(&mut cold.timers) {
            errands.agenda.end_timer(timer);
        }
        if let Some(timer) = cold.idle.as_mut().and_then(IdleTimeout::stop) {
            errands.agenda.cancel(timer);
        }
        if let Some(abort) = cold.abort.take() {
            let target = Subject::Socket(errands.id);
            errands.aborts.forget(errands.home, abort, target);
        }
    }

    /// Keeps the argument of `close`, if it is not the usual one.
    pub(super) fn note_what_close_tells(&mut self, had_error: Option<bool>) {
        if self.told_by_close() != had_error {
            self.cold().told_by_close = ToldByClose(had_error);
        }
    }

    pub(super) fn told_by_close(&self) -> Option<bool> {
        let cold = self.cold.as_deref();
        cold.map_or_else(ToldByClose::default, |cold| cold.told_by_close)
            .0
    }

    fn reset(&mut self, errands: &mut Errands<'_>) {
        if let Some(stream) = &self.stream {
            stream.reset_on_close();
        }
        self.destroy(None, errands);
    }

    /// Closes the descriptor. `close(2)` removes it from epoll, unless a duplicate lives on; only then is
    /// `epoll_ctl` needed.
    fn release(&mut self, errands: &mut Errands<'_>) {
        _ = self.receiving.stopped();
        self.is_hung_up = false;
        let may_have_duplicate = self.cold.as_ref().is_some_and(|cold| cold.is_foreign);
        if let Some(mut stream) = self.stream.take()
            && may_have_duplicate
        {
            errands.registry.deregister(&mut stream);
        }
        let subject = Subject::Socket(errands.id);
        errands.agenda.trace.system(subject, "close", Ok(None));
        self.update_hold(errands);
        errands.agenda.close(errands.id);
        errands.leave(FollowUp::EndBackOffs);
    }

    /// Whether a callback runs between `shutdown(2)` and `close(2)`, or `close(2)` may not end the
    /// connection.
    pub(super) fn is_finish_observed(&self) -> bool {
        let is_observed = |cold: &Cold| {
            let listeners = &cold.listeners;
            let is_heard = !listeners.prefinish.is_empty() || !listeners.finish.is_empty();
            is_heard || cold.hears_its_end || cold.is_foreign
        };
        self.sending.has_end_callbacks() || self.cold.as_deref().is_some_and(is_observed)
    }

    /// Makes the socket end with an abort handle. If the handle was used already, that is in the next tick.
    pub(super) fn attach_signal(&mut self, signal: Option<AbortId>, errands: &mut Errands<'_>) {
        let Some(signal) = signal else { return };
        let target = Subject::Socket(errands.id);
        if errands.aborts.end_on_abort(errands.home, signal, target) {
            errands.tick(SocketTick::Destroy(Some(words::aborted())));
        }
        self.cold().abort = Some(signal);
    }

    /// Whether its abort handle was used already.
    pub(super) fn is_to_abort(&self, errands: &Errands<'_>) -> bool {
        let abort = self.cold.as_ref().and_then(|cold| cold.abort);
        abort.is_some_and(|signal| errands.aborts.is_used(errands.home, signal))
    }
}

impl Served<'_> {
    /// Feeds the machine what a phase has found, and performs its actions.
    pub(super) fn feed(&mut self, input: Input) {
        let step = self.with(|socket, errands| socket.step(input, errands));
        let Some((actions, former)) = step.flatten() else {
            return;
        };
        for &action in actions {
            self.perform(action);
        }
        self.event_loop.agenda.trace.leave(former);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::EmitConnect => self.emit_connect(),
            Action::EmitPrefinish => self.emit_plain(PREFINISH),
            Action::EmitFinish => self.emit_finish(),
            Action::EmitEnd => {
                self.emit_plain(END);
                self.end_pipes();
            }
            Action::EmitClose => self.emit_close(),
            // The entry performs the actions that emit nothing, and has an arm for each.
            _ => {
                self.with(|socket, errands| socket.perform(action, errands));
            }
        }
    }

    /// Ends a socket now, from a phase.
    pub(super) fn destroy(&mut self, error: Option<Error>) {
        self.with(|socket, errands| socket.destroy(error, errands));
    }
}

impl Socket<'_> {
    /// Closes the socket at once: Node's `destroy()`. Unsent bytes are dropped, and close(2) is called; if
    /// received bytes were left unread, the kernel resets the connection (RFC 1122, 4.2.2.13). `close` is
    /// emitted in the closing phase, or, if there was no descriptor, from a tick. Calling it again does
    /// nothing.
    #[track_caller]
    pub fn destroy(&mut self) -> &mut Self {
        self.calls("destroy", |socket, errands| socket.destroy(None, errands));
        self
    }

    /// As [`destroy`](Socket::destroy), and `error` is emitted before `close`, from a tick: Node's
    /// `destroy(error)`. If the socket is destroyed already, the error is ignored.
    #[track_caller]
    pub fn destroy_with(&mut self, error: Error) -> &mut Self {
        self.calls("destroy_with", |socket, errands| {
            socket.destroy(Some(error), errands)
        });
        self
    }

    /// Ends our half, and destroys the socket at `finish`, once everything written is sent, without
    /// waiting for the peer's end: Node's `destroySoon()`.
    #[track_caller]
    pub fn destroy_soon(&mut self) -> &mut Self {
        self.told("destroy_soon", |socket| {
            if socket.is_writable() {
                socket.end();
            }
            if socket.is_writable_finished() {
                socket.destroy();
                return;
            }
            socket.with(|socket, _| {
                let destroy = |socket: &mut Socket<'_>| _ = socket.destroy();
                let finish = &mut socket.cold().listeners.finish;
                finish.add_own(Own::DestroySoon, Box::new(destroy));
            });
        });
        self
    }

    /// Closes the connection by a reset, which the peer sees as `ECONNRESET` (`SO_LINGER` of zero,
    /// socket(7)): Node's `resetAndDestroy()`. This socket emits `close` without an error. While
    /// connecting, the reset waits for the connection; without a connection to reset, the socket is
    /// destroyed with `ERR_SOCKET_CLOSED`.
    ///
    /// # Errors
    /// `ERR_INVALID_HANDLE_TYPE` for a Unix-domain socket, which cannot be reset.
    #[track_caller]
    pub fn reset_and_destroy(&mut self) -> Result<&mut Self, Error> {
        match self.state() {
            State::Idle | State::Destroyed | State::Closed => {
                let end = |socket: &mut SocketEntry, errands: &mut Errands<'_>| {
                    socket.destroy(Some(words::closed()), errands);
                };
                self.calls(RESET, end);
            }
            State::Opening | State::Open if self.is_unix() => {
                return Err(words::invalid_handle());
            }
            // It waits among the listeners of `connect`, as in Node: a write made before it is sent first.
            State::Opening => {
                self.calls(RESET, |socket, _| {
                    let reset = |socket: &mut Socket<'_>| {
                        socket.with(|socket, errands| socket.feed(Input::ResetCalled, errands));
                    };
                    let connect = &mut socket.cold().listeners.connect;
                    connect.add_own(Own::Reset, Box::new(reset));
                });
            }
            State::Open => {
                self.calls(RESET, |socket, errands| {
                    socket.feed(Input::ResetCalled, errands)
                });
            }
        }
        Ok(self)
    }
}
