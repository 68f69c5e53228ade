//! One turn of the loop, and its phases.

use std::time::Duration;

use super::phase::{Listed, Pending, Phase, Wait};
use super::trace::{Caused, Idle, Subject, What};
use super::{Entry, Running};
use super::{EventLoop, Loop};
use crate::kernel::reactor::{Id, Readiness};
use crate::net::error::Error;
use crate::net::socket::SocketEntry;
use crate::net::{ServerId, SocketId};
use crate::rules::read_buffer::ReadBuffer;

/// How many rounds of the pending queue are served after the poll phase, as in libuv.
const PENDING_ROUNDS: usize = 8;

/// How long the kernel gets to deliver what a turn has sent: it may be late on a busy machine.
const SETTLES: Duration = Duration::from_millis(5);

impl EventLoop {
    /// One turn, in libuv's order as Node runs it:
    ///
    /// ```text
    /// once, before the first turn:  due timers
    /// each turn:   pending  →  poll  →  pending again  →  check (immediates)  →  closing (last closed first)  →  timers
    ///              └── after every callback: drain next_tick, then microtasks, until both are empty ──────────────┘
    /// ```
    ///
    /// After a panic the next run finishes the turn, from the phase in which it was left.
    pub(in crate::net) fn turn(&mut self, wait: Wait) -> Result<(), Error> {
        loop {
            self.phase = match self.phase {
                Phase::Script | Phase::FirstTicks | Phase::FirstTimers | Phase::Pending => {
                    self.inner.agenda.trace.begin_turn();
                    Phase::FirstPending
                }
                Phase::FirstPending => {
                    self.run_pending(1)?;
                    Phase::Poll
                }
                Phase::Poll => {
                    self.wait_for_readiness(wait)?;
                    Phase::Ready
                }
                Phase::Ready => {
                    self.run_ready()?;
                    Phase::PendingAgain
                }
                Phase::PendingAgain => {
                    self.run_pending(PENDING_ROUNDS)?;
                    self.begin_immediates()
                }
                Phase::Check => {
                    self.run_immediates()?;
                    self.begin_closing()
                }
                Phase::Closing => {
                    self.run_closing()?;
                    self.begin_timers()
                }
                Phase::Timers => {
                    self.run_due_timers()?;
                    self.phase = Phase::Pending;
                    self.agenda.trace.unwind();
                    return Ok(());
                }
            };
        }
    }

    /// Serves the pending queue: sockets that send on or shut down, and connects that failed at once.
    /// Entries that are added meanwhile are served in the next round.
    #[inline]
    fn run_pending(&mut self, rounds: usize) -> Result<(), Error> {
        for _ in 0..rounds {
            if self.inner.agenda.pending.is_empty() && self.batches.pending.is_empty() {
                return Ok(());
            }
            self.serve_pending()?;
        }
        Ok(())
    }

    #[cold]
    fn serve_pending(&mut self) -> Result<(), Error> {
        self.batches.pending.append(&mut self.inner.agenda.pending);
        while let Some(Caused(by, pending)) = self.batches.pending.pop_front() {
            let (Pending::Writable(id) | Pending::ConnectFailed(id)) = pending;
            let phase = What::Phase("pending");
            let subject = Subject::Socket(id);
            EventLoop::serve_queued(self, by, subject, phase, |event_loop| match pending {
                Pending::Writable(id) => event_loop.served(id).serve_put_off(),
                Pending::ConnectFailed(id) => {
                    event_loop.served(id).attempt_failed(None);
                    event_loop.drain()
                }
            })?;
        }
        Ok(())
    }

    /// Registers the streams that have begun to connect since the last wait. If that fails, `error` comes
    /// before `close`; since its listeners may connect again, the coming wait is none.
    #[cold]
    fn register_connecting(&mut self, wait: Wait) -> Result<Wait, Error> {
        let mut have_failed = false;
        for id in std::mem::take(&mut self.agenda.connecting) {
            have_failed |= self.with_socket(id, SocketEntry::cannot_register) == Some(true);
        }
        match have_failed {
            true => self.drain().map(|()| Wait::NotAtAll),
            false => Ok(wait),
        }
    }

