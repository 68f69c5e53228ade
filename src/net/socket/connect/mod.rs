//! Connecting: to a path, to an address, or to a name's addresses one after the other.
//!
//! A connect [begins](begin), has its name [looked up](lookup), [attempts] the addresses,
//! and comes to its [outcome].

mod attempts;
mod begin;
mod families;
mod lookup;
mod outcome;

pub(super) use families::ATTEMPT_TIMEOUT_MIN;

use super::connecting::Target;
use super::{Connecting, SocketEntry};
use crate::kernel::options::KeepAlive;
use crate::kernel::stream::Stream;
use crate::net::event_loop::errands::Errands;
use crate::rules::state::socket::State;

impl SocketEntry {
    /// The socket is destroyed: neither time nor an answer is waited for.
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

    /// The connect that is on its way.
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

    /// Makes a stream the socket's. It is registered before the next wait, as libuv does it:
    /// so `connect` of a stream that is connected at once comes after `connection` of its server.
    fn adopt(&mut self, stream: Stream, errands: &mut Errands<'_>) {
        if let Some(connecting) = self.connecting() {
            connecting.is_registered = false;
        }
        self.stream = Some(stream);
        errands.agenda.connecting.push(errands.id);
    }

    pub(in crate::net) fn register_connecting(&mut self, errands: &mut Errands<'_>) {
        match self.connecting() {
            Some(connecting) if !connecting.is_registered => connecting.is_registered = true,
            _ => return,
        }
        if let Err(error) = self.register(errands) {
            self.destroy(Some(error), errands);
        }
    }

    fn stop_attempt_timer(&mut self, errands: &mut Errands<'_>) {
        let timer = self.connecting().and_then(|it| it.timer.take());
        if let Some(timer) = timer {
            errands.agenda.cancel(timer);
        }
    }

    /// Keep-alive is asked for, or not any more, while connecting. As in Node, a connection that has
    /// its descriptor is told at once, and nobody is told what is known.
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
