//! The trace of a whole world, and the seed in a failure.

use std::panic::catch_unwind;
use std::time::Duration;

use netloop::Error;
use netloop::sim::{World, for_each_seed};
use netloop::trace::What;

use super::{Diary, call, echo, pair, secs};

/// The callbacks of a world, and its sends, in order.
fn traced(seed: u64) -> Vec<String> {
    let diary = Diary::default();
    let noted = diary.clone();
    let (mut world, server, client) = pair(seed);
    world.on_trace(move |it| match it.record.what {
        What::Callback(_) | What::System { .. } => noted.note(it.to_string()),
        _ => {}
    });
    echo(world.event_loop(server));
    call(world.event_loop(client), &Diary::default());
    world.run().unwrap();
    diary.take()
}

/// Without what is not the same in each run of a process.
fn shape(line: &str) -> String {
    let words = line.split_whitespace();
    let words = words.filter(|word| !word.contains('#'));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_trace_of_a_world_is_one_line_for_each_record_with_its_time_host_and_line() {
    let lines = traced(3);
    let of = |host: &str, what: &str| {
        let line = lines
            .iter()
            .find(|line| line.contains(host) && line.contains(what));
        line.unwrap_or_else(|| panic!("{what}: {lines:#?}"))
    };
    let answered = of("client", "callback: data");
    let (time, rest) = answered.trim_start().split_once(' ').unwrap();
    assert_eq!(time.split_once('.').unwrap().1.len(), 6, "{answered}");
    assert!(rest.starts_with("client   socket#"), "{answered}");
    assert!(
        rest.contains(" callback: data: 5 bytes (tests/sim.rs:"),
        "{answered}"
    );
    assert!(of("server", "send").ends_with("send: 5 bytes"));
    assert!(of("client", "connect").ends_with("connect: EINPROGRESS"));
    let shapes = |seed| {
        traced(seed)
            .iter()
            .map(|line| shape(line))
            .collect::<Vec<_>>()
    };
    assert_eq!(shapes(3), shapes(3));
    assert_ne!(shapes(3), shapes(4));
}

#[test]
fn the_trace_of_a_world_follows_hosts_and_programs_that_are_new() {
    let (mut world, server, _) = pair(1);
    let diary = Diary::default();
    let noted = diary.clone();
    world.on_trace(move |it| {
        if matches!(it.record.what, What::Callback(_)) {
            let line = it.to_string();
            let words = line.split(" (").next().unwrap_or_default();
            noted.note(shape(words));
        }
    });
    let third = world.add_host("Third").unwrap();
    assert_eq!(world.name(third), "third");
    world.event_loop(third).set_immediate(|_| {});
    world.run().unwrap();
    world.advance(secs(1)).unwrap();
    world.kill(server);
    world.event_loop(server).set_immediate(|_| {});
    world.run().unwrap();
    world.crash(third);
    world.advance(secs(1)).unwrap();
    world.restart(third);
    world
        .event_loop(third)
        .after(Duration::from_millis(5), |_| {});
    world.run().unwrap();
    assert_eq!(
        diary.take(),
        [
            "0.000000 third loop callback: set_immediate",
            "1.000000 server loop callback: set_immediate",
            "2.005000 third loop callback: after"
        ]
    );
}

#[test]
fn a_trace_does_not_change_the_course_of_a_world() {
    let course = |is_traced: bool| {
        let diary = Diary::default();
        let (mut world, server, client) = pair(5);
        if is_traced {
            world.on_trace(|it| _ = it.to_string());
        }
        echo(world.event_loop(server));
        call(world.event_loop(client), &diary);
        world.run().unwrap();
        (world.now(), diary.take())
    };
    assert_eq!(course(true), course(false));
}

#[test]
fn a_test_of_many_seeds_names_the_one_that_fails() {
    let run = |test: fn(u64) -> Result<(), Error>| {
        let outcome = catch_unwind(|| for_each_seed(0..10, test));
        let message = outcome.map_err(|panic| *panic.downcast::<String>().unwrap());
        message.map_err(|message| message.lines().next().unwrap().to_owned())
    };
    let fail = |words: &str| Err(format!("seed 7: {words}"));
    assert_eq!(run(|_| Ok(())), Ok(()));
    let failed = run(|seed| {
        assert_ne!(seed, 7, "a bug");
        Ok(())
    });
    assert_eq!(failed, fail("assertion `left != right` failed: a bug"));
    let failed = run(|seed| {
        let (mut world, _, client) = pair(seed);
        world
            .event_loop(client)
            .after(secs(3), move |_| assert!(seed < 7));
        world.run()
    });
    assert_eq!(failed, fail("assertion failed: seed < 7"));
    let failed = run(|seed| {
        let mut world = World::new(seed);
        let name = if seed == 7 { "1.2.3.4" } else { "host" };
        world.add_host(name).map(|_| ())
    });
    assert!(
        failed
            .unwrap_err()
            .starts_with("seed 7: a host cannot have the name")
    );
    let failed = run(|seed| {
        let (mut world, _, client) = pair(seed);
        let mut socket = world.event_loop(client).socket();
        if seed == 7 {
            socket.destroy_with(Error::new("a bug"));
        }
        world.run()
    });
    let message = failed.unwrap_err();
    let (words, socket) = message.split_once(" of socket#").unwrap();
    assert_eq!(words, "seed 7: a bug, an unheard 'error'");
    assert!(socket.ends_with(" on host client"), "{message}");
}