    /// Sleeps until a source is ready, the next timer is due, or a signal interrupts. It does
    /// not sleep while there is something to do.
    fn wait_for_readiness(&mut self, wait: Wait) -> Result<(), Error> {
        let wait = match self.agenda.connecting.is_empty() {
            true => wait,
            false => self.register_connecting(wait)?,
        };
        let timeout = self.poll_timeout(wait);
        let began = match self.inner.agenda.trace.is_on() {
            true => self.tell_of_sleep(timeout),
            false => Duration::ZERO,
        };
        let agenda = &self.inner.agenda;
        let watch = agenda.idle_time.map(|_| agenda.clock.stopwatch());
        self.inner
            .reactor
            .wait(&mut self.batches.ready, timeout)
            .map_err(|error| Error::of_call("epoll_wait", &error))?;
        if let (Some(idle), Some(watch)) = (&mut self.inner.agenda.idle_time, watch) {
            *idle += watch.elapsed();
        }
        self.inner.agenda.clock.expire();
        if self.inner.agenda.trace.is_on() {
            self.tell_of_wait(timeout, began);
        }
        self.count_turn();
        if !self.inner.agenda.again.is_empty() {
            self.begin_serving_again();
        }
        Ok(())
    }

    /// Returns when the wait began.
    #[cold]
    fn tell_of_sleep(&mut self, timeout: Option<Duration>) -> Duration {
        let trace = &mut self.inner.agenda.trace;
        if timeout.is_none_or(|timeout| !timeout.is_zero()) {
            trace.note(Subject::Loop, What::Waits { timeout });
        }
        trace.time()
    }

    #[cold]
    fn tell_of_wait(&mut self, timeout: Option<Duration>, began: Duration) {
        let ready = self.batches.ready.len();
        let trace = &mut self.inner.agenda.trace;
        let waited = trace.time().saturating_sub(began);
        let what = What::Wait {
            timeout,
            waited,
            ready,
        };
        trace.note(Subject::Loop, what);
    }

    /// How long epoll_wait(2) may block. The clock is floored, so the time left is rounded up: the wait
    /// does not end before the next timer is due. epoll cuts it to 24.8 days; the loop then simply waits
    /// again.
    pub(in crate::net) fn poll_timeout(&mut self, wait: Wait) -> Option<Duration> {
        match wait {
            Wait::NotAtAll => return Some(Duration::ZERO),
            Wait::Briefly if self.reactor.is_empty() => return Some(Duration::ZERO),
            Wait::Briefly => return Some(SETTLES),
            Wait::UntilReady if self.is_busy() || !self.goes_on() => return Some(Duration::ZERO),
            Wait::UntilReady => {}
        }
        let expiry = self.agenda.timers.next_expiry()?;
        let left = expiry.saturating_sub(self.agenda.clock.refresh());
        let comes = left == 0 || !self.agenda.clock.is_held();
        comes.then(|| Duration::from_millis(left))
    }

    /// Whether there is something to do at once.
    pub(super) fn is_busy(&self) -> bool {
        self.agenda.is_busy() || self.is_stopping
    }

    /// Serves the sources that are ready, in the kernel's order. Those on the again list come first, or
    /// last if the program has set a burst of its own.
    #[inline(never)]
    fn run_ready(&mut self) -> Result<(), Error> {
        if self.batches.again.is_empty() && self.batches.ready.is_empty() {
            return Ok(());
        }
        if self.buffer.len() != self.inner.buffer_size {
            self.buffer = ReadBuffer::new(self.inner.buffer_size);
        }
        if !self.burst.goes_last {
            self.run_again()?;
        }
        let (event_loop, buffer) = (&mut self.inner, self.buffer.bytes());
        for (id, readiness) in self.batches.ready.hand_out() {
            match event_loop.reactor.get(id) {
                Some(Entry::Socket(_)) => {
                    event_loop
                        .served(SocketId(id))
                        .socket_ready(readiness, buffer)?;
                }
                Some(Entry::Server(_)) => {
                    event_loop.served(ServerId(id)).server_ready(readiness)?
                }
                None => event_loop.own_source_ready(id, readiness)?,
            }
        }
        self.run_again()
    }

    fn run_again(&mut self) -> Result<(), Error> {
        while let Some(&listed) = self.batches.again.front() {
            self.batches.is_at_again = true;
            self.serve_again(listed)?;
            self.batches.is_at_again = false;
            self.batches.again.pop_front();
        }
        Ok(())
    }

