//! Ticks, microtasks and immediates, with Node's rules for each.

use super::agenda::Agenda;
use super::queues::{Immediate, Tick};
use super::trace::{Cause, Caused, Queue, Subject, What};
use super::{Loop, Running};
use crate::net::ImmediateId;
use crate::net::error::Error;

/// After this many ticks in a row, a drain logs a warning, once.
const LONG_DRAIN: u32 = 1_000_000;

impl Loop {
    /// Calls back when the running callback has returned, before anything else: Node's `process.nextTick`.
    /// Ticks run in the order in which they were queued, all of them before any microtask.
    ///
    /// As in Node, nothing else runs while ticks queue more ticks; after a million in a row there is a
    /// warning in the log.
    #[track_caller]
    pub fn next_tick(&mut self, callback: impl FnOnce(&mut Loop) + 'static) {
        let former = self.agenda.trace.calls(Subject::Loop, "next_tick");
        self.agenda.tick(Tick::User(Box::new(callback)));
        self.agenda.trace.leave(former);
    }

    /// Calls back once all ticks are done: Node's `queueMicrotask`. A tick that a microtask queues
    /// waits until all microtasks are done.
    ///
    /// ```
    /// use netloop::{EventLoop, Loop};
    ///
    /// fn say(event_loop: &mut Loop, word: char) {
    ///     event_loop.data_mut::<String>().unwrap().push(word);
    /// }
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop.set_data(String::new());
    /// event_loop.queue_microtask(|event_loop| {
    ///     event_loop.next_tick(|event_loop| say(event_loop, '3'));
    ///     say(event_loop, '2');
    /// });
    /// event_loop.next_tick(|event_loop| say(event_loop, '1'));
    /// event_loop.run()?;
    /// assert_eq!(event_loop.data::<String>().unwrap(), "123");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn queue_microtask(&mut self, callback: impl FnOnce(&mut Loop) + 'static) {
        let trace = &mut self.agenda.trace;
        let former = trace.calls(Subject::Loop, "queue_microtask");
        let by = trace.queued(Subject::Loop, Queue::Microtasks, "queue_microtask");
        trace.leave(former);
        self.agenda
            .microtasks
            .push_back(Caused(by, Box::new(callback)));
    }

    /// Calls back in the check phase of this turn, or of the next one when called from there:
    /// Node's `setImmediate`. Immediates run in the order in which they were set. The ticks of each run
    /// before the next.
    #[track_caller]
    pub fn set_immediate(&mut self, callback: impl FnOnce(&mut Loop) + 'static) -> ImmediateId {
        let trace = &mut self.agenda.trace;
        let former = trace.calls(Subject::Loop, "set_immediate");
        let by = trace.queued(Subject::Loop, Queue::Immediates, "set_immediate");
        trace.leave(former);
        let serial = self.agenda.immediates.push(Immediate {
            callback: Box::new(callback),
            is_held: true,
            by,
        });
        ImmediateId(self.home.name(serial))
    }

    /// Cancels an immediate: Node's `clearImmediate`, also if it was to run in this turn. If it has run
    /// already, this does nothing.
    #[track_caller]
    pub fn clear_immediate(&mut self, immediate: ImmediateId) {
        if let Some(serial) = self.home.key(immediate.0) {
            let former = self.agenda.trace.calls(Subject::Loop, "clear_immediate");
            if let Some(by) = self.agenda.immediates.clear(serial) {
                self.agenda.trace.cleared(by);
            }
            self.agenda.trace.leave(former);
        }
    }

    /// Lets an immediate hold the loop again: Node's `immediate.ref()`.
    #[track_caller]
    pub fn ref_immediate(&mut self, immediate: ImmediateId) {
        if let Some(serial) = self.home.key(immediate.0) {
            self.calls("ref_immediate", |it| it.agenda.hold_immediate(serial, true));
        }
    }

    /// Lets the loop end although this immediate has not run: Node's `immediate.unref()`.
    #[track_caller]
    pub fn unref_immediate(&mut self, immediate: ImmediateId) {
        if let Some(serial) = self.home.key(immediate.0) {
            self.calls("unref_immediate", |it| {
                it.agenda.hold_immediate(serial, false)
            });
        }
    }

    /// Whether an immediate that has not run yet holds the loop: Node's `immediate.hasRef()`.
    pub fn immediate_has_ref(&mut self, immediate: ImmediateId) -> bool {
        let serial = self.home.key(immediate.0);
        let immediate = serial.and_then(|serial| self.agenda.immediates.get_mut(serial));
        immediate.is_some_and(|immediate| immediate.is_held)
    }
}

impl Loop {
    pub(in crate::net) fn run_microtasks(&mut self) {
        self.running = Running::Microtasks;
        while let Some(Caused(by, task)) = self.agenda.microtasks.pop_front() {
            self.traced(by, Subject::Loop, What::Callback("queue_microtask"), task);
        }
        self.running = Running::Other;
    }

    /// Runs what the last callback has queued: all ticks, then all microtasks, until both queues are
    /// empty.
    #[inline(always)]
    pub(in crate::net) fn drain(&mut self) -> Result<(), Error> {
        if self.agenda.has_ticks() {
            self.drain_queues()
        } else {
            Ok(())
        }
    }

    #[inline(never)]
    fn drain_queues(&mut self) -> Result<(), Error> {
        let mut count: u32 = 0;
        while self.agenda.has_ticks() {
            while let Some(Caused(by, tick)) = self.agenda.ticks.pop_front() {
                self.run_tick(by, tick)?;
                count = count.saturating_add(1);
                if count == LONG_DRAIN {
                    log::warn!(
                        target: "netloop::tick",
                        "{LONG_DRAIN} ticks in a row: nothing else runs while ticks queue ticks"
                    );
                }
            }
            self.run_microtasks();
        }
        Ok(())
    }

    /// Runs a tick: the user's own, or the library's deferred work.
    fn run_tick(&mut self, by: Cause, tick: Tick) -> Result<(), Error> {
        let former = match self.agenda.trace.is_on() {
            true => self.agenda.trace_tick(by, &tick),
            false => 0,
        };
        let outcome = match tick {
            Tick::User(task) => {
                task(self);
                Ok(())
            }
            Tick::Socket(id, tick) => self.served(id).run_socket_tick(tick),
            Tick::Server(id, tick) => self.served(id).run_server_tick(tick),
            Tick::Lookup(ticket, answer) => self.name_answered(ticket, answer),
        };
        self.agenda.trace.leave(former);
        outcome
    }
}

impl Agenda {
    fn hold_immediate(&mut self, serial: u64, is_held: bool) {
        if let Some(by) = self.immediates.hold(serial, is_held) {
            self.trace.holds(Some(by), Subject::Loop, is_held);
        }
    }

    #[cold]
    fn trace_tick(&mut self, by: Cause, tick: &Tick) -> Cause {
        let (subject, work) = tick.words();
        let what = match tick {
            Tick::User(_) => What::Callback(work),
            Tick::Socket(..) | Tick::Server(..) | Tick::Lookup(..) => What::Tick(work),
        };
        self.trace.enter_put_off(by, subject, what)
    }
}
