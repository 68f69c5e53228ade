//! A: accepting.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use netloop::state::server::State;
use netloop::{ListenOptions, Loop, ServerOptions};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::stage::*;

/// A3. Catches: the server is not put on the again list when the bound is hit.
#[test]
fn all_that_wait_are_accepted_though_no_new_edge_comes() {
    let mut l = event_loop();
    let waits = count_waits(&mut l);
    let accepted = Rc::new(Cell::new(0));
    let counter = Rc::clone(&accepted);
    let options = ServerOptions::default().accepts_per_turn(10);
    let mut server = l.create_server_with(options, move |c| {
        counter.set(counter.get() + 1);
        c.destroy();
        if counter.get() == 200 {
            close_server(c);
        }
    });
    let address = listen(&mut server);
    let peers: Vec<_> = (0..200).map(|_| peer(address)).collect();
    l.run().unwrap();
    assert_eq!(accepted.get(), 200);
    assert!(
        waits.get() >= 20,
        "ten a turn, not all at once: {} turns",
        waits.get()
    );
    drop(peers);
}

/// A3. Catches: one who knocks while others wait is accepted in the turn of one of those.
#[test]
fn one_connection_is_accepted_a_turn_though_others_come_meanwhile() {
    let mut l = event_loop();
    let waits = count_waits(&mut l);
    let words = Words::default();
    let (said, knocks) = (words.clone(), Cell::new(0));
    let mut peers = Vec::new();
    let mut server = l.create_server(move |c| {
        said.say(format!("turn {}", waits.get()));
        knocks.set(knocks.get() + 1);
        match knocks.get() {
            1..5 => peers.push(peer(c.address().unwrap())),
            5 => {}
            _ => close_server(c),
        }
        c.destroy();
    });
    let address = listen(&mut server);
    let first = [peer(address), peer(address)];
    l.run().unwrap();
    let mut turns = words.take();
    turns.dedup();
    assert_eq!(turns.len(), 6, "{turns:?}");
    drop(first);
}

/// A4. Catches: the peer's address is asked of getpeername, which knows nothing any more.
#[test]
fn a_connection_that_was_reset_while_it_waited_has_an_address_and_an_error() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        said.say(format!(
            "from {:?}",
            c.remote_address().map(|ip| ip.to_canonical())
        ));
        watch(&said, c);
        close_server(c);
    });
    peer(listen(&mut server)).reset();
    l.run().unwrap();
    assert_eq!(
        words.take(),
        [
            "from Some(127.0.0.1)",
            "error ECONNRESET",
            "close Some(true)"
        ]
    );
}

/// A5. Catches: closing leaves the listener open, so that others connect and are accepted.
#[test]
fn a_server_closed_in_its_first_connection_accepts_no_other() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let options = ServerOptions::default().accepts_per_turn(64);
    let mut server = l.create_server_with(options, move |c| {
        said.say("connection");
        let address = c.address().unwrap();
        close_server(c);
        assert!(Peer::connect(address).is_err(), "it still listens");
        c.destroy();
    });
    let address = listen(&mut server);
    let peers: Vec<_> = (0..5).map(|_| peer(address)).collect();
    l.run().unwrap();
    assert_eq!(words.take(), ["connection"]);
    for mut peer in peers {
        assert!(!matches!(peer.read(&mut [0]), Ok(1..)));
    }
}

/// A6. Catches: the connection beyond the limit is still open when `drop` is emitted.
#[test]
fn a_dropped_connection_is_closed_even_if_the_listener_panics() {
    let mut l = event_loop();
    let mut server = l.create_server(|c| {
        c.resume();
    });
    let id = server.id();
    server
        .set_max_connections(Some(0))
        .on_drop(|_, _| panic!("on purpose"));
    let mut peer = peer(listen(&mut server));
    assert!(catch_unwind(AssertUnwindSafe(|| l.run())).is_err());
    assert_eq!(peer.read_to_end(&mut Vec::new()).unwrap(), 0);
    l.server_at(id).close();
    l.run().unwrap();
}

/// A8. Catches: a path in use is unlinked before it is bound.
#[test]
fn a_second_server_at_a_path_fails_and_the_first_stays_reachable() {
    if lacks(Real::Files) {
        return;
    }
    let path = std::env::temp_dir().join(format!("netloop-a8-{}", std::process::id()));
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let first = l
        .create_server(move |c| {
            said.say("connection");
            c.destroy();
            close_server(c);
        })
        .listen(
            ListenOptions::from(&path)
                .readable_all(true)
                .writable_all(true),
            |_| {},
        )
        .unwrap()
        .id();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    let said = words.clone();
    let mut second = l.create_server(|_| {});
    let place = path.clone();
    second.on_error(move |s, error| {
        said.say(error.code().unwrap());
        s.event_loop().connect_to(&place).unwrap().resume();
    });
    second.listen_on(&path).unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), ["EADDRINUSE", "connection"]);
    assert!(!l.server_at(first).is_listening() && !path.exists());
}

