//! The time of a world: how far a run goes, and its limits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use netloop::sim::{Resource, World};
use netloop::{ConnectOptions, OnRead};

use super::{Diary, chat_world, echo, pair, secs, watch, watched};

#[test]
fn the_clock_stops_at_its_maximum_and_nothing_happens_afterwards() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    world.advance(Duration::MAX).unwrap();
    assert_eq!(world.now(), Duration::MAX);
    let diary = Diary::default();
    watched(world.event_loop(client), "10.0.0.1", "client", &diary);
    world
        .event_loop(client)
        .after(secs(1), |_| panic!("too late"));
    world.stop(server, secs(1));
    world.suspend(server, secs(1));
    world.exhaust(server, Resource::Memory, secs(1));
    world.advance(secs(1)).unwrap();
    world.advance(Duration::MAX).unwrap();
    world.run().unwrap();
    assert_eq!(diary.take(), [""; 0]);
}

#[test]
fn an_endless_outage_lets_the_world_come_to_rest() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    let mut third = world.add_host("third").unwrap();
    for begin in [World::stop, World::suspend] {
        begin(&mut world, third, Duration::MAX);
        third = world
            .add_host(&format!("{third:?}").replace(['(', ')'], ""))
            .unwrap();
    }
    world.exhaust(third, Resource::Files, Duration::MAX);
    let diary = Diary::default();
    super::call(world.event_loop(client), &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["hello"]);
    assert!(world.now() < secs(1), "{:?}", world.now());
}

#[test]
fn a_segment_with_an_endless_latency_never_arrives() {
    for latency in [Duration::MAX..Duration::MAX, secs(u64::MAX)..Duration::MAX] {
        let (mut world, server, client) = pair(1);
        echo(world.event_loop(server));
        world.set_latency(latency);
        let diary = Diary::default();
        watched(world.event_loop(client), "server", "client", &diary);
        world.advance(secs(132)).unwrap();
        assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    }
}

#[test]
fn a_world_with_an_interval_never_rests_and_the_error_names_it() {
    let (mut world, server, _) = pair(1);
    world.event_loop(server).set_interval(secs(60), |_| {});
    let error = world.run().unwrap_err();
    assert_eq!(error.code(), Some("ERR_TIME_LIMIT"));
    let words = error.to_string();
    assert!(
        words.contains("host server: timer: set_interval"),
        "{words}"
    );
    assert_eq!(world.now(), secs(24 * 60 * 60));
    assert!(!world.run_within(secs(90)).unwrap());
    assert_eq!(world.now(), secs(24 * 60 * 60 + 90));
    world.advance(secs(7 * 24 * 60 * 60)).unwrap();
}

#[test]
fn a_loop_that_holds_its_time_stands_still_alone_until_it_is_advanced() {
    let (mut world, server, client) = pair(1);
    for host in [server, client] {
        let event_loop = world.event_loop(host).set_data(0);
        event_loop.after(secs(30), |event_loop| *event_loop.data_mut().unwrap() = 30);
    }
    world.event_loop(server).pause_time();
    world.run().unwrap();
    let times = [server, client].map(|host| *world.event_loop(host).data().unwrap());
    assert_eq!((times, world.now()), ([0, 30], secs(30)));
    world.event_loop(server).advance(secs(30));
    world.run().unwrap();
    let time = world.event_loop(server).data().copied();
    assert_eq!((time, world.now()), (Some(30), secs(30)));
}

#[test]
fn a_wait_that_nothing_can_end_is_an_error() {
    let mut event_loop = netloop::sim::event_loop().unwrap();
    event_loop.create_server(|_| {}).listen_on(8000).unwrap();
    let error = event_loop.run().unwrap_err();
    assert_eq!(error.code(), Some("EDEADLK"));
}

#[test]
fn a_world_runs_until_a_condition_holds_or_its_time_is_over() {
    let (mut world, server, _) = pair(1);
    world
        .event_loop(server)
        .set_data(0_u32)
        .set_interval(secs(1), |event_loop| {
            *event_loop.data_mut::<u32>().unwrap() += 1;
        });
    let has_counted =
        |count: u32| move |world: &mut World| world.event_loop(server).data() == Some(&count);
    assert!(world.run_until(secs(10), has_counted(0)).unwrap());
    assert_eq!(world.now(), Duration::ZERO);
    assert!(world.run_until(secs(10), has_counted(5)).unwrap());
    assert_eq!(world.now(), secs(5));
    assert!(!world.run_until(secs(10), has_counted(3)).unwrap());
    assert_eq!(world.now(), secs(15));
    // Time passes even if nothing waits for it.
    world.kill(server);
    assert!(!world.run_until(secs(10), |_| false).unwrap());
    assert_eq!(world.now(), secs(25));
}

