//! Ticks, microtasks, immediates and timers, with Node's rules for each.

use std::time::Duration;

use super::error::Error;
use super::event_loop::{Loop, Running};
use super::queues::{Caused, Immediate, Tick};
use super::trace::{Cause, Subject, What};
use super::{ImmediateId, ServerId, SocketId, TimerId};
use crate::rules::timers::TimerKey;

/// The longest delay a timer knows, in milliseconds: Node's `TIMEOUT_MAX`, 2^31-1.
pub(super) const TIMEOUT_MAX: u32 = i32::MAX as u32;

type TimerCallback = Box<dyn FnMut(&mut Loop)>;

/// What is to be done when a timer fires.
pub(super) enum TimerTask {
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

pub(super) struct UserTimer {
    /// Taken out while it runs.
    callback: Option<TimerCallback>,
    /// An interval, whose period is the timer's duration.
    repeats: bool,
    is_held: bool,
}

impl Loop {
    /// Calls back once what is running now is done, before anything else: Node's
    /// `process.nextTick`. Ticks run in the order of their queueing, all of them before any
    /// microtask.
    ///
    /// Ticks that queue ticks hold back everything else for as long as they do, as in Node; after
    /// a million in a row the log has a warning.
    pub fn next_tick(&mut self, callback: impl FnOnce(&mut Loop) + 'static) {
        self.tick(Tick::User(Box::new(callback)));
    }

