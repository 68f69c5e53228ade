//! A protocol handler, and a peer that the test plays.

use std::collections::BTreeSet;
use std::time::Duration;

use netloop::sim::{Pair, PairOptions, World};
use netloop::{BlockList, LineSplitter, ServerOptions, Socket};

use crate::{code, secs};

/// Answers each line in capitals. A line that is too long ends the connection, and so does an idle time of 30 s.
fn shout(socket: &mut Socket<'_>) {
    socket.set_data(LineSplitter::new(16)).on_error(|_, _| {});
    socket.on_data(|socket, chunk| {
        socket.lend(|lines: &mut LineSplitter, socket| {
            lines.push(chunk);
            while let Some(line) = lines.next_line() {
                match line {
                    Ok(line) => _ = socket.write([&line.to_ascii_uppercase(), &b"\n"[..]].concat()),
                    Err(_) => _ = socket.end_with("too long\n"),
                }
            }
        });
    });
    socket.set_timeout(secs(30));
    socket.on_timeout(|socket| _ = socket.end_with("bye\n"));
}

#[test]
fn a_handler_has_answered_when_send_returns() {
    for seed in 0..100 {
        let mut pair = Pair::new(seed, shout).unwrap();
        assert_eq!(pair.send("hel").unwrap(), b"", "seed {seed}");
        assert_eq!(pair.send("lo\nyou\n").unwrap(), b"HELLO\nYOU\n");
        let long = pair.send("a line that is too long\n").unwrap();
        assert_eq!(long, b"too long\n", "seed {seed}");
        assert!(pair.has_ended());
        assert!(pair.error().is_none());
        assert!(!pair.socket().event_loop().is_alive(), "seed {seed}");
    }
}

#[test]
fn the_seed_decides_in_which_pieces_a_handler_receives_bytes() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let mut pair = Pair::new(seed, |socket| {
            socket.set_data(Vec::<Vec<u8>>::new());
            socket.on_data(|socket, chunk| {
                let chunk = chunk.to_vec();
                socket.data_mut::<Vec<Vec<u8>>>().unwrap().push(chunk);
            });
        })
        .unwrap();
        pair.send("hello\n").unwrap();
        let chunks = pair.socket().take_data::<Vec<Vec<u8>>>().unwrap();
        assert_eq!(chunks.concat(), b"hello\n", "seed {seed}");
        seen.insert(chunks);
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[test]
fn a_handlers_time_passes_only_when_the_test_advances_it() {
    let mut pair = Pair::new(1, shout).unwrap();
    assert_eq!(pair.advance(secs(29)).unwrap(), b"");
    assert_eq!(pair.send("here\n").unwrap(), b"HERE\n");
    assert_eq!(pair.advance(Duration::from_millis(29_999)).unwrap(), b"");
    assert!(!pair.has_ended());
    assert_eq!(pair.advance(Duration::from_millis(1)).unwrap(), b"bye\n");
    assert!(pair.has_ended());
}

#[test]
fn a_handler_sees_its_peer_reset_the_connection() {
    let mut pair = Pair::new(1, |socket| {
        socket.set_data(String::new());
        socket.on_error(|socket, error| {
            let code = code(error);
            socket.event_loop().set_data(code);
        });
        socket.resume();
    });
    let pair = pair.as_mut().unwrap();
    pair.peer().reset_and_destroy().unwrap();
    assert_eq!(pair.advance(Duration::ZERO).unwrap(), b"");
    let seen = pair.socket().event_loop().take_data::<String>();
    assert_eq!(seen.as_deref(), Some("ECONNRESET"));
}

#[test]
fn a_peer_sees_a_handler_reset_the_connection() {
    let mut pair = Pair::new(1, |socket| {
        socket.on_data(|socket, _| _ = socket.reset_and_destroy());
    })
    .unwrap();
    assert_eq!(pair.send("hello").unwrap(), b"");
    assert_eq!(pair.error().map(code).as_deref(), Some("ECONNRESET"));
    assert!(!pair.has_ended());
}

