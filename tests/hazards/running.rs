//! How a run ends: by `stop`, or because nothing more happens while time is held.

use std::thread;
use std::time::{Duration, Instant};

use netloop::{EventLoop, Loop, ServerOptions, Socket};

use crate::stage::*;

/// Catches: `stop` breaks off the turn, or goes on into another; or the loop cannot be run again.
#[test]
fn the_turn_in_which_a_loop_is_stopped_is_its_last_until_it_is_run_again() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let address = listen(l.create_server(|_| {}).unref());
    let socket = l.connect_to(address).unwrap().id();
    l.set_immediate(move |l| {
        let [check, tick, close, timer, next] = [(); 5].map(|()| said.clone());
        l.set_timeout(ms(1), move |_| timer.say("timers"));
        l.advance(ms(2));
        let mut socket = l.socket_at(socket);
        socket.on_close(move |_, _| close.say("closing"));
        socket.destroy();
        l.next_tick(move |_| tick.say("tick"));
        l.set_immediate(move |_| next.say("check of the next turn"));
        l.stop();
        check.say("check");
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["check", "tick", "closing", "timers"]);
    assert!(l.is_alive());
    l.run().unwrap();
    assert_eq!(words.take(), ["check of the next turn"]);
}

/// Catches: a loop that is stopped before it is run makes a turn, or is stopped for ever.
#[test]
fn a_loop_that_is_stopped_before_a_run_makes_no_turn_in_it() {
    let mut l = event_loop();
    let words = Words::default();
    let [tick, timer, check] = [(); 3].map(|()| words.clone());
    l.set_timeout(ms(1), move |_| timer.say("timers"));
    l.set_immediate(move |_| check.say("check"));
    l.next_tick(move |_| tick.say("tick"));
    l.advance(ms(2));
    l.stop();
    l.run().unwrap();
    assert_eq!(words.take(), ["tick"]);
    l.stop();
    assert!(l.run_once().unwrap());
    l.stop();
    assert!(l.run_nowait().unwrap());
    assert!(words.take().is_empty());
    l.run().unwrap();
    assert_eq!(words.take(), ["timers", "check"]);
}

/// Catches: another loop sleeps before it comes to know that this one is to stop.
#[test]
fn a_loop_that_is_to_stop_is_not_waited_for() {
    let mut l = new_loop();
    listen(&mut l.create_server(|_| {}));
    assert!(l.run_nowait().unwrap());
    assert_eq!(l.backend_timeout(), None);
    l.stop();
    assert_eq!(l.backend_timeout(), Some(Duration::ZERO));
    assert!(l.run_nowait().unwrap());
    assert_eq!(l.backend_timeout(), None, "that was the run it was to stop");
}

