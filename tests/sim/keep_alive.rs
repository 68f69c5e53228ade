//! Keep-alive probes of peers that cannot answer.

use netloop::SocketId;
use netloop::sim::{Host, World};

use super::{Diary, pair, secs, watch, watched};

/// A server that probes an idle connection after ten minutes, and a client that does so after one. Both note the
/// end of the connection.
fn probing(seed: u64, diary: &Diary) -> (World, Host, Host, SocketId) {
    let (mut world, server, client) = pair(seed);
    let noted = diary.clone();
    let mut listening = world.event_loop(server).create_server(move |socket| {
        watch(socket, "server", &noted);
        socket.set_keep_alive(true, secs(600));
        let id = socket.resume().id();
        socket.event_loop().set_data(id);
    });
    listening.listen_on(8000).unwrap();
    let mut socket = watched(world.event_loop(client), "server", "client", diary);
    let id = socket.id();
    socket.on_connect(|socket| {
        socket.set_keep_alive_with(true, secs(60), secs(5), 4);
        socket.resume();
    });
    world.run().unwrap();
    (world, server, client, id)
}

#[test]
fn a_connection_times_out_when_all_its_probes_are_unanswered() {
    let cuts: [fn(&mut World, Host, Host); 3] = [
        World::partition,
        World::partition_oneway,
        |world, server, client| world.partition_oneway(client, server),
    ];
    let times = [(0, 80), (59, 80), (61, 140), (3600, 3680)];
    for (cut, (healthy, dead)) in cuts.iter().flat_map(|cut| times.map(|time| (cut, time))) {
        let diary = Diary::default();
        let (mut world, server, client, _) = probing(17, &diary);
        world.advance(secs(healthy)).unwrap();
        cut(&mut world, server, client);
        world.advance(secs(dead - healthy - 1)).unwrap();
        assert_eq!(diary.take(), [""; 0], "cut after {healthy} s");
        world.advance(secs(2)).unwrap();
        assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    }
}

