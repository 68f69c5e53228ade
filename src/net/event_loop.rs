//! What a program acts on: the [`Loop`], all that it owns, and the draining of its queues.

use std::collections::{HashMap, VecDeque};

use std::net::SocketAddr;

use std::time::Duration;

use super::abort::Aborts;
use super::again::Burst;
use super::data::Data;
use super::error::Error;
use super::handle::Posts;
use super::ids::Home;
use super::names::Names;
use super::queues::{Caused, Immediates, Pending, Task, Tick};
use super::server::ServerEntry;
use super::signals::Signals;
use super::socket::SocketEntry;
use super::timers::TimerTask;
use super::trace::{Subject, Trace, What};
use super::{ServerId, SocketId, TimerId};
use crate::room::clock::Clock;
use crate::room::reactor::{Id, Reactor, Readiness};
use crate::rules::timers::Timers;

/// After so many ticks in a row a warning is logged, once a drain.
const LONG_DRAIN: u32 = 1_000_000;

/// Node's size of a read.
pub(super) const READ_BUFFER: usize = 64 * 1024;

const READ_BUFFER_MAX: usize = 1 << 30;

/// What a program acts on: timers, queues, servers and sockets, Node's globals and the functions
/// of its `net`. It is lent to callbacks, and [`EventLoop`](crate::EventLoop) dereferences to it.
///
/// ```
/// use std::time::{Duration, Instant};
/// use netloop::{EventLoop, Loop};
///
/// fn greet(event_loop: &mut Loop, start: Instant) {
///     event_loop.set_timeout(Duration::from_millis(2), move |_| {
///         assert!(start.elapsed() > Duration::from_millis(1)); // whole milliseconds, floored
///     });
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// greet(&mut event_loop, Instant::now());
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct Loop {
    pub(super) home: Home,
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
    pub(super) pending: VecDeque<Caused<Pending>>,
    /// Sources that may still have something to give, though no new edge will tell.
    pub(super) again: VecDeque<Id>,
    /// Sockets that have begun to connect, to be registered before the next wait.
    pub(super) unregistered: Vec<SocketId>,
    pub(super) closing: Vec<Caused<SocketId>>,
    /// Sockets that have closed, to be freed when this turn's closing phase is over.
    pub(super) closed: Vec<SocketId>,
    /// Servers that are out of descriptors: the next one we close ends their rest.
    pub(super) resting: Vec<ServerId>,
    /// How many sockets and servers hold the loop.
    pub(super) holds: usize,
    /// Counts the turns.
    pub(super) turns: u32,
    /// How much one read takes at most.
    pub(super) buffer_size: usize,
    pub(super) burst: Burst,
    pub(super) names: Names,
    pub(super) aborts: Aborts,
    pub(super) signals: Signals,
    pub(super) posts: Option<Posts>,
    pub(super) pipes: HashMap<SocketId, Vec<SocketId>>,
    /// The connection that is being announced, and its peer as accept4(2) told it.
    pub(super) accepting: Option<(SocketId, Option<SocketAddr>)>,
    pub(super) tries_all_families: bool,
    pub(super) family_attempt_timeout: Duration,
    /// `stop` was called: the turn is the last one.
    pub(super) is_stopping: bool,
    pub(super) running: Running,
    /// The owner and the event of the listener that was added last.
    pub(super) last_listener: (Subject, &'static str),
    /// The program's own.
    pub(super) data: Data,
    pub(super) trace: Trace,
}

/// Whose code runs, as far as it matters when it panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Running {
    #[default]
    Other,
    /// The callback of a timer or an immediate, and not what it has queued.
    Callback,
    Microtasks,
}

/// What is registered with the reactor.
pub(super) enum Entry {
    Socket(SocketEntry),
    Server(Box<ServerEntry>),
}

impl Loop {
    pub(super) fn new() -> Result<Loop, Error> {
        let reactor = Reactor::new().map_err(|error| Error::of_call("epoll_create1", &error))?;
        Ok(Loop {
            home: Home::new(),
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
            unregistered: Vec::new(),
            closing: Vec::new(),
            closed: Vec::new(),
            resting: Vec::new(),
            holds: 0,
            turns: 0,
            buffer_size: READ_BUFFER,
            burst: Burst::default(),
            names: Names::default(),
            aborts: Aborts::default(),
            signals: Signals::default(),
            posts: None,
            pipes: HashMap::new(),
            accepting: None,
            tries_all_families: true,
            family_attempt_timeout: super::families::ATTEMPT_TIMEOUT,
            is_stopping: false,
            running: Running::default(),
            last_listener: (Subject::Loop, ""),
            data: Data::default(),
            trace: Trace::default(),
        })
    }

    pub(super) fn run_microtasks(&mut self) {
        self.running = Running::Microtasks;
        while let Some(Caused(cause, task)) = self.microtasks.pop_front() {
            self.run_task(cause, "queue_microtask", task);
        }
        self.running = Running::Other;
    }

