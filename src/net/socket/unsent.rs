//! What will never be written: it calls back with the reason, as Node does.

use std::io;

use libc::ECANCELED;

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::queues::SocketTick;
use super::WriteCallback;
use crate::net::event_loop::Loop;
use crate::rules::outbox::Outbox;
use crate::rules::state::socket::Input;

impl Loop {
    /// A request was refused in the call that made it: its callbacks, and the end of the socket,
    /// come in ticks.
    pub(super) fn refuse_request(&mut self, id: SocketId, error: Error) {
        let Some(entry) = self.entry(id) else { return };
        let callbacks = entry.connection.outbox_mut().abandon_flight();
        self.break_writing(id, &error);
        for callback in callbacks {
            self.socket_tick(id, SocketTick::Refused(callback, error.clone()));
        }
        self.socket_tick(id, SocketTick::WriteFailed(None, error));
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
        let end = errored.unwrap_or_else(|| words::destroyed("end"));
        for callback in self.take_end_callbacks(id) {
            self.call_back(id, callback, Err(&end));
        }
        // Until here what was given up is counted, as in Node.
        if let Some(entry) = self.entry(id) {
            entry.connection.trim_outbox();
        }
    }

    /// The socket has closed with a request in flight: if that has landed it is told of what became
    /// of it, else it is cancelled.
    pub(super) fn cancel_request(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.is_on_its_way() {
            let cancelled = io::Error::from_raw_os_error(ECANCELED);
            self.fail_writes(id, &Error::of_call("write", &cancelled));
        } else {
            self.tell_landed(id);
        }
    }
}
