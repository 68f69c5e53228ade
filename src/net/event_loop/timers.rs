//! Timers, with Node's rules for them.

use std::time::Duration;

use super::agenda::Agenda;
use super::trace::{Cause, Subject, What};
use super::{Loop, Running};
use crate::net::error::Error;
use crate::net::{ServerId, SocketId, TimerId};
use crate::rules::timers::TimerKey;

/// The longest delay a timer knows, in milliseconds: Node's `TIMEOUT_MAX`, 2^31-1.
pub(in crate::net) const TIMEOUT_MAX: u32 = i32::MAX as u32;

type TimerCallback = Box<dyn FnMut(&mut Loop)>;

/// What is to be done when a timer fires.
pub(in crate::net) enum TimerTask {
    User(UserTimer),
    /// The idle timeout of a socket.
    Idle(SocketId),
    /// The next address of a socket that tries several is due.
    Attempt(SocketId),
    /// A socket whose bytes the kernel had no memory for tries again.
    Flush(SocketId),
    /// A server that was out of descriptors may try again.
    Rest(ServerId),
}

pub(in crate::net) struct UserTimer {
    /// Taken out while it runs.
    callback: Option<TimerCallback>,
    kind: Kind,
    is_held: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It has been before its callback runs.
    After,
    /// Its callback may refresh it.
    Timeout,
    /// Its period is the timer's duration.
    Interval,
}

impl Loop {
    /// Calls back in the timers phase once `delay` has passed: Node's `setTimeout`. Ticks run
    /// between one timer and the next.
    ///
    /// Delays are whole milliseconds, cut; none is shorter than 1 ms, and one above 2^31-1 ms
    /// (24.8 days) becomes 1 ms, with a warning in the log (target `netloop::timer`; Node's
    /// `TimeoutOverflowWarning`). Timers of one duration run in the order of their making; it is
    /// these lists that are ordered by time, so a loop that comes late runs all that is due of one
    /// list before it looks at the next (Node's `lib/internal/timers.js`). A timer that is made
    /// in a timer's callback waits for the next turn.
    ///
    /// The callback may run again, by [`refresh`](Loop::refresh): so it is `FnMut`. For one that
    /// runs once there is [`after`](Loop::after).
    pub fn set_timeout(
        &mut self,
        delay: Duration,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> TimerId {
        let key = self
            .agenda
            .start_timer(delay, Kind::Timeout, Box::new(callback));
        TimerId(self.home.name(key))
    }

    /// Calls back once, when `delay` has passed: [`set_timeout`](Loop::set_timeout) for a callback
    /// that can be called only once. The rules are the same, but it cannot be refreshed from its own
    /// callback, where the name is stale. See also [`Socket::after`](crate::Socket::after), which ends
    /// with its socket.
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
        let key = self
            .agenda
            .start_timer(delay, Kind::After, Box::new(callback));
        TimerId(self.home.name(key))
    }

    /// Calls back each time `period` has passed: Node's `setInterval`.
    ///
    /// The next period begins when the callback begins. A loop that comes late makes one call,
    /// not several. An interval lives on when its callback panics. The bounds of
    /// [`set_timeout`](Loop::set_timeout) hold here, too. See also
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
    pub fn set_interval(
        &mut self,
        period: Duration,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> TimerId {
        let key = self
            .agenda
            .start_timer(period, Kind::Interval, Box::new(callback));
        TimerId(self.home.name(key))
    }

    /// Ends a timer or an interval: Node's `clearTimeout` and `timeout.close()`. A stale name does
    /// nothing. A timer of the running pass that is cleared does not run.
    pub fn clear_timeout(&mut self, timer: TimerId) {
        if let Some(key) = self.home.key(timer.0) {
            self.agenda.end_timer(key);
        }
    }

    /// Ends an interval: Node's `clearInterval`, the same as
    /// [`clear_timeout`](Loop::clear_timeout).
    pub fn clear_interval(&mut self, timer: TimerId) {
        self.clear_timeout(timer);
    }

    /// Starts a timer's delay again from now, behind the others of its duration: Node's
    /// `timeout.refresh()`. Called from the timer's own callback it makes it run again. Returns
    /// whether there was such a timer: `false` for one that was cleared or, unlike in Node, has
    /// fired.
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
    /// assert!(!event_loop.refresh(timer)); // it has been
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn refresh(&mut self, timer: TimerId) -> bool {
        let now = self.agenda.clock.refresh();
        let Some(key) = self.home.key(timer.0) else {
            return false;
        };
        let is_users = matches!(self.agenda.timers.get(key), Some(TimerTask::User(_)));
        is_users && self.agenda.timers.refresh(key, now)
    }

    /// Lets a timer hold the loop: Node's `timeout.ref()`. A new one does.
    pub fn ref_timer(&mut self, timer: TimerId) {
        if let Some(key) = self.home.key(timer.0) {
            self.agenda.hold_timer(key, true);
        }
    }

    /// Lets the loop end although this timer runs: Node's `timeout.unref()`. It fires all the same
    /// if something else holds the loop for as long.
    pub fn unref_timer(&mut self, timer: TimerId) {
        if let Some(key) = self.home.key(timer.0) {
            self.agenda.hold_timer(key, false);
        }
    }

    /// Whether a timer runs and holds the loop: Node's `timeout.hasRef()`, but `false` once the
    /// timer has fired or was cleared.
    pub fn timer_has_ref(&self, timer: TimerId) -> bool {
        let key = self.home.key(timer.0);
        match key.and_then(|key| self.agenda.timers.get(key)) {
            Some(TimerTask::User(timer)) => timer.is_held,
            _ => false,
        }
    }

    /// The timer whose callback is running: the `this` of Node's timer callbacks. `None`
    /// everywhere else, and in the idle timeouts of sockets.
    pub fn current_timer(&self) -> Option<TimerId> {
        self.current_timer
    }

    /// A timer has fired.
    pub(in crate::net) fn fire(&mut self, key: TimerKey) -> Result<(), Error> {
        let former = match self.agenda.trace.is_on() {
            true => self.agenda.trace_timer(key),
            false => 0,
        };
        self.running = Running::Callback;
        match self.agenda.timers.get_mut(key) {
            Some(TimerTask::User(_)) => self.fire_user_timer(key),
            Some(&mut TimerTask::Idle(socket)) => self.idle_timer_fired(socket, key),
            Some(&mut TimerTask::Attempt(socket)) => {
                self.agenda.timers.release(key);
                self.next_attempt_is_due(socket);
            }
            Some(&mut TimerTask::Flush(socket)) => {
                self.agenda.timers.release(key);
                self.serve_starved(socket)?;
            }
            Some(&mut TimerTask::Rest(server)) => {
                self.agenda.timers.release(key);
                self.back_off_is_over(server);
            }
            None => {}
        }
        self.running = Running::Other;
        self.agenda.trace.leave(former);
        self.agenda.end_timers();
        self.drain()
    }

    fn fire_user_timer(&mut self, key: TimerKey) {
        let Some(TimerTask::User(timer)) = self.agenda.timers.get_mut(key) else {
            return;
        };
        let Some(callback) = timer.callback.take() else {
            return;
        };
        let (name, start) = match timer.kind {
            Kind::After => ("after", 0),
            Kind::Timeout => ("set_timeout", 0),
            Kind::Interval => ("set_interval", self.agenda.clock.refresh()),
        };
        if timer.kind == Kind::After {
            self.agenda.free_timer(key);
        }
        let former = self.agenda.trace.enter(Subject::Loop, What::Callback(name));
        self.current_timer = Some(TimerId(self.home.name(key)));
        self.call(
            callback,
            |callback, event_loop| callback(event_loop),
            |event_loop, callback| {
                event_loop.current_timer = None;
                event_loop.agenda.put_timer_back(key, callback, start);
                event_loop.agenda.trace.leave(former);
            },
        );
    }
}

impl Agenda {
    fn start_timer(&mut self, delay: Duration, kind: Kind, callback: TimerCallback) -> TimerKey {
        let timer = UserTimer {
            callback: Some(callback),
            kind,
            is_held: true,
        };
        self.held_timers += 1;
        let now = self.clock.refresh();
        let duration = timer_duration(delay);
        self.timers.insert(now, duration, TimerTask::User(timer))
    }

