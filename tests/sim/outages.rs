//! Programs and machines that do not run, and what happens to them meanwhile.

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{Loop, SocketId};

use super::{Diary, call, echo, pair, secs, watched};

/// A program that notes each second of its own time, while its host can be reached at port 8000.
fn tick(event_loop: &mut Loop, diary: &Diary) {
    let noted = diary.clone();
    event_loop.set_interval(secs(1), move |event_loop| {
        noted.note(format!("{}", event_loop.now() / 1000));
    });
    echo(event_loop);
}

/// A world in which a program runs for ten seconds, then something happens, and ten seconds later something
/// else. Returns the world, and what the program has noted by then.
fn two(
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

/// The seconds of the world, since the second happening, after which the program runs, and the time that it
/// shows then.
fn runs_after(world: &mut World, host: Host, diary: &Diary) -> (u64, u64) {
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
    // At 21 s the second begins; a program that was stopped finds that its time has gone on.
    let cases: [(u64, u64, u64); 3] = [(60, 10, 49), (20, 60, 60), (20, 10, 10)];
    for (first, second, rest) in cases {
        let (mut world, host, diary) = two(stop(first), stop(second));
        let (after, shown) = runs_after(&mut world, host, &diary);
        assert_eq!((after, shown), (rest, 21 + rest), "{first} {second}");
        let (mut world, host, diary) = two(suspend(first), suspend(second));
        let (after, shown) = runs_after(&mut world, host, &diary);
        assert!(after.abs_diff(rest) <= 1, "{first} {second}: {after}");
        assert_eq!(shown, 11, "{first} {second}: it sleeps since 10.5 s");
    }
}

#[test]
fn a_program_that_is_stopped_on_a_machine_that_sleeps_goes_on_when_both_are_over() {
    let (mut world, host, diary) = two(suspend(60), stop(10));
    let (after, shown) = runs_after(&mut world, host, &diary);
    assert_eq!((after, shown), (50, 11));
    let (mut world, host, diary) = two(suspend(20), stop(60));
    let (after, shown) = runs_after(&mut world, host, &diary);
    // The machine has slept for 20 s of 81.
    assert_eq!((after, shown), (60, 61));
    let (mut world, host, diary) = two(stop(60), suspend(10));
    let (after, shown) = runs_after(&mut world, host, &diary);
    assert_eq!((after, shown), (49, 60));
    let (mut world, host, diary) = two(stop(20), suspend(60));
    let (after, shown) = runs_after(&mut world, host, &diary);
    assert_eq!((after, shown), (60, 21));
}

#[test]
fn a_machine_that_is_restarted_while_it_sleeps_wakes_and_its_clock_has_stood_still() {
    let (mut world, host, diary) = two(suspend(60), World::restart);
    assert_eq!(runs_after(&mut world, host, &diary), (0, 11));
    // What would have woken it has no effect on its next sleep.
    world.suspend(host, secs(100));
    let (after, _) = runs_after(&mut world, host, &diary);
    assert!((100..=101).contains(&after), "{after}");
}

#[test]
fn a_restart_has_no_effect_on_a_machine_that_is_on() {
    let (mut world, host, diary) = two(|_, _| {}, World::restart);
    assert_eq!(runs_after(&mut world, host, &diary), (1, 22));
    let (mut world, host, diary) = two(stop(60), World::restart);
    assert_eq!(runs_after(&mut world, host, &diary).0, 49);
}

#[test]
fn a_stop_or_a_sleep_has_no_effect_on_a_machine_that_is_off() {
    for begin in [&stop(60) as &dyn Fn(&mut World, Host), &suspend(60)] {
        let (mut world, host, diary) = two(World::crash, begin);
        tick(world.event_loop(host), &diary);
        world.advance(secs(10)).unwrap();
        assert_eq!(diary.take(), [""; 0]);
        world.restart(host);
        // The time of the next program begins with the machine.
        assert_eq!(runs_after(&mut world, host, &diary), (1, 1));
    }
}

#[test]
fn what_follows_a_program_that_was_killed_or_a_machine_that_has_died_is_not_stopped() {
    let (mut world, host, diary) = two(stop(60), World::kill);
    tick(world.event_loop(host), &diary);
    assert_eq!(runs_after(&mut world, host, &diary), (1, 1));

    for first in [&stop(60) as &dyn Fn(&mut World, Host), &suspend(60)] {
        let (mut world, host, diary) = two(first, World::crash);
        world.restart(host);
        tick(world.event_loop(host), &diary);
        assert_eq!(runs_after(&mut world, host, &diary), (1, 1));
        // Nothing is left that would wake the machine from another sleep.
        world.suspend(host, secs(100));
        let (after, _) = runs_after(&mut world, host, &diary);
        assert!((100..=101).contains(&after), "{after}");
    }
}

/// A client of an echo, connected.
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
fn the_peers_of_a_program_that_is_killed_learn_of_it_when_its_kernel_runs() {
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
fn a_machine_that_was_killed_and_crashed_again_resets_what_it_does_not_know() {
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
fn nothing_that_a_dead_machine_has_waited_for_keeps_the_world_from_its_rest() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(client));
    world.partition(server, client);
    // It would be tried for 127 s.
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
        assert_eq!(world.descriptors(host), before, "the kernel closes all");

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
