//! What timers do when they fire: the program's own, and the library's.

use std::panic::Location;
use std::time::Duration;

use super::agenda::Agenda;
use super::trace::{Cause, Subject, What};
use super::{Loop, Running};
use crate::net::error::Error;
use crate::net::server::ServerEntry;
use crate::net::{ServerId, SocketId, TimerId};
use crate::rules::timers::TimerKey;

/// The longest delay of a timer in milliseconds: Node's `TIMEOUT_MAX`, 2^31-1.
pub(in crate::net) const TIMEOUT_MAX: u32 = i32::MAX as u32;

/// Whose a timer is, and where the program has set it.
#[derive(Clone, Copy)]
pub(in crate::net) struct Origin {
    /// The socket that the timer ends with.
    pub(super) owner: Option<SocketId>,
    pub(super) line: &'static Location<'static>,
}

/// The callback of a timer.
pub(super) struct Owned<F: ?Sized> {
    pub(super) origin: Origin,
    callback: F,
}

pub(super) type TimerCallback = Box<Owned<dyn FnMut(&mut Loop)>>;

/// A timer: what it does when it fires, and the trace record of its arming.
pub(in crate::net) struct Armed {
    pub(in crate::net) by: Cause,
    pub(in crate::net) task: TimerTask,
}

/// What a timer does when it fires.
pub(in crate::net) enum TimerTask {
    User(UserTimer),
    /// The idle timeout of a socket.
    Idle(SocketId),
    /// A socket that tries several addresses goes on to the next.
    Attempt(SocketId),
    /// A socket sends again what the kernel had no memory for.
    Flush(SocketId),
    /// A server that was out of descriptors may try again.
    BackOff(ServerId),
    /// The time for the last handshakes of a server that closes is over.
    Handshakes(ServerId),
}

impl TimerTask {
    pub(super) fn subject(&self) -> Subject {
        match self {
            TimerTask::Idle(id) | TimerTask::Attempt(id) | TimerTask::Flush(id) => {
                Subject::Socket(*id)
            }
            TimerTask::BackOff(id) | TimerTask::Handshakes(id) => Subject::Server(*id),
            TimerTask::User(timer) => {
                let callback = timer.callback.as_ref();
                callback.map_or(Subject::Loop, |callback| callback.origin.subject())
            }
        }
    }

    /// The words for this work in the trace.
    pub(super) fn words(&self) -> &'static str {
        match self {
            TimerTask::Idle(_) => "look whether it is idle",
            TimerTask::Attempt(_) => "try the next address",
            TimerTask::Flush(_) => "send again",
            TimerTask::BackOff(_) => "accept again",
            TimerTask::Handshakes(_) => "the last handshakes",
            TimerTask::User(timer) => timer.kind.name(),
        }
    }
}

pub(in crate::net) struct UserTimer {
    /// Taken out while it runs.
    pub(super) callback: Option<TimerCallback>,
    pub(super) kind: Kind,
    pub(super) is_held: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is freed before its callback runs.
    After,
    /// Its callback may refresh it.
    Timeout,
    /// Its period is the timer's duration.
    Interval,
}

impl Kind {
    /// The function that arms such a timer.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::After => "after",
            Kind::Timeout => "set_timeout",
            Kind::Interval => "set_interval",
        }
    }
}

impl Loop {
    pub(in crate::net) fn fire(&mut self, key: TimerKey) -> Result<(), Error> {
        let former = match self.agenda.trace.is_on() {
            true => self.agenda.trace_timer(key),
            false => 0,
        };
        self.running = Running::Callback;
        // Where Node has no timer, the ticks that a throw has left wait for its next callback.
        let has_called_back = self.fire_task(key)?;
        self.running = Running::Other;
        self.agenda.trace.leave(former);
        self.agenda.end_timers();
        match has_called_back {
            true => self.drain(),
            false => Ok(()),
        }
    }

