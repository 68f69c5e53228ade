//! What the model tells, as changes: from which record to which other one something is the case.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::entry::{Entry, Kind};
use super::super::model::Model;
use super::super::standing::Standing;
use super::texts::Texts;

/// Work that waits: from its queueing to its run.
struct Wait {
    who: usize,
    queue: usize,
    work: usize,
    by: u64,
    until: Option<u64>,
    /// When a timer is due, from which record on.
    due: Vec<[u64; 2]>,
    /// From when to when it holds the loop.
    holds: Vec<[Option<u64>; 2]>,
}

/// The changes of a socket or a server.
#[derive(Default)]
struct Life {
    states: Vec<(u64, String)>,
    bytes: Vec<(u64, [u64; 5])>,
    holds: Vec<[Option<u64>; 2]>,
    place: Option<[String; 3]>,
}

#[derive(Default)]
pub(super) struct Changes {
    waits: BTreeMap<u64, Wait>,
    lives: BTreeMap<String, Life>,
}

impl Changes {
    /// Follows the model, which has just made this step.
    pub(super) fn follow(&mut self, model: &Model, entry: &Entry, texts: &mut Texts) {
        let number = entry.number;
        for gone in model.gone() {
            if let Some(wait) = self.waits.get_mut(gone) {
                wait.until = Some(number);
                end(&mut wait.holds, number);
            }
        }
        match (&entry.kind, entry.by) {
            (Kind::Queued, None) => self.begin(model, number, texts),
            (Kind::Holds, Some(by)) => {
                if let Some(wait) = self.waits.get_mut(&by) {
                    hold(&mut wait.holds, number, entry.words == "true");
                }
            }
            (_, Some(by)) => self.due_again(model, by, number),
            _ => {}
        }
        if let Some(standing) = model.standing(&entry.who) {
            let life = self.lives.entry(entry.who.clone());
            life.or_default().follow(number, standing);
        }
    }

    fn begin(&mut self, model: &Model, number: u64, texts: &mut Texts) {
        let Some(waiting) = model.waiting_by(number) else {
            return;
        };
        let mut wait = Wait {
            who: texts.add(&waiting.who),
            queue: texts.add(&waiting.queue),
            work: texts.add(&waiting.work),
            by: waiting.cause,
            until: None,
            due: Vec::new(),
            holds: Vec::new(),
        };
        if let Some(due) = waiting.due {
            wait.due.push([number, micros(due)]);
        }
        if waiting.holds() {
            hold(&mut wait.holds, number, true);
        }
        self.waits.insert(number, wait);
    }

    /// It has run, and waits to run again.
    fn due_again(&mut self, model: &Model, by: u64, number: u64) {
        let due = model.waiting_by(by).and_then(|waiting| waiting.due);
        if let (Some(due), Some(wait)) = (due, self.waits.get_mut(&by)) {
            wait.due.push([number, micros(due)]);
        }
    }

    /// What waits: `[from, until, who, queue, work, by, due, holds]`.
    pub(super) fn waits(&self) -> Value {
        let waits = self.waits.iter().map(|(from, it)| {
            json!([
                from, it.until, it.who, it.queue, it.work, it.by, it.due, it.holds
            ])
        });
        waits.collect()
    }

    /// Of each socket and server its states, its bytes, when it holds the loop, and where it is.
    pub(super) fn lives(&self, texts: &mut Texts) -> Value {
        let lives = self.lives.iter().map(|(who, life)| {
            let states = life.states.iter();
            let states = states.map(|(from, state)| json!([from, texts.add(state)]));
            let states: Value = states.collect();
            let bytes = life.bytes.iter();
            let bytes: Value = bytes.map(|(from, it)| json!([from, it])).collect();
            json!([texts.add(who), states, bytes, life.holds, life.place])
        });
        lives.collect()
    }
}

impl Life {
    fn follow(&mut self, number: u64, standing: &Standing) {
        if self
            .states
            .last()
            .is_none_or(|(_, last)| *last != standing.state)
        {
            self.states.push((number, standing.state.clone()));
        }
        let bytes = [
            standing.written,
            standing.sent,
            standing.received,
            standing.delivered,
            u64::from(standing.is_paused),
        ];
        if self.bytes.last().is_none_or(|(_, last)| *last != bytes) {
            self.bytes.push((number, bytes));
        }
        hold(&mut self.holds, number, standing.is_held);
        if self.place.is_none() {
            let [local, remote] = standing.addresses.clone().unwrap_or_default();
            let descriptor = standing.descriptor.clone();
            self.place = descriptor.map(|descriptor| [descriptor, local, remote]);
        }
    }
}

/// It holds the loop from here on, or does not.
fn hold(holds: &mut Vec<[Option<u64>; 2]>, number: u64, is_held: bool) {
    let was_held = holds.last().is_some_and(|[_, until]| until.is_none());
    match (was_held, is_held) {
        (false, true) => holds.push([Some(number), None]),
        (true, false) => end(holds, number),
        _ => {}
    }
}

fn end(holds: &mut [[Option<u64>; 2]], number: u64) {
    if let Some([_, until @ None]) = holds.last_mut() {
        *until = Some(number);
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
