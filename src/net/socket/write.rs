//! Writing: the kernel is tried at once, and what it does not take is queued.

use std::io;

use libc::ENOBUFS;

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::queues::SocketTick;
use super::{Socket, SocketEntry, WRITE_LIMIT, WriteCallback};
use crate::net::event_loop::Loop;
use crate::rules::state::socket::{State, Writable};

/// What a write that waits weighs beside its bytes: its place in the queue, its callback's name,
/// and the heads of what is allocated. So empty writes have a limit, too.
const WAITING_WRITE: usize = 64;

impl Loop {
    /// Most writes: nothing stands before these bytes, nobody waits to be told, and the kernel
    /// takes them all.
    fn write(&mut self, id: SocketId, bytes: &[u8]) -> bool {
        match self.entry(id) {
            Some(entry) if entry.may_send_now() && entry.cold.is_none() => {
                let sent = entry.connection.send_now(bytes);
                matches!(sent, Ok(sent) if sent == bytes.len())
                    || self.write_begun(id, bytes, None, sent)
            }
            _ => self.write_with(id, bytes, None),
        }
    }

    /// Any write. If nothing stands before its bytes, the kernel is tried at once.
    #[inline(never)]
    fn write_with(&mut self, id: SocketId, bytes: &[u8], callback: Option<WriteCallback>) -> bool {
        match self.entry(id) {
            Some(entry) if entry.may_send_now() => {
                let sent = entry.connection.send_now(bytes);
                self.write_begun(id, bytes, callback, sent)
            }
            _ => self.write_otherwise(id, bytes, callback),
        }
    }

    fn write_otherwise(
        &mut self,
        id: SocketId,
        bytes: &[u8],
        callback: Option<WriteCallback>,
    ) -> bool {
        let Some(entry) = self.entry(id) else {
            self.refuse_write(id, callback, words::destroyed("write"));
            return false;
        };
        match entry.connection.state {
            State::Open(_, Writable::Open) => self.queue_write(id, bytes, callback),
            State::Opening(Writable::Open) => {
                let answer = self.queue_write(id, bytes, callback);
                self.hold_back(id);
                answer
            }
            State::Open(_, Writable::Broken) | State::Idle(Writable::Broken) => {
                // It will not be sent: only the callback matters, and beyond the limit no byte is kept.
                let kept = if entry.may_owe(bytes.len()) {
                    bytes
                } else {
                    &[]
                };
                entry.connection.outbox_mut().push(kept.to_vec(), callback);
                self.write_answer(id);
                false
            }
            State::Idle(Writable::Open) if entry.is_corked() => {
                self.queue_write(id, bytes, callback)
            }
            State::Idle(Writable::Open) => {
                self.write_failed(id, callback, words::closed());
                false
            }
            State::Destroyed(..)
            | State::Closed(..)
            | State::Open(_, _)
            | State::Opening(_)
            | State::Idle(_) => {
                let refusal = entry.refusal();
                self.refuse_write(id, callback, refusal);
                false
            }
        }
    }

    /// The kernel was tried at once, since nothing stood before these bytes.
    #[cold]
    fn write_begun(
        &mut self,
        id: SocketId,
        bytes: &[u8],
        callback: Option<WriteCallback>,
        sent: io::Result<usize>,
    ) -> bool {
        self.touch(id);
        let turn = self.agenda.turns;
        let Some(entry) = self.entry(id) else {
            return false;
        };
        entry.begins_to_write();
        match sent.or_else(|error| entry.connection.look_into(bytes, error)) {
            Ok(sent) if sent == bytes.len() => {
                if let Some(callback) = callback {
                    self.socket_tick(id, SocketTick::Written(vec![callback]));
                }
                true
            }
            Ok(sent) => {
                let outbox = entry.connection.outbox_mut();
                outbox.push(bytes[sent..].to_vec(), callback);
                outbox.launch(turn);
                outbox.credit(sent);
                self.request_is_on_its_way(id, sent > 0);
                self.write_answer(id)
            }
            Err(error) => {
                self.write_failed(id, callback, Error::of_call("write", &error));
                false
            }
        }
    }

    /// The bytes wait behind a request, a cork, or for the connection.
    fn queue_write(&mut self, id: SocketId, bytes: &[u8], callback: Option<WriteCallback>) -> bool {
        let Some(entry) = self.entry(id) else {
            return false;
        };
        if !entry.may_owe(bytes.len()) {
            let error = Error::of_call("write", &std::io::Error::from_raw_os_error(ENOBUFS));
            self.write_failed(id, callback, error);
            return false;
        }
        entry.connection.outbox_mut().push(bytes.to_vec(), callback);
        self.write_answer(id)
    }

    /// What `write` returns: whether the caller may go on.
    fn write_answer(&mut self, id: SocketId) -> bool {
        let Some(entry) = self.entry(id) else {
            return false;
        };
        let owed = entry.connection.owed();
        let may_go_on = owed < entry.high_water_mark() || owed == 0;
        if !may_go_on {
            entry.needs_drain = true;
        }
        may_go_on
    }

