//! Faults, shortages and crashes, and how programs cope with them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use netloop::sim::{Fault, Faults, Host, Resource, World};
use netloop::{Loop, ServerOptions, SocketId};

use super::{Diary, call, echo, note_whole, pair, secs, watch, watched};

fn faulty(fault: Fault, probability: f64) -> Faults {
    Faults::none().with(fault, probability)
}

/// A server that greets each client.
fn greet(event_loop: &mut Loop) {
    let mut server = event_loop.create_server(|socket| {
        socket.on_error(|_, _| {});
        socket.write("welcome");
        socket.resume();
    });
    server.listen_on(8000).unwrap();
}

/// A client that notes its greeting.
fn visit(world: &mut World, client: Host, name: &'static str, diary: &Diary) {
    let mut socket = watched(world.event_loop(client), "server", name, diary);
    note_whole(&mut socket, "welcome", format!("{name}: "), diary);
}

#[test]
fn a_server_without_descriptors_closes_the_connections_in_its_backlog() {
    let (mut world, server, client) = pair(10);
    greet(world.event_loop(server));
    // Standard input, output and error, epoll, the listener, its reserve, and one connection.
    world.set_descriptor_limit(server, Some(7));
    let diary = Diary::default();
    visit(&mut world, client, "first", &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["first: welcome"]);
    visit(&mut world, client, "second", &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["second: end", "second: close"]);
    world.set_descriptor_limit(server, None);
    visit(&mut world, client, "third", &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["third: welcome"]);
}

#[test]
fn a_server_that_cannot_accept_backs_off_and_goes_on() {
    for resource in [Resource::Files, Resource::Memory] {
        let (mut world, server, client) = pair(11);
        greet(world.event_loop(server));
        world.advance(secs(1)).unwrap();
        world.exhaust(server, resource, secs(60));
        let diary = Diary::default();
        for name in ["one", "two", "three"] {
            visit(&mut world, client, name, &diary);
        }
        world.advance(secs(59)).unwrap();
        assert_eq!(diary.take(), [""; 0], "{resource:?}");
        world.advance(secs(10)).unwrap();
        let mut greeted = diary.take();
        greeted.sort();
        assert_eq!(greeted, ["one: welcome", "three: welcome", "two: welcome"]);
    }
}

#[test]
fn after_a_short_write_the_rest_is_sent_while_there_is_room_even_if_the_peer_does_not_read() {
    for seed in 0..300 {
        let (mut world, server, client) = pair(seed);
        world.set_buffers(1000, 1000);
        let options = ServerOptions::default().pause_on_connect(true);
        let event_loop = world.event_loop(server);
        let mut listening = event_loop.create_server_with(options, |_| {});
        listening.listen_on(8000).unwrap();
        let socket = watched(
            world.event_loop(client),
            "server",
            "client",
            &Diary::default(),
        );
        let socket = socket.id();
        world.set_faults(client, faulty(Fault::Send, 0.2));
        world.run().unwrap();
        for _ in 0..6 {
            // The peer's receive buffer and our send buffer hold a thousand bytes each.
            let mut socket = world.event_loop(client).socket_at(socket);
            if socket.is_destroyed() {
                break;
            }
            socket.write([b'x'; 500]);
            world.run().unwrap();
        }
        let waits = world.event_loop(client).socket_at(socket).writable_length() > 0;
        let infos = world.sockets(client);
        let has_room = infos.iter().any(|info| info.is_open && info.is_writable);
        assert!(!waits || !has_room, "seed {seed}: {infos:#?}");
    }
}

#[test]
fn an_interrupted_peek_is_done_again() {
    let (mut world, server, client) = pair(1);
    greet(world.event_loop(server));
    world.set_latency(secs(1)..secs(1));
    world.set_faults(client, faulty(Fault::Receive, 1.0));
    let diary = Diary::default();
    // When both have just connected, the first is read, and the second peeked.
    for name in ["one", "two"] {
        watched(world.event_loop(client), "10.0.0.1", name, &diary);
    }
    world.run().unwrap();
    assert_eq!(diary.take(), [""; 0]);
}

