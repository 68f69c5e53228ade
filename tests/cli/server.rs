//! The server: what it prints, sends back, limits and closes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, own_path, read};
use crate::support;

#[test]
fn the_server_greets_and_prints_what_comes_as_node_shows_a_buffer() {
    let server = Program::netloop(&["server", "--port", "0"]);
    let mut socket = connect(server.port());
    server.expect("127.0.0.1 connected.");
    assert_eq!(read(&mut socket, 7), b"Welcome");
    socket.write_all(b"hi").unwrap();
    server.expect("<Buffer 68 69>");
    socket.write_all(&[0xab; 60]).unwrap();
    server.expect(&format!("<Buffer{} ... 10 more bytes>", " ab".repeat(50)));
    socket.write_all(&[0xcd; 51]).unwrap();
    server.expect(&format!("<Buffer{} ... 1 more byte>", " cd".repeat(50)));
    socket.shutdown(Shutdown::Write).unwrap();
    server.expect("client disconnected");
    assert!(at_end(&mut socket));
}

#[test]
fn a_reset_is_logged_and_the_server_goes_on() {
    let mut command = netloop(&["server", "--port", "0"]);
    command.env("RUST_LOG", "debug");
    let mut server = Program::start(command);
    let port = server.port();
    let mut socket = connect(port);
    let peer = socket.local_addr().unwrap();
    assert_eq!(read(&mut socket, 7), b"Welcome");
    let socket = socket2::Socket::from(socket);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    server.expect("127.0.0.1 connected.");
    server.expect("client disconnected");
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
    server.signal("TERM");
    let log = server.end().2;
    let name = log.split_once(&format!(": {peer}\n")).expect("who it is").0;
    let name = name.rsplit(' ').next().unwrap();
    assert!(log.contains(&format!("{name}: read ECONNRESET\n")), "{log}");
}

#[test]
fn a_quiet_echo_sends_back_and_prints_nothing() {
    let options = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];
    let mut server = Program::netloop(&options);
    let mut socket = connect(server.port());
    socket.write_all(b"back to me").unwrap();
    assert_eq!(read(&mut socket, 10), b"back to me");
    drop(socket);
    server.signal("TERM");
    let (status, lines, _) = server.end();
    assert_eq!((status.code(), lines), (Some(0), vec![]));
}

#[test]
fn an_echo_to_a_peer_that_never_reads_does_not_grow() {
    let options = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];
    let server = Program::netloop(&options);
    let mut socket = connect(server.port());
    socket.set_nonblocking(true).unwrap();
    let chunk = vec![7; 1 << 20];
    let mut sent: u64 = 0;
    // Until it waits though there is much to be read: it has stopped.
    let mut has_stopped = false;
    while !has_stopped && sent < 1 << 30 {
        let slept = server.sleeps();
        match socket.write(&chunk) {
            Ok(count) => sent += count as u64,
            Err(_) => has_stopped = slept && server.sleeps(),
        }
    }
    assert!(
        sent < 64 << 20,
        "took {sent} bytes of a peer that never reads"
    );
    socket.set_nonblocking(false).unwrap();
    let mut back = vec![0; sent as usize];
    socket.read_exact(&mut back).unwrap();
    assert!(back.iter().all(|byte| *byte == 7));
}

