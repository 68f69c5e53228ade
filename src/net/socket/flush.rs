//! What could not be written at once: it leaves later, and calls back as Node does.

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::queues::{Pending, SocketTick};
use super::super::timers::TimerTask;
use super::events::DRAIN;
use super::{SocketEntry, WriteCallback};
use crate::net::event_loop::Loop;
use crate::net::event_loop::errands::Errands;
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
        entry.begins_to_write();
        if entry.connection.state.is_destroyed() {
            return self.fail_writes(id, &words::closed());
        }
        entry.connection.dispatch();
        let sent = entry.connection.try_at_once();
        self.touch(id);
        match sent {
            Ok(Sent::All(callbacks)) => self.request_has_left(id, callbacks),
            Ok(Sent::Part) => self.request_is_on_its_way(id, true),
            Ok(Sent::Nothing) => self.request_is_on_its_way(id, false),
            Err(error) => {
                let entry = self.entry(id);
                let callbacks = entry.map(|entry| entry.connection.outbox_mut().abandon_flight());
                let error = Error::of_call("write", &error);
                self.after_failed_write(id, callbacks.unwrap_or_default(), error);
            }
        }
    }

    /// Makes one request of all that waits, and sends it. If it leaves at once, its callbacks come
    /// in a tick.
    pub(super) fn send_waiting(&mut self, id: SocketId) {
        let turn = self.agenda.turns;
        let Some(entry) = self.entry(id) else { return };
        let is_idle = !entry.connection.is_in_flight() && !entry.is_corked();
        let outbox = entry.connection.outbox();
        if !is_idle || !outbox.is_some_and(Outbox::has_waiting) {
            return;
        }
        match entry.connection.state {
            State::Opening(_) => return self.hold_back(id),
            State::Open(_, Writable::Open | Writable::Ending) => {}
            State::Idle(Writable::Open) => {
                entry.connection.outbox_mut().launch(turn);
                return self.refuse_request(id, words::closed());
            }
            State::Open(_, _) | State::Idle(_) | State::Destroyed(..) | State::Closed(..) => return,
        }
        entry.begins_to_write();
        entry.connection.outbox_mut().launch(turn);
        entry.connection.dispatch();
        let sent = entry.connection.try_at_once();
        self.touch(id);
        match sent {
            Ok(Sent::All(callbacks)) => self.request_has_left_at_once(id, callbacks),
            Ok(Sent::Part) => self.request_is_on_its_way(id, true),
            Ok(Sent::Nothing) => self.request_is_on_its_way(id, false),
            Err(error) => self.refuse_request(id, Error::of_call("write", &error)),
        }
    }

    fn request_has_left_at_once(&mut self, id: SocketId, callbacks: Vec<WriteCallback>) {
        let Some(entry) = self.entry(id) else { return };
        let owes_drain = entry.needs_drain && entry.connection.owed() == 0;
        entry.connection.trim_outbox();
        if !callbacks.is_empty() || owes_drain {
            self.socket_tick(id, SocketTick::Written(callbacks));
        }
    }

    /// The kernel did not take all of a request in the call that made it. If it took a part, it is
    /// tried once more, as libuv does: a connection that has failed then says so. From there on
    /// the request waits until the kernel tells of room.
    pub(super) fn request_is_on_its_way(&mut self, id: SocketId, has_left_in_part: bool) {
        self.update_hold(id);
        if has_left_in_part {
            self.try_again(id);
        } else {
            self.retry_if_starved(id);
        }
    }

    /// One try with the request on its way. If it lands, it is told from the pending phase, unless
    /// the caller does.
    fn try_again(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        entry.connection.try_again();
        if entry.connection.has_room() {
            self.read_again(id, false);
        } else if entry.connection.is_on_its_way() {
            self.retry_if_starved(id);
        } else {
            self.serve_soon(id);
        }
    }

    /// No edge tells when the kernel has memory again, so a timer looks: one, whatever comes.
    fn retry_if_starved(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if !std::mem::take(&mut entry.connection.is_starved) || entry.waits_for_memory() {
            return;
        }
        let now = self.agenda.clock.refresh();
        let timer = self
            .agenda
            .timers
            .insert(now, STARVED, TimerTask::Flush(id));
        if let Some(entry) = self.entry(id) {
            entry.cold().retry = Some(timer);
        }
    }

    /// The time has come to look whether the kernel has memory again.
    pub(in crate::net) fn serve_starved(&mut self, id: SocketId) -> Result<(), Error> {
        if let Some(entry) = self.entry(id) {
            entry.cold().retry = None;
        }
        self.serve_writable(id)
    }

    /// The kernel tells of room: for what was on its way when it was asked, and not for one that
    /// waits for memory.
    pub(super) fn has_room(&mut self, id: SocketId) {
        let turn = self.agenda.turns;
        let Some(entry) = self.entry(id) else { return };
        let is_meant = entry.connection.is_on_its_way() && !entry.waits_for_memory();
        if is_meant && entry.connection.outbox_mut().is_older_than(turn) {
            entry.connection.outbox_mut().has_room = true;
        }
    }

    pub(in crate::net) fn serve_put_off(&mut self, id: SocketId) -> Result<(), Error> {
        if let Some(entry) = self.entry(id) {
            entry.connection.is_put_off = false;
        }
        self.serve_writable(id)
    }

    /// The kernel may have room: what is on its way is tried once, what has landed is told, and
    /// our half is shut down if that was all there was to wait for.
    pub(super) fn serve_writable(&mut self, id: SocketId) -> Result<(), Error> {
        let is_held_back = |entry: &SocketEntry| {
            let cold = entry.cold.as_ref();
            cold.is_some_and(|cold| cold.is_held_back)
        };
        match self.entry(id) {
            Some(entry) if matches!(entry.connection.state, State::Open(_, _)) => {
                if entry.connection.is_on_its_way() && !is_held_back(entry) {
                    self.try_again(id);
                }
            }
            _ => return Ok(()),
        }
        self.tell_landed(id);
        self.drain()?;
        self.shut_down(id);
        self.drain()
    }

    /// Tells what became of a request that has left, or failed, later than in the call that made
    /// it.
    pub(super) fn tell_landed(&mut self, id: SocketId) {
        let entry = self.entry(id);
        let landed = entry.and_then(|entry| entry.connection.take_landed());
        match landed {
            None => {}
            Some((callbacks, Ok(()))) => {
                self.touch(id);
                self.request_has_left(id, callbacks);
            }
            Some((callbacks, Err(error))) => {
                self.after_failed_write(id, callbacks, Error::of_call("write", &error));
            }
        }
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
            self.emit_plain(id, DRAIN);
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
}

impl SocketEntry {
    /// Has the pending phase serve the socket as if the kernel had reported room: libuv's
    /// `uv__io_feed`.
    pub(super) fn serve_soon(&mut self, errands: &mut Errands<'_>) {
        if !std::mem::replace(&mut self.connection.is_put_off, true) {
            errands.agenda.put_off(Pending::Writable(errands.id));
        }
    }

    /// Whether a timer will try again, since the kernel was short of memory.
    fn waits_for_memory(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.retry.is_some())
    }
}
