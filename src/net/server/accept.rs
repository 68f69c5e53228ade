//! Accepting: a bounded number of connections in each turn, and what happens when descriptors run out.

use std::net::SocketAddr;

use libc::{EAGAIN, EMFILE};

use super::events::{CONNECTION, DROP, Dropped};
use super::{BACK_OFF, ServerEntry};
use crate::kernel::reactor::Readiness;
use crate::kernel::{Accepted, Listener, Stream};
use crate::net::ServerId;
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::socket::SocketEntry;
use crate::net::trace::{Idle, Subject, Trace, Why, errno};
use crate::rules::state::server::{Input, State};

/// A shortage is over when none was met for this many milliseconds.
const SHORTAGE: u64 = 10_000;

/// The outcome of one accept(2).
enum Knock {
    Connection(SocketEntry, Option<SocketAddr>),
    /// There are too many connections already: this one was closed.
    Dropped(Option<Dropped>),
    /// Its address is blocked: it was closed without an event.
    Blocked,
    /// No connection waits.
    None,
    /// The listener accepts nothing for now, or for good.
    Shut,
    Failed(Error),
}

impl Served<'_, ServerId> {
    /// The kernel reports that connections wait.
    pub(in crate::net) fn server_ready(&mut self, readiness: Readiness<'_>) -> Result<(), Error> {
        let subject = Subject::Server(self.id);
        let former = (self.event_loop.agenda.trace).enter_ready(subject, &readiness);
        let outcome = self.accept_all();
        let idle = self.entry_ref().map_or(Idle::Gone, ServerEntry::why_idle);
        let trace = &mut self.event_loop.agenda.trace;
        trace.leave_ready(former, subject, idle);
        outcome
    }

    /// Accepts up to the bound. Each callback may close the server.
    pub(in crate::net) fn accept_all(&mut self) -> Result<(), Error> {
        let bound = self.with(ServerEntry::begin_to_accept);
        for _ in 0..bound.unwrap_or(0) {
            match self.with(ServerEntry::accept_one) {
                Some(Knock::Connection(entry, peer)) => self.announce(entry, peer),
                Some(Knock::Dropped(dropped)) => {
                    self.emit(DROP, |listener, server| {
                        listener(server, dropped.as_ref());
                    });
                }
                Some(Knock::Blocked) => {}
                Some(Knock::None) | None => return Ok(()),
                Some(Knock::Shut) => return self.drain(),
                Some(Knock::Failed(error)) => {
                    self.emit_server_error(error)?;
                    return self.drain();
                }
            }
            self.drain()?;
        }
        self.with(|server, errands| server.accept_again(Why::Bound, errands));
        Ok(())
    }

    fn announce(&mut self, entry: SocketEntry, peer: Option<SocketAddr>) {
        let birth = (self.event_loop.agenda.trace.is_on()).then(|| entry.birth(peer));
        let socket = match self.event_loop.add_open_socket(entry) {
            Ok(socket) => socket,
            Err(error) => {
                log::warn!(target: "netloop::accept", "{}: {error}, connection closed", self.id);
                return;
            }
        };
        if let Some(server) = self.entry() {
            server.connections += 1;
        }
        if let Some(birth) = birth {
            let trace = &mut self.event_loop.agenda.trace;
            trace.note(Subject::Socket(socket), birth);
            let listener_of = (Subject::Server(self.id), CONNECTION.name);
            trace.hears_of(Subject::Socket(socket), listener_of);
        }
        let former = self.event_loop.accepting.replace((socket, peer));
        let id = self.id;
        self.event_loop.emit(
            Subject::Socket(socket),
            CONNECTION,
            |event_loop| event_loop.server(id),
            |listener, event_loop| listener(&mut event_loop.socket_at(socket)),
        );
        self.event_loop.accepting = former;
    }
}

impl Accepted {
    #[cold]
    fn tell(&self, subject: Subject, trace: &mut Trace) {
        let outcome = match self {
            Accepted::Stream(..) => Ok(None),
            Accepted::Empty => Err(EAGAIN),
            Accepted::Shed(_) => Err(EMFILE),
            Accepted::Exhausted(error) | Accepted::Failed(error) => Err(errno(error)),
        };
        trace.system(subject, "accept4", outcome);
    }
}

impl ServerEntry {
    /// Puts the server on the again list, unless it is on it already.
    pub(in crate::net) fn accept_again(&mut self, why: Why, errands: &mut Errands<'_, ServerId>) {
        if let Some(listener) = &mut self.listener {
            listener.recover();
        }
        if !std::mem::replace(&mut self.is_again, true) {
            let (subject, id) = (Subject::Server(errands.id), errands.id.0);
            errands.agenda.serve_next_turn(subject, id, why);
        }
    }

