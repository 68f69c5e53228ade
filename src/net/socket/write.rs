//! Sending: write at once, queue what the kernel does not take, call back as Node does.

use std::io;

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::event_loop::Loop;
use super::super::queues::SocketTick;
use super::super::scheduling::TimerTask;
use super::{Socket, WRITE_LIMIT, WriteCallback};
use crate::room::connection::Sent;
use crate::rules::state::socket::{Input, Intent, Readable, State, Writable};

/// `ENOBUFS` of Linux.
const ENOBUFS: i32 = 105;

/// After how many milliseconds a send is tried again for which the kernel had no memory.
const STARVED: u32 = 10;

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
            State::Opening(Intent::Talk) => {
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
                false
            }
            State::Idle(Writable::Open) => {
                self.write_failed(id, callback, words::closed());
                false
            }
            State::Destroyed
            | State::Closed
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
        let Some(entry) = self.entry(id) else {
            return false;
        };
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
                outbox.launch();
                outbox.credit(sent);
                self.request_is_on_its_way(id);
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
    fn hold_back(&mut self, id: SocketId) {
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.is_in_flight() || entry.is_corked() {
            return;
        }
        entry.connection.outbox_mut().launch();
        entry.cold().is_held_back = true;
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

    fn send_held_back(&mut self, id: SocketId) {
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
    fn send_waiting(&mut self, id: SocketId) {
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
            Err(error) => {
                let error = Error::of_call("write", &error);
                let callbacks = entry.connection.outbox_mut().abandon_flight();
                self.break_writing(id, &error);
                for callback in callbacks {
                    self.socket_tick(id, SocketTick::Refused(callback, error.clone()));
                }
                self.socket_tick(id, SocketTick::WriteFailed(None, error));
            }
        }
    }

    fn request_is_on_its_way(&mut self, id: SocketId) {
        if let Some(entry) = self.entry(id) {
            let unsent = entry
                .connection
                .outbox()
                .map_or(0, |outbox| outbox.unsent_len());
            if let Some(idle) = entry.cold.as_mut().and_then(|cold| cold.idle.as_mut()) {
                idle.last_unsent = unsent;
            }
            self.update_hold(id);
            self.flush_if_starved(id);
        }
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
            if let Some(idle) = entry.cold.as_mut().and_then(|cold| cold.idle.as_mut()) {
                idle.last_unsent = 0;
            }
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
    fn write_failed(&mut self, id: SocketId, callback: Option<WriteCallback>, error: Error) {
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
    fn refuse_write(&mut self, id: SocketId, callback: Option<WriteCallback>, error: Error) {
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
        let callbacks = entry.connection.outbox_mut().abandon_waiting();
        entry.connection.trim_outbox();
        let write = errored.clone().unwrap_or_else(|| words::destroyed("write"));
        for callback in callbacks {
            self.call_back(id, callback, Err(&write));
        }
        let end = errored.unwrap_or_else(|| words::destroyed("end"));
        for callback in self.take_end_callbacks(id) {
            self.call_back(id, callback, Err(&end));
        }
    }

    /// `end`, after the peer's end, when it may not stay half open.
    pub(super) fn end_own_half(&mut self, id: SocketId) {
        if self.socket_at(id).is_writable() {
            self.socket_at(id).end();
        }
    }

    fn end(&mut self, id: SocketId, callback: Option<WriteCallback>, refused: Option<Error>) {
        if self
            .entry_ref(id)
            .is_some_and(super::SocketEntry::is_corked)
        {
            self.uncork(id, true);
        }
        let Some(entry) = self.entry(id) else {
            return self.answer_end(id, callback, Some(words::destroyed("end")));
        };
        let state = entry.connection.state;
        if refused.is_some() {
            return self.answer_end(id, callback, refused);
        }
        if entry.stood_at().is_finished() {
            return self.answer_end(id, callback, Some(words::already_finished()));
        }
        if state.is_destroyed() {
            if entry.errored().is_none() && !entry.stood_at().is_ended() {
                entry.left_at = entry.left_at.with_our_half(Writable::Ending);
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

    fn uncork(&mut self, id: SocketId, fully: bool) {
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

impl super::SocketEntry {
    #[inline]
    fn may_send_now(&self) -> bool {
        matches!(self.connection.state, State::Open(_, Writable::Open))
            && self.connection.outbox().is_none()
            && !self.is_corked()
    }

    /// Why there is no writing any more: an end counts before a `destroy`, as in Node.
    fn refusal(&self) -> Error {
        match self.stood_at() {
            state if !state.is_ended() => words::destroyed("write"),
            State::Open(Readable::Ended, _) if !self.allow_half_open => words::ended_by_peer(),
            _ => words::write_after_end(),
        }
    }

    /// Whether so many more bytes stay within the limit.
    fn may_owe(&self, more: usize) -> bool {
        let limit = self.cold.as_ref().and_then(|cold| cold.write_limit);
        self.connection.owed() + more <= limit.unwrap_or(WRITE_LIMIT)
    }

    fn is_corked(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.corked > 0)
    }

    fn cold_if(&mut self, wanted: bool, change: impl FnOnce(&mut super::Cold)) {
        if wanted {
            change(self.cold());
        }
    }
}

impl Socket<'_> {
    /// Sends bytes: Node's `write(data)`. The kernel is tried at once; what it does not take is
    /// copied and queued.
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
    /// them at once, else from the poll phase; of the first write before the connection, among the
    /// listeners of `connect`. Each callback is called exactly once, maybe after `close`; those of
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

    fn holds_back(&self) -> bool {
        let entry = self.event_loop.entry_ref(self.id);
        let cold = entry.and_then(|entry| entry.cold.as_ref());
        cold.is_some_and(|cold| cold.is_held_back)
    }

    /// Holds writes back until [`uncork`](Socket::uncork), so that they leave together: Node's
    /// `cork()`. [`end`](Socket::end) undoes it, too.
    pub fn cork(&mut self) {
        if let Some(entry) = self.event_loop.entry(self.id) {
            entry.cold().corked += 1;
        }
    }

    /// Undoes one [`cork`](Socket::cork): Node's `uncork()`. With the last one, what was held back
    /// leaves at once, and its callbacks come in a tick.
    pub fn uncork(&mut self) {
        self.event_loop.uncork(self.id, false);
    }
}
