//! When a kernel drops an orphan or a connection in SYN-RECV: as Linux does.

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{ConnectOptions, ServerOptions, SocketId};

use super::{Diary, call, pair, secs, watch};

/// A connection between two half-open sockets.
struct Connection {
    world: World,
    server: Host,
    client: Host,
    accepted: SocketId,
    connected: SocketId,
    diary: Diary,
}

impl Connection {
    fn new(seed: u64) -> Connection {
        let (mut world, server, client) = pair(seed);
        let diary = Diary::default();
        let noted = diary.clone();
        let options = ServerOptions::default().allow_half_open(true);
        let event_loop = world.event_loop(server);
        let mut listening = event_loop.create_server_with(options, move |socket| {
            watch(socket, "server", &noted);
            let id = socket.resume().id();
            socket.event_loop().set_data(id);
        });
        listening.listen_on(8000).unwrap();
        let to = ConnectOptions::from(("server", 8000)).allow_half_open(true);
        let mut socket = world.event_loop(client).connect_to(to).unwrap();
        watch(&mut socket, "client", &diary);
        let connected = socket.resume().id();
        world.run().unwrap();
        let accepted = world.event_loop(server).take_data().unwrap();
        Connection {
            world,
            server,
            client,
            accepted,
            connected,
            diary,
        }
    }

    fn cut(&mut self) {
        self.world.partition(self.server, self.client);
    }

    fn heal(&mut self) {
        self.world.heal(self.server, self.client);
    }

    fn close(&mut self) {
        let event_loop = self.world.event_loop(self.client);
        event_loop.socket_at(self.connected).destroy();
    }

    fn end(&mut self) {
        let event_loop = self.world.event_loop(self.client);
        event_loop.socket_at(self.connected).end();
    }

    fn end_the_other(&mut self) {
        let event_loop = self.world.event_loop(self.server);
        event_loop.socket_at(self.accepted).end();
    }

    fn advance(&mut self, by: Duration) {
        self.world.advance(by).unwrap();
    }

    /// The states of the host's connections.
    fn states(&self, host: Host) -> Vec<&'static str> {
        let sockets = self.world.sockets(host).into_iter();
        let states = sockets.map(|socket| socket.state);
        states.filter(|state| *state != "LISTEN").collect()
    }

    fn state(&self) -> Vec<&'static str> {
        self.states(self.client)
    }
}

#[test]
fn an_orphan_stays_in_fin_wait_2_for_a_minute() {
    let mut it = Connection::new(1);
    it.close();
    it.advance(secs(59));
    assert_eq!(it.state(), ["FIN-WAIT-2"]);
    it.advance(secs(2));
    assert_eq!(it.state(), [""; 0]);
    assert_eq!(it.states(it.server), ["CLOSE-WAIT"]);
    assert_eq!(it.diary.take(), ["client: close", "server: end"]);

    // The server's FIN belongs to no connection.
    it.end_the_other();
    it.advance(secs(1));
    assert_eq!(it.states(it.server), [""; 0]);

    // An open socket stays in FIN-WAIT-2 without limit.
    let mut it = Connection::new(2);
    it.end();
    it.advance(secs(3600));
    assert_eq!(it.state(), ["FIN-WAIT-2"]);
}

#[test]
fn bytes_for_a_closed_connection_are_answered_with_a_reset() {
    let mut it = Connection::new(1);
    it.close();
    it.advance(secs(1));
    it.diary.take();
    let write = |it: &mut Connection| {
        let event_loop = it.world.event_loop(it.server);
        event_loop.socket_at(it.accepted).write("hello");
        it.advance(secs(1));
    };
    write(&mut it);
    assert_eq!(it.state(), [""; 0]);
    assert_eq!(it.states(it.server), ["UNCONN"]);
    assert_eq!(it.diary.take(), [""; 0], "after the end nothing is read");
    write(&mut it);
    assert_eq!(it.diary.take(), ["server: EPIPE", "server: close"]);
}

#[test]
fn an_orphan_with_unacknowledged_data_is_dropped_after_102_seconds() {
    // The seconds from the partition to the close, and to the last one in which the kernel has the orphan.
    for (is_last, closed_after, gone_after) in [
        (false, 0, 102),
        (true, 0, 102),
        (false, 30, 102),
        (false, 300, 324),
    ] {
        let mut it = Connection::new(1);
        if is_last {
            it.end_the_other();
            it.advance(secs(1));
        }
        it.cut();
        let event_loop = it.world.event_loop(it.client);
        event_loop.socket_at(it.connected).write("hello");
        it.advance(secs(closed_after));
        it.close();
        it.advance(secs(gone_after - closed_after));
        let state = if is_last { "LAST-ACK" } else { "FIN-WAIT-1" };
        assert_eq!(it.state(), [state], "after {closed_after} s");
        it.advance(secs(1));
        assert_eq!(it.state(), [""; 0], "after {closed_after} s");
        it.diary.take();
        it.heal();
        it.advance(secs(3600));
        assert_eq!(it.diary.take(), [""; 0], "nothing is retransmitted");
    }
}

