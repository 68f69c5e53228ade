//! Node's timer lists: which timer is due next, in Node's order; told the time, never asking it.
//!
//! Timers of one duration form one first-in-first-out list, and the *lists* are ordered, by the
//! time at which they expire and then by their id (Node's `lib/internal/timers.js`). Two
//! consequences are Node's and are kept: a late pass runs the whole due part of the earliest list
//! before it looks at the next one, and a timer that starts during a pass waits for a later pass.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// The end of a chain, and the list of a timer that stands in none.
const NONE: u32 = u32::MAX;

/// Closed lists are kept for the next timer of their duration, up to this many more than twice
/// the open ones, so that a program that invents durations cannot grow the memory without end.
const SPARE_LISTS: usize = 4096;

/// The name of one timer: it goes stale when the timer is cancelled or released.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TimerKey {
    slot: u32,
    generation: u32,
}

/// One timer of the arena; a slot without a payload is free.
#[derive(Debug)]
struct Timer<T> {
    payload: Option<T>,
    start: u64,
    duration: u32,
    generation: u32,
    /// The list it stands in, or `NONE` while it is firing or free.
    list: u32,
    previous: u32,
    next: u32,
}

/// All queued timers of one duration, the earliest inserted first.
///
/// Node throws a list away when a cancellation empties it, and builds another for the next timer.
/// Here the record is only closed, and opened again with a new expiry and a new id. Its entry in
/// the heap is then too early, because time only grows, and is corrected when it comes to the top.
#[derive(Debug)]
struct List {
    duration: u32,
    first: u32,
    last: u32,
    is_open: bool,
    expiry: u64,
    id: u64,
    /// The heap entry that speaks for this list; others that name it are leftovers.
    entry_expiry: u64,
    entry_id: u64,
}

/// Where a list stands in the order; the fields are compared from the top.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Entry {
    expiry: u64,
    id: u64,
    list: u32,
}

/// Spreads durations over a hash table with one multiplication: they are no one's secret.
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

