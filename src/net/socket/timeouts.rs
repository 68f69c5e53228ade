//! The idle timeout. Activity only notes the time; the timer is moved when it fires.

use std::time::Duration;

use super::events::TIMEOUT;
use super::{Socket, SocketEntry};
use crate::net::TimerId;
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::firing::{TIMEOUT_MAX, TimerTask};
use crate::net::trace::Subject;
use crate::rules::idle::IdleTimeout;
use crate::rules::timers::TimerKey;

impl SocketEntry {
    /// Notes activity on the socket.
    #[inline]
    pub(super) fn touch(&mut self, errands: &mut Errands<'_>) {
        if self.cold.is_some() {
            self.touch_idle(errands);
        }
    }

    fn touch_idle(&mut self, errands: &mut Errands<'_>) {
        let now = errands.agenda.clock.now();
        let Some(idle) = self.idle() else { return };
        idle.last_activity = now;
        if idle.timer.is_none() && idle.duration > 0 {
            let task = TimerTask::Idle(errands.id);
            idle.timer = Some(errands.agenda.arm_from(now, idle.duration, task));
        }
    }

    /// Whether activity is to be noted.
    #[inline]
    pub(super) fn has_idle_timeout(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.idle.is_some())
    }

    fn idle(&mut self) -> Option<&mut IdleTimeout> {
        if self.state.is_destroyed() {
            return None;
        }
        self.cold.as_mut()?.idle.as_mut()
    }

    fn set_idle_timeout(&mut self, timeout: Duration, errands: &mut Errands<'_>) {
        let now = errands.agenda.clock.refresh();
        if self.state.is_destroyed() {
            return;
        }
        let idle = IdleTimeout {
            duration: idle_duration(timeout),
            wanted: timeout,
            timer: None,
            last_activity: now,
        };
        let former = self.cold().idle.replace(idle).and_then(|idle| idle.timer);
        if let Some(timer) = former {
            errands.agenda.cancel(timer);
        }
        self.touch_idle(errands);
    }

    /// Makes a timer end with the socket.
    fn add_timer(&mut self, timer: TimerId, errands: &mut Errands<'_>) {
        let Some(timer) = errands.home.key(timer.0) else {
            return;
        };
        if self.state.is_destroyed() {
            return errands.agenda.end_timer(timer);
        }
        errands.agenda.give_timer(timer, errands.id);
        let timers = &mut self.cold().timers;
        timers.retain(|timer| errands.agenda.timers.contains(*timer));
        timers.push(timer);
    }
}

/// Rounds down to whole milliseconds, at least one unless the timeout is off.
fn idle_duration(timeout: Duration) -> u32 {
    match u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX) {
        0 if !timeout.is_zero() => 1,
        millis if millis > TIMEOUT_MAX => {
            log::warn!(
                target: "netloop::timer",
                "{timeout:?} does not fit into 2^31-1 ms: the timeout was cut to that"
            );
            TIMEOUT_MAX
        }
        millis => millis,
    }
}

impl Served<'_> {
    /// The timer has fired. It is moved if there was activity, or if the request in flight made progress;
    /// otherwise `timeout` is emitted.
    pub(in crate::net) fn idle_timer_fired(&mut self, key: TimerKey) {
        let now = self.event_loop.agenda.clock.now();
        let Some(socket) = self.entry() else { return };
        let has_progressed = socket.sending.has_progressed();
        let Some(idle) = socket.idle() else { return };
        if has_progressed {
            idle.last_activity = now;
        }
        let idle_for = now - idle.last_activity;
        if idle_for < u64::from(idle.duration) {
            let left = idle.duration - idle_for as u32;
            self.event_loop.agenda.timers.rearm(key, now, left);
            return;
        }
        idle.timer = None;
        self.event_loop.agenda.timers.release(key);
        self.emit_plain(TIMEOUT);
    }
}

