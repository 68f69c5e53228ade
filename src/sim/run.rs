//! Running a world: which loop runs next, and when time passes.

use std::time::Duration;

use super::World;
use super::process::Next;
use crate::Error;

/// How many turns the loops of a world may run while no time passes, by default.
pub(super) const TURN_LIMIT: usize = 1_000_000;

/// How much of its time a world may take to come to rest: a day.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a run has ended.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// The condition holds.
    Holds,
    /// The world is at rest.
    Rests,
    /// The time limit is reached.
    Late,
}

impl World {
    /// Runs the loops, and lets time pass, until the world is at rest: nothing is in flight, and no loop waits
    /// for a timer. Servers may still be listening, and connections may be open. A program with an interval
    /// never comes to rest: use [`advance`](World::advance), [`run_until`](World::run_until) or
    /// [`run_within`](World::run_within).
    ///
    /// Each loop runs turn by turn, as with [`run_nowait`](crate::EventLoop::run_nowait), as long as something
    /// holds it. If nothing does, its program is over, but its sockets stay open, as after
    /// [`EventLoop::run`](crate::EventLoop::run); [`kill`](World::kill) closes them. A
    /// [`stop`](crate::Loop::stop) ends only its own turn.
    ///
    /// # Errors
    /// - An `error` event without a listener, as in [`EventLoop::run`](crate::EventLoop::run). Its `Debug` names
    ///   the host.
    /// - `ERR_TIME_LIMIT`: the world has not come to rest within a day of its own time.
    /// - `ERR_NO_PROGRESS`: the loops have reached the [limit of turns](World::set_turn_limit) while no time
    ///   passed.
    ///
    /// After an error, another call goes on from there. A panic in a callback unwinds out of this call; another
    /// call then finishes the interrupted turn, as with [`EventLoop::run`](crate::EventLoop::run).
    pub fn run(&mut self) -> Result<(), Error> {
        if self.run_within(TIME_LIMIT)? {
            return Ok(());
        }
        let message = format!(
            "the world has not come to rest within a day; {}",
            self.holders()
        );
        Err(Error::with_code("ERR_TIME_LIMIT", message))
    }

    /// As [`run`](World::run), for at most this much time. Returns whether the world has come to rest.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut world = netloop::sim::World::new(1);
    /// let host = world.add_host("host")?;
    /// let minute = Duration::from_secs(60);
    /// world.event_loop(host).after(Duration::from_secs(59), |event_loop| {
    ///     event_loop.set_interval(Duration::from_secs(1), |_| {});
    /// });
    /// assert!(!world.run_within(minute)?);
    /// assert_eq!(world.now(), minute);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](World::run), but for `ERR_TIME_LIMIT`.
    pub fn run_within(&mut self, limit: Duration) -> Result<bool, Error> {
        let end = self.now().saturating_add(limit);
        let outcome = self.run_to(end, |_| false)?;
        if outcome == Outcome::Late {
            self.network().move_to(end);
        }
        Ok(outcome == Outcome::Rests)
    }

    /// Sets how many turns the loops may run while no time passes, at least 1, before a run ends with
    /// `ERR_NO_PROGRESS`. The default is a million. With a lower limit, a test finds a spinning loop sooner.
    pub fn set_turn_limit(&mut self, turns: usize) {
        self.turn_limit = turns.max(1);
    }

    /// Runs the loops while this much time passes.
    ///
    /// A loop counts whole milliseconds, as Node's does: a timer that is set between two of them may be up to a
    /// millisecond late. After traffic, advance a little further than the timer needs. An interval runs each
    /// time that it is due, however far the world advances.
    ///
    /// # Errors
    /// As [`run_within`](World::run_within). After an error, the remaining time has not passed.
    pub fn advance(&mut self, by: Duration) -> Result<(), Error> {
        self.run_until(by, |_| false).map(|_| ())
    }