    /// The first write before the connection waits in the listeners of `connect` and `close`, as
    /// Node's does: so it leaves, and is called back, among them, where it was made.
    pub(super) fn hold_back(&mut self, id: SocketId) {
        let turn = self.agenda.turns;
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.is_in_flight() || entry.is_corked() {
            return;
        }
        let outbox = entry.connection.outbox_mut();
        outbox.launch(turn);
        let length = outbox.flight_len();
        let cold = entry.cold();
        cold.is_held_back = true;
        cold.held_back = length;
        let mut socket = self.socket_at(id);
        socket.once_connect(|socket| socket.event_loop.send_held_back(socket.id));
        socket.once_close(|socket, _| {
            // Unless it has been connected again by now, and holds what is new.
            if socket.is_destroyed() && socket.holds_back() {
                let error = words::closed_before_connection();
                socket.event_loop.fail_writes(socket.id, &error);
            }
        });
    }

    pub(super) fn uncork(&mut self, id: SocketId, fully: bool) {
        let Some(cold) = self.entry(id).and_then(|entry| entry.cold.as_mut()) else {
            return;
        };
        cold.corked = if fully {
            0
        } else {
            cold.corked.saturating_sub(1)
        };
        self.send_waiting(id);
    }
}

impl SocketEntry {
    #[inline]
    fn may_send_now(&self) -> bool {
        matches!(self.connection.state, State::Open(_, Writable::Open))
            && self.connection.outbox().is_none()
            && !self.is_corked()
    }

    /// Why there is no writing any more: an end counts before a `destroy`, as in Node.
    fn refusal(&self) -> Error {
        let state = self.connection.state;
        if !state.is_ended() {
            words::destroyed("write")
        } else if state.is_end_emitted() && !self.was_half_open() {
            words::ended_by_peer()
        } else {
            words::write_after_end()
        }
    }

    /// Whether it was allowed to be half open when the peer's end was told.
    fn was_half_open(&self) -> bool {
        let at_end = self.cold.as_ref().and_then(|cold| cold.half_open_at_end);
        at_end.unwrap_or(self.allow_half_open)
    }

    /// What was held back before counts no more.
    pub(super) fn begins_to_write(&mut self) {
        if let Some(cold) = &mut self.cold {
            cold.held_back = 0;
        }
    }

    /// Whether so many more bytes stay within the limit.
    fn may_owe(&self, more: usize) -> bool {
        let limit = self.cold.as_ref().and_then(|cold| cold.write_limit);
        let outbox = self.connection.outbox();
        let weight = outbox.map_or(0, |outbox| outbox.len() + outbox.count() * WAITING_WRITE);
        weight.saturating_add(more) <= limit.unwrap_or(WRITE_LIMIT)
    }

    pub(super) fn is_corked(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.corked > 0)
    }
}

impl Socket<'_> {
    /// Sends bytes: Node's `write(data)`. The kernel is tried at once, and if it takes a part, once
    /// more. What is left is copied, and leaves when the kernel has room again.
    ///
    /// Returns whether to go on: `true` if nothing is owed, or less than the high-water mark;
    /// `false` otherwise, and `drain` will tell when all has left. Writes to a socket that is
    /// connecting are queued. A write that fails returns `false`, too, and what ends it is told by
    /// [`write_then`](Socket::write_then)'s callback, then by `error`, both from a tick:
    ///
    /// | when | code |
    /// | --- | --- |
    /// | the kernel refuses it | that of write(2), such as `EPIPE` or `ECONNRESET` |
    /// | after `end` | `ERR_STREAM_WRITE_AFTER_END` |
    /// | after the peer's end has ended our half | `EPIPE` |
    /// | never connected | `ERR_SOCKET_CLOSED` |
    /// | it would wait beyond the [limit](crate::ConnectOptions::write_limit) | `ENOBUFS` |
    /// | after `destroy` | `ERR_STREAM_DESTROYED`, and no `error` |
    pub fn write(&mut self, data: impl AsRef<[u8]>) -> bool {
        self.event_loop.write(self.id, data.as_ref())
    }

    /// As [`write`](Socket::write), and calls back once the bytes have left, or with the reason
    /// why they did not: Node's `write(data, callback)`. It is called from a tick if the kernel took
    /// them in the first try, from the pending phase if it was the second, else from the poll phase;
    /// of the first write before the connection, among the listeners of `connect`. Each callback is called exactly once, maybe after `close`; those of
    /// writes that were queued when the socket was destroyed are told its error, or
    /// `ERR_STREAM_DESTROYED`; that of the write on its way `ECANCELED`, in the closing phase.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut socket = event_loop.socket();
    /// socket.destroy();
    /// let accepted = socket.write_then("late", |_, result| {
    ///     assert_eq!(result.unwrap_err().code(), Some("ERR_STREAM_DESTROYED"));
    /// });
    /// assert!(!accepted);
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn write_then(
        &mut self,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> bool {
        self.event_loop
            .write_with(self.id, data.as_ref(), Some(Box::new(callback)))
    }

    fn holds_back(&self) -> bool {
        let entry = self.event_loop.entry_ref(self.id);
        let cold = entry.and_then(|entry| entry.cold.as_ref());
        cold.is_some_and(|cold| cold.is_held_back)
    }

    /// Holds writes back until [`uncork`](Socket::uncork), so that they leave together: Node's
    /// `cork()`. [`end`](Socket::end) undoes it, too.
    pub fn cork(&mut self) -> &mut Self {
        if let Some(entry) = self.event_loop.entry(self.id) {
            entry.cold().corked += 1;
        }
        self
    }

    /// Undoes one [`cork`](Socket::cork): Node's `uncork()`. With the last one, what was held back
    /// leaves at once, and its callbacks come in a tick.
    pub fn uncork(&mut self) -> &mut Self {
        self.event_loop.uncork(self.id, false);
        self
    }
}
