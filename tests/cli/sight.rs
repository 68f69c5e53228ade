//! What an operator sees: metrics, health, and the report.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use crate::listening::until;
use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, own_path, read};
use crate::support;

/// A server with metrics at a port of its own: their address, and its port.
#[track_caller]
pub(crate) fn measured(options: &[&str]) -> (Program, SocketAddr, u16) {
    let common = ["server", "--metrics", "tcp:127.0.0.1:0", "--port", "0"];
    let server = Program::netloop(&[&common, options].concat());
    let metrics = address(&server);
    let port = server.port();
    (server, metrics, port)
}

#[track_caller]
pub(crate) fn address(server: &Program) -> SocketAddr {
    let line = server.line();
    let address = line.strip_prefix("metrics on tcp:");
    let address = address.and_then(|rest| rest.strip_suffix(".."));
    address
        .and_then(|address| address.parse().ok())
        .unwrap_or_else(|| panic!("{line:?}"))
}

/// What is answered to a request, as it stands.
fn asked(address: SocketAddr, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(request).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: SocketAddr, path: &str) -> String {
    asked(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
    )
}

/// A value of the metrics.
#[track_caller]
pub(crate) fn value(address: SocketAddr, name: &str) -> f64 {
    let text = get(address, "/metrics");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}: {text}"))
        .parse()
        .unwrap()
}

#[test]
fn the_metrics_count_what_happens() {
    let (server, metrics, port) = measured(&["--echo", "--welcome=", "--max-connections", "1"]);
    assert_eq!(value(metrics, "netloop_connections"), 0.0);
    let mut peer = connect(port);
    peer.write_all(b"twelve bytes").unwrap();
    assert_eq!(read(&mut peer, 12), b"twelve bytes");
    assert!(at_end(&mut connect(port)));
    for (name, expected) in [
        ("netloop_connections", 1.0),
        ("netloop_accepted_total", 1.0),
        ("netloop_dropped_total{reason=\"max_connections\"}", 1.0),
        ("netloop_received_bytes_total", 12.0),
        ("netloop_sent_bytes_total", 12.0),
        ("netloop_owed_bytes", 0.0),
        ("netloop_draining", 0.0),
    ] {
        assert_eq!(value(metrics, name), expected, "{name}");
    }
    // What has closed still counts.
    let socket = socket2::Socket::from(peer);
    socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(socket);
    until("it closes", || value(metrics, "netloop_connections") == 0.0);
    assert_eq!(value(metrics, "netloop_received_bytes_total"), 12.0);
    assert_eq!(
        value(metrics, "netloop_errors_total{code=\"ECONNRESET\"}"),
        1.0
    );
    let turns = value(metrics, "netloop_loop_turns_total");
    assert!(turns > 0.0 && value(metrics, "netloop_loop_turns_total") > turns);
    let busy = value(metrics, "netloop_loop_busy_seconds_total");
    let cpu = value(metrics, "process_cpu_seconds_total");
    assert!(busy > 0.0 && cpu > 0.0, "{busy} {cpu}");
    until("timers come", || {
        value(metrics, "netloop_loop_lag_seconds_count") > 1.0
    });
    assert!(value(metrics, "process_open_fds") > 3.0);
    drop(server);
}

#[test]
fn what_a_peer_is_owed_is_in_the_metrics_and_in_the_report() {
    let (mut server, metrics, port) = measured(&["--quiet", "--echo", "--welcome="]);
    let mut peer = connect(port);
    peer.set_nonblocking(true).unwrap();
    let chunk = vec![7; 1 << 20];
    until("it is owed", || {
        _ = peer.write(&chunk);
        value(metrics, "netloop_owed_bytes") > 0.0
    });
    let local = peer.local_addr().unwrap();
    server.signal("USR1");
    // The report is there before a later request is answered, and so before the peer goes.
    assert!(value(metrics, "netloop_owed_bytes") > 0.0);
    server.signal("TERM");
    drop(peer);
    let (_, _, log) = server.end();
    let mut lines = log.lines();
    let report = lines.next().expect("a report");
    assert!(report.starts_with("netloop server: up "), "{log}");
    assert!(report.contains("connections open: 1, accepted: 1, dropped: 0; bytes owed: "));
    let owed = lines.next().expect("who is owed");
    assert!(owed.contains(&format!(" {local}: bytes owed: ")), "{log}");
    let listening = format!("listening on 127.0.0.1:{port}\n");
    let sending = format!(", to {local}\n");
    for held in [listening, sending] {
        let line = log
            .lines()
            .find(|line| format!("{line}\n").ends_with(&held));
        let line = line.unwrap_or_else(|| panic!("{held} {log}"));
        assert!(
            line.starts_with("netloop server: the loop is held by s"),
            "{line}"
        );
    }
}

#[test]
fn promtool_finds_no_fault_with_the_metrics() {
    let (_server, metrics, port) = measured(&["--quiet"]);
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
    let answer = get(metrics, "/metrics");
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4"));
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", text.len())));
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut promtool) = command.spawn() else {
        return support::skipped("the metrics in the eyes of promtool", "no promtool");
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}