/// All timers of a loop, with a payload `T` each; times and durations are whole milliseconds.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    timers: Vec<Timer<T>>,
    /// A stack beside the arena and not a chain inside it, so that to take a slot needs no look
    /// at the slot taken before it.
    free: Vec<u32>,
    live: usize,
    lists: Vec<List>,
    free_lists: Vec<u32>,
    closed_lists: usize,
    by_duration: HashMap<u32, u32, BuildHasherDefault<DurationHasher>>,
    order: BinaryHeap<Reverse<Entry>>,
    last_id: u64,
    pass_now: u64,
    /// The list the pass is working through, with the id it had then: a list that was closed and
    /// opened again meanwhile is another list.
    current: Option<(u32, u64)>,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Timers<T> {
    /// An empty set; it allocates nothing yet.
    pub(crate) fn new() -> Self {
        Timers {
            timers: Vec::new(),
            free: Vec::new(),
            live: 0,
            lists: Vec::new(),
            free_lists: Vec::new(),
            closed_lists: 0,
            by_duration: HashMap::default(),
            order: BinaryHeap::new(),
            last_id: 0,
            pass_now: 0,
            current: None,
        }
    }

    /// Starts a timer at `now_ms` that is due `duration_ms` (at least 1) later, behind all queued
    /// timers of the same duration.
    pub(crate) fn insert(&mut self, now_ms: u64, duration_ms: u32, payload: T) -> TimerKey {
        let slot = self.take_slot(now_ms, duration_ms, payload);
        let list = self.open_list(duration_ms, now_ms);
        self.append(slot, list);
        TimerKey {
            slot,
            generation: self.timers[slot as usize].generation,
        }
    }

    /// Ends a timer, queued or firing, and gives its payload back; `None` when the key is stale.
    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let timer = self.timer(key)?;
        let (list, duration) = (timer.list, timer.duration);
        if list != NONE {
            self.unlink(key.slot);
            self.close_if_empty(list);
        } else if let Some(&list) = self.by_duration.get(&duration) {
            self.close_if_empty(list);
        }
        self.free_slot(key.slot)
    }

    /// Starts a timer again at `now` with its own duration, behind all others of that duration.
    /// The timer may be queued or firing; `false` when the key is stale.
    pub(crate) fn refresh(&mut self, key: TimerKey, now: u64) -> bool {
        match self.timer(key) {
            Some(timer) => self.rearm(key, now, timer.duration),
            None => false,
        }
    }

    /// As `refresh`, with another start or duration. An interval passes the time that was read
    /// just before its callback.
    ///
    /// The timer goes to the back of its list also when it started before the timers in front of
    /// it, and then it waits for them, as in Node. Who wants to be called at a given time passes
    /// the present time and what is left until then.
    pub(crate) fn rearm(&mut self, key: TimerKey, start: u64, duration: u32) -> bool {
        let Some(timer) = self.timer_mut(key) else {
            return false;
        };
        let (old_list, old_duration) = (timer.list, timer.duration);
        timer.start = start;
        timer.duration = duration;
        let is_queued = old_list != NONE;
        if is_queued {
            self.unlink(key.slot);
        }
        if is_queued && old_duration == duration {
            self.append(key.slot, old_list);
            return true;
        }
        if is_queued {
            self.close_if_empty(old_list);
        }
        let list = self.open_list(duration, start);
        self.append(key.slot, list);
        true
    }

    /// The payload of a live timer, queued or firing.
    pub(crate) fn get(&self, key: TimerKey) -> Option<&T> {
        self.timer(key)?.payload.as_ref()
    }

    /// The payload of a live timer, queued or firing, to change or to take something out.
    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.timer_mut(key)?.payload.as_mut()
    }

    /// Whether the timer is live: queued, or firing and not yet released.
    pub(crate) fn contains(&self, key: TimerKey) -> bool {
        self.timer(key).is_some()
    }

    /// Whether the timer is live and waits in a list; `false` while it is firing.
    #[cfg(test)]
    pub(crate) fn is_queued(&self, key: TimerKey) -> bool {
        self.timer(key).is_some_and(|timer| timer.list != NONE)
    }

    /// How many timers are live, the firing ones included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Whether no timer is live.
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Begins a pass over what is due at `now`. A pass that was left half done is forgotten; what
    /// it had not reached is still due.
    pub(crate) fn begin_pass(&mut self, now: u64) {
        self.pass_now = now;
        self.current = None;
    }

    /// Takes the next timer of the pass out of its list. The timer is then *firing*: live, with
    /// its payload in place, until `release`, `refresh`, `rearm` or `cancel`.
    ///
    /// A pass keeps the time with which it began however long its callbacks take, so that what
    /// they start is left for a later pass; `now` may have moved on and decides nothing.
    pub(crate) fn next_due(&mut self, now: u64) -> Option<TimerKey> {
        debug_assert!(now >= self.pass_now, "time went back during a pass");
        loop {
            let list = match self.current {
                Some((list, id)) if self.is_list(list, id) => list,
                _ => self.next_expired_list()?,
            };
            let first = self.lists[list as usize].first;
            if first == NONE {
                self.close(list);
                continue;
            }
            let timer = &self.timers[first as usize];
            let due = timer.start.saturating_add(u64::from(timer.duration));
            if due > self.pass_now {
                self.postpone(list, due);
                continue;
            }
            let generation = timer.generation;
            self.unlink(first);
            return Some(TimerKey {
                slot: first,
                generation,
            });
        }
    }

    /// Frees a firing timer and gives its payload back; `None` when it was queued again or
    /// cancelled meanwhile.
    pub(crate) fn release(&mut self, key: TimerKey) -> Option<T> {
        let is_firing = self.timer(key)?.list == NONE;
        if is_firing {
            self.free_slot(key.slot)
        } else {
            None
        }
    }

    /// The time at which the next pass can find something; `None` when nothing is queued.
    ///
    /// A list that lost its first timer keeps its time, as in Node, where it decides the order:
    /// such a pass may find nothing yet, once for each list and duration. Empty lists are dropped.
    pub(crate) fn next_expiry(&mut self) -> Option<u64> {
        let list = self.earliest_list()?;
        Some(self.lists[list as usize].expiry)
    }

    /// The earliest list, if the pass has to look at it; the pass then works on it.
    fn next_expired_list(&mut self) -> Option<u32> {
        self.current = None;
        let list = self.earliest_list()?;
        let List { expiry, id, .. } = self.lists[list as usize];
        (expiry <= self.pass_now).then(|| {
            self.current = Some((list, id));
            list
        })
    }

    /// The earliest list that holds a timer, after dropping and correcting what stood before it.
    fn earliest_list(&mut self) -> Option<u32> {
        while let Some(mut top) = self.order.peek_mut() {
            let Reverse(entry) = *top;
            let list = &mut self.lists[entry.list as usize];
            if list.entry_id != entry.id {
                PeekMut::pop(top);
            } else if list.first == NONE {
                PeekMut::pop(top);
                self.closed_lists -= usize::from(!list.is_open);
                list.is_open = false;
                self.by_duration.remove(&list.duration);
                self.free_lists.push(entry.list);
            } else if list.id != entry.id {
                list.entry_expiry = list.expiry;
                list.entry_id = list.id;
                *top = Reverse(Entry {
                    expiry: list.expiry,
                    id: list.id,
                    list: entry.list,
                });
            } else {
                return Some(entry.list);
            }
        }
        None
    }

    /// Whether this is still the list that had this id, in use.
    fn is_list(&self, list: u32, id: u64) -> bool {
        let list = &self.lists[list as usize];
        list.is_open && list.id == id
    }

    /// The first timer of the list is not due yet: the list waits for it, behind all lists that
    /// expire at the same time.
    fn postpone(&mut self, list: u32, due: u64) {
        self.last_id += 1;
        let list = &mut self.lists[list as usize];
        list.expiry = due;
        list.id = self.last_id;
    }

    /// The list of this duration; a new or closed one expires with a timer that starts at `start`.
    fn open_list(&mut self, duration: u32, start: u64) -> u32 {
        let list = match self.by_duration.get(&duration) {
            Some(&list) if self.lists[list as usize].is_open => return list,
            Some(&list) => {
                self.closed_lists -= 1;
                list
            }
            None => self.new_list(duration),
        };
        self.last_id += 1;
        let record = &mut self.lists[list as usize];
        record.is_open = true;
        record.expiry = start.saturating_add(u64::from(duration));
        record.id = self.last_id;
        if record.expiry < record.entry_expiry {
            record.entry_expiry = record.expiry;
            record.entry_id = record.id;
            self.order.push(Reverse(Entry {
                expiry: record.expiry,
                id: record.id,
                list,
            }));
        }
        list
    }

    /// A record for a duration that has none, not yet open.
    fn new_list(&mut self, duration: u32) -> u32 {
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
        let list = match self.free_lists.pop() {
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

    fn close_if_empty(&mut self, list: u32) {
        let record = &self.lists[list as usize];
        if record.is_open && record.first == NONE {
            self.close(list);
        }
    }

    fn close(&mut self, list: u32) {
        self.lists[list as usize].is_open = false;
        self.closed_lists += 1;
        let open_lists = self.by_duration.len() - self.closed_lists;
        if self.closed_lists > SPARE_LISTS + 2 * open_lists {
            self.drop_closed_lists();
        }
    }

    fn drop_closed_lists(&mut self) {
        let lists = &self.lists;
        self.order.retain(|Reverse(entry)| {
            let list = &lists[entry.list as usize];
            list.is_open && list.entry_id == entry.id
        });
        self.by_duration.retain(|_, list| {
            let is_open = lists[*list as usize].is_open;
            if !is_open {
                self.free_lists.push(*list);
            }
            is_open
        });
        self.closed_lists = 0;
    }

    fn append(&mut self, slot: u32, list: u32) {
        let record = &mut self.lists[list as usize];
        let previous = record.last;
        record.last = slot;
        if previous == NONE {
            record.first = slot;
        } else {
            self.timers[previous as usize].next = slot;
        }
        let timer = &mut self.timers[slot as usize];
        timer.list = list;
        timer.previous = previous;
        timer.next = NONE;
    }

    fn unlink(&mut self, slot: u32) {
        let timer = &mut self.timers[slot as usize];
        let (list, previous, next) = (timer.list, timer.previous, timer.next);
        timer.list = NONE;
        let record = &mut self.lists[list as usize];
        if previous == NONE {
            record.first = next;
        } else {
            self.timers[previous as usize].next = next;
        }
        if next == NONE {
            record.last = previous;
        } else {
            self.timers[next as usize].previous = previous;
        }
    }

    fn timer(&self, key: TimerKey) -> Option<&Timer<T>> {
        let timer = self.timers.get(key.slot as usize)?;
        (timer.generation == key.generation && timer.payload.is_some()).then_some(timer)
    }

    fn timer_mut(&mut self, key: TimerKey) -> Option<&mut Timer<T>> {
        let timer = self.timers.get_mut(key.slot as usize)?;
        (timer.generation == key.generation && timer.payload.is_some()).then_some(timer)
    }

    fn take_slot(&mut self, start: u64, duration: u32, payload: T) -> u32 {
        self.live += 1;
        let Some(slot) = self.free.pop() else {
            let timer = Timer {
                payload: Some(payload),
                start,
                duration,
                generation: 0,
                list: NONE,
                previous: NONE,
                next: NONE,
            };
            self.timers.push(timer);
            return self.timers.len() as u32 - 1;
        };
        let timer = &mut self.timers[slot as usize];
        timer.payload = Some(payload);
        timer.start = start;
        timer.duration = duration;
        slot
    }

    fn free_slot(&mut self, slot: u32) -> Option<T> {
        self.live -= 1;
        let timer = &mut self.timers[slot as usize];
        timer.generation = timer.generation.wrapping_add(1);
        self.free.push(slot);
        timer.payload.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, VecDeque};

    /// Runs a pass in which nothing else happens and returns the payloads in order.
    fn pass(timers: &mut Timers<u32>, now: u64) -> Vec<u32> {
        timers.begin_pass(now);
        let mut fired = Vec::new();
        while let Some(key) = timers.next_due(now) {
            fired.extend(timers.release(key));
        }
        fired
    }

    #[test]
    fn timers_of_one_duration_fire_in_the_order_of_their_creation() {
        let mut timers = Timers::new();
        for payload in 0..5 {
            timers.insert(100, 10, payload);
        }
        assert_eq!(timers.next_expiry(), Some(110));
        assert_eq!(pass(&mut timers, 109), []);
        assert_eq!(pass(&mut timers, 110), [0, 1, 2, 3, 4]);
        assert!(timers.is_empty());
        assert_eq!(timers.next_expiry(), None);
    }

    #[test]
    fn a_late_pass_runs_the_whole_due_part_of_the_earliest_list_first() {
        let mut timers = Timers::new();
        timers.insert(0, 10, 1);
        timers.insert(0, 12, 2);
        timers.insert(5, 10, 3);
        timers.insert(9, 10, 4);
        assert_eq!(pass(&mut timers, 16), [1, 3, 2]);
        assert_eq!(timers.next_expiry(), Some(19));
        assert_eq!(pass(&mut timers, 19), [4]);
    }

    #[test]
    fn a_timer_started_during_a_pass_waits_for_the_next_however_slow_the_callbacks_are() {
        let mut timers = Timers::new();
        timers.insert(0, 1, 1);
        timers.begin_pass(1);
        let key = timers.next_due(1).expect("the first timer is due");
        timers.insert(1, 1, 2);
        assert!(timers.refresh(key, 1));
        assert_eq!(timers.next_due(50), None);
        assert_eq!(pass(&mut timers, 50), [2, 1]);
    }

    #[test]
    fn a_refreshed_timer_goes_behind_the_others_of_its_duration() {
        let mut timers = Timers::new();
        let first = timers.insert(0, 300, 1);
        timers.insert(0, 300, 2);
        assert!(timers.refresh(first, 0));
        assert_eq!(pass(&mut timers, 300), [2, 1]);
    }

    #[test]
    fn a_cancelled_timer_causes_no_wake_up_and_its_key_stays_stale_when_the_slot_is_used_again() {
        let mut timers = Timers::new();
        let old = timers.insert(0, 10, 1);
        assert_eq!(timers.cancel(old), Some(1));
        assert_eq!(timers.next_expiry(), None);
        let new = timers.insert(3, 10, 2);
        assert_eq!(
            (old.slot, timers.contains(old)),
            (new.slot, false),
            "one slot, two names"
        );
        assert_eq!(timers.get(old), None);
        assert_eq!(timers.cancel(old), None);
        assert_eq!(timers.release(old), None);
        assert!(!timers.refresh(old, 5));
        assert!(!timers.rearm(old, 5, 7));
        assert_eq!(timers.next_expiry(), Some(13));
        assert_eq!(timers.get_mut(new).copied(), Some(2));
    }

    #[test]
    fn a_firing_timer_is_live_until_it_is_released_or_cancelled() {
        let mut timers = Timers::new();
        timers.insert(0, 1, 1);
        timers.insert(0, 1, 2);
        timers.begin_pass(1);
        let released = timers.next_due(1).expect("due");
        assert!(timers.contains(released) && !timers.is_queued(released));
        assert_eq!(timers.release(released), Some(1));
        let cancelled = timers.next_due(1).expect("due");
        assert_eq!(timers.len(), 1);
        assert_eq!(timers.cancel(cancelled), Some(2));
        assert_eq!(timers.release(cancelled), None);
        assert!(!timers.rearm(cancelled, 1, 1));
        assert_eq!(timers.next_due(1), None);
    }

    #[test]
    fn a_pass_that_was_left_half_done_goes_on_in_the_next() {
        let mut timers = Timers::new();
        for payload in 0..4 {
            timers.insert(0, 5, payload);
        }
        timers.begin_pass(5);
        let key = timers.next_due(5).expect("due");
        timers.release(key);
        assert_eq!(pass(&mut timers, 5), [1, 2, 3]);
    }

    #[test]
    fn a_list_cleared_and_built_again_in_its_own_pass_counts_as_a_new_list() {
        for clears in [false, true] {
            let mut timers = Timers::new();
            timers.insert(0, 10, 1);
            let other = timers.insert(0, 10, 2);
            timers.begin_pass(10);
            let firing = timers.next_due(10).expect("due");
            if !clears {
                timers.release(firing);
                timers.next_due(10).expect("due");
            } else {
                timers.cancel(other);
            }
            timers.insert(10, 10, 3);
            timers.insert(13, 7, 4);
            assert_eq!(timers.next_due(20), None);
            let expected = if clears { [3, 4] } else { [4, 3] };
            assert_eq!(pass(&mut timers, 20), expected, "clears: {clears}");
        }
    }

    #[test]
    fn a_firing_timer_that_cancels_itself_and_leaves_nothing_behind_closes_its_list() {
        for cancels_itself in [false, true] {
            let mut timers = Timers::new();
            timers.insert(0, 10, 1);
            timers.begin_pass(10);
            let firing = timers.next_due(10).expect("due");
            if cancels_itself {
                timers.cancel(firing);
            }
            timers.insert(10, 10, 3);
            timers.insert(13, 7, 4);
            timers.release(firing);
            assert_eq!(timers.next_due(20), None);
            let expected = if cancels_itself { [3, 4] } else { [4, 3] };
            assert_eq!(pass(&mut timers, 20), expected, "{cancels_itself}");
        }
    }

    #[test]
    fn a_list_opened_again_for_an_earlier_start_is_not_late_and_leaves_no_trace() {
        let mut timers = Timers::new();
        let cancelled = timers.insert(100, 10, 1);
        let moved = timers.insert(100, 99, 2);
        let between = timers.insert(100, 5, 5);
        timers.cancel(cancelled);
        assert!(timers.rearm(moved, 50, 10));
        assert_eq!(timers.next_expiry(), Some(60));
        assert_eq!(pass(&mut timers, 100), [2]);
        timers.cancel(between);
        assert_eq!(timers.next_expiry(), None);
        assert_eq!(timers.free_lists.len(), timers.lists.len());
        timers.insert(100, 7, 3);
        timers.insert(100, 8, 4);
        assert_eq!(pass(&mut timers, 107), [3]);
        assert_eq!(pass(&mut timers, 108), [4]);
    }

    #[test]
    fn durations_that_never_come_back_leave_no_memory_behind() {
        let mut timers = Timers::new();
        for round in 0..100_000 {
            let key = timers.insert(0, 1_000_000 + round, round);
            assert_eq!(timers.cancel(key), Some(round));
        }
        assert!(timers.lists.len() <= SPARE_LISTS + 8);
        assert!(timers.order.len() <= SPARE_LISTS + 8);
        assert_eq!(timers.timers.len(), 1);
    }

    #[test]
    fn times_at_the_end_of_the_range_do_not_wrap_around() {
        let mut timers = Timers::new();
        timers.insert(u64::MAX - 5, u32::MAX, 1);
        timers.insert(u64::MAX - 5, 1, 2);
        assert_eq!(pass(&mut timers, u64::MAX - 4), [2]);
        assert_eq!(timers.len(), 1);
    }

    /// Node's algorithm, step by step: lists vanish when a cancellation or a pass empties them,
    /// and the earliest one is searched for each time.
    #[derive(Default)]
    struct Model {
        timers: BTreeMap<u32, ModelTimer>,
        lists: BTreeMap<u64, ModelList>,
        by_duration: BTreeMap<u32, u64>,
        last_id: u64,
        now: u64,
        current: Option<u64>,
    }

    struct ModelTimer {
        start: u64,
        duration: u32,
        list: Option<u64>,
    }

    /// A list is named by the id it was built with; `id` is the one that orders it now.
    struct ModelList {
        duration: u32,
        expiry: u64,
        id: u64,
        timers: VecDeque<u32>,
    }

    impl Model {
        fn insert(&mut self, name: u32, start: u64, duration: u32) {
            self.remove_from_list(name);
            let list = match self.by_duration.get(&duration) {
                Some(list) => *list,
                None => {
                    self.last_id += 1;
                    let id = self.last_id;
                    let expiry = start + u64::from(duration);
                    let timers = VecDeque::new();
                    let list = ModelList {
                        duration,
                        expiry,
                        id,
                        timers,
                    };
                    self.lists.insert(id, list);
                    self.by_duration.insert(duration, id);
                    id
                }
            };
            self.lists
                .get_mut(&list)
                .expect("a list that is in use")
                .timers
                .push_back(name);
            let timer = ModelTimer {
                start,
                duration,
                list: Some(list),
            };
            self.timers.insert(name, timer);
        }

        fn remove_from_list(&mut self, name: u32) {
            let Some(list) = self.timers.get_mut(&name).and_then(|t| t.list.take()) else {
                return;
            };
            if let Some(list) = self.lists.get_mut(&list) {
                list.timers.retain(|other| *other != name);
            }
        }

        fn cancel(&mut self, name: u32) -> bool {
            self.remove_from_list(name);
            let Some(timer) = self.timers.remove(&name) else {
                return false;
            };
            self.delete_if_empty(timer.duration);
            true
        }

        fn delete_if_empty(&mut self, duration: u32) {
            if let Some(list) = self.by_duration.get(&duration).copied()
                && self.lists[&list].timers.is_empty()
            {
                self.by_duration.remove(&duration);
                self.lists.remove(&list);
            }
        }

        fn rearm(&mut self, name: u32, start: u64, duration: u32) -> bool {
            let Some(timer) = self.timers.get(&name) else {
                return false;
            };
            let left = timer.list.map(|_| timer.duration);
            self.insert(name, start, duration);
            if let Some(left) = left
                && left != duration
            {
                self.delete_if_empty(left);
            }
            true
        }

        fn next_due(&mut self) -> Option<u32> {
            loop {
                let Some(name) = self.current.filter(|l| self.lists.contains_key(l)) else {
                    let earliest = self.lists.iter().min_by_key(|(_, l)| (l.expiry, l.id))?;
                    if earliest.1.expiry > self.now {
                        return None;
                    }
                    self.current = Some(*earliest.0);
                    continue;
                };
                let list = self.lists.get_mut(&name).expect("the current list");
                let Some(first) = list.timers.front().copied() else {
                    self.by_duration.remove(&list.duration);
                    self.lists.remove(&name);
                    continue;
                };
                let start = self.timers[&first].start;
                if self.now.saturating_sub(start) < u64::from(list.duration) {
                    self.last_id += 1;
                    list.expiry = (start + u64::from(list.duration)).max(self.now + 1);
                    list.id = self.last_id;
                    self.current = None;
                    continue;
                }
                self.remove_from_list(first);
                return Some(first);
            }
        }

        fn next_expiry(&self) -> Option<u64> {
            let lists = self.lists.values().filter(|list| !list.timers.is_empty());
            lists.map(|list| list.expiry).min()
        }
    }

    /// Both at once, told the same things in the same order by a seeded generator.
    struct Pair {
        ours: Timers<u32>,
        model: Model,
        keys: Vec<TimerKey>,
        durations: u64,
        random: u64,
        now: u64,
    }

    impl Pair {
        fn new(seed: u64, durations: u64) -> Self {
            Pair {
                ours: Timers::new(),
                model: Model::default(),
                keys: Vec::new(),
                durations,
                random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
                now: 1000,
            }
        }

        fn below(&mut self, bound: u64) -> u64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            (self.random >> 16) % bound
        }

        fn duration(&mut self) -> u32 {
            1 + self.below(self.durations) as u32
        }

        /// One operation on a timer of any age, so also on many that are long gone.
        fn operate(&mut self) {
            let choice = self.below(10);
            if choice < 4 || self.keys.is_empty() {
                let name = self.keys.len() as u32;
                let duration = self.duration();
                self.keys.push(self.ours.insert(self.now, duration, name));
                return self.model.insert(name, self.now, duration);
            }
            let recent = self.keys.len() as u64;
            let name = (recent - 1 - self.below(recent.min(60))) as u32;
            let key = self.keys[name as usize];
            if choice < 7 {
                let ours = self.ours.cancel(key);
                assert_eq!(ours, self.model.cancel(name).then_some(name));
            } else if choice < 9 {
                let duration = self.model.timers.get(&name).map_or(1, |t| t.duration);
                let ours = self.ours.refresh(key, self.now);
                assert_eq!(ours, self.model.rearm(name, self.now, duration));
            } else {
                let duration = self.duration();
                let ours = self.ours.rearm(key, self.now, duration);
                assert_eq!(ours, self.model.rearm(name, self.now, duration));
            }
        }

        /// A pass whose callbacks take time and do anything, to themselves as well.
        fn pass(&mut self) -> usize {
            self.ours.begin_pass(self.now);
            self.model.now = self.now;
            self.model.current = None;
            for fired in 0.. {
                assert!(fired < 100_000, "a pass must end");
                let expected = self.model.next_due();
                let key = self.ours.next_due(self.now);
                assert_eq!(
                    key.and_then(|key| self.ours.get(key)).copied(),
                    expected,
                    "at {}",
                    self.now
                );
                let (Some(key), Some(name)) = (key, expected) else {
                    return fired;
                };
                self.fire(key, name);
            }
            unreachable!("the loop above has no end")
        }

        fn fire(&mut self, key: TimerKey, name: u32) {
            assert!(!self.ours.is_queued(key));
            let start = self.now;
            if self.below(8) == 0 {
                assert_eq!(self.ours.cancel(key), Some(name));
                assert!(self.model.cancel(name));
            }
            for _ in 0..self.below(4) {
                self.now += self.below(3);
                self.operate();
            }
            match self.below(8) {
                0 => {
                    let ours = self.ours.cancel(key);
                    assert_eq!(ours, self.model.cancel(name).then_some(name));
                }
                1 => {
                    let ours = self.ours.refresh(key, self.now);
                    let duration = self.model.timers.get(&name).map_or(1, |t| t.duration);
                    assert_eq!(ours, self.model.rearm(name, self.now, duration));
                }
                2 | 3 => {
                    let duration = self.model.timers.get(&name).map_or(1, |t| t.duration);
                    let ours = self.ours.rearm(key, start, duration);
                    assert_eq!(ours, self.model.rearm(name, start, duration));
                }
                _ => {}
            }
            let is_done = self
                .model
                .timers
                .get(&name)
                .is_some_and(|t| t.list.is_none());
            if is_done {
                self.model.timers.remove(&name);
            }
            assert_eq!(self.ours.release(key), is_done.then_some(name));
        }
    }

    #[test]
    fn the_order_is_that_of_nodes_algorithm_whatever_happens_during_the_passes() {
        for seed in 0..60 {
            let mut pair = Pair::new(seed, [3, 12, 40, 400][seed as usize % 4]);
            let mut fired = 0;
            for _ in 0..400 {
                for _ in 0..pair.below(12) {
                    pair.operate();
                    pair.now += pair.below(2);
                }
                if pair.below(4) > 0 {
                    assert_eq!(pair.ours.next_expiry(), pair.model.next_expiry());
                }
                pair.now += pair.below(20);
                fired += pair.pass();
                assert_eq!(pair.ours.len(), pair.model.timers.len());
            }
            assert!(fired > 100, "seed {seed} fired only {fired} timers");
        }
    }
}
