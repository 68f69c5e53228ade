//! The [`Loop`], which callbacks are lent, and the [`EventLoop`], which runs it.

pub(in crate::net) mod abort;
mod again;
mod agenda;
pub(in crate::net) mod data;
mod door;
pub(in crate::net) mod errands;
pub(in crate::net) mod events;
pub(in crate::net) mod firing;
pub(crate) mod handle;
mod held_timers;
mod holders;
mod lend;
pub(in crate::net) mod listeners;
pub(crate) mod lookups;
mod measures;
pub(in crate::net) mod phase;
pub(in crate::net) mod queues;
mod resume;
mod run;
pub(crate) mod signals;
mod ticks;
mod time;
mod timers;
pub mod trace;
mod turn;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use self::abort::Aborts;
use self::agenda::Agenda;
use self::firing::Origin;
use self::lookups::Lookups;
use self::phase::{Batches, Phase};
use self::queues::{Posts, Signals};
use self::trace::Subject;
use crate::kernel::clock::Clock;
use crate::kernel::reactor::Reactor;
use crate::net::error::{Error, words};
use crate::net::ids::Home;
use crate::net::server::ServerEntry;
use crate::net::socket::SocketEntry;
use crate::net::{AbortId, SocketId, TimerId};
use crate::rules::data::Data;
use crate::rules::read_buffer::{Burst, READ_BUFFER, ReadBuffer};

/// How long one of several addresses is tried before the next: Node's default.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(500);

/// Timers, queues, servers and sockets: Node's globals, and the functions of its `net`. It is lent to
/// callbacks, and [`EventLoop`](crate::EventLoop) dereferences to it.
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
    pub(in crate::net) home: Home,
    pub(in crate::net) reactor: Reactor<Entry>,
    pub(in crate::net) agenda: Agenda,
    /// The timer whose callback is running.
    pub(in crate::net) current_timer: Option<(TimerId, Origin)>,
    /// How many bytes one read takes at most.
    pub(in crate::net) buffer_size: usize,
    pub(in crate::net) burst: Burst,
    pub(in crate::net) lookups: Lookups,
    pub(in crate::net) aborts: Aborts,
    pub(in crate::net) signals: Signals,
    pub(in crate::net) posts: Option<Posts>,
    pub(in crate::net) pipes: HashMap<SocketId, Vec<SocketId>>,
    /// The connection whose `connection` event is being emitted, and its peer's address, if accept4(2)
    /// returned one.
    pub(in crate::net) accepting: Option<(SocketId, Option<SocketAddr>)>,
    pub(in crate::net) tries_all_families: bool,
    pub(in crate::net) family_attempt_timeout: Duration,
    /// `stop` was called: the turn is the last one.
    pub(in crate::net) is_stopping: bool,
    pub(in crate::net) running: Running,
    /// The owner and the event of the listener that was added last.
    pub(in crate::net) last_listener: (Subject, &'static str),
    /// The program's own values: see [`Loop::set_data`].
    pub(in crate::net) data: Data,
}

/// An event loop that can be run, as a Node process runs its script. It owns a [`Loop`] and dereferences
/// to it.
///
/// Callbacks are lent the [`Loop`], which cannot be run, so that runs cannot nest.
///
/// ```
/// use netloop::{EventLoop, Loop};
///
/// fn note(event_loop: &mut Loop, word: &'static str) {
///     event_loop.data_mut::<Vec<&str>>().unwrap().push(word);
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_data(Vec::<&str>::new());
/// event_loop.set_immediate(|event_loop| note(event_loop, "immediate"));
/// event_loop.next_tick(|event_loop| note(event_loop, "tick"));
/// assert!(event_loop.data::<Vec<&str>>().unwrap().is_empty()); // nothing is called inside a call
///
/// event_loop.run()?; // as a Node process: until nothing is left to wait for
/// assert_eq!(event_loop.data::<Vec<&str>>().unwrap(), &["tick", "immediate"]);
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct EventLoop {
    pub(in crate::net) inner: Loop,
    // The state of the turn is kept here and not in the `Loop`, so that callbacks cannot reach it.
    phase: Phase,
    batches: Batches,
    /// The one read buffer, allocated when a source is ready for the first time.
    pub(in crate::net) buffer: ReadBuffer,
}

