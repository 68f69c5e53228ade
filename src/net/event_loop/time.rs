//! Functions for tests: they hold and move the time, and run the loop until it is idle.

use std::time::Duration;

use super::phase::{Phase, Wait};
use super::{Entry, EventLoop, Loop};
use crate::net::error::Error;

impl Loop {
    /// Holds the loop's time: from now on only [`advance`](Loop::advance) and
    /// [`run_for`](EventLoop::run_for) move it. Everything that depends on it stands still: timers,
    /// intervals, idle timeouts, the timeouts of connection attempts, and servers that wait for
    /// descriptors. It is tokio's `time::pause`, Node's `mock.timers.enable`. [`guide::testing`] shows how
    /// to test with it.
    ///
    /// The kernel, other threads and other processes go by real time. The loop still waits for them; timers
    /// that are not due do not wake it. [`run`](EventLoop::run) returns when nothing but the passing of time
    /// could change anything: when the loop is held only by timers that are not due, by servers that wait
    /// for descriptors or for [the last handshakes](crate::Server::close_after_backlog), and by writes for
    /// which the kernel has no memory.
    ///
    /// [`guide::testing`]: crate::guide::testing
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.pause_time();
    /// let timer = event_loop.after(Duration::from_secs(30), |_| println!("half a minute later"));
    /// event_loop.run()?; // at once: the timer stands still
    /// assert!(event_loop.timer_has_ref(timer));
    /// event_loop.advance(Duration::from_secs(30));
    /// event_loop.run()?;
    /// assert!(!event_loop.timer_has_ref(timer)); // it has fired
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn pause_time(&mut self) {
        self.calls("pause_time", |event_loop| event_loop.agenda.clock.hold());
    }

    /// Lets the loop's time go on, from where it stands.
    #[track_caller]
    pub fn resume_time(&mut self) {
        self.calls("resume_time", |event_loop| event_loop.agenda.clock.let_go());
    }

    /// Moves the loop's time, held or not, as if the loop had stalled for that long. Timers that have
    /// become due fire in the timers phase of the next turn, not in this call, and an interval calls back
    /// once. It is tokio's `time::advance`. [`EventLoop::run_for`] lets time pass step by step instead.
    #[track_caller]
    pub fn advance(&mut self, by: Duration) {
        self.calls("advance", |event_loop| event_loop.agenda.clock.advance(by));
    }
}

impl Entry {
    /// Whether it holds the loop, and only a timer of its own can change that.
    fn waits_for_time(&self) -> bool {
        match self {
            Entry::Socket(socket) => socket.waits_for_time(),
            Entry::Server(server) => server.waits_for_time(),
        }
    }
}

impl EventLoop {
    /// Whether [`run`](EventLoop::run) goes on: something holds the loop. While time is held, timers that
    /// are not due do not count, nor sources that wait for such a timer.
    pub(super) fn goes_on(&mut self) -> bool {
        if !self.agenda.clock.is_held() || self.agenda.has_due_timers() {
            return self.is_alive();
        }
        let waiting = self.reactor.find(Entry::waits_for_time).count();
        self.is_held_by_more_than(waiting)
    }

