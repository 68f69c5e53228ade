//! Chains: each callback queues the next one, as an immediate, a tick or a microtask.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use mio::{Events, Poll};
use netloop::{EventLoop, Loop};

use super::{Run, timed};

/// Links of a chain.
const LINKS: u64 = 100_000;

/// Queues the next link.
type Queue = fn(&mut Loop, Link);

/// A callback that queues the next one.
struct Link {
    left: u64,
    calls: Rc<Cell<u64>>,
    queue: Queue,
}

impl Link {
    fn run(self, event_loop: &mut Loop) {
        self.calls.set(self.calls.get() + 1);
        if self.left > 1 {
            (self.queue)(
                event_loop,
                Link {
                    left: self.left - 1,
                    ..self
                },
            );
        }
    }
}

fn next_tick(event_loop: &mut Loop, link: Link) {
    event_loop.next_tick(move |event_loop| link.run(event_loop));
}

fn queue_microtask(event_loop: &mut Loop, link: Link) {
    event_loop.queue_microtask(move |event_loop| link.run(event_loop));
}

fn set_immediate(event_loop: &mut Loop, link: Link) {
    event_loop.set_immediate(move |event_loop| link.run(event_loop));
}

/// Nanoseconds a link, and how many ran.
fn chain(links: u64, queue: Queue) -> (f64, u64) {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    let calls = Rc::new(Cell::new(0));
    queue(
        &mut event_loop,
        Link {
            left: links,
            calls: calls.clone(),
            queue,
        },
    );
    let time = timed(links as usize, || event_loop.run().expect("nothing fails"));
    (time, calls.get())
}

/// Nanoseconds of a look at an empty epoll instance: what a turn of any loop costs at least.
fn empty_wait() -> f64 {
    let mut poll = Poll::new().expect("an epoll instance can be made");
    let mut events = Events::with_capacity(16);
    timed(LINKS as usize, || {
        for _ in 0..LINKS {
            poll.poll(&mut events, Some(Duration::ZERO))
                .expect("nothing fails");
        }
    })
}

/// A short chain, so that a broken bench is seen by `cargo test --benches`.
pub(crate) fn smoke() {
    assert_eq!(chain(10, next_tick).1, 10, "the whole chain ran");
}

/// All three kinds.
pub(crate) fn measure(run: &mut Run<'_>) {
    let samples = run.arguments.pick(11, 41);
    let queues: [(&str, Queue); 3] = [
        ("set_immediate", set_immediate),
        ("next_tick", next_tick),
        ("queue_microtask", queue_microtask),
    ];
    for (name, queue) in queues {
        let case = format!("{name} chain");
        if !run.wants(&case) {
            continue;
        }
        let mut figures = [
            ("a link", vec![]),
            ("an empty wait", vec![]),
            ("ratio", vec![]),
        ];
        for sample in 0..=samples {
            let wait = empty_wait();
            let (link, calls) = chain(LINKS, queue);
            assert_eq!(calls, LINKS, "the whole chain ran");
            // The first is the warm-up.
            if sample > 0 {
                for ((_, samples), figure) in figures.iter_mut().zip([link, wait, link / wait]) {
                    samples.push(figure);
                }
            }
        }
        // Only an immediate takes a turn, and so a look at the kernel, of its own.
        let shown = if name == "set_immediate" { 3 } else { 1 };
        run.keep(&case, figures.into_iter().take(shown));
    }
}