/// A socket or a server that a phase works on. Unlike a call, a phase may run the program's callbacks.
/// The entry may be gone after each of them, so it is looked up anew.
pub(in crate::net) struct Served<'l, I = SocketId> {
    pub(in crate::net) event_loop: &'l mut Loop,
    pub(in crate::net) id: I,
}

impl<I: Copy> Served<'_, I> {
    /// Reborrows for one function, so that the caller's own copy can stay in registers.
    #[inline(always)]
    pub(in crate::net) fn lend(&mut self) -> Served<'_, I> {
        self.event_loop.served(self.id)
    }

    /// See [`Loop::drain`].
    #[inline(always)]
    pub(in crate::net) fn drain(&mut self) -> Result<(), Error> {
        self.event_loop.drain()
    }
}

/// The kind of code that is running, which decides how the loop resumes after a panic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::net) enum Running {
    #[default]
    Other,
    /// The callback of a timer or an immediate, but not the ticks that it queued.
    Callback,
    Microtasks,
}

/// What is registered with the reactor.
pub(in crate::net) enum Entry {
    Socket(SocketEntry),
    Server(Box<ServerEntry>),
}

impl Entry {
    #[inline]
    pub(in crate::net) fn socket(&self) -> Option<&SocketEntry> {
        match self {
            Entry::Socket(socket) => Some(socket),
            Entry::Server(_) => None,
        }
    }

    #[inline]
    pub(in crate::net) fn socket_mut(&mut self) -> Option<&mut SocketEntry> {
        match self {
            Entry::Socket(socket) => Some(socket),
            Entry::Server(_) => None,
        }
    }

    pub(in crate::net) fn server(&self) -> Option<&ServerEntry> {
        match self {
            Entry::Socket(_) => None,
            Entry::Server(server) => Some(server),
        }
    }

    pub(in crate::net) fn server_mut(&mut self) -> Option<&mut ServerEntry> {
        match self {
            Entry::Socket(_) => None,
            Entry::Server(server) => Some(server),
        }
    }
}

impl Loop {
    fn new(reactor: Reactor<Entry>) -> Loop {
        Loop {
            home: Home::new(),
            agenda: Agenda::new(Clock::new(reactor.stopwatch())),
            reactor,
            current_timer: None,
            buffer_size: READ_BUFFER,
            burst: Burst::default(),
            lookups: Lookups::default(),
            aborts: Aborts::default(),
            signals: Signals::default(),
            posts: None,
            pipes: HashMap::new(),
            accepting: None,
            tries_all_families: true,
            family_attempt_timeout: ATTEMPT_TIMEOUT,
            is_stopping: false,
            running: Running::default(),
            last_listener: (Subject::Loop, ""),
            data: Data::default(),
        }
    }

