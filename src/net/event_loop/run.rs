//! The runner: how a run begins, when it goes on with another turn, and how it ends.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use super::EventLoop;
use super::phase::{Phase, Wait};
use crate::net::error::Error;

impl EventLoop {
    /// Runs the loop while it is [alive](crate::Loop::is_alive), or until [`stop`](crate::Loop::stop) is
    /// called: libuv's `UV_RUN_DEFAULT`. Sockets, servers, timers, immediates, handles and lookups keep it
    /// alive, unless `unref` was called on them. `run` returns where Node emits `beforeExit`; another call
    /// runs work that was added since.
    ///
    /// A callback that panics unwinds out of `run`, and keeps its place as a listener. Called again, the
    /// loop goes on with the next callback, as Node does after an `uncaughtException`. As in Node, the rest
    /// of the work for the same event is lost: the other callbacks of a batch of writes, our own `end`
    /// after that of the peer, the `destroy` after `finish`, the attempt after `lookup`.
    ///
    /// # Errors
    /// An `error` event without a listener, which would end a Node process. Called again, the loop goes on.
    /// Also an error of epoll_wait(2).
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.socket().destroy_with(netloop::Error::new("boom"));
    /// assert_eq!(event_loop.run().unwrap_err().to_string(), "boom"); // without a listener
    /// event_loop.run()?; // `close` is left
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn run(&mut self) -> Result<(), Error> {
        let mut owes_turn = self.start()?;
        while self.phase != Phase::Pending || !self.is_stopping && (owes_turn || self.goes_on()) {
            owes_turn = false;
            self.turn(Wait::UntilReady)?;
        }
        self.finish();
        Ok(())
    }

    /// Runs what was queued and one turn, which sleeps until something happens: libuv's `UV_RUN_ONCE`.
    /// Returns whether anything still holds the loop. Node has no equivalent.
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_once(&mut self) -> Result<bool, Error> {
        self.run_turn(Wait::UntilReady)
    }

    /// Runs what was queued and one turn, without sleeping: libuv's `UV_RUN_NOWAIT`. Returns whether
    /// anything still holds the loop. Use it inside another loop, which waits for this one's
    /// [descriptor](AsFd) for at most [`backend_timeout`](EventLoop::backend_timeout).
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

