//! Two threads: a round trip between them, and how fast one has things run by the other; beside
//! tokio's unbounded channel, between runtimes that wait in epoll as a loop does.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use netloop::{EventLoop, Handle};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Run, timed};

const ROUND_TRIPS: usize = 2_000;
const POSTS: usize = 100_000;

/// What every post and every message carries along.
type Luggage = [u64; 2];

pub(crate) fn measure(run: &mut Run<'_>) {
    let case = "threads";
    if !run.wants(case) {
        return;
    }
    let samples = run.arguments.pick(7, 21);
    let mut figures = [
        ("round trip", vec![]),
        ("round trip of tokio's", vec![]),
        ("ratio of round trips", vec![]),
        ("post", vec![]),
        ("message of tokio's", vec![]),
        ("ratio of posts", vec![]),
    ];
    for sample in 0..=samples {
        let (trip, tokio_trip) = (round_trips(ROUND_TRIPS), tokio_round_trips());
        let (post, tokio_post) = (posts(), tokio_posts());
        let taken = [
            trip,
            tokio_trip,
            trip / tokio_trip,
            post,
            tokio_post,
            post / tokio_post,
        ];
        // The first is the warm-up.
        if sample > 0 {
            for ((_, samples), figure) in figures.iter_mut().zip(taken) {
                samples.push(figure);
            }
        }
    }
    run.keep(case, figures);
}

/// A short exchange, so that a broken bench is seen by `cargo test --benches`.
pub(crate) fn smoke() {
    round_trips(10);
}

/// The loops of two threads.
struct Pair {
    here: Handle,
    there: Handle,
}

fn round_trips(count: usize) -> f64 {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    let here = event_loop.handle().expect("a descriptor is left");
    let (tell, told) = mpsc::channel();
    let other = thread::spawn(move || {
        let mut event_loop = EventLoop::new().expect("a loop can be made");
        let there = event_loop.handle().expect("a descriptor is left");
        tell.send(there).expect("the bench waits for it");
        event_loop.run().expect("nothing fails");
    });
    let there = told.recv().expect("the thread has started");
    let pair = Arc::new(Pair { here, there });
    let time = timed(count, || {
        ping(pair, count);
        event_loop.run().expect("nothing fails");
    });
    other.join().expect("its loop has ended");
    time
}

fn ping(pair: Arc<Pair>, left: usize) {
    let back = Arc::clone(&pair);
    let there = move |_: &mut _| {
        let next = Arc::clone(&back);
        let here = move |_: &mut _| {
            if left > 1 {
                ping(next, left - 1);
            }
        };
        back.here.post(here).expect("the loop runs");
    };
    pair.there.post(there).expect("the loop runs");
}

/// From the first post of one thread until the other has run the last.
fn posts() -> f64 {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    let handle = event_loop.handle().expect("a descriptor is left");
    event_loop.set_data(0_u64);
    timed(POSTS, || {
        let other = thread::spawn(move || {
            for number in 0..POSTS as u64 {
                let luggage: Luggage = [1, number];
                let count = move |event_loop: &mut netloop::Loop| {
                    if let Some(sum) = event_loop.data_mut::<u64>() {
                        *sum += luggage[0];
                    }
                };
                handle.post(count).expect("the loop runs");
            }
        });
        event_loop.run().expect("nothing fails");
        other.join().expect("all was posted");
        assert_eq!(event_loop.data(), Some(&(POSTS as u64)), "all have run");
    })
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_io().build();
    runtime.expect("a runtime can be made")
}

fn channel() -> (UnboundedSender<Luggage>, UnboundedReceiver<Luggage>) {
    unbounded_channel()
}

fn tokio_round_trips() -> f64 {
    let (to_there, mut there) = channel();
    let (to_here, mut here) = channel();
    let other = thread::spawn(move || {
        runtime().block_on(async move {
            while let Some(luggage) = there.recv().await {
                to_here.send(luggage).expect("it is waited for");
            }
        });
    });
    let runtime = runtime();
    let time = timed(ROUND_TRIPS, || {
        runtime.block_on(async {
            for number in 0..ROUND_TRIPS as u64 {
                to_there.send([1, number]).expect("the other thread runs");
                assert_eq!(here.recv().await, Some([1, number]));
            }
        });
    });
    drop(to_there);
    other.join().expect("it has ended");
    time
}

fn tokio_posts() -> f64 {
    let (sender, mut receiver) = channel();
    let runtime = runtime();
    timed(POSTS, || {
        let other = thread::spawn(move || {
            for number in 0..POSTS as u64 {
                sender.send([1, number]).expect("the runtime runs");
            }
        });
        let sum = runtime.block_on(async {
            let mut sum = 0;
            while let Some([one, _]) = receiver.recv().await {
                sum += one;
            }
            sum
        });
        other.join().expect("all was sent");
        assert_eq!(sum, POSTS as u64, "all have come");
    })
}
