//! Accepting: a bounded number of connections a turn, and what to do without descriptors.

use std::fmt;
use std::net::SocketAddr;

use super::super::error::Error;
use super::super::socket::SocketEntry;
use super::super::trace::{Subject, What};
use super::super::{ServerId, SocketId};
use super::BACK_OFF;
use super::ServerEntry;
use super::events::Dropped;
use super::events::{CONNECTION, DROP};
use crate::net::event_loop::Loop;
use crate::net::event_loop::errands::Errands;
use crate::room::listener::{Accepted, Listener};
use crate::room::reactor::Readiness;
use crate::room::stream::Stream;
use crate::rules::state::server::{Input, State};

/// A shortage is over when there was none for so many milliseconds.
const SHORTAGE: u64 = 10_000;

impl Loop {
    /// The kernel says that connections wait.
    pub(in crate::net) fn server_ready(
        &mut self,
        id: ServerId,
        readiness: Readiness<'_>,
    ) -> Result<(), Error> {
        let former = self
            .agenda
            .trace
            .enter_ready(Subject::Server(id), &readiness);
        let outcome = self.accept(id);
        self.agenda.trace.leave(former);
        outcome
    }

    /// A server that had more to accept, or has rested, is served again.
    pub(in crate::net) fn server_again(&mut self, id: ServerId) -> Result<(), Error> {
        if let Some(server) = self.server(id) {
            server.is_again = false;
        }
        let cause = self.agenda.trace.current();
        self.traced(cause, Subject::Server(id), What::Again, |event_loop| {
            event_loop.accept(id)
        })
    }

    /// Accepts up to the bound. The server is looked up anew after each callback, which may have
    /// closed it.
    fn accept(&mut self, id: ServerId) -> Result<(), Error> {
        let turn = self.agenda.turns;
        let Some(server) = self.server(id) else {
            return Ok(());
        };
        if std::mem::replace(&mut server.accepted_in_turn, turn) == turn {
            self.with_server(id, ServerEntry::accept_again);
            return Ok(());
        }
        for _ in 0..server.options.accepts_per_turn.unwrap_or(1) {
            let Some(server) = self.server(id) else {
                return Ok(());
            };
            let state = server.state;
            let (State::Listening | State::Closing, Some(listener)) = (state, &mut server.listener)
            else {
                return Ok(());
            };
            match listener.accept() {
                Accepted::Stream(stream, peer) => {
                    server.back_off = BACK_OFF;
                    self.accepted(id, stream, peer);
                    self.drain()?;
                }
                // What the kernel was told to take no more of is all there, or will never be.
                Accepted::Nobody | Accepted::Shed(_) | Accepted::Failed(_)
                    if state == State::Closing =>
                {
                    self.with_server(id, ServerEntry::nobody_waits);
                    return self.drain();
                }
                Accepted::Nobody => return Ok(()),
                Accepted::Shed(count) => {
                    self.tell_of_shortage(
                        id,
                        format_args!(
                            "out of descriptors, waiting connections are closed ({count} now)"
                        ),
                    );
                    return Ok(());
                }
                Accepted::Exhausted(error) => {
                    self.tell_of_shortage(id, format_args!("accept: {error}, resting"));
                    self.with_server(id, |server, errands| server.feed(Input::Exhausted, errands));
                    return Ok(());
                }
                Accepted::Failed(error) => {
                    let error = Error::of_call("accept", &error);
                    self.emit_server_error(id, error)?;
                    return self.drain();
                }
            }
        }
        self.with_server(id, ServerEntry::accept_again);
        Ok(())
    }

    fn accepted(&mut self, id: ServerId, stream: Stream, peer: Option<SocketAddr>) {
        let Some(server) = self.server_ref(id) else {
            return;
        };
        let is_full = server
            .max_connections
            .is_some_and(|limit| server.connections >= limit);
        if is_full {
            return self.drop_connection(id, stream, peer);
        }
        let list = server.options.block_list.as_ref();
        if let (Some(list), Some(peer)) = (list, peer)
            && list.check(peer.ip())
        {
            return;
        }
        let entry = server.new_socket(id, stream);
        let socket = match self.add_open_socket(entry) {
            Ok(socket) => socket,
            Err(error) => {
                log::warn!(target: "netloop::accept", "{id}: {error}, connection closed");
                return;
            }
        };
        if let Some(server) = self.server(id) {
            server.connections += 1;
        }
        let former = self.accepting.replace((socket, peer));
        self.emit(
            Subject::Socket(socket),
            CONNECTION.name,
            |event_loop| event_loop.server(id).and_then(CONNECTION.slot),
            |listener, event_loop| listener(&mut event_loop.socket_at(socket)),
        );
        self.accepting = former;
    }

    /// The peer of the connection that is being announced, as accept4(2) told it.
    pub(in crate::net) fn accepted_peer(&self, id: SocketId) -> Option<SocketAddr> {
        let (socket, peer) = self.accepting?;
        peer.filter(|_| socket == id)
    }

    fn drop_connection(&mut self, id: ServerId, stream: Stream, remote: Option<SocketAddr>) {
        let local = stream.local_address();
        let dropped = stream.is_tcp().then_some(Dropped { local, remote });
        drop(stream);
        self.emit_server(id, DROP, |listener, server| {
            listener(server, dropped.as_ref());
        });
    }

    /// Warns of a shortage once, however many knock and whoever leaves a descriptor to the next one:
    /// it is the same shortage until there was none for some time.
    fn tell_of_shortage(&mut self, id: ServerId, words: fmt::Arguments<'_>) {
        let now = self.agenda.clock.now();
        let Some(server) = self.server(id) else {
            return;
        };
        let level = match server.short_at.replace(now) {
            Some(before) if now - before < SHORTAGE => log::Level::Debug,
            _ => log::Level::Warn,
        };
        log::log!(target: "netloop::accept", level, "{id}: {words}");
    }
}

impl ServerEntry {
    /// Puts the server on the again list, unless it stands there.
    pub(in crate::net) fn accept_again(&mut self, errands: &mut Errands<'_, ServerId>) {
        if let Some(listener) = &mut self.listener {
            listener.recover();
        }
        if !std::mem::replace(&mut self.is_again, true) {
            errands.agenda.serve_next_turn(errands.id.0);
        }
    }

    /// The turns are counted anew.
    pub(in crate::net) fn has_never_accepted(&mut self) {
        self.accepted_in_turn = 0;
    }

    /// What an accepted connection starts with.
    fn new_socket(&self, id: ServerId, stream: Stream) -> SocketEntry {
        let options = &self.options;
        // A listener of ours hands these down (tcp(7)); one from outside may not have them.
        let is_foreign = self.listener.as_ref().is_some_and(Listener::is_foreign);
        if is_foreign && let Err(error) = stream.set_options(&options.socket.of_stream()) {
            log::debug!(target: "netloop::accept", "setsockopt: {error}");
        }
        SocketEntry::accepted(stream, id, &options.socket, options.pause_on_connect)
    }
}
