//! Writing: bytes are offered to the kernel at once, and what it does not take is sent later.

use std::io;

use libc::ENOBUFS;

use super::watched::Watched;
use super::{Socket, SocketEntry, WriteCallback};
use crate::net::error::{Error, words};
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::firing::TimerTask;
use crate::net::listeners::Own;
use crate::net::queues::{SocketTick, Tick};
use crate::net::trace::{Subject, Why, errno};
use crate::rules::sending::{Later, Limits, Next};
use crate::rules::state::socket::{Standing, State, Writable};

/// How many milliseconds later a send is tried again, if the kernel had no memory for it.
const STARVED: u32 = 10;

impl SocketEntry {
    /// Offers the kernel the bytes of a write at once, unless something is queued before them. Returns
    /// its answer, if it was asked.
    #[inline(always)]
    fn offer(&mut self, bytes: &[u8]) -> Option<io::Result<usize>> {
        let Standing { life, sending, .. } = self.state;
        let is_open = (life, sending) == (State::Open, Writable::Open);
        match &self.stream {
            Some(stream) if is_open && self.sending.is_clear() => {
                self.sending.dispatch(bytes.len());
                Some(stream.try_to_send(bytes))
            }
            _ => None,
        }
    }

    /// Continues a write after [`offer`](SocketEntry::offer), with the answer of the kernel.
    #[inline(never)]
    #[track_caller]
    fn write(
        &mut self,
        bytes: &[u8],
        callback: Option<WriteCallback>,
        offered: Option<io::Result<usize>>,
        errands: &mut Errands<'_>,
    ) -> bool {
        let Some(sent) = offered else {
            return self.write_later(bytes, callback, errands);
        };
        self.touch(errands);
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let (reply, turn) = (stream.reply_to(bytes, sent), errands.agenda.turns);
        let mut kernel = Watched::new(stream, errands.id, &mut errands.agenda.trace);
        let next = (self.sending).begin(bytes, callback, reply, turn, &mut kernel);
        let has_failed = matches!(next, Next::Failed(..));
        self.follow(next, errands);
        !has_failed && self.sending.may_go_on(self.limits())
    }

    /// A write that was not offered to the kernel.
    fn write_later(
        &mut self,
        bytes: &[u8],
        callback: Option<WriteCallback>,
        errands: &mut Errands<'_>,
    ) -> bool {
        let state = self.state;
        match (state.life, state.sending) {
            (State::Open, Writable::Open) => self.queue_write(bytes, callback, errands),
            (State::Opening, Writable::Open) => {
                let may_go_on = self.queue_write(bytes, callback, errands);
                self.hold();
                may_go_on
            }
            (State::Idle, Writable::Open) if self.sending.corked() > 0 => {
                self.queue_write(bytes, callback, errands)
            }
            (State::Idle, Writable::Open) => {
                self.fail(callback.into_iter().collect(), words::closed(), errands);
                false
            }
            (State::Open | State::Opening | State::Idle, Writable::Broken) => {
                let limits = self.limits();
                self.sending.queue_in_vain(bytes, callback, limits);
                false
            }
            (State::Destroyed | State::Closed, _)
            | (State::Open | State::Opening | State::Idle, _) => {
                self.refuse(callback, self.refusal(), errands);
                false
            }
        }
    }

    /// Queues the bytes: they wait for the request in flight, for `uncork`, or for the connection.
    fn queue_write(
        &mut self,
        bytes: &[u8],
        callback: Option<WriteCallback>,
        errands: &mut Errands<'_>,
    ) -> bool {
        let limits = self.limits();
        self.sending
            .queue(bytes, callback, limits)
            .unwrap_or_else(|callback| {
                let error = io::Error::from_raw_os_error(ENOBUFS);
                let error = Error::of_call("write", &error);
                self.fail(callback.into_iter().collect(), error, errands);
                false
            })
    }

    fn limits(&self) -> Limits {
        Limits {
            mark: self.high_water_mark(),
            limit: self.write_limit(),
        }
    }

