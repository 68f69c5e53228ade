//! The client: what it says, what it prints, and when it leaves.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, netloop};
use crate::stage::{accept, at_end, read};
use crate::support::{Silent, closed_port, skipped};

/// A client with these options, and the listener that it connects to.
fn client_of(options: &[&str]) -> (TcpListener, Program) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let place = ["client", "--host", "127.0.0.1", "--port", &port];
    let client = Program::netloop(&[&place, options].concat());
    (listener, client)
}

#[test]
fn the_client_says_hi_as_often_as_told_and_leaves() {
    let (listener, mut client) = client_of(&["--interval", "5ms", "--count", "3"]);
    let mut socket = accept(&listener);
    client.expect("Client connected");
    socket.write_all(b"Welcome").unwrap();
    client.expect("Welcome");
    assert_eq!(read(&mut socket, 6), b"hihihi");
    assert!(at_end(&mut socket));
    drop(socket);
    client.expect("Client disconnected");
    assert_eq!(client.end().0.code(), Some(0));
}

#[test]
fn the_client_stops_ticking_when_the_server_ends() {
    let (listener, mut client) = client_of(&["--interval", "10ms"]);
    let mut socket = accept(&listener);
    assert_eq!(read(&mut socket, 4), b"hihi");
    socket.shutdown(Shutdown::Write).unwrap();
    client.expect("Client connected");
    client.expect("Client disconnected");
    assert_eq!(client.end().0.code(), Some(0));
}

/// How the client's log tells its life, after its first step.
#[track_caller]
fn life(client: &mut Program) -> Vec<String> {
    let (_, _, log) = client.end();
    let steps = log.lines().filter_map(|line| line.split("client: ").nth(1));
    let mut steps: Vec<String> = steps.map(str::to_owned).collect();
    assert_eq!(steps.remove(0), "idle --Started--> connecting");
    steps
}

#[test]
fn the_client_logs_its_life_whichever_side_ends_it() {
    let start = |port: u16| {
        let port = port.to_string();
        let mut command = netloop(&[
            "client",
            "--interval",
            "1m",
            "--host",
            "127.0.0.1",
            "--port",
        ]);
        command.arg(port).env("RUST_LOG", "debug");
        Program::start(command)
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = "connecting --Connected--> talking";

    let mut client = start(port);
    drop(accept(&listener));
    let told = "talking --PeerEnded--> leaving";
    let closed = "leaving --Closed--> stopped";
    assert_eq!(life(&mut client), [connected, told, closed]);

    let mut client = start(port);
    let socket = socket2::Socket::from(accept(&listener));
    client.expect("Client connected");
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    let closed = "talking --Closed--> stopped";
    assert_eq!(life(&mut client), [connected, closed]);

    let (_held, port) = closed_port();
    let closed = "connecting --Closed--> stopped";
    assert_eq!(life(&mut start(port)), [closed]);
}

#[test]
fn the_client_shows_text_whole_and_harmless() {
    let (listener, client) = client_of(&["--interval", "20ms"]);
    let mut socket = accept(&listener);
    socket.set_nodelay(true).unwrap();
    client.expect("Client connected");
    socket.write_all(b"gr\xc3").unwrap();
    client.expect("gr");
    socket.write_all(b"\xbc\xc3\x9fe \x1b[31m").unwrap();
    client.expect("üße \\u{1b}[31m");
}

#[test]
fn a_refused_connection_is_told_in_nodes_words() {
    let (_held, port) = closed_port();
    let port = port.to_string();
    let mut client = Program::netloop(&["client", "--host", "127.0.0.1", "--port", &port]);
    let (status, lines, log) = client.end();
    let told = format!("] connect ECONNREFUSED 127.0.0.1:{port}\n");
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    assert!(log.ends_with(&told), "{log}");
}

#[test]
fn a_client_whose_reader_has_gone_leaves_as_after_its_last_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (out, into) = std::io::pipe().unwrap();
    let command = netloop(&["client", "--interval", "1", "--port", &port]);
    let mut client = Program::start_into(into.into(), command);
    let mut socket = accept(&listener);
    BufReader::new(out).read_line(&mut String::new()).unwrap();
    // The reader went with the line, as that of `netloop client | head -1` does. Whatever the
    // client says is answered, so that it has something to print.
    let has_left = (0..10_000).any(|_| {
        let is_at_end = at_end(&mut socket);
        is_at_end || socket.write_all(b"x").is_err()
    });
    assert!(has_left, "it talks on");
    drop(socket);
    assert_eq!(client.end().0.code(), Some(0));
}

#[test]
fn a_client_with_nothing_to_say_connects_and_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut client = Program::netloop(&["client", "--count", "0", "--port", &port]);
    let mut socket = accept(&listener);
    assert!(at_end(&mut socket));
    drop(socket);
    let (status, lines, _) = client.end();
    assert_eq!(
        (status.code(), lines),
        (
            Some(0),
            vec!["Client connected".into(), "Client disconnected".to_owned()]
        )
    );
}

#[test]
fn a_client_waits_for_the_connection_only_so_long() {
    let silent = Silent::at(Ipv4Addr::LOCALHOST);
    let port = silent.address().port().to_string();
    let options = ["client", "--host", "127.0.0.1", "--port", &port];
    let limit = ["--connect-timeout", "20ms"];
    let (status, lines, log) = Program::netloop(&[&options[..], &limit].concat()).end();
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    let told = "] connect: no answer within 20ms, cut\n";
    assert!(log.ends_with(told), "{log}");
}

#[test]
fn a_client_that_has_said_all_waits_for_the_servers_end_only_so_long() {
    let options = [
        "--interval",
        "1",
        "--count",
        "1",
        "--goodbye-timeout",
        "20ms",
    ];
    let (listener, mut client) = client_of(&options);
    let mut socket = accept(&listener);
    assert_eq!(read(&mut socket, 2), b"hi");
    assert!(at_end(&mut socket));
    let (status, _, log) = client.end();
    assert_eq!(status.code(), Some(1));
    let told = "] the server did not end the connection within 20ms, cut\n";
    assert!(log.ends_with(told), "{log}");
}

#[test]
fn the_status_tells_whether_all_was_said() {
    let (listener, mut client) = client_of(&["--interval", "1m", "--count", "3"]);
    drop(accept(&listener));
    let (status, _, log) = client.end();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("sent 0 of 3 messages"), "{log}");
}

#[test]
fn a_client_that_has_connected_to_itself_has_found_no_server() {
    let mut can = Command::new("unshare");
    can.args(["-n", "ip", "link", "set", "lo", "up"]);
    if !can.output().is_ok_and(|output| output.status.success()) {
        return skipped(
            "a client that connects to itself",
            "no unshare, or not root",
        );
    }
    // Of the ports the kernel may choose for the client there is one, the server's.
    let script = r#"ip link set lo up
        echo "40000 40000" >/proc/sys/net/ipv4/ip_local_port_range
        exec "$0" client --host 127.0.0.1 --port 40000 --count 1"#;
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-ec", script, env!("CARGO_BIN_EXE_netloop")]);
    let (status, lines, log) = Program::start(command).end();
    let told = "] connect ECONNREFUSED 127.0.0.1:40000: connected to itself\n";
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    assert!(log.ends_with(told), "{log}");
}
