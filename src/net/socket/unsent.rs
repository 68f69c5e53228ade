//! Writes that will never be sent: they are refused, fail or are abandoned, as
//! [`rules::sending`](crate::rules::sending) defines it.

use std::io;

use libc::ECANCELED;

use super::{SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::queues::SocketTick;
use crate::rules::state::socket::Input;

impl SocketEntry {
    /// Refuses a write: its callback runs from a tick, and the socket is destroyed.
    pub(super) fn refuse(
        &mut self,
        callback: Option<WriteCallback>,
        error: Error,
        errands: &mut Errands<'_>,
    ) {
        if let Some(callback) = callback {
            errands.tick(SocketTick::Refused(callback, error.clone()));
        }
        self.destroy(Some(error), errands);
    }

    /// Fails a request within the call that made it: the callbacks and the `destroy` follow in a tick.
    pub(super) fn fail(
        &mut self,
        callbacks: Vec<WriteCallback>,
        error: Error,
        errands: &mut Errands<'_>,
    ) {
        self.break_writing(&error, errands);
        errands.tick(SocketTick::WriteFailed(callbacks, error));
    }

    /// Stops all further writing, and keeps the error if it is the first.
    fn break_writing(&mut self, error: &Error, errands: &mut Errands<'_>) {
        self.cold().errored.get_or_insert_with(|| error.clone());
        self.receiving.write_failed();
        self.feed(Input::WriteFailed, errands);
    }

    /// Cancels the request that is in flight when the socket closes.
    pub(super) fn cancelled(&mut self) -> (Vec<WriteCallback>, Result<(), Error>) {
        let error = io::Error::from_raw_os_error(ECANCELED);
        let error = Error::of_call("write", &error);
        (self.sending.end_request(), Err(error))
    }
}

impl Served<'_> {
    /// A request has failed: runs its callbacks and those of the waiting writes, and destroys the socket,
    /// unless it is destroyed already.
    pub(super) fn writes_have_failed(&mut self, callbacks: Vec<WriteCallback>, error: Error) {
        let was_destroyed = self.with(|socket, errands| {
            socket.break_writing(&error, errands);
            socket.state.is_destroyed()
        });
        for callback in callbacks {
            self.call_back(callback, Err(&error));
        }
        self.abandon();
        if was_destroyed == Some(false) {
            self.destroy(Some(error));
        }
    }

    /// The library's own listener of `close`: fails the first write, which was held for the connection. If
    /// the socket is being connected again, the held write is a new one, and stays.
    pub(super) fn end_held(&mut self) {
        let held = self.with(|socket, _| {
            let is_meant = socket.state.is_destroyed() && socket.sending.is_held();
            is_meant.then(|| socket.sending.end_request())
        });
        if let Some(callbacks) = held.flatten() {
            self.writes_have_failed(callbacks, words::closed_before_connection());
        }
    }

    /// Runs the callbacks of the waiting writes and of `end`, with the socket's first error. While a
    /// request is in flight, they wait until it is over.
    pub(super) fn abandon(&mut self) {
        let Some(socket) = self.entry() else { return };
        if socket.sending.is_in_flight() {
            return;
        }
        let errored = socket.errored().cloned();
        let count = socket.sending.count();
        let write = errored.clone().unwrap_or_else(|| words::destroyed("write"));
        for _ in 0..count {
            let abandoned = self.entry().and_then(|it| it.sending.abandon_one());
            if let Some(callback) = abandoned.flatten() {
                self.call_back(callback, Err(&write));
            }
        }
        let end = errored.unwrap_or_else(|| words::destroyed("end"));
        let socket = self.entry();
        let ends = socket.map(|socket| socket.sending.take_end_callbacks());
        for callback in ends.unwrap_or_default() {
            self.call_back(callback, Err(&end));
        }
        if let Some(socket) = self.entry() {
            socket.sending.forget_abandoned();
        }
    }
}
