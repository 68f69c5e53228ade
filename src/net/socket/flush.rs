//! What could not be written at once: it leaves later, or it never will, and calls back as Node does.

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::event_loop::Loop;
use super::super::queues::SocketTick;
use super::super::timers::TimerTask;
use super::WriteCallback;
use crate::room::connection::Sent;
use crate::rules::outbox::Outbox;
use crate::rules::state::socket::{Input, State, Writable};

/// After how many milliseconds a send is tried again for which the kernel had no memory.
const STARVED: u32 = 10;

impl Loop {
    pub(super) fn send_held_back(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if !std::mem::take(&mut entry.cold().is_held_back) {
            return;
        }
        if entry.connection.state.is_destroyed() {
            return self.fail_writes(id, &words::closed());
        }
        self.touch(id);
        self.send_request(id);
    }

    /// Sends the request in flight as far as the kernel takes it.
    fn send_request(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        entry.connection.dispatch();
        match entry.connection.flush() {
            Ok(Sent::All(callbacks)) => self.request_has_left(id, callbacks),
            Ok(Sent::Part) => self.request_is_on_its_way(id),
            Err(error) => {
                let callbacks = entry.connection.outbox_mut().abandon_flight();
                self.after_failed_write(id, callbacks, Error::of_call("write", &error));
            }
        }
    }

    /// Makes one request of all that waits, and sends it. If it leaves at once, its callbacks come
    /// in a tick.
    pub(super) fn send_waiting(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        let is_idle = !entry.connection.is_in_flight() && !entry.is_corked();
        let waits = entry
            .connection
            .outbox()
            .is_some_and(|outbox| outbox.has_waiting());
        if !is_idle || !waits {
            return;
        }
        match entry.connection.state {
            State::Opening(_) => return self.hold_back(id),
            State::Open(_, Writable::Open | Writable::Ending) => {}
            State::Idle(Writable::Open) => {
                entry.connection.outbox_mut().launch();
                return self.refuse_request(id, words::closed());
            }
            State::Open(_, _) | State::Idle(_) | State::Destroyed | State::Closed => return,
        }
        self.touch(id);
        let Some(entry) = self.entry(id) else { return };
        entry.connection.outbox_mut().launch();
        entry.connection.dispatch();
        match entry.connection.flush() {
            Ok(Sent::All(callbacks)) => {
                let owes_drain = entry.needs_drain && entry.connection.owed() == 0;
                entry.connection.trim_outbox();
                if !callbacks.is_empty() || owes_drain {
                    self.socket_tick(id, SocketTick::Written(callbacks));
                }
            }
            Ok(Sent::Part) => self.request_is_on_its_way(id),
            Err(error) => self.refuse_request(id, Error::of_call("write", &error)),
        }
    }

    /// A request was refused in the call that made it: its callbacks, and the end of the socket,
    /// come in ticks.
    fn refuse_request(&mut self, id: SocketId, error: Error) {
        let Some(entry) = self.entry(id) else { return };
        let callbacks = entry.connection.outbox_mut().abandon_flight();
        self.break_writing(id, &error);
        for callback in callbacks {
            self.socket_tick(id, SocketTick::Refused(callback, error.clone()));
        }
        self.socket_tick(id, SocketTick::WriteFailed(None, error));
    }

    pub(super) fn request_is_on_its_way(&mut self, id: SocketId) {
        self.update_hold(id);
        self.flush_if_starved(id);
    }

    /// No edge tells when the kernel has memory again, so a timer looks.
    fn flush_if_starved(&mut self, id: SocketId) {
        let is_starved = self
            .entry(id)
            .is_some_and(|entry| std::mem::take(&mut entry.connection.is_starved));
        if is_starved {
            let now = self.clock.refresh();
            self.timers.insert(now, STARVED, TimerTask::Flush(id));
        }
    }

    /// The kernel may have room again.
    #[inline]
    pub(in crate::net) fn flush(&mut self, id: SocketId) -> Result<(), Error> {
        match self.entry_ref(id) {
            Some(entry) if entry.connection.is_in_flight() => self.flush_request(id),
            _ => Ok(()),
        }
    }

    fn flush_request(&mut self, id: SocketId) -> Result<(), Error> {
        let Some(entry) = self.entry(id) else {
            return Ok(());
        };
        let is_open = matches!(entry.connection.state, State::Open(_, _));
        if !is_open || entry.cold.as_ref().is_some_and(|cold| cold.is_held_back) {
            return Ok(());
        }
        match entry.connection.flush() {
            Ok(Sent::All(callbacks)) => {
                self.touch(id);
                self.request_has_left(id, callbacks);
                self.drain()?;
                // libuv looks at once whether a shutdown has become possible.
                if self
                    .state_of(id)
                    .is_some_and(|state| matches!(state, State::Open(_, Writable::Shutting)))
                {
                    self.shut_down(id);
                }
            }
            Ok(Sent::Part) => self.flush_if_starved(id),
            Err(error) => {
                let callbacks = entry.connection.outbox_mut().abandon_flight();
                self.after_failed_write(id, callbacks, Error::of_call("write", &error));
            }
        }
        self.drain()
    }

