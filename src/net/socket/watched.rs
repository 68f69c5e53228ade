//! A stream that is sent to, with the trace that records each send(2).

use std::io::IoSlice;

use libc::{EAGAIN, ENOBUFS};

use crate::kernel::Stream;
use crate::net::SocketId;
use crate::net::trace::{Subject, Trace, errno};
use crate::rules::sending::{Kernel, Reply};

pub(super) struct Watched<'a> {
    stream: &'a mut Stream,
    id: SocketId,
    trace: &'a mut Trace,
}

impl<'a> Watched<'a> {
    pub(super) fn new(stream: &'a mut Stream, id: SocketId, trace: &'a mut Trace) -> Watched<'a> {
        Watched { stream, id, trace }
    }
}

impl Kernel for Watched<'_> {
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply {
        let reply = self.stream.offer(slices);
        let outcome = match &reply {
            Reply::Took(count) => Ok(Some(*count)),
            Reply::Full => Err(EAGAIN),
            Reply::Starved => Err(ENOBUFS),
            Reply::Failed(error) => Err(errno(error)),
        };
        let subject = Subject::Socket(self.id);
        self.trace.system(subject, "send", outcome);
        reply
    }
}