/// Catches: what else was ready in the turn is forgotten.
#[test]
fn what_was_ready_is_served_though_the_loop_is_stopped() {
    let mut l = event_loop();
    let words = Words::default();
    let peers = [(); 3].map(|()| {
        let said = words.clone();
        let mut server = l.create_server(move |socket| {
            said.say("connection");
            socket.destroy();
            socket.event_loop().stop();
        });
        peer(listen(&mut server))
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["connection"; 3]);
    drop(peers);
}

/// Catches: another thread cannot stop a loop that sleeps.
#[test]
fn another_thread_stops_a_loop_by_its_handle() {
    if lacks(Real::Threads) {
        return;
    }
    let mut l = event_loop();
    listen(&mut l.create_server(|_| {}));
    let handle = l.handle().unwrap();
    let other = thread::spawn(move || handle.post(|l| l.stop()));
    l.run().unwrap();
    other.join().unwrap().unwrap();
}

/// Without a limit of its own: its time is held.
fn held_loop() -> EventLoop {
    let mut event_loop = new_loop();
    event_loop.pause_time();
    event_loop
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Catches: timers fire while their time is held, or are due all at once when it goes on.
#[test]
fn held_time_stands_still_and_goes_on_from_there() {
    if lacks(Real::Clock) {
        return;
    }
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.pause_time();
    let held = l.now();
    let timer = l.after(ms(3), move |_| said.say("fired"));
    busy(5);
    l.run().unwrap(); // nothing else holds it
    assert_eq!((l.now(), words.take().len()), (held, 0));
    assert!(l.is_alive());
    let begin = Instant::now();
    l.resume_time();
    l.refresh(timer);
    let moved = ms(l.now() - held);
    assert!(moved <= begin.elapsed(), "it has not run on unseen");
    l.run().unwrap();
    assert_eq!(words.take(), ["fired"]);
    assert!(l.now() >= held + 3);
}

/// Catches: a host that spins while a timer waits for time that is held.
#[test]
fn a_host_is_not_hurried_by_a_timer_whose_time_is_held() {
    let mut l = held_loop();
    l.after(s(1), |_| {});
    assert!(l.run_nowait().unwrap());
    assert_eq!(l.backend_timeout(), None);
    l.advance(s(1));
    assert_eq!(l.backend_timeout(), Some(Duration::ZERO));
    assert!(!l.run_nowait().unwrap());
}

/// Catches: `advance` runs what is due in the call, or makes up for each period that was missed.
#[test]
fn to_advance_is_to_have_stood_still() {
    let mut l = held_loop();
    let words = Words::default();
    let [interval, late] = [(); 2].map(|()| words.clone());
    l.set_interval(s(10), move |l| {
        interval.say(format!("interval at {}", l.now()))
    });
    l.after(s(25), move |l| late.say(format!("timer at {}", l.now())));
    let begin = l.now();
    l.advance(s(60));
    assert_eq!(l.now() - begin, 60_000);
    assert!(words.take().is_empty(), "no callback inside a call");
    l.run_until_idle().unwrap();
    let at = begin + 60_000;
    assert_eq!(
        words.take(),
        [format!("interval at {at}"), format!("timer at {at}")]
    );
    l.advance(Duration::from_micros(9_999_500));
    l.advance(Duration::from_micros(500));
    l.run_until_idle().unwrap();
    assert_eq!(words.take().len(), 1, "parts of a millisecond add up");
}

/// Catches: time that passes by steps leaves timers out, or runs them at another time.
#[test]
fn in_time_that_passes_each_timer_fires_at_its_own() {
    let mut l = held_loop();
    let words = Words::default();
    let begin = l.now();
    for (name, period) in [("a", 20), ("b", 30)] {
        let said = words.clone();
        l.set_interval(s(period), move |l| {
            said.say(format!("{name}{}", (l.now() - begin) / 1000));
        });
    }
    let said = words.clone();
    l.after(s(35), move |l| {
        let next = said.clone();
        l.after(s(5), move |_| next.say("c"));
    });
    l.run_for(s(70)).unwrap();
    let told = words.take();
    assert_eq!(told, ["a20", "b30", "a40", "c", "b60", "a60"]);
    assert_eq!(l.now() - begin, 70_000);
}

/// Catches: what was let go runs in time that passes, though a program would have ended before.
#[test]
fn time_passes_no_further_than_the_loop_is_held() {
    let mut l = held_loop();
    let begin = l.now();
    let timer = l.after(s(20), |_| panic!("it was let go"));
    l.unref_timer(timer);
    l.after(s(10), |l| {
        let immediate = l.set_immediate(|_| panic!("it was let go"));
        l.unref_immediate(immediate);
    });
    l.run_for(s(60)).unwrap();
    assert_eq!(l.now() - begin, 10_000);
    assert!(!l.is_alive());
}

/// Catches: a wait ends for a timer that stands still, or the loop is not woken by what is real.
#[test]
fn a_loop_whose_time_is_held_sleeps_until_the_outside_wakes_it() {
    if lacks(Real::Threads) {
        return;
    }
    let mut l = held_loop();
    let waits = count_waits(&mut l);
    l.after(ms(1), |_| panic!("its time is held"));
    listen(&mut l.create_server(|_| {}));
    l.run_nowait().unwrap();
    assert_eq!(l.backend_timeout(), None);
    let handle = l.handle().unwrap();
    let other = thread::spawn(move || handle.post(|l| l.stop()));
    l.run().unwrap();
    other.join().unwrap().unwrap();
    assert_eq!(waits.get(), 2);
}

/// Two sockets of one loop that send a number to and fro, one less each time.
fn count_down(l: &mut Loop, from: u32, words: &Words) {
    fn answer(socket: &mut Socket<'_>, chunk: &[u8]) {
        let number: u32 = String::from_utf8_lossy(chunk).parse().unwrap();
        match number {
            0 => _ = socket.end(),
            _ => _ = socket.write((number - 1).to_string()),
        }
    }
    let options = ServerOptions::default().no_delay(true);
    let address = listen(&mut l.create_server_with(options, |socket| {
        close_server(socket);
        socket.set_timeout(s(30)).on_data(answer);
    }));
    let said = words.clone();
    let mut socket = l.connect_to(("localhost", address.port())).unwrap();
    socket
        .set_no_delay(true)
        .on_data(answer)
        .on_close(move |_, _| said.say("close"));
    socket.write(from.to_string());
}

/// Catches: a loop is taken for idle while sockets of it have something to say to each other, while a
/// name is looked up, or while something is queued.
#[test]
fn a_loop_is_idle_when_all_has_been_said() {
    let mut l = held_loop();
    let words = Words::default();
    count_down(&mut l, 500, &words);
    l.run_until_idle().unwrap();
    assert_eq!(words.take(), ["close"]);
    assert!(!l.is_alive());

    fn chain(l: &mut Loop, left: u32, words: Words) {
        let next = l.set_immediate(move |l| match left {
            0 => words.say("immediate"),
            _ => chain(l, left - 1, words),
        });
        l.unref_immediate(next);
    }
    chain(&mut l, 10, words.clone());
    l.run_until_idle().unwrap();
    assert_eq!(words.take(), ["immediate"]);

    let handle = l.handle().unwrap();
    let said = words.clone();
    l.set_data(said);
    for _ in 0..2500 {
        let count = |l: &mut Loop| l.data::<Words>().unwrap().say("post");
        handle.post(count).unwrap();
    }
    l.run_until_idle().unwrap();
    assert_eq!(words.count("post"), 2500);
    assert!(l.is_alive(), "idle, and held by its handle");
}

/// Catches: what runs until idle cannot be stopped, or goes on after it.
#[test]
fn a_loop_that_never_rests_is_stopped() {
    fn chain(l: &mut Loop) {
        l.set_immediate(chain);
    }
    let mut l = held_loop();
    chain(&mut l);
    l.after(ms(1), |l| l.stop());
    let begin = l.now();
    l.advance(ms(1));
    l.run_until_idle().unwrap();
    l.advance(s(1));
    l.stop();
    l.run_for(s(60)).unwrap();
    assert_eq!(l.now() - begin, 1001, "none of its time has passed");
}

/// Catches: the numbers of time overflow, or a pass over the timers has no end.
#[test]
fn time_ends_before_its_numbers_do() {
    let mut l = held_loop();
    let words = Words::default();
    let said = words.clone();
    let interval = l.set_interval(ms(1), move |_| said.say("interval"));
    let mut socket = l.socket();
    socket.set_timeout(s(1));
    l.advance(ms(u64::MAX - 1000));
    let late = l.now();
    l.advance(Duration::MAX);
    assert!(l.now() >= late);
    l.resume_time();
    l.run_until_idle().unwrap();
    assert_eq!(words.take(), ["interval"]);
    l.clear_interval(interval);
    l.run().unwrap();
}
