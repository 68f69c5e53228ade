//! The loop: what it owns, how it runs, and the order of one turn.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::abort::Aborts;
use super::error::Error;
use super::names::Names;
use super::queues::{Caused, Immediates, Pending, Task, Tick};
use super::scheduling::TimerTask;
use super::server::ServerEntry;
use super::signals::Signals;
use super::socket::SocketEntry;
use super::trace::{Subject, Trace, What};
use super::{ServerId, SocketId, TimerId};
use crate::room::clock::Clock;
use crate::room::reactor::{Id, Reactor};
use crate::rules::timers::Timers;

/// How often the pending queue is looked at after the poll phase, as in libuv.
const PENDING_ROUNDS: usize = 8;

/// After so many ticks in a row a warning is logged, once a drain.
const LONG_DRAIN: u32 = 1_000_000;

/// Node's size of a read.
const READ_BUFFER: usize = 64 * 1024;

/// An event loop that can be run: it owns a [`Loop`] and dereferences to it.
///
/// What callbacks are lent is the [`Loop`], which cannot be run: a nested run cannot be written.
///
/// ```
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.next_tick(|_| println!("first"));
/// event_loop.set_immediate(|_| println!("then"));
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct EventLoop {
    inner: Loop,
}

/// What a program acts on: timers, queues, servers and sockets. It is lent to callbacks, and
/// [`EventLoop`] dereferences to it.
///
/// ```
/// use std::time::Duration;
/// use netloop::{EventLoop, Loop};
///
/// fn greet(event_loop: &mut Loop) {
///     event_loop.set_timeout(Duration::from_millis(1), |_| println!("hello"));
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// greet(&mut event_loop);
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct Loop {
    pub(super) reactor: Reactor<Entry>,
    pub(super) clock: Clock,
    pub(super) timers: Timers<TimerTask>,
    /// How many timers hold the loop.
    pub(super) held_timers: usize,
    /// The timer whose callback is running.
    pub(super) current_timer: Option<TimerId>,
    pub(super) ticks: VecDeque<Caused<Tick>>,
    pub(super) microtasks: VecDeque<Caused<Task>>,
    pub(super) immediates: Immediates,
    pub(super) pending: VecDeque<Pending>,
    /// Sources that may still have something to give, though no new edge will tell.
    pub(super) again: VecDeque<Id>,
    pub(super) closing: Vec<SocketId>,
    /// Sockets that have closed, to be freed when this turn's closing phase is over.
    pub(super) closed: Vec<SocketId>,
    /// Servers that are out of descriptors: the next one we close ends their rest.
    pub(super) resting: Vec<ServerId>,
    /// How many sockets and servers hold the loop.
    pub(super) holds: usize,
    /// Counts the turns.
    pub(super) turns: u32,
    /// The one read buffer. It is lent out for each read.
    pub(super) buffer: Box<[u8]>,
    pub(super) buffer_size: usize,
    pub(super) names: Names,
    pub(super) aborts: Aborts,
    pub(super) signals: Signals,
    pub(super) pipes: HashMap<SocketId, Vec<SocketId>>,
    /// The connection that is being announced, and its peer as accept4(2) told it.
    pub(super) accepting: Option<(SocketId, Option<SocketAddr>)>,
    pub(super) tries_all_families: bool,
    pub(super) family_attempt_timeout: Duration,
    pub(super) trace: Trace,
    phase: Phase,
    batches: Batches,
}