    /// How long another loop may wait for this one's [descriptor](AsFd) before the next
    /// [`run_nowait`](EventLoop::run_nowait): libuv's `uv_backend_timeout`. `None` means without limit. It
    /// is zero if there is work to do at once, if the last turn may have left readiness in the kernel, and
    /// if nothing holds the loop.
    ///
    /// The other loop, the host, repeats three steps:
    ///
    /// 1. `run_nowait`, also before the first wait, and after each wait whether it was the descriptor
    ///    or the time that ended it;
    /// 2. `backend_timeout`, after the host's own calls on the loop, since what they cause may be due
    ///    at once;
    /// 3. a wait until the descriptor is readable, for at most that long.
    ///
    /// While time is [held](crate::Loop::pause_time), timers that are not due need no turn: they wait for
    /// [`advance`](crate::Loop::advance).
    ///
    /// These steps work in both kinds of host. An *edge-triggered* host (mio, tokio) is notified when the
    /// descriptor becomes ready, but not while it stays ready. It must not skip the turn after a timeout of
    /// zero, or readiness is lost; and if it clears a flag of its own, it does so before `run_nowait`, not
    /// after. A *level-triggered* host (poll(2), libuv) is notified as long as something is ready in the
    /// kernel, but not of timers, ticks, immediates and sockets with more data than one turn takes: for
    /// these it needs the timeout as well.
    ///
    /// In an edge-triggered host, mio:
    ///
    /// ```
    /// use std::os::fd::AsRawFd;
    /// use mio::{Events, Interest, Poll, Token, unix::SourceFd};
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.create_server(|socket| {
    ///     socket.end_with("hello");
    ///     let server = socket.server().unwrap();
    ///     socket.event_loop().server_at(server).close();
    /// }).listen(("127.0.0.1", 0), |server| {
    ///     let port = server.port().unwrap();
    ///     let mut socket = server.event_loop().connect_to(("127.0.0.1", port)).unwrap();
    ///     socket.on_data(|_, chunk| assert_eq!(chunk, b"hello"));
    /// })?;
    ///
    /// let mut host = Poll::new().unwrap();
    /// let fd = event_loop.as_raw_fd();
    /// host.registry().register(&mut SourceFd(&fd), Token(0), Interest::READABLE).unwrap();
    /// let mut events = Events::with_capacity(8);
    /// while event_loop.run_nowait()? {
    ///     host.poll(&mut events, event_loop.backend_timeout()).unwrap();
    ///     // Here the host serves what else is among the events.
    /// }
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// In a tokio task, beside other tasks of the same thread. (`with_interest` is deprecated in favour of
    /// an unsafe function, because a type might replace its descriptor; the loop never does.)
    ///
    /// ```
    /// # #![allow(deprecated)]
    /// use std::time::Duration;
    /// use tokio::io::{Interest, unix::AsyncFd};
    /// use tokio::{task, time};
    ///
    /// async fn run(event_loop: netloop::EventLoop) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut event_loop = AsyncFd::with_interest(event_loop, Interest::READABLE)?;
    ///     while event_loop.get_mut().run_nowait()? {
    ///         match event_loop.get_mut().backend_timeout() {
    ///             None => event_loop.readable().await?.clear_ready(),
    ///             Some(Duration::ZERO) => task::yield_now().await,
    ///             Some(timeout) => {
    ///                 if let Ok(ready) = time::timeout(timeout, event_loop.readable()).await {
    ///                     ready?.clear_ready();
    ///                 }
    ///             }
    ///         }
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.set_timeout(Duration::from_millis(2), |_| println!("from netloop"));
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// runtime.block_on(run(event_loop))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// In a level-triggered host, poll(2):
    ///
    /// ```
    /// use std::time::Duration;
    /// use rustix::event::{PollFd, PollFlags, Timespec, poll};
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.set_timeout(Duration::from_millis(2), |_| println!("from netloop"));
    /// while event_loop.run_nowait()? {
    ///     let timeout = event_loop.backend_timeout().map(Timespec::try_from).transpose()?;
    ///     let mut ready = [PollFd::new(&event_loop, PollFlags::IN)];
    ///     poll(&mut ready, timeout.as_ref())?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn backend_timeout(&mut self) -> Option<Duration> {
        let is_due = self.phase != Phase::Script
            || !self.agenda.connecting.is_empty()
            || self.batches.ready.has_left_some();
        if is_due {
            return Some(Duration::ZERO);
        }
        let waits_for_time = self.agenda.clock.is_held() && self.is_alive();
        if waits_for_time && !self.is_busy() && !self.goes_on() {
            return None;
        }
        self.poll_timeout(Wait::UntilReady)
    }

    fn run_turn(&mut self, wait: Wait) -> Result<bool, Error> {
        self.go_on(Phase::Pending)?;
        if self.phase != Phase::Pending || !self.is_stopping {
            self.turn(wait)?;
        }
        self.finish();
        Ok(self.is_alive())
    }

    /// Ends a run, or a single turn, even if something still holds the loop.
    pub(in crate::net) fn finish(&mut self) {
        self.free_all_closed();
        self.phase = Phase::Script;
        self.inner.is_stopping = false;
    }

    /// Runs what comes before the first turn: the ticks of the program's own statements, then the timers
    /// that are due. Returns whether anything held the loop before these timers. If so, a turn follows even
    /// if they leave nothing that does, as in libuv.
    pub(in crate::net) fn start(&mut self) -> Result<bool, Error> {
        self.go_on(Phase::FirstTicks)?;
        let is_alive = self.is_alive();
        if self.phase == Phase::FirstTicks {
            if is_alive && !self.is_stopping {
                self.begin_timers();
            }
            self.phase = Phase::FirstTimers;
        }
        if self.phase == Phase::FirstTimers {
            self.run_due_timers()?;
            self.phase = Phase::Pending;
        }
        self.agenda.trace.unwind();
        Ok(is_alive)
    }

    /// The loop's kernel, if it is a simulated one.
    #[cfg(feature = "sim")]
    pub(crate) fn simulated_kernel(&self) -> Option<&crate::kernel::sim::Kernel> {
        self.inner.reactor.simulated_kernel()
    }
}

/// The epoll instance, libuv's `uv_backend_fd`: readable when the loop has something to do for a
/// descriptor. Wait for it as [`backend_timeout`](EventLoop::backend_timeout) describes; do not register
/// anything with it.
impl AsFd for EventLoop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.reactor.as_fd()
    }
}

/// The same descriptor, for hosts that want its number. The loop owns it, and closes it when dropped.
impl AsRawFd for EventLoop {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