    /// A request has left later than the call that made it.
    fn request_has_left(&mut self, id: SocketId, callbacks: Vec<WriteCallback>) {
        if let Some(entry) = self.entry(id) {
            entry.connection.trim_outbox();
        }
        self.send_waiting(id);
        self.update_hold(id);
        self.after_write(id, callbacks);
    }

    /// `drain` if it is owed, the callbacks, and our FIN if `end` waited for this.
    pub(super) fn after_write(&mut self, id: SocketId, callbacks: Vec<WriteCallback>) {
        if let Some(entry) = self.entry(id)
            && entry.needs_drain
            && entry.connection.owed() == 0
            && entry.connection.state.may_drain()
        {
            entry.needs_drain = false;
            self.emit_plain(id, "drain", |entry| Some(&mut entry.listeners.drain));
            self.drained_pipes_into(id);
        }
        for callback in callbacks {
            self.call_back(id, callback, Ok(()));
        }
        if self.state_of(id).is_some_and(State::is_destroyed) {
            return self.abandon_waiting(id);
        }
        self.feed_flushed(id);
    }

    /// Tells the machine if nothing is owed.
    pub(super) fn feed_flushed(&mut self, id: SocketId) {
        if self
            .entry_ref(id)
            .is_some_and(|entry| entry.connection.outbox().is_none())
        {
            self.feed(id, Input::Flushed);
        }
    }

    /// A write was refused in the call: its callback, and the end of the socket, come in a tick.
    pub(super) fn write_failed(
        &mut self,
        id: SocketId,
        callback: Option<WriteCallback>,
        error: Error,
    ) {
        self.break_writing(id, &error);
        self.socket_tick(id, SocketTick::WriteFailed(callback, error));
    }

    fn break_writing(&mut self, id: SocketId, error: &Error) {
        if let Some(entry) = self.entry(id) {
            entry.cold().errored.get_or_insert_with(|| error.clone());
            self.feed(id, Input::WriteFailed);
        }
    }

    /// Callbacks first, then the error of the socket.
    pub(super) fn after_failed_write(
        &mut self,
        id: SocketId,
        callbacks: Vec<WriteCallback>,
        error: Error,
    ) {
        self.break_writing(id, &error);
        for callback in callbacks {
            self.call_back(id, callback, Err(&error));
        }
        self.abandon_waiting(id);
        self.destroy(id, Some(error));
    }

    /// A write that changes nothing: its callback comes in a tick, and an error that belongs to
    /// the socket destroys it.
    pub(super) fn refuse_write(
        &mut self,
        id: SocketId,
        callback: Option<WriteCallback>,
        error: Error,
    ) {
        if let Some(callback) = callback {
            self.socket_tick(id, SocketTick::Refused(callback, error.clone()));
        }
        self.destroy(id, Some(error));
    }

    /// Calls back what will never leave: the request in flight with this error, the rest with
    /// what the socket met first.
    pub(super) fn fail_writes(&mut self, id: SocketId, error: &Error) {
        let Some(entry) = self.entry(id) else { return };
        entry.cold().is_held_back = false;
        entry.cold().errored.get_or_insert_with(|| error.clone());
        for callback in entry.connection.outbox_mut().abandon_flight() {
            self.call_back(id, callback, Err(error));
        }
        self.abandon_waiting(id);
    }

    /// Calls back the writes that were never begun, and `end`. While a request is in flight they
    /// wait for its end.
    pub(super) fn abandon_waiting(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.is_in_flight() {
            return;
        }
        let errored = entry.errored().cloned();
        let count = entry.connection.outbox().map_or(0, Outbox::count);
        let write = errored.clone().unwrap_or_else(|| words::destroyed("write"));
        for _ in 0..count {
            let entry = self.entry(id);
            let given_up = entry.and_then(|entry| entry.connection.outbox_mut().abandon_one());
            if let Some(callback) = given_up.flatten() {
                self.call_back(id, callback, Err(&write));
            }
        }
        if let Some(entry) = self.entry(id) {
            entry.connection.trim_outbox();
        }
        let end = errored.unwrap_or_else(|| words::destroyed("end"));
        for callback in self.take_end_callbacks(id) {
            self.call_back(id, callback, Err(&end));
        }
    }
}