#[test]
fn what_is_no_request_for_metrics_is_answered_as_http_has_it() {
    let (_server, metrics, _) = measured(&["--quiet"]);
    let status = |request: &[u8]| asked(metrics, request).lines().next().unwrap().to_owned();
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000));
    for (request, expected) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "HTTP/1.1 404 Not Found"),
        (b"GET /healthz?x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
        (
            b"POST /metrics HTTP/1.1\r\n\r\n",
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (b"\x16\x03\x01 tls\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (
            long.as_bytes(),
            "HTTP/1.1 431 Request Header Fields Too Large",
        ),
    ] {
        assert_eq!(status(request), expected);
    }
    let head = asked(metrics, b"HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.ends_with("\r\n\r\n") && head.contains("Content-Length: "));
    // A request may come byte by byte.
    let mut socket = TcpStream::connect(metrics).unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in b"GET /healthz HTTP/1.1\r\n\r\n" {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
}

#[test]
fn a_scraper_that_asks_nothing_for_too_long_is_cut() {
    let (_server, metrics, _) = measured(&["--quiet"]);
    let mut socket = TcpStream::connect(metrics).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(b"GET /metr").unwrap();
    assert!(at_end(&mut socket));
}

#[test]
fn a_stop_is_told_by_healthz_first_and_serves_all_for_the_time_of_grace() {
    let options = ["--welcome=", "--quiet", "--echo", "--grace", "1h"];
    let (mut server, metrics, port) = measured(&options);
    assert!(get(metrics, "/healthz").ends_with("\r\n\r\nok\n"));
    server.signal("TERM");
    let is_draining = || get(metrics, "/healthz").starts_with("HTTP/1.1 503 ");
    until("it says so", is_draining);
    // Who comes all the same is served.
    let mut late = connect(port);
    late.write_all(b"late").unwrap();
    assert_eq!(read(&mut late, 4), b"late");
    assert_eq!(value(metrics, "netloop_draining"), 1.0);
    // A hangup asks again, which changes nothing; a second TERM ends it.
    server.signal("HUP");
    late.write_all(b"later").unwrap();
    assert_eq!(read(&mut late, 5), b"later");
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(143));
}

#[test]
fn after_the_grace_a_stop_drains_answers_health_and_does_not_wait_for_scrapers() {
    let options = ["--welcome=", "--quiet", "--grace", "50ms"];
    let (mut server, metrics, port) = measured(&options);
    let mut peer = connect(port);
    // One who asks nothing is no reason to stay.
    let idle = TcpStream::connect(metrics).unwrap();
    server.signal("TERM");
    assert!(at_end(&mut peer));
    assert!(get(metrics, "/healthz").starts_with("HTTP/1.1 503 "));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    drop(peer);
    let (status, _, _) = server.end();
    assert_eq!(status.code(), Some(0));
    drop(idle);
}

#[test]
fn metrics_are_read_while_many_connections_echo() {
    let options = ["--welcome=", "--quiet", "--echo"];
    let (_server, metrics, port) = measured(&options);
    let mut peers: Vec<_> = (0..500).map(|_| connect(port)).collect();
    for round in 1..=3 {
        for peer in &mut peers {
            peer.write_all(b"ping").unwrap();
        }
        let open = value(metrics, "netloop_connections");
        assert!(open <= 500.0);
        for peer in &mut peers {
            assert_eq!(read(peer, 4), b"ping");
        }
        let bytes = f64::from(500 * 4 * round);
        assert_eq!(value(metrics, "netloop_sent_bytes_total"), bytes);
    }
}

/// The first line of the log of a server whose standard error is this, read back from it.
fn first_line(journal_stream: Option<&str>, file: &std::path::Path) -> String {
    let errors = std::fs::File::create(file).unwrap();
    let mut command = netloop(&["server", "--path", "/netloop-nowhere/socket"]);
    if let Some(stream) = journal_stream {
        command.env("JOURNAL_STREAM", stream);
    }
    let status = command
        .stdout(Stdio::null())
        .stderr(errors)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let log = std::fs::read_to_string(file).unwrap();
    log.lines().next().expect("an error").to_owned()
}

#[test]
fn a_line_of_the_log_begins_with_the_time_or_for_the_journal_with_its_priority() {
    let path = own_path("journal");
    let stamped = |line: &str| {
        let (time, rest) = line.split_once(' ').unwrap();
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{line}");
        assert!(rest.starts_with("[ERROR netloop::"), "{line}");
    };
    stamped(&first_line(None, &path));
    // The journal's stream is another file.
    stamped(&first_line(Some("1:1"), &path));
    let file = std::fs::metadata(&path).unwrap();
    let stream = format!("{}:{}", file.dev(), file.ino());
    let line = first_line(Some(&stream), &path);
    assert!(line.starts_with("<3>[ERROR netloop::"), "{line}");
    std::fs::remove_file(path).unwrap();
}
