//! The again list: the sources that may have more to give, though no new edge will come for them; and how
//! much one read and one turn take from each socket.

use super::phase::{Batches, Listed};
use super::trace::{Cause, Caused, Idle, Subject, What, Why};
use super::{Entry, EventLoop, Loop};
use crate::net::error::Error;
use crate::net::ids::{ServerId, SocketId};
use crate::rules::read_buffer::Burst;

const READ_BUFFER_MAX: usize = 1 << 30;

impl Loop {
    /// Sets how many bytes one read takes at most, and so how long a chunk can be. The default is 64 KiB,
    /// as in Node; the limits are one byte and 1 GiB. It applies from the next turn on, to all sockets of
    /// the loop. A larger buffer saves system calls when streaming. Node has no such option.
    #[track_caller]
    pub fn set_read_buffer(&mut self, bytes: usize) {
        self.calls("set_read_buffer", |event_loop| {
            event_loop.buffer_size = bytes.clamp(1, READ_BUFFER_MAX);
        });
    }

    /// Sets how many bytes one turn reads from a socket. The rest waits until the newly ready sockets have
    /// been served. A small burst keeps peers that send as fast as they can from holding up the others: a
    /// message of another peer then waits for about one burst of each of them. The read that reaches the
    /// bound is the last one, so a burst may be longer by a [read buffer](Loop::set_read_buffer).
    ///
    /// By default bursts are as in Node: at most 32 reads and 2 MiB, and the rest is read before the newly
    /// ready sockets are served, as with level-triggered epoll. Node has no such option.
    ///
    /// ```
    /// # let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.set_read_buffer(128 * 1024);
    /// event_loop.set_read_burst(128 * 1024); // one read of each socket a turn
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn set_read_burst(&mut self, bytes: usize) {
        self.calls("set_read_burst", |event_loop| {
            event_loop.burst = Burst {
                bytes,
                goes_last: true,
            };
        });
    }
}

impl EventLoop {
    /// Serves a source of the pending queue or the again list, without new readiness. If there is nothing to
    /// do, the trace has the reason.
    #[inline]
    pub(super) fn serve_queued(
        event_loop: &mut Loop,
        by: Cause,
        subject: Subject,
        what: What<'_>,
        serve: impl FnOnce(&mut Loop) -> Result<(), Error>,
    ) -> Result<(), Error> {
        event_loop.traced(by, subject, what, |event_loop| {
            let outcome = serve(event_loop);
            if event_loop.agenda.trace.is_on() {
                let is_to_read = matches!(what, What::Again(why) if why != Why::PartlySent);
                EventLoop::trace_idle(event_loop, subject, is_to_read);
            }
            outcome
        })
    }

    #[cold]
    fn trace_idle(event_loop: &mut Loop, subject: Subject, is_to_read: bool) {
        let Loop {
            agenda, reactor, ..
        } = event_loop;
        agenda.trace.note_idle(subject, || match subject {
            Subject::Loop => Idle::ServedAlready,
            Subject::Socket(SocketId(id)) | Subject::Server(ServerId(id)) => {
                match reactor.get(id) {
                    Some(Entry::Socket(socket)) => socket.why_idle(is_to_read),
                    Some(Entry::Server(server)) => server.why_idle(),
                    None => Idle::Gone,
                }
            }
        });
    }

    /// Counts a turn. Zero is skipped: in a socket it means that the socket has not been served yet.
    pub(super) fn count_turn(&mut self) {
        self.agenda.turns = self.agenda.turns.wrapping_add(1);
        if self.agenda.turns == 0 {
            self.count_turns_anew();
        }
    }

    /// The counter has wrapped around: clears the turn numbers in all entries, since they will occur again.
    #[cold]
    fn count_turns_anew(&mut self) {
        self.agenda.turns = 1;
        self.reactor.for_each(|entry| match entry {
            Entry::Socket(socket) => socket.allow_burst(),
            Entry::Server(server) => server.has_never_accepted(),
        });
    }

    /// Takes the again list for the turn that begins.
    ///
    /// A socket that has nothing to read leaves the list: later bytes cause an edge. The first of the list
    /// is not asked: it is read before any callback can have sent it something, and asking changes the
    /// pieces in which the kernel hands out what follows.
    ///
    /// A socket that stays is read once in this turn, even if it is newly ready as well. Its readiness is
    /// therefore noted here.
    pub(super) fn begin_serving_again(&mut self) {
        let Loop {
            agenda,
            reactor,
            burst,
            ..
        } = &mut self.inner;
        let Batches { again, ready, .. } = &mut self.batches;
        again.append(&mut agenda.again);
        let (turn, goes_last) = (agenda.turns, burst.goes_last);
        let first = again.front().map(|Caused(_, first)| first.id);
        again.retain(|Caused(by, Listed { id, .. })| match reactor.get_mut(*id) {
            Some(Entry::Socket(socket)) if goes_last => {
                socket.receiving.leave_to_again_list(turn);
                true
            }
            Some(Entry::Socket(_)) if Some(*id) == first => true,
            Some(Entry::Socket(socket)) => {
                let stays = socket.stays_to_be_served();
                if !stays {
                    agenda.trace.cleared(*by);
                }
                stays
            }
            _ => true,
        });
        reactor.for_each_ready(ready, |entry, readiness| {
            if let Entry::Socket(socket) = entry {
                socket.receiving.note_readiness(readiness.may_hide_more());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use crate::EventLoop;

    /// The last turn before the counter wraps around.
    const LAST: u32 = u32::MAX;

    #[test]
    fn a_socket_is_read_in_a_turn_whose_number_has_come_round() {
        let mut event_loop = EventLoop::new().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let id = event_loop.socket_from_fd(ours).unwrap().resume().id();
        event_loop.run_nowait().unwrap();
        for sent in 1..=2 {
            // The same number both times.
            event_loop.inner.agenda.turns = LAST;
            peer.write_all(b"x").unwrap();
            event_loop.run_nowait().unwrap();
            assert_eq!(event_loop.socket_at(id).bytes_read(), sent);
        }
    }
}