    /// Runs turns until the loop is idle: until nothing more happens unless time passes or something
    /// outside the loop acts. It is for tests, with time [held](Loop::pause_time).
    ///
    /// Idle means that no tick, microtask, immediate or `close` is queued, no timer is due, no host name is
    /// being looked up on the loop's helper threads, no callback is posted, and the kernel reports nothing
    /// ready, not even five milliseconds later. Between sockets of one loop the kernel delivers at once, so
    /// everything sent has been received. A server, open connections and timers that are not due may still
    /// hold the loop: [`is_alive`](Loop::is_alive) tells.
    ///
    /// It does not wait for other threads and processes, for a lookup that the program
    /// [answers itself](Loop::set_lookup), or for delays of the kernel, such as that of a small write by
    /// Nagle's algorithm ([`no_delay`](crate::Socket::set_no_delay)). If a program is never idle, for
    /// example because each immediate queues the next, this runs until [`stop`](Loop::stop).
    ///
    /// ```
    /// use std::time::Duration;
    /// use netloop::{EventLoop, Socket};
    ///
    /// /// Keeps what has happened with the loop.
    /// fn note(socket: &mut Socket<'_>, word: &'static str) {
    ///     socket.event_loop().data_mut::<Vec<&str>>().unwrap().push(word);
    /// }
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop.set_data(Vec::<&str>::new()).pause_time();
    /// let mut server = event_loop.create_server(|socket| {
    ///     socket.set_timeout(Duration::from_secs(30)).on_timeout(|socket| {
    ///         note(socket, "timeout");
    ///         socket.end();
    ///     });
    /// });
    /// let port = server.listen_on(())?.port().unwrap();
    /// event_loop.connect_to(port)?.on_close(|socket, _| note(socket, "close")).resume();
    ///
    /// event_loop.run_until_idle()?; // they are connected
    /// event_loop.advance(Duration::from_millis(29_999));
    /// event_loop.run_until_idle()?;
    /// assert_eq!(event_loop.data::<Vec<&str>>().unwrap().len(), 0);
    /// event_loop.advance(Duration::from_millis(1));
    /// event_loop.run_until_idle()?;
    /// assert_eq!(event_loop.data::<Vec<&str>>().unwrap(), &["timeout", "close"]);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](EventLoop::run).
    pub fn run_until_idle(&mut self) -> Result<(), Error> {
        self.start()?;
        let mut is_idle = false;
        while self.phase != Phase::Pending || !self.is_stopping && !is_idle {
            is_idle = self.turn_is_idle()?;
        }
        self.finish();
        Ok(())
    }

    /// Lets time pass for the program: runs it until it is [idle](EventLoop::run_until_idle), moves the
    /// time to the next timer, and so on, until this much time has passed or nothing holds the loop. Each
    /// timer fires at its own time, and an interval once for each period: Node's `mock.timers.tick`.
    ///
    /// While the loop has sockets or servers, each step takes at least five milliseconds of real time.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.set_data(0).pause_time();
    /// event_loop.set_interval(Duration::from_secs(10), |event_loop| {
    ///     *event_loop.data_mut::<i32>().unwrap() += 1;
    /// });
    /// event_loop.run_for(Duration::from_secs(59))?;
    /// assert_eq!(event_loop.data(), Some(&5));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](EventLoop::run). After an error, the rest of the time has not passed.
    pub fn run_for(&mut self, time: Duration) -> Result<(), Error> {
        let mut left = time;
        let mut owes_turn = self.start()?;
        while self.phase != Phase::Pending || !self.is_stopping && (owes_turn || self.is_alive()) {
            owes_turn = false;
            if !self.turn_is_idle()? {
                continue;
            }
            let step = self
                .time_to_next_timer()
                .map_or(left, |step| step.min(left));
            if left.is_zero() {
                break;
            }
            left -= step;
            self.advance(step);
        }
        self.finish();
        Ok(())
    }

    fn time_to_next_timer(&mut self) -> Option<Duration> {
        let expiry = self.agenda.timers.next_expiry()?;
        let left = expiry.saturating_sub(self.agenda.clock.refresh());
        Some(Duration::from_millis(left))
    }

    /// Runs a turn, which waits briefly if it has nothing to do. Returns whether that was so.
    fn turn_is_idle(&mut self) -> Result<bool, Error> {
        let wait = self.wait_before_rest();
        let expiry = self.agenda.timers.next_expiry();
        self.turn(wait)?;
        let has_fired = expiry.is_some_and(|expiry| expiry <= self.agenda.clock.now());
        let is_connecting = !self.agenda.connecting.is_empty();
        Ok(wait == Wait::Briefly && !has_fired && !is_connecting && self.batches.is_quiet())
    }

    fn wait_before_rest(&mut self) -> Wait {
        if self.is_busy() || self.agenda.immediates.are_queued() || self.agenda.has_due_timers() {
            Wait::NotAtAll
        } else if self.lookups.are_being_resolved() {
            Wait::UntilReady
        } else {
            Wait::Briefly
        }
    }
}