impl Socket<'_> {
    /// Sets the idle timeout: `timeout` is emitted, from the timers phase, once nothing was sent or
    /// received for this long. Node's `socket.setTimeout`. Zero turns it off. It closes nothing, and does
    /// not hold the loop. After `destroy` this does nothing.
    ///
    /// The time is rounded down to whole milliseconds, at least 1 ms and at most 2^31-1 ms (with a warning
    /// in the log). It counts from this call, and again from each connect, read and write, at the loop's
    /// [time](crate::Loop::now): if a callback works for longer than the timeout before it writes, the
    /// socket counts as idle.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let server = event_loop
    ///     .create_server(|socket| {
    ///         socket.set_timeout(Duration::from_millis(2)).on_timeout(|socket| {
    ///             socket.destroy(); // the program decides
    ///         });
    ///         let server = socket.server().unwrap();
    ///         socket.event_loop().server_at(server).close();
    ///     })
    ///     .listen_on(("127.0.0.1", 0))?
    ///     .id();
    /// event_loop.set_immediate(move |event_loop| {
    ///     let port = event_loop.server_at(server).port().unwrap();
    ///     event_loop.connect_to(("127.0.0.1", port)).unwrap().resume();
    /// });
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn set_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.set_timeout_as("set_timeout", timeout)
    }

    #[track_caller]
    fn set_timeout_as(&mut self, name: &'static str, timeout: Duration) -> &mut Self {
        self.calls(name, |socket, errands| {
            socket.set_idle_timeout(timeout, errands)
        });
        self
    }

    /// As [`set_timeout`](Socket::set_timeout), with a listener for the next `timeout` only: Node's
    /// `setTimeout(timeout, callback)`. If no timeout is set, because it is zero or the socket is
    /// destroyed, no listener is added, as in Node.
    #[track_caller]
    pub fn set_timeout_once(
        &mut self,
        timeout: Duration,
        listener: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> &mut Self {
        self.set_timeout_as("set_timeout_once", timeout);
        if timeout.is_zero() || self.is_destroyed() {
            return self;
        }
        self.once_timeout(listener)
    }

    /// The idle timeout as it was set last, zero included: Node's `socket.timeout`. `None` if it was never
    /// set.
    pub fn timeout(&self) -> Option<Duration> {
        let cold = self.event_loop.entry_ref(self.id)?.cold.as_ref()?;
        Some(cold.idle.as_ref()?.wanted)
    }

    /// An interval that ends with the socket: `destroy` clears it. A Node program has to call
    /// `clearInterval` in `close`, which is easily forgotten. Otherwise it is as
    /// [`Loop::set_interval`](crate::Loop::set_interval).
    #[track_caller]
    pub fn set_interval(
        &mut self,
        period: Duration,
        mut callback: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> TimerId {
        let id = self.id;
        let trace = &mut self.event_loop.agenda.trace;
        let former = trace.calls(Subject::Socket(id), "set_interval");
        let timer = self.event_loop.set_interval(period, move |event_loop| {
            callback(&mut event_loop.socket_at(id));
        });
        self.keep_timer(timer);
        self.event_loop.agenda.trace.leave(former);
        timer
    }

    /// Calls back once, after `delay`, unless the socket is destroyed before: for example to limit the time
    /// of a response. Unlike [`set_timeout`](Socket::set_timeout), it ignores activity and holds the loop.
    /// Otherwise it is as [`Loop::after`](crate::Loop::after).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut server = event_loop.create_server(|socket| {
    ///     let deadline = socket.after(Duration::from_secs(30), |socket| _ = socket.destroy());
    ///     socket.on_data(move |socket, _| {
    ///         socket.event_loop().clear_timeout(deadline); // in time
    ///         socket.end_with("welcome");
    ///     });
    /// });
    /// let port = server.listen_on(())?.unref().port().unwrap();
    /// event_loop.connect_to(port)?.end_with("hello").resume();
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn after(
        &mut self,
        delay: Duration,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> TimerId {
        let id = self.id;
        let trace = &mut self.event_loop.agenda.trace;
        let former = trace.calls(Subject::Socket(id), "after");
        let timer = self.event_loop.after(delay, move |event_loop| {
            callback(&mut event_loop.socket_at(id));
        });
        self.keep_timer(timer);
        self.event_loop.agenda.trace.leave(former);
        timer
    }

    /// Makes a timer end with the socket.
    fn keep_timer(&mut self, timer: TimerId) {
        let kept = self.with(|socket, errands| socket.add_timer(timer, errands));
        if kept.is_none() {
            self.event_loop.clear_timeout(timer);
        }
    }
}
