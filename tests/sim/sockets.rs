//! Beyond TCP over IPv4: Unix sockets, IPv6 and urgent data.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use netloop::ConnectOptions;
use netloop::sim::World;

use super::{Diary, code, pair, watch, watched};

#[test]
fn a_path_is_known_on_its_host_only() {
    for path in ["/run/app.sock", "\0app"] {
        let (mut world, server, client) = pair(15);
        let path = Path::new(path);
        let mut listening = world.event_loop(server).create_server(|socket| {
            socket.on_data(|socket, chunk| _ = socket.end_with(chunk));
        });
        listening.listen_on(path).unwrap();
        let diary = Diary::default();
        let mut socket = world.event_loop(server).connect_to(path).unwrap();
        let on_data = diary.clone();
        watch(&mut socket, "here", &diary);
        socket.on_data(move |_, chunk| on_data.note(String::from_utf8_lossy(chunk)));
        socket.write("hello");
        let mut socket = world.event_loop(client).connect_to(path).unwrap();
        watch(&mut socket, "there", &diary);
        world.run().unwrap();
        let mut noted = diary.take();
        noted.sort();
        let unknown = match path.is_absolute() {
            true => "there: ENOENT",
            false => "there: ECONNREFUSED",
        };
        let all = ["hello", "here: close", "here: end", unknown, "there: close"];
        assert_eq!(noted, all);
    }
}

#[test]
fn a_killed_program_leaves_its_file_and_the_address_stays_in_use() {
    let (mut world, server, _) = pair(16);
    let path = Path::new("/run/app.sock");
    let diary = Diary::default();
    let listen = |world: &mut World| {
        let on_error = diary.clone();
        let mut listening = world.event_loop(server).create_server(|_| {});
        listening.on_error(move |_, error| on_error.note(code(error)));
        listening.listen_on(path).unwrap();
        let id = listening.id();
        world.run().unwrap();
        id
    };
    let connect = |world: &mut World| {
        let mut socket = world.event_loop(server).connect_to(path).unwrap();
        let on_connect = diary.clone();
        socket.on_connect(move |socket| {
            on_connect.note("connected");
            socket.destroy();
        });
        let on_error = diary.clone();
        socket.on_error(move |_, error| on_error.note(code(error)));
        world.run().unwrap();
    };
    listen(&mut world);
    connect(&mut world);
    assert_eq!(diary.take(), ["connected"]);
    world.kill(server);
    connect(&mut world);
    listen(&mut world);
    assert_eq!(diary.take(), ["ECONNREFUSED", "EADDRINUSE"]);
    assert!(world.remove_file(server, path));
    let id = listen(&mut world);
    connect(&mut world);
    assert_eq!(diary.take(), ["connected"]);
    // A server removes its file when it closes.
    world.event_loop(server).server_at(id).close();
    world.run().unwrap();
    assert!(!world.remove_file(server, path));
}

#[test]
fn hosts_reach_each_other_over_ipv6() {
    let (mut world, server, client) = pair(21);
    let diary = Diary::default();
    let noted = diary.clone();
    let mut listening = world.event_loop(server).create_server(move |socket| {
        let peer = socket.remote_address().map(|ip| ip.to_string());
        noted.note(peer.unwrap_or_default());
        socket.end();
    });
    listening.listen_on(("::", 8000)).unwrap();
    let address = world.ipv6_address(server);
    assert_eq!(address.to_string(), "fd00::1");
    let named = ConnectOptions::from(("server", 8000)).family(6);
    let numbered = ConnectOptions::from(SocketAddr::new(address, 8000));
    let nowhere = ConnectOptions::from(("fd00::7", 8000));
    let no_route = ConnectOptions::from(("2001:db8::1", 8000));
    for options in [named, numbered, nowhere, no_route] {
        let mut socket = world.event_loop(client).connect_to(options).unwrap();
        let on_error = diary.clone();
        socket.on_error(move |_, error| on_error.note(code(error)));
    }
    world.run().unwrap();
    let mut noted = diary.take();
    noted.sort();
    assert_eq!(noted, ["EHOSTUNREACH", "ENETUNREACH", "fd00::2", "fd00::2"]);
}

#[test]
fn a_byte_of_urgent_data_splits_the_stream_and_nothing_is_lost() {
    for seed in 0..50 {
        let (mut world, server, client) = pair(seed);
        let diary = Diary::default();
        let noted = diary.clone();
        let mut listening = world.event_loop(server).create_server(move |socket| {
            let noted = noted.clone();
            socket.on_data(move |_, chunk| noted.note(String::from_utf8_lossy(chunk)));
        });
        listening.listen_on(8000).unwrap();
        let socket = watched(world.event_loop(client), "server", "client", &diary);
        let id = socket.id();
        world.run().unwrap();
        for word in ["to", "be", "or", "not"] {
            world.event_loop(client).socket_at(id).write(word);
            world.advance(Duration::ZERO).unwrap();
            world.send_urgent(client, server);
        }
        world.event_loop(client).socket_at(id).write("to be");
        world.run().unwrap();
        let words = diary.take();
        // An urgent byte becomes part of the stream if another one arrives before it is reached.
        assert_eq!(
            words.concat().replace('!', ""),
            "tobeornotto be",
            "seed {seed}"
        );
    }
}
