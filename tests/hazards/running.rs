//! How a run ends: by `stop`.

use std::thread;

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
        busy(2);
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
    busy(2);
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

/// Catches: a turn that is stopped before its poll phase sleeps there.
#[test]
fn a_turn_that_is_the_last_does_not_sleep() {
    let mut l = event_loop();
    listen(&mut l.create_server(|_| {}));
    // A path that is not there fails in the pending phase.
    l.connect_to("/nosuch/socket")
        .unwrap()
        .on_error(|socket, _| socket.event_loop().stop());
    l.run().unwrap();
    assert!(l.is_alive());
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
    let mut l = event_loop();
    listen(&mut l.create_server(|_| {}));
    let handle = l.handle().unwrap();
    let other = thread::spawn(move || handle.post(|l| l.stop()));
    l.run().unwrap();
    other.join().unwrap().unwrap();
}
