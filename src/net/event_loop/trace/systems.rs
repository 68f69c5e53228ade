//! The records of system calls.

use super::records::What;
use super::teller::Trace;
use super::told::Told;
use crate::net::ids::Subject;

/// How many bytes a system call has moved, or its errno.
type Outcome = Result<Option<usize>, i32>;

impl Trace {
    /// A recv(2) has returned these bytes, which the next callback of `data` gets.
    #[inline(always)]
    pub(crate) fn received(&mut self, subject: Subject, chunk: &[u8]) {
        if self.is_on() {
            self.tell_received(subject, chunk);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_received(&mut self, subject: Subject, chunk: &[u8]) {
        self.tell_system(subject, "recv", Ok(Some(chunk.len())), Some(chunk));
        self.given = Some(chunk.len());
    }

    /// Notes how many bytes the next callback of `data` gets.
    #[inline]
    pub(crate) fn gives(&mut self, count: usize) {
        if self.is_on() {
            self.given = Some(count);
        }
    }

    /// A system call was made. It has moved some bytes, or has failed with this errno.
    #[inline]
    pub(crate) fn system(&mut self, subject: Subject, name: &'static str, outcome: Outcome) {
        if self.is_on() {
            self.tell_system(subject, name, outcome, None);
        }
    }

    #[cold]
    fn tell_system(
        &mut self,
        subject: Subject,
        name: &'static str,
        outcome: Outcome,
        payload: Option<&[u8]>,
    ) {
        let errno = outcome.err();
        self.tell(Told {
            bytes: outcome.ok().flatten(),
            payload,
            ..Told::of(subject, What::System { name, errno })
        });
    }
}