    /// Runs what the last entry into user code has queued: all ticks, then all microtasks, until
    /// both are empty.
    #[inline(always)]
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        if self.has_ticks() {
            self.drain_queues()
        } else {
            Ok(())
        }
    }

    #[inline(never)]
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
            self.run_microtasks();
        }
        Ok(())
    }

    #[inline]
    pub(super) fn has_ticks(&self) -> bool {
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

    /// Whether anything holds the loop, so that [`run`](crate::EventLoop::run) goes on: libuv's
    /// `uv_loop_alive`. That is: a server that listens and a socket that is read from, unless let
    /// go by `unref`; a connect, a write or a shutdown on its way; timers, immediates and handles of
    /// other threads, unless let go; lookups; and what is queued or posted. A signal that is listened
    /// to does not.
    pub fn is_alive(&self) -> bool {
        self.held_timers > 0 || self.is_held_by_more_than_timers()
    }

    pub(super) fn is_held_by_more_than_timers(&self) -> bool {
        self.holds > 0
            || self.immediates.are_held()
            || !self.closing.is_empty()
            || !self.pending.is_empty()
            || self.names.are_asked()
            || self.posts.as_ref().is_some_and(Posts::is_held)
            || self.has_ticks()
    }

    /// Has [`run`](crate::EventLoop::run) return when the current turn is over, though something may
    /// still hold the loop: libuv's `uv_stop`. The turn goes through all its phases and does not
    /// sleep. Called while nothing runs, it has the next `run`, `run_once` or `run_nowait` return
    /// without a turn; the ticks of the program's own statements are drained all the same.
    ///
    /// Nothing is closed or forgotten: run again, the loop goes on. From another thread it is
    /// `handle.post(|event_loop| event_loop.stop())`. How to end a program in good order stands in
    /// [`guide::stopping`](crate::guide::stopping).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.create_server(|_socket| {}).listen_on(())?;
    /// event_loop.after(Duration::from_millis(1), |event_loop| event_loop.stop());
    /// event_loop.run()?;
    /// assert!(event_loop.is_alive()); // the server listens
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// The loop's time: whole milliseconds since it was made, floored, as read last: libuv's
    /// `uv_now`. It is read anew after each wait, before each pass over the timers and each run of an
    /// interval, and by
    /// [`set_timeout`](Loop::set_timeout), [`set_interval`](Loop::set_interval) and
    /// [`refresh`](Loop::refresh); a callback that is busy for long sees it stand still.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Sets how many bytes one read takes at most, and so how long a chunk can be; 64 KiB, as
    /// Node's, unless set. It holds from the next turn on, for all sockets of the loop. A larger
    /// buffer saves system calls when much streams. At least one byte, and at most 1 GiB: what is
    /// beyond is taken for that. Node has no such option.
    pub fn set_read_buffer(&mut self, bytes: usize) {
        self.buffer_size = bytes.clamp(1, READ_BUFFER_MAX);
    }

    /// Sets who is told what the loop does, inside the loop's own work; see
    /// [`trace`](crate::trace). A later tracer takes the place of the former. One that panics unwinds
    /// out of `run` when the turn is over.
    pub fn on_trace(&mut self, tracer: impl FnMut(&crate::trace::Record<'_>) + 'static) {
        self.trace.set(Box::new(tracer));
    }

    /// What is ready is no socket.
    #[inline(never)]
    pub(super) fn other_ready(&mut self, id: Id, readiness: Readiness<'_>) -> Result<(), Error> {
        match self.reactor.get(id) {
            Some(Entry::Server(_)) => self.server_ready(ServerId(id), readiness),
            _ => {
                let former = self.trace.enter_ready(Subject::Loop, &readiness);
                let outcome = self.own_source_ready(id);
                self.trace.leave(former);
                outcome
            }
        }
    }

    /// One of the loop's own sources was not served to its end.
    pub(super) fn own_source_again(&mut self, id: Id) -> Result<(), Error> {
        let former = self.trace.enter(Subject::Loop, What::Again);
        let outcome = self.own_source_ready(id);
        self.trace.leave(former);
        outcome
    }

    /// The helper threads have answers, other threads have posted, or a signal has come.
    pub(super) fn own_source_ready(&mut self, id: Id) -> Result<(), Error> {
        match id {
            Id::WAKER => {
                self.take_answers()?;
                self.run_posts()
            }
            Id::SIGNALS => self.run_signals(),
            // A token of something that has gone: readiness is a hint.
            _ => Ok(()),
        }
    }

    pub(super) fn tick(&mut self, tick: Tick) {
        self.ticks.push_back(Caused(self.trace.current(), tick));
    }

    pub(super) fn put_off(&mut self, pending: Pending) {
        self.pending
            .push_back(Caused(self.trace.current(), pending));
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