/// A reader for each peer, which reads to the end while the loop runs.
fn readers(l: &mut Loop, peers: impl IntoIterator<Item = Peer>) -> Vec<Reader> {
    let readers: Vec<_> = peers.into_iter().map(Reader::of).collect();
    readers.iter().for_each(|reader| reader.begin(l));
    readers
}

/// What each reader has read.
fn answers(readers: &[Reader]) -> Vec<String> {
    let answer = |reader: &Reader| String::from_utf8(reader.all().unwrap()).unwrap();
    readers.iter().map(answer).collect()
}

/// Reads from the peers in a thread, in real time, while the loop's time is held.
fn told(peers: Vec<TcpStream>) -> JoinHandle<Vec<String>> {
    let answer = |peer| std::io::read_to_string(peer).unwrap();
    std::thread::spawn(move || peers.into_iter().map(answer).collect())
}

/// A9. Catches: a server that stops resets those whom it has not accepted yet; one who comes during the
/// stop is accepted, or holds it up.
#[test]
fn a_server_that_closes_after_its_backlog_serves_all_connections_made_before() {
    let mut l = event_loop();
    let words = Words::default();
    let (told, closed) = (words.clone(), words.clone());
    let mut late = None;
    let mut server = l.create_server(move |c| {
        let address = c.address().unwrap();
        late.get_or_insert_with(|| Peer::begin(address));
        let id = c.server().unwrap();
        told.say(c.event_loop().server_at(id).state().to_string());
        c.end_with("served");
    });
    server.on_close(move |_| closed.say("close"));
    let peers: Vec<_> = {
        let address = listen(&mut server);
        (0..50).map(|_| peer(address)).collect()
    };
    server.close_after_backlog();
    let readers = readers(&mut l, peers);
    l.run().unwrap();
    assert_eq!(answers(&readers), ["served"; 50]);
    assert_eq!(words.count("closing"), 50);
    assert_eq!(words.take().last().unwrap(), "close");
}

/// A9. Catches: a client that has the kernel's answer, whose own is still on its way, is reset.
#[test]
fn a_connection_whose_last_handshake_segment_is_late_is_served_by_a_server_that_closes() {
    if lacks(Real::Handshakes) {
        return;
    }
    let mut l = event_loop();
    l.pause_time();
    let words = Words::default();
    let said = words.clone();
    let id = l
        .create_server(move |c| {
            said.say("connection");
            c.end_with("served");
        })
        .id();
    let mut slow = close_to_handshakes(&mut l, id, 1);
    l.run_for(ms(249)).unwrap();
    slow[0].write_all(b"here I am").unwrap();
    slow[0].shutdown(Shutdown::Write).unwrap();
    while words.count("connection") == 0 {
        l.run_nowait().unwrap();
    }
    let told = told(slow);
    l.advance(Duration::from_secs(1));
    l.run().unwrap();
    assert_eq!(told.join().unwrap(), ["served"]);
}

/// A9. Catches: a loop that was held up beyond the time for handshakes resets those that ended in it.
#[test]
fn connections_that_came_while_the_loop_was_held_up_are_served_by_a_server_that_closes() {
    if lacks(Real::Handshakes) {
        return;
    }
    let mut l = event_loop();
    l.pause_time();
    let words = Words::default();
    let closed = words.clone();
    let mut server = l.create_server(|c| {
        c.resume();
        c.end_with("served");
    });
    let id = server.on_close(move |_| closed.say("close")).id();
    let mut clients = close_to_handshakes(&mut l, id, 3);
    for client in &mut clients {
        client.write_all(b"here I am").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    }
    l.advance(ms(300));
    let told = told(clients);
    l.run().unwrap();
    assert_eq!(told.join().unwrap(), ["served"; 3]);
    assert_eq!(words.take(), ["close"]);
}

/// A9. Catches: a server that accepts its last connections goes on with them after its `close`.
#[test]
fn a_close_ends_the_last_accepting_too() {
    if lacks(Real::Handshakes) {
        return;
    }
    let mut l = event_loop();
    l.pause_time();
    let words = Words::default();
    let told = words.clone();
    let id = l
        .create_server(move |c| {
            told.say("connection");
            close_server(c);
            c.destroy();
        })
        .id();
    let mut clients = close_to_handshakes(&mut l, id, 3);
    for client in &mut clients {
        client.write_all(b"here I am").unwrap();
    }
    l.advance(ms(300));
    l.run().unwrap();
    assert_eq!(words.take(), ["connection"]);
    assert_eq!(l.server_at(id).address(), None, "the listener is closed");
    assert_eq!(l.server_at(id).state(), State::Idle);
}

