//! The rest of a socket's service after one of its callbacks has thrown.

use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::event_loop::phase::Rest;
use crate::rules::receiving::Next;

/// The delivery of one chunk of a burst. If a callback throws, its drop notes the rest of the service.
pub(super) struct Delivery<'l> {
    pub(super) socket: Served<'l>,
    count: usize,
    room: usize,
    /// The number of the read in its burst.
    reads: usize,
    short_means_empty: bool,
}

impl<'l> Delivery<'l> {
    #[inline(always)]
    pub(super) fn begin(
        socket: Served<'l>,
        (count, room, reads): (usize, usize, usize),
        short_means_empty: bool,
    ) -> Delivery<'l> {
        Delivery {
            socket,
            count,
            room,
            reads,
            short_means_empty,
        }
    }

    /// Ends a delivery in which no callback has thrown.
    #[inline(always)]
    pub(super) fn end(self) -> Next {
        let next = self.next();
        std::mem::forget(self);
        next
    }

    #[inline(always)]
    fn next(&self) -> Next {
        let bound = self.socket.event_loop.burst.bytes;
        Next::after_read(
            self.count,
            self.room,
            self.reads,
            bound,
            self.short_means_empty,
        )
    }
}

/// Runs only if a callback has thrown.
impl Drop for Delivery<'_> {
    #[cold]
    fn drop(&mut self) {
        let id = self.socket.id;
        self.socket.event_loop.agenda.rest = Some(match self.next() {
            Next::ReadOn => Rest::Read(id),
            Next::Again | Next::Done => Rest::Write(id),
        });
    }
}

impl Served<'_> {
    /// Does the rest of the service.
    #[cold]
    pub(in crate::net) fn do_rest(&mut self, rest: Rest, buffer: &mut [u8]) -> Result<(), Error> {
        match rest {
            Rest::Read(_) => {
                if let Some(socket) = self.entry() {
                    socket.receiving.allow_burst();
                }
                self.lend().receive(true, buffer)?;
                self.serve_after_read()
            }
            Rest::Write(_) => self.serve_after_read(),
            Rest::ShutDown(_) => self.shut_down(),
            Rest::Close(_) => self.close_is_due(),
        }
    }
}
