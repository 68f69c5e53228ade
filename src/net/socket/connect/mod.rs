//! Connecting: to a path, to an address, or to a name's addresses one after the other.
//!
//! A connect [begins](begin), [looks the name up](lookup), [attempts] the addresses, and reaches its
//! [outcome].

mod attempts;
mod begin;
mod families;
mod lookup;
mod outcome;

pub(super) use families::ATTEMPT_TIMEOUT_MIN;

use super::connecting::Target;
use super::{Connecting, SocketEntry};
use crate::kernel::Stream;
use crate::kernel::options::KeepAlive;
use crate::net::event_loop::errands::Errands;
use crate::rules::state::socket::State;

impl SocketEntry {
    /// Ends the connect of a socket that is destroyed: cancels its timer, and forgets its lookup.
    pub(super) fn stop_connecting(&mut self, errands: &mut Errands<'_>) {
        let connecting = self.cold.as_mut().and_then(|cold| cold.connecting.take());
        let Some(connecting) = connecting else { return };
        if let Some(timer) = connecting.timer {
            errands.agenda.cancel(timer);
        }
        if let Some(ticket) = connecting.ticket {
            errands.lookups.forget(ticket);
        }
    }

    /// The connect in progress.
    fn connecting(&mut self) -> Option<&mut Connecting> {
        match self.state.life {
            State::Opening => self.cold.as_mut()?.connecting.as_deref_mut(),
            _ => None,
        }
    }

    pub(super) fn connects_to_path(&self) -> bool {
        let connecting = self.cold.as_ref().and_then(|cold| cold.connecting.as_ref());
        connecting.is_some_and(|connecting| matches!(connecting.target, Target::Path(_)))
    }

    /// Gives the socket its stream. As in libuv, the stream is registered before the next wait: if it is
    /// connected at once, its `connect` comes after the `connection` of its server.
    fn adopt(&mut self, stream: Stream, errands: &mut Errands<'_>) {
        if let Some(connecting) = self.connecting() {
            connecting.is_registered = false;
        }
        self.stream = Some(stream);
        errands.agenda.connecting.push(errands.id);
    }

    /// Registers the stream that connects, if it is not yet. Returns whether that has failed, and destroyed
    /// the socket.
    pub(in crate::net) fn cannot_register(&mut self, errands: &mut Errands<'_>) -> bool {
        match self.connecting() {
            Some(connecting) if !connecting.is_registered => connecting.is_registered = true,
            _ => return false,
        }
        let outcome = self.register(errands);
        let has_failed = outcome.is_err();
        if let Err(error) = outcome {
            self.destroy(Some(error), errands);
        }
        has_failed
    }

    fn stop_attempt_timer(&mut self, errands: &mut Errands<'_>) {
        let timer = self.connecting().and_then(|it| it.timer.take());
        if let Some(timer) = timer {
            errands.agenda.cancel(timer);
        }
    }

    /// Turns keep-alive on or off while connecting. As in Node, the kernel is told at once if there is a
    /// descriptor, and not at all if nothing changes.
    pub(super) fn keep_connecting_alive(&mut self, wanted: Option<KeepAlive>) {
        let (State::Opening, Some(cold)) = (self.state.life, &mut self.cold) else {
            return;
        };
        if cold.wanted.keep_alive.map(KeepAlive::seconds) == wanted.map(KeepAlive::seconds) {
            return;
        }
        match (&self.stream, &mut cold.connecting) {
            (Some(stream), _) => {
                if let Err(error) = stream.set_keep_alive(wanted) {
                    log::debug!(target: "netloop::socket", "SO_KEEPALIVE: {error}");
                }
            }
            (None, Some(connecting)) => connecting.is_kept_alive = wanted.is_some(),
            (None, None) => {}
        }
    }
}