/// A9. Catches: a run whose time is held waits for ever for a server that gives handshakes time.
#[test]
fn a_run_whose_time_is_held_does_not_wait_for_the_last_handshakes() {
    let mut l = new_loop();
    l.pause_time();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(|_| unreachable!());
    listen(server.on_close(move |_| said.say("close")));
    let id = server.close_after_backlog().id();
    l.run().unwrap();
    assert_eq!(l.server_at(id).state(), State::AwaitingHandshakes);
    assert!(l.is_alive() && words.take().is_empty());
    assert_eq!(l.backend_timeout(), None);
    l.run_for(ms(249)).unwrap();
    assert!(words.take().is_empty());
    l.run_for(ms(1)).unwrap();
    assert_eq!(words.take(), ["close"]);
    assert!(!l.is_alive());
}

/// A9. Catches: who has no patience for handshakes has to wait for them.
#[test]
fn a_close_ends_the_wait_for_handshakes_too() {
    let mut l = event_loop();
    l.pause_time();
    let mut server = l.create_server(|_| unreachable!());
    let address = listen(&mut server);
    let id = server.close_after_backlog().id();
    while l.server_at(id).state() != State::AwaitingHandshakes {
        l.run_nowait().unwrap();
    }
    assert_eq!(l.server_at(id).close().state(), State::Idle);
    assert_eq!(l.server_at(id).address(), None, "the listener is closed");
    Peer::connect(address).unwrap_err();
    l.run().unwrap();
    assert!(!l.is_alive());
}

/// A9. Catches: as above, at a path, whose queue the kernel closes in another way.
#[test]
fn connections_made_to_a_path_are_served_too_and_later_ones_refused() {
    let mut l = event_loop();
    let path = std::env::temp_dir().join(format!("netloop-backlog-{}", std::process::id()));
    let (words, place) = (Words::default(), path.clone());
    let told = words.clone();
    let mut server = l.create_server(move |c| {
        let refused = Peer::connect_path(&place).unwrap_err();
        told.say(format!("{:?}", refused.kind()));
        c.end_with("served");
    });
    server.listen_on(&path).unwrap();
    let peers: Vec<_> = (0..3).map(|_| Peer::connect_path(&path).unwrap()).collect();
    server.close_after_backlog();
    let readers = readers(&mut l, peers);
    l.run().unwrap();
    assert_eq!(answers(&readers), ["served"; 3]);
    assert_eq!(words.take(), ["ConnectionRefused"; 3]);
    assert!(!path.exists());
}

/// A9. Catches: a server at a path waits for handshakes, which there are none of.
#[test]
fn a_server_at_a_path_closes_as_soon_as_its_backlog_is_empty() {
    let mut l = event_loop();
    l.pause_time();
    let path = std::env::temp_dir().join(format!("netloop-no-wait-{}", std::process::id()));
    let mut server = l.create_server(|c| _ = c.destroy());
    server.listen_on(&path).unwrap();
    let _waits = Peer::connect_path(&path).unwrap();
    let id = server.close_after_backlog().id();
    l.run().unwrap();
    assert_eq!(l.server_at(id).state(), State::Idle);
    assert!(!path.exists());
}

/// A9. Catches: who has no patience for the backlog cannot close any more.
#[test]
fn a_close_ends_the_accepting_of_the_backlog() {
    let mut l = event_loop();
    let words = Words::default();
    let told = words.clone();
    let mut server = l.create_server(move |c| {
        told.say("connection");
        close_server(c);
        c.destroy();
    });
    let address = listen(&mut server);
    let peers = [peer(address), peer(address)];
    let id = server.close_after_backlog().id();
    l.run().unwrap();
    assert_eq!(words.take(), ["connection"]);
    assert_eq!(l.server_at(id).address(), None, "the listener is closed");
    drop(peers);
}

/// A9. Catches: what waits at a socket that others share is taken from them.
#[test]
fn connections_that_wait_at_a_shared_listener_are_left_to_the_others() {
    if lacks(Real::Descriptors) {
        return;
    }
    let mut l = event_loop();
    let mut server = l.create_server(|_| unreachable!());
    let address = listen(&mut server);
    let shared = TcpListener::from(server.duplicate_fd().unwrap());
    let _waits = peer(address);
    assert_eq!(server.close_after_backlog().state(), State::Idle);
    l.run().unwrap();
    shared.accept().unwrap();
}

