//! What leaves later than in the call that wrote it, and its callbacks.

use super::events::DRAIN;
use super::{SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::phase::Pending;
use crate::net::listeners::Own;
use crate::net::socket::watched::Watched;
use crate::rules::sending::Next;
use crate::rules::state::socket::{Input, State};

/// What became of a request: its callbacks, and the error that it has met.
type Outcome = (Vec<WriteCallback>, Result<(), Error>);

impl SocketEntry {
    /// The connection stands, or the socket is destroyed: the request that waited for that is tried,
    /// or fails. Returns what became of it, if it is over.
    fn release_held(&mut self, errands: &mut Errands<'_>) -> Option<Outcome> {
        let turn = errands.agenda.turns;
        self.listeners.close.remove_own(Own::HeldWrite, turn);
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

    /// What became of the request in flight, if it is over.
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

    /// One more try with what is on its way.
    fn try_again(&mut self, errands: &mut Errands<'_>) {
        if let Some(stream) = &mut self.stream
            && self.sending.is_on_its_way()
        {
            let mut kernel = Watched::new(stream, errands.id, &mut errands.agenda.trace);
            let later = self.sending.try_again(&mut kernel);
            self.follow_later(later, errands);
        }
    }

    /// Has the pending phase serve the socket as if the kernel had reported room: libuv's
    /// `uv__io_feed`.
    pub(super) fn serve_soon(&mut self, errands: &mut Errands<'_>) {
        if !std::mem::replace(&mut self.is_put_off, true) {
            errands.agenda.put_off(Pending::Writable(errands.id));
        }
    }

    /// Whether `drain` is to be emitted.
    fn drains(&mut self) -> bool {
        let drains = self.sending.is_drain_due() && self.state.may_drain();
        if drains {
            self.sending.drains();
        }
        drains
    }

    /// Tells the machine if nothing is owed.
    pub(super) fn feed_flushed(&mut self, errands: &mut Errands<'_>) {
        if self.sending.is_flushed() {
            self.feed(Input::Flushed, errands);
        }
    }
}

impl Served<'_> {
    /// The library's own listener of `connect`: the first write leaves that waited for it.
    pub(super) fn release_held(&mut self) {
        let outcome = self.with(SocketEntry::release_held);
        self.finish_request(outcome.flatten());
    }

    /// The timer of a socket for which the kernel had no memory has fired.
    pub(in crate::net) fn serve_starved(&mut self) -> Result<(), Error> {
        if let Some(socket) = self.entry() {
            socket.sending.take_timer();
        }
        self.serve_writable()
    }

    /// The pending phase serves a socket that was put off.
    pub(in crate::net) fn serve_put_off(&mut self) -> Result<(), Error> {
        if let Some(socket) = self.entry() {
            socket.is_put_off = false;
        }
        self.serve_writable()
    }

    /// The kernel may have room: what is on its way is tried once, what has landed is called back,
    /// and our half is shut down if that was all there was to wait for.
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
        self.finish_request(outcome);
        self.drain()?;
        self.shut_down();
        self.drain()
    }

    /// The socket closes with a request in flight: it is cancelled, unless it has landed.
    pub(super) fn cancel_request(&mut self) {
        let outcome = self.with(|socket, errands| {
            if socket.sending.is_on_its_way() {
                return Some(socket.cancelled());
            }
            socket.take_landed(errands)
        });
        self.finish_request(outcome.flatten());
    }

    /// A request is over, later than in the call that made it.
    pub(super) fn finish_request(&mut self, outcome: Option<Outcome>) {
        match outcome {
            None => {}
            Some((callbacks, Ok(()))) => self.writes_have_left(callbacks),
            Some((callbacks, Err(error))) => self.writes_have_failed(callbacks, error),
        }
    }

    /// What has piled up is sent; then `drain` if it is due, the callbacks, and our FIN if `end`
    /// waited for this.
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