#[test]
fn a_server_at_a_path_serves_there_and_takes_the_file_away() {
    let path = own_path("cli");
    let path_text = path.to_str().unwrap();
    let mut server = Program::netloop(&["server", "--path", path_text]);
    server.expect(&format!("listening on {path_text}.."));
    let mut socket = UnixStream::connect(&path).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(read(&mut socket, 7), b"Welcome");
    server.expect("somebody connected.");
    drop(socket);
    server.expect("client disconnected");
    server.signal("INT");
    assert_eq!(server.end().0.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn connections_beyond_the_limit_are_dropped() {
    let options = ["server", "--port", "0", "--max-connections", "1"];
    let server = Program::netloop(&options);
    let port = server.port();
    let mut first = connect(port);
    assert_eq!(read(&mut first, 7), b"Welcome");
    assert!(at_end(&mut connect(port)));
    first.write_all(b"x").unwrap();
    server.expect("127.0.0.1 connected.");
    server.expect("<Buffer 78>");
}

#[test]
fn an_idle_connection_is_closed() {
    let options = [
        "server",
        "--port",
        "0",
        "--welcome=",
        "--idle-timeout",
        "50ms",
    ];
    let server = Program::netloop(&options);
    assert!(at_end(&mut connect(server.port())));
    server.expect("127.0.0.1 connected.");
    server.expect("client disconnected");
}

#[test]
fn a_taken_port_is_an_error_in_nodes_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut server = Program::netloop(&["server", "--port", &port]);
    let (status, lines, log) = server.end();
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    // Once, and where errors stand.
    let told = format!("] listen EADDRINUSE: address already in use 127.0.0.1:{port}\n");
    assert!(log.ends_with(&told) && log.lines().count() == 1, "{log}");
}

/// Sends a signal to what runs below strace.
pub(crate) fn signal_child(strace: &Program, name: &str) {
    let id = strace.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let mut command = Command::new("kill");
    command
        .arg(format!("-{name}"))
        .args(children.split_whitespace());
    assert!(command.status().unwrap().success());
}

/// A server under strace, with calls that fail.
pub(crate) fn injected(options: &[&str], arguments: &[&str]) -> Option<Program> {
    if !support::has_strace() {
        support::skipped("calls of a server that fail", "no strace");
        return None;
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]).args(options);
    command.args([env!("CARGO_BIN_EXE_netloop"), "server"]);
    command.args(arguments).env_remove("RUST_LOG");
    Some(Program::start(command))
}

#[test]
fn a_server_whose_listener_has_died_lets_its_peers_finish_and_ends_with_1() {
    for error in ["EINVAL", "EBADF", "ENOTSOCK"] {
        let inject = format!("inject=accept4:error={error}:when=3");
        let options = ["-e", "trace=accept4", "-e", &inject];
        let Some(mut server) = injected(&options, &["--port", "0"]) else {
            return;
        };
        let port = server.port();
        // One who is accepted, and nobody behind; then the one at whom the listener fails.
        let mut served = connect(port);
        assert_eq!(read(&mut served, 7), b"Welcome");
        let knocks = connect(port);
        assert!(at_end(&mut served), "{error}");
        drop((served, knocks));
        let (status, _, log) = server.end();
        assert_eq!(status.code(), Some(1), "{error}");
        assert!(log.contains(&format!("] accept {error}")), "{log}");
    }
}

#[test]
fn an_error_names_the_call_that_failed() {
    let path = own_path("no-folder").join("socket");
    let (status, _, log) = Program::netloop(&["server", "--path", path.to_str().unwrap()]).end();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("] listen EACCES"), "{log}");
    assert!(log.contains("there is no such folder"), "{log}");
    for (call, failing) in [("socketpair", "socketpair"), ("epoll_ctl", "epoll_ctl")] {
        let inject = format!("inject={call}:error=ENOMEM:when=1");
        let options = ["-e", &format!("trace={call}"), "-e", &inject];
        let Some(mut server) = injected(&options, &["--port", "0"]) else {
            return;
        };
        let (status, _, told) = server.end();
        let words = format!("netloop server: {failing} ENOMEM\n");
        assert_eq!((status.code(), told), (Some(1), words));
    }
}

#[test]
fn a_server_that_could_serve_no_connection_says_so_and_ends() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        return support::skipped("a start without descriptors", "no prlimit");
    }
    let mut have_served = false;
    for limit in 6..12 {
        let mut command = Command::new("prlimit");
        command.args([&format!("--nofile={limit}"), env!("CARGO_BIN_EXE_netloop")]);
        command
            .args(["server", "--port", "0"])
            .env_remove("RUST_LOG");
        let mut server = Program::start(command);
        if let Some(port) = server.port_if_any() {
            assert_eq!(read(&mut connect(port), 7), b"Welcome", "{limit}");
            have_served = true;
        } else {
            let (status, _, log) = server.end();
            assert_eq!(status.code(), Some(1), "{limit}");
            assert!(
                log.contains("EMFILE") || log.contains("no descriptor"),
                "{limit}: {log}"
            );
        }
    }
    assert!(have_served);
    let mut command = Command::new("prlimit");
    command.args(["--nofile=30", env!("CARGO_BIN_EXE_netloop"), "server"]);
    command.args(["--port", "0", "--max-connections", "30"]);
    let mut server = Program::start(command);
    server.port();
    server.signal("TERM");
    let log = server.end().2;
    assert!(
        log.contains("--max-connections 30: there are descriptors for 2"),
        "{log}"
    );
}

