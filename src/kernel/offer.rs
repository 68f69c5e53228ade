//! The kernel's answer to bytes that it is offered.

use std::io::{self, IoSlice};

use libc::{ENOBUFS, ENOMEM};

use super::Stream;
use crate::rules::sending::{Kernel, Reply};

impl Kernel for Stream {
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply {
        reply(self.send_slices(slices))
    }
}

impl Stream {
    /// The answer to a first [`try_to_send`](Stream::try_to_send), which is repeated if it was interrupted.
    #[cold]
    pub(crate) fn reply_to(&self, bytes: &[u8], sent: io::Result<usize>) -> Reply {
        reply(sent.or_else(|error| self.send_again(bytes, error)))
    }
}

/// A shortage of memory is temporary: libuv treats `ENOBUFS` as `EAGAIN`, too.
fn reply(sent: io::Result<usize>) -> Reply {
    match sent {
        Ok(count) => Reply::Took(count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Reply::Full,
        Err(error) if matches!(error.raw_os_error(), Some(ENOMEM | ENOBUFS)) => Reply::Starved,
        Err(error) => Reply::Failed(error),
    }
}
