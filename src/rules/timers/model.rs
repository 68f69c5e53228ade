//! All rules at once: random programs, checked against Node's own algorithm.

use std::collections::{BTreeMap, VecDeque};

use super::{TimerKey, Timers};

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

/// A list is named by the id it was built with; `id` is the one that orders it at present.
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

/// Both implementations, which a seeded generator feeds the same operations in the same order.
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

    /// One operation on a timer of any age, often on one that is long gone.
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
