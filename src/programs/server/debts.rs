//! What all peers are owed together. If it is too much, the connections that are owed most are cut, so
//! that the process lives.

use std::cmp::Reverse;
use std::collections::HashMap;

use netloop::{Loop, Socket, SocketId};

use super::counts::note;

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
}

/// Looks at a socket that something was written to.
pub(super) fn written(socket: &mut Socket<'_>) {
    let (id, owed) = (socket.id(), socket.writable_length());
    let debts = socket.event_loop().data_mut::<Debts>();
    if debts.is_some_and(|debts| debts.set(id, owed)) {
        cut(socket.event_loop());
    }
}

/// A socket has closed, and is owed nothing.
pub(super) fn closed(socket: &mut Socket<'_>) {
    let id = socket.id();
    if let Some(debts) = socket.event_loop().data_mut::<Debts>() {
        debts.set(id, 0);
    }
}

/// Looks at all anew, and cuts until an eighth of the limit is free: it will be some time before it has
/// to look at all again.
fn cut(event_loop: &mut Loop) {
    let Some(mut debts) = event_loop.take_data::<Debts>() else {
        return;
    };
    debts.owed.retain(|id, owed| {
        *owed = event_loop.socket_at(*id).writable_length();
        *owed > 0
    });
    debts.sum = debts.owed.values().sum();
    let mut greediest: Vec<_> = debts.owed.iter().map(|(id, owed)| (*owed, *id)).collect();
    greediest.sort_unstable_by_key(|(owed, _)| Reverse(*owed));
    for (owed, id) in greediest {
        if debts.sum <= debts.limit - debts.limit / 8 {
            break;
        }
        debts.set(id, 0);
        log::info!("{id}: cut, it is owed {owed} bytes, and --max-owed is reached");
        note(event_loop, |counts| counts.cut += 1);
        let mut socket = event_loop.socket_at(id);
        // What the kernel holds for it goes with a reset, and not with a close.
        if socket.reset_and_destroy().is_err() {
            socket.destroy();
        }
    }
    event_loop.set_data(debts);
}