    /// Returns whether Node runs a callback here, too.
    fn fire_task(&mut self, key: TimerKey) -> Result<bool, Error> {
        match self.agenda.timers.get_mut(key).map(|timer| &mut timer.task) {
            Some(TimerTask::User(_)) => self.fire_user_timer(key),
            Some(&mut TimerTask::Idle(socket)) => self.served(socket).idle_timer_fired(key),
            Some(&mut TimerTask::Attempt(socket)) => {
                self.agenda.timers.release(key);
                self.served(socket).next_attempt_is_due();
            }
            Some(&mut TimerTask::Flush(socket)) => {
                self.agenda.timers.release(key);
                // Only the callback of a write can throw here.
                self.running = Running::Other;
                self.served(socket).serve_starved()?;
                return Ok(false);
            }
            Some(&mut TimerTask::BackOff(server)) => {
                self.agenda.timers.release(key);
                self.with_server(server, ServerEntry::try_again);
                return Ok(false);
            }
            Some(&mut TimerTask::Handshakes(server)) => {
                self.agenda.timers.release(key);
                self.with_server(server, ServerEntry::handshakes_due);
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    fn fire_user_timer(&mut self, key: TimerKey) {
        let Some(timer) = self.agenda.user_timer(key) else {
            return;
        };
        let Some(callback) = timer.callback.take() else {
            return;
        };
        let kind = timer.kind;
        let start = match kind {
            Kind::After | Kind::Timeout => 0,
            Kind::Interval => self.agenda.clock.refresh(),
        };
        if kind == Kind::After {
            self.agenda.free_timer(key);
        }
        let what = What::Callback(kind.name());
        let Origin { line, .. } = callback.origin;
        let former = (self.agenda.trace).enter_set_in(line, callback.origin.subject(), what);
        let id = TimerId(self.home.name(key));
        self.current_timer = Some((id, callback.origin));
        self.call_and_then(
            callback,
            |callback, event_loop| (callback.callback)(event_loop),
            |event_loop, callback| {
                event_loop.current_timer = None;
                event_loop.agenda.put_timer_back(key, callback, start);
                event_loop.agenda.trace.leave(former);
            },
        );
    }
}

impl<F> Owned<F> {
    #[track_caller]
    pub(super) fn new(callback: F) -> Owned<F> {
        let origin = Origin {
            owner: None,
            line: Location::caller(),
        };
        Owned { origin, callback }
    }
}

impl Origin {
    fn subject(self) -> Subject {
        self.owner.map_or(Subject::Loop, Subject::Socket)
    }
}

impl Agenda {
    pub(super) fn start_timer(
        &mut self,
        delay: Duration,
        kind: Kind,
        callback: TimerCallback,
    ) -> TimerKey {
        let timer = UserTimer {
            callback: Some(callback),
            kind,
            is_held: true,
        };
        self.held_timers += 1;
        self.arm(timer_duration(delay), TimerTask::User(timer))
    }

    /// Makes a socket the owner of a timer of the program's: the timer ends with it.
    pub(in crate::net) fn give_timer(&mut self, key: TimerKey, owner: SocketId) {
        let callback = self
            .user_timer(key)
            .and_then(|timer| timer.callback.as_mut());
        if let Some(callback) = callback {
            callback.origin.owner = Some(owner);
        }
    }

    pub(super) fn user_timer(&mut self, key: TimerKey) -> Option<&mut UserTimer> {
        match &mut self.timers.get_mut(key)?.task {
            TimerTask::User(timer) => Some(timer),
            _ => None,
        }
    }

    /// Leaves a list whose due timers have all run, and ends the pass with the last list. As in Node, this
    /// comes after each callback and before its ticks.
    pub(super) fn end_timers(&mut self) {
        self.timers.end_pass(self.clock.now());
    }

    #[cold]
    fn trace_timer(&mut self, key: TimerKey) -> Cause {
        let Some(timer) = self.timers.get(key) else {
            return self.trace.current();
        };
        let (subject, what) = (timer.task.subject(), What::Phase("timers"));
        self.trace.enter_put_off(timer.by, subject, what)
    }

    /// Puts the callback back after its call. An interval starts again; another timer is freed, unless it
    /// was refreshed.
    fn put_timer_back(&mut self, key: TimerKey, callback: TimerCallback, start: u64) {
        let Some(timer) = self.user_timer(key) else {
            return;
        };
        timer.callback = Some(callback);
        if timer.kind == Kind::Interval {
            self.timers.refresh(key, start);
        } else {
            self.free_timer(key);
        }
    }

    /// Frees a timer that has fired, unless it was started again.
    fn free_timer(&mut self, key: TimerKey) {
        let timer = self.timers.release(key);
        if let Some(TimerTask::User(timer)) = timer.map(|timer| timer.task) {
            self.held_timers -= usize::from(timer.is_held);
        }
    }

    pub(in crate::net) fn end_timer(&mut self, key: TimerKey) {
        if let Some(timer) = self.user_timer(key) {
            let was_held = timer.is_held;
            self.held_timers -= usize::from(was_held);
            self.cancel(key);
        }
    }
}

/// Reads a delay as Node does: one outside `1..=TIMEOUT_MAX` milliseconds becomes 1.
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
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::EventLoop;
    use crate::net::event_loop::phase::Phase;
    use crate::net::queues::{SocketTick, Tick};

    fn say(event_loop: &mut Loop, word: &'static str) {
        let said = event_loop.data_mut::<Vec<&'static str>>();
        said.unwrap().push(word);
    }

    #[test]
    fn ticks_left_by_a_socket_that_was_starved_wait_for_the_next_callback() {
        let mut event_loop = EventLoop::new().unwrap();
        event_loop.set_data(Vec::<&'static str>::new());
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = event_loop.socket_from_fd(stream).unwrap().id();
        event_loop.run_nowait().unwrap();

        event_loop.phase = Phase::Timers;
        event_loop.socket_at(socket).end();
        let starved = event_loop.agenda.arm(1, TimerTask::Flush(socket));
        let unheard = SocketTick::Error(Error::with_code("EPIPE", "it has no listener"));
        event_loop.agenda.tick(Tick::Socket(socket, unheard));
        event_loop.next_tick(|event_loop| say(event_loop, "second tick"));
        assert!(event_loop.inner.fire(starved).is_err());

        event_loop.set_immediate(|event_loop| {
            say(event_loop, "immediate");
            event_loop.stop();
        });
        event_loop.run().unwrap();
        let said = event_loop.data::<Vec<&'static str>>().unwrap();
        assert_eq!(*said, ["immediate", "second tick"]);
    }

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