#[test]
fn a_limit_that_the_descriptors_do_not_allow_is_told_once_and_none_where_there_is_none() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        return support::skipped("a limit above that of descriptors", "no prlimit");
    }
    for (limit, count) in [(&["--max-connections", "40"][..], 1), (&[], 0)] {
        let mut command = Command::new("prlimit");
        command.args(["--nofile=40", env!("CARGO_BIN_EXE_netloop"), "server"]);
        command.args(["--metrics", "tcp:127.0.0.1:0"]).args(limit);
        command.args(["--listen", "tcp:127.0.0.1:0"].repeat(2));
        command.env_remove("RUST_LOG");
        let mut server = Program::start(command);
        for _ in 0..3 {
            assert!(server.line().contains(" on tcp:127.0.0.1:"));
        }
        server.signal("TERM");
        let log = server.end().2;
        assert_eq!(log.matches("--max-connections").count(), count, "{log}");
    }
}

#[test]
fn a_dropped_connection_is_logged_with_its_peer() {
    let mut command = netloop(&["server", "--port", "0", "--max-connections", "0"]);
    command.env("RUST_LOG", "info");
    let mut server = Program::start(command);
    let mut socket = connect(server.port());
    let peer = socket.local_addr().unwrap();
    assert!(at_end(&mut socket));
    server.signal("TERM");
    let (_, lines, log) = server.end();
    assert_eq!(lines, Vec::<String>::new());
    assert!(log.contains(&format!("{peer}: dropped")), "{log}");
}

/// A server that may have only few connections.
fn short_of_descriptors() -> Option<Program> {
    if Command::new("prlimit").arg("--version").output().is_err() {
        support::skipped("a shortage of descriptors", "no prlimit");
        return None;
    }
    let mut command = Command::new("prlimit");
    command.args(["--nofile=10", env!("CARGO_BIN_EXE_netloop")]);
    command.args(["server", "--port", "0"]);
    Some(Program::start(command))
}

/// Connects until so many were turned away. Returns those that are served.
fn fill(port: u16, turned_away: usize) -> Vec<TcpStream> {
    let mut held = Vec::new();
    let mut shed = 0;
    while shed < turned_away {
        let mut socket = connect(port);
        match at_end(&mut socket) {
            true => shed += 1,
            false => held.push(socket),
        }
    }
    held
}

#[test]
fn a_shortage_of_descriptors_is_told_once_however_many_knock_and_leave() {
    let Some(mut server) = short_of_descriptors() else {
        return;
    };
    let port = server.port();
    let mut held = fill(port, 5);
    for _ in 0..5 {
        // Two leave, so that after the next one there is a descriptor to spare.
        held.truncate(held.len() - 2);
        while server.line() != "client disconnected" {}
        while server.line() != "client disconnected" {}
        held.extend(fill(port, 1));
    }
    server.signal("TERM");
    drop(held);
    let (_, _, log) = server.end();
    assert_eq!(log.matches("out of descriptors").count(), 1, "{log}");
}

#[test]
fn a_connection_that_takes_the_last_descriptor_is_no_shortage() {
    let (Some(mut full), Some(mut server)) = (short_of_descriptors(), short_of_descriptors())
    else {
        return;
    };
    let as_many_as_fit = fill(full.port(), 1).len();
    let port = server.port();
    for _ in 0..3 {
        let held: Vec<_> = (0..as_many_as_fit).map(|_| connect(port)).collect();
        for mut socket in held {
            assert!(!at_end(&mut socket));
        }
        for _ in 0..as_many_as_fit {
            while server.line() != "client disconnected" {}
        }
    }
    server.signal("TERM");
    full.signal("TERM");
    full.end();
    let (_, _, log) = server.end();
    assert_eq!(log.matches("out of descriptors").count(), 0, "{log}");
}
