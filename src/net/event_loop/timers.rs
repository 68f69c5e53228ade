//! The timer functions that a program calls, with Node's rules.

use std::time::Duration;

use super::Loop;
use super::firing::{Armed, Kind, Owned, TimerTask};
use super::trace::Subject;
use crate::net::TimerId;

impl Loop {
    /// Calls back in the timers phase once `delay` has passed: Node's `setTimeout`. Ticks run between one
    /// timer and the next.
    ///
    /// Delays are rounded down to whole milliseconds. None is shorter than 1 ms, and one above 2^31-1 ms
    /// (24.8 days) becomes 1 ms, with a warning in the log (target `netloop::timer`; Node's
    /// `TimeoutOverflowWarning`). Timers of the same duration form a list and run in the order in which
    /// they were set. When the loop is late, it runs everything due in one list before it goes on to the
    /// next, as in Node (`lib/internal/timers.js`). A timer that is set in a timer's callback waits for the
    /// next turn.
    ///
    /// The callback is `FnMut` because [`refresh`](Loop::refresh) can make it run again. For an `FnOnce`
    /// there is [`after`](Loop::after).
    #[track_caller]
    pub fn set_timeout(
        &mut self,
        delay: Duration,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> TimerId {
        let former = self.agenda.trace.calls(Subject::Loop, "set_timeout");
        let key = self
            .agenda
            .start_timer(delay, Kind::Timeout, Box::new(Owned::new(callback)));
        self.agenda.trace.leave(former);
        TimerId(self.home.name(key))
    }

    /// Calls back once, after `delay`: [`set_timeout`](Loop::set_timeout) for a callback that can be called
    /// only once. The rules are the same, but the timer cannot be refreshed from its own callback, where
    /// its id is stale. See also [`Socket::after`](crate::Socket::after), which ends with its socket.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let words = String::from("a value that is moved on");
    /// event_loop.after(Duration::from_millis(1), move |_| drop(words));
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn after(
        &mut self,
        delay: Duration,
        callback: impl FnOnce(&mut Loop) + 'static,
    ) -> TimerId {
        let mut callback = Some(callback);
        let callback = move |event_loop: &mut Loop| {
            if let Some(callback) = callback.take() {
                callback(event_loop);
            }
        };
        let former = self.agenda.trace.calls(Subject::Loop, "after");
        let key = self
            .agenda
            .start_timer(delay, Kind::After, Box::new(Owned::new(callback)));
        self.agenda.trace.leave(former);
        TimerId(self.home.name(key))
    }

    /// Calls back each time `period` has passed: Node's `setInterval`.
    ///
    /// The next period begins when the callback begins. A loop that is late calls back once, not several
    /// times. An interval goes on when its callback panics. The limits of
    /// [`set_timeout`](Loop::set_timeout) apply. See also
    /// [`Socket::set_interval`](crate::Socket::set_interval), which ends with its socket.
    ///
    /// ```
    /// use std::time::Duration;
    /// use netloop::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let mut count = 0;
    /// event_loop.set_interval(Duration::from_millis(1), move |event_loop| {
    ///     count += 1;
    ///     if count == 3 {
    ///         let this = event_loop.current_timer().unwrap();
    ///         event_loop.clear_interval(this);
    ///     }
    /// });
    /// event_loop.run()?; // ends, as nothing is left
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn set_interval(
        &mut self,
        period: Duration,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> TimerId {
        let former = self.agenda.trace.calls(Subject::Loop, "set_interval");
        let key = self
            .agenda
            .start_timer(period, Kind::Interval, Box::new(Owned::new(callback)));
        self.agenda.trace.leave(former);
        TimerId(self.home.name(key))
    }

    /// Ends a timer or an interval: Node's `clearTimeout` and `timeout.close()`. It does not run, even if
    /// it is due in this turn. A stale id does nothing.
    #[track_caller]
    pub fn clear_timeout(&mut self, timer: TimerId) {
        let key = self.home.key(timer.0);
        self.calls("clear_timeout", |it| {
            key.map(|key| it.agenda.end_timer(key))
        });
    }

    /// Ends an interval: Node's `clearInterval`, the same as
    /// [`clear_timeout`](Loop::clear_timeout).
    #[track_caller]
    pub fn clear_interval(&mut self, timer: TimerId) {
        let key = self.home.key(timer.0);
        self.calls("clear_interval", |it| {
            key.map(|key| it.agenda.end_timer(key))
        });
    }

    /// Starts a timer's delay again from now, after the others of its duration: Node's
    /// `timeout.refresh()`. In the timer's own callback, this makes it run again. Returns whether there was
    /// such a timer: `false` if it was cleared or, unlike in Node, has fired.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut runs = 0;
    /// let timer = event_loop.set_timeout(Duration::from_millis(1), move |event_loop| {
    ///     runs += 1;
    ///     if runs == 1 {
    ///         let this = event_loop.current_timer().unwrap();
    ///         assert!(event_loop.refresh(this));
    ///     }
    /// });
    /// event_loop.run()?;
    /// assert!(!event_loop.refresh(timer)); // it has fired
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn refresh(&mut self, timer: TimerId) -> bool {
        let key = self.home.key(timer.0);
        self.calls("refresh", |event_loop| {
            let agenda = &mut event_loop.agenda;
            let now = agenda.clock.refresh();
            key.is_some_and(|key| agenda.refresh_timer(key, now))
        })
    }

    /// Lets a timer hold the loop: Node's `timeout.ref()`. A new one does.
    #[track_caller]
    pub fn ref_timer(&mut self, timer: TimerId) {
        if let Some(key) = self.home.key(timer.0) {
            self.calls("ref_timer", |event_loop| {
                event_loop.agenda.hold_timer(key, true)
            });
        }
    }

    /// Lets the loop end although this timer is set: Node's `timeout.unref()`. It still fires if something
    /// else holds the loop for that long.
    #[track_caller]
    pub fn unref_timer(&mut self, timer: TimerId) {
        if let Some(key) = self.home.key(timer.0) {
            self.calls("unref_timer", |event_loop| {
                event_loop.agenda.hold_timer(key, false)
            });
        }
    }

    /// Whether a timer is set and holds the loop: Node's `timeout.hasRef()`, but `false` once the timer has
    /// fired or was cleared.
    pub fn timer_has_ref(&self, timer: TimerId) -> bool {
        let key = self.home.key(timer.0);
        let timer = key.and_then(|key| self.agenda.timers.get(key));
        matches!(timer, Some(Armed { task: TimerTask::User(timer), .. }) if timer.is_held)
    }

    /// The timer whose callback is running: the `this` of Node's timer callbacks. `None`
    /// everywhere else, and in the idle timeouts of sockets.
    pub fn current_timer(&self) -> Option<TimerId> {
        self.current_timer.map(|(id, _)| id)
    }
}