    /// Runs the loops until a condition holds, for at most this much time. Returns whether it holds. If it does
    /// not, all of this time has passed, also if the world has come to rest before. The condition is checked each
    /// time before time passes, when no loop has anything left to do. It should only look at the world.
    ///
    /// ```
    /// use std::time::Duration;
    /// use netloop::sim::World;
    ///
    /// let mut world = World::new(1);
    /// let server = world.add_host("server")?;
    /// let client = world.add_host("client")?;
    /// let listening = world.event_loop(server).create_server(|_| {}).listen_on(8000)?.id();
    /// world.event_loop(client).connect_to(("server", 8000))?;
    ///
    /// let is_connected = |world: &mut World| {
    ///     world.event_loop(server).server_at(listening).connections() == 1
    /// };
    /// assert!(world.run_until(Duration::from_secs(1), is_connected)?);
    /// assert!(world.now() < Duration::from_millis(30));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`advance`](World::advance).
    pub fn run_until(
        &mut self,
        limit: Duration,
        condition: impl FnMut(&mut World) -> bool,
    ) -> Result<bool, Error> {
        let end = self.now().saturating_add(limit);
        let holds = self.run_to(end, condition)? == Outcome::Holds;
        if !holds {
            self.network().move_to(end);
        }
        Ok(holds)
    }

    fn run_to(
        &mut self,
        end: Duration,
        mut condition: impl FnMut(&mut World) -> bool,
    ) -> Result<Outcome, Error> {
        loop {
            self.run_turns()?;
            if condition(self) {
                return Ok(Outcome::Holds);
            }
            // The condition may have started something on a loop.
            self.take_back();
            match self.next_time() {
                Some(next) if next <= end => self.network().move_to(next),
                Some(_) => return Ok(Outcome::Late),
                None => return Ok(Outcome::Rests),
            }
        }
    }

    /// Runs the loops until each of them waits.
    fn run_turns(&mut self) -> Result<(), Error> {
        self.take_back();
        for _ in 0..self.turn_limit {
            let now = self.now();
            match self.next_to_run(now) {
                Some(index) => {
                    let outcome = self.processes[index].turn(now);
                    outcome.map_err(|error| error.on_host(self.network().name(index)))?;
                }
                None => return Ok(()),
            }
        }
        let message = format!(
            "the loops keep running while no time passes; {}",
            self.holders()
        );
        Err(Error::with_code("ERR_NO_PROGRESS", message))
    }

    /// What holds the loops: the first holder of each.
    fn holders(&self) -> String {
        let processes = self.processes.iter().enumerate();
        let of_each = processes.filter_map(|(index, process)| {
            let name = self.network().name(index).to_owned();
            // A socket asks the kernel for its addresses, so the network must not be locked.
            let (first, more) = process.event_loop.holders_up_to(1);
            let held = match (first.first(), more) {
                (None, _) => return None,
                (Some(holder), 0) => format!("host {name}: {holder}"),
                (Some(holder), more) => format!("host {name}: {holder}, and {more} more"),
            };
            Some(held)
        });
        of_each.collect::<Vec<_>>().join("; ")
    }

    /// Takes back the loops that are lent to the test.
    fn take_back(&mut self) {
        let now = self.now();
        let processes = self.processes.iter_mut();
        processes.for_each(|process| process.take_back(now));
    }

    /// A random one of the loops that have something to do.
    fn next_to_run(&self, now: Duration) -> Option<usize> {
        let mut network = self.network();
        let is_due = |index: &usize| match self.processes[*index].next {
            Next::Now => true,
            Next::Later(at) => network.is_ready(*index) || at.is_some_and(|at| at <= now),
            Next::Never => false,
        };
        let runs = |index: &usize| network.runs(*index);
        let all = 0..self.processes.len();
        let due: Vec<usize> = all.filter(runs).filter(is_due).collect();
        match due.len() {
            0 | 1 => due.first().copied(),
            several => due.get(network.dice().below(several)).copied(),
        }
    }

    /// The time of the next event or the next end of a loop's wait. The end of a stop or of a sleep is an
    /// event, too.
    fn next_time(&self) -> Option<Duration> {
        let network = self.network();
        let running = self.processes.iter().enumerate();
        let running = running.filter(|(index, _)| network.runs(*index));
        let waits = running.filter_map(|(_, process)| match process.next {
            Next::Later(at) => at,
            Next::Now | Next::Never => None,
        });
        waits.chain(network.next_time()).min()
    }
}
