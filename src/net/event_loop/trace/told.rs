//! The parts of a record that its caller supplies.

use super::lines::Line;
use super::records::What;
use crate::net::ids::Subject;

/// All but number, cause, time and turn, which the trace adds.
pub(super) struct Told<'a> {
    pub(super) by: Option<u64>,
    pub(super) subject: Subject,
    pub(super) bytes: Option<usize>,
    pub(super) payload: Option<&'a [u8]>,
    pub(super) line: Option<Line>,
    pub(super) what: What<'a>,
}

impl<'a> Told<'a> {
    pub(super) fn of(subject: Subject, what: What<'a>) -> Told<'a> {
        Told {
            by: None,
            subject,
            bytes: None,
            payload: None,
            line: None,
            what,
        }
    }
}