    #[inline(never)]
    fn serve_again(&mut self, listed: Caused<Listed>) -> Result<(), Error> {
        let Caused(by, Listed { id, why }) = listed;
        let (event_loop, buffer) = (&mut self.inner, self.buffer.bytes());
        let subject = match event_loop.reactor.get_mut(id) {
            Some(Entry::Socket(_)) => Subject::Socket(SocketId(id)),
            Some(Entry::Server(server)) => {
                server.has_left_again();
                Subject::Server(ServerId(id))
            }
            None => Subject::Loop,
        };
        let what = What::Again(why);
        EventLoop::serve_queued(event_loop, by, subject, what, |event_loop| match subject {
            Subject::Socket(id) => event_loop.served(id).socket_again(buffer),
            Subject::Server(id) => event_loop.served(id).accept_all(),
            Subject::Loop => EventLoop::serve_own_source(event_loop, id),
        })
    }

    /// Takes the immediates queued so far as the batch of this turn.
    fn begin_immediates(&mut self) -> Phase {
        self.agenda.immediates.begin_batch();
        Phase::Check
    }

    /// Runs the immediates of the batch.
    fn run_immediates(&mut self) -> Result<(), Error> {
        let event_loop = &mut self.inner;
        while let Some(immediate) = event_loop.agenda.immediates.next() {
            event_loop.running = Running::Callback;
            let what = What::Callback("set_immediate");
            event_loop.traced(immediate.by, Subject::Loop, what, immediate.callback);
            event_loop.running = Running::Other;
            event_loop.drain()?;
        }
        Ok(())
    }

    fn begin_closing(&mut self) -> Phase {
        if !self.inner.agenda.closing.is_empty() {
            self.batches.closing.append(&mut self.inner.agenda.closing);
        }
        Phase::Closing
    }

    /// Emits `close`, first for the socket that was destroyed last, then frees the closed sockets.
    fn run_closing(&mut self) -> Result<(), Error> {
        while let Some(Caused(by, id)) = self.batches.closing.pop() {
            let phase = What::Phase("closing");
            self.traced(by, Subject::Socket(id), phase, |event_loop| {
                event_loop.served(id).finish_closing()
            })?;
        }
        self.free_all_closed();
        Ok(())
    }

    /// Frees the closed sockets. If a panic has left ticks, it waits for them: they may be those of such a
    /// socket.
    #[inline(always)]
    pub(in crate::net) fn free_all_closed(&mut self) {
        // One by one: this drops values of the program, whose `Drop` may panic.
        while !self.agenda.has_ticks()
            && let Some(id) = self.inner.agenda.to_free.pop()
        {
            self.served(id).free_closed();
        }
    }

    /// Begins a pass over the timers, if any are due.
    pub(in crate::net) fn begin_timers(&mut self) -> Phase {
        if let Some(expiry) = self.agenda.timers.next_expiry() {
            let now = self.agenda.clock.refresh();
            if expiry <= now {
                self.agenda.timers.begin_pass(now);
            }
        }
        Phase::Timers
    }

    /// Runs the timers of the pass.
    #[inline(always)]
    pub(in crate::net) fn run_due_timers(&mut self) -> Result<(), Error> {
        while self.inner.agenda.timers.is_in_pass() {
            let now = self.agenda.clock.now();
            match self.inner.agenda.timers.next_due(now) {
                Some(key) => {
                    self.inner.fire(key)?;
                    // A socket may have closed in a tick, and the next turn may be far away.
                    self.free_all_closed();
                }
                None => self.inner.agenda.end_timers(),
            }
        }
        Ok(())
    }
}

impl Loop {
    /// The kernel reports that a source of the loop's own is ready.
    fn own_source_ready(&mut self, id: Id, readiness: Readiness<'_>) -> Result<(), Error> {
        let former = (self.agenda.trace).enter_ready(Subject::Loop, &readiness);
        let outcome = EventLoop::serve_own_source(self, id);
        let idle = match id {
            Id::WAKER | Id::SIGNALS => Idle::ServedAlready,
            _ => Idle::Gone,
        };
        (self.agenda.trace).leave_ready(former, Subject::Loop, idle);
        outcome
    }
}

impl EventLoop {
    /// Serves a source of the loop's own: answers of the helper threads and posts, or signals.
    fn serve_own_source(event_loop: &mut Loop, id: Id) -> Result<(), Error> {
        match id {
            Id::WAKER => event_loop
                .take_answers()
                .and_then(|()| event_loop.run_posts()),
            Id::SIGNALS => event_loop.run_signals(),
            // The token of a source that is gone: readiness is a hint.
            _ => Ok(()),
        }
    }
}