    /// The first write before the connection waits among the listeners of `connect` and `close`, as in
    /// Node: it is sent, and called back, when its turn among them comes.
    fn hold(&mut self) {
        if !self.sending.hold() {
            return;
        }
        let release = |socket: &mut Socket<'_>| socket.event_loop.served(socket.id).release_held();
        let close = |socket: &mut Socket<'_>, _| socket.event_loop.served(socket.id).end_held();
        let connect = &mut self.cold().listeners.connect;
        connect.add_own(Own::HeldWrite, Box::new(release));
        self.listeners
            .close
            .add_own(Own::HeldWrite, Box::new(close));
    }

    /// Makes one request of all waiting writes, and sends it. If the kernel takes it at once, its callbacks
    /// run from a tick.
    pub(super) fn send_waiting(&mut self, errands: &mut Errands<'_>) {
        if !self.sending.may_send() {
            return;
        }
        let Standing { life, sending, .. } = self.state;
        match (life, sending, &mut self.stream) {
            (State::Open, Writable::Open | Writable::Ending, Some(stream)) => {
                let turn = errands.agenda.turns;
                let mut kernel = Watched::new(stream, errands.id, &mut errands.agenda.trace);
                let next = self.sending.send(turn, &mut kernel);
                self.touch(errands);
                self.follow(next, errands);
            }
            (State::Opening, Writable::Open | Writable::Ending, _) => self.hold(),
            (State::Idle, Writable::Open, _) => {
                let callbacks = self.sending.end_waiting();
                self.fail(callbacks, words::closed(), errands);
            }
            _ => {}
        }
    }

    /// Follows up on a request that the present call has made.
    fn follow(&mut self, next: Next<WriteCallback>, errands: &mut Errands<'_>) {
        match next {
            Next::Done(callbacks) => {
                if !callbacks.is_empty() || self.sending.is_drain_due() {
                    errands.tick(SocketTick::Written(callbacks));
                }
            }
            Next::Failed(callbacks, error) => {
                self.fail(callbacks, Error::of_call("write", &error), errands);
            }
            Next::InFlight(later) => self.follow_later(later, errands),
        }
    }

    /// Arranges what a request in flight waits for.
    pub(super) fn follow_later(&mut self, later: Later, errands: &mut Errands<'_>) {
        self.update_hold(errands);
        match later {
            Later::Readiness => {}
            Later::NextTurn => self.join_again(Why::PartlySent, errands),
            Later::Landed => self.serve_soon(errands),
            Later::Timer => {
                let task = TimerTask::Flush(errands.id);
                let timer = errands.agenda.arm(STARVED, task);
                self.sending.set_timer(timer);
            }
        }
    }

    /// The error of a refused write. An `end` takes precedence over a `destroy`, as in Node.
    fn refusal(&self) -> Error {
        let state = self.state;
        if !state.is_ended() {
            words::destroyed("write")
        } else if state.is_end_emitted() && !self.was_half_open() {
            words::ended_by_peer()
        } else {
            words::write_after_end()
        }
    }

    /// Whether half open was allowed when `end` was emitted.
    fn was_half_open(&self) -> bool {
        let at_end = self.cold.as_ref().and_then(|cold| cold.half_open_at_end);
        at_end.unwrap_or(self.allow_half_open)
    }
}

