//! The lists themselves, one for each duration, and their order.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::NONE;

/// Closed lists are kept for the next timer of their duration. There are at most twice as many as
/// open ones, and this many more, so that a program with ever new durations cannot exhaust memory.
pub(super) const SPARE_LISTS: usize = 4096;

/// All queued timers of one duration, the earliest inserted first.
///
/// Node throws a list away when a cancellation empties it, and builds another for the next timer.
/// Here the record is only closed, and opened again with a new expiry and a new id. Its entry in the
/// heap is too early then, since time only grows, and is corrected when it comes to the top.
#[derive(Debug)]
pub(super) struct List {
    pub(super) duration: u32,
    /// The ends of the chain of its timers.
    pub(super) first: u32,
    pub(super) last: u32,
    is_open: bool,
    expiry: u64,
    id: u64,
    /// The valid heap entry of this list; others that name it are leftovers.
    entry_expiry: u64,
    entry_id: u64,
}

/// The place of a list in the order; the fields are compared one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Ordered {
    pub(super) expiry: u64,
    pub(super) id: u64,
    pub(super) list: u32,
}

/// Hashes a duration with one multiplication. The program chooses the durations, so there is no attacker
/// to guard against.
#[derive(Default)]
struct DurationHasher(u64);

impl Hasher for DurationHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, duration: u32) {
        let product = (self.0 ^ u64::from(duration)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}

/// Lists by duration, and in the order of their expiry.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: Vec<List>,
    free: Vec<u32>,
    closed: usize,
    by_duration: HashMap<u32, u32, BuildHasherDefault<DurationHasher>>,
    order: BinaryHeap<Reverse<Ordered>>,
    last_id: u64,
}

impl Lists {
    /// The list of this duration; a new or closed one expires with a timer that starts at `start`.
    pub(super) fn open(&mut self, duration: u32, start: u64) -> u32 {
        let list = match self.by_duration.get(&duration) {
            Some(&list) if self.lists[list as usize].is_open => return list,
            Some(&list) => {
                self.closed -= 1;
                list
            }
            None => self.add(duration),
        };
        self.last_id += 1;
        let record = &mut self.lists[list as usize];
        record.is_open = true;
        record.expiry = start.saturating_add(u64::from(duration));
        record.id = self.last_id;
        if record.expiry < record.entry_expiry {
            record.entry_expiry = record.expiry;
            record.entry_id = record.id;
            self.order.push(Reverse(Ordered {
                expiry: record.expiry,
                id: record.id,
                list,
            }));
        }
        list
    }

    /// A list for a duration that has none, not yet open.
    fn add(&mut self, duration: u32) -> u32 {
        let record = List {
            duration,
            first: NONE,
            last: NONE,
            is_open: false,
            expiry: 0,
            id: 0,
            entry_expiry: u64::MAX,
            entry_id: 0,
        };
        let list = match self.free.pop() {
            Some(list) => {
                self.lists[list as usize] = record;
                list
            }
            None => {
                self.lists.push(record);
                self.lists.len() as u32 - 1
            }
        };
        self.by_duration.insert(duration, list);
        list
    }

    pub(super) fn get_mut(&mut self, list: u32) -> &mut List {
        &mut self.lists[list as usize]
    }

    /// Whether this list is open, and still has this id.
    pub(super) fn is(&self, list: u32, id: u64) -> bool {
        let list = &self.lists[list as usize];
        list.is_open && list.id == id
    }

    /// Closes a list if no timer is left in it.
    pub(super) fn close_if_empty(&mut self, list: u32) {
        let record = &self.lists[list as usize];
        if record.is_open && record.first == NONE {
            self.close(list);
        }
    }

    /// Closes the list of a duration if no timer is left in it.
    pub(super) fn close_if_emptied(&mut self, duration: u32) {
        if let Some(&list) = self.by_duration.get(&duration) {
            self.close_if_empty(list);
        }
    }

    pub(super) fn close(&mut self, list: u32) {
        self.lists[list as usize].is_open = false;
        self.closed += 1;
        let open = self.by_duration.len() - self.closed;
        if self.closed > SPARE_LISTS + 2 * open {
            self.drop_closed();
        }
    }

    fn drop_closed(&mut self) {
        let lists = &self.lists;
        self.order.retain(|Reverse(entry)| {
            let list = &lists[entry.list as usize];
            list.is_open && list.entry_id == entry.id
        });
        self.by_duration.retain(|_, list| {
            let is_open = lists[*list as usize].is_open;
            if !is_open {
                self.free.push(*list);
            }
            is_open
        });
        self.closed = 0;
    }

    /// The earliest list that holds a timer. Drops or corrects the entries before it.
    #[inline]
    pub(super) fn earliest(&mut self) -> Option<Ordered> {
        match self.order.is_empty() {
            true => None,
            false => self.earliest_of_some(),
        }
    }

    fn earliest_of_some(&mut self) -> Option<Ordered> {
        while let Some(mut top) = self.order.peek_mut() {
            let Reverse(entry) = *top;
            let list = &mut self.lists[entry.list as usize];
            if list.entry_id != entry.id {
                PeekMut::pop(top);
            } else if list.first == NONE {
                PeekMut::pop(top);
                self.closed -= usize::from(!list.is_open);
                list.is_open = false;
                self.by_duration.remove(&list.duration);
                self.free.push(entry.list);
            } else if list.id != entry.id {
                list.entry_expiry = list.expiry;
                list.entry_id = list.id;
                *top = Reverse(Ordered {
                    expiry: list.expiry,
                    id: list.id,
                    list: entry.list,
                });
            } else {
                return Some(entry);
            }
        }
        None
    }

    /// The first timer of a list is not due yet: the list waits for it, after all lists that expire at
    /// the same time.
    pub(super) fn postpone(&mut self, list: u32, due: u64) {
        self.last_id += 1;
        let list = &mut self.lists[list as usize];
        list.expiry = due;
        list.id = self.last_id;
    }

    /// How many places for lists there are, and how many of them are free.
    #[cfg(test)]
    pub(super) fn places(&self) -> (usize, usize) {
        (self.lists.len(), self.free.len())
    }

    /// How many entries the order has, leftovers included.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.order.len()
    }
}