    /// Calls back once all ticks are done: Node's `queueMicrotask`. A tick that a microtask queues
    /// waits until all microtasks are done.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let order = Rc::new(RefCell::new(String::new()));
    /// let [micro, tick, late] = [(); 3].map(|()| Rc::clone(&order));
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.queue_microtask(move |event_loop| {
    ///     event_loop.next_tick(move |_| late.borrow_mut().push('3'));
    ///     micro.borrow_mut().push('2');
    /// });
    /// event_loop.next_tick(move |_| tick.borrow_mut().push('1'));
    /// event_loop.run()?;
    /// assert_eq!(*order.borrow(), "123");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn queue_microtask(&mut self, callback: impl FnOnce(&mut Loop) + 'static) {
        let cause = self.trace.current();
        self.microtasks.push_back(Caused(cause, Box::new(callback)));
    }

    /// Calls back in the check phase of this turn, or of the next one when called from there:
    /// Node's `setImmediate`. Immediates run in the order of their queueing, with the ticks of
    /// each before the next.
    pub fn set_immediate(&mut self, callback: impl FnOnce(&mut Loop) + 'static) -> ImmediateId {
        ImmediateId(self.immediates.push(Immediate {
            callback: Box::new(callback),
            is_held: true,
            cause: self.trace.current(),
        }))
    }

    /// Takes an immediate back: Node's `clearImmediate`. One of the running batch does not run
    /// then; of one that has run this does nothing.
    pub fn clear_immediate(&mut self, immediate: ImmediateId) {
        self.immediates.clear(immediate.0);
    }

    /// Lets an immediate hold the loop again: Node's `immediate.ref()`.
    pub fn ref_immediate(&mut self, immediate: ImmediateId) {
        self.immediates.hold(immediate.0, true);
    }

    /// Lets the loop end although this immediate has not run: Node's `immediate.unref()`.
    pub fn unref_immediate(&mut self, immediate: ImmediateId) {
        self.immediates.hold(immediate.0, false);
    }

    /// Whether an immediate that has not run yet holds the loop: Node's `immediate.hasRef()`.
    pub fn immediate_has_ref(&mut self, immediate: ImmediateId) -> bool {
        let immediate = self.immediates.get_mut(immediate.0);
        immediate.is_some_and(|immediate| immediate.is_held)
    }

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
    /// The callback may run again, by [`refresh`](Loop::refresh): so it is `FnMut`.
    pub fn set_timeout(
        &mut self,
        delay: Duration,
        callback: impl FnMut(&mut Loop) + 'static,
    ) -> TimerId {
        self.start_timer(delay, false, Box::new(callback))
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
        self.start_timer(period, true, Box::new(callback))
    }

    fn start_timer(&mut self, delay: Duration, repeats: bool, callback: TimerCallback) -> TimerId {
        let duration = timer_duration(delay);
        let timer = UserTimer {
            callback: Some(callback),
            repeats,
            is_held: true,
        };
        self.held_timers += 1;
        let now = self.clock.refresh();
        TimerId(self.timers.insert(now, duration, TimerTask::User(timer)))
    }

    /// Ends a timer or an interval: Node's `clearTimeout` and `timeout.close()`. A stale name does
    /// nothing. A timer of the running pass that is cleared does not run.
    pub fn clear_timeout(&mut self, timer: TimerId) {
        if let Some(TimerTask::User(user)) = self.timers.get(timer.0) {
            self.held_timers -= usize::from(user.is_held);
            self.timers.cancel(timer.0);
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
        let now = self.clock.refresh();
        let is_users = matches!(self.timers.get(timer.0), Some(TimerTask::User(_)));
        is_users && self.timers.refresh(timer.0, now)
    }

    /// Lets a timer hold the loop: Node's `timeout.ref()`. It does from its making.
    pub fn ref_timer(&mut self, timer: TimerId) {
        self.hold_timer(timer, true);
    }

    /// Lets the loop end although this timer runs: Node's `timeout.unref()`. It fires all the same
    /// if something else holds the loop for as long.
    pub fn unref_timer(&mut self, timer: TimerId) {
        self.hold_timer(timer, false);
    }

    fn hold_timer(&mut self, timer: TimerId, is_held: bool) {
        if let Some(TimerTask::User(timer)) = self.timers.get_mut(timer.0) {
            self.held_timers += usize::from(is_held);
            self.held_timers -= usize::from(timer.is_held);
            timer.is_held = is_held;
        }
    }

    /// Whether a timer runs and holds the loop: Node's `timeout.hasRef()`, but `false` once the
    /// timer has fired or was cleared.
    pub fn timer_has_ref(&self, timer: TimerId) -> bool {
        match self.timers.get(timer.0) {
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
    pub(super) fn fire(&mut self, key: TimerKey) -> Result<(), Error> {
        let former = match self.trace.is_on() {
            true => self.tell_timer(key),
            false => 0,
        };
        self.running = Running::Callback;
        match self.timers.get_mut(key) {
            Some(TimerTask::User(_)) => self.fire_user_timer(key),
            Some(&mut TimerTask::Idle(socket)) => self.idle_timer_fired(socket, key),
            Some(&mut TimerTask::Attempt(socket)) => {
                self.timers.release(key);
                self.attempt_timed_out(socket);
            }
            Some(&mut TimerTask::Flush(socket)) => {
                self.timers.release(key);
                self.flush(socket)?;
            }
            Some(&mut TimerTask::Rest(server)) => {
                self.timers.release(key);
                self.rest_is_over(server);
            }
            None => {}
        }
        self.running = Running::Other;
        self.trace.leave(former);
        self.timers.settle();
        self.drain()
    }

    #[cold]
    fn tell_timer(&mut self, key: TimerKey) -> Cause {
        let subject = match self.timers.get(key) {
            Some(TimerTask::Idle(id) | TimerTask::Attempt(id) | TimerTask::Flush(id)) => {
                Subject::Socket(*id)
            }
            Some(TimerTask::Rest(id)) => Subject::Server(*id),
            Some(TimerTask::User(_)) | None => Subject::Loop,
        };
        self.trace.enter(subject, What::Phase("timers"))
    }

    fn fire_user_timer(&mut self, key: TimerKey) {
        let Some(TimerTask::User(timer)) = self.timers.get_mut(key) else {
            return;
        };
        let Some(callback) = timer.callback.take() else {
            return;
        };
        let (name, start) = match timer.repeats {
            true => ("set_interval", self.clock.refresh()),
            false => ("set_timeout", 0),
        };
        let former = self.trace.enter(Subject::Loop, What::Callback(name));
        self.current_timer = Some(TimerId(key));
        self.call(
            callback,
            |callback, event_loop| callback(event_loop),
            |event_loop, callback| {
                event_loop.current_timer = None;
                event_loop.put_timer_back(key, callback, start);
                event_loop.trace.leave(former);
            },
        );
    }

    /// After its callback a timer is cleared, runs on, or has been.
    fn put_timer_back(&mut self, key: TimerKey, callback: TimerCallback, start: u64) {
        let Some(TimerTask::User(timer)) = self.timers.get_mut(key) else {
            return;
        };
        timer.callback = Some(callback);
        if timer.repeats {
            self.timers.refresh(key, start);
        } else if let Some(TimerTask::User(timer)) = self.timers.release(key) {
            self.held_timers -= usize::from(timer.is_held);
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