#[test]
fn a_write_in_a_hundred_pieces_arrives_whole() {
    for seed in 0..20 {
        let (mut world, server, client) = pair(seed);
        let is_path = seed % 2 == 1;
        let client = if is_path { server } else { client };
        world.set_buffers(1000, 1000);
        for host in [server, client] {
            let faults = faulty(Fault::Send, 0.9).with(Fault::Receive, 0.9);
            world.set_faults(host, faults.with(Fault::Wait, 0.5));
        }
        let diary = Diary::default();
        let noted = diary.clone();
        let mut listening = world.event_loop(server).create_server(move |socket| {
            let noted = noted.clone();
            socket.set_data((0_usize, 0_usize));
            socket.on_data(move |socket, chunk| {
                let (length, pieces) = socket.data_mut::<(usize, usize)>().unwrap();
                for (place, byte) in chunk.iter().enumerate() {
                    assert_eq!(usize::from(*byte), (*length + place) % 251);
                }
                (*length, *pieces) = (*length + chunk.len(), *pieces + 1);
                if *length == 100_000 {
                    noted.note(if *pieces > 100 {
                        "all"
                    } else {
                        "too few pieces"
                    });
                }
            });
        });
        let listened = match is_path {
            true => listening.listen_on(Path::new("/run/server")),
            false => listening.listen_on(8000),
        };
        listened.unwrap();
        let written = diary.clone();
        let event_loop = world.event_loop(client);
        let connected = match is_path {
            true => event_loop.connect_to(Path::new("/run/server")),
            false => event_loop.connect_to(("server", 8000)),
        };
        let mut socket = connected.unwrap();
        watch(&mut socket, "client", &diary);
        let bytes: Vec<u8> = (0..100_000_u32).map(|place| (place % 251) as u8).collect();
        socket.write_then(bytes, move |socket, outcome| {
            assert!(outcome.is_ok());
            written.note("written");
            socket.end();
        });
        socket.resume();
        world.run().unwrap();
        let mut happened = diary.take();
        happened.sort();
        let expected = ["all", "client: close", "client: end", "written"];
        assert_eq!(happened, expected, "seed {seed}");
    }
}

#[test]
fn a_send_without_memory_is_tried_again_when_there_is_some() {
    let (mut world, _, client, id, diary) = connected(12);
    world.exhaust(client, Resource::Memory, secs(30));
    world.event_loop(client).socket_at(id).write("hello");
    let before = world.event_loop(client).turns();
    world.advance(secs(29)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    let turns = world.event_loop(client).turns() - before;
    assert!(
        turns < 5,
        "the loop waits for memory, and runs {turns} turns"
    );
    world.run().unwrap();
    assert_eq!(diary.take(), ["hello"]);
    assert_eq!(world.now().as_secs(), 30);
}

/// The errors of a connect with a fault, over many seeds.
fn errors_of_connecting(fault: Fault) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let (mut world, server, client) = pair(seed);
        echo(world.event_loop(server));
        world.set_faults(client, faulty(fault, 1.0));
        let diary = Diary::default();
        let address = world.address(server).to_string();
        watched(world.event_loop(client), &address, "client", &diary).end_with("hello");
        world.run().unwrap();
        assert!(!world.event_loop(client).is_alive(), "seed {seed}");
        let happened = diary.take();
        assert_eq!(
            happened[1..],
            ["client: close"],
            "seed {seed}: after the error"
        );
        seen.extend(happened);
    }
    seen
}

#[test]
fn a_connect_fails_with_each_error_that_linux_defines_for_it() {
    let close = "close".to_owned();
    let named = |codes: &[&str]| -> BTreeSet<String> {
        let codes = codes.iter().map(|code| (*code).to_owned());
        let all = codes.chain([close.clone()]);
        all.map(|what| format!("client: {what}")).collect()
    };
    for (fault, codes) in [
        (
            Fault::Socket,
            &["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"][..],
        ),
        (Fault::Register, &["ENOMEM", "ENOSPC"]),
        (
            Fault::Connect,
            &[
                "EACCES",
                "EADDRNOTAVAIL",
                "EAGAIN",
                "EHOSTUNREACH",
                "ENETUNREACH",
                "ENOBUFS",
                "EPERM",
            ],
        ),
        (
            Fault::Handshake,
            &["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"],
        ),
    ] {
        assert_eq!(errors_of_connecting(fault), named(codes), "{fault:?}");
    }
}

#[test]
fn faults_follow_from_the_seed() {
    let course = |seed| {
        let (mut world, server, client) = pair(seed);
        for host in [server, client] {
            world.set_faults(host, Faults::of_seed(seed));
        }
        echo(world.event_loop(server));
        let diary = Diary::default();
        for _ in 0..10 {
            call(world.event_loop(client), &diary);
        }
        world.advance(secs(100)).unwrap();
        (diary.take(), world.event_loop(client).turns())
    };
    let courses: Vec<_> = (0..20).map(course).collect();
    assert_eq!(courses, (0..20).map(course).collect::<Vec<_>>());
    assert!(
        courses
            .iter()
            .any(|(diary, _)| diary.contains(&"hello".to_owned()))
    );
    assert!(courses.iter().any(|(diary, _)| diary.len() > 10));
}

/// A connected client of an echo server.
fn connected(seed: u64) -> (World, Host, Host, SocketId, Diary) {
    let (mut world, server, client) = pair(seed);
    echo(world.event_loop(server));
    let diary = Diary::default();
    let noted = diary.clone();
    let mut socket = watched(world.event_loop(client), "server", "client", &diary);
    socket.on_data(move |_, chunk| noted.note(String::from_utf8_lossy(chunk)));
    let id = socket.id();
    world.run().unwrap();
    (world, server, client, id, diary)
}

