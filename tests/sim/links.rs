//! Links between hosts: latencies, one-way partitions, and segments without a connection.

use std::collections::BTreeSet;
use std::time::Duration;

use netloop::sim::{Fault, Faults};
use netloop::{ConnectOptions, Loop};

use super::{Diary, call, echo, note_whole, pair, secs, watch, watched};

#[test]
fn a_segment_for_a_failed_connection_is_answered_with_a_reset() {
    for seed in 0..50 {
        let (mut world, server, client) = pair(seed);
        echo(world.event_loop(server));
        let diary = Diary::default();
        // Half open, so that only a reset closes the socket.
        let to = ConnectOptions::from(("server", 8000)).allow_half_open(true);
        let mut socket = world.event_loop(client).connect_to(to).unwrap();
        watch(&mut socket, "client", &diary);
        let id = socket.resume().id();
        world.run().unwrap();
        world.set_faults(server, Faults::none().with(Fault::Connection, 1.0));
        // The client sends nothing but a FIN.
        world.event_loop(client).socket_at(id).end();
        world.run().unwrap();
        assert_eq!(
            diary.take(),
            ["client: ECONNRESET", "client: close"],
            "seed {seed}"
        );
    }
}

#[test]
fn a_destroyed_connect_does_not_keep_the_world_from_rest() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    for is_cut in [true, false] {
        world.partition(server, client);
        let diary = Diary::default();
        let id = watched(world.event_loop(client), "10.0.0.1", "client", &diary).id();
        if !is_cut {
            world.heal(server, client);
        }
        world.advance(Duration::from_micros(500)).unwrap();
        let begun = world.now();
        world.event_loop(client).socket_at(id).destroy();
        world.run().unwrap();
        assert_eq!(diary.take(), ["client: close"]);
        assert!(world.now() - begun < secs(1), "{is_cut}");
        world.heal(server, client);
    }
}

#[test]
fn in_a_one_way_partition_data_arrives_and_its_answer_does_not() {
    for seed in 0..20 {
        let (mut world, server, client) = pair(seed);
        let diary = Diary::default();
        let noted = diary.clone();
        let mut listening = world.event_loop(server).create_server(move |socket| {
            let noted = noted.clone();
            socket.on_error(|_, _| {});
            socket.on_data(move |socket, chunk| {
                if socket.bytes_read() == 5 {
                    noted.note("heard");
                }
                socket.write(chunk);
            });
        });
        listening.listen_on(8000).unwrap();
        call(world.event_loop(client), &diary);
        world.run().unwrap();
        assert_eq!(diary.take(), ["heard", "hello"]);

        let id = watched(world.event_loop(client), "server", "late", &diary).id();
        world.advance(secs(1)).unwrap();
        world.partition_oneway(server, client);
        world.event_loop(client).socket_at(id).write("hello");
        world.advance(secs(60)).unwrap();
        assert_eq!(diary.take(), ["heard"], "seed {seed}");
        // Healing the other direction has no effect.
        world.heal_oneway(client, server);
        world.advance(secs(60)).unwrap();
        assert_eq!(diary.take(), [""; 0]);
        world.run().unwrap();
        assert_eq!(diary.take(), ["late: ETIMEDOUT", "late: close"]);
        assert_eq!(
            world.now().as_secs(),
            1 + 924,
            "seed {seed}: no answer came"
        );
    }
}

#[test]
fn a_retransmitted_syn_begins_no_other_connection() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    world.partition_oneway(server, client);
    let diary = Diary::default();
    watched(world.event_loop(client), "10.0.0.1", "cut off", &diary);
    // The SYN is sent again after 1, 2, 3, 4, 5, 7, 11, 19 and 35 s, and what answers it does not arrive.
    world.advance(secs(40)).unwrap();
    let states: Vec<_> = world.sockets(server).iter().map(|it| it.state).collect();
    assert_eq!(states, ["LISTEN", "SYN-RECV"]);
}

