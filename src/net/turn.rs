//! The runner: [`EventLoop`], and the order of one turn.
//!
//! What only the turn needs, the running batches and the read buffer, stands here beside the
//! [`Loop`] and not in it: what is lent to callbacks cannot reach it.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::error::Error;
use super::event_loop::{Entry, Loop, Running};
use super::queues::{Caused, Pending};
use super::trace::{Subject, What};
use super::{ServerId, SocketId};
use crate::room::reactor::{Batch, Id};
use crate::rules::read_buffer::ReadBuffer;

/// How often the pending queue is looked at after the poll phase, as in libuv.
const PENDING_ROUNDS: usize = 8;

/// An event loop that can be run: what a Node process is around its script. It owns a [`Loop`] and
/// dereferences to it.
///
/// What callbacks are lent is the [`Loop`], which cannot be run: a nested run cannot be written.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use netloop::EventLoop;
///
/// let order = Rc::new(RefCell::new(Vec::new()));
/// let (first, second) = (Rc::clone(&order), Rc::clone(&order));
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_immediate(move |_| second.borrow_mut().push("immediate"));
/// event_loop.next_tick(move |_| first.borrow_mut().push("tick"));
/// assert!(order.borrow().is_empty()); // nothing is called inside a call
///
/// event_loop.run()?; // as a Node process: until nothing is left to wait for
/// assert_eq!(*order.borrow(), ["tick", "immediate"]);
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct EventLoop {
    inner: Loop,
    phase: Phase,
    batches: Batches,
    /// The one read buffer, made when something is ready for the first time.
    buffer: ReadBuffer,
}

/// Where the loop stands. It is kept in the loop, not on the stack, so that a run that was left
/// by a panic or an unhandled error goes on where it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Outside the turns: the program's own statements have queued ticks.
    Script,
    /// Due timers, once before the first turn.
    FirstTimers,
    Pending,
    Poll,
    Ready,
    PendingAgain,
    Check,
    Closing,
    Timers,
}

/// What the running phase took to work through; what is added meanwhile waits.
#[derive(Default)]
struct Batches {
    pending: VecDeque<Caused<Pending>>,
    again: VecDeque<Id>,
    ready: Batch,
    closing: Vec<Caused<SocketId>>,
    /// The time with which the running pass over the timers began.
    timers: Option<u64>,
}

/// How long the poll phase may sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    UntilReady,
    NotAtAll,
}

impl EventLoop {
    /// Makes a loop: an epoll instance, and nothing else yet; libuv's `uv_loop_init`. Several loops
    /// may live side by side, each on the thread that runs it.
    ///
    /// # Errors
    /// What epoll_create1(2) says, such as `EMFILE`.
    pub fn new() -> Result<EventLoop, Error> {
        Ok(EventLoop {
            inner: Loop::new()?,
            phase: Phase::Script,
            batches: Batches::default(),
            buffer: ReadBuffer::default(),
        })
    }

    /// Runs until nothing holds the loop any more ([`is_alive`](Loop::is_alive)): no socket,
    /// server, timer, immediate or lookup that was not let go by `unref`. libuv's
    /// `UV_RUN_DEFAULT`; the moment it returns is Node's `beforeExit`, and to call it again with
    /// new work is to revive the process.
    ///
    /// A callback that panics unwinds out of here with its listeners put back; called again, the
    /// loop goes on with the next callback, as Node does after an `uncaughtException`. What was to
    /// follow for the same event is lost, as there: the other callbacks of a batch of writes, our own
    /// `end` behind that of the peer, the `destroy` behind `finish`, the attempt behind `lookup`.
    ///
    /// # Errors
    /// An `error` event that nobody listened to, as it ends a Node process. Called again, the
    /// loop goes on. Also what epoll_wait(2) says, if it fails.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.socket().destroy_with(netloop::Error::new("boom"));
    /// assert_eq!(event_loop.run().unwrap_err().to_string(), "boom"); // nobody listened
    /// event_loop.run()?; // `close` is left
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn run(&mut self) -> Result<(), Error> {
        let mut owes_turn = self.start()?;
        while owes_turn || self.phase != Phase::Pending || self.is_alive() {
            owes_turn = false;
            self.turn(Wait::UntilReady)?;
        }
        self.free_all_closed();
        self.phase = Phase::Script;
        Ok(())
    }

