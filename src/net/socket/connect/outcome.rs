//! The outcome of a connect: the kernel reports it, and `connect` or an error is emitted.

use crate::kernel::Stream;
use crate::kernel::reactor::Readiness;
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::socket::SocketEntry;
use crate::net::socket::events::{CONNECT, READY};
use crate::net::trace::{Subject, Why, errno};
use crate::rules::state::socket::Input;

impl Served<'_> {
    /// Readiness of a connecting socket, which may be spurious.
    #[inline(never)]
    pub(in crate::net::socket) fn connect_progress(
        mut self,
        readiness: Readiness<'_>,
    ) -> Result<(), Error> {
        let stream = self.entry_ref().and_then(|entry| entry.stream.as_ref());
        let outcome = stream.map(Stream::connected);
        if let Some(Err(error)) = &outcome {
            // The error is that of connect(2), which getsockopt(2) has fetched.
            let subject = Subject::Socket(self.id);
            (self.event_loop.agenda.trace).system(subject, "getsockopt", Err(errno(error)));
        }
        match outcome {
            None | Some(Ok(false)) => return Ok(()),
            Some(Ok(true)) => self.connected(readiness),
            Some(Err(error)) => self.attempt_failed(Some(error)),
        }
        self.drain()
    }

    fn connected(&mut self, readiness: Readiness<'_>) {
        self.with(|socket, errands| {
            socket.stop_attempt_timer(errands);
            socket.touch(errands);
            socket.cold().connecting = None;
            socket.apply_options();
            socket.tell_connected(errands);
        });
        self.feed(Input::Connected);
        self.with(SocketEntry::feed_flushed);
        // Bytes that are there already are read in the next turn, before those of newer sockets: Node's
        // epoll is level-triggered, and reports the connected socket again in its old place.
        let why = match readiness.may_hide_more() {
            true => Why::MayHideMore,
            false => Why::Connected,
        };
        self.with(|socket, errands| socket.join_again(why, errands));
    }

    /// `connect`, then `ready` with no tick between them, then the first read.
    pub(in crate::net::socket) fn emit_connect(&mut self) {
        self.emit_plain(CONNECT);
        self.with(SocketEntry::read_if_asked);
        self.emit_plain(READY);
        self.with(SocketEntry::read_unless_paused);
    }
}
