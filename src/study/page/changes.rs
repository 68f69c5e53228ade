//! The model as changes, each with the record from which on it holds.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::super::entry::{Entry, Kind};
use super::super::model::Model;
use super::super::standing::Standing;
use super::tables::Tables;

/// What was the case of a socket or a server when it was last told.
#[derive(Default)]
struct Told {
    state: String,
    bytes: [u64; 5],
    is_held: bool,
    has_place: bool,
}

/// Follows the model, and adds what changes to the tables:
///
/// | table | |
/// | --- | --- |
/// | `waits` | the record of the queueing, who, queue, work, and the record during which it was queued |
/// | `ends` | the record of the queueing, and the one with which it has left its queue |
/// | `dues` | the record of the queueing, from which record on, and when the timer is due |
/// | `holds` | the record of the queueing or 0, who, from which record on, and whether it holds the loop |
/// | `states` | who, from which record on, and the state |
/// | `bytes` | who, from which record on, written, sent, received, delivered, and whether it is paused |
/// | `places` | who, the descriptor, our address, and the peer's |
#[derive(Default)]
pub(super) struct Changes {
    told: HashMap<String, Told>,
    held: BTreeSet<u64>,
}

impl Changes {
    /// Follows the model, which has just made this step.
    pub(super) fn follow(&mut self, model: &Model, entry: &Entry, tables: &mut Tables) {
        let number = entry.number;
        for gone in model.gone() {
            tables.add("ends", &[*gone, number]);
            self.hold(*gone, entry, false, tables);
        }
        match (&entry.kind, entry.by) {
            (Kind::Queued, None) => self.begin(model, entry, tables),
            (Kind::Holds, Some(by)) => self.hold(by, entry, entry.words == "true", tables),
            (_, Some(by)) => {
                // It has run, and waits to run again.
                if let Some(due) = model.waiting_by(by).and_then(|it| it.due) {
                    tables.add("dues", &[by, number, micros(due)]);
                }
            }
            _ => {}
        }
        if let Some(standing) = model.standing(&entry.who) {
            let told = self.told.entry(entry.who.clone()).or_default();
            told.follow(entry, standing, tables);
        }
    }

    fn begin(&mut self, model: &Model, entry: &Entry, tables: &mut Tables) {
        let Some(waiting) = model.waiting_by(entry.number) else {
            return;
        };
        let texts = [&waiting.who, &waiting.queue, &waiting.work];
        let [who, queue, work] = texts.map(|text| tables.text(text));
        tables.add("waits", &[entry.number, who, queue, work, waiting.cause]);
        if let Some(due) = waiting.due {
            tables.add("dues", &[entry.number, entry.number, micros(due)]);
        }
        self.hold(entry.number, entry, waiting.holds(), tables);
    }

    /// What waits holds the loop from here on, or does not.
    fn hold(&mut self, waiting: u64, entry: &Entry, is_held: bool, tables: &mut Tables) {
        let is_new = match is_held {
            true => self.held.insert(waiting),
            false => self.held.remove(&waiting),
        };
        if is_new {
            let who = tables.text(&entry.who);
            tables.add("holds", &[waiting, who, entry.number, is_held.into()]);
        }
    }
}

impl Told {
    fn follow(&mut self, entry: &Entry, standing: &Standing, tables: &mut Tables) {
        let (who, number) = (tables.text(&entry.who), entry.number);
        if self.state != standing.state {
            self.state.clone_from(&standing.state);
            let state = tables.text(&standing.state);
            tables.add("states", &[who, number, state]);
        }
        let bytes = [
            standing.written,
            standing.sent,
            standing.received,
            standing.delivered,
            standing.is_paused.into(),
        ];
        if self.bytes != bytes {
            self.bytes = bytes;
            tables.add("bytes", &[&[who, number], &bytes[..]].concat());
        }
        if self.is_held != standing.is_held {
            self.is_held = standing.is_held;
            tables.add("holds", &[0, who, number, standing.is_held.into()]);
        }
        if let Some(descriptor) = standing.descriptor.as_ref().filter(|_| !self.has_place) {
            self.has_place = true;
            let [local, remote] = standing.addresses.clone().unwrap_or_default();
            tables.add_texts("places", &[&entry.who, descriptor, &local, &remote]);
        }
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
