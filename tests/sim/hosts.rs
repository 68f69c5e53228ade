//! Hosts: their names, addresses and ports.

use std::fs::File;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use netloop::ConnectOptions;
use netloop::sim::{Resource, World};

use super::{Diary, call, echo, pair, secs, watched};

#[test]
fn a_host_name_can_be_looked_up_and_is_unique() {
    let mut world = World::new(1);
    for name in [
        "server",
        "db-1.example.test",
        "UNDER_SCORE",
        "xn--bcher-kva",
        "1a",
    ] {
        world.add_host(name).unwrap();
    }
    let long = "x".repeat(64);
    for name in [
        "server",
        "Server",
        "under_score",
        "localhost",
        "LocalHost",
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "-",
        "-a",
        "a-.b",
        "a b",
        "b\u{fc}cher",
        "10.0.0.1",
        "1",
        "::1",
        "a\0",
        &long,
    ] {
        let error = world.add_host(name).expect_err(name);
        assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"), "{name:?}");
    }
    // A refused host takes no address.
    let next = world.add_host("next").unwrap();
    assert_eq!(world.address(next).to_string(), "10.0.0.6");
}

#[test]
fn a_host_of_another_world_is_refused() {
    let (mut first, server, _) = pair(1);
    let (mut second, other, client) = pair(1);
    assert_ne!(server, other);
    assert_eq!(format!("{server:?}"), format!("{other:?}"));
    first.event_loop(server);
    let calls: [&dyn Fn(&mut World); 4] = [
        &|world| _ = world.event_loop(server),
        &|world| world.kill(server),
        &|world| world.partition(client, server),
        &|world| world.exhaust(server, Resource::Files, secs(1)),
    ];
    for call in calls {
        let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut second)));
        let panic = outcome.expect_err("a panic");
        assert_eq!(panic.downcast_ref(), Some(&"a host of another world"));
    }
    second.run().unwrap();
}

#[test]
fn a_host_always_reaches_itself() {
    let (mut world, server, _) = pair(1);
    world.partition(server, server);
    world.partition_oneway(server, server);
    echo(world.event_loop(server));
    let diary = Diary::default();
    call(world.event_loop(server), &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["hello"]);
}

#[test]
fn of_two_shortages_of_one_resource_the_later_end_counts() {
    for (first, second) in [(60, 10), (10, 60)] {
        let (mut world, server, client) = pair(1);
        echo(world.event_loop(server));
        world.exhaust(client, Resource::Ports, secs(first));
        world.exhaust(client, Resource::Ports, secs(second));
        let diary = Diary::default();
        world.advance(secs(59)).unwrap();
        watched(world.event_loop(client), "server", "early", &diary);
        world.advance(secs(1)).unwrap();
        call(world.event_loop(client), &diary);
        world.run().unwrap();
        assert_eq!(
            diary.take(),
            ["early: EADDRNOTAVAIL", "early: close", "hello"]
        );
        let _ = server;
    }
}

#[test]
fn connections_to_different_places_share_a_port() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    let diary = Diary::default();
    let noted = diary.clone();
    let mut socket = world
        .event_loop(client)
        .connect_to(("server", 8000))
        .unwrap();
    socket.on_connect(move |socket| noted.note(socket.local_port().unwrap().to_string()));
    world.run().unwrap();
    let port: u16 = diary.take()[0].parse().unwrap();

    // As in Linux, the address of a connection from an ephemeral port cannot be listened on.
    let noted = diary.clone();
    let mut listening = world.event_loop(client).create_server(|_| {});
    listening.on_error(move |_, error| noted.note(super::code(error)));
    listening.listen_on(port).unwrap();
    world.run().unwrap();
    assert_eq!(diary.take(), ["EADDRINUSE"]);

    // Nor can another connect use it to reach the same address.
    let again = ConnectOptions::from(("10.0.0.1", 8000)).local_port(port);
    let noted = diary.clone();
    let mut socket = world.event_loop(client).connect_to(again).unwrap();
    socket.on_error(move |_, error| noted.note(super::code(error)));
    world.run().unwrap();
    assert_eq!(diary.take(), ["EADDRINUSE"]);
}

#[test]
fn a_host_that_cannot_be_added_leaves_neither_its_name_nor_its_address_behind() {
    const INSIDE: &str = "NETLOOP_FEW_DESCRIPTORS";
    if std::env::var_os(INSIDE).is_none() {
        // The limit of descriptors is that of a process: the test runs in one of its own.
        let name =
            "hosts::a_host_that_cannot_be_added_leaves_neither_its_name_nor_its_address_behind";
        let mut child = Command::new("sh");
        child.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]);
        child.arg(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env(INSIDE, "1");
        return assert!(child.status().unwrap().success());
    }
    let mut world = World::new(1);
    let held: Vec<File> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let failed = world.add_host("host").unwrap_err();
    assert_eq!(failed.code(), Some("EMFILE"));
    drop(held);
    let host = world.add_host("host").unwrap();
    assert_eq!(world.address(host).to_string(), "10.0.0.1");
}
