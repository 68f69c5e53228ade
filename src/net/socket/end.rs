//! The end of our half: `end`, with bytes before it or without.

use super::{Socket, SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::errands::Errands;
use crate::net::queues::SocketTick;
use crate::net::trace::Subject;
use crate::rules::state::socket::Input;

impl SocketEntry {
    /// Ends our half after the peer's, since the socket may not stay half open.
    pub(super) fn end_with_peer(&mut self, errands: &mut Errands<'_>) {
        if self.state.is_writable() {
            self.end(None, None, errands);
        }
    }

    fn end(
        &mut self,
        callback: Option<WriteCallback>,
        refused: Option<Error>,
        errands: &mut Errands<'_>,
    ) {
        self.sending.uncork_fully();
        self.send_waiting(errands);
        if let Some(error) = refused.or_else(|| self.refused_end(errands)) {
            if let Some(callback) = callback {
                errands.tick(SocketTick::Refused(callback, error));
            }
            return;
        }
        if let Some(callback) = callback {
            self.sending.push_end_callback(callback);
        }
        self.feed(Input::EndCalled, errands);
        self.feed_flushed(errands);
    }

    /// The error with which an `end` is refused, if it is.
    fn refused_end(&mut self, errands: &mut Errands<'_>) -> Option<Error> {
        let state = self.state;
        if state.is_finished() {
            return Some(words::already_finished());
        }
        if state.is_destroyed() {
            if self.errored().is_none() {
                self.feed(Input::EndCalled, errands);
            }
            return Some(words::destroyed("end"));
        }
        self.errored().filter(|_| !state.is_writable()).cloned()
    }
}

impl Socket<'_> {
    /// Ends our half: Node's `end()`. Once everything written is sent, the FIN follows (shutdown(2)) in the
    /// pending phase, then `finish`. Once the peer has ended as well, the socket is destroyed. A second
    /// call does nothing.
    #[track_caller]
    pub fn end(&mut self) -> &mut Self {
        self.call_end("end", None)
    }

    /// Writes, then ends our half: Node's `end(data)`. The write can fail as [`write`](Socket::write)
    /// does.
    #[track_caller]
    pub fn end_with(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        self.write_and_end("end_with", data.as_ref(), None)
    }

    /// Ends our half and calls back just before `finish`, or with an error if `finish` will not be emitted:
    /// Node's `end(callback)`. After `finish` the error is `ERR_STREAM_ALREADY_FINISHED`, after `destroy`
    /// it is `ERR_STREAM_DESTROYED`, both from a tick.
    #[track_caller]
    pub fn end_then(
        &mut self,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> &mut Self {
        self.call_end("end_then", Some(Box::new(callback)))
    }

    /// Writes, ends our half, and calls back as [`end_then`](Socket::end_then): Node's
    /// `end(data, callback)`.
    #[track_caller]
    pub fn end_with_then(
        &mut self,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> &mut Self {
        self.write_and_end("end_with_then", data.as_ref(), Some(Box::new(callback)))
    }

    #[track_caller]
    fn write_and_end(
        &mut self,
        name: &'static str,
        data: &[u8],
        callback: Option<WriteCallback>,
    ) -> &mut Self {
        let (subject, trace) = (Subject::Socket(self.id), &mut self.event_loop.agenda.trace);
        let former = trace.calls_sized(subject, name, data);
        let refused = self.write_last(data);
        self.end_unless(refused, callback);
        self.event_loop.agenda.trace.leave(former);
        self
    }

    /// Writes what comes before an `end`. Returns the error, if the write is refused.
    fn write_last(&mut self, data: &[u8]) -> Option<Error> {
        let refused = if self.is_writable_ended() {
            words::write_after_end()
        } else if self.is_destroyed() {
            words::destroyed("write")
        } else {
            self.write(data);
            return None;
        };
        self.with(|socket, errands| socket.refuse(None, refused.clone(), errands));
        Some(refused)
    }

    #[track_caller]
    fn call_end(&mut self, name: &'static str, callback: Option<WriteCallback>) -> &mut Self {
        self.told(name, |socket| socket.end_unless(None, callback));
        self
    }

    /// Ends our half, unless the write before it was refused.
    fn end_unless(&mut self, refused: Option<Error>, mut callback: Option<WriteCallback>) {
        self.with(|socket, errands| socket.end(callback.take(), refused, errands));
        self.refuse_gone(callback, "end");
    }
}
