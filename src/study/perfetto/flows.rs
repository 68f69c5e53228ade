//! What led to what: from readiness, a timer or a call to what it caused, and from a send to the recv at the
//! other end.

use std::collections::HashMap;

use super::super::entry::{Entry, Kind};
use super::super::recording::Recording;
use super::super::wire::Wire;

/// Where the ids of what went over the wire begin: those of the causes are numbers of records.
const WIRE: u64 = 1 << 32;

/// The flows of a recording. Each has one beginning and one end, as Perfetto draws no fork.
#[derive(Default)]
pub(super) struct Flows {
    begin: HashMap<u64, Vec<u64>>,
    end: HashMap<u64, Vec<u64>>,
}

impl Flows {
    pub(super) fn of(recording: &Recording) -> Flows {
        let mut flows = Flows::default();
        for entry in recording.entries.iter().filter(|entry| is_effect(entry)) {
            let mut chain = recording.why(entry.number).skip(1);
            if let Some(cause) = chain.find(|it| is_cause(it)) {
                flows.add(entry.number, cause.number, entry.number);
            }
        }
        let wire = Wire::of(&recording.entries);
        for (index, [from, to]) in wire.links.into_iter().enumerate() {
            flows.add(WIRE + index as u64, from, to);
        }
        flows
    }

    fn add(&mut self, id: u64, from: u64, to: u64) {
        self.begin.entry(from).or_default().push(id);
        self.end.entry(to).or_default().push(id);
    }

    /// The flows that begin with a record.
    pub(super) fn from(&self, number: u64) -> Vec<u64> {
        self.begin.get(&number).cloned().unwrap_or_default()
    }

    /// The flows that end with it.
    pub(super) fn to(&self, number: u64) -> Vec<u64> {
        self.end.get(&number).cloned().unwrap_or_default()
    }
}

/// What was caused by something that stands elsewhere. A call stands inside of the callback that made it.
fn is_effect(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Callback | Kind::Phase | Kind::Again)
}

/// What is drawn as a cause: the steps and ticks between are passed over.
fn is_cause(entry: &Entry) -> bool {
    is_effect(entry) || matches!(entry.kind, Kind::Ready | Kind::Call)
}