impl Socket<'_> {
    /// Sends bytes: Node's `write(data)`. They are passed to the kernel at once, and a second time if it
    /// takes only part of them. The rest is copied, and sent when the kernel has room. While the socket is
    /// connecting, everything is queued.
    ///
    /// Returns whether to keep writing. It is `false` once the queue has reached the high-water mark; then
    /// `drain` is emitted when the queue is empty again. A write that fails returns `false`, too. Its error
    /// goes to the callback of [`write_then`](Socket::write_then), then to `error`, both from a tick:
    ///
    /// | when | code |
    /// | --- | --- |
    /// | the kernel refuses it | that of write(2), such as `EPIPE` or `ECONNRESET` |
    /// | after `end` | `ERR_STREAM_WRITE_AFTER_END` |
    /// | after the peer's end has ended our half | `EPIPE` |
    /// | never connected | `ERR_SOCKET_CLOSED` |
    /// | the queue would exceed the [limit](crate::ConnectOptions::write_limit) | `ENOBUFS` |
    /// | after `destroy` | `ERR_STREAM_DESTROYED`, and no `error` |
    #[inline(always)]
    #[track_caller]
    pub fn write(&mut self, data: impl AsRef<[u8]>) -> bool {
        let bytes = data.as_ref();
        if self.event_loop.agenda.trace.is_on() {
            return self.write_told("write", bytes, None);
        }
        let Some(socket) = self.event_loop.entry(self.id) else {
            return false;
        };
        // Most writes need neither errands nor a second look-up: that saves an echo 20 instructions.
        let offered = socket.offer(bytes);
        if matches!(offered, Some(Ok(count)) if count == bytes.len()) && !socket.has_idle_timeout()
        {
            return true;
        }
        self.write_on(bytes, offered)
    }

    #[cold]
    #[inline(never)]
    fn write_on(&mut self, bytes: &[u8], offered: Option<io::Result<usize>>) -> bool {
        let written = self.with(|socket, errands| socket.write(bytes, None, offered, errands));
        written.unwrap_or(false)
    }

    /// As [`write`](Socket::write), and calls back once the kernel has taken all bytes, or with the error:
    /// Node's `write(data, callback)`.
    ///
    /// The callback runs from a tick if the kernel took the bytes at the first attempt, from the pending
    /// phase if it took them at the second, and otherwise from the poll phase. That of the first write
    /// before the connection runs among the listeners of `connect`. It runs exactly once, possibly after
    /// `close`. (If it panics, the callbacks of writes that failed together with its own are lost, as in
    /// Node.) When the socket is destroyed, the callbacks of queued writes get its error, or
    /// `ERR_STREAM_DESTROYED`; that of the write in flight gets `ECANCELED`, in the closing phase.
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
    #[track_caller]
    pub fn write_then(
        &mut self,
        data: impl AsRef<[u8]>,
        callback: impl FnOnce(&mut Socket<'_>, Result<(), &Error>) + 'static,
    ) -> bool {
        self.write_told("write_then", data.as_ref(), Some(Box::new(callback)))
    }

    /// A write with a callback, or one that the trace records.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn write_told(
        &mut self,
        name: &'static str,
        bytes: &[u8],
        mut callback: Option<WriteCallback>,
    ) -> bool {
        let subject = Subject::Socket(self.id);
        let trace = &mut self.event_loop.agenda.trace;
        let former = trace.calls_sized(subject, name, bytes);
        let written = self.with(|socket, errands| {
            let offered = socket.offer(bytes);
            if let Some(offered) = &offered {
                let sent = offered.as_ref().map(|count| Some(*count)).map_err(errno);
                errands.agenda.trace.system(subject, "send", sent);
            }
            let callback = callback.take();
            socket.write(bytes, callback, offered, errands)
        });
        self.refuse_gone(callback, "write");
        let written = written.unwrap_or(false);
        self.event_loop.agenda.trace.returned(former, written);
        written
    }

    /// Queues the callback of a `write` or an `end` on a socket that is gone.
    pub(super) fn refuse_gone(&mut self, callback: Option<WriteCallback>, call: &str) {
        if let Some(callback) = callback {
            let refused = SocketTick::Refused(callback, words::destroyed(call));
            self.event_loop.agenda.tick(Tick::Socket(self.id, refused));
        }
    }

    /// Queues writes until [`uncork`](Socket::uncork), so that they are sent together: Node's `cork()`.
    /// Calls nest, and [`end`](Socket::end) undoes all of them.
    #[track_caller]
    pub fn cork(&mut self) -> &mut Self {
        self.calls("cork", |socket, _| socket.sending.cork());
        self
    }

    /// Undoes one [`cork`](Socket::cork): Node's `uncork()`. The last one sends the queued writes; the
    /// callbacks of those that the kernel takes at once run from a tick.
    #[track_caller]
    pub fn uncork(&mut self) -> &mut Self {
        self.calls("uncork", |socket, errands| {
            socket.sending.uncork();
            socket.send_waiting(errands);
        });
        self
    }
}
