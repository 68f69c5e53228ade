//! Abort handles: Node's `AbortController`, as a name in the loop.

use std::collections::{BTreeMap, BTreeSet};

use super::Loop;
use crate::net::error::words;
use crate::net::ids::Home;
use crate::net::{AbortId, ServerId, SocketId};

/// What an abort ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Abortable {
    Socket(SocketId),
    Server(ServerId),
}

#[derive(Debug, Default)]
pub(in crate::net) struct Aborts {
    next: u64,
    /// What each handle is to end.
    targets: BTreeMap<u64, Vec<Abortable>>,
    used: BTreeSet<u64>,
}

impl Loop {
    /// Makes an abort handle: Node's `new AbortController()`. It is given to
    /// [`ConnectOptions::signal`](crate::ConnectOptions::signal),
    /// [`SocketOptions::signal`](crate::SocketOptions::signal) or
    /// [`ListenOptions::signal`](crate::ListenOptions::signal), also to several. A handle that is
    /// not used costs nothing once they have closed.
    pub fn abort_handle(&mut self) -> AbortId {
        self.aborts.next += 1;
        AbortId(self.home.name(self.aborts.next))
    }

    /// Uses an abort handle: Node's `controller.abort()`. Sockets that were given it are
    /// destroyed in the call, with an `AbortError` (`ABORT_ERR`) that is emitted as `error` from a
    /// tick; servers are closed in the call, without an error. A second use does nothing. What is
    /// given a used handle is ended in the next tick.
    pub fn abort(&mut self, handle: AbortId) {
        let Some(number) = self.home.key(handle.0) else {
            return;
        };
        self.aborts.used.insert(number);
        for target in self.aborts.targets.remove(&number).unwrap_or_default() {
            match target {
                Abortable::Socket(id) => {
                    self.with_socket(id, |socket, errands| {
                        socket.destroy(Some(words::aborted()), errands);
                    });
                }
                Abortable::Server(id) => {
                    self.server_at(id).close();
                }
            }
        }
    }

    /// Whether a handle was used: Node's `signal.aborted`.
    pub fn is_aborted(&self, handle: AbortId) -> bool {
        self.aborts.is_used(&self.home, handle)
    }
}

impl Aborts {
    pub(in crate::net) fn is_used(&self, home: &Home, handle: AbortId) -> bool {
        let number = home.key(handle.0);
        number.is_some_and(|number| self.used.contains(&number))
    }

    /// Lets a handle end this. Returns whether it was used already.
    pub(in crate::net) fn end_on_abort(
        &mut self,
        home: &Home,
        handle: AbortId,
        target: Abortable,
    ) -> bool {
        if self.is_used(home, handle) {
            return true;
        }
        if let Some(number) = home.key(handle.0) {
            let targets = self.targets.entry(number).or_default();
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        false
    }

    pub(in crate::net) fn forget(&mut self, home: &Home, handle: AbortId, target: Abortable) {
        let Some(number) = home.key(handle.0) else {
            return;
        };
        if let Some(targets) = self.targets.get_mut(&number) {
            targets.retain(|other| *other != target);
            if targets.is_empty() {
                self.targets.remove(&number);
            }
        }
    }
}
