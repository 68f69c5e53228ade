//! Its rules one by one, and then all of them at once beside Node's own algorithm.

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
    let (lists, free) = timers.lists.places();
    assert_eq!(free, lists);
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
    assert!(timers.lists.places().0 <= super::lists::SPARE_LISTS + 8);
    assert!(timers.lists.entries() <= super::lists::SPARE_LISTS + 8);
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
