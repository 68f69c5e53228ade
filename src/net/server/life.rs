//! The driver of a server's state machine: it feeds inputs and performs actions.

use std::time::Duration;

use super::super::ServerId;
use super::super::abort::Abortable;
use super::super::error::{Error, words};
use super::super::queues::ServerTick;
use super::super::timers::TimerTask;
use super::super::trace::{Subject, What};
use super::Server;
use crate::net::event_loop::{Entry, Loop};
use crate::rules::state::server::{Action, Input, step};

/// How long a server that is out of descriptors rests at first; each rest in a row doubles it.
pub(super) const REST: Duration = Duration::from_millis(100);

const REST_MAX: Duration = Duration::from_secs(1);

impl Loop {
    /// Tells the machine what happened, and does what it says.
    pub(super) fn feed_server(&mut self, id: ServerId, input: Input) {
        let Some(server) = self.server(id) else {
            return;
        };
        let from = server.state;
        let (to, actions) = step(from, input);
        if from == to && actions.is_empty() {
            return;
        }
        server.state = to;
        self.update_server_hold(id);
        let former = self.agenda.trace.is_on().then(|| {
            let (from, input, to) = (&from, &input, &to);
            let what = What::Transition { from, input, to };
            self.agenda.trace.enter(Subject::Server(id), what)
        });
        for &action in actions {
            self.perform_server(id, action);
        }
        if let Some(former) = former {
            self.agenda.trace.leave(former);
        }
    }

    fn perform_server(&mut self, id: ServerId, action: Action) {
        match action {
            Action::QueueListening => self.server_tick(id, ServerTick::Listening),
            Action::QueueClose => self.server_tick(id, ServerTick::Close),
            Action::StartRest => self.start_rest(id),
            Action::EndRest => self.end_rest(id),
            Action::AcceptAgain => self.accept_again(id),
            Action::Release => self.release_listener(id),
        }
    }

    pub(super) fn update_server_hold(&mut self, id: ServerId) {
        let Loop {
            reactor, agenda, ..
        } = self;
        if let Some(Entry::Server(server)) = reactor.get_mut(id.0) {
            let must_hold = server.is_held && server.state.is_listening();
            agenda.count_hold(&mut server.holds, must_hold);
        }
    }

    fn release_listener(&mut self, id: ServerId) {
        let Some(mut listener) = self.server(id).and_then(|server| server.listener.take()) else {
            return;
        };
        if listener.may_have_duplicate() {
            self.reactor.deregister(&mut listener);
        }
        drop(listener);
        self.end_rests();
    }

    fn start_rest(&mut self, id: ServerId) {
        let Some(server) = self.server(id) else {
            return;
        };
        let rest = server.rest;
        server.rest = (rest * 2).min(REST_MAX);
        let now = self.agenda.clock.refresh();
        let timer = self
            .agenda
            .timers
            .insert(now, rest.as_millis() as u32, TimerTask::Rest(id));
        if let Some(server) = self.server(id) {
            server.rest_timer = Some(timer);
        }
        self.agenda.resting.push(id);
    }

    fn end_rest(&mut self, id: ServerId) {
        self.agenda.resting.retain(|resting| *resting != id);
        if let Some(timer) = self.server(id).and_then(|server| server.rest_timer.take()) {
            self.agenda.timers.cancel(timer);
        }
    }

    /// The timer of a rest.
    pub(in crate::net) fn rest_is_over(&mut self, id: ServerId) {
        self.feed_server(id, Input::RetryDue);
    }

    /// A descriptor of ours has become free: servers that were without may try again.
    pub(in crate::net) fn end_rests(&mut self) {
        for id in std::mem::take(&mut self.agenda.resting) {
            self.feed_server(id, Input::RetryDue);
        }
    }

    fn forget_signals(&mut self, id: ServerId) {
        let signals = self
            .server(id)
            .map(|server| std::mem::take(&mut server.signals));
        for signal in signals.unwrap_or_default() {
            self.aborts
                .forget(&self.home, signal, Abortable::Server(id));
        }
    }

