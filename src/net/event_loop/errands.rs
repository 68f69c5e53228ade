//! What a call may use beside its socket. The program's callbacks are reached through the [`Loop`]
//! alone, so a call cannot run any: that is law 2, kept by the compiler.

use super::abort::Aborts;
use super::agenda::Agenda;
use super::lookups::Lookups;
use super::queues::{Caused, ServerTick, SocketTick, Tick};
use super::{Entry, Loop};
use crate::net::ids::Home;
use crate::net::server::ServerEntry;
use crate::net::socket::SocketEntry;
use crate::net::{ServerId, SocketId};
use crate::room::reactor::Registry;

/// What a call may use beside its socket or server: queues that it adds to, and what it takes itself
/// off.
pub(in crate::net) struct Errands<'l, I = SocketId> {
    pub(in crate::net) id: I,
    pub(in crate::net) home: &'l Home,
    pub(in crate::net) agenda: &'l mut Agenda,
    pub(in crate::net) lookups: &'l mut Lookups,
    pub(in crate::net) aborts: &'l mut Aborts,
    pub(in crate::net) registry: Registry<'l>,
}

/// What a call leaves to be done for others, as soon as its socket is given back.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) enum Errand {
    /// A descriptor of ours was closed: servers that are without one may try again.
    EndBackOffs,
    /// A socket of this server was destroyed.
    LeaveServer(ServerId),
}

impl Errands<'_, SocketId> {
    pub(in crate::net) fn tick(&mut self, tick: SocketTick) {
        self.agenda.tick(Tick::Socket(self.id, tick));
    }
}

impl Errands<'_, ServerId> {
    pub(in crate::net) fn tick(&mut self, tick: ServerTick) {
        self.agenda.tick(Tick::Server(self.id, tick));
    }
}

impl<I> Errands<'_, I> {
    /// Leaves something for others.
    pub(in crate::net) fn leave(&mut self, errand: Errand) {
        let cause = self.agenda.trace.current();
        self.agenda.errands.push_back(Caused(cause, errand));
    }
}

impl Loop {
    /// Lends a socket, and what a call may use beside it; then does what it left for others. `None`
    /// when the socket is gone.
    #[inline]
    pub(in crate::net) fn with_socket<R>(
        &mut self,
        id: SocketId,
        call: impl FnOnce(&mut SocketEntry, &mut Errands<'_>) -> R,
    ) -> Option<R> {
        let (entry, registry) = self.reactor.get_with_registry(id.0)?;
        let Entry::Socket(socket) = entry else {
            return None;
        };
        let mut errands = Errands {
            id,
            home: &self.home,
            agenda: &mut self.agenda,
            lookups: &mut self.lookups,
            aborts: &mut self.aborts,
            registry,
        };
        let answer = call(socket, &mut errands);
        if !self.agenda.errands.is_empty() {
            self.run_errands();
        }
        Some(answer)
    }

    /// The same with a server.
    pub(in crate::net) fn with_server<R>(
        &mut self,
        id: ServerId,
        call: impl FnOnce(&mut ServerEntry, &mut Errands<'_, ServerId>) -> R,
    ) -> Option<R> {
        let (entry, registry) = self.reactor.get_with_registry(id.0)?;
        let Entry::Server(server) = entry else {
            return None;
        };
        let mut errands = Errands {
            id,
            home: &self.home,
            agenda: &mut self.agenda,
            lookups: &mut self.lookups,
            aborts: &mut self.aborts,
            registry,
        };
        let answer = call(server, &mut errands);
        if !self.agenda.errands.is_empty() {
            self.run_errands();
        }
        Some(answer)
    }

    #[cold]
    fn run_errands(&mut self) {
        let former = self.agenda.trace.current();
        while let Some(Caused(cause, errand)) = self.agenda.errands.pop_front() {
            self.agenda.trace.leave(cause);
            match errand {
                Errand::EndBackOffs => self.end_back_offs(),
                Errand::LeaveServer(server) => {
                    self.with_server(server, ServerEntry::leave);
                }
            }
        }
        self.agenda.trace.leave(former);
    }
}