#[test]
fn a_condition_can_start_something_on_a_loop() {
    let (mut world, server, _) = pair(1);
    let mut asked = 0;
    let holds = world.run_until(secs(10), |world| {
        asked += 1;
        world.event_loop(server).after(secs(1), |_| {});
        asked == 5
    });
    assert!(holds.unwrap());
    assert_eq!(world.now(), secs(4));
}

/// The course of a chat whose time advances in steps of this many milliseconds. If `looks`, the test looks at
/// the loops after each step.
fn looked_at(seed: u64, step: usize, looks: bool) -> (Vec<String>, Vec<u64>) {
    let (mut world, hosts, diary) = chat_world(seed);
    for _ in (0..210).step_by(step) {
        world.advance(Duration::from_millis(step as u64)).unwrap();
        for host in hosts.iter().filter(|_| looks) {
            let event_loop = world.event_loop(*host);
            assert!(event_loop.is_alive());
            let _ = (event_loop.data::<u32>(), event_loop.turns());
        }
    }
    let turns = hosts.iter().map(|host| world.event_loop(*host).turns());
    let turns = turns.collect();
    (diary.take(), turns)
}

#[test]
fn looking_at_a_world_does_not_change_its_course() {
    for seed in 0..50 {
        let whole = looked_at(seed, 210, false);
        for step in [1, 7, 30] {
            assert_eq!(
                looked_at(seed, step, false),
                whole,
                "seed {seed}, {step} ms"
            );
            assert_eq!(looked_at(seed, step, true), whole, "seed {seed}, {step} ms");
        }
    }
}

#[test]
fn a_socket_that_closes_after_the_closing_phase_is_not_kept_while_the_loop_waits() {
    let mut event_loop = netloop::sim::event_loop().unwrap();
    let kept = Rc::new(());
    let seen = Rc::downgrade(&kept);
    let id = event_loop.socket().on_close(move |_, _| _ = &kept).id();
    event_loop.after(secs(1), move |event_loop| {
        event_loop.socket_at(id).destroy(); // `close` follows in the tick after the timer
        // The lookup is answered before the next closing phase.
        let mut other = event_loop.connect_to(("nowhere", 8000)).unwrap();
        let (on_lookup, noted) = (seen.clone(), Diary::default());
        watch(&mut other, "other", &noted);
        other.on_close(move |socket, _| {
            socket.event_loop().set_data(noted.take());
        });
        other.on_lookup(move |socket, _| {
            let count = on_lookup.strong_count();
            socket.event_loop().set_data(count);
        });
    });
    event_loop.run().unwrap();
    let noted = event_loop.take_data::<Vec<String>>().unwrap();
    assert_eq!(noted, ["other: ENOTFOUND", "other: close"]);
    assert_eq!(event_loop.data(), Some(&0_usize));
}

#[test]
fn spinning_loops_end_the_run_at_the_turn_limit_and_the_error_names_a_connection() {
    fn again(event_loop: &mut netloop::Loop) {
        event_loop.set_immediate(again);
    }
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    world
        .event_loop(client)
        .connect_to(("10.0.0.1", 8000))
        .unwrap();
    world.run().unwrap();
    let (turns, now) = (world.event_loop(client).turns(), world.now());
    again(world.event_loop(client));
    world.set_turn_limit(100);
    let error = world.run().unwrap_err();
    assert_eq!(error.code(), Some("ERR_NO_PROGRESS"));
    let words = error.to_string();
    assert!(words.contains("10.0.0.1:8000"), "{words}");
    assert_eq!(world.event_loop(client).turns(), turns + 100);
    assert_eq!(world.now(), now);
}

#[test]
fn the_end_is_read_once_after_a_write_has_failed_and_its_callback_has_panicked() {
    let (mut world, server, client) = pair(1);
    let mut listening = world
        .event_loop(server)
        .create_server(|socket| _ = socket.destroy());
    listening.listen_on(8000).unwrap();
    let on_read = OnRead::new(vec![0; 8], |_, _| panic!("nothing was sent"));
    let options = ConnectOptions::from(("10.0.0.1", 8000)).on_read(on_read);
    let event_loop = world.event_loop(client);
    let socket = event_loop.connect_to(options).unwrap().id();
    event_loop.socket_at(socket).on_connect(|socket| {
        socket.pause().write("to one that is gone");
    });
    event_loop.after(secs(1), move |event_loop| {
        let mut socket = event_loop.socket_at(socket);
        socket.write_then("into the reset", |_, written| {
            panic!("{}", written.unwrap_err().code().unwrap());
        });
    });
    let ends = catch_unwind(AssertUnwindSafe(|| world.run()));
    let words = ends.unwrap_err();
    assert_eq!(words.downcast_ref::<String>().unwrap(), "EPIPE");
    world.event_loop(client).socket_at(socket).resume();
    let turns = world.event_loop(client).turns();
    world.run().unwrap();
    assert!(world.event_loop(client).turns() < turns + 20);
    assert!(!world.event_loop(client).socket_at(socket).is_destroyed());
}