#[test]
fn a_crash_is_noticed_only_when_something_is_sent() {
    let (mut world, server, client, id, diary) = connected(20);
    world.crash(server);
    world.advance(secs(3600)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.event_loop(client).socket_at(id).write("hello");
    world.run().unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    assert_eq!(world.now().as_secs(), 3600 + 924);
    visit(&mut world, client, "visitor", &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["visitor: ETIMEDOUT", "visitor: close"]);
}

#[test]
fn a_restarted_machine_resets_the_connections_from_before_its_crash() {
    let (mut world, server, client, id, diary) = connected(21);
    world.crash(server);
    world.event_loop(client).socket_at(id).write("hello");
    echo(world.event_loop(server));
    world.advance(secs(100)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.restart(server);
    world.run().unwrap();
    assert_eq!(diary.take(), ["client: ECONNRESET", "client: close"]);
    call(world.event_loop(client), &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["hello"]);
}

#[test]
fn a_reset_between_two_hosts_ends_their_connections_at_both_ends() {
    let (mut world, server, client, _, diary) = connected(22);
    assert!(!world.event_loop(server).holders().is_empty());
    world.reset(client, server);
    world.run().unwrap();
    assert_eq!(diary.take(), ["client: ECONNRESET", "client: close"]);
    let left = world.event_loop(server).holders();
    assert_eq!(left.len(), 1, "only the listener: {left:?}");
}

/// A server that notes what it receives, and destroys a connection that is idle for 30 s.
fn serve_with_timeout(event_loop: &mut Loop, diary: &Diary) {
    let noted = diary.clone();
    let mut server = event_loop.create_server(move |socket| {
        let timeout = noted.clone();
        note_whole(socket, "hello", String::new(), &noted);
        socket.set_timeout(secs(30)).on_timeout(move |socket| {
            timeout.note(format!("timeout at {}", socket.event_loop().now()));
            socket.destroy();
        });
        socket.on_error(|_, _| {});
    });
    server.listen_on(8000).unwrap();
}

/// Ten seconds after a client has connected, an outage of the server's host begins, which lasts a minute. The
/// client writes in the middle of it.
fn outage(seed: u64, begin: impl Fn(&mut World, Host)) -> Vec<String> {
    let (mut world, server, client) = pair(seed);
    let diary = Diary::default();
    serve_with_timeout(world.event_loop(server), &diary);
    let event_loop = world.event_loop(client);
    let mut socket = event_loop.connect_to(("server", 8000)).unwrap();
    socket.on_error(|_, _| {});
    let id = socket.id();
    world.advance(secs(10)).unwrap();
    begin(&mut world, server);
    world.advance(secs(20)).unwrap();
    world.event_loop(client).socket_at(id).write("hello");
    world.run().unwrap();
    diary.take()
}

#[test]
fn when_a_stopped_program_goes_on_due_timers_run_before_readiness() {
    // As in Node: epoll_wait(2) fails with EINTR, and timers run next.
    for seed in 0..20 {
        let happened = outage(seed, |world, server| world.stop(server, secs(60)));
        assert_eq!(happened, ["timeout at 70000"], "seed {seed}");
    }
}

#[test]
fn no_time_passes_for_a_machine_that_sleeps() {
    for seed in 0..20 {
        let happened = outage(seed, |world, server| world.suspend(server, secs(60)));
        let (first, last) = (&happened[0], &happened[1]);
        // The clock is a minute behind. The idle time begins again with the bytes that the sleep has held up.
        assert_eq!(first, "hello", "seed {seed}");
        assert!(last.starts_with("timeout at 40"), "seed {seed}: {last}");
    }
}

#[test]
fn the_answer_to_a_lookup_of_a_killed_program_does_not_reach_the_next_one() {
    for seed in 0..20 {
        let (mut world, server, client) = pair(seed);
        greet(world.event_loop(server));
        let diary = Diary::default();
        watched(world.event_loop(client), "nowhere", "killed", &diary);
        world.advance(Duration::ZERO).unwrap();
        world.kill(client);
        visit(&mut world, client, "next", &diary);
        world.run().unwrap();
        assert_eq!(diary.take(), ["next: welcome"], "seed {seed}");
    }
}

#[test]
fn a_server_survives_a_flood() {
    for seed in 0..5 {
        let (mut world, server, client) = pair(seed);
        let flooder = world.add_host("flooder").unwrap();
        world.set_descriptor_limit(server, Some(50));
        greet(world.event_loop(server));
        for _ in 0..1000 {
            let event_loop = world.event_loop(flooder);
            let mut socket = event_loop.connect_to(("server", 8000)).unwrap();
            socket.on_error(|_, _| {});
            socket.write([b'x'; 10_000]);
        }
        world.advance(secs(60)).unwrap();
        world.kill(flooder);
        world.advance(secs(60)).unwrap();
        let diary = Diary::default();
        visit(&mut world, client, "client", &diary);
        world.run().unwrap();
        assert_eq!(diary.take(), ["client: welcome"], "seed {seed}");
    }
}