/// A8. Catches: a server that stops takes the file of the one that has come after it.
#[test]
fn a_server_that_removes_only_its_own_file_leaves_that_of_its_successor() {
    if lacks(Real::Files) {
        return;
    }
    let path = std::env::temp_dir().join(format!("netloop-successor-{}", std::process::id()));
    for is_replaced in [true, false] {
        let mut l = event_loop();
        let mut first = l.create_server(|_| {});
        let place = ListenOptions::from(&path).only_own_file(true);
        first.listen_on(place).unwrap();
        if is_replaced {
            std::fs::remove_file(&path).unwrap();
            let successor = UnixListener::bind(&path).unwrap();
            first.close();
            UnixStream::connect(&path).unwrap();
            successor.accept().unwrap();
            std::fs::remove_file(&path).unwrap();
        } else {
            first.close();
        }
        assert!(!path.exists());
        l.run().unwrap();
    }
}

/// A7. Catches: those who found the queue full are not accepted when they knock again.
#[test]
fn a_connection_that_found_the_queue_full_is_accepted_later() {
    let mut l = event_loop();
    let accepted = Rc::new(Cell::new(0));
    let counter = accepted.clone();
    let mut server = l.create_server(move |c| {
        counter.set(counter.get() + 1);
        c.destroy();
        if counter.get() == 5 {
            close_server(c);
        }
    });
    server.listen_on(ListenOptions::from(0).backlog(2)).unwrap();
    let port = server.port().unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let peers = [(); 5].map(|()| Peer::begin(address));
    let connected = peers.iter().filter(|peer| peer.is_connected()).count();
    assert_eq!(connected, 3, "the queue of two takes three");
    l.run().unwrap();
    assert_eq!(accepted.get(), 5);
}

/// A8. Catches: a path is tried again, waited for, or unlinked, where Node tells the error.
#[test]
fn each_state_of_a_path_has_its_error() {
    if lacks(Real::Files) {
        return;
    }
    let folder = std::env::temp_dir().join(format!("netloop-states-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let at = |name: &str| folder.join(name);
    let bound = |name: &str| {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(at(name)).unwrap()).unwrap();
        socket
    };
    let only_bound = bound("bound");
    let full = bound("full");
    full.listen(0).unwrap();
    let dead = bound("dead");
    dead.listen(1).unwrap();
    drop(dead);
    std::fs::write(at("file"), "no socket").unwrap();
    let filler = std::os::unix::net::UnixStream::connect(at("full")).unwrap();
    let states = [
        ("missing", "ENOENT"),
        ("bound", "ECONNREFUSED"),
        ("dead", "ECONNREFUSED"),
        ("file", "ECONNREFUSED"),
        ("full", "EAGAIN"),
    ];
    for (name, code) in states {
        let mut l = event_loop();
        let words = Words::default();
        watch(&words, &mut l.connect_to(at(name)).unwrap());
        l.run().unwrap();
        assert_eq!(words.take(), [&format!("error {code}"), "close Some(true)"]);
        assert_eq!(at(name).exists(), name != "missing");
    }
    drop((only_bound, full, filler));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Catches: a server does not listen because a time is too long for the kernel.
#[test]
fn a_keep_alive_too_long_for_the_kernel_is_no_reason_not_to_listen() {
    let mut l = event_loop();
    let options = ServerOptions::default()
        .keep_alive(true)
        .keep_alive_initial_delay(Duration::from_secs(1 << 40));
    let mut server = l.create_server_with(options, |_| {});
    server.listen((HOST, 0), |s| _ = s.close()).unwrap();
    l.run().unwrap();
}

/// A8. Catches: the kernel is given a path of which it sees only what stands before a NUL.
#[test]
fn a_path_with_a_nul_in_it_is_refused() {
    let mut l = event_loop();
    let name = format!("netloop-nul-{}", std::process::id());
    let head = std::env::temp_dir().join(name);
    let path = format!("{}\0within", head.display());
    let words = Words::default();
    watch(&words, &mut l.connect_to(&*path).unwrap());
    let said = words.clone();
    let mut server = l.create_server(|_| {});
    server.on_error(move |_, error| said.say(error.code().unwrap()));
    server.listen(&*path, |s| _ = s.close()).unwrap();
    l.run().unwrap();
    let expected = ["EINVAL", "error EINVAL", "close Some(true)"];
    assert_eq!(words.take(), expected);
    assert!(!head.exists());
}