    /// A socket of this server was destroyed.
    pub(in crate::net) fn leave_server(&mut self, id: ServerId) {
        if let Some(server) = self.server(id) {
            server.connections -= 1;
        }
        self.feed_emptied(id);
    }

    pub(super) fn feed_emptied(&mut self, id: ServerId) {
        if self
            .server_ref(id)
            .is_some_and(|server| server.connections == 0)
        {
            self.feed_server(id, Input::Emptied);
        }
    }

    pub(super) fn emit_server_error(&mut self, id: ServerId, error: Error) -> Result<(), Error> {
        let error = error.of(Subject::Server(id));
        let was_heard = self.emit_server(
            id,
            "error",
            |server| &mut server.error,
            |listener, server| listener(server, &error),
        );
        if was_heard {
            Ok(())
        } else {
            Err(error.unheard())
        }
    }

    /// The library's own work in the tick queue.
    pub(in crate::net) fn run_server_tick(
        &mut self,
        id: ServerId,
        tick: ServerTick,
    ) -> Result<(), Error> {
        match tick {
            ServerTick::Listening => {
                if self
                    .server_ref(id)
                    .is_some_and(|server| server.state.is_listening())
                {
                    self.emit_server(
                        id,
                        "listening",
                        |server| &mut server.listening,
                        |listener, server| listener(server),
                    );
                }
            }
            ServerTick::Error(error) => return self.emit_server_error(id, error),
            ServerTick::Close => {
                self.forget_signals(id);
                self.emit_server(
                    id,
                    "close",
                    |server| &mut server.close,
                    |listener, server| listener(server),
                );
            }
            ServerTick::Bind(ticket) => self.bind_wanted(id, ticket),
            ServerTick::LookUp(ticket) => return self.look_up_wanted(id, ticket),
            ServerTick::Abort => {
                self.server_at(id).close();
            }
            ServerTick::Connections(callback) => {
                let former = self
                    .agenda
                    .trace
                    .enter(Subject::Server(id), What::Callback("get_connections"));
                callback(&mut self.server_at(id));
                self.agenda.trace.leave(former);
            }
        }
        Ok(())
    }
}

impl Server<'_> {
    /// Stops listening, now: Node's `server.close()`. The file of a path is removed; connections
    /// that the kernel has, but that were not accepted yet, are reset; open ones go on. `close` is
    /// emitted, from a tick, once the last of them is destroyed; of a server that did not listen,
    /// too. The name stays good, and may listen again.
    pub fn close(&mut self) -> &mut Self {
        let id = self.id;
        self.event_loop.forget_listen(id);
        self.event_loop.feed_server(id, Input::CloseCalled);
        self.event_loop.feed_emptied(id);
        self
    }

    /// As [`close`](Server::close), with a listener for the next `close`: Node's
    /// `server.close(callback)`. It is told `ERR_SERVER_NOT_RUNNING` if there was no listener to
    /// close.
    pub fn close_then(
        &mut self,
        callback: impl FnOnce(&mut Server<'_>, Result<(), Error>) + 'static,
    ) -> &mut Self {
        let result = if self.is_listening() {
            Ok(())
        } else {
            Err(words::not_running().of(Subject::Server(self.id)))
        };
        self.once_close(move |server| callback(server, result));
        self.close()
    }

    /// Lets the server hold the loop again: Node's `server.ref()`. It does from its making, while
    /// it listens.
    pub fn ref_(&mut self) -> &mut Self {
        self.hold(true)
    }

    /// Lets the loop end although this server listens: Node's `server.unref()`. It may be said
    /// before `listen`. Its connections hold the loop all the same.
    pub fn unref(&mut self) -> &mut Self {
        self.hold(false)
    }

    fn hold(&mut self, is_held: bool) -> &mut Self {
        if let Some(server) = self.event_loop.server(self.id) {
            server.is_held = is_held;
            self.event_loop.update_server_hold(self.id);
        }
        self
    }
}
