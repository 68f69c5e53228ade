//! The chat of `examples/chat.rs`, each member on a host of its own.

#[allow(dead_code, reason = "`main` is not called here")]
#[path = "../../examples/chat.rs"]
mod program;

use std::time::Duration;

use netloop::sim::{Host, World};
use netloop::{LineSplitter, SocketId};

use crate::{Diary, secs};

const PORT: u16 = 8000;

/// A member of the room: its socket, and the lines that it has received.
struct Member {
    host: Host,
    socket: SocketId,
    heard: Diary,
}

impl Member {
    /// Connects from a new host, and sends the name.
    fn join(world: &mut World, name: &str) -> Member {
        let host = world.add_host(name).unwrap();
        let heard = Diary::default();
        let mut socket = world.event_loop(host).connect_to(("server", PORT)).unwrap();
        let (lines, end, close) = (heard.clone(), heard.clone(), heard.clone());
        socket
            .set_data(LineSplitter::new(2000))
            .on_data(move |socket, chunk| {
                let splitter = socket.data_mut::<LineSplitter>().unwrap();
                splitter.push(chunk);
                while let Some(line) = splitter.next_line() {
                    lines.note(String::from_utf8_lossy(line.unwrap()));
                }
            })
            .on_end(move |_| end.note("(end)"))
            .on_error(|_, _| {})
            .on_close(move |_, _| close.note("(close)"))
            .write(format!("{name}\n"));
        let socket = socket.id();
        let member = Member {
            host,
            socket,
            heard,
        };
        world.advance(secs(1)).unwrap();
        assert_eq!(member.heard.take(), ["What is your name?"]);
        member
    }

    fn say(&self, world: &mut World, line: &str) {
        let mut socket = world.event_loop(self.host).socket_at(self.socket);
        socket.write(format!("{line}\n"));
    }
}

/// A room with these members, after each has joined.
fn room<const COUNT: usize>(seed: u64, names: [&str; COUNT]) -> (World, Host, [Member; COUNT]) {
    let mut world = World::new(seed);
    let server = world.add_host("server").unwrap();
    program::serve(world.event_loop(server), PORT).unwrap();
    let members = names.map(|name| Member::join(&mut world, name));
    for member in &members {
        member.heard.take();
    }
    (world, server, members)
}

#[test]
fn a_member_behind_a_partition_gets_every_line_when_it_heals() {
    for seed in 0..20 {
        let (mut world, server, [ann, bob, cid]) = room(seed, ["ann", "bob", "cid"]);
        world.partition(server, cid.host);
        for number in 1..=5 {
            ann.say(&mut world, &format!("line {number}"));
            world.advance(secs(12)).unwrap();
        }
        cid.say(&mut world, "hello?");
        world.advance(secs(1)).unwrap();
        let said: Vec<String> = (1..=5).map(|n| format!("ann: line {n}")).collect();
        assert_eq!(bob.heard.take(), said, "seed {seed}");
        assert_eq!(cid.heard.take(), [""; 0], "seed {seed}");

        world.heal(server, cid.host);
        world.advance(secs(1)).unwrap();
        assert_eq!(cid.heard.take(), said, "seed {seed}");
        assert_eq!(bob.heard.take(), ["cid: hello?"], "seed {seed}");
    }
}

/// How many lines are sent before a member that does not read is disconnected. The others receive them all.
fn lines_until_a_slow_member_is_disconnected(seed: u64) -> usize {
    let (mut world, _, [ann, bob, slow]) = room(seed, ["ann", "bob", "slow"]);
    world.event_loop(slow.host).socket_at(slow.socket).pause();
    let line = "x".repeat(999);
    let mut said = 0;
    while ann.heard.take().is_empty() {
        ann.say(&mut world, &line);
        world.advance(Duration::from_millis(100)).unwrap();
        said += 1;
        assert!(said < 2000, "nothing limits the outbox of a member");
    }
    let heard = bob.heard.take();
    let (last, lines) = heard.split_last().unwrap();
    assert_eq!(last, "* slow has left");
    assert!(lines.iter().all(|heard| *heard == format!("ann: {line}")));
    assert_eq!(
        lines.len(),
        said,
        "seed {seed}: the others receive each line"
    );
    said
}

#[test]
fn a_member_that_does_not_read_is_disconnected_and_the_others_miss_nothing() {
    for seed in 0..5 {
        let said = lines_until_a_slow_member_is_disconnected(seed);
        assert_eq!(
            said,
            lines_until_a_slow_member_is_disconnected(seed),
            "seed {seed}"
        );
        // The outbox and the buffers of both kernels.
        let bytes = said * ("ann: \n".len() + 999);
        assert!(bytes > 256 * 1024, "{bytes}");
        assert!(bytes < 1024 * 1024, "{bytes}");
    }
}

#[test]
fn after_a_kill_of_the_server_a_new_room_works() {
    for seed in 0..20 {
        let (mut world, server, [ann, bob]) = room(seed, ["ann", "bob"]);
        world.kill(server);
        world.advance(secs(1)).unwrap();
        for member in [&ann, &bob] {
            assert_eq!(member.heard.take(), ["(end)", "(close)"], "seed {seed}");
        }
        program::serve(world.event_loop(server), PORT).unwrap();
        let dan = Member::join(&mut world, "dan");
        let eve = Member::join(&mut world, "eve");
        eve.say(&mut world, "just us?");
        world.advance(secs(1)).unwrap();
        assert_eq!(dan.heard.take(), ["* eve has joined", "eve: just us?"]);
    }
}
