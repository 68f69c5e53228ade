//! The idle timeout. Activity only notes the time; the timer is moved when it fires.

use std::time::Duration;

use super::super::timers::{TIMEOUT_MAX, TimerTask};
use super::super::{SocketId, TimerId};
use super::Socket;
use crate::net::event_loop::Loop;
use crate::rules::timers::TimerKey;

pub(super) struct Idle {
    /// Milliseconds; 0 is off.
    duration: u32,
    /// What was asked for.
    wanted: Duration,
    /// None once it has fired, until there is activity.
    pub(super) timer: Option<TimerKey>,
    last_activity: u64,
}

impl Idle {
    /// The socket is destroyed: it does not time out any more, and if it is connected again, only
    /// when that is asked for again, as in Node.
    pub(super) fn stop(&mut self) -> Option<TimerKey> {
        self.duration = 0;
        self.timer.take()
    }
}

impl Loop {
    /// Something happened on this socket.
    #[inline]
    pub(super) fn touch(&mut self, id: SocketId) {
        if self.entry_ref(id).is_some_and(|entry| entry.cold.is_some()) {
            self.touch_idle(id);
        }
    }

    fn touch_idle(&mut self, id: SocketId) {
        if self.idle_of(id).is_none() {
            return;
        }
        let now = self.agenda.clock.now();
        let Some(idle) = self.idle_of(id) else { return };
        idle.last_activity = now;
        let (duration, has_fired) = (idle.duration, idle.timer.is_none());
        if has_fired && duration > 0 {
            let timer = self
                .agenda
                .timers
                .insert(now, duration, TimerTask::Idle(id));
            if let Some(idle) = self.idle_of(id) {
                idle.timer = Some(timer);
            }
        }
    }

    fn idle_of(&mut self, id: SocketId) -> Option<&mut Idle> {
        let entry = self.entry(id)?;
        if entry.connection.state.is_destroyed() {
            return None;
        }
        entry.cold.as_mut()?.idle.as_mut()
    }

    pub(super) fn set_idle_timeout(&mut self, id: SocketId, timeout: Duration) {
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let duration = match millis {
            0 if !timeout.is_zero() => 1,
            millis if millis > TIMEOUT_MAX => {
                log::warn!(
                    target: "netloop::timer",
                    "{timeout:?} does not fit into 2^31-1 ms: the timeout was cut to that"
                );
                TIMEOUT_MAX
            }
            millis => millis,
        };
        let now = self.agenda.clock.refresh();
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.state.is_destroyed() {
            return;
        }
        let idle = Idle {
            duration,
            wanted: timeout,
            timer: None,
            last_activity: now,
        };
        let former = entry.cold().idle.replace(idle).and_then(|idle| idle.timer);
        if let Some(timer) = former {
            self.agenda.timers.cancel(timer);
        }
        self.touch_idle(id);
    }

    /// The timer has fired: it is moved if there was activity, or if a request that is on its
    /// way made progress; else `timeout` is emitted.
    pub(in crate::net) fn idle_timer_fired(&mut self, id: SocketId, key: TimerKey) {
        let now = self.agenda.clock.now();
        let has_progressed = self
            .entry(id)
            .is_some_and(|entry| entry.connection.has_progressed());
        let Some(idle) = self.idle_of(id) else { return };
        if has_progressed {
            idle.last_activity = now;
        }
        let idle_for = now - idle.last_activity;
        if idle_for < u64::from(idle.duration) {
            let left = idle.duration - idle_for as u32;
            self.agenda.timers.rearm(key, now, left);
            return;
        }
        idle.timer = None;
        self.agenda.timers.release(key);
        self.emit_plain(id, "timeout", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.timeout)
        });
    }

    pub(super) fn add_socket_timer(&mut self, id: SocketId, timer: TimerId) {
        let Some(timer) = self.home.key(timer.0) else {
            return;
        };
        let entry = self.entry(id);
        let Some(entry) = entry.filter(|entry| !entry.connection.state.is_destroyed()) else {
            return self.end_timer(timer);
        };
        let mut timers = std::mem::take(&mut entry.cold().timers);
        timers.retain(|timer| self.agenda.timers.contains(*timer));
        timers.push(timer);
        if let Some(entry) = self.entry(id) {
            entry.cold().timers = timers;
        }
    }

    /// The timeout that was set last.
    pub(super) fn idle_timeout(&self, id: SocketId) -> Option<Duration> {
        Some(self.entry_ref(id)?.cold.as_ref()?.idle.as_ref()?.wanted)
    }
}

impl Socket<'_> {
    /// Has `timeout` emitted, from the timers phase, once nothing was sent or received for so long:
    /// Node's `socket.setTimeout`. Zero turns it off. Nothing is closed by it, and it does not hold
    /// the loop. After `destroy` this does nothing.
    ///
    /// The time is whole milliseconds, cut, and at least 1 ms; above 2^31-1 ms it is cut to that,
    /// with a warning in the log. It counts from this call, and anew from each connect, read and
    /// write, each dated with the loop's [time](crate::Loop::now): a callback that is busy for
    /// longer than the timeout before it writes has that time counted.
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
    pub fn set_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.event_loop.set_idle_timeout(self.id, timeout);
        self
    }

    /// As [`set_timeout`](Socket::set_timeout), with a listener for the next `timeout` only: Node's
    /// `setTimeout(timeout, callback)`. Where that sets no timeout, for it is zero or the socket is
    /// destroyed, none is added, as in Node.
    pub fn set_timeout_once(
        &mut self,
        timeout: Duration,
        listener: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> &mut Self {
        self.set_timeout(timeout);
        if timeout.is_zero() || self.is_destroyed() {
            return self;
        }
        self.once_timeout(listener)
    }

    /// The idle timeout that was set last, zero included, as it was given: Node's `socket.timeout`.
    /// None if none was set.
    pub fn timeout(&self) -> Option<Duration> {
        self.event_loop.idle_timeout(self.id)
    }

    /// An interval that dies with the socket: it is cleared by `destroy`, whoever calls it. For what
    /// Node programs use `setInterval` and forget `clearInterval` in `close`. The rules are those of
    /// [`Loop::set_interval`].
    pub fn set_interval(
        &mut self,
        period: Duration,
        mut callback: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> TimerId {
        let id = self.id;
        let timer = self.event_loop.set_interval(period, move |event_loop| {
            callback(&mut event_loop.socket_at(id));
        });
        self.event_loop.add_socket_timer(id, timer);
        timer
    }

    /// Calls back once, when `delay` has passed, unless the socket is destroyed before: for a peer
    /// that has so long to answer, say. Other than [`set_timeout`](Socket::set_timeout) it minds no
    /// activity, and it holds the loop. The rules are those of [`Loop::after`].
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
    pub fn after(
        &mut self,
        delay: Duration,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> TimerId {
        let id = self.id;
        let timer = self.event_loop.after(delay, move |event_loop| {
            callback(&mut event_loop.socket_at(id));
        });
        self.event_loop.add_socket_timer(id, timer);
        timer
    }
}