    fn hold_timer(&mut self, key: TimerKey, is_held: bool) {
        if let Some(TimerTask::User(timer)) = self.timers.get_mut(key) {
            self.held_timers += usize::from(is_held);
            self.held_timers -= usize::from(timer.is_held);
            timer.is_held = is_held;
        }
    }

    /// Leaves the list that is through, and ends the pass with the last: behind each callback,
    /// before its ticks, as in Node.
    pub(super) fn end_timers(&mut self) {
        self.timers.end_pass(self.clock.now());
    }

    #[cold]
    fn trace_timer(&mut self, key: TimerKey) -> Cause {
        let subject = match self.timers.get(key) {
            Some(TimerTask::Idle(id) | TimerTask::Attempt(id) | TimerTask::Flush(id)) => {
                Subject::Socket(*id)
            }
            Some(TimerTask::Rest(id)) => Subject::Server(*id),
            Some(TimerTask::User(_)) | None => Subject::Loop,
        };
        self.trace.enter(subject, What::Phase("timers"))
    }

    /// After its callback a timer is cleared, runs on, or has been.
    fn put_timer_back(&mut self, key: TimerKey, callback: TimerCallback, start: u64) {
        let Some(TimerTask::User(timer)) = self.timers.get_mut(key) else {
            return;
        };
        timer.callback = Some(callback);
        if timer.kind == Kind::Interval {
            self.timers.refresh(key, start);
        } else {
            self.free_timer(key);
        }
    }

    /// A timer has fired and was not started again.
    fn free_timer(&mut self, key: TimerKey) {
        if let Some(TimerTask::User(timer)) = self.timers.release(key) {
            self.held_timers -= usize::from(timer.is_held);
        }
    }

    pub(in crate::net) fn end_timer(&mut self, key: TimerKey) {
        if let Some(TimerTask::User(user)) = self.timers.get(key) {
            self.held_timers -= usize::from(user.is_held);
            self.timers.cancel(key);
        }
    }
}

/// Node's reading of a delay: `1` for what is not in `1..=TIMEOUT_MAX` milliseconds.
fn timer_duration(delay: Duration) -> u32 {
    match u32::try_from(delay.as_millis()) {
        Ok(0) => 1,
        Ok(millis) if millis <= TIMEOUT_MAX => millis,
        _ => {
            log::warn!(
                target: "netloop::timer",
                "{delay:?} does not fit into 2^31-1 ms: the delay was set to 1 ms"
            );
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_cut_to_milliseconds_and_what_does_not_fit_is_one() {
        let longest = Duration::from_millis(u64::from(TIMEOUT_MAX));
        let read = |delay| timer_duration(delay);
        assert_eq!(read(Duration::ZERO), 1);
        assert_eq!(read(Duration::from_micros(1900)), 1);
        assert_eq!(read(longest), TIMEOUT_MAX);
        assert_eq!(read(longest + Duration::from_millis(1)), 1);
        assert_eq!(read(Duration::MAX), 1);
    }
}
