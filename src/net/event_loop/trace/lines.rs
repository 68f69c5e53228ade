//! In which lines of the program its callbacks were handed over.

use std::collections::HashMap;
use std::panic::Location;

use crate::net::ids::Subject;

pub(super) type Line = &'static Location<'static>;

/// An event, and whose it is.
type EventOf = (Subject, &'static str);

#[derive(Default)]
pub(super) struct Lines {
    /// Where the listeners of each event were added last.
    listeners: HashMap<EventOf, Line>,
    /// Where the callbacks that wait in a queue were queued, by the record of the queueing.
    queued: HashMap<u64, Line>,
}

impl Lines {
    /// Where the listeners of an event were added.
    pub(super) fn of(&self, event_of: EventOf) -> Option<Line> {
        self.listeners.get(&event_of).copied()
    }

    pub(super) fn added(&mut self, event_of: EventOf, line: Line) {
        self.listeners.insert(event_of, line);
    }

    /// A callback was queued in this record.
    pub(super) fn queued_in(&mut self, by: u64, line: Line) {
        self.queued.insert(by, line);
    }

    /// Forgets the listeners of a subject.
    pub(super) fn forget(&mut self, subject: Subject) {
        self.listeners.retain(|(of, _), _| *of != subject);
    }

    /// Where a callback was queued that leaves its queue.
    pub(super) fn take_queued(&mut self, by: u64) -> Option<Line> {
        self.queued.remove(&by)
    }
}
