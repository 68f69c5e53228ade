//! A swarm: for each seed a random program on three simulated hosts, checked throughout. What is checked:
//! bytes arrive once, in order and unchanged; after `end` all of them have; `close` comes once, and nothing
//! after it; each write calls back once; a loop that is done holds nothing.
//!
//!     cargo run --release --features sim --example swarm -- 0..10000
//!
//! A seed that fails is printed with the command that runs it alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netloop::sim::{Host, World};
use netloop::{Loop, ServerId, Socket, SocketId};

/// How much a program does at most, beside what it must.
const ACTIONS: usize = 60;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// What is known of one end of a connection.
struct End {
    host: usize,
    id: SocketId,
    /// Its address and its peer's, once it is connected.
    names: Option<(SocketAddr, SocketAddr)>,
    /// How many bytes were written and received. Each byte is that of its place.
    written: usize,
    received: usize,
    /// Writes with a callback, and callbacks.
    promised: usize,
    called: usize,
    has_finished: bool,
    has_ended: bool,
    closed: usize,
}

struct Play {
    dice: Dice,
    actions: usize,
    ends: Vec<End>,
}

/// What the callbacks share.
#[derive(Clone)]
struct Shared(Rc<RefCell<Play>>);

fn byte(place: usize) -> u8 {
    (place % 251) as u8
}

impl Shared {
    fn below(&self, bound: usize) -> usize {
        self.0.borrow_mut().dice.below(bound)
    }

    fn end<R>(&self, number: usize, change: impl FnOnce(&mut End) -> R) -> R {
        change(&mut self.0.borrow_mut().ends[number])
    }

    /// An event of an end, which must not have closed.
    fn event(&self, number: usize, what: &str) {
        let closed = self.end(number, |end| end.closed);
        assert_eq!(closed, 0, "{what} after close, end {number}");
    }

    /// Whether another action is allowed.
    fn may_act(&self) -> bool {
        let mut play = self.0.borrow_mut();
        let may = play.actions > 0 && play.dice.below(3) > 0;
        play.actions -= usize::from(may);
        may
    }

    /// Takes note of a new socket, and listens to all its events.
    fn adopt(&self, socket: &mut Socket<'_>, host: usize) -> usize {
        let mut play = self.0.borrow_mut();
        let number = play.ends.len();
        play.ends.push(End {
            host,
            id: socket.id(),
            names: None,
            written: 0,
            received: 0,
            promised: 0,
            called: 0,
            has_finished: false,
            has_ended: false,
            closed: 0,
        });
        drop(play);
        let half_open = self.below(4) == 0;
        socket.set_allow_half_open(half_open);
        let (data, end, finish) = (self.clone(), self.clone(), self.clone());
        let (drain, error, close) = (self.clone(), self.clone(), self.clone());
        socket.on_data(move |socket, chunk| {
            data.event(number, "data");
            data.end(number, |end| {
                assert!(!end.has_ended, "data after end");
                for (place, got) in chunk.iter().enumerate() {
                    assert_eq!(*got, byte(end.received + place), "a wrong byte");
                }
                end.received += chunk.len();
            });
            data.act(socket, number);
        });
        socket.on_end(move |socket| {
            end.event(number, "end");
            let before = end.end(number, |end| std::mem::replace(&mut end.has_ended, true));
            assert!(!before, "end twice");
            end.act(socket, number);
        });
        socket.on_finish(move |socket| {
            finish.event(number, "finish");
            finish.end(number, |end| end.has_finished = true);
            finish.act(socket, number);
        });
        socket.on_drain(move |socket| {
            drain.event(number, "drain");
            drain.act(socket, number);
        });
        socket.on_error(move |_, _| error.event(number, "error"));
        socket.on_close(move |socket, _| {
            close.event(number, "close");
            close.end(number, |end| end.closed += 1);
            close.act(socket, number);
        });
        number
    }

    fn connected(&self, socket: &mut Socket<'_>, number: usize) {
        let plain = |it: SocketAddr| SocketAddr::new(it.ip().to_canonical(), it.port());
        let names = socket.address().zip(socket.peer());
        self.end(number, |end| {
            end.names = names.map(|(ours, theirs)| (plain(ours), plain(theirs)));
        });
    }

    fn act(&self, socket: &mut Socket<'_>, number: usize) {
        while self.may_act() {
            self.act_once(socket, number);
        }
    }

    fn act_once(&self, socket: &mut Socket<'_>, number: usize) {
        match self.below(24) {
            0..=7 => self.write(socket, number),
            8 => _ = socket.end(),
            9 => _ = socket.destroy(),
            10 => _ = socket.reset_and_destroy(),
            11 => _ = socket.pause(),
            12 | 13 => _ = socket.resume(),
            14 => _ = socket.cork(),
            15 => _ = socket.uncork(),
            16 => _ = socket.set_timeout(Duration::from_millis(self.below(2000) as u64)),
            17 => _ = socket.read(Some(0)),
            18 => _ = socket.destroy_soon(),
            19 => self.connect(socket.event_loop(), self.end(number, |end| end.host)),
            kind => self.act_later(socket, number, kind),
        }
    }

    /// Acts from another queue, and lets a socket that is paused or corked go on.
    fn act_later(&self, socket: &mut Socket<'_>, number: usize, kind: usize) {
        let (later, id) = (self.clone(), socket.id());
        let act = move |event_loop: &mut Loop| {
            let mut socket = event_loop.socket_at(id);
            socket.resume().uncork();
            later.act(&mut socket, number);
        };
        match kind {
            20 => socket.event_loop().next_tick(act),
            21 => _ = socket.event_loop().set_immediate(act),
            _ => {
                let after = Duration::from_millis(self.below(300) as u64);
                _ = socket.event_loop().after(after, act);
            }
        }
    }

