//! What needs a tool to be provoked: a shortage of descriptors, a system call that fails, a
//! slow name server; and what the loop costs in system calls.

use std::cell::Cell;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use netloop::state::server::State;
use netloop::trace::What;

use crate::program::{Program, netloop};
use crate::stage::{LIMIT, Words, close_to_handshakes, event_loop, listen, peer};
use crate::support::{has_strace, skipped};
use crate::tools::*;

/// A1. Catches: a server without descriptors forgets who waits, or spins.
#[test]
fn a_server_out_of_descriptors_sheds_and_serves_again() {
    let Some(command) = limited(&netloop(&ECHO), 16) else {
        return skipped("A1, out of descriptors", "no prlimit");
    };
    let server = Program::start(command);
    let port = server.port();
    let sockets: Vec<TcpStream> = (0..40).map(|_| connect(port)).collect();
    let (served, shed): (Vec<_>, Vec<_>) = sockets.into_iter().partition(echoes);
    assert!(
        !served.is_empty() && !shed.is_empty(),
        "{} served",
        served.len()
    );
    let before = cpu_ticks(server.id());
    std::thread::sleep(Duration::from_millis(300));
    assert!(cpu_ticks(server.id()) - before <= 3, "it spins");
    drop((served, shed));
    let start = Instant::now();
    while !echoes(&connect(port)) {
        assert!(start.elapsed() < LIMIT, "it does not serve again");
    }
}

/// The processor time of a process, in hundredths of a second.
fn cpu_ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("a living process");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// A1. Catches: a rest has no timer, so that who waits is deaf for ever.
#[test]
fn a_connection_that_waits_through_a_shortage_is_served_without_connecting_again() {
    if !has_strace() {
        return skipped("A1, ENFILE from accept4", "no strace");
    }
    let options = [
        "-e",
        "trace=accept4",
        "-e",
        "inject=accept4:error=ENFILE:when=1..2",
    ];
    let (server, file) = traced("enfile", &options);
    assert!(echoes(&connect(server.port())));
    assert!(trace_of(server, &file).contains("(INJECTED)"));
}

/// A1. Catches: a server that cannot get its reserve back waits for an edge that does not come.
#[test]
fn a_server_that_lost_even_its_reserve_serves_when_there_are_descriptors_again() {
    let Some(command) = limited(&netloop(&ECHO), 64) else {
        return skipped("A1, the reserve is lost", "no prlimit");
    };
    let server = Program::start(command);
    let port = server.port();
    let first = connect(port);
    assert!(echoes(&first));
    let descriptors = || {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", server.id()));
        folder.expect("a living process").count()
    };
    let limit = |count: usize| {
        let mut command = Command::new("prlimit");
        let id = server.id().to_string();
        command.args(["--pid", &id, &format!("--nofile={count}:64")]);
        assert!(command.status().expect("it ran before").success());
    };
    let before = descriptors();
    limit(3);
    let waiting = connect(port);
    while descriptors() == before {
        std::thread::yield_now();
    }
    limit(64);
    assert!(echoes(&waiting), "without knocking again");
    assert!(echoes(&first));
}

/// A1. Catches: a server that is closed in its rest keeps its listener.
#[test]
fn a_server_that_rests_can_be_closed() {
    if !has_strace() {
        return skipped("A1, closed in a rest", "no strace");
    }
    let inject = "inject=accept4:error=ENFILE:when=2+";
    let (mut server, file) = traced("rest", &["-e", "trace=accept4", "-e", inject]);
    let port = server.port();
    let served = connect(port);
    assert!(echoes(&served));
    let waiting = connect(port);
    await_injection(&file);
    server.signal_traced("-TERM");
    assert!(!matches!((&waiting).read(&mut [0]), Ok(1..)));
    assert!(echoes(&served), "only then is who waited turned away");
    drop(served);
    server.0.end();
    std::fs::remove_file(file).unwrap();
}

