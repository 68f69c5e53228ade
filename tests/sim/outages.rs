//! Programs that are stopped or killed, and machines that sleep, crash or restart.

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{Loop, SocketId};

use super::{Diary, call, echo, pair, secs, watched};

/// A program that notes each second of its clock. It also serves an echo.
fn tick(event_loop: &mut Loop, diary: &Diary) {
    let noted = diary.clone();
    event_loop.set_interval(secs(1), move |event_loop| {
        noted.note(format!("{}", event_loop.now() / 1000));
    });
    echo(event_loop);
}

/// A world in which a program runs, with an outage at 10.5 s and another one at 21 s.
fn after_two(
    first: impl Fn(&mut World, Host),
    second: impl Fn(&mut World, Host),
) -> (World, Host, Diary) {
    let mut world = World::new(1);
    let host = world.add_host("server").unwrap();
    let diary = Diary::default();
    tick(world.event_loop(host), &diary);
    for begin in [&first as &dyn Fn(&mut World, Host), &second] {
        world.advance(Duration::from_millis(10_500)).unwrap();
        begin(&mut world, host);
    }
    diary.take();
    (world, host, diary)
}

/// After how many seconds of the world the program runs next, and what its clock shows then.
fn next_run(world: &mut World, host: Host, diary: &Diary) -> (u64, u64) {
    let begun = world.now();
    let noted = diary.clone();
    let has_noted = move |_: &mut World| !noted.0.borrow().is_empty();
    assert!(world.run_until(secs(1000), has_noted).unwrap(), "{host:?}");
    let shown = diary.take()[0].parse().unwrap();
    ((world.now() - begun).as_secs(), shown)
}

fn stop(span: u64) -> impl Fn(&mut World, Host) {
    move |world, host| world.stop(host, secs(span))
}

fn suspend(span: u64) -> impl Fn(&mut World, Host) {
    move |world, host| world.suspend(host, secs(span))
}

#[test]
fn of_two_stops_or_two_sleeps_the_later_end_counts() {
    // The second outage begins at 21 s. The clock of a stopped program goes on.
    let cases: [(u64, u64, u64); 3] = [(60, 10, 49), (20, 60, 60), (20, 10, 10)];
    for (first, second, rest) in cases {
        let (mut world, host, diary) = after_two(stop(first), stop(second));
        let (after, shown) = next_run(&mut world, host, &diary);
        assert_eq!((after, shown), (rest, 21 + rest), "{first} {second}");
        let (mut world, host, diary) = after_two(suspend(first), suspend(second));
        let (after, shown) = next_run(&mut world, host, &diary);
        assert!(after.abs_diff(rest) <= 1, "{first} {second}: {after}");
        assert_eq!(shown, 11, "{first} {second}: the sleep began at 10.5 s");
    }
}

#[test]
fn a_stopped_program_on_a_sleeping_machine_goes_on_when_both_are_over() {
    let (mut world, host, diary) = after_two(suspend(60), stop(10));
    let (after, shown) = next_run(&mut world, host, &diary);
    assert_eq!((after, shown), (50, 11));
    let (mut world, host, diary) = after_two(suspend(20), stop(60));
    let (after, shown) = next_run(&mut world, host, &diary);
    // The machine has slept for 20 s of 81.
    assert_eq!((after, shown), (60, 61));
    let (mut world, host, diary) = after_two(stop(60), suspend(10));
    let (after, shown) = next_run(&mut world, host, &diary);
    assert_eq!((after, shown), (49, 60));
    let (mut world, host, diary) = after_two(stop(20), suspend(60));
    let (after, shown) = next_run(&mut world, host, &diary);
    assert_eq!((after, shown), (60, 21));
}

#[test]
fn a_restart_wakes_a_sleeping_machine_whose_clock_has_stood_still() {
    let (mut world, host, diary) = after_two(suspend(60), World::restart);
    assert_eq!(next_run(&mut world, host, &diary), (0, 11));
    // The end of the first sleep does not end the next one.
    world.suspend(host, secs(100));
    let (after, _) = next_run(&mut world, host, &diary);
    assert!((100..=101).contains(&after), "{after}");
}

#[test]
fn a_restart_has_no_effect_on_a_machine_that_is_on() {
    let (mut world, host, diary) = after_two(|_, _| {}, World::restart);
    assert_eq!(next_run(&mut world, host, &diary), (1, 22));
    let (mut world, host, diary) = after_two(stop(60), World::restart);
    assert_eq!(next_run(&mut world, host, &diary).0, 49);
}

#[test]
fn a_stop_or_a_sleep_has_no_effect_on_a_machine_that_is_off() {
    for begin in [&stop(60) as &dyn Fn(&mut World, Host), &suspend(60)] {
        let (mut world, host, diary) = after_two(World::crash, begin);
        tick(world.event_loop(host), &diary);
        world.advance(secs(10)).unwrap();
        assert_eq!(diary.take(), [""; 0]);
        world.restart(host);
        // The clock of the next program begins with the restart.
        assert_eq!(next_run(&mut world, host, &diary), (1, 1));
    }
}