/// Four clients that connect at once to a server whose program is stopped for a while, and whose backlog has two
/// places. Each writes, or not.
fn overflow(stop: u64, message: &'static str) -> (Vec<&'static str>, Vec<String>, Vec<String>) {
    let (mut world, server, client) = pair(1);
    let options = netloop::ListenOptions::from(8000).backlog(1);
    let mut listening = world.event_loop(server).create_server(|socket| {
        socket.on_error(|_, _| {});
        socket.end_with("hello");
    });
    listening.listen_on(options).unwrap();
    world.run().unwrap();
    world.set_latency(Duration::from_millis(2)..Duration::ZERO);
    world.stop(server, secs(stop));
    let diary = Diary::default();
    for _ in 0..4 {
        let mut socket = watched(world.event_loop(client), "10.0.0.1", "client", &diary);
        let noted = diary.clone();
        socket.on_connect(move |_| noted.note("connect"));
        note_whole(&mut socket, "hello", String::new(), &diary);
        socket.write(message);
    }
    world.advance(secs(1) / 2).unwrap();
    assert_eq!(diary.take(), ["connect"; 4], "as each has the SYN-ACK");
    let states = world.sockets(server).into_iter().map(|it| it.state);
    let states: Vec<_> = states.collect();
    assert_eq!(states[1..], ["ESTAB", "ESTAB", "SYN-RECV", "SYN-RECV"]);
    world.advance(secs(stop)).unwrap();
    let soon = diary.take();
    world.advance(secs(100)).unwrap();
    let left = world.sockets(client).into_iter().map(|it| it.state);
    (left.collect(), soon, diary.take())
}

#[test]
fn a_connection_that_finds_the_backlog_full_is_accepted_after_a_retransmission() {
    let served = ["hello", "client: end", "client: close"];
    for message in ["", "hi"] {
        let (_, soon, late) = overflow(10, message);
        for found in [soon, late] {
            let found: Vec<_> = served
                .map(|line| found.iter().filter(|it| *it == line).count())
                .into();
            assert_eq!(found, [2, 2, 2], "{message:?}");
        }
    }
}

#[test]
fn a_connection_that_finds_the_backlog_full_for_a_minute_is_forgotten() {
    let of = |all: &[String], line: &str| all.iter().filter(|it| *it == line).count();
    let (_, soon, late) = overflow(70, "hi");
    assert_eq!(of(&[soon, late].concat(), "client: ECONNRESET"), 2);
    // A client that sends nothing does not notice.
    let (left, soon, late) = overflow(70, "");
    assert_eq!(of(&[soon, late].concat(), "client: ECONNRESET"), 0);
    assert_eq!(left, ["ESTAB"; 2]);
}

#[test]
fn a_link_can_have_its_own_latency() {
    let (mut world, server, client) = pair(1);
    let far = world.add_host("far").unwrap();
    echo(world.event_loop(server));
    let millis = Duration::from_millis;
    world.set_latency(millis(2)..millis(2));
    world.set_link_latency(far, server, millis(100)..millis(100));
    for (host, round_trip) in [(client, 4), (far, 200)] {
        let begun = world.now();
        let diary = Diary::default();
        let noted = diary.clone();
        let mut socket = world
            .event_loop(host)
            .connect_to(("10.0.0.1", 8000))
            .unwrap();
        socket.on_connect(move |_| noted.note("connected"));
        let seen = diary.clone();
        let is_connected = move |_: &mut netloop::sim::World| seen.0.borrow().len() == 1;
        assert!(world.run_until(secs(1), is_connected).unwrap());
        assert_eq!(world.now() - begun, millis(round_trip));
    }
}

/// A connect from a given port, with bytes for the peer.
fn open(event_loop: &mut Loop, from: (&str, u16), to: (&str, u16), diary: &Diary) {
    let options = ConnectOptions::from(to)
        .local_address(from.0.parse().unwrap())
        .local_port(from.1);
    let mut socket = event_loop.connect_to(options).unwrap();
    let noted = diary.clone();
    socket.on_connect(move |_| noted.note("connect"));
    let noted = diary.clone();
    socket.on_data(move |_, chunk| noted.note(format!("{chunk:?}")));
    watch(&mut socket, "socket", diary);
    socket.end_with([7]);
}

#[test]
fn two_hosts_that_connect_to_each_other_at_once_are_connected() {
    for seed in 0..50 {
        let (mut world, server, client) = pair(seed);
        let (one, other) = (("10.0.0.1", 5000), ("10.0.0.2", 6000));
        let diaries = [(server, one, other), (client, other, one)].map(|(host, from, to)| {
            let diary = Diary::default();
            open(world.event_loop(host), from, to, &diary);
            diary
        });
        world.run().unwrap();
        for diary in diaries {
            let whole = ["connect", "[7]", "socket: end", "socket: close"];
            assert_eq!(diary.take(), whole, "seed {seed}");
        }
        assert!(world.sockets(server).is_empty() && world.sockets(client).is_empty());
    }
}

