//! What will never be written: it is refused, has failed, or is abandoned, as
//! [`rules::sending`](crate::rules::sending) has it.

use std::io;

use libc::ECANCELED;

use super::{SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::queues::SocketTick;
use crate::rules::state::socket::Input;

impl SocketEntry {
    /// A write that may not be: its callback comes in a tick, and the socket is destroyed.
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

    /// The call that has made a request has met an error: the rest of failing follows in a tick.
    pub(super) fn fail(
        &mut self,
        callbacks: Vec<WriteCallback>,
        error: Error,
        errands: &mut Errands<'_>,
    ) {
        self.break_writing(&error, errands);
        errands.tick(SocketTick::WriteFailed(callbacks, error));
    }

    /// From here on it writes no more, and its first error is known.
    fn break_writing(&mut self, error: &Error, errands: &mut Errands<'_>) {
        self.cold().errored.get_or_insert_with(|| error.clone());
        self.feed(Input::WriteFailed, errands);
    }

    /// What was on its way when the socket closed.
    pub(super) fn cancelled(&mut self) -> (Vec<WriteCallback>, Result<(), Error>) {
        let error = io::Error::from_raw_os_error(ECANCELED);
        let error = Error::of_call("write", &error);
        (self.sending.end_request(), Err(error))
    }
}

impl Served<'_> {
    /// A request has failed: its callbacks, those of what waits, and the end of the socket, unless it
    /// has come already.
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

    /// The library's own listener of `close`: the first write fails that waited for the connection,
    /// unless the socket is connected again, and holds what is new.
    pub(super) fn end_held(&mut self) {
        let held = self.with(|socket, _| {
            let is_meant = socket.state.is_destroyed() && socket.sending.is_held();
            is_meant.then(|| socket.sending.end_request())
        });
        if let Some(callbacks) = held.flatten() {
            self.writes_have_failed(callbacks, words::closed_before_connection());
        }
    }

    /// Calls back the writes that wait, and `end`, with what the socket has met first. While a request
    /// is in flight they wait for its end.
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