#[test]
fn a_segment_that_arrives_delays_the_probes_and_does_not_end_them() {
    let diary = Diary::default();
    let (mut world, server, client, _) = probing(24, &diary);
    let accepted: SocketId = world.event_loop(server).take_data().unwrap();
    world.partition_oneway(client, server);
    for _ in 0..4 {
        world.advance(secs(50)).unwrap();
        world.event_loop(server).socket_at(accepted).write("hello");
    }
    world.advance(secs(79)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.advance(secs(2)).unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
}

#[test]
fn a_probe_that_is_answered_in_time_keeps_the_connection() {
    let diary = Diary::default();
    let (mut world, server, client, _) = probing(18, &diary);
    for _ in 0..8 {
        world.partition(server, client);
        world.advance(secs(70)).unwrap();
        world.heal(server, client);
        world.advance(secs(60)).unwrap();
    }
    assert_eq!(diary.take(), [""; 0]);
}

#[test]
fn an_answer_after_the_last_probe_is_too_late() {
    let diary = Diary::default();
    let (mut world, server, client, _) = probing(22, &diary);
    world.partition(server, client);
    world.advance(secs(77)).unwrap();
    world.heal(server, client);
    world.advance(secs(4)).unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
}

#[test]
fn a_peer_that_has_lost_the_connection_answers_a_probe_with_a_reset() {
    let diary = Diary::default();
    let (mut world, server, client, _) = probing(19, &diary);
    world.partition(server, client);
    world.advance(secs(100)).unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    world.heal(server, client);
    world.advance(secs(490)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.advance(secs(15)).unwrap();
    assert_eq!(diary.take(), ["server: ECONNRESET", "server: close"]);
}

#[test]
fn probes_time_out_after_a_crash_and_get_a_reset_after_a_restart() {
    for (restarts, fate) in [(false, "client: ETIMEDOUT"), (true, "client: ECONNRESET")] {
        let diary = Diary::default();
        let (mut world, server, _, _) = probing(23, &diary);
        world.crash(server);
        if restarts {
            world.restart(server);
        }
        world.advance(secs(59)).unwrap();
        assert_eq!(diary.take(), [""; 0]);
        world.advance(secs(22)).unwrap();
        assert_eq!(diary.take(), [fate, "client: close"]);
    }
}

#[test]
fn unacknowledged_data_outlasts_the_keep_alive_probes() {
    let diary = Diary::default();
    let (mut world, server, client, id) = probing(20, &diary);
    world.partition(server, client);
    world.advance(secs(10)).unwrap();
    world.event_loop(client).socket_at(id).write("hello");
    // The server has nothing to send, and times out by its probes.
    world.advance(secs(605)).unwrap();
    assert_eq!(diary.take(), ["server: ETIMEDOUT", "server: close"]);
    world.run().unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    assert_eq!(world.now().as_secs(), 10 + 924);
}

#[test]
fn a_zero_window_whose_probes_are_unanswered_for_fifteen_minutes_ends_the_connection() {
    for is_oneway in [false, true] {
        let (mut world, server, client) = pair(19);
        world.set_buffers(1000, 1000);
        let mut listening = world
            .event_loop(server)
            .create_server(|socket| _ = socket.pause());
        listening.listen_on(8000).unwrap();
        let diary = Diary::default();
        let mut socket = watched(world.event_loop(client), "server", "client", &diary);
        socket.write([0; 100_000]);
        world.run().unwrap();
        assert_eq!(
            world.sockets(server)[1].unread,
            1000,
            "its window is closed"
        );
        world.advance(secs(3600)).unwrap();
        assert_eq!(diary.take(), [""; 0], "the peer answers the probes");

        world.partition_oneway(server, client);
        if !is_oneway {
            world.partition_oneway(client, server);
        }
        world.advance(secs(900)).unwrap();
        assert_eq!(diary.take(), [""; 0]);
        world.advance(secs(60)).unwrap();
        assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
    }
}

#[test]
fn a_segment_that_arrives_begins_the_quarter_of_an_hour_of_window_probes_again() {
    let (mut world, server, client) = pair(19);
    world.set_buffers(1000, 1000);
    let mut listening = world.event_loop(server).create_server(|socket| {
        let id = socket.pause().id();
        socket.event_loop().set_data(id);
    });
    listening.listen_on(8000).unwrap();
    let diary = Diary::default();
    let mut socket = watched(world.event_loop(client), "server", "client", &diary);
    socket.resume().write([0; 100_000]);
    world.run().unwrap();
    world.partition_oneway(client, server);
    world.advance(secs(800)).unwrap();
    let accepted: SocketId = world.event_loop(server).take_data().unwrap();
    world.event_loop(server).socket_at(accepted).write("hello");
    world.advance(secs(920)).unwrap();
    assert_eq!(diary.take(), [""; 0]);
    world.advance(secs(10)).unwrap();
    assert_eq!(diary.take(), ["client: ETIMEDOUT", "client: close"]);
}

#[test]
fn an_orphan_that_waits_for_a_window_gives_up_after_a_while() {
    // After 324.6 s, counted since the window is closed, or at the next probe, one every 120 s. The reader goes on
    // before or after that.
    let fates = [
        (10, 300, "client: end", "164000"),
        (10, 320, "client: ECONNRESET", "1000"),
        (1000, 30, "client: end", "164000"),
        (1000, 50, "client: ECONNRESET", "1000"),
    ];
    for (before, after, fate, bytes) in fates {
        let (mut world, server, client) = pair(20);
        world.set_buffers(200_000, 1000);
        let mut listening = world
            .event_loop(server)
            .create_server(|socket| _ = socket.write([0; 164_000]));
        listening.listen_on(8000).unwrap();
        let diary = Diary::default();
        let id = watched(world.event_loop(client), "server", "client", &diary)
            .pause()
            .id();
        world.advance(secs(before)).unwrap();
        world.kill(server);
        world.advance(secs(after)).unwrap();
        let is_there = fate == "client: end";
        assert_eq!(world.sockets(server).len(), usize::from(is_there));
        let noted = diary.clone();
        let mut socket = world.event_loop(client).socket_at(id);
        socket.on_close(move |socket, _| noted.note(format!("{}", socket.bytes_read())));
        socket.resume();
        world.run().unwrap();
        assert_eq!(diary.take(), [fate, "client: close", bytes]);
        assert!(world.sockets(server).is_empty());
    }
}