/// A1. Catches: a server that is to close while it rests does not rest any more, or resets those who
/// can be accepted again.
#[test]
fn a_server_that_rests_serves_its_backlog_before_it_closes_or_closes_at_once() {
    let this = "kernel::a_server_that_rests_serves_its_backlog_before_it_closes_or_closes_at_once";
    if !is_child() {
        if !has_strace() {
            return skipped("A1, closing in a rest", "no strace");
        }
        let file = trace_file("closes-resting");
        let options = [
            "-e",
            "trace=accept4",
            "-e",
            "inject=accept4:error=ENFILE:when=1..2",
        ];
        passes(under_strace(&myself(this), &file, &options));
        return std::fs::remove_file(file).unwrap();
    }
    for is_patient in [false, true] {
        let mut l = event_loop();
        let accepted = Rc::new(Cell::new(0));
        let count = Rc::clone(&accepted);
        let mut server = l.create_server(move |c| {
            count.set(count.get() + 1);
            c.destroy();
        });
        let (id, address) = (server.id(), listen(&mut server));
        let mut waits = peer(address);
        while l.server_at(id).state() != State::BackingOff {
            l.run_nowait().unwrap();
        }
        match is_patient {
            true => l.server_at(id).close_after_backlog(),
            false => l.server_at(id).close(),
        };
        l.run().unwrap();
        assert_eq!(accepted.get(), u32::from(is_patient));
        let end = waits
            .read_to_end(&mut Vec::new())
            .map_err(|error| error.kind());
        let expected = match is_patient {
            true => Ok(0),
            false => Err(ErrorKind::ConnectionReset),
        };
        assert_eq!(end, expected);
    }
}

/// What happens to clients whose handshake ends while a server awaits it, or later than that, and for which
/// there is no descriptor: the server closes for this reason, though its time is held.
fn closes_for(reason: &str, is_late: bool, take_descriptors: impl FnOnce() -> Vec<File>) {
    let mut l = event_loop();
    l.pause_time();
    let (words, accepted) = (Words::default(), Rc::new(Cell::new(0)));
    let (said, count) = (words.clone(), Rc::clone(&accepted));
    l.on_trace(move |record| {
        if let What::Transition { input, to, .. } = record.what {
            said.say(format!("{input:?}, {to}"));
        }
    });
    let server = l.create_server(move |c| {
        count.set(count.get() + 1);
        c.destroy();
    });
    let id = server.id();
    let mut clients = close_to_handshakes(&mut l, id, 2);
    for client in &mut clients {
        client.write_all(b"here I am").unwrap();
    }
    let taken = take_descriptors();
    if is_late {
        l.advance(Duration::from_secs(1));
    }
    l.run().unwrap();
    drop(taken);
    if accepted.get() == clients.len() {
        // On a busy machine their handshakes had ended before.
        return;
    }
    assert_eq!(words.count(&format!("{reason}, draining")), 1);
    assert_eq!(l.server_at(id).state(), State::Idle);
    assert_eq!(l.server_at(id).address(), None, "the listener is closed");
    for mut client in clients {
        assert!(!matches!(client.read(&mut [0]), Ok(1..)));
    }
}

/// A1. Catches: a server that accepts its last connections waits for descriptors, or is deaf for ever.
#[test]
fn a_shortage_of_the_system_ends_a_server_that_accepts_its_last_connections() {
    let this = "kernel::a_shortage_of_the_system_ends_a_server_that_accepts_its_last_connections";
    if !is_child() {
        if !has_strace() {
            return skipped("A1, ENFILE from the last accept4", "no strace");
        }
        let file = trace_file("last-enfile");
        // Of two calls the first finds the backlog empty.
        let inject = "inject=accept4:error=ENFILE:when=2+2";
        let options = ["-e", "trace=accept4", "-e", inject];
        passes(under_strace(&myself(this), &file, &options));
        assert!(read_trace(&file).contains("(INJECTED)"));
        return;
    }
    for is_late in [false, true] {
        closes_for("Exhausted", is_late, Vec::new);
    }
}