    /// Runs what was queued and one turn, which sleeps until something happens: libuv's
    /// `UV_RUN_ONCE`. Returns whether anything still holds the loop. Node has no word for it.
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_once(&mut self) -> Result<bool, Error> {
        self.run_turn(Wait::UntilReady)
    }

    /// Runs what was queued and one turn, without sleeping: libuv's `UV_RUN_NOWAIT`. Returns
    /// whether anything still holds the loop. This is how to run beside another loop, which waits for
    /// this one's [descriptor](AsFd) as long as [`backend_timeout`](EventLoop::backend_timeout) says.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.set_immediate(|event_loop| _ = event_loop.set_immediate(|_| {}));
    /// assert!(event_loop.run_nowait()?); // an immediate of an immediate waits for the next turn
    /// assert!(!event_loop.run_nowait()?);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_nowait(&mut self) -> Result<bool, Error> {
        self.run_turn(Wait::NotAtAll)
    }

    /// How long another loop may wait for this one's descriptor before the next
    /// [`run_nowait`](EventLoop::run_nowait), for ever with `None`: libuv's `uv_backend_timeout`. Zero
    /// where there is something to do at once, and where nothing holds the loop.
    ///
    /// ```
    /// use std::os::fd::{AsFd, AsRawFd};
    /// use std::time::Duration;
    /// use mio::{Events, Interest, Poll, Token, unix::SourceFd};
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.create_server(|socket| {
    ///     socket.end_with("hello");
    ///     let server = socket.server().unwrap();
    ///     socket.event_loop().server_at(server).close();
    /// }).listen(("127.0.0.1", 0), |server| {
    ///     let port = server.port().unwrap();
    ///     let mut socket = server.event_loop().connect(("127.0.0.1", port), |_| {}).unwrap();
    ///     socket.on_data(|_, chunk| assert_eq!(chunk, b"hello"));
    /// })?;
    ///
    /// let mut other = Poll::new().unwrap();
    /// let fd = event_loop.as_fd().as_raw_fd();
    /// other.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE).unwrap();
    /// let mut events = Events::with_capacity(8);
    /// while event_loop.run_nowait()? {
    ///     let timeout = event_loop.backend_timeout();
    ///     assert!(timeout.is_none_or(|timeout| timeout.is_zero())); // there are no timers
    ///     other.poll(&mut events, timeout).unwrap();
    /// }
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn backend_timeout(&mut self) -> Option<Duration> {
        if self.phase != Phase::Script || !self.unregistered.is_empty() {
            return Some(Duration::ZERO);
        }
        self.poll_timeout(Wait::UntilReady)
    }

    fn run_turn(&mut self, wait: Wait) -> Result<bool, Error> {
        self.trace.leave(0);
        if self.phase == Phase::Script {
            self.phase = Phase::Pending;
            self.drain()?;
        } else {
            self.follow_exception()?;
        }
        self.turn(wait)?;
        let is_alive = self.is_alive();
        self.phase = Phase::Script;
        Ok(is_alive)
    }

    /// What stands before the first turn: the ticks of the program's own statements, then the
    /// timers that are due. Returns whether anything held the loop before these: then a turn
    /// follows, whatever they leave (libuv does the same).
    fn start(&mut self) -> Result<bool, Error> {
        self.trace.leave(0);
        if self.phase == Phase::Script {
            self.phase = Phase::FirstTimers;
            self.drain()?;
        } else {
            self.follow_exception()?;
        }
        let is_alive = self.is_alive();
        if self.phase == Phase::FirstTimers {
            if is_alive && self.batches.timers.is_none() {
                self.begin_timers();
            }
            self.run_due_timers()?;
            self.phase = Phase::Pending;
        }
        self.trace.unwind();
        Ok(is_alive)
    }

    /// After a panic, or an error that nobody heard, the ticks that are left wait for the next
    /// callback. An immediate makes sure that there is one, and that a turn follows. Where Node
    /// would look at its queues before it goes on, so does this: the microtasks behind one that
    /// has thrown, the ticks of the last timer of a list, the immediates behind the last of a batch.
    fn follow_exception(&mut self) -> Result<(), Error> {
        self.set_immediate(|_| {});
        match (mem::take(&mut self.inner.running), self.phase) {
            (Running::Microtasks, _) => {
                self.run_microtasks();
                self.drain()
            }
            (Running::Callback, Phase::Timers | Phase::FirstTimers)
                if self.timers.settle().is_none() =>
            {
                self.drain()
            }
            (Running::Callback, Phase::Check) if self.immediates.are_through() => {
                self.immediates.begin_batch();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One turn, in libuv's order as Node runs it:
    ///
    /// ```text
    /// once, before the first turn:  due timers
    /// each turn:   pending  →  poll  →  pending again  →  check (immediates)  →  closing (last closed first)  →  timers
    ///              └── after every entry into user code: drain next_tick, then microtasks, until both are empty ──┘
    /// ```
    ///
    /// A turn that was left in the middle goes on in the phase where it was left.
    fn turn(&mut self, wait: Wait) -> Result<(), Error> {
        if self.phase == Phase::Ready {
            self.serve_who_was_left_again();
        }
        if self.phase == Phase::Pending {
            self.run_pending(1)?;
            self.phase = Phase::Poll;
        }
        if self.phase == Phase::Poll {
            self.wait_for_readiness(wait)?;
            self.phase = Phase::Ready;
        }
        if self.phase == Phase::Ready {
            self.run_ready()?;
            self.phase = Phase::PendingAgain;
        }
        if self.phase == Phase::PendingAgain {
            self.run_pending(PENDING_ROUNDS)?;
            self.inner.immediates.begin_batch();
            self.phase = Phase::Check;
        }
        if self.phase == Phase::Check {
            self.run_immediates()?;
            self.batches.closing.append(&mut self.inner.closing);
            self.phase = Phase::Closing;
        }
        if self.phase == Phase::Closing {
            self.run_closing()?;
            self.begin_timers();
            self.phase = Phase::Timers;
        }
        self.run_due_timers()?;
        self.phase = Phase::Pending;
        self.trace.unwind();
        Ok(())
    }

    /// Does what was put off: `shutdown(2)`, and the failures that `connect(2)` told at once.
    /// What these cause in turn is done as well, in a bounded number of rounds.
    fn run_pending(&mut self, rounds: usize) -> Result<(), Error> {
        for _ in 0..rounds {
            if self.inner.pending.is_empty() && self.batches.pending.is_empty() {
                return Ok(());
            }
            self.batches.pending.append(&mut self.inner.pending);
            while let Some(Caused(cause, pending)) = self.batches.pending.pop_front() {
                let (Pending::Shutdown(id) | Pending::ConnectFailed(id)) = pending;
                let phase = What::Phase("pending");
                let former = self.trace.enter_caused(cause, Subject::Socket(id), phase);
                match pending {
                    Pending::Shutdown(id) => self.shut_down(id),
                    Pending::ConnectFailed(id) => self.attempt_failed_at_once(id),
                }
                self.trace.leave(former);
                self.drain()?;
            }
        }
        Ok(())
    }

    /// Sleeps until a source is ready, the next timer is due, or a signal interrupts. It does
    /// not sleep while there is something to do.
    fn wait_for_readiness(&mut self, wait: Wait) -> Result<(), Error> {
        self.register_connecting();
        let timeout = self.poll_timeout(wait);
        let Batches { ready, again, .. } = &mut self.batches;
        self.inner
            .reactor
            .wait(ready, timeout)
            .map_err(|error| Error::of_call("epoll_wait", &error))?;
        self.inner.clock.expire();
        self.inner.turns = self.inner.turns.checked_add(1).unwrap_or(1);
        if !self.inner.again.is_empty() {
            self.inner.begin_serving_again(again, ready);
        }
        self.inner.trace.begin_turn();
        if self.inner.trace.is_on() {
            let ready = ready.len();
            let former = self
                .trace
                .enter(Subject::Loop, What::Wait { timeout, ready });
            self.trace.leave(former);
        }
        Ok(())
    }

    /// Rounded up, since times are floored: the wait ends when the next timer is due, not before.
    /// epoll cuts it to 24.8 days; the loop then simply waits again.
    fn poll_timeout(&mut self, wait: Wait) -> Option<Duration> {
        let is_busy = self.immediates.are_held()
            || self.has_ticks()
            || !self.pending.is_empty()
            || !self.again.is_empty()
            || !self.closing.is_empty();
        if is_busy || wait == Wait::NotAtAll || !self.is_alive() {
            return Some(Duration::ZERO);
        }
        let expiry = self.timers.next_expiry()?;
        let left = expiry.saturating_sub(self.clock.refresh());
        Some(Duration::from_millis(left))
    }

    /// Hands out readiness: first to those on the again list, then as the kernel told.
    #[inline(never)]
    fn run_ready(&mut self) -> Result<(), Error> {
        if self.batches.again.is_empty() && self.batches.ready.is_empty() {
            return Ok(());
        }
        if self.buffer.len() != self.inner.buffer_size {
            self.buffer = ReadBuffer::new(self.inner.buffer_size);
        }
        while let Some(&id) = self.batches.again.front() {
            self.serve_again(id)?;
            self.batches.again.pop_front();
        }
        let (event_loop, buffer) = (&mut self.inner, self.buffer.bytes());
        for (id, readiness) in self.batches.ready.hand_out() {
            match event_loop.reactor.get(id) {
                Some(Entry::Socket(_)) => {
                    event_loop.socket_ready(SocketId(id), readiness, buffer)?;
                }
                _ => event_loop.other_ready(id, readiness)?,
            }
        }
        Ok(())
    }

    /// Who was being served when a run was left may have more to give, and no edge will tell.
    fn serve_who_was_left_again(&mut self) {
        let Batches { ready, again, .. } = &mut self.batches;
        let Some(id) = again.pop_front().or(ready.last_handed_out()) else {
            return;
        };
        match self.inner.reactor.get(id) {
            Some(Entry::Socket(_)) => self.inner.read_again(SocketId(id), true),
            Some(Entry::Server(_)) => self.inner.accept_again(ServerId(id)),
            None => self.inner.serve_next_turn(id),
        }
    }

    #[inline(never)]
    fn serve_again(&mut self, id: Id) -> Result<(), Error> {
        match self.inner.reactor.get(id) {
            Some(Entry::Socket(_)) => self.inner.socket_again(SocketId(id), self.buffer.bytes()),
            Some(Entry::Server(_)) => self.inner.server_again(ServerId(id)),
            None => self.inner.own_source_ready(id),
        }
    }

    /// Runs the immediates that were there when the phase began.
    fn run_immediates(&mut self) -> Result<(), Error> {
        let event_loop = &mut self.inner;
        while let Some(immediate) = event_loop.immediates.next() {
            event_loop.running = Running::Callback;
            event_loop.run_task(immediate.cause, "set_immediate", immediate.callback);
            event_loop.running = Running::Other;
            event_loop.drain()?;
        }
        Ok(())
    }

    /// Emits `close`, of the socket destroyed last first, and frees what has closed.
    fn run_closing(&mut self) -> Result<(), Error> {
        while let Some(&Caused(cause, id)) = self.batches.closing.last() {
            let phase = What::Phase("closing");
            let former = self.trace.enter_caused(cause, Subject::Socket(id), phase);
            let outcome = self.finish_closing(id);
            self.trace.leave(former);
            outcome?;
            self.batches.closing.pop();
        }
        self.free_all_closed();
        Ok(())
    }

    /// Frees what has closed. Ticks are left after a panic: they may be those of such a socket.
    fn free_all_closed(&mut self) {
        if !self.has_ticks() {
            for id in mem::take(&mut self.inner.closed) {
                self.free_closed(id);
            }
        }
    }

    fn begin_timers(&mut self) {
        if !self.timers.is_empty() {
            let now = self.clock.refresh();
            self.timers.begin_pass(now);
            self.batches.timers = Some(now);
        }
    }

    /// Runs the timers that were due when the phase began.
    fn run_due_timers(&mut self) -> Result<(), Error> {
        while let Some(now) = self.batches.timers {
            match self.inner.timers.next_due(now) {
                Some(key) => self.inner.fire(key)?,
                None => self.batches.timers = None,
            }
        }
        Ok(())
    }
}

/// The epoll instance, libuv's `uv_backend_fd`: readable when the loop has something to do for a
/// descriptor. It is for [`run_nowait`](EventLoop::run_nowait); to register at it is not for others.
impl AsFd for EventLoop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.reactor.as_fd()
    }
}

impl Deref for EventLoop {
    type Target = Loop;

    fn deref(&self) -> &Loop {
        &self.inner
    }
}

impl DerefMut for EventLoop {
    fn deref_mut(&mut self) -> &mut Loop {
        &mut self.inner
    }
}