#[test]
fn the_program_after_a_kill_or_a_crash_is_not_stopped() {
    let (mut world, host, diary) = after_two(stop(60), World::kill);
    tick(world.event_loop(host), &diary);
    assert_eq!(next_run(&mut world, host, &diary), (1, 1));

    for first in [&stop(60) as &dyn Fn(&mut World, Host), &suspend(60)] {
        let (mut world, host, diary) = after_two(first, World::crash);
        world.restart(host);
        tick(world.event_loop(host), &diary);
        assert_eq!(next_run(&mut world, host, &diary), (1, 1));
        // The end of an earlier outage does not end the next sleep.
        world.suspend(host, secs(100));
        let (after, _) = next_run(&mut world, host, &diary);
        assert!((100..=101).contains(&after), "{after}");
    }
}

/// A connected client of an echo server.
fn connected(seed: u64) -> (World, Host, Host, SocketId, Diary) {
    let (mut world, server, client) = pair(seed);
    echo(world.event_loop(server));
    let diary = Diary::default();
    let mut socket = watched(world.event_loop(client), "server", "client", &diary);
    let id = socket.resume().id();
    world.run().unwrap();
    (world, server, client, id, diary)
}

#[test]
fn the_peers_of_a_killed_program_get_its_end_as_soon_as_its_kernel_runs() {
    let (mut world, server, _, _, diary) = connected(1);
    world.stop(server, secs(60));
    world.kill(server);
    world.advance(secs(1)).unwrap();
    assert_eq!(diary.take(), ["client: end", "client: close"]);

    let (mut world, server, _, _, diary) = connected(1);
    world.suspend(server, secs(60));
    world.kill(server);
    world.advance(secs(59)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.advance(secs(2)).unwrap();
    assert_eq!(diary.take(), ["client: end", "client: close"]);
}

#[test]
fn a_second_crash_or_restart_has_no_effect() {
    let (mut world, server, client, id, diary) = connected(1);
    world.crash(server);
    world.crash(server);
    world.kill(server);
    world.event_loop(client).socket_at(id).write("hello");
    world.advance(secs(10)).unwrap();
    world.restart(server);
    world.restart(server);
    echo(world.event_loop(server));
    call(world.event_loop(client), &diary);
    world.advance(secs(10)).unwrap();
    let mut noted = diary.take();
    noted.sort();
    assert_eq!(noted, ["client: ECONNRESET", "client: close", "hello"]);
}

#[test]
fn a_connect_of_a_crashed_machine_does_not_keep_the_world_from_rest() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(client));
    world.partition(server, client);
    // It would be tried for 131 s.
    world
        .event_loop(server)
        .connect_to(("10.0.0.2", 8000))
        .unwrap();
    world.advance(secs(1)).unwrap();
    world.crash(server);
    world.run().unwrap();
    assert_eq!(world.now(), secs(1));
}

#[test]
fn a_handle_that_outlives_its_program_has_no_effect_on_the_next_one() {
    let ends: [fn(&mut World, Host); 2] = [World::kill, |world, host| {
        world.crash(host);
        world.restart(host);
    }];
    for end in ends {
        let mut world = World::new(1);
        let host = world.add_host("host").unwrap();
        let before = world.descriptors(host);
        let handle = world.event_loop(host).handle().unwrap();
        assert_eq!(world.descriptors(host), before + 1);
        end(&mut world, host);
        assert_eq!(world.descriptors(host), before, "the kernel closes them");

        echo(world.event_loop(host));
        world.run().unwrap();
        let (open, turns) = (world.descriptors(host), world.event_loop(host).turns());
        let error = handle.post(|_| {}).unwrap_err();
        assert_eq!(error.code(), Some("ERR_LOOP_GONE"));
        drop(handle);
        world.run().unwrap();
        assert_eq!(world.descriptors(host), open);
        assert_eq!(world.event_loop(host).turns(), turns);
    }
}

#[test]
fn the_time_outs_of_a_kernel_stand_still_while_its_machine_sleeps() {
    for seed in 0..10 {
        let (mut world, server, client) = pair(seed);
        echo(world.event_loop(server));
        let diary = Diary::default();
        // A connect in progress and a connection with unacknowledged bytes, both in a partition.
        let id = watched(world.event_loop(client), "10.0.0.1", "connected", &diary).id();
        world.run().unwrap();
        world.partition(server, client);
        world.event_loop(client).socket_at(id).write("hello");
        watched(world.event_loop(client), "10.0.0.1", "connecting", &diary);
        world.advance(secs(100)).unwrap();
        for _ in 0..3 {
            world.suspend(client, secs(3600));
            world.advance(secs(3610)).unwrap();
        }
        assert_eq!(diary.take(), [""; 0], "130 s of the client have passed");
        world.advance(secs(10)).unwrap();
        assert_eq!(
            diary.take(),
            ["connecting: ETIMEDOUT", "connecting: close"],
            "seed {seed}"
        );
        world.heal(server, client);
        world.run().unwrap();
        assert_eq!(world.event_loop(client).socket_at(id).bytes_read(), 5);
        assert_eq!(diary.take(), [""; 0]);
    }
}
