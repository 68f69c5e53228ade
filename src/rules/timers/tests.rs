//! The rules one by one.

use super::*;

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
    assert!(pass(&mut timers, 109).is_empty());
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
fn what_falls_due_during_a_pass_waits_for_a_millisecond_from_the_time_that_was_read_last() {
    let mut timers = Timers::new();
    timers.insert(0, 1, 1);
    timers.insert(0, 5, 2);
    timers.begin_pass(1);
    let slow = timers.next_due(1).expect("the first timer is due");
    timers.insert(9, 20, 3); // its callback has run until 9, and read the clock
    timers.release(slow);
    timers.end_pass(9);
    assert!(!timers.is_in_pass());
    assert_eq!(timers.next_expiry(), Some(10), "and not 5");
    assert_eq!(pass(&mut timers, 10), [2]);
}

#[test]
fn a_pass_goes_on_as_long_as_something_of_it_is_due() {
    let mut timers = Timers::new();
    timers.insert(0, 1, 1);
    timers.insert(0, 2, 2);
    timers.begin_pass(3);
    let first = timers.next_due(3).expect("due");
    timers.release(first);
    timers.end_pass(3);
    assert!(timers.is_in_pass(), "the second list is due as well");
    assert!(timers.next_due(3).is_some());
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
