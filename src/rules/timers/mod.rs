//! Node's timer lists: which timer is due next, in Node's order. The caller gives them the time.
//!
//! Timers of one duration form one first-in-first-out list, and the *lists* are ordered, by the
//! time at which they expire and then by their id (Node's `lib/internal/timers.js`). Two
//! consequences are Node's and are kept: a late pass runs the whole due part of the earliest list
//! before it looks at the next one, and a timer that starts during a pass waits for a later pass.

mod lists;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use lists::Lists;

/// The end of a chain; also the list of a timer that is in none.
const NONE: u32 = u32::MAX;

/// Names one timer; stale once the timer is cancelled or released.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TimerKey {
    slot: u32,
    generation: u32,
}

/// One timer in the arena; a slot without a payload is free. It fits into one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Timer<T> {
    payload: Option<T>,
    start: u64,
    duration: u32,
    generation: u32,
    /// The list it is in, or `NONE` while it is firing or free.
    list: u32,
    previous: u32,
    next: u32,
}

/// All timers of a loop, each with a payload `T`. Times and durations are whole milliseconds.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    timers: Vec<Timer<T>>,
    /// The free slots. They are a stack beside the arena, and not a chain through it: so a slot can be
    /// taken without being read first.
    free: Vec<u32>,
    live: usize,
    lists: Lists,
    /// The time with which the running pass began.
    pass: Option<u64>,
    /// No pass begins before this time, whatever is due.
    next_pass: u64,
    /// The list that the pass works through, with its id: a list that was closed and opened again
    /// meanwhile counts as another one.
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
            lists: Lists::default(),
            pass: None,
            next_pass: 0,
            current: None,
        }
    }

    /// Starts a timer at `now_ms` that is due `duration_ms` (at least 1) later, after all queued
    /// timers of the same duration.
    pub(crate) fn insert(&mut self, now_ms: u64, duration_ms: u32, payload: T) -> TimerKey {
        let slot = self.take_slot(now_ms, duration_ms, payload);
        let list = self.lists.open(duration_ms, now_ms);
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
            self.lists.close_if_empty(list);
        } else {
            self.lists.close_if_emptied(duration);
        }
        self.free_slot(key.slot)
    }

    /// Starts a timer again at `now` with its own duration, after all others of that duration.
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
    /// The timer goes to the back of its list even if it started before the timers in front of it, and
    /// then waits for them, as in Node. To be called at a given time, pass the present time and the
    /// duration until then.
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
            self.lists.close_if_empty(old_list);
        }
        let list = self.lists.open(duration, start);
        self.append(key.slot, list);
        true
    }

    /// The payload of a live timer, queued or firing.
    pub(crate) fn get(&self, key: TimerKey) -> Option<&T> {
        self.timer(key)?.payload.as_ref()
    }

    /// The payload of a live timer, queued or firing, to be changed.
    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.timer_mut(key)?.payload.as_mut()
    }

    /// How long after its start a live timer is due.
    pub(crate) fn duration(&self, key: TimerKey) -> Option<u32> {
        Some(self.timer(key)?.duration)
    }

    /// All live timers, each with the time at which it is due.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TimerKey, u64, &T)> {
        let slots = (0..).zip(&self.timers);
        slots.filter_map(|(slot, timer)| {
            let generation = timer.generation;
            let due = timer.start.saturating_add(u64::from(timer.duration));
            Some((TimerKey { slot, generation }, due, timer.payload.as_ref()?))
        })
    }

    /// Whether the timer is live: queued, or firing and not yet released.
    pub(crate) fn contains(&self, key: TimerKey) -> bool {
        self.timer(key).is_some()
    }

    /// Whether the timer is in a list; `false` while it is firing.
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
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Begins a pass over what is due at `now`. It replaces a pass that was left unfinished; what that
    /// had not reached is still due.
    pub(crate) fn begin_pass(&mut self, now: u64) {
        self.pass = Some(now);
        self.current = None;
    }

    /// Whether a pass has begun and not ended.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.pass.is_some()
    }

    /// Ends the pass if nothing more of it is due; `now` is the time that was read last. What fell due
    /// meanwhile waits for the next millisecond: Node starts libuv's timer again for one at least
    /// (`RunTimers` in `src/env.cc`).
    pub(crate) fn end_pass(&mut self, now: u64) {
        if self.pass.is_some() && self.settle().is_none() && self.next_expired_list().is_none() {
            self.pass = None;
            self.next_pass = now.saturating_add(1);
        }
    }

    /// Takes the next timer of the pass out of its list. The timer is then *firing*: live, with
    /// its payload in place, until `release`, `refresh`, `rearm` or `cancel`.
    ///
    /// A pass keeps the time with which it began, however long its callbacks take, so the timers that
    /// they start are left for a later pass; a `now` that has moved on decides nothing.
    pub(crate) fn next_due(&mut self, now: u64) -> Option<TimerKey> {
        debug_assert!(self.pass <= Some(now), "time went back during a pass");
        loop {
            if let Some(slot) = self.settle() {
                let generation = self.timers[slot as usize].generation;
                self.unlink(slot);
                return Some(TimerKey { slot, generation });
            }
            self.current = self.next_expired_list();
            self.current?;
        }
    }

    /// Whether the list of the pass was closed by a cancellation, as by an interval that clears itself.
    pub(crate) fn has_lost_its_list(&self) -> bool {
        let current = self.current;
        current.is_some_and(|(list, id)| !self.lists.is(list, id))
    }

    /// Leaves the list of the pass if nothing in it is due: the list is closed, or postponed. Node does so
    /// after each callback, before the ticks. Returns the slot of the timer that is due next.
    pub(crate) fn settle(&mut self) -> Option<u32> {
        let (list, id) = self.current?;
        if !self.lists.is(list, id) {
            self.current = None;
            return None;
        }
        let first = self.lists.get_mut(list).first;
        if first == NONE {
            self.lists.close(list);
            self.current = None;
            return None;
        }
        let timer = &self.timers[first as usize];
        let due = timer.start.saturating_add(u64::from(timer.duration));
        if self.pass.is_none_or(|now| due > now) {
            self.lists.postpone(list, due);
            self.current = None;
            return None;
        }
        Some(first)
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

    /// The time at which the next pass begins; `None` when nothing is queued.
    ///
    /// A list whose first timer was cancelled keeps its expiry, as in Node, where that decides the order.
    /// So a pass may find nothing due, once for each list and duration. Empty lists are dropped.
    #[inline]
    pub(crate) fn next_expiry(&mut self) -> Option<u64> {
        Some(self.lists.earliest()?.expiry.max(self.next_pass))
    }

    /// The earliest list, if it has expired for this pass. It becomes the list of the pass.
    fn next_expired_list(&mut self) -> Option<(u32, u64)> {
        let now = self.pass?;
        let expired = self.lists.earliest().filter(|entry| entry.expiry <= now);
        expired.map(|entry| (entry.list, entry.id))
    }

    fn append(&mut self, slot: u32, list: u32) {
        let record = self.lists.get_mut(list);
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
        let record = self.lists.get_mut(list);
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
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => self.add_slot(),
        };
        let timer = &mut self.timers[slot as usize];
        timer.payload = Some(payload);
        timer.start = start;
        timer.duration = duration;
        slot
    }

    #[cold]
    fn add_slot(&mut self) -> u32 {
        self.timers.push(Timer {
            payload: None,
            start: 0,
            duration: 0,
            generation: 0,
            list: NONE,
            previous: NONE,
            next: NONE,
        });
        // Reserve room for all slots, so that the end of a timer allocates nothing: glibc consolidates
        // all small free chunks whenever it is asked for a large one.
        self.free.reserve(self.timers.capacity());
        self.timers.len() as u32 - 1
    }

    fn free_slot(&mut self, slot: u32) -> Option<T> {
        self.live -= 1;
        let timer = &mut self.timers[slot as usize];
        timer.generation = timer.generation.wrapping_add(1);
        self.free.push(slot);
        timer.payload.take()
    }
}
