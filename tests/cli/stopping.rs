//! Signals: what they let finish, what they cut, and what the exit status tells.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::program::{Program, netloop};
use crate::stage::{LIMIT, accept, at_end, connect, own_path, read, until_term_is_caught};
use crate::support;

/// Waits until connections are refused: the server has heard the signal.
fn until_refused(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(start.elapsed() < LIMIT, "it still accepts");
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_ends_the_servers_half_and_lets_a_connection_finish() {
    let mut server = Program::netloop(&["server", "--port", "0", "--welcome="]);
    let port = server.port();
    let mut socket = connect(port);
    server.expect("127.0.0.1 connected.");
    server.signal("TERM");
    assert!(at_end(&mut socket));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    socket.write_all(b"last words").unwrap();
    assert!(server.line().starts_with("<Buffer 6c 61 73 74"));
    drop(socket);
    let (status, lines, _) = server.end();
    assert_eq!(
        (status.code(), lines),
        (Some(0), vec!["client disconnected".to_owned()])
    );
}

#[test]
fn a_terminal_that_closes_asks_as_often_as_it_likes() {
    let mut server = Program::netloop(&["server", "--port", "0", "--welcome="]);
    let mut socket = connect(server.port());
    server.expect("127.0.0.1 connected.");
    server.signal("HUP");
    assert!(at_end(&mut socket));
    server.signal("HUP");
    socket.write_all(b"last words").unwrap();
    assert!(server.line().starts_with("<Buffer 6c 61 73 74"));
    drop(socket);
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_is_ignored() {
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" HUP; exec "$0" server --port 0"#]);
    command.arg(env!("CARGO_BIN_EXE_netloop"));
    let mut server = Program::start(command);
    let port = server.port();
    server.signal("HUP");
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
    // It would be the second signal.
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn a_stop_serves_all_connections_made_before_it() {
    let options = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];
    let mut server = Program::netloop(&options);
    let port = server.port();
    server.signal("STOP");
    let mut queued: Vec<_> = (0..200).map(|_| connect(port)).collect();
    for socket in &mut queued {
        socket.write_all(b"x").unwrap();
    }
    server.signal("TERM");
    server.signal("CONT");
    for socket in &mut queued {
        assert_eq!(read(socket, 1), b"x");
    }
    drop(queued);
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn a_connection_made_during_a_stop_is_served_or_refused_and_never_reset() {
    let options = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];
    let rounds = std::env::var("NETLOOP_ROUNDS");
    for _ in 0..rounds.map_or(5, |rounds| rounds.parse().unwrap()) {
        let mut server = Program::netloop(&options);
        let port = server.port();
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) {
                        socket.set_read_timeout(Some(LIMIT)).unwrap();
                        socket.write_all(b"ping").expect("no reset");
                        assert_eq!(read(&mut socket, 4), b"ping");
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            while served.load(Ordering::Relaxed) < 500 {
                std::thread::yield_now();
            }
            server.signal("TERM");
        });
        assert_eq!(server.end().0.code(), Some(0));
    }
}

#[test]
fn a_connection_accepted_after_a_stop_is_greeted_and_told_goodbye() {
    let mut server = Program::netloop(&["server", "--port", "0"]);
    let port = server.port();
    server.signal("STOP");
    let mut queued = connect(port);
    server.signal("TERM");
    server.signal("CONT");
    assert_eq!(read(&mut queued, 7), b"Welcome");
    assert!(at_end(&mut queued));
    drop(queued);
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn an_echo_that_got_a_signal_sends_back_until_its_peers_end() {
    let options = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];
    let mut server = Program::netloop(&options);
    let port = server.port();
    let mut socket = connect(port);
    socket.write_all(b"before").unwrap();
    assert_eq!(read(&mut socket, 6), b"before");
    server.signal("TERM");
    until_refused(port);
    socket.write_all(b"after").unwrap();
    assert_eq!(read(&mut socket, 5), b"after");
    socket.shutdown(Shutdown::Write).unwrap();
    assert!(at_end(&mut socket));
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn what_does_not_finish_in_time_is_cut_and_the_status_tells() {
    let options = [
        "server",
        "--port",
        "0",
        "--welcome=",
        "--drain-timeout",
        "50ms",
    ];
    let mut server = Program::netloop(&options);
    let mut socket = connect(server.port());
    server.expect("127.0.0.1 connected.");
    server.signal("TERM");
    assert!(at_end(&mut socket));
    assert_eq!(server.end().0.code(), Some(1));
}

#[test]
fn a_second_signal_ends_at_once() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut server = Program::netloop(&["server", "--port", "0", "--welcome="]);
        let mut socket = connect(server.port());
        server.expect("127.0.0.1 connected.");
        server.signal("TERM");
        assert!(at_end(&mut socket), "the first one is heard");
        server.signal(name);
        assert_eq!(server.end().0.code(), Some(code));
    }
}

