//! The course of events of a run, as a hash.

use std::hash::{DefaultHasher, Hash, Hasher};

use netloop::Socket;

/// The hash of all events and calls in order, with their results and times.
pub(super) struct Course(DefaultHasher);

impl Course {
    pub(super) fn new() -> Course {
        Course(DefaultHasher::new())
    }

    pub(super) fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.0);
    }

    /// Notes the properties of a socket.
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