#[test]
fn a_socket_that_connects_to_its_own_port_is_its_own_peer() {
    let (mut world, server, _) = pair(1);
    let diary = Diary::default();
    let place = ("127.0.0.1", 5000);
    open(world.event_loop(server), place, place, &diary);
    world.run().unwrap();
    let whole = ["connect", "[7]", "socket: end", "socket: close"];
    assert_eq!(diary.take(), whole);
    assert!(world.sockets(server).is_empty());
    // An ephemeral port is never the target itself.
    let to = ("127.0.0.1", 32_768);
    watched_at(world.event_loop(server), to, &diary);
    world.run().unwrap();
    assert_eq!(diary.take(), ["socket: ECONNREFUSED", "socket: close"]);
}

fn watched_at(event_loop: &mut Loop, to: (&str, u16), diary: &Diary) {
    watch(&mut event_loop.connect_to(to).unwrap(), "socket", diary);
}

#[test]
fn a_connect_from_a_loopback_address_does_not_leave_the_host() {
    let (mut world, server, client) = pair(1);
    echo(world.event_loop(server));
    let places = [("127.0.0.1", "10.0.0.1"), ("::1", "fd00::1")];
    for (place, errno) in places.iter().zip(["EINVAL", "ETIMEDOUT"]) {
        let diary = Diary::default();
        open(
            world.event_loop(client),
            (place.0, 0),
            (place.1, 8000),
            &diary,
        );
        world.run().unwrap();
        let whole = [format!("socket: {errno}"), "socket: close".to_owned()];
        assert_eq!(diary.take(), whole);
    }
}

#[test]
fn no_connect_reaches_a_group_of_hosts() {
    let (mut world, server, _) = pair(1);
    let any = "0.0.0.0";
    let places = [
        (any, "224.0.0.1", "ENETUNREACH"),
        (any, "255.255.255.255", "ENETUNREACH"),
        (any, "127.255.255.255", "ENETUNREACH"),
        (any, "10.255.255.255", "ENETUNREACH"),
        ("127.0.0.1", "10.255.255.255", "EINVAL"),
        ("::", "ff02::1", "ENETUNREACH"),
        ("::", "fe80::1", "EINVAL"),
        (any, "10.0.0.0", "EHOSTUNREACH"),
    ];
    for (from, to, errno) in places {
        let diary = Diary::default();
        open(world.event_loop(server), (from, 0), (to, 8000), &diary);
        world.run().unwrap();
        let whole = [format!("socket: {errno}"), "socket: close".to_owned()];
        assert_eq!(diary.take(), whole, "{to}");
    }
}

#[test]
fn a_lost_segment_delays_those_behind_it() {
    for seed in 0..100 {
        let (mut world, server, client) = pair(seed);
        let diary = Diary::default();
        let noted = diary.clone();
        let mut listening = world.event_loop(server).create_server(move |socket| {
            let noted = noted.clone();
            socket.on_data(move |_, chunk| chunk.iter().for_each(|_| noted.note("byte")));
        });
        listening.listen_on(8000).unwrap();
        let id = world
            .event_loop(client)
            .connect_to(("server", 8000))
            .unwrap()
            .id();
        world.advance(secs(1)).unwrap();
        world.set_faults(client, Faults::none().with(Fault::Loss, 1.0));
        world.event_loop(client).socket_at(id).write("a");
        world.advance(Duration::from_millis(1)).unwrap();
        world.set_faults(client, Faults::none());
        world.event_loop(client).socket_at(id).write("b");
        world.advance(Duration::from_millis(190)).unwrap();
        assert_eq!(diary.take(), [""; 0], "seed {seed}");
        world.advance(secs(26)).unwrap();
        assert_eq!(diary.take(), ["byte", "byte"], "seed {seed}");
    }
}

#[test]
fn a_lost_syn_is_sent_again_after_a_second_or_later() {
    let mut times = BTreeSet::new();
    for seed in 0..100 {
        let (mut world, server, client) = pair(seed);
        echo(world.event_loop(server));
        world.set_faults(client, Faults::none().with(Fault::Loss, 1.0));
        let diary = Diary::default();
        let noted = diary.clone();
        let to = ("10.0.0.1", 8000);
        let mut socket = world.event_loop(client).connect_to(to).unwrap();
        socket
            .on_connect(move |socket| noted.note(format!("{}", socket.event_loop().now() / 1000)));
        world.run().unwrap();
        times.extend(diary.take());
    }
    let wanted = ["1", "2", "3", "4", "5", "7", "11"].map(str::to_owned);
    assert_eq!(times, BTreeSet::from(wanted));
}
