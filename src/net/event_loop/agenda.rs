//! The work of the loop: its queues, the timers, the clock, and the counts of what holds the loop.

use std::collections::VecDeque;
use std::time::Duration;

use super::firing::{Armed, TimerTask};
use super::phase::{Listed, Pending, Rest};
use super::queues::{FollowUp, Immediates, Task, Tick};
use super::trace::{Cause, Caused, Queue, Subject, Trace, Why};
use crate::kernel::clock::Clock;
use crate::kernel::reactor::Id;
use crate::net::holder::Holder;
use crate::net::{ServerId, SocketId};
use crate::rules::timers::{TimerKey, Timers};

/// The work of the loop. A call can only add to it or cancel some of it; the phases carry it out.
pub(in crate::net) struct Agenda {
    pub(in crate::net) clock: Clock,
    pub(in crate::net) timers: Timers<Armed>,
    /// How many timers hold the loop.
    pub(in crate::net) held_timers: usize,
    pub(in crate::net) ticks: VecDeque<Caused<Tick>>,
    pub(in crate::net) microtasks: VecDeque<Caused<Task>>,
    pub(in crate::net) immediates: Immediates,
    pub(in crate::net) pending: VecDeque<Caused<Pending>>,
    /// The again list: sources that may have more to give, though no new edge will come for them.
    pub(in crate::net) again: VecDeque<Caused<Listed>>,
    /// Sockets that have begun to connect, to be registered before the next wait.
    pub(in crate::net) connecting: Vec<SocketId>,
    pub(in crate::net) closing: Vec<Caused<SocketId>>,
    /// Sockets that have closed, to be freed when this turn's closing phase is over.
    pub(in crate::net) to_free: Vec<SocketId>,
    /// Servers that are out of descriptors: the next descriptor that is closed ends their back-off.
    pub(in crate::net) backing_off: Vec<ServerId>,
    /// What follows the running callbacks of a socket, even if one of them throws.
    pub(in crate::net) rest: Option<Rest>,
    /// Work that a call has left for other entries.
    pub(in crate::net) follow_ups: VecDeque<Caused<FollowUp>>,
    /// How many sockets and servers hold the loop.
    pub(in crate::net) holds: usize,
    /// Counts the turns.
    pub(in crate::net) turns: u32,
    /// How long the loop has waited, if that is measured.
    pub(in crate::net) idle_time: Option<Duration>,
    pub(in crate::net) trace: Trace,
}

impl Agenda {
    pub(in crate::net) fn new(clock: Clock) -> Agenda {
        Agenda {
            clock,
            timers: Timers::new(),
            held_timers: 0,
            ticks: VecDeque::new(),
            microtasks: VecDeque::new(),
            immediates: Immediates::default(),
            pending: VecDeque::new(),
            again: VecDeque::new(),
            connecting: Vec::new(),
            closing: Vec::new(),
            to_free: Vec::new(),
            backing_off: Vec::new(),
            rest: None,
            follow_ups: VecDeque::new(),
            holds: 0,
            turns: 0,
            idle_time: None,
            trace: Trace::default(),
        }
    }

    pub(in crate::net) fn tick(&mut self, tick: Tick) {
        let by = match self.trace.is_on() {
            true => self.tell_of_tick(&tick),
            false => 0,
        };
        self.ticks.push_back(Caused(by, tick));
    }

    #[cold]
    fn tell_of_tick(&mut self, tick: &Tick) -> Cause {
        let (subject, work) = tick.words();
        self.trace.queued(subject, Queue::Ticks, work)
    }

    #[inline]
    pub(in crate::net) fn has_ticks(&self) -> bool {
        !self.ticks.is_empty() || !self.microtasks.is_empty()
    }

    /// Queues a descriptor for the pending phase.
    pub(in crate::net) fn put_off(&mut self, pending: Pending) {
        let (Pending::Writable(id) | Pending::ConnectFailed(id)) = pending;
        let work = pending.words();
        let by = (self.trace).queued(Subject::Socket(id), Queue::Pending, work);
        self.pending.push_back(Caused(by, pending));
    }

    /// Puts a source on the again list.
    pub(in crate::net) fn serve_next_turn(&mut self, subject: Subject, id: Id, why: Why) {
        let by = self.trace.queued(subject, Queue::Again, why.words());
        self.again.push_back(Caused(by, Listed { id, why }));
    }

    /// Queues a socket for the closing phase.
    pub(in crate::net) fn close(&mut self, id: SocketId) {
        let by = (self.trace).queued(Subject::Socket(id), Queue::Closing, "emit close");
        self.closing.push(Caused(by, id));
    }

    /// Arms a timer that starts at the present time.
    pub(in crate::net) fn arm(&mut self, millis: u32, task: TimerTask) -> TimerKey {
        let now = self.clock.refresh();
        self.arm_from(now, millis, task)
    }

    /// The same, for a timer that starts at a time read before.
    pub(in crate::net) fn arm_from(&mut self, now: u64, millis: u32, task: TimerTask) -> TimerKey {
        let queue = Queue::Timers(Duration::from_millis(millis.into()));
        let by = match self.trace.is_on() {
            true => self.trace.queued(task.subject(), queue, task.words()),
            false => 0,
        };
        self.timers.insert(now, millis, Armed { by, task })
    }

    /// Ends a timer that the library has armed.
    pub(in crate::net) fn cancel(&mut self, key: TimerKey) {
        if let Some(timer) = self.timers.get(key) {
            self.trace.cleared(timer.by);
        }
        self.timers.cancel(key);
    }

    /// Sets whether one source holds the loop, and keeps the count of those that do.
    #[inline]
    pub(in crate::net) fn count_hold(
        &mut self,
        subject: Subject,
        holds: &mut bool,
        must_hold: bool,
    ) {
        if *holds != must_hold {
            *holds = must_hold;
            if must_hold {
                self.holds += 1;
            } else {
                self.holds -= 1;
            }
            self.trace.holds(None, subject, must_hold);
        }
    }

    /// Whether more holds the loop than timers and so many sources.
    pub(in crate::net) fn is_held_by_more_than(&self, sources: usize) -> bool {
        self.holds > sources
            || self.immediates.are_held()
            || !self.closing.is_empty()
            || !self.pending.is_empty()
            || self.has_ticks()
    }

    /// The queues that hold the loop, and how many entries each has.
    pub(super) fn queue_holders(&self) -> impl Iterator<Item = Holder> {
        let counts = [
            (Queue::Ticks, self.ticks.len()),
            (Queue::Microtasks, self.microtasks.len()),
            (Queue::Immediates, self.immediates.held()),
            (Queue::Pending, self.pending.len()),
            (Queue::Closing, self.closing.len()),
        ];
        let held = counts.into_iter().filter(|(_, count)| *count > 0);
        held.map(|(queue, count)| Holder::Queued { queue, count })
    }

    /// Whether there is something to do at once.
    pub(in crate::net) fn is_busy(&self) -> bool {
        self.immediates.are_held()
            || self.has_ticks()
            || !self.pending.is_empty()
            || !self.again.is_empty()
            || !self.closing.is_empty()
    }

    /// Whether the timers need a pass. It may find none to fire, and only put the lists in order.
    pub(in crate::net) fn has_due_timers(&mut self) -> bool {
        let now = self.clock.refresh();
        let expiry = self.timers.next_expiry();
        expiry.is_some_and(|expiry| expiry <= now)
    }
}
