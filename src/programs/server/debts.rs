//! What all peers are owed together. If it is too much, the connections that are owed most are cut, so
//! that the process lives.

use std::cmp::Reverse;
use std::collections::HashMap;

use netloop::{Loop, Socket, SocketId};

use super::counts::note;
use super::identity;

/// What each peer was owed when it was last looked at: kept by the loop, if there is a limit. It may
/// have become less since, not more.
pub(super) struct Debts {
    limit: usize,
    owed: HashMap<SocketId, usize>,
    sum: usize,
}

impl Debts {
    pub(super) fn new(limit: usize) -> Debts {
        Debts {
            limit,
            owed: HashMap::new(),
            sum: 0,
        }
    }

    /// Whether there are too many of them.
    fn set(&mut self, socket: SocketId, owed: usize) -> bool {
        let before = match owed {
            0 => self.owed.remove(&socket),
            _ => self.owed.insert(socket, owed),
        };
        self.sum = self.sum - before.unwrap_or(0) + owed;
        self.sum > self.limit
    }

    /// Looks at all anew. What a destroyed socket was owed is freed by the end of the turn, whatever
    /// happens to the others.
    fn recount(&mut self, event_loop: &mut Loop) {
        self.owed.retain(|id, owed| {
            let socket = event_loop.socket_at(*id);
            *owed = match socket.is_destroyed() {
                true => 0,
                false => socket.writable_length(),
            };
            *owed > 0
        });
        self.sum = self.owed.values().sum();
    }

    /// Cuts the connections that are owed most until an eighth of the limit is free: it will be some time
    /// before all are looked at again.
    fn cut(&mut self, event_loop: &mut Loop) {
        let mut greediest: Vec<_> = self.owed.iter().map(|(id, owed)| (*owed, *id)).collect();
        greediest.sort_unstable_by_key(|(owed, _)| Reverse(*owed));
        for (owed, id) in greediest {
            if self.sum <= self.limit - self.limit / 8 {
                break;
            }
            self.set(id, 0);
            note(event_loop, |counts| counts.cut += 1);
            let mut socket = event_loop.socket_at(id);
            let client = identity::logged(&mut socket);
            log::info!("{id} {client}: cut, --max-owed is exceeded; bytes owed: {owed}");
            // What the kernel holds for it goes with a reset, and not with a close.
            if socket.reset_and_destroy().is_err() {
                socket.destroy();
            }
        }
    }
}

/// Looks at a socket that something was written to.
pub(super) fn written(socket: &mut Socket<'_>) {
    let (id, owed) = (socket.id(), socket.writable_length());
    let debts = socket.event_loop().data_mut::<Debts>();
    if debts.is_some_and(|debts| debts.set(id, owed)) {
        keep_limit(socket.event_loop());
    }
}

/// A socket has closed, and is owed nothing.
pub(super) fn closed(socket: &mut Socket<'_>) {
    let id = socket.id();
    if let Some(debts) = socket.event_loop().data_mut::<Debts>() {
        debts.set(id, 0);
    }
}

/// Looks at all anew, and cuts if it is still too much.
fn keep_limit(event_loop: &mut Loop) {
    let Some(mut debts) = event_loop.take_data::<Debts>() else {
        return;
    };
    debts.recount(event_loop);
    if debts.sum > debts.limit {
        debts.cut(event_loop);
    }
    event_loop.set_data(debts);
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use netloop::EventLoop;

    use super::super::counts::Counts;
    use super::*;

    const CHUNK: usize = 1 << 20;

    /// A loop on which all peers may be owed a bit more than one chunk: less than an eighth.
    fn limited() -> EventLoop {
        let mut event_loop = EventLoop::new().unwrap();
        event_loop.set_data(Counts::default());
        event_loop.set_data(Debts::new(CHUNK + CHUNK / 10));
        event_loop
    }

    /// A socket to which a chunk is written, more than the kernel takes, and its peer.
    fn owed(event_loop: &mut EventLoop) -> (SocketId, UnixStream) {
        let (ours, peer) = UnixStream::pair().unwrap();
        let mut socket = event_loop.socket_from_fd(ours).unwrap();
        socket.write(vec![7; CHUNK]);
        assert_eq!(socket.writable_length(), CHUNK);
        written(&mut socket);
        (socket.id(), peer)
    }

    fn cut_count(event_loop: &Loop) -> u64 {
        event_loop.data::<Counts>().unwrap().cut
    }

    #[test]
    fn what_was_sent_since_is_owed_no_more_and_nothing_is_cut_for_it() {
        let mut event_loop = limited();
        let (first, mut peer) = owed(&mut event_loop);
        let reading = std::thread::spawn(move || {
            peer.read_exact(&mut vec![0; CHUNK]).unwrap();
            peer
        });
        while event_loop.socket_at(first).writable_length() > 0 {
            event_loop.run_once().unwrap();
        }
        let _peers = (reading.join().unwrap(), owed(&mut event_loop));
        assert_eq!(cut_count(&event_loop), 0);
        let debts = event_loop.data::<Debts>().unwrap();
        assert_eq!((debts.sum, debts.owed.len()), (CHUNK, 1));
        let _beyond = owed(&mut event_loop);
        assert_eq!(cut_count(&event_loop), 2, "an eighth is to be free");
    }

    #[test]
    fn what_was_owed_to_a_destroyed_socket_counts_no_more_and_it_is_not_cut() {
        let mut event_loop = limited();
        let (destroyed, _peer) = owed(&mut event_loop);
        event_loop.socket_at(destroyed).destroy();
        assert_eq!(event_loop.socket_at(destroyed).writable_length(), CHUNK);
        let (second, _other) = owed(&mut event_loop);
        assert!(!event_loop.socket_at(second).is_destroyed());
        assert_eq!(cut_count(&event_loop), 0);
    }
}
