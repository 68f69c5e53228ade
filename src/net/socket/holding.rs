//! Whether a socket holds the loop, and how.

use std::net::SocketAddr;

use super::{Socket, SocketEntry};
use crate::net::SocketId;
use crate::net::event_loop::errands::Errands;
use crate::net::holder::Holder;
use crate::net::trace::Subject;
use crate::rules::state::socket::{State, Writable};

/// How a socket can hold the loop.
#[derive(Clone, Copy, Debug)]
pub(in crate::net) enum Way {
    Connecting,
    Reading,
    Sending,
    Ending,
}

impl Way {
    pub(in crate::net) const COUNT: usize = 4;
}

impl SocketEntry {
    /// Whether the socket holds the loop, as libuv counts: a request is in progress, or the socket is read
    /// from and `unref` was not called.
    fn must_hold(&self) -> bool {
        match self.state.life {
            State::Opening => true,
            State::Open => self.sending.is_in_flight() || self.is_shutting() || self.reads(),
            State::Idle | State::Destroyed | State::Closed => false,
        }
    }

    fn is_shutting(&self) -> bool {
        self.state.sending == Writable::Shutting
    }

    /// Whether the socket is read from, and holds the loop by that.
    fn reads(&self) -> bool {
        self.is_held && self.receiving.reads_kernel()
    }

    /// Whether it holds the loop only by a write for which the kernel has no memory: a timer tries again.
    pub(in crate::net) fn waits_for_time(&self) -> bool {
        self.holds && self.sending.waits_for_memory() && !self.is_shutting() && !self.reads()
    }

    /// How the socket holds the loop: each condition of [`must_hold`](SocketEntry::must_hold) that is met.
    pub(in crate::net) fn ways(&self) -> impl Iterator<Item = Way> {
        let is_open = self.state.life == State::Open;
        let all = [
            (self.state.life == State::Opening, Way::Connecting),
            (is_open && self.reads(), Way::Reading),
            (is_open && self.sending.is_in_flight(), Way::Sending),
            (is_open && self.is_shutting(), Way::Ending),
        ];
        all.into_iter()
            .filter_map(|(is_so, way)| is_so.then_some(way))
    }

    /// The socket as it holds the loop in this way.
    pub(in crate::net) fn holder(&self, socket: SocketId, way: Way) -> Holder {
        match way {
            Way::Connecting => {
                let connecting = self.cold.as_ref().and_then(|cold| cold.connecting.as_ref());
                let to = connecting.map(|connecting| connecting.goal());
                let to = to.unwrap_or_default();
                Holder::Connecting { socket, to }
            }
            Way::Reading => {
                let peer = self.known_peer();
                Holder::Reading { socket, peer }
            }
            Way::Sending => {
                let (peer, bytes) = (self.known_peer(), self.sending.len());
                Holder::Sending {
                    socket,
                    peer,
                    bytes,
                }
            }
            Way::Ending => {
                let peer = self.known_peer();
                Holder::Ending { socket, peer }
            }
        }
    }

    fn known_peer(&self) -> Option<SocketAddr> {
        let known = self.cold.as_ref().and_then(|cold| cold.remote);
        known.or_else(|| self.stream.as_ref()?.remote_address())
    }

    /// Updates whether this socket holds the loop.
    pub(super) fn update_hold(&mut self, errands: &mut Errands<'_>) {
        let (subject, must_hold) = (Subject::Socket(errands.id), self.must_hold());
        (errands.agenda).count_hold(subject, &mut self.holds, must_hold);
    }
}

impl Socket<'_> {
    /// Lets the socket hold the loop again: Node's `socket.ref()`. This is the default, and applies while
    /// the socket is read from.
    #[track_caller]
    pub fn ref_(&mut self) -> &mut Self {
        self.hold("ref_", true)
    }

    /// Lets the loop end although this socket is open: Node's `socket.unref()`. A request in progress (a
    /// connect, a write, a shutdown) still holds the loop, as in libuv. It may be called before
    /// `connect`.
    #[track_caller]
    pub fn unref(&mut self) -> &mut Self {
        self.hold("unref", false)
    }

    #[track_caller]
    fn hold(&mut self, name: &'static str, is_held: bool) -> &mut Self {
        self.calls(name, |socket, errands| {
            socket.is_held = is_held;
            socket.update_hold(errands);
        });
        self
    }
}
