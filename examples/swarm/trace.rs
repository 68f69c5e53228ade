//! The trace of a loop: checked, and printed on request.

use std::collections::HashMap;
use std::time::Duration;

use netloop::Loop;
use netloop::trace::{Record, Subject, What};

use super::oracle::{Outcome, must};
use super::play::{NAMES, Play};

/// How many turns in a row may do nothing while no time passes, since readiness may be redundant.
const VAIN_TURNS_MAX: usize = 64;
/// The most reads of a socket in a turn.
const READS_MAX: usize = 32;
/// How long a send that has found no memory waits at least.
const STARVED_MIN: Duration = Duration::from_millis(9);
const EAGAIN: i32 = 11;
const ENOBUFS: i32 = 105;

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
}

/// What each socket and server of a loop was given.
#[derive(Default)]
struct Fairness {
    /// The most bytes that one turn reads from a socket.
    burst_max: Option<usize>,
    turn: u64,
    shares: HashMap<Subject, Share>,
    /// Something that is ready was served in this turn, and something for what was left.
    is_among_ready: bool,
    was_again: bool,
    /// How often something was served.
    servings: usize,
    /// What is served, if it is ready.
    ready: Option<Subject>,
    /// The sockets whose last send found no memory, and when.
    starved: HashMap<Subject, Duration>,
}

/// What one of them was given in this turn.
#[derive(Default)]
struct Share {
    /// It was served for what was left.
    was_again: bool,
    reads: usize,
    bytes: usize,
    /// The serving in which a connection was accepted.
    accepted_in: Option<usize>,
}

impl Fairness {
    fn note(&mut self, record: &Record<'_>) -> Outcome {
        if std::mem::replace(&mut self.turn, record.turn) != record.turn {
            self.shares.clear();
            (self.is_among_ready, self.was_again) = (false, false);
        }
        let (subject, serving) = (record.subject, self.servings);
        let share = self.shares.entry(subject).or_default();
        match record.what {
            What::Phase(_) => self.ready = None,
            What::Readiness { .. } => {
                self.ready = Some(subject);
                self.servings += 1;
                self.is_among_ready = true;
                let goes_last = self.burst_max.is_some_and(|most| most != usize::MAX);
                must(
                    !(goes_last && self.was_again),
                    "the rest of a burst goes first",
                )?;
            }
            What::Again(_) => {
                self.servings += 1;
                (self.was_again, self.ready) = (true, None);
                // However often it was paused and resumed.
                let is_second = std::mem::replace(&mut share.was_again, true);
                let is_socket = matches!(subject, Subject::Socket(_));
                let is_first = !self.is_among_ready || self.burst_max != Some(usize::MAX);
                must(is_first || !is_socket, "the rest of a burst goes last")?;
                must(
                    !(is_second && is_socket),
                    "a socket is served twice in a turn",
                )?;
            }
            What::System {
                name: "accept4",
                errno: None,
            } => {
                let before = share.accepted_in.replace(serving);
                let is_right = before.is_none_or(|before| before == serving);
                must(is_right, "a server accepts twice in a turn")?;
            }
            What::System {
                name: "recv",
                errno: None,
            } => {
                share.reads += 1;
                share.bytes += record.bytes.unwrap_or(0);
                must(share.reads <= READS_MAX, "a turn reads too often")?;
                let is_short = self.burst_max.is_none_or(|most| share.bytes < most);
                must(is_short, "a turn reads too much")?;
            }
            What::System {
                name: "send",
                errno,
            } => {
                let since = self.starved.get(&subject);
                let is_early = since.is_some_and(|since| record.at - *since < STARVED_MIN);
                let is_ready = self.ready == Some(subject);
                match errno {
                    Some(ENOBUFS) => _ = self.starved.insert(subject, record.at),
                    Some(EAGAIN) => {}
                    // The connection has failed.
                    Some(_) => return Ok(()),
                    None => _ = self.starved.remove(&subject),
                }
                must(!(is_early && is_ready), "readiness ends a wait for memory")?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Progress {
    /// Whether the loop makes progress.
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

/// Prints what a loop does, and checks that its turns lead to something.
pub(super) fn follow(
    event_loop: &mut Loop,
    host: usize,
    trace: Trace,
    burst_max: Option<usize>,
    play: Play,
) {
    let (name, mut progress) = (NAMES[host], Progress::default());
    let mut fairness = Fairness {
        burst_max,
        ..Fairness::default()
    };
    event_loop.on_trace(move |record| {
        if !progress.note(record) {
            play.fault(format!("a loop turns without progress: {name}"));
        }
        // After a throw, the rest of a turn is run again.
        if let Err(words) = fairness.note(record)
            && !play.has_thrown(host)
        {
            play.fault(format!("{words}: {} of {name}", record.subject));
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
            "{:>9.3} {name:>6} {subject:<12} {words}",
            record.at.as_secs_f64()
        );
    });
}
