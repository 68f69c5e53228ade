//! Signals: what they let finish, what they cut, and what the exit status tells.

use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;
use std::time::Instant;

use crate::program::Program;
use crate::stage::{LIMIT, at_end, connect, read};

/// Waits until nobody listens there any more: it has heard the signal.
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
