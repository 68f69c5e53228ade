//! Lending a socket or a server to a call, with what the call may use beside it.

use super::errands::Errands;
use super::queues::FollowUp;
use super::trace::Caused;
use super::{Entry, Loop};
use crate::kernel::reactor::Id;
use crate::net::server::ServerEntry;
use crate::net::socket::SocketEntry;
use crate::net::{ServerId, SocketId};

impl Loop {
    /// Lends a socket to a call, with its errands, and then does the work that the call has left for other
    /// entries. `None` if the socket is gone.
    #[inline]
    pub(in crate::net) fn with_socket<R>(
        &mut self,
        id: SocketId,
        call: impl FnOnce(&mut SocketEntry, &mut Errands<'_>) -> R,
    ) -> Option<R> {
        self.with_entry(id, id.0, Entry::socket_mut, call)
    }

    /// The same for a server.
    pub(in crate::net) fn with_server<R>(
        &mut self,
        id: ServerId,
        call: impl FnOnce(&mut ServerEntry, &mut Errands<'_, ServerId>) -> R,
    ) -> Option<R> {
        self.with_entry(id, id.0, Entry::server_mut, call)
    }

    #[inline(always)]
    fn with_entry<I, T, R>(
        &mut self,
        id: I,
        key: Id,
        of: impl FnOnce(&mut Entry) -> Option<&mut T>,
        call: impl FnOnce(&mut T, &mut Errands<'_, I>) -> R,
    ) -> Option<R> {
        let (entry, registry) = self.reactor.get_with_registry(key)?;
        let lent = of(entry)?;
        let mut errands = Errands {
            id,
            home: &self.home,
            agenda: &mut self.agenda,
            lookups: &mut self.lookups,
            aborts: &mut self.aborts,
            pipes: &mut self.pipes,
            registry,
        };
        let answer = call(lent, &mut errands);
        if !self.agenda.follow_ups.is_empty() {
            self.run_follow_ups();
        }
        Some(answer)
    }

    #[cold]
    fn run_follow_ups(&mut self) {
        let former = self.agenda.trace.current();
        while let Some(Caused(cause, follow_up)) = self.agenda.follow_ups.pop_front() {
            self.agenda.trace.go_to(cause);
            match follow_up {
                FollowUp::EndBackOffs => {
                    for server in std::mem::take(&mut self.agenda.backing_off) {
                        self.with_server(server, ServerEntry::try_again);
                    }
                }
                FollowUp::LeaveServer(server) => {
                    self.with_server(server, ServerEntry::leave);
                }
            }
        }
        self.agenda.trace.go_to(former);
    }
}
