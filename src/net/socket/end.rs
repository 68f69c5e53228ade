//! The end of our half: `end`, with bytes before it or without.

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::queues::SocketTick;
use super::{Cold, Socket, SocketEntry, WriteCallback};
use crate::net::event_loop::Loop;
use crate::rules::state::socket::Input;

impl Loop {
    /// `end`, after the peer's end, when it may not stay half open.
    pub(super) fn end_own_half(&mut self, id: SocketId) {
        if self.socket_at(id).is_writable() {
            self.socket_at(id).end();
        }
    }

    fn end(&mut self, id: SocketId, callback: Option<WriteCallback>, refused: Option<Error>) {
        if self.entry_ref(id).is_some_and(SocketEntry::is_corked) {
            self.uncork(id, true);
        }
        let Some(entry) = self.entry(id) else {
            return self.answer_end(id, callback, Some(words::destroyed("end")));
        };
        let state = entry.connection.state;
        if refused.is_some() {
            return self.answer_end(id, callback, refused);
        }
        if state.is_finished() {
            return self.answer_end(id, callback, Some(words::already_finished()));
        }
        if state.is_destroyed() {
            if entry.errored().is_none() {
                self.feed(id, Input::EndCalled);
            }
            return self.answer_end(id, callback, Some(words::destroyed("end")));
        }
        if let (Some(error), false) = (entry.errored(), state.is_writable()) {
            let error = error.clone();
            return self.answer_end(id, callback, Some(error));
        }
        entry.cold_if(callback.is_some(), |cold| {
            cold.end_callbacks.extend(callback)
        });
        self.feed(id, Input::EndCalled);
        self.feed_flushed(id);
    }

    fn answer_end(&mut self, id: SocketId, callback: Option<WriteCallback>, error: Option<Error>) {
        if let Some(callback) = callback {
            self.socket_tick(id, SocketTick::EndCallback(callback, error));
        }
    }
}

impl SocketEntry {
    fn cold_if(&mut self, wanted: bool, change: impl FnOnce(&mut Cold)) {
        if wanted {
            change(self.cold());
        }
    }
}

impl Socket<'_> {
    /// Ends our half: Node's `end()`. Once all that was written has left, the FIN follows
    /// (shutdown(2)) in the pending phase, then `finish`. Once the peer has ended, too, the socket is
    /// destroyed. A second call does nothing.
    pub fn end(&mut self) -> &mut Self {
        self.event_loop.end(self.id, None, None);
        self
    }

    /// Writes, then ends our half: Node's `end(data)`. What [`write`](Socket::write) says of failing
    /// holds here, too.
    pub fn end_with(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        let refused = self.write_last(data.as_ref());
        self.event_loop.end(self.id, None, refused);
        self
    }

    /// Ends our half and calls back just before `finish`, or with the reason why it will not
    /// come: Node's `end(callback)`. After `finish` that is `ERR_STREAM_ALREADY_FINISHED`, after
    /// `destroy` `ERR_STREAM_DESTROYED`, both from a tick.
    pub fn end_then(
        &mut self,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> &mut Self {
        self.event_loop.end(self.id, Some(Box::new(callback)), None);
        self
    }

    /// Writes, ends our half, and calls back as [`end_then`](Socket::end_then): Node's
    /// `end(data, callback)`.
    pub fn end_with_then(
        &mut self,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> &mut Self {
        let refused = self.write_last(data.as_ref());
        self.event_loop
            .end(self.id, Some(Box::new(callback)), refused);
        self
    }

    /// Returns why a last write cannot be, if it cannot.
    fn write_last(&mut self, data: &[u8]) -> Option<Error> {
        let refused = if self.is_writable_ended() {
            words::write_after_end()
        } else if self.is_destroyed() {
            words::destroyed("write")
        } else {
            self.write(data);
            return None;
        };
        let told = refused.clone();
        self.event_loop.refuse_write(self.id, None, told);
        Some(refused)
    }
}
