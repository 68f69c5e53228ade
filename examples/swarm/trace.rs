//! The trace of a loop: checked, and printed on request.

use std::collections::HashSet;
use std::time::Duration;

use netloop::Loop;
use netloop::trace::{Record, Subject, What};

use super::play::Play;

/// How many turns in a row may do nothing while no time passes, since readiness may be redundant.
const VAIN_TURNS_MAX: usize = 64;

/// What is done with the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trace {
    Off,
    /// They are checked, but not printed.
    Silent,
    Printed,
}

/// Whether a loop makes progress, and is fair.
#[derive(Default)]
struct Progress {
    /// How many turns in a row have done nothing.
    vain_turns: usize,
    has_progressed: bool,
    last: Duration,
    /// The sockets of the again list that were served in this turn.
    served_again: HashSet<Subject>,
}

impl Progress {
    /// Whether the again list serves each socket at most once a turn, however often it is paused and resumed.
    fn is_fair(&mut self, record: &Record<'_>) -> bool {
        match (record.what, record.subject) {
            (What::Wait { .. }, _) => self.served_again.clear(),
            (What::Again(_), socket @ Subject::Socket(_)) => {
                return self.served_again.insert(socket);
            }
            _ => {}
        }
        true
    }

    /// Notes a record. Returns whether the loop makes progress.
    fn note(&mut self, record: &Record<'_>) -> bool {
        match record.what {
            What::Wait { .. } => {
                let has_progressed = std::mem::take(&mut self.has_progressed);
                let is_later = std::mem::replace(&mut self.last, record.at) != record.at;
                self.vain_turns = match has_progressed || is_later {
                    true => 0,
                    false => self.vain_turns + 1,
                };
            }
            What::Callback(_) => self.has_progressed = true,
            What::System { errno: None, .. } => self.has_progressed |= record.bytes != Some(0),
            _ => {}
        }
        self.vain_turns <= VAIN_TURNS_MAX
    }
}

/// Traces a loop, and checks that it makes progress and is fair.
pub(super) fn follow(event_loop: &mut Loop, host: &'static str, trace: Trace, play: Play) {
    let mut progress = Progress::default();
    event_loop.on_trace(move |record| {
        if !progress.note(record) {
            play.fault(format!("a loop turns without progress: {host}"));
        }
        if !progress.is_fair(record) {
            play.fault(format!(
                "a socket is served twice in a turn: {}",
                record.subject
            ));
        }
        if trace != Trace::Printed {
            return;
        }
        let words = match record.what {
            What::Phase(name) => format!("phase {name}"),
            What::Readiness { epoll, .. } => epoll.to_owned(),
            What::Nothing(why) => format!("nothing: {why}"),
            What::Again(why) => format!("again: {why}"),
            What::Transition { from, input, to } => format!("{from} -{input:?}-> {to}"),
            What::Callback(name) => format!("callback {name}"),
            What::Call(name) => format!("call {name}"),
            What::Tick(work) => format!("tick: {work}"),
            What::System { name, errno } => match (errno, record.bytes) {
                (Some(errno), _) => format!("{name}: errno {errno}"),
                (None, count) => format!("{name}: {count:?}"),
            },
            What::Queued { queue, work } => format!("queued in {queue}: {work}"),
            _ => return,
        };
        let subject = record.subject.to_string();
        println!(
            "{:>9.3} {host:>6} {subject:<12} {words}",
            record.at.as_secs_f64()
        );
    });
}
