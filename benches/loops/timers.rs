//! Timers, of random duration, cancelled and armed again in random order.

#[path = "../../src/rules/timers/mod.rs"]
#[allow(dead_code, reason = "a part of it is measured")]
mod structure;

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use netloop::{EventLoop, TimerId};
use structure::{TimerKey, Timers};

use super::{Run, timed};

/// The longest timer, milliseconds.
const LONGEST: u32 = 60_000;

/// How many timers are inserted and fired.
const FIRED: usize = 1_000_000;

/// The longest of those that fire: so long the bench sleeps, unmeasured, until all are due.
const LONGEST_FIRED: u32 = 500;

/// What every callback carries along.
type Luggage = [u64; 2];

/// What can be done to timers, by the bare structure and by the loop.
trait Clockwork {
    type Key: Copy;
    fn insert(&mut self, duration: u32, luggage: Luggage) -> Self::Key;
    fn arm_again(&mut self, key: Self::Key);
    fn cancel(&mut self, key: Self::Key);
    /// A while passes between two rounds.
    fn pass(&mut self) {}
}

/// The structure, with the time it is told.
#[derive(Default)]
struct Structure {
    timers: Timers<Luggage>,
    now: u64,
}

impl Clockwork for Structure {
    type Key = TimerKey;

    fn insert(&mut self, duration: u32, luggage: Luggage) -> TimerKey {
        self.timers.insert(self.now, duration, luggage)
    }

    fn arm_again(&mut self, key: TimerKey) {
        self.timers.refresh(key, self.now);
    }

    fn cancel(&mut self, key: TimerKey) {
        self.timers.cancel(key);
    }

    fn pass(&mut self) {
        self.now += 1;
    }
}

impl Clockwork for EventLoop {
    type Key = TimerId;

    fn insert(&mut self, duration: u32, luggage: Luggage) -> TimerId {
        let delay = Duration::from_millis(duration.into());
        self.set_timeout(delay, move |_| {
            black_box(luggage);
        })
    }

    fn arm_again(&mut self, key: TimerId) {
        self.refresh(key);
    }

    fn cancel(&mut self, key: TimerId) {
        self.clear_timeout(key);
    }
}

/// Insert, arm again and cancel, with few timers and with very many.
pub(crate) fn operations(run: &mut Run<'_>) {
    let mut random = Random(7);
    for (timers, quick, full) in [(1_000, 300, 2_000), (1_000_000, 3, 9)] {
        let samples = run.arguments.pick(quick, full);
        let case = format!("structure, {timers} timers");
        if run.wants(&case) {
            let mut structure = Structure::default();
            run.keep(&case, operate(&mut structure, timers, samples, &mut random));
        }
        let case = format!("public API, {timers} timers");
        if run.wants(&case) {
            let mut event_loop = EventLoop::new().expect("a loop can be made");
            run.keep(
                &case,
                operate(&mut event_loop, timers, samples, &mut random),
            );
        }
    }
}

/// Nanoseconds to insert, arm again and cancel, each on all timers in an order of its own.
fn operate<C: Clockwork>(
    clockwork: &mut C,
    timers: usize,
    samples: usize,
    random: &mut Random,
) -> [(&'static str, Vec<f64>); 3] {
    let durations: Vec<u32> = (0..timers).map(|_| 1 + random.below(LONGEST)).collect();
    let mut keys = Vec::with_capacity(timers);
    let mut figures = [("insert", vec![]), ("re-arm", vec![]), ("cancel", vec![])];
    let warm_up = samples.div_ceil(5);
    for sample in 0..samples + warm_up {
        keys.clear();
        clockwork.pass();
        let insert = timed(timers, || {
            keys.extend(
                durations
                    .iter()
                    .map(|&duration| clockwork.insert(duration, [1, 2])),
            );
        });
        random.shuffle(&mut keys);
        clockwork.pass();
        let arm = timed(timers, || {
            keys.iter().for_each(|&key| clockwork.arm_again(key))
        });
        random.shuffle(&mut keys);
        let cancel = timed(timers, || {
            keys.iter().for_each(|&key| clockwork.cancel(key))
        });
        if sample >= warm_up {
            for ((_, samples), figure) in figures.iter_mut().zip([insert, arm, cancel]) {
                samples.push(figure);
            }
        }
    }
    figures
}

/// A million timers inserted, and all fired in one pass once they are due.
pub(crate) fn fired(run: &mut Run<'_>) {
    let samples = run.arguments.pick(3, 7);
    let mut random = Random(11);
    let durations: Vec<u32> = (0..FIRED)
        .map(|_| 1 + random.below(LONGEST_FIRED))
        .collect();
    let case = "structure, 1 M mixed timers";
    if run.wants(case) {
        run.keep(
            case,
            rounds(samples, Structure::default, |structure| {
                fired_by_the_structure(structure, &durations)
            }),
        );
    }
    let case = "public API, 1 M mixed timers";
    if run.wants(case) {
        let new_loop = || EventLoop::new().expect("a loop can be made");
        run.keep(
            case,
            rounds(samples, new_loop, |event_loop| {
                fired_by_the_loop(event_loop, &durations)
            }),
        );
    }
}

/// Two rounds of each sample: one that finds everything new and in order, and one that finds the
/// tables grown and their free places scattered.
fn rounds<C>(
    samples: usize,
    new: impl Fn() -> C,
    round: impl Fn(&mut C) -> f64,
) -> [(&'static str, Vec<f64>); 2] {
    let mut figures = [
        ("insert and fire", vec![]),
        ("insert and fire again", vec![]),
    ];
    for _ in 0..samples {
        let mut clockwork = new();
        for (_, samples) in &mut figures {
            samples.push(round(&mut clockwork));
        }
    }
    figures
}

fn fired_by_the_structure(structure: &mut Structure, durations: &[u32]) -> f64 {
    let time = timed(FIRED, || {
        for &duration in durations {
            structure.insert(duration, [1, 2]);
        }
        structure.now += u64::from(LONGEST_FIRED);
        structure.timers.begin_pass(structure.now);
        while let Some(key) = structure.timers.next_due(structure.now) {
            black_box(structure.timers.release(key));
        }
    });
    assert!(structure.timers.is_empty(), "all were due");
    time
}

fn fired_by_the_loop(event_loop: &mut EventLoop, durations: &[u32]) -> f64 {
    let calls = Rc::new(Cell::new(0_usize));
    let insert = timed(FIRED, || {
        for (number, &duration) in durations.iter().enumerate() {
            let calls = calls.clone();
            let delay = Duration::from_millis(duration.into());
            event_loop.set_timeout(delay, move |_| {
                black_box(number);
                calls.set(calls.get() + 1);
            });
        }
    });
    // The loop would sleep for them, which is no cost of its own.
    std::thread::sleep(Duration::from_millis(u64::from(LONGEST_FIRED) + 1));
    let fire = timed(FIRED, || event_loop.run().expect("nothing fails"));
    assert_eq!(calls.get(), FIRED, "all have fired");
    insert + fire
}

/// Numbers without order, the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}
