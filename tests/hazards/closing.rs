//! H: closing.

use std::cell::Cell;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use netloop::{Error, EventLoop, Loop, ServerId, SocketId};

use crate::program::{Program, netloop};
use crate::stage::*;
use crate::support::skipped;
use crate::tools::{ECHO, compiled, connect, echoes};

/// H1. Catches: close(2) is called again when it was interrupted, on a number that may be another's.
#[test]
fn a_close_that_was_interrupted_is_not_repeated() {
    if lacks(Real::Processes) {
        return;
    }
    let Some(shim) = compiled("close.c") else {
        return skipped("H1, EINTR from close", "no C compiler");
    };
    let mut command = netloop(&ECHO);
    command.env("LD_PRELOAD", shim);
    let mut server = Program::start(command);
    let port = server.port();
    for _ in 0..20 {
        assert!(echoes(&connect(port)));
    }
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

/// H2. Catches: a linger time above zero, with which close(2) blocks the loop.
#[test]
fn destroying_a_socket_that_owes_much_does_not_block() {
    if lacks(Real::Descriptors) {
        return;
    }
    let mut l = event_loop();
    let mut server = l.create_server(|c| {
        close_server(c);
        let duplicate = socket2::Socket::from(c.duplicate_fd().unwrap());
        assert_eq!(duplicate.linger().unwrap(), None);
        c.write(vec![0; 16 << 20]);
        c.reset_and_destroy().unwrap();
        assert_eq!(duplicate.linger().unwrap(), Some(std::time::Duration::ZERO));
    });
    let peer = peer(listen(&mut server));
    l.run().unwrap();
    drop(peer);
}

/// H6. Catches: closing a server closes its connections, or does not wait for them.
#[test]
fn a_closing_server_waits_for_its_last_connection() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        close_server(c);
        let id = c.id();
        c.event_loop().set_timeout(ms(20), move |l| {
            l.socket_at(id).end();
        });
    });
    let said = words.clone();
    server.on_close(move |_| said.say("server closed"));
    let reader = Reader::of(peer(listen(&mut server)));
    reader.begin(&mut l);
    l.run().unwrap();
    assert_eq!(reader.all().unwrap(), b"");
    assert_eq!(words.take(), ["end", "server closed", "close Some(false)"]);
}

/// H4. Catches: a listener that is added during a call is lost when the others are put back.
#[test]
fn a_listener_may_add_listeners_to_its_own_event() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let said = said.clone();
        let mut is_second = false;
        c.on_data(move |c, _| {
            said.say("first");
            if !std::mem::replace(&mut is_second, true) {
                let said = said.clone();
                c.on_data(move |c, _| {
                    said.say("added");
                    c.destroy();
                });
                c.write("more");
            }
        });
        close_server(c);
    });
    let address = listen(&mut server);
    let mut peer = peer(address);
    peer.write_all(b"x").unwrap();
    while words.count("first") == 0 {
        l.run_once().unwrap();
    }
    peer.read_exact(&mut [0; 4]).unwrap();
    peer.write_all(b"y").unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), ["first", "first", "added"]);
}

/// H5. Catches: listeners, or the rest of the batch, are lost when a callback panics.
#[test]
fn one_callback_that_panics_leaves_ninety_nine_connections_as_they_were() {
    let mut l = event_loop();
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    let options = netloop::ServerOptions::default().accepts_per_turn(100);
    let mut number = 0;
    let mut server = l.create_server_with(options, move |c| {
        number += 1;
        let (mine, counter) = (number, counter.clone());
        c.on_data(move |_, _| {
            if mine == 50 {
                panic!("on purpose");
            }
            counter.set(counter.get() + 1);
        });
    });
    let server_id = server.id();
    let address = listen(&mut server);
    let mut peers: Vec<_> = (0..100).map(|_| peer(address)).collect();
    let mut panics = 0;
    for round in 1..=2 {
        for peer in &mut peers {
            peer.write_all(b"x").unwrap();
        }
        while count.get() < 99 * round || panics < round {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| l.run_once())) {
                match panic.downcast_ref::<&str>() {
                    Some(&"on purpose") => panics += 1,
                    _ => resume_unwind(panic),
                }
            }
        }
    }
    assert_eq!(l.server_at(server_id).connections(), 100);
    drop(peers);
    l.server_at(server_id).close();
    l.run().unwrap();
    assert_eq!(l.server_at(server_id).connections(), 0);
}

/// H7. Catches: what listeners capture is kept after `close`.
#[test]
fn nothing_a_listener_captured_outlives_its_socket() {
    let mut l = event_loop();
    let token = Rc::new(());
    let kept = token.clone();
    let options = netloop::ServerOptions::default().accepts_per_turn(64);
    let mut server = l.create_server_with(options, move |c| {
        let kept = kept.clone();
        c.on_data(move |c, _| {
            let _kept = &kept;
            c.destroy();
        });
    });
    let id = server.id();
    let address = listen(&mut server);
    for _ in 0..10 {
        let mut peers: Vec<_> = (0..100).map(|_| peer(address)).collect();
        for peer in &mut peers {
            peer.write_all(b"x").unwrap();
        }
        let mut turns = 0;
        while l.server_at(id).connections() > 0 || turns < 4 {
            l.run_nowait().unwrap();
            turns += 1;
        }
    }
    assert_eq!(
        Rc::strong_count(&token),
        2,
        "the server's own listener has one"
    );
    l.server_at(id).close();
    l.run().unwrap();
}

