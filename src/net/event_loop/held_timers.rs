//! Whether timers of the program's hold the loop, and how they are started again.

use std::time::Duration;

use super::agenda::Agenda;
use super::firing::{Armed, Origin, TimerTask, UserTimer};
use super::trace::Queue;
use crate::net::TimerId;
use crate::net::holder::Holder;
use crate::net::ids::Home;
use crate::rules::timers::TimerKey;

impl Agenda {
    pub(super) fn hold_timer(&mut self, key: TimerKey, is_held: bool) {
        if let Some(timer) = self.user_timer(key) {
            let was_held = std::mem::replace(&mut timer.is_held, is_held);
            self.held_timers += usize::from(is_held);
            self.held_timers -= usize::from(was_held);
            if was_held != is_held && self.trace.is_on() {
                self.tell_of_held_timer(key, is_held);
            }
        }
    }

    /// Starts a timer of the program's again. Returns whether there is one.
    pub(super) fn refresh_timer(&mut self, key: TimerKey, now: u64) -> bool {
        let is_users = self.user_timer(key).is_some();
        if is_users && self.trace.is_on() {
            self.tell_of_refreshed_timer(key);
        }
        is_users && self.timers.refresh(key, now)
    }

    /// Replaces the trace record of the timer, so that the trace leads to the call that last started it.
    #[cold]
    fn tell_of_refreshed_timer(&mut self, key: TimerKey) {
        let delay = Duration::from_millis(self.timers.duration(key).unwrap_or(0).into());
        let Some(Armed { by, task }) = self.timers.get_mut(key) else {
            return;
        };
        self.trace.cleared(*by);
        let (subject, work) = (task.subject(), task.words());
        *by = self.trace.queued(subject, Queue::Timers(delay), work);
        if let TimerTask::User(UserTimer { is_held: false, .. }) = task {
            self.trace.holds(Some(*by), subject, false);
        }
    }

    #[cold]
    fn tell_of_held_timer(&mut self, key: TimerKey, is_held: bool) {
        if let Some(timer) = self.timers.get(key) {
            let (by, subject) = (timer.by, timer.task.subject());
            self.trace.holds(Some(by), subject, is_held);
        }
    }

    /// The timers that hold the loop, the next to fire first. A callback that runs is not in its timer: its
    /// origin is in `running`.
    pub(super) fn timer_holders(
        &self,
        home: Home,
        running: Option<(TimerId, Origin)>,
    ) -> Vec<Holder> {
        let now = self.clock.now();
        let mut holders = Vec::new();
        for (key, due, armed) in self.timers.iter() {
            let TimerTask::User(timer @ UserTimer { is_held: true, .. }) = &armed.task else {
                continue;
            };
            let id = TimerId(home.name(key));
            let running = running.filter(|(running, _)| *running == id);
            let origin = match &timer.callback {
                Some(callback) => Some(callback.origin),
                None => running.map(|(_, origin)| origin),
            };
            let holder = Holder::Timer {
                id,
                kind: timer.kind.name(),
                due: Duration::from_millis(due.saturating_sub(now)),
                owner: origin.and_then(|origin| origin.owner),
                line: origin.map(|origin| origin.line),
            };
            holders.push((due, holder));
        }
        holders.sort_by_key(|(due, _)| *due);
        holders.into_iter().map(|(_, holder)| holder).collect()
    }
}
