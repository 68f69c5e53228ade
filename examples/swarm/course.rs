//! The course of events of a run, as one number.

use std::hash::{DefaultHasher, Hash, Hasher};

use netloop::Socket;

/// All that has happened, in order: each event, each call and what it has led to, and the time.
pub(super) struct Course(DefaultHasher);

impl Course {
    pub(super) fn new() -> Course {
        Course(DefaultHasher::new())
    }

    pub(super) fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.0);
    }

    /// Notes what a socket's properties are at this point.
    pub(super) fn note_socket(&mut self, socket: &Socket<'_>) {
        self.note((socket.standing(), socket.readable_flowing()));
        self.note((socket.bytes_read(), socket.bytes_written()));
        self.note((socket.readable_length(), socket.writable_length()));
        self.note(socket.errored().map(|error| error.to_string()));
    }

    pub(super) fn number(&self) -> u64 {
        self.0.finish()
    }
}
