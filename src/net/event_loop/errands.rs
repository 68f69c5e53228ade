//! What a call may use beside its entry. A callback needs the [`Loop`](super::Loop), or a view that holds
//! it, and neither can be reached from here: the compiler enforces law 2 for every function that has
//! `Errands`. For public methods, which have the loop, `tests/floors/door.rs` checks it.

use std::collections::HashMap;

use super::abort::Aborts;
use super::agenda::Agenda;
use super::lookups::Lookups;
use super::queues::{FollowUp, ServerTick, SocketTick, Tick};
use super::trace::Caused;
use crate::kernel::reactor::Registry;
use crate::net::ids::Home;
use crate::net::{ServerId, SocketId};

/// What a call may use beside its socket or server: the queues to which it adds, and the tables from
/// which it removes its entry.
pub(in crate::net) struct Errands<'l, I = SocketId> {
    pub(in crate::net) id: I,
    pub(in crate::net) home: &'l Home,
    pub(in crate::net) agenda: &'l mut Agenda,
    pub(in crate::net) lookups: &'l mut Lookups,
    pub(in crate::net) aborts: &'l mut Aborts,
    /// The sources of each destination of a pipe.
    pub(in crate::net) pipes: &'l mut HashMap<SocketId, Vec<SocketId>>,
    pub(in crate::net) registry: Registry<'l>,
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
    /// Leaves work for other entries, which is done once this entry is given back.
    pub(in crate::net) fn leave(&mut self, follow_up: FollowUp) {
        let cause = self.agenda.trace.current();
        self.agenda.follow_ups.push_back(Caused(cause, follow_up));
    }
}
