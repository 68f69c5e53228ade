//! What is due for a socket: the library's own work in the tick queue, the shutdown that the pending
//! phase does, and the closing phase.

use super::SocketEntry;
use super::events::{CLOSE, ERROR, FINISH, PIPE, UNPIPE};
use crate::net::SocketId;
use crate::net::error::Error;
use crate::net::event_loop::Loop;
use crate::net::queues::SocketTick;
use crate::rules::state::socket::{Input, State, Writable};

impl Loop {
    /// The library's own work in the tick queue.
    pub(in crate::net) fn run_socket_tick(
        &mut self,
        id: SocketId,
        tick: SocketTick,
    ) -> Result<(), Error> {
        match tick {
            SocketTick::Connect => self.attempt(id),
            SocketTick::AskLookup => self.ask_lookup(id),
            SocketTick::Written(callbacks) => self.writes_have_left(id, callbacks),
            SocketTick::WriteFailed(callbacks, error) => {
                self.writes_have_failed(id, callbacks, error);
            }
            SocketTick::Refused(callback, error) => self.call_back(id, callback, Err(&error)),
            SocketTick::Abandon => self.abandon(id),
            SocketTick::Finish => self.feed(id, Input::FinishDue),
            SocketTick::End => self.end_is_due(id),
            SocketTick::AutoEnd => _ = self.with_socket(id, SocketEntry::end_with_peer),
            SocketTick::Error(error) => return self.emit_error(id, error),
            SocketTick::Close => {
                self.agenda.to_free.push(id);
                self.feed(id, Input::CloseDue);
            }
            SocketTick::Receiving(tick) => self.run_receiving_tick(id, tick),
            SocketTick::Piped(source) => {
                self.emit_socket(id, PIPE, |listener, socket| listener(socket, source));
            }
            SocketTick::Unpiped(source) => {
                self.emit_socket(id, UNPIPE, |listener, socket| listener(socket, source));
            }
            SocketTick::EndPipes => self.end_pipes(id),
            SocketTick::Destroy(error) => self.destroy(id, error),
        }
        Ok(())
    }

    /// Shuts our half down, which `end` has queued for the pending phase. If the peer has ended before,
    /// the socket is destroyed in this very drain, and `close(2)` sends the FIN: `shutdown(2)` is
    /// skipped unless somebody could observe it. A socket that was destroyed meanwhile, or is being
    /// connected again, has nothing to shut down.
    pub(in crate::net) fn shut_down(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let state = entry.state;
        let (Writable::Shutting, Some(stream)) = (state.sending, &entry.stream) else {
            return;
        };
        let shut_down = if state.is_end_emitted() && !entry.is_finish_observed() {
            Ok(())
        } else {
            stream.shutdown()
        };
        match shut_down {
            Ok(()) => self.feed(id, Input::ShutDown),
            Err(error) => self.destroy(id, Some(Error::of_call("shutdown", &error))),
        }
    }

    pub(super) fn emit_finish(&mut self, id: SocketId) {
        let socket = self.entry(id);
        let ends = socket.map(|socket| socket.sending.take_end_callbacks());
        for callback in ends.unwrap_or_default() {
            self.call_back(id, callback, Ok(()));
        }
        self.emit_plain(id, FINISH);
    }

    fn emit_error(&mut self, id: SocketId, error: Error) -> Result<(), Error> {
        self.unpipe_all_into(id);
        let was_heard = self.emit_socket(id, ERROR, |listener, socket| listener(socket, &error));
        if was_heard {
            Ok(())
        } else {
            Err(error.unheard())
        }
    }

    /// The closing phase of one socket: what was on its way is cancelled, then `close`. Left by a
    /// panic or an error it is called again, and does what is left.
    pub(in crate::net) fn finish_closing(&mut self, id: SocketId) -> Result<(), Error> {
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        if entry.sending.is_in_flight() && !entry.sending.is_held() {
            self.cancel_request(id);
            self.drain()?;
        }
        self.feed(id, Input::CloseDue);
        self.drain()?;
        self.agenda.to_free.push(id);
        Ok(())
    }

    pub(super) fn emit_close(&mut self, id: SocketId) {
        let entry = self.entry_ref(id);
        let had_error = entry.map_or(Some(false), SocketEntry::told_by_close);
        let cold = entry.and_then(|entry| entry.cold.as_ref());
        let is_heard_by_pipes = cold.is_some_and(|cold| cold.hears_its_end);
        self.emit_socket(id, CLOSE, |listener, socket| listener(socket, had_error));
        if !is_heard_by_pipes {
            self.unpipe_all_into(id);
        }
    }

    /// Frees the slot of a socket that has closed, unless it was connected again.
    pub(in crate::net) fn free_closed(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| entry.state.life == State::Closed)
        {
            self.with_socket(id, SocketEntry::forget_pipes);
            self.reactor.remove(id.0);
        }
    }
}