/// A1. Catches: as above, where the process has no descriptor left, and the connections are shed.
#[test]
fn a_shortage_of_the_process_ends_a_server_that_accepts_its_last_connections() {
    let this = "kernel::a_shortage_of_the_process_ends_a_server_that_accepts_its_last_connections";
    if !is_child() {
        return match limited(&myself(this), 64) {
            Some(child) => passes(child),
            None => skipped("A1, EMFILE from the last accept4", "no prlimit"),
        };
    }
    let open = || File::open("/dev/null");
    let take_all = || std::iter::from_fn(|| open().ok()).collect();
    for is_late in [false, true] {
        closes_for("Failed", is_late, take_all);
    }
    // It is the same for those that were in the backlog before.
    let mut l = event_loop();
    l.pause_time();
    let mut server = l.create_server(|c| _ = c.destroy());
    let _waits = peer(listen(&mut server));
    let id = server.id();
    let _taken: Vec<File> = take_all();
    l.server_at(id).close_after_backlog();
    l.run().unwrap();
    assert_eq!(l.server_at(id).state(), State::Idle);
    assert_eq!(l.server_at(id).address(), None);
}

/// Catches: a report asks the kernel for the peer of each connection.
#[test]
fn a_report_asks_only_for_the_peers_that_it_names() {
    if !has_strace() {
        return skipped("system calls of a report", "no strace");
    }
    let (server, file) = traced("report", &["-e", "trace=getpeername"]);
    let port = server.port();
    let sockets: Vec<TcpStream> = (0..20).map(|_| connect(port)).collect();
    assert!(sockets.iter().all(echoes));
    let asked = |trace: &str| trace.matches("getpeername(").count();
    assert_eq!(asked(&std::fs::read_to_string(&file).unwrap()), 0);
    server.signal_traced("-USR1");
    let start = Instant::now();
    while asked(&std::fs::read_to_string(&file).unwrap()) == 0 {
        assert!(start.elapsed() < LIMIT, "there is no report");
        std::thread::yield_now();
    }
    drop(sockets);
    assert_eq!(asked(&trace_of(server, &file)), 5);
}

/// A2. Catches: an error of one connection ends the accepting of the others.
#[test]
fn an_error_of_one_waiting_connection_passes_on_to_the_next() {
    if !has_strace() {
        return skipped("A2, ECONNABORTED from accept4", "no strace");
    }
    let errors = "ECONNABORTED EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH \
                  EOPNOTSUPP ENETUNREACH EPERM";
    for error in errors.split_whitespace() {
        let inject = format!("inject=accept4:error={error}:when=1");
        let (server, file) = traced(error, &["-e", "trace=accept4", "-e", &inject]);
        assert!(echoes(&connect(server.port())), "{error}");
        // strace wrote this before the call that accepted; the server is killed, and ends nothing in order.
        assert!(read_trace(&file).contains("(INJECTED)"), "{error}");
    }
}

/// A2. Catches: an error that stays is tried again without end, and nothing else runs.
#[test]
fn an_error_of_accept_that_stays_does_not_hold_the_loop() {
    if !has_strace() {
        return skipped("A2, EPERM from every accept4", "no strace");
    }
    let inject = "inject=accept4:error=EPERM";
    let (mut server, file) = traced("stays", &["-e", "trace=accept4", "-e", inject]);
    let waiting = connect(server.port());
    await_injection(&file);
    server.signal_traced("-TERM");
    assert!(!matches!((&waiting).read(&mut [0]), Ok(1..)));
    server.0.end();
    std::fs::remove_file(file).unwrap();
}

/// A7. Catches: the backlog is that of the standard library, 128.
#[test]
fn the_backlog_is_nodes() {
    if !has_strace() {
        return skipped("A7, the backlog", "no strace");
    }
    let (server, file) = traced("backlog", &["-e", "trace=listen"]);
    server.port();
    assert!(trace_of(server, &file).contains(", 511)"));
}

/// B3. Catches: a read that finds nothing ends the reading, or the connection.
#[test]
fn a_read_that_found_nothing_is_made_up_for_by_the_next_edge() {
    if !has_strace() {
        return skipped("B3, EAGAIN from recv", "no strace");
    }
    let inject = "inject=recvfrom:error=EAGAIN:when=1";
    let (server, file) = traced("eagain", &["-e", "trace=recvfrom", "-e", inject]);
    let mut socket = connect(server.port());
    socket.write_all(b"pi").unwrap();
    // What the read did not find waits for the next edge, which the rest brings.
    await_injection(&file);
    socket.write_all(b"ng").unwrap();
    let mut back = [0; 4];
    socket.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"ping");
    drop(socket);
    trace_of(server, &file);
}