#[test]
fn a_second_signal_ends_at_once_also_what_is_held_up_by_its_output() {
    let (out, mut into) = UnixStream::pair().unwrap();
    let output = OwnedFd::from(into.try_clone().unwrap());
    let mut server = Program::start_into(output.into(), netloop(&["server", "--port", "0"]));
    let mut line = String::new();
    BufReader::new(&out).read_line(&mut line).unwrap();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    let mut socket = connect(digits.parse().unwrap());
    assert_eq!(read(&mut socket, 7), b"Welcome");
    into.set_nonblocking(true).unwrap();
    while into.write(&[b'.'; 4096]).is_ok() {}
    into.set_nonblocking(false).unwrap();
    // This it would print, if anybody read.
    socket.write_all(b"hi").unwrap();
    server.signal("INT");
    server.signal("TERM");
    // Whichever handler the kernel runs last: both may be pending.
    assert!(matches!(server.end().0.code(), Some(130 | 143)));
}

#[test]
fn as_the_first_process_of_a_container_it_hears_signals() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-fp", "--kill-child", "--mount-proc"]);
        command.args(arguments);
        command
    };
    if !run(&["true"]).status().is_ok_and(|status| status.success()) {
        return support::skipped(
            "the first process of a container",
            "no unshare, or not root",
        );
    }
    let netloop = env!("CARGO_BIN_EXE_netloop");
    let mut server = Program::start(run(&[netloop, "server", "--port", "0"]));
    server.port();
    let id = server.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let sent = Command::new("kill")
        .args(["-TERM", children.trim()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn a_signal_before_anybody_listens_leaves_no_file_behind() {
    let path = own_path("early");
    if !support::has_strace() {
        return support::skipped("a signal in bind(2)", "no strace");
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=bind"]);
    command.args(["-e", "inject=bind:signal=SIGTERM:when=1"]);
    command
        .args([env!("CARGO_BIN_EXE_netloop"), "server", "--path"])
        .arg(&path);
    let mut server = Program::start(command);
    let (status, _, errors) = server.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert!(!path.exists());
}

/// A client that has connected and has nothing to say for a while.
fn client() -> (Program, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = Program::netloop(&["client", "--interval", "1m", "--port", &port]);
    let socket = accept(&listener);
    client.expect("Client connected");
    (client, socket)
}

#[test]
fn a_client_that_got_a_signal_says_goodbye() {
    for name in ["INT", "TERM", "HUP"] {
        let (mut client, mut socket) = client();
        client.signal(name);
        assert!(at_end(&mut socket), "an end, and no reset");
        drop(socket);
        let (status, lines, _) = client.end();
        assert_eq!(
            (status.code(), lines.concat().as_str()),
            (Some(0), "Client disconnected")
        );
    }
}

#[test]
fn a_client_waits_for_a_goodbye_until_a_second_signal_but_not_for_ever() {
    for (second, code) in [(Some("TERM"), 143), (None, 1)] {
        let (mut client, mut socket) = client();
        client.signal("INT");
        assert!(at_end(&mut socket));
        if let Some(name) = second {
            client.signal(name);
        }
        assert_eq!(client.end().0.code(), Some(code));
    }
}

#[test]
fn a_client_that_is_not_connected_ends_at_the_first_signal() {
    // Its queue holds one connection; the kernel answers no other.
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener
        .bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into())
        .unwrap();
    listener.listen(0).unwrap();
    let port = listener.local_addr().unwrap().as_socket().unwrap().port();
    let _queued = connect(port);
    let port = port.to_string();
    let mut client = Program::netloop(&["client", "--host", "127.0.0.1", "--port", &port]);
    until_term_is_caught(client.id());
    client.signal("TERM");
    let (status, lines, _) = client.end();
    assert_eq!((status.code(), lines), (Some(143), vec![]));
}