    fn write(&self, socket: &mut Socket<'_>, number: usize) {
        let size = match self.below(4) {
            0 => self.below(200_000),
            _ => self.below(2000),
        };
        let counts = socket.is_writable();
        let called = self.clone();
        let bytes: Vec<u8> = self.end(number, |end| {
            let first = end.written;
            end.written += if counts { size } else { 0 };
            end.promised += 1;
            (first..first + size).map(byte).collect()
        });
        socket.write_then(bytes, move |socket, _| {
            called.end(number, |end| end.called += 1);
            called.act(socket, number);
        });
    }

    fn connect(&self, event_loop: &mut Loop, host: usize) {
        let port = if self.below(8) == 0 { 9 } else { 8000 };
        let shared = self.clone();
        let mut socket = event_loop.connect_to(("server", port)).expect("a connect");
        let number = self.adopt(&mut socket, host);
        socket.on_connect(move |socket| {
            shared.event(number, "connect");
            shared.connected(socket, number);
            shared.act(socket, number);
        });
        self.act(&mut socket, number);
    }

    fn listen(&self, event_loop: &mut Loop, host: usize) -> ServerId {
        let shared = self.clone();
        let mut server = event_loop.create_server(move |socket| {
            let number = shared.adopt(socket, host);
            shared.connected(socket, number);
            shared.act(socket, number);
        });
        server.listen_on(8000).expect("a server").id()
    }

    /// Destroys all sockets. Nothing is left then.
    fn finish(&self, world: &mut World, hosts: &[Host]) {
        self.0.borrow_mut().actions = 0;
        let ends = self.0.borrow();
        let all: Vec<(usize, SocketId)> = ends.ends.iter().map(|end| (end.host, end.id)).collect();
        drop(ends);
        for (host, id) in all {
            world.event_loop(hosts[host]).socket_at(id).destroy();
        }
        world.run().expect("no error without a listener");
        for host in hosts {
            let left = world.event_loop(*host).holders();
            assert!(left.is_empty(), "left: {left:?}");
        }
    }

    /// What must hold when all is over.
    fn check(&self) {
        let play = self.0.borrow();
        let named = |end: &'_ End| end.names;
        let by_name: HashMap<_, _> = play
            .ends
            .iter()
            .filter_map(|it| Some((named(it)?, it)))
            .collect();
        for (number, end) in play.ends.iter().enumerate() {
            assert_eq!(end.closed, 1, "end {number} has not closed");
            assert_eq!(
                end.called, end.promised,
                "callbacks of the writes of end {number}"
            );
            let Some((ours, theirs)) = end.names else {
                assert_eq!(end.received, 0, "data without a connection");
                continue;
            };
            if let Some(peer) = by_name.get(&(theirs, ours)) {
                assert!(end.received <= peer.written, "more than was sent");
                let is_all = end.received == peer.written;
                let is_whole = end.has_ended && peer.has_finished;
                assert!(!is_whole || is_all, "end {number} has lost bytes");
            }
        }
    }
}

/// Runs the program of a seed. Panics if something does not hold.
fn run(seed: u64) {
    let mut world = World::new(seed);
    let shared = Shared(Rc::new(RefCell::new(Play {
        dice: Dice(!seed),
        actions: ACTIONS,
        ends: Vec::new(),
    })));
    let hosts: Vec<Host> = ["server", "one", "two"]
        .map(|name| world.add_host(name).expect("a host"))
        .to_vec();
    if shared.below(2) == 0 {
        let (send, receive) = (1 + shared.below(100_000), 1 + shared.below(100_000));
        world.set_buffers(send, receive);
    }
    let server = shared.listen(world.event_loop(hosts[0]), 0);
    shared.connect(world.event_loop(hosts[1]), 1);
    if shared.below(2) == 0 {
        shared.connect(world.event_loop(hosts[2]), 2);
    }
    for _ in 0..shared.below(6) {
        let time = Duration::from_millis(shared.below(500) as u64);
        world.advance(time).expect("no error without a listener");
        match shared.below(4) {
            0 => world.partition(hosts[0], hosts[1]),
            1 => world.heal(hosts[0], hosts[1]),
            _ => {}
        }
    }
    world.heal(hosts[0], hosts[1]);
    world
        .advance(Duration::from_secs(10))
        .expect("no error without a listener");
    world.event_loop(hosts[0]).server_at(server).close();
    shared.finish(&mut world, &hosts);
    shared.check();
}

fn main() {
    let range = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "0..1000".to_owned());
    let (first, end) = range.split_once("..").expect("FIRST..END");
    let (first, end): (u64, u64) = (first.parse().expect("a seed"), end.parse().expect("a seed"));
    let (next, failed) = (AtomicU64::new(first), AtomicU64::new(0));
    let begun = Instant::now();
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            if panic::catch_unwind(AssertUnwindSafe(|| run(seed))).is_err() {
                failed.fetch_add(1, Ordering::Relaxed);
                eprintln!(
                    "seed {seed} fails: cargo run --features sim --example swarm -- {seed}..{}",
                    seed + 1
                );
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (count, seconds) = (end - first, begun.elapsed().as_secs_f64());
    println!(
        "{count} seeds in {seconds:.1} s, {:.0} a second",
        count as f64 / seconds
    );
    if failed.into_inner() > 0 {
        std::process::exit(1);
    }
}