/// B7. Catches: a socket is registered before it connects, and its hang-up taken for an answer.
#[test]
fn a_socket_is_registered_only_when_it_connects() {
    if !has_strace() {
        return skipped("B7, the order of connect and epoll_ctl", "no strace");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = netloop(&[
        "client",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--count",
        "1",
    ]);
    let file = trace_file("register");
    let options = ["-e", "trace=connect,epoll_ctl"];
    let mut client = Program::start(under_strace(&client, &file, &options));
    drop(listener.accept().unwrap());
    client.end();
    let trace = read_trace(&file);
    let connected = trace.find(&format!("htons({port})")).expect("it connects");
    let fd = trace[..connected].rsplit("connect(").next().unwrap();
    let fd = fd.split(',').next().unwrap();
    let registered = trace.find(&format!("EPOLL_CTL_ADD, {fd},"));
    assert!(registered.expect("it is registered") > connected);
}

/// B9. Catches: an interrupted wait ends the loop, or starts its time anew.
#[test]
fn an_interrupted_wait_is_taken_up_again() {
    if !has_strace() {
        return skipped("B9, EINTR from epoll_wait", "no strace");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let file = trace_file("eintr");
    let mut client = netloop(&["client", "--host", "127.0.0.1", "--port", &port]);
    client.args(["--interval", "20ms", "--count", "3"]);
    // The C library calls one or the other, after the architecture.
    let inject = "inject=?epoll_wait,?epoll_pwait:error=EINTR:when=1+3";
    let options = ["-e", "trace=?epoll_wait,?epoll_pwait", "-e", inject];
    let mut client = Program::start(under_strace(&client, &file, &options));
    let (mut socket, _) = listener.accept().unwrap();
    let mut said = Vec::new();
    socket.read_to_end(&mut said).unwrap();
    drop(socket);
    assert_eq!(said, b"hihihi");
    assert_eq!(client.end().0.code(), Some(0));
    assert!(read_trace(&file).contains("(INJECTED)"));
}

/// The rounds of the test below.
const ROUNDS: usize = 1000;

/// Catches: a useless read, an epoll_ctl or a clock that is asked by system call, per message.
#[test]
fn a_round_trip_costs_one_read_one_write_and_its_share_of_a_wait() {
    if !has_strace() {
        return skipped("system calls per message", "no strace");
    }
    let (server, file) = traced("calls", &["-e", "trace=all"]);
    let port = server.port();
    let mut sockets: Vec<TcpStream> = (0..10).map(|_| connect(port)).collect();
    sockets.iter().for_each(|socket| assert!(echoes(socket)));
    for _ in 0..ROUNDS / 10 {
        for socket in &mut sockets {
            socket.write_all(b"0123456789abcdef").unwrap();
        }
        for socket in &mut sockets {
            socket.read_exact(&mut [0; 16]).unwrap();
        }
    }
    let connections = sockets.len();
    drop(sockets);
    let trace = trace_of(server, &file);
    let count = |call: &str| trace.matches(&format!("{call}(")).count();
    // Each connection: its first round trip, and the end.
    let messages = ROUNDS + connections;
    assert!(
        count("recvfrom") <= messages + 2 * connections,
        "{} reads",
        count("recvfrom")
    );
    // One more is the signal that ends it, on its way through the self-pipe.
    assert_eq!(count("sendto"), messages + 1, "writes");
    let waits = count("epoll_wait") + count("epoll_pwait");
    assert!(
        (1..=messages + 2 * connections + 4).contains(&waits),
        "{waits} waits"
    );
    assert!(
        count("epoll_ctl") <= connections + 6,
        "{} epoll_ctl",
        count("epoll_ctl")
    );
}

/// Catches: an idle loop wakes up.
#[test]
fn an_idle_server_makes_no_system_call() {
    if !has_strace() {
        return skipped("idle wake-ups", "no strace");
    }
    let (server, file) = traced("idle", &["-e", "trace=all"]);
    let socket = connect(server.port());
    assert!(echoes(&socket));
    let trace = || std::fs::read_to_string(&file).unwrap();
    let start = Instant::now();
    while !is_waiting(&file) {
        assert!(start.elapsed() < LIMIT, "it does not wait");
        std::thread::yield_now();
    }
    let before = trace();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(trace(), before);
    drop(socket);
    trace_of(server, &file);
}
