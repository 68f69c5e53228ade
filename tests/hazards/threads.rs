//! Other threads: what they post to a loop.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netloop::trace::{Subject, What};
use netloop::{Handle, Loop};

use crate::stage::*;
use crate::support::{has_strace, skipped};
use crate::tools::*;

/// What was run, in order.
#[derive(Clone, Default)]
struct Run(Arc<Mutex<Vec<usize>>>);

impl Run {
    fn note(&self, number: usize) {
        self.0.lock().unwrap().push(number);
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Posts that so many numbers be noted.
    fn post(&self, handle: &Handle, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let run = self.clone();
            handle.post(move |_| run.note(number)).unwrap();
        }
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<usize> {
    range.collect()
}

/// Catches: what was posted runs on another thread, or in another order.
#[test]
fn posts_run_on_the_thread_of_the_loop_in_their_order() {
    if lacks(Real::Threads) {
        return;
    }
    let mut l = event_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    let noted = run.clone();
    let home = thread::current().id();
    let poster = thread::spawn(move || {
        noted.post(&handle, 0..500);
        handle
            .post(move |_| assert_eq!(thread::current().id(), home))
            .unwrap();
        noted.post(&handle, 500..1000);
    });
    l.run().unwrap();
    poster.join().unwrap();
    assert_eq!(run.take(), numbers(0..1000));
}

/// Catches: the loop does not wait for handles, or is not woken when the last one goes.
#[test]
fn a_handle_holds_the_loop_until_it_and_its_clones_are_gone() {
    if lacks(Real::Threads) {
        return;
    }
    let mut l = event_loop();
    let handle = l.handle().unwrap();
    let clone = handle.clone();
    let (here, home) = mpsc::channel();
    let say_where = move |_: &mut Loop| here.send(fs::read_link("/proc/thread-self")).unwrap();
    handle.post(say_where).unwrap();
    let is_dropped = Arc::new(AtomicBool::new(false));
    let drops = Arc::clone(&is_dropped);
    let other = thread::spawn(move || {
        drop(handle);
        await_sleep(&home.recv().unwrap().unwrap());
        drops.store(true, Ordering::SeqCst);
        drop(clone);
    });
    l.run().unwrap();
    assert!(
        is_dropped.load(Ordering::SeqCst),
        "it has waited for the clone"
    );
    other.join().unwrap();
}

/// Waits until a thread sleeps: the loop has nothing to do.
fn await_sleep(thread: &Path) {
    let stat = Path::new("/proc").join(thread).join("stat");
    let start = Instant::now();
    while !fs::read_to_string(&stat)
        .unwrap_or_default()
        .contains(") S ")
    {
        assert!(start.elapsed() < LIMIT, "the loop does not sleep");
        thread::yield_now();
    }
}

/// Catches: a loop is held by a handle that was let go, or not held by one that was taken back.
#[test]
fn a_handle_that_was_let_go_does_not_hold_the_loop_nor_do_its_clones() {
    let mut l = event_loop();
    let mut handle = l.handle().unwrap();
    assert!(l.is_alive());
    handle.unref().unref();
    let clone = handle.clone();
    assert!(!l.is_alive());
    handle.ref_().ref_();
    assert!(l.is_alive());
    drop(handle);
    assert!(!l.is_alive());
    let run = Run::default();
    run.post(&clone, 0..1);
    assert!(l.is_alive(), "what was posted is to run");
    l.run().unwrap();
    assert_eq!(run.take(), [0]);
}

/// Catches: each post wakes the loop.
#[test]
fn many_posts_wake_the_loop_once() {
    if lacks(Real::Processes) {
        return;
    }
    if is_child() {
        let mut l = event_loop();
        let (handle, run) = (l.handle().unwrap(), Run::default());
        let noted = run.clone();
        thread::spawn(move || noted.post(&handle, 0..5000))
            .join()
            .unwrap();
        l.run().unwrap();
        return assert_eq!(run.take(), numbers(0..5000));
    }
    if !has_strace() {
        return skipped("posts wake the loop once", "strace may not trace here");
    }
    let file = trace_file("posts");
    let child = myself("threads::many_posts_wake_the_loop_once");
    let mut traced: Command = under_strace(&child, &file, &["-e", "trace=write"]);
    traced.envs(
        child
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    passes(traced);
    let trace = read_trace(&file);
    let wakes = trace
        .lines()
        .filter(|line| line.contains(r#""\1\0\0\0\0\0\0\0", 8"#));
    assert_eq!(wakes.count(), 1, "{trace}");
}

/// Catches: the loop does nothing else until all that was posted has run, or another loop that waits
/// for it is not told that more is left.
#[test]
fn posts_are_bounded_in_a_turn_and_the_rest_comes_in_the_next() {
    let mut l = event_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    run.post(&handle, 0..2500);
    drop(handle);
    let words = Words::default();
    let said = words.clone();
    l.set_immediate(move |_| said.say("check"));
    assert!(l.run_nowait().unwrap());
    assert_eq!(run.take(), numbers(0..1000));
    assert_eq!(words.take(), ["check"]);
    assert_eq!(l.backend_timeout(), Some(Duration::ZERO));
    assert!(l.run_nowait().unwrap());
    assert_eq!(run.take(), numbers(1000..2000));
    assert!(!l.run_nowait().unwrap());
    assert_eq!(run.take(), numbers(2000..2500));
}

/// Catches: a callback that posts to its own loop is run in the same turn for ever.
#[test]
fn a_post_that_posts_again_does_not_starve_the_sockets() {
    if lacks(Real::Clock) {
        return;
    }
    fn again(handle: Handle, is_over: Arc<AtomicBool>) {
        if !is_over.load(Ordering::Relaxed) {
            let next = handle.clone();
            handle.post(move |_| again(next, is_over)).unwrap();
        }
    }
    let mut l = event_loop();
    let is_over = Arc::new(AtomicBool::new(false));
    again(l.handle().unwrap(), Arc::clone(&is_over));
    l.after(ms(1), move |_| is_over.store(true, Ordering::Relaxed));
    l.run().unwrap();
}

/// Catches: what was posted behind a callback that panics is lost.
#[test]
fn a_post_that_panics_takes_no_other_with_it() {
    let mut l = event_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    run.post(&handle, 0..2);
    handle.post(|_| panic!("on purpose")).unwrap();
    run.post(&handle, 2..4);
    drop(handle);
    let left = catch_unwind(AssertUnwindSafe(|| l.run()));
    assert!(left.is_err());
    assert_eq!(run.take(), [0, 1]);
    l.run().unwrap();
    assert_eq!(run.take(), [2, 3]);
}

/// Catches: posting to a loop that is gone succeeds, or what nobody ran is never freed.
#[test]
fn posting_to_a_loop_that_is_gone_says_so() {
    let mut l = new_loop();
    let handle = l.handle().unwrap();
    let luggage = Arc::new(());
    let (carried, own) = (Arc::clone(&luggage), handle.clone());
    handle.post(move |_| drop((carried, own))).unwrap();
    drop(l);
    assert_eq!(Arc::strong_count(&luggage), 1, "what waited is dropped");
    let error = handle.post(|_| unreachable!()).unwrap_err();
    assert_eq!(error.code(), Some("ERR_LOOP_GONE"));
    assert_eq!(error.to_string(), "Cannot post to a loop that is gone");
}

/// Catches: a loop that is held up is posted to until there is no memory left.
#[test]
fn no_more_than_a_million_posts_wait() {
    let mut l = event_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    let taken = (0..2 << 20).take_while(|_| handle.post(|_| {}).is_ok());
    assert_eq!(taken.count(), 1 << 20);
    let error = handle.post(|_| unreachable!()).unwrap_err();
    assert_eq!(error.code(), Some("ENOBUFS"));
    l.run_nowait().unwrap();
    run.post(&handle, 0..1000); // there is room again for as many as have run
    assert!(handle.post(|_| unreachable!()).is_err());
    drop(handle);
    l.run().unwrap();
    assert_eq!(run.take(), numbers(0..1000));
}

/// Catches: another loop that waits for this one's descriptor sleeps through a post.
#[test]
fn a_post_wakes_the_loop_inside_another_loop() {
    if lacks(Real::Threads) {
        return;
    }
    let mut l = new_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    let mut other = Poll::new().unwrap();
    let fd = l.as_fd().as_raw_fd();
    let interest = Interest::READABLE;
    other
        .registry()
        .register(&mut SourceFd(&fd), Token(0), interest)
        .unwrap();
    let mut events = Events::with_capacity(8);
    let (asleep, wake) = mpsc::channel();
    let noted = run.clone();
    let poster = thread::spawn(move || {
        wake.recv().unwrap();
        noted.post(&handle, 0..2000);
    });
    while l.run_nowait().unwrap() {
        let timeout = l.backend_timeout();
        let _ = asleep.send(());
        other.poll(&mut events, timeout.or(Some(LIMIT))).unwrap();
        assert!(timeout.is_some() || !events.is_empty(), "not woken");
    }
    poster.join().unwrap();
    assert_eq!(run.take(), numbers(0..2000));
}

/// Catches: the trace does not lead from a posted callback to the kernel.
#[test]
fn the_cause_of_a_post_is_the_readiness_of_the_loop() {
    let mut l = event_loop();
    let (handle, run) = (l.handle().unwrap(), Run::default());
    run.post(&handle, 0..1500);
    drop(handle);
    let (tell, told) = mpsc::channel();
    l.on_trace(move |record| {
        let what = match record.what {
            What::Readiness { .. } => "readiness",
            What::Again(_) => "again",
            What::Callback(name) => name,
            _ => return,
        };
        assert_eq!(record.subject, Subject::Loop);
        tell.send((record.number, record.origin(), what)).unwrap();
    });
    l.run().unwrap();
    let told: Vec<_> = told.try_iter().collect();
    let (first, second) = (told[0], told[1001]);
    assert_eq!((first.2, second.2), ("readiness", "again"));
    assert!(
        told[1..=1000]
            .iter()
            .all(|(_, cause, what)| (*cause, *what) == (first.0, "post"))
    );
    assert!(
        told[1002..]
            .iter()
            .all(|(_, cause, what)| (*cause, *what) == (second.0, "post"))
    );
    assert_eq!(told.len(), 1502);
}
