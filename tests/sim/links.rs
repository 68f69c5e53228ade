//! Links between hosts: latencies, one-way partitions, and segments without a connection.

use std::time::Duration;

use netloop::sim::{Fault, Faults};
use netloop::{ConnectOptions, ServerOptions};

use super::{Diary, call, echo, pair, secs, watch, watched};

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
                noted.note("heard");
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
fn a_retransmitted_syn_takes_one_place_in_the_backlog() {
    let (mut world, server, client) = pair(1);
    let other = world.add_host("other").unwrap();
    let options = netloop::ListenOptions::from(8000).backlog(3);
    let mut listening = world
        .event_loop(server)
        .create_server_with(ServerOptions::default(), |socket| {
            _ = socket.end_with("hello")
        });
    listening.listen_on(options).unwrap();
    world.partition_oneway(server, client);
    let diary = Diary::default();
    watched(world.event_loop(client), "10.0.0.1", "cut off", &diary);
    // The SYN is sent again after 1, 2, 3, 4, 5, 7, 11, 19 and 35 s, and what answers it does not arrive.
    world.advance(secs(40)).unwrap();
    call(world.event_loop(other), &diary);
    world.advance(secs(1)).unwrap();
    assert_eq!(diary.take()[0], "hello");
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
