//! What waits, and why it has not run yet.

use std::time::Duration;

use super::entry::{Entry, Kind};
use super::words::span;

/// The phase of the turn, in the order in which the loop goes through them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before the first turn.
    #[default]
    Start,
    /// What needs no readiness, before the wait.
    Pending,
    /// The wait, and what became ready.
    Poll,
    /// Immediates.
    Check,
    /// Sockets close.
    Closing,
    /// Timers fire.
    Timers,
}

impl Phase {
    /// Its name, as in the picture of a turn.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Start => "start",
            Phase::Pending => "pending",
            Phase::Poll => "poll",
            Phase::Check => "check",
            Phase::Closing => "closing",
            Phase::Timers => "timers",
        }
    }

    /// The phase that an entry belongs to; `None` if that of the entry before it goes on.
    pub(super) fn told_by(entry: &Entry, queue: Option<&str>) -> Option<Phase> {
        match (&entry.kind, entry.words.as_str()) {
            (Kind::Waits | Kind::Wait | Kind::Ready | Kind::Again, _) => Some(Phase::Poll),
            (Kind::Phase, "pending") => Some(Phase::Pending),
            (Kind::Phase, "closing") => Some(Phase::Closing),
            (Kind::Phase, "timers") => Some(Phase::Timers),
            (Kind::Callback, _) if queue == Some("immediates") => Some(Phase::Check),
            _ => None,
        }
    }
}

/// Queued work that has not run yet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Waiting {
    /// The record of its queueing.
    pub number: u64,
    /// The record during which it was queued, or 0.
    pub cause: u64,
    /// Whose it is: `loop`, `socket#7` or `server#7`.
    pub who: String,
    /// In which queue it waits: `ticks`, `microtasks`, `immediates`, `pending`, `again`, `closing`, `timers`.
    pub queue: String,
    /// What it will do.
    pub work: String,
    /// The turn in which it was queued.
    pub turn: u64,
    /// The delay of a timer.
    pub delay: Option<Duration>,
    /// When a timer is due.
    pub due: Option<Duration>,
    /// Whether the program has left it its hold on the loop.
    pub(super) is_held: bool,
}

impl Waiting {
    pub(super) fn of(entry: &Entry) -> Waiting {
        Waiting {
            number: entry.number,
            cause: entry.cause,
            who: entry.who.clone(),
            queue: entry.words.clone(),
            work: entry.more.first().cloned().unwrap_or_default(),
            turn: entry.turn,
            delay: entry.time,
            due: entry.time.map(|delay| entry.at + delay),
            is_held: true,
        }
    }

    /// Whether it waits on when it has run: an interval, and the look whether a socket is idle.
    pub(super) fn is_repeated(&self) -> bool {
        self.queue == "timers" && ["set_interval", "look whether it is idle"].contains(&&*self.work)
    }

    /// Whether it keeps the loop from ending, unless the program has said otherwise.
    pub(super) fn holds(&self) -> bool {
        let is_programs = ["set_timeout", "set_interval", "after"].contains(&&*self.work);
        self.queue != "again" && (self.queue != "timers" || is_programs)
    }

    /// Why it has not run yet, in this phase and at this time. `is_running` is whether a callback or a call
    /// of the program has not returned.
    ///
    /// ```
    /// use std::time::Duration;
    /// use netloop::study::{Model, Phase, Recording};
    ///
    /// let file = r#"{"netloop":1}
    /// {"n":1,"k":"queued","w":"timers","more":"after","ns":50000000,"who":"loop"}"#;
    /// let mut model = Model::default();
    /// Recording::read(file.as_bytes()).entries.iter().for_each(|entry| model.step(entry));
    /// let timer = model.waiting().next().unwrap();
    /// assert!(timer.why_not_yet(Phase::Poll, false, Duration::ZERO).starts_with("due in 50 ms"));
    /// ```
    pub fn why_not_yet(&self, phase: Phase, is_running: bool, now: Duration) -> String {
        let rule = rule(&self.queue, phase, is_running);
        match self.due {
            None => rule.to_owned(),
            Some(due) if due > now => format!("due in {}: {rule}", span(due - now)),
            Some(_) => format!("due: {rule}"),
        }
    }
}

/// Why what stands in a queue has not run yet.
pub(super) fn rule(queue: &str, phase: Phase, is_running: bool) -> &'static str {
    match queue {
        "ticks" if is_running => "it runs when the running callback has returned",
        "ticks" => "it runs next, after the ticks before it",
        "microtasks" => "it runs when no tick is left",
        "immediates" if phase == Phase::Start => "it runs in the check phase of the first turn",
        "immediates" if phase < Phase::Check => "it runs in the check phase of this turn",
        "immediates" => "it runs in the check phase of the next turn",
        "pending" if phase <= Phase::Poll => "it runs in the pending phase of this turn",
        "pending" => "it runs in the pending phase of the next turn",
        "again" => "it is served in the poll phase of the next turn, which does not wait",
        "closing" if phase < Phase::Closing => {
            "it closes in the closing phase of this turn, the last first"
        }
        "closing" => "it closes in the closing phase of the next turn, the last first",
        "timers" => "the timers phase at the end of each turn looks at the clock",
        _ => "its turn has not come",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_it_has_not_run_yet_depends_on_the_queue_and_the_phase() {
        let next_turn = |queue, phase| rule(queue, phase, false).contains("of the next turn");
        assert!(!next_turn("immediates", Phase::Poll) && next_turn("immediates", Phase::Check));
        assert!(next_turn("immediates", Phase::Closing) && next_turn("immediates", Phase::Timers));
        assert!(!next_turn("closing", Phase::Check) && next_turn("closing", Phase::Closing));
        assert!(!next_turn("pending", Phase::Poll) && next_turn("pending", Phase::Timers));
        assert!(next_turn("again", Phase::Start));
        assert_ne!(
            rule("ticks", Phase::Poll, true),
            rule("ticks", Phase::Poll, false)
        );
        assert_eq!(
            rule("a new queue", Phase::Poll, true),
            "its turn has not come"
        );
    }
}
