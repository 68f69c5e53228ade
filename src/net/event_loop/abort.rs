//! Abort handles: Node's `AbortController`, as an id.

use std::collections::{BTreeMap, BTreeSet};

use crate::net::AbortId;
use crate::net::ids::{Home, Subject};

#[derive(Debug, Default)]
pub(in crate::net) struct Aborts {
    next: u64,
    /// The sockets and servers that each handle ends.
    targets: BTreeMap<u64, Vec<Subject>>,
    used: BTreeSet<u64>,
}

impl Aborts {
    /// The number of a new handle.
    pub(super) fn add(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Notes that a handle was used. Returns what it ends.
    pub(super) fn take(&mut self, number: u64) -> Vec<Subject> {
        self.used.insert(number);
        self.targets.remove(&number).unwrap_or_default()
    }

    pub(in crate::net) fn is_used(&self, home: &Home, handle: AbortId) -> bool {
        let number = home.key(handle.0);
        number.is_some_and(|number| self.used.contains(&number))
    }

    /// Adds to what a handle ends, unless it was used already. Returns whether it was.
    pub(in crate::net) fn end_on_abort(
        &mut self,
        home: &Home,
        handle: AbortId,
        target: Subject,
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

    pub(in crate::net) fn forget(&mut self, home: &Home, handle: AbortId, target: Subject) {
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