#[test]
fn a_handler_buffers_no_more_than_its_limit_for_a_peer_that_does_not_read() {
    let options = ServerOptions::default().write_limit(100_000);
    let flood = |socket: &mut Socket<'_>| {
        socket.on_error(|socket, error| {
            let code = code(error);
            socket.event_loop().set_data(code);
        });
        socket.set_interval(Duration::from_millis(1), |socket| {
            socket.write([b'x'; 10_000]);
        });
    };
    let mut pair = Pair::with(1, options, flood).unwrap();
    pair.peer().pause();
    assert_eq!(pair.advance(secs(1)).unwrap(), b"");
    let seen = pair.socket().event_loop().take_data::<String>();
    assert_eq!(seen.as_deref(), Some("ENOBUFS"));
}

#[test]
fn a_peer_that_has_ended_or_is_destroyed_cannot_send() {
    let mut pair = Pair::new(1, shout).unwrap();
    pair.peer().end();
    let refused = |pair: &mut Pair| pair.send("late").unwrap_err();
    assert_eq!(code(&refused(&mut pair)), "ERR_STREAM_WRITE_AFTER_END");
    pair.advance(Duration::ZERO).unwrap();
    assert!(pair.has_ended());
    assert_eq!(code(&refused(&mut pair)), "ERR_STREAM_DESTROYED");
    assert!(pair.error().is_none());

    let mut pair = Pair::new(1, shout).unwrap();
    pair.peer().destroy();
    assert_eq!(code(&refused(&mut pair)), "ERR_STREAM_DESTROYED");
}

#[test]
fn a_half_open_peer_sends_after_the_handlers_end() {
    for is_half_open in [false, true] {
        let options = PairOptions::default()
            .half_open(is_half_open)
            .server(ServerOptions::default().allow_half_open(true));
        let mut pair = Pair::with(1, options, |socket| {
            socket.on_data(|socket, chunk| {
                let heard = String::from_utf8_lossy(chunk).into_owned();
                socket.event_loop().set_data(heard);
            });
            socket.end_with("bye");
        })
        .unwrap();
        assert_eq!(pair.advance(Duration::ZERO).unwrap(), b"bye");
        assert!(pair.has_ended());
        assert_eq!(pair.send("so long").is_ok(), is_half_open);
        let heard = pair.socket().event_loop().take_data::<String>();
        assert_eq!(heard.is_some(), is_half_open);
    }
}

#[test]
fn a_preparation_runs_before_the_handler_and_the_world_can_be_changed_later() {
    let options = PairOptions::default().prepare(|world, host| {
        world.event_loop(host).set_data("welcome");
        world.set_descriptor_limit(host, Some(100));
    });
    let mut pair = Pair::with(1, options, |socket| {
        let greeting = *socket.event_loop().data::<&str>().unwrap();
        socket.write(greeting);
        shout(socket);
    })
    .unwrap();
    assert_eq!(pair.advance(Duration::ZERO).unwrap(), b"welcome");
    let (handler, peer) = pair.hosts();
    pair.world().partition(handler, peer);
    assert_eq!(pair.send("hello\n").unwrap(), b"");
    pair.world().heal(handler, peer);
    assert_eq!(pair.advance(secs(1)).unwrap(), b"HELLO\n");
}

#[test]
fn a_preparation_that_prevents_the_connection_is_an_error() {
    let apart = |world: &mut World, _| world.set_latency(secs(1)..secs(1));
    let options = PairOptions::default().prepare(apart);
    let error = Pair::with(1, options, shout).unwrap_err();
    assert_eq!(error.code(), Some("ECONNABORTED"));
}

#[test]
fn options_that_refuse_the_peer_are_named_in_the_error() {
    let mut peers = BlockList::new();
    peers.add_cidr("10.0.0.0/8").unwrap();
    let options = ServerOptions::default().block_list(peers);
    let error = Pair::with(1, options, shout).unwrap_err();
    assert_eq!(error.code(), Some("ECONNABORTED"));
    assert!(error.to_string().contains("the server's options"));
}
