//! Writes that are sent after the call that made them, and their callbacks.

use super::events::DRAIN;
use super::{SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::phase::{Pending, Rest};
use crate::net::listeners::Own;
use crate::net::socket::watched::Watched;
use crate::rules::sending::Next;
use crate::rules::state::socket::{Input, State};

/// The outcome of a request: its callbacks, and its error if it has failed.
type Outcome = (Vec<WriteCallback>, Result<(), Error>);

impl SocketEntry {
    /// Tries the request that was held for the connection; without a connection it fails. Returns its
    /// outcome, if it is over.
    fn release_held(&mut self, errands: &mut Errands<'_>) -> Option<Outcome> {
        let turn = errands.agenda.turns;
        self.listeners.close.remove_own(Own::HeldWrite);
        if !self.sending.is_held() {
            return None;
        }
        let Some(stream) = &mut self.stream else {
            return Some((self.sending.release_in_vain(), Err(words::closed())));
        };
        let mut kernel = Watched::new(stream, errands.id, &mut errands.agenda.trace);
        let next = self.sending.release(turn, &mut kernel)?;
        self.touch(errands);
        match next {
            Next::Done(callbacks) => Some((callbacks, Ok(()))),
            Next::Failed(callbacks, error) => {
                Some((callbacks, Err(Error::of_call("write", &error))))
            }
            Next::InFlight(later) => {
                self.follow_later(later, errands);
                None
            }
        }
    }

    /// Takes the outcome of the request in flight, if it is over.
    fn take_landed(&mut self, errands: &mut Errands<'_>) -> Option<Outcome> {
        let (callbacks, outcome) = self.sending.take_landed()?;
        if outcome.is_ok() {
            self.touch(errands);
        }
        Some((
            callbacks,
            outcome.map_err(|error| Error::of_call("write", &error)),
        ))
    }

    /// Tries once more to send the request in flight.
    fn try_again(&mut self, errands: &mut Errands<'_>) {
        if let Some(stream) = &mut self.stream
            && self.sending.is_on_its_way()
        {
            let mut kernel = Watched::new(stream, errands.id, &mut errands.agenda.trace);
            let later = self.sending.try_again(&mut kernel);
            self.follow_later(later, errands);
        }
    }

    /// Queues the socket for the pending phase, which serves it as if the kernel had reported room: libuv's
    /// `uv__io_feed`.
    pub(super) fn serve_soon(&mut self, errands: &mut Errands<'_>) {
        if !std::mem::replace(&mut self.is_put_off, true) {
            errands.agenda.put_off(Pending::Writable(errands.id));
        }
    }

    /// Returns whether `drain` is due, and notes that it is emitted.
    fn drains(&mut self) -> bool {
        let drains = self.sending.is_drain_due() && self.state.may_drain();
        if drains {
            self.sending.drains();
        }
        drains
    }

    /// Tells the machine if nothing is left to send.
    pub(super) fn feed_flushed(&mut self, errands: &mut Errands<'_>) {
        if self.sending.is_flushed() {
            self.feed(Input::Flushed, errands);
        }
    }
}

impl Served<'_> {
    /// The library's own listener of `connect`: sends the first write, which was held for it.
    pub(super) fn release_held(&mut self) {
        let outcome = self.with(SocketEntry::release_held);
        self.finish_request(outcome.flatten());
    }

    /// The timer of a starved socket has fired: the kernel had no memory for its bytes.
    pub(in crate::net) fn serve_starved(&mut self) -> Result<(), Error> {
        if let Some(socket) = self.entry() {
            socket.sending.take_timer();
        }
        self.serve_writable()
    }

    /// Serves a socket of the pending queue.
    pub(in crate::net) fn serve_put_off(&mut self) -> Result<(), Error> {
        if let Some(socket) = self.entry() {
            socket.is_put_off = false;
        }
        self.serve_writable()
    }

    /// The kernel may have room: tries the request in flight once, runs its callbacks if it is over, and
    /// shuts our half down if `end` waited only for this.
    pub(super) fn serve_writable(&mut self) -> Result<(), Error> {
        let outcome = self.with(|socket, errands| {
            if socket.state.life != State::Open {
                return None;
            }
            socket.try_again(errands);
            Some(socket.take_landed(errands))
        });
        let Some(outcome) = outcome.flatten() else {
            return Ok(());
        };
        if outcome.is_some() {
            self.event_loop.agenda.rest = Some(Rest::ShutDown(self.id));
            self.finish_request(outcome);
            self.drain()?;
            self.event_loop.agenda.rest = None;
        }
        self.shut_down()
    }

    /// Ends the request in flight of a socket that closes: it is cancelled, unless it has landed.
    pub(super) fn cancel_request(&mut self) {
        let outcome = self.with(|socket, errands| {
            if socket.sending.is_on_its_way() {
                return Some(socket.cancelled());
            }
            socket.take_landed(errands)
        });
        self.finish_request(outcome.flatten());
    }

    /// Finishes a request that was not over in the call that made it.
    pub(super) fn finish_request(&mut self, outcome: Option<Outcome>) {
        match outcome {
            None => {}
            Some((callbacks, Ok(()))) => self.writes_have_left(callbacks),
            Some((callbacks, Err(error))) => self.writes_have_failed(callbacks, error),
        }
    }

    /// Sends the writes that have piled up. Then come `drain`, if it is due, the callbacks, and our FIN, if
    /// `end` waited for these writes.
    pub(super) fn writes_have_left(&mut self, callbacks: Vec<WriteCallback>) {
        let drains = self.with(|socket, errands| {
            socket.send_waiting(errands);
            socket.update_hold(errands);
            socket.drains()
        });
        if drains == Some(true) {
            self.emit_plain(DRAIN);
            self.drained_pipes_into();
        }
        for callback in callbacks {
            self.call_back(callback, Ok(()));
        }
        let is_destroyed = self.with(|socket, errands| {
            let is_destroyed = socket.state.is_destroyed();
            if !is_destroyed {
                socket.feed_flushed(errands);
            }
            is_destroyed
        });
        if is_destroyed == Some(true) {
            self.abandon();
        }
    }
}
