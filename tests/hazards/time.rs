//! K: time.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::stage::*;
use crate::support::skipped;
use crate::tools::*;

/// K1. Catches: the loop goes by the wall clock.
#[test]
fn a_wall_clock_that_jumps_moves_no_timer() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let Some(shim) = compiled("wall_clock.c") else {
            return skipped("K1, a jumping wall clock", "no C compiler");
        };
        let mut child = myself("time::a_wall_clock_that_jumps_moves_no_timer");
        child.env("LD_PRELOAD", shim);
        return passes(child);
    }
    let wall = std::time::SystemTime::now;
    let first = wall();
    let jump = wall()
        .duration_since(first)
        .unwrap_or_else(|back| back.duration());
    assert!(jump > Duration::from_secs(3000), "the clock jumps");
    let mut l = event_loop();
    let words = Words::default();
    let start = Instant::now();
    for delay in [40, 20, 30, 10] {
        let said = words.clone();
        l.set_timeout(ms(delay), move |_| {
            assert!(start.elapsed() >= ms(delay - 1));
            said.say(delay.to_string());
        });
    }
    l.run().unwrap();
    assert_eq!(words.take(), ["10", "20", "30", "40"]);
}

/// K6. Catches: timers of one time run in another order, or one that was cleared meanwhile runs.
#[test]
fn timers_of_one_time_run_in_order_and_not_if_another_cleared_them() {
    let mut l = event_loop();
    let words = Words::default();
    let victim = Rc::new(Cell::new(None));
    let cleared = victim.clone();
    for number in 0..10 {
        let (said, cleared) = (words.clone(), cleared.clone());
        let timer = l.set_timeout(ms(10), move |l| {
            said.say(number.to_string());
            if number == 3 {
                l.clear_timeout(cleared.get().unwrap());
            }
        });
        if number == 7 {
            victim.set(Some(timer));
        }
    }
    l.advance(ms(20));
    l.run().unwrap();
    assert_eq!(words.take(), ["0", "1", "2", "3", "4", "5", "6", "8", "9"]);
}

/// K2. Catches: a timer starts from a time that was read before the callback took long.
#[test]
fn a_timer_set_after_long_work_waits_its_whole_delay() {
    if lacks(Real::Clock) {
        return;
    }
    let mut l = event_loop();
    l.set_immediate(|l| {
        let before = l.now();
        busy(60);
        assert_eq!(l.now(), before, "the time is read, and kept, before");
        let start = Instant::now();
        l.set_timeout(ms(50), move |_| {
            let passed = start.elapsed();
            assert!(passed >= ms(49), "{passed:?}");
        });
    });
    l.run().unwrap();
}

/// K3. Catches: a wait that is cut to whole milliseconds spins until the timer is due.
#[test]
fn a_timer_needs_one_wait_and_not_a_spin() {
    let mut l = event_loop();
    let waits = count_waits(&mut l);
    for _ in 0..10 {
        l.set_timeout(Duration::from_micros(5300), |_| {});
        l.run().unwrap();
    }
    assert!(waits.get() <= 20, "{} waits for ten timers", waits.get());
}

/// K4. Catches: the next period of an interval begins when its callback ends.
#[test]
fn an_interval_counts_from_the_start_of_its_callback() {
    if lacks(Real::Clock) {
        return;
    }
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.set_interval(ms(60), move |l| {
        said.say("interval");
        if said.count("interval") == 4 {
            let this = l.current_timer().unwrap();
            return l.clear_interval(this);
        }
        // Due before a period that would begin behind this callback is over.
        let said = said.clone();
        l.set_timeout(ms(80), move |_| said.say("timeout"));
        busy(40);
    });
    l.run().unwrap();
    let expected = ["interval", "interval", "timeout"];
    assert_eq!(words.take()[..3], expected);
}

/// K5. Catches: a delay that does not fit makes a timer overflow, or fire never.
#[test]
fn a_delay_that_does_not_fit_is_one_millisecond_and_a_far_one_is_far() {
    let mut l = event_loop();
    let words = Words::default();
    for delay in [
        Duration::MAX,
        Duration::from_millis(1 << 31),
        Duration::ZERO,
    ] {
        let said = words.clone();
        l.set_timeout(delay, move |_| said.say("soon"));
    }
    let far = [(1 << 31) - 1, (1 << 31) - 2]
        .map(|delay| l.set_timeout(Duration::from_millis(delay), |_| panic!("in 24 days")));
    l.set_timeout(ms(30), move |l| {
        for timer in far {
            assert!(l.refresh(timer));
            l.clear_timeout(timer);
        }
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["soon"; 3]);
}

/// K7. Catches: timers run before what the kernel has kept meanwhile.
#[test]
fn a_loop_that_stood_still_reads_before_it_calls_anybody_idle() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let waiting = Rc::new(Cell::new(None::<Peer>));
    let peer_of = waiting.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        let said = said.clone();
        c.once_data(|c, _| _ = c.destroy());
        let mut peer = peer_of.take();
        let id = c.id();
        // From a timer the loop goes on to what the kernel has.
        c.event_loop().set_timeout(ms(1), move |l| {
            let said = said.clone();
            l.socket_at(id)
                .set_timeout(ms(50))
                .on_timeout(move |_| said.say("timeout"));
            peer.take().unwrap().write_all(b"I am here").unwrap();
            l.advance(ms(120));
        });
        close_server(c);
    });
    waiting.set(Some(peer(listen(&mut server))));
    l.run().unwrap();
    assert_eq!(words.take(), ["data I am here", "close Some(false)"]);
}

/// Catches: the timer of `after` is still there while its callback runs, so that it can be
/// refreshed, or holds the loop.
#[test]
fn a_callback_that_runs_once_has_been_when_it_runs() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let timer = l.after(ms(1), move |l| {
        let this = l.current_timer().unwrap();
        assert!(!l.refresh(this) && !l.timer_has_ref(this));
        assert!(!l.is_alive());
        said.say("once");
    });
    assert!(l.refresh(timer), "before, it can be refreshed");
    let cleared = l.after(ms(1), |_| unreachable!());
    l.clear_timeout(cleared);
    l.run().unwrap();
    assert_eq!(words.take(), ["once"]);
}

/// Catches: `after` of a socket runs when the socket is destroyed, or holds the loop then.
#[test]
fn what_a_socket_is_to_do_later_dies_with_it() {
    let mut l = event_loop();
    let words = Words::default();
    let (first, later) = (words.clone(), words.clone());
    let mut socket = l.socket();
    socket.after(ms(2), |_| panic!("the socket is destroyed by then"));
    socket.after(ms(1), move |socket| {
        first.say("destroyed");
        socket.destroy();
        socket.after(ms(1), |_| panic!("it has been destroyed"));
    });
    l.after(ms(4), move |_| later.say("later"));
    l.run().unwrap();
    assert_eq!(words.take(), ["destroyed", "later"]);
    let id = l.socket().id();
    l.socket_at(id).after(LIMIT, |_| unreachable!());
    l.socket_at(id).destroy();
    l.run().unwrap();
}
