//! The pool of `examples/pool.rs`, against servers that fail.

#[allow(dead_code, reason = "`main` is not called here")]
#[path = "../../examples/pool.rs"]
mod program;

use std::time::Duration;

use netloop::LineSplitter;
use netloop::Loop;
use netloop::sim::{Host, World};
use netloop::trace::What;

use crate::{Diary, pair, secs};

const PORT: u16 = 8000;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A server that notes each line, and echoes it after 100 ms.
fn answer(event_loop: &mut Loop, asked: &Diary) {
    let asked = asked.clone();
    let mut server = event_loop.create_server(move |socket| {
        let asked = asked.clone();
        socket.set_data(LineSplitter::new(100)).on_error(|_, _| {});
        socket.on_data(move |socket, chunk| {
            socket.lend(|lines: &mut LineSplitter, socket| {
                lines.push(chunk);
                while let Some(Ok(line)) = lines.next_line() {
                    asked.note(String::from_utf8_lossy(line));
                    let answer = [line, b"\n"].concat();
                    socket.after(millis(100), move |socket| _ = socket.write(answer));
                }
            });
        });
    });
    server.listen_on(PORT).unwrap();
}

/// A server's host, and a client with a pool that has this many requests to send.
fn pool(seed: u64, requests: usize) -> (World, Host, Host) {
    let (mut world, server, client) = pair(seed);
    program::start(world.event_loop(client), ("server", PORT), requests);
    (world, server, client)
}

/// A pool of a hundred requests that a partition of this length has cut off from its server.
fn cut_off(seed: u64, span: Duration) -> (World, Host, Host, Diary) {
    let asked = Diary::default();
    let (mut world, server, client) = pool(seed, 100);
    answer(world.event_loop(server), &asked);
    world.advance(millis(550)).unwrap();
    world.partition(server, client);
    world.advance(span).unwrap();
    (world, server, client, asked)
}

/// Each request was answered, and nothing holds the client's loop.
#[track_caller]
fn assert_done(world: &mut World, client: Host, asked: &Diary, requests: usize, seed: u64) {
    assert!(!world.event_loop(client).is_alive(), "seed {seed}");
    let mut asked = asked.take();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), requests, "seed {seed}");
}

#[test]
fn a_pool_without_a_server_backs_off_exponentially() {
    let mut world = World::new(1);
    world.set_latency(Duration::ZERO..Duration::ZERO);
    let server = world.add_host("server").unwrap();
    let client = world.add_host("client").unwrap();
    let (attempts, noted) = (Diary::default(), Diary::default());
    let at = attempts.clone();
    world.event_loop(client).on_trace(move |record| {
        if matches!(record.what, What::Call("connect")) {
            at.note(record.at.as_millis().to_string());
        }
    });
    let address = world.address(server).to_string();
    program::start(world.event_loop(client), (&address, PORT), 1);
    world.advance(secs(20)).unwrap();
    let mut times = attempts.take();
    times.dedup(); // the four connections try at the same time
    let wanted = [0, 50, 150, 350, 750, 1550, 3150, 6350, 11_350, 16_350];
    assert_eq!(times, wanted.map(|it: u32| it.to_string()));

    answer(world.event_loop(server), &noted);
    world.advance(millis(1_349)).unwrap();
    assert_eq!(noted.take(), [""; 0]);
    world.advance(millis(1)).unwrap();
    assert_eq!(noted.take(), ["request 0"], "21.35 s after the start");
}

#[test]
fn requests_without_an_answer_are_sent_again_to_the_next_server() {
    for seed in 0..20 {
        let asked = Diary::default();
        let (mut world, server, client) = pool(seed, 100);
        answer(world.event_loop(server), &asked);
        world.advance(millis(550)).unwrap();
        let before = asked.take();
        assert!(before.len() > 12, "seed {seed}: {before:?}");
        world.kill(server);
        world.advance(secs(60)).unwrap();
        assert_eq!(asked.take(), [""; 0]);

        answer(world.event_loop(server), &asked);
        let begun = world.now();
        world.run().unwrap();
        let after = asked.take();
        // Each connection had one request or its answer in flight.
        let again = after.iter().filter(|line| before.contains(line)).count();
        assert!((1..=4).contains(&again), "seed {seed}: {again}");
        assert!(world.now() - begun < secs(5 + 3), "{:?}", world.now());
        (before.into_iter().chain(after)).for_each(|line| asked.note(line));
        assert_done(&mut world, client, &asked, 100, seed);
    }
}

#[test]
fn a_short_partition_costs_a_pool_no_connection() {
    for seed in 0..20 {
        let (mut world, server, client, asked) = cut_off(seed, secs(10 * 60));
        world.heal(server, client);
        world.run().unwrap();
        assert_eq!(
            asked.0.borrow().len(),
            100,
            "seed {seed}: none is sent twice"
        );
        assert_done(&mut world, client, &asked, 100, seed);
    }
}

#[test]
fn a_pool_reconnects_after_a_partition_of_a_day() {
    for seed in 0..20 {
        let (mut world, server, client, asked) = cut_off(seed, secs(24 * 60 * 60));
        let answered = asked.0.borrow().len();
        world.heal(server, client);
        let begun = world.now();
        world.run().unwrap();
        let again = asked.0.borrow().len() - 100;
        assert!(answered < 40 && again <= 4, "seed {seed}: {again}");
        assert!(world.now() - begun < secs(10), "seed {seed}");
        assert_done(&mut world, client, &asked, 100, seed);
    }
}
