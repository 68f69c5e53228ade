//! The source lines of the program's listeners, kept for the records of their calls.

use std::panic::Location;

use super::teller::Trace;
use crate::net::ids::Subject;

impl Trace {
    /// A listener was added.
    #[inline]
    #[track_caller]
    pub(crate) fn listens(&mut self, listener_of: (Subject, &'static str)) {
        if self.is_on() {
            self.lines.added(listener_of, Location::caller());
        }
    }

    /// A listener that was added to one subject hears of an event about another.
    #[cold]
    pub(crate) fn hears_of(&mut self, about: Subject, listener_of: (Subject, &'static str)) {
        if let Some(line) = self.lines.of(listener_of) {
            self.lines.added((about, listener_of.1), line);
        }
    }

    /// Forgets where the listeners of a subject were added: the subject is gone.
    #[inline]
    pub(crate) fn forget(&mut self, subject: Subject) {
        if self.is_on() {
            self.lines.forget(subject);
        }
    }
}