/// What is registered with the reactor.
pub(super) enum Entry {
    Socket(SocketEntry),
    Server(Box<ServerEntry>),
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
    pending: VecDeque<Pending>,
    again: VecDeque<Id>,
    closing: Vec<SocketId>,
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
    /// Makes a loop: an epoll instance, and nothing else yet.
    ///
    /// # Errors
    /// What epoll_create1(2) says, such as `EMFILE`.
    pub fn new() -> Result<EventLoop, Error> {
        let reactor = Reactor::new().map_err(|error| Error::of_call("epoll_create1", &error))?;
        let inner = Loop {
            reactor,
            clock: Clock::new(),
            timers: Timers::new(),
            held_timers: 0,
            current_timer: None,
            ticks: VecDeque::new(),
            microtasks: VecDeque::new(),
            immediates: Immediates::default(),
            pending: VecDeque::new(),
            again: VecDeque::new(),
            closing: Vec::new(),
            closed: Vec::new(),
            resting: Vec::new(),
            holds: 0,
            turns: 0,
            buffer: Box::default(),
            buffer_size: READ_BUFFER,
            names: Names::default(),
            aborts: Aborts::default(),
            signals: Signals::default(),
            pipes: HashMap::new(),
            accepting: None,
            tries_all_families: true,
            family_attempt_timeout: super::families::ATTEMPT_TIMEOUT,
            trace: Trace::default(),
            phase: Phase::Script,
            batches: Batches::default(),
        };
        Ok(EventLoop { inner })
    }

    /// Runs until nothing holds the loop any more: no socket, server, timer, immediate or
    /// lookup that was not let go by `unref`.
    ///
    /// A callback that panics unwinds out of here with everything put back; called again, the
    /// loop goes on with the next callback, as Node does after an `uncaughtException`.
    ///
    /// # Errors
    /// An `error` event that nobody listened to, as it ends a Node process. Called again, the
    /// loop goes on. Also what epoll_wait(2) says, if it fails.
    pub fn run(&mut self) -> Result<(), Error> {
        self.start()?;
        while self.phase != Phase::Pending || self.inner.is_alive() {
            self.inner.turn(Wait::UntilReady)?;
        }
        self.phase = Phase::Script;
        Ok(())
    }

    /// Runs one turn, which sleeps until something happens: libuv's `UV_RUN_ONCE`. Returns
    /// whether anything still holds the loop.
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_once(&mut self) -> Result<bool, Error> {
        self.run_turn(Wait::UntilReady)
    }

    /// Runs one turn without sleeping: libuv's `UV_RUN_NOWAIT`. Returns whether anything still
    /// holds the loop.
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_nowait(&mut self) -> Result<bool, Error> {
        self.run_turn(Wait::NotAtAll)
    }

    fn run_turn(&mut self, wait: Wait) -> Result<bool, Error> {
        if self.phase == Phase::Script {
            self.phase = Phase::Pending;
            self.inner.drain()?;
        }
        self.inner.turn(wait)?;
        let is_alive = self.inner.is_alive();
        self.phase = Phase::Script;
        Ok(is_alive)
    }

