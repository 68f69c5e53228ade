//! The readiness that a kernel reports to a machine, and what Linux promises of it.

use std::collections::BTreeSet;
use std::time::Duration;

use libc::EAGAIN;

use super::call::Call;
use super::machine::{Answer, BACKLOG, Machine, PATIENCE, Told};
use crate::kernel::stopwatch::Stopwatch;

/// This many sends of 2000 bytes leave room for more in any Unix socket.
const UNREAD_SENDS: usize = 8;

impl Machine {
    /// Performs a call whose result is known, and waits for what the kernel has not delivered yet.
    pub(super) fn perform_until(&mut self, call: Call, expected: Answer) -> Answer {
        let begun = Stopwatch::default();
        let mut answer = self.perform(call);
        while answer != expected && begun.elapsed() < PATIENCE {
            let more = match (call, answer, expected) {
                (Call::Accept, Err(EAGAIN), _) => self.perform(call),
                (Call::Receive(..), Err(EAGAIN), _) => self.perform(call),
                (Call::Receive(side, _), Ok(got @ 1..), Ok(wanted)) if got < wanted => {
                    match self.receive(side, wanted - got) {
                        Err(EAGAIN) => Ok(got),
                        more => more.map(|more| got + more),
                    }
                }
                (
                    Call::HasMore(_) | Call::Connected(_) | Call::HasPeer(_) | Call::Drain(_),
                    Ok(_),
                    _,
                ) => self.perform(call),
                _ => break,
            };
            answer = more;
            self.look(Duration::from_millis(1));
        }
        answer
    }

    /// Notes what is ready.
    pub(super) fn look(&mut self, wait: Duration) {
        (self.reactor.wait(&mut self.batch, Some(wait))).expect("a wait");
        for (id, readiness) in self.batch.hand_out() {
            if let Some(number) = self.reactor.get(id) {
                let names = readiness.names();
                let told = self.told.entry(*number).or_default();
                told.extend(names.split(", ").map(str::to_owned));
            }
        }
    }

    /// Takes the flags reported since the last time.
    pub(super) fn told(&mut self) -> Told {
        self.look(Duration::ZERO);
        std::mem::take(&mut self.told)
    }

    /// The current flags of each side, reported or not.
    pub(super) fn level(&mut self) -> Told {
        let registry = self.reactor.registry();
        for side in &mut self.sides {
            if let Some(stream) = &mut side.stream {
                registry.register(stream, side.id).expect("registered");
            }
        }
        if let Some((listener, id)) = &mut self.listener {
            registry.register(listener, *id).expect("registered");
        }
        self.told()
    }

    /// Whether a call leaves a client without an answer: the backlog is full, or the listener refuses.
    pub(super) fn is_dropped(&self, call: Call) -> bool {
        self.refuses && matches!(call, Call::Connect) || self.waiting.len() > BACKLOG + 1
    }

    /// Removes flags that Linux does not promise: a Unix socket may be full after a few unread sends, however
    /// short, and a full side may send nothing more for a while.
    pub(super) fn promised(&self, told: Told) -> Told {
        let mut told = self.known(told);
        for (number, side) in self.sides.iter().enumerate() {
            let Some(names) = told.get_mut(&number) else {
                continue;
            };
            if self.kind.is_unix() && side.unread_sends > UNREAD_SENDS {
                names.remove("writable");
            }
            if side.other.is_some_and(|other| self.sides[other].is_full) {
                for name in ["readable", "writable", "priority"] {
                    names.remove(name);
                }
            }
        }
        told
    }

    /// Removes the flags of which it is not known how long they hold: a side that was full may have room.
    pub(super) fn known(&self, mut told: Told) -> Told {
        for (number, names) in &mut told {
            if self.sides.get(*number).is_some_and(|side| side.is_full) {
                names.remove("writable");
            }
        }
        told
    }

    /// Waits until all expected flags were reported. Returns the reported ones.
    pub(super) fn told_until(&mut self, expected: &Told) -> Told {
        let begun = Stopwatch::default();
        self.look(Duration::ZERO);
        while !covers(&self.told, expected) && begun.elapsed() < PATIENCE {
            self.look(Duration::from_millis(1));
        }
        self.told()
    }
}

pub(super) fn covers(told: &Told, expected: &Told) -> bool {
    let has = |number: &usize, names: &BTreeSet<String>| {
        told.get(number).is_some_and(|told| names.is_subset(told))
    };
    expected
        .iter()
        .all(|(number, names)| names.is_empty() || has(number, names))
}