/// H3. Catches: any order of calls from any callback that breaks one of the invariants.
#[test]
fn callbacks_that_do_anything_to_anybody_break_no_invariant() {
    for seed in 1..=60 {
        Chaos::play(seed);
    }
}

/// Random calls from inside callbacks, and what must hold whatever they are.
struct Chaos {
    seed: Cell<u64>,
    left: Cell<u32>,
    port: Cell<u16>,
    server: Cell<Option<ServerId>>,
    sockets: std::cell::RefCell<Vec<SocketId>>,
    writes: Cell<u32>,
    called_back: Cell<u32>,
    closes: Cell<usize>,
    /// A call is running: no callback may.
    is_calling: Cell<bool>,
}

impl Chaos {
    fn play(seed: u64) {
        let chaos = Rc::new(Chaos {
            seed: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            left: Cell::new(400),
            port: Cell::new(0),
            server: Cell::new(None),
            sockets: Default::default(),
            writes: Cell::new(0),
            called_back: Cell::new(0),
            closes: Cell::new(0),
            is_calling: Cell::new(false),
        });
        let mut l: EventLoop = event_loop();
        l.pause_time();
        let accept = chaos.clone();
        let mut server = l.create_server(move |c| {
            let id = c.id();
            accept.adopt(c.event_loop(), id);
        });
        chaos.server.set(Some(server.id()));
        chaos.port.set(listen(&mut server).port());
        for _ in 0..4 {
            chaos.connect(&mut l);
        }
        let end = chaos.clone();
        l.set_timeout(ms(30), move |l| {
            end.left.set(0);
            end.finish(l);
        });
        l.run_for(LIMIT)
            .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        assert!(!l.is_alive(), "seed {seed}");
        assert_eq!(
            chaos.writes.get(),
            chaos.called_back.get(),
            "seed {seed}: write callbacks"
        );
        assert_eq!(
            chaos.closes.get(),
            chaos.sockets.borrow().len(),
            "seed {seed}: each closes"
        );
        assert_eq!(
            l.server_at(chaos.server.get().unwrap()).connections(),
            0,
            "seed {seed}"
        );
    }

    fn random(&self, below: u64) -> u64 {
        let mut seed = self.seed.get();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        self.seed.set(seed);
        seed % below
    }

    fn connect(self: &Rc<Self>, l: &mut Loop) {
        let id = l.connect_to((HOST, self.port.get())).unwrap().id();
        self.adopt(l, id);
    }

    /// Each event of this socket leads to a random call, and is checked against those before it.
    fn adopt(self: &Rc<Self>, l: &mut Loop, id: SocketId) {
        self.sockets.borrow_mut().push(id);
        let told = Words::default();
        let on = |event: &'static str| {
            let (chaos, told) = (self.clone(), told.clone());
            move |l: &mut Loop| {
                assert!(!chaos.is_calling.get(), "{event} inside a call");
                assert_eq!(told.count("close"), 0, "{event} after close");
                let is_close = event == "close";
                chaos.closes.set(chaos.closes.get() + usize::from(is_close));
                assert!(event == "data" || told.count(event) == 0, "{event} twice");
                assert!(event != "data" || told.count("end") == 0, "data after end");
                told.say(event);
                chaos.act(l);
            }
        };
        let (connect, data, end, finish, error, close) = (
            on("connect"),
            on("data"),
            on("end"),
            on("finish"),
            on("error"),
            on("close"),
        );
        l.socket_at(id)
            .on_connect(move |c| connect(c.event_loop()))
            .on_data(move |c, _| data(c.event_loop()))
            .on_end(move |c| end(c.event_loop()))
            .on_finish(move |c| finish(c.event_loop()))
            .on_error(move |c, _| error(c.event_loop()))
            .on_close(move |c, _| close(c.event_loop()));
    }

    fn act(self: &Rc<Self>, l: &mut Loop) {
        if self.left.get() == 0 {
            return self.finish(l);
        }
        self.left.set(self.left.get() - 1);
        for _ in 0..=self.random(3) {
            self.is_calling.set(true);
            self.act_once(l);
            self.is_calling.set(false);
        }
    }

    fn act_once(self: &Rc<Self>, l: &mut Loop) {
        let id = {
            let sockets = self.sockets.borrow();
            sockets[self.random(sockets.len() as u64) as usize]
        };
        let chaos = self.clone();
        match self.random(14) {
            0 => _ = l.socket_at(id).end(),
            1 => _ = l.socket_at(id).destroy(),
            2 => _ = l.socket_at(id).destroy_with(Error::new("chaos")),
            3 => _ = l.socket_at(id).reset_and_destroy(),
            4 => _ = l.socket_at(id).pause(),
            5 | 6 => _ = l.socket_at(id).resume(),
            7 => self.connect(l),
            8 => _ = l.set_immediate(move |l| chaos.act(l)),
            9 => _ = l.set_timeout(ms(1), move |l| chaos.act(l)),
            10 => l.next_tick(move |l| chaos.act(l)),
            _ => {
                self.writes.set(self.writes.get() + 1);
                let size = 1 << self.random(18);
                l.socket_at(id).write_then(vec![7; size], move |_, _| {
                    chaos.called_back.set(chaos.called_back.get() + 1);
                });
            }
        }
    }

    fn finish(&self, l: &mut Loop) {
        l.server_at(self.server.get().unwrap()).close();
        for id in self.sockets.borrow().iter() {
            l.socket_at(*id).destroy();
        }
    }
}