    /// Why the server would have nothing to do, for the trace.
    pub(in crate::net) fn why_idle(&self) -> Idle {
        match self.state.is_listening() {
            true => Idle::ServedAlready,
            false => Idle::Gone,
        }
    }

    /// Notes that the server has left the again list, from which it is being served.
    pub(in crate::net) fn has_left_again(&mut self) {
        self.is_again = false;
    }

    /// The turn counter has wrapped around.
    pub(in crate::net) fn has_never_accepted(&mut self) {
        self.accepted_in_turn = 0;
    }

    /// How many connections may be accepted: none if the server has accepted in this turn already, since an
    /// edge and the again list may both report the same connections.
    fn begin_to_accept(&mut self, errands: &mut Errands<'_, ServerId>) -> usize {
        let turn = errands.agenda.turns;
        if std::mem::replace(&mut self.accepted_in_turn, turn) == turn {
            self.accept_again(Why::Bound, errands);
            return 0;
        }
        self.options.accepts_per_turn.unwrap_or(1)
    }

    fn accept_one(&mut self, errands: &mut Errands<'_, ServerId>) -> Knock {
        let state = self.state;
        let is_last = state.accepts_last();
        let (true, Some(listener)) = (is_last || state == State::Listening, &mut self.listener)
        else {
            return Knock::None;
        };
        let accepted = listener.accept();
        if errands.agenda.trace.is_on() {
            accepted.tell(Subject::Server(errands.id), &mut errands.agenda.trace);
        }
        match accepted {
            Accepted::Stream(stream, peer) => {
                self.back_off = BACK_OFF;
                self.take(stream, peer, errands.id)
            }
            Accepted::Empty if is_last => {
                // At a path a connection needs no handshake.
                let input = match listener.is_tcp() {
                    true => Input::NobodyWaits,
                    false => Input::Failed,
                };
                self.feed_end(input, errands);
                Knock::Shut
            }
            Accepted::Empty => Knock::None,
            Accepted::Failed(_) if is_last => {
                self.feed_end(Input::Failed, errands);
                Knock::Shut
            }
            Accepted::Shed(count) => {
                let text =
                    format!("out of descriptors, waiting connections are closed ({count} now)");
                self.fall_short(&text, Input::Failed, errands)
            }
            Accepted::Exhausted(error) => {
                let then = match is_last {
                    true => "waiting connections are reset",
                    false => "backing off",
                };
                let text = format!("accept: {error}, {then}");
                self.fall_short(&text, Input::Exhausted, errands)
            }
            Accepted::Failed(error) => Knock::Failed(Error::of_call("accept", &error)),
        }
    }

    /// Takes a connection, unless it is one too many, or its address is blocked.
    fn take(&mut self, stream: Stream, remote: Option<SocketAddr>, id: ServerId) -> Knock {
        let limit = self.max_connections;
        if limit.is_some_and(|limit| self.connections >= limit) {
            let local = stream.local_address();
            return Knock::Dropped(stream.is_tcp().then_some(Dropped { local, remote }));
        }
        match (&self.options.block_list, remote) {
            (Some(list), Some(remote)) if list.check(remote.ip()) => Knock::Blocked,
            _ => Knock::Connection(self.new_socket(id, stream), remote),
        }
    }

    /// Tells of a shortage, at which a server that accepts its last connections closes.
    fn fall_short(
        &mut self,
        text: &str,
        input: Input,
        errands: &mut Errands<'_, ServerId>,
    ) -> Knock {
        self.log_shortage(text, errands);
        self.feed_end(input, errands);
        Knock::Shut
    }

    /// Warns of a shortage once, however long it lasts. A new one begins only after a time without any.
    fn log_shortage(&mut self, text: &str, errands: &Errands<'_, ServerId>) {
        let now = errands.agenda.clock.now();
        let level = match self.short_at.replace(now) {
            Some(before) if now - before < SHORTAGE => log::Level::Debug,
            _ => log::Level::Warn,
        };
        log::log!(target: "netloop::accept", level, "{}: {text}", errands.id);
    }

    /// The socket of an accepted connection.
    fn new_socket(&self, id: ServerId, stream: Stream) -> SocketEntry {
        let options = &self.options;
        // Sockets inherit these from a listener of ours (tcp(7)); one from outside may not have them.
        let is_foreign = self.listener.as_ref().is_some_and(Listener::is_foreign);
        if is_foreign && let Err(error) = stream.set_options(&options.socket.of_stream()) {
            log::debug!(target: "netloop::accept", "setsockopt: {error}");
        }
        SocketEntry::accepted(stream, id, &options.socket, options.pause_on_connect)
    }
}