    /// Makes a call of the loop's, with records in the trace.
    #[track_caller]
    pub(in crate::net) fn calls<R>(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&mut Loop) -> R,
    ) -> R {
        let former = self.agenda.trace.calls(Subject::Loop, name);
        let answer = call(self);
        self.agenda.trace.leave(former);
        answer
    }

    /// A socket or a server, for a phase that serves it.
    #[inline(always)]
    pub(in crate::net) fn served<I>(&mut self, id: I) -> Served<'_, I> {
        Served {
            event_loop: self,
            id,
        }
    }

    /// Whether anything holds the loop, so that [`run`](crate::EventLoop::run) goes on: libuv's
    /// `uv_loop_alive`. [`holders`](Loop::holders) lists what holds it: a listening server, a socket that
    /// is read from, timers, immediates and [handles](crate::Handle), each unless `unref` was called on it;
    /// a connect, a write or a shutdown in progress; lookups; and whatever is queued or posted. Listening
    /// for a signal does not.
    pub fn is_alive(&self) -> bool {
        self.agenda.held_timers > 0 || self.is_held_by_more_than(0)
    }

    /// Whether more holds the loop than timers and so many sources.
    fn is_held_by_more_than(&self, sources: usize) -> bool {
        self.agenda.is_held_by_more_than(sources)
            || self.lookups.are_asked()
            || self.posts.as_ref().is_some_and(Posts::is_held)
    }

    /// Makes [`run`](crate::EventLoop::run) return at the end of the current turn, even if something holds
    /// the loop: libuv's `uv_stop`. The turn goes through all its phases and does not sleep. Called before
    /// `run`, `run_once` or `run_nowait`, it makes that return without a turn, though queued ticks are
    /// still drained.
    ///
    /// Nothing is closed or forgotten: the next run goes on. From another thread, use
    /// `handle.post(|event_loop| event_loop.stop())`. [`guide::stopping`](crate::guide::stopping) shows how
    /// to shut a program down cleanly.
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
    #[track_caller]
    pub fn stop(&mut self) {
        self.calls("stop", |event_loop| event_loop.is_stopping = true);
    }

    /// Makes an abort handle: Node's `new AbortController()`. Pass it to
    /// [`ConnectOptions::signal`](crate::ConnectOptions::signal),
    /// [`SocketOptions::signal`](crate::SocketOptions::signal) or
    /// [`ListenOptions::signal`](crate::ListenOptions::signal), any number of times. An unused handle takes
    /// no memory once these sockets and servers have closed.
    pub fn abort_handle(&mut self) -> AbortId {
        let number = self.aborts.add();
        AbortId(self.home.name(number))
    }

    /// Uses an abort handle: Node's `controller.abort()`. Sockets with this handle are destroyed at once,
    /// with an `AbortError` (`ABORT_ERR`) that is emitted as `error` from a tick; servers are closed at
    /// once, without an error. A second use does nothing. A socket or server that is given a used handle is
    /// ended in the next tick.
    #[track_caller]
    pub fn abort(&mut self, handle: AbortId) {
        let Some(number) = self.home.key(handle.0) else {
            return;
        };
        self.calls("abort", |event_loop| {
            for target in event_loop.aborts.take(number) {
                match target {
                    Subject::Socket(id) => {
                        event_loop.with_socket(id, |socket, errands| {
                            socket.destroy(Some(words::aborted()), errands);
                        });
                    }
                    Subject::Server(id) => {
                        event_loop.server_at(id).close();
                    }
                    Subject::Loop => {}
                }
            }
        });
    }

    /// Whether a handle was used: Node's `signal.aborted`.
    pub fn is_aborted(&self, handle: AbortId) -> bool {
        self.aborts.is_used(&self.home, handle)
    }

    /// The loop's time, libuv's `uv_now`: whole milliseconds since the loop was made, floored, as last
    /// read. The clock is read after each wait, before each pass over the timers and each run of an
    /// interval, and by
    /// [`set_timeout`](Loop::set_timeout), [`set_interval`](Loop::set_interval) and
    /// [`refresh`](Loop::refresh). While a long callback runs, the time stands still.
    pub fn now(&self) -> u64 {
        self.agenda.clock.now()
    }

    /// Sets a function that is called with each record of what the loop does; see [`trace`](crate::trace).
    /// A later one replaces it. If it panics, the panic unwinds out of `run` when the turn is over.
    pub fn on_trace(&mut self, tracer: impl FnMut(&crate::trace::Record<'_>) + 'static) {
        let watch = self.agenda.clock.stopwatch();
        self.agenda.trace.set(watch, tracer);
    }
}

impl EventLoop {
    /// Makes a loop: an epoll instance, and nothing else yet; libuv's `uv_loop_init`. Several loops
    /// may live side by side, each on the thread that runs it.
    ///
    /// # Errors
    /// Errors of epoll_create1(2), such as `EMFILE`.
    pub fn new() -> Result<EventLoop, Error> {
        let reactor = Reactor::new().map_err(|error| Error::of_call("epoll_create1", &error))?;
        Ok(EventLoop::of(reactor))
    }

    /// Makes a loop on a simulated kernel.
    #[cfg(feature = "sim")]
    pub(crate) fn simulated(kernel: crate::kernel::sim::Kernel) -> EventLoop {
        EventLoop::of(Reactor::simulated(kernel))
    }

    fn of(reactor: Reactor<Entry>) -> EventLoop {
        EventLoop {
            inner: Loop::new(reactor),
            phase: Phase::Script,
            batches: Batches::default(),
            buffer: ReadBuffer::default(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// On top of this, a listener costs the allocation of its captures: 32 bytes of the heap for up to 24.
    #[test]
    fn a_connection_in_the_slab_is_small() {
        // mio's debug build keeps the id of the poll in each source.
        let debug = if cfg!(debug_assertions) { 16 } else { 0 };
        // So does a handle of the simulated kernel's network.
        let sim = if cfg!(feature = "sim") { 32 } else { 0 };
        let size = size_of::<Entry>();
        assert!(size <= 152 + debug + sim, "{size}");
    }
}
