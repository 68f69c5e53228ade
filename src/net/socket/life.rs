//! The driver of a socket's state machine: it feeds inputs and performs actions.

use super::super::error::Error;
use super::super::queues::{SocketTick, Tick};
use super::super::trace::{Subject, What};
use super::super::{ServerId, SocketId};
use super::{Flow, Socket, SocketEntry, WriteCallback};
use crate::net::event_loop::Loop;
use crate::rules::state::socket::{Action, Input, Readable, State, Writable, step};

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
        if !from.is_destroyed() && !from.is_broken() {
            entry.left_at = from;
        }
        self.update_hold(id);
        let former = self.agenda.trace.is_on().then(|| {
            let (from, input, to) = (&from, &input, &to);
            let what = What::Transition { from, input, to };
            self.agenda.trace.enter(Subject::Socket(id), what)
        });
        for &action in actions {
            self.perform(id, action);
        }
        if let Some(former) = former {
            self.agenda.trace.leave(former);
        }
    }

    pub(super) fn perform(&mut self, id: SocketId, action: Action) {
        match action {
            Action::EmitConnect => self.emit_connect(id),
            Action::QueueShutdown => self.serve_soon(id),
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
        self.agenda.tick(Tick::Socket(id, tick));
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
            SocketTick::Finish => self.finish_is_due(id),
            SocketTick::End => self.end_is_due(id),
            SocketTick::AutoEnd => self.end_own_half(id),
            SocketTick::Error(error) => return self.emit_error(id, error),
            SocketTick::Close => {
                self.agenda.to_free.push(id);
                self.feed(id, Input::CloseDue);
            }
            SocketTick::Resume => self.resume_now(id),
            SocketTick::Unshifted => self.emit_waiting(id),
            SocketTick::Readable => self.emit_readable(id),
            SocketTick::WhoReads => self.who_reads(id),
            SocketTick::ReadNothing => _ = self.read(id, Some(0)),
            SocketTick::AskForMore => self.ask_for_more(id),
            SocketTick::Paused => {
                self.emit_plain(id, "pause", |entry| {
                    entry.cold.as_mut().map(|cold| &mut cold.pause)
                });
            }
            SocketTick::Piped(source) => self.emit_pipe(id, source),
            SocketTick::Unpiped(source) => self.emit_unpipe(id, source),
            SocketTick::EndPipes => self.end_pipes(id),
            SocketTick::Destroy(error) => self.destroy(id, error),
        }
        Ok(())
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
    /// what comes between, nobody can tell. Whoever was destroyed meanwhile, be it to connect again,
    /// is not meant any more.
    pub(in crate::net) fn shut_down(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let (State::Open(readable, Writable::Shutting), Some(stream)) =
            (entry.connection.state, &entry.connection.stream)
        else {
            return;
        };
        let has_peer_ended = readable == Readable::Ended;
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

    /// The tick of `finish`, which a `destroy` that came since the FIN left, or since the `end` of
    /// a socket without a connection, does not stop.
    fn finish_is_due(&mut self, id: SocketId) {
        match self.entry(id) {
            Some(entry) if entry.connection.state.is_destroyed() => {
                let was_idle = matches!(entry.left_at, State::Idle(_));
                entry.left_at = entry.left_at.with_our_half(Writable::Finished);
                if was_idle {
                    self.perform(id, Action::EmitPrefinish);
                }
                self.emit_finish(id);
            }
            _ => self.feed(id, Input::FinishDue),
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
    }

    pub(super) fn take_end_callbacks(&mut self, id: SocketId) -> Vec<WriteCallback> {
        let cold = self.entry(id).and_then(|entry| entry.cold.as_mut());
        cold.map_or_else(Vec::new, |cold| std::mem::take(&mut cold.end_callbacks))
    }

    fn emit_error(&mut self, id: SocketId, error: Error) -> Result<(), Error> {
        self.unpipe_all_into(id);
        let was_heard = self.emit_socket(
            id,
            "error",
            |entry| Some(&mut entry.listeners.error),
            |listener, socket| listener(socket, &error),
        );
        if was_heard {
            Ok(())
        } else {
            Err(error.unheard())
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
    /// Lets the socket hold the loop again: Node's `socket.ref()`. It does from its making, while it
    /// is read from.
    pub fn ref_(&mut self) -> &mut Self {
        self.hold(true)
    }

    /// Lets the loop end although this socket is open: Node's `socket.unref()`. A request that is
    /// on its way (a connect, a write, a shutdown) holds the loop all the same, as in libuv. It may
    /// be said before `connect`.
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