#[test]
fn the_data_of_an_orphan_arrives_after_a_short_partition() {
    let mut it = Connection::new(1);
    it.cut();
    it.close();
    it.advance(secs(100));
    it.heal();
    it.advance(secs(1));
    assert_eq!(it.diary.take(), ["client: close", "server: end"]);
    assert_eq!(it.state(), ["FIN-WAIT-2"]);
    it.world.run().unwrap();
    assert_eq!(it.state(), [""; 0]);
}

#[test]
fn the_state_of_a_connection_shows_which_half_ended_first() {
    let mut it = Connection::new(1);
    it.end_the_other();
    it.advance(secs(1));
    assert_eq!(it.state(), ["CLOSE-WAIT"]);
    it.cut();
    it.end();
    it.advance(secs(1));
    assert_eq!(it.state(), ["LAST-ACK"]);

    let mut it = Connection::new(1);
    it.cut();
    it.end();
    it.end_the_other();
    it.advance(secs(1));
    assert_eq!(it.state(), ["FIN-WAIT-1"]);
    it.world.heal_oneway(it.server, it.client);
    it.advance(secs(1));
    assert_eq!(it.state(), ["CLOSING"]);
    it.heal();
    it.advance(secs(1));
    assert_eq!(it.state(), [""; 0]);
}

#[test]
fn a_connection_in_syn_recv_takes_no_place_in_the_backlog_and_is_dropped_after_a_minute() {
    let (mut world, server, client) = pair(1);
    let other = world.add_host("other").unwrap();
    let event_loop = world.event_loop(server);
    let options = netloop::ListenOptions::from(8000).backlog(1);
    let mut listening = event_loop.create_server(|socket| _ = socket.end_with("hello"));
    listening.listen_on(options).unwrap();
    world.partition_oneway(server, client);
    for _ in 0..3 {
        let event_loop = world.event_loop(client);
        let id = event_loop.connect_to(("10.0.0.1", 8000)).unwrap().id();
        world.advance(Duration::from_millis(500)).unwrap();
        world.event_loop(client).socket_at(id).destroy();
    }
    let begun = |world: &World| {
        let sockets = world.sockets(server);
        sockets.iter().filter(|it| it.state == "SYN-RECV").count()
    };
    let diary = Diary::default();
    call(world.event_loop(other), &diary);
    world.advance(secs(5)).unwrap();
    assert_eq!(diary.take()[0], "hello");
    assert_eq!(begun(&world), 3);
    world.advance(secs(56)).unwrap();
    assert_eq!(begun(&world), 3);
    world.advance(secs(4)).unwrap();
    assert_eq!(begun(&world), 0);
}

#[test]
fn a_fin_whose_acknowledgement_is_lost_with_an_orphan_is_retransmitted() {
    let mut it = Connection::new(1);
    it.world.partition_oneway(it.client, it.server);
    it.end_the_other();
    it.advance(secs(1));
    it.close();
    it.advance(secs(110));
    assert_eq!(it.state(), [""; 0], "the client has given up");
    assert_eq!(it.states(it.server), ["FIN-WAIT-1"]);
    it.diary.take();
    it.heal();
    it.advance(secs(1));
    assert_eq!(it.diary.take(), ["server: ECONNRESET", "server: close"]);
    assert_eq!(it.states(it.server), [""; 0]);
}

#[test]
fn unacknowledged_data_is_retransmitted_to_a_crashed_machine() {
    let mut resets = 0;
    for micros in (0..6000).step_by(100) {
        let mut it = Connection::new(micros);
        it.end_the_other();
        let event_loop = it.world.event_loop(it.client);
        event_loop.socket_at(it.connected).end_with("hello");
        it.advance(Duration::from_micros(micros));
        it.world.crash(it.server);
        it.world.restart(it.server);
        it.world.run().unwrap();
        assert_eq!(it.state(), [""; 0], "after {micros} µs");
        let noted = it.diary.take();
        let is_reset = noted.iter().any(|line| line == "client: ECONNRESET");
        resets += usize::from(is_reset);
    }
    assert!(resets > 10, "{resets}");
}