    /// What stands before the first turn: the ticks of the program's own statements, then the
    /// timers that are due. After a panic the ticks that are left wait for the next callback,
    /// and an immediate makes sure that there is one (Node does the same).
    fn start(&mut self) -> Result<(), Error> {
        if self.phase == Phase::Script {
            self.phase = Phase::FirstTimers;
            self.inner.drain()?;
        } else if self.inner.has_ticks() {
            self.set_immediate(|_| {});
        }
        if self.phase == Phase::FirstTimers {
            if self.inner.is_alive() && self.inner.batches.timers.is_none() {
                self.inner.begin_timers();
            }
            self.inner.run_due_timers()?;
            self.phase = Phase::Pending;
        }
        Ok(())
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

impl Loop {
    /// One turn. After each entry into user code, ticks and microtasks are drained.
    fn turn(&mut self, wait: Wait) -> Result<(), Error> {
        loop {
            match self.phase {
                Phase::Script | Phase::FirstTimers | Phase::Pending => self.run_pending(1)?,
                Phase::Poll => self.wait_for_readiness(wait)?,
                Phase::Ready => self.run_ready()?,
                Phase::PendingAgain => self.run_pending(PENDING_ROUNDS)?,
                Phase::Check => self.run_immediates()?,
                Phase::Closing => self.run_closing()?,
                Phase::Timers => self.run_due_timers()?,
            }
            if self.begin_next_phase() == Phase::Pending {
                return Ok(());
            }
        }
    }

    /// Moves on, and takes what the new phase is to work through.
    fn begin_next_phase(&mut self) -> Phase {
        self.phase = match self.phase {
            Phase::Script | Phase::FirstTimers | Phase::Pending => Phase::Poll,
            Phase::Poll => Phase::Ready,
            Phase::Ready => Phase::PendingAgain,
            Phase::PendingAgain => Phase::Check,
            Phase::Check => Phase::Closing,
            Phase::Closing => Phase::Timers,
            Phase::Timers => Phase::Pending,
        };
        match self.phase {
            Phase::Check => self.immediates.begin_batch(),
            Phase::Closing => self.batches.closing.append(&mut self.closing),
            Phase::Timers => self.begin_timers(),
            _ => {}
        }
        self.phase
    }

    /// Runs what the last entry into user code has queued: all ticks, then all microtasks, until
    /// both are empty.
    #[inline]
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        if self.has_ticks() {
            self.drain_queues()
        } else {
            Ok(())
        }
    }

    fn drain_queues(&mut self) -> Result<(), Error> {
        let mut count: u32 = 0;
        while self.has_ticks() {
            while let Some(Caused(cause, tick)) = self.ticks.pop_front() {
                self.run_tick(cause, tick)?;
                count = count.saturating_add(1);
                if count == LONG_DRAIN {
                    log::warn!(
                        target: "netloop::tick",
                        "{LONG_DRAIN} ticks in a row: nothing else runs while ticks queue ticks"
                    );
                }
            }
            while let Some(Caused(cause, task)) = self.microtasks.pop_front() {
                self.run_task(cause, "queue_microtask", task);
            }
        }
        Ok(())
    }

    #[inline]
    fn has_ticks(&self) -> bool {
        !self.ticks.is_empty() || !self.microtasks.is_empty()
    }

    pub(super) fn run_task(&mut self, cause: u64, name: &'static str, task: Task) {
        if !self.trace.is_on() {
            return task(self);
        }
        let former = self
            .trace
            .enter_caused(cause, Subject::Loop, What::Callback(name));
        task(self);
        self.trace.leave(former);
    }

    /// Does what was put off: `shutdown(2)`, and the failures that `connect(2)` told at once.
    /// What these cause in turn is done as well, in a bounded number of rounds.
    fn run_pending(&mut self, rounds: usize) -> Result<(), Error> {
        for _ in 0..rounds {
            if self.pending.is_empty() && self.batches.pending.is_empty() {
                return Ok(());
            }
            self.batches.pending.append(&mut self.pending);
            while let Some(pending) = self.batches.pending.pop_front() {
                let (Pending::Shutdown(id) | Pending::ConnectFailed(id)) = pending;
                let former = self
                    .trace
                    .enter(Subject::Socket(id), What::Phase("pending"));
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
        let timeout = self.poll_timeout(wait);
        let ready = self
            .reactor
            .wait(timeout)
            .map_err(|error| Error::of_call("epoll_wait", &error))?;
        self.clock.expire();
        self.turns = self.turns.wrapping_add(1);
        self.batches.again.append(&mut self.again);
        self.tell_those_to_be_served_again();
        if self.trace.is_on() {
            self.trace.begin_turn();
            let former = self
                .trace
                .enter(Subject::Loop, What::Wait { timeout, ready });
            self.trace.leave(former);
        }
        Ok(())
    }

    /// Those on the again list are served before this batch, and once: so they are told what it
    /// holds for them.
    fn tell_those_to_be_served_again(&mut self) {
        if self.batches.again.is_empty() {
            return;
        }
        self.reactor.for_each_ready(|entry, readiness| {
            if let Entry::Socket(socket) = entry {
                socket.is_again_sticky |= socket.is_again && readiness.is_sticky();
            }
        });
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
    fn run_ready(&mut self) -> Result<(), Error> {
        while let Some(id) = self.batches.again.pop_front() {
            self.serve_again(id)?;
        }
        while let Some((id, readiness)) = self.reactor.next_ready() {
            match self.reactor.get(id) {
                Some(Entry::Socket(_)) => self.socket_ready(SocketId(id), &readiness)?,
                Some(Entry::Server(_)) => self.server_ready(ServerId(id), &readiness)?,
                None if id.is_waker() => self.take_answers()?,
                None if id == Id::SIGNALS => self.run_signals()?,
                // A token of something that has gone: readiness is a hint.
                None => {}
            }
        }
        Ok(())
    }

    fn serve_again(&mut self, id: Id) -> Result<(), Error> {
        match self.reactor.get(id) {
            Some(Entry::Socket(_)) => self.socket_again(SocketId(id)),
            Some(Entry::Server(_)) => self.server_again(ServerId(id)),
            None => Ok(()),
        }
    }

    /// Runs the immediates that were there when the phase began.
    fn run_immediates(&mut self) -> Result<(), Error> {
        while let Some(immediate) = self.immediates.next() {
            self.run_task(immediate.cause, "set_immediate", immediate.callback);
            self.drain()?;
        }
        Ok(())
    }

    /// Emits `close`, of the socket destroyed last first, and frees what has closed.
    fn run_closing(&mut self) -> Result<(), Error> {
        while let Some(id) = self.batches.closing.pop() {
            let former = self
                .trace
                .enter(Subject::Socket(id), What::Phase("closing"));
            let outcome = self.finish_closing(id);
            self.trace.leave(former);
            outcome?;
        }
        for id in mem::take(&mut self.closed) {
            self.free_closed(id);
        }
        Ok(())
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
            match self.timers.next_due(now) {
                Some(key) => self.fire(key)?,
                None => self.batches.timers = None,
            }
        }
        Ok(())
    }

    /// Whether anything holds the loop: libuv's `uv_loop_alive`.
    pub fn is_alive(&self) -> bool {
        self.holds > 0
            || self.held_timers > 0
            || self.immediates.are_held()
            || !self.closing.is_empty()
            || !self.pending.is_empty()
            || self.names.are_asked()
            || self.has_ticks()
    }

    /// The loop's time: whole milliseconds since it was made, as read last. Node's
    /// `getLibuvNow` without the reading.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Sets how much one read takes at most, and so how long a chunk can be; 64 KiB, as Node's,
    /// unless set. A larger buffer saves system calls when much streams. At least one byte.
    pub fn set_read_buffer(&mut self, bytes: usize) {
        self.buffer_size = bytes.max(1);
        self.buffer = Box::default();
    }

    /// Sets who is told what the loop does; see [`trace`](crate::trace).
    pub fn on_trace(&mut self, tracer: impl FnMut(&crate::trace::Record<'_>) + 'static) {
        self.trace.set(Box::new(tracer));
    }

    /// Puts a source on the again list.
    pub(super) fn serve_next_turn(&mut self, id: Id) {
        self.again.push_back(id);
    }

    /// The read buffer, made when it is wanted first, or again after a panic has lost it.
    #[inline]
    pub(super) fn lend_buffer(&mut self) -> Box<[u8]> {
        let buffer = mem::take(&mut self.buffer);
        if buffer.is_empty() {
            return vec![0; self.buffer_size].into_boxed_slice();
        }
        buffer
    }

    #[inline]
    pub(super) fn take_buffer_back(&mut self, buffer: Box<[u8]>) {
        if buffer.len() == self.buffer_size {
            self.buffer = buffer;
        }
    }

    pub(super) fn tick(&mut self, tick: Tick) {
        self.ticks.push_back(Caused(self.trace.current(), tick));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside this, a listener costs what it captures: 32 bytes of the heap for up to 24.
    #[test]
    fn a_connection_in_the_slab_is_small() {
        // mio's debug build keeps the id of the poll in each source.
        let debug = if cfg!(debug_assertions) { 16 } else { 0 };
        assert!(size_of::<Entry>() <= 152 + debug, "{}", size_of::<Entry>());
    }
}
