//! Where the output goes: nobody reads it, the disk is full, a terminal must not be steered.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Instant;

use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, read};
use crate::support;

#[test]
fn a_standard_output_that_nobody_reads_does_not_end_the_server() {
    let (out, into) = std::io::pipe().unwrap();
    let command = netloop(&["server", "--port", "0", "--trace"]);
    let mut server = Program::start_into(into.into(), command);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    let port = line.strip_prefix("listening on ").unwrap();
    let port = port.strip_suffix("..\n").unwrap().parse().unwrap();
    // The reader went with the line: from now on each line is an EPIPE.
    for _ in 0..2 {
        assert_eq!(read(&mut connect(port), 7), b"Welcome");
    }
    assert!(server.is_running());
}

#[test]
fn a_full_disk_does_not_end_the_server() {
    let path = std::env::temp_dir().join(format!("netloop-full-{}", std::process::id()));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let command = netloop(&["server", "--trace", "--path", path.to_str().unwrap()]);
    let mut server = Program::start_into(full.into(), command);
    let start = Instant::now();
    // What it would tell is lost, so the path is tried until somebody listens there.
    let mut socket = loop {
        assert!(start.elapsed() < LIMIT, "it does not listen");
        match UnixStream::connect(&path) {
            Ok(socket) => break socket,
            Err(_) => std::thread::yield_now(),
        }
    };
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(b"hi").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&mut socket, 7), b"Welcome");
    assert!(at_end(&mut socket));
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn peers_bytes_never_reach_the_log_raw() {
    let mut command = netloop(&["server", "--port", "0", "--trace"]);
    command.env("RUST_LOG", "trace").env("NO_COLOR", "");
    let mut server = Program::start(command);
    let mut socket = connect(server.port());
    assert_eq!(read(&mut socket, 7), b"Welcome");
    socket.write_all(b"\x1b]0;pwn\x07\r\nFAKE LOG").unwrap();
    drop(socket);
    server.expect("127.0.0.1 connected.");
    assert!(server.line().starts_with("<Buffer 1b 5d"));
    server.expect("client disconnected");
    server.signal("TERM");
    let (_, _, log) = server.end();
    assert!(!log.contains("FAKE LOG"));
    let raw = log
        .chars()
        .find(|letter| letter.is_control() && *letter != '\n');
    assert_eq!(raw, None);
}

#[test]
fn only_a_terminal_is_coloured_and_never_with_no_color() {
    let (_, lines, _) = Program::netloop(&["demo"]).end();
    assert!(!lines.concat().contains('\x1b'), "no colour in a pipe");
    if Command::new("script").arg("--version").output().is_err() {
        return support::skipped("colours on a terminal", "no script");
    }
    let on_a_terminal = |refusal: Option<&str>| {
        let mut command = Command::new("script");
        let demo = format!("'{}' demo", env!("CARGO_BIN_EXE_netloop"));
        command.args(["-q", "-e", "-c", &demo, "/dev/null"]);
        command.env_remove("NO_COLOR");
        if let Some(value) = refusal {
            command.env("NO_COLOR", value);
        }
        let (status, lines, _) = Program::start(command).end();
        assert_eq!(status.code(), Some(0));
        assert!(lines.concat().contains("callback: data"));
        lines.concat().contains('\x1b')
    };
    assert!(on_a_terminal(None));
    assert!(on_a_terminal(Some("")), "an empty one refuses nothing");
    assert!(!on_a_terminal(Some("1")));
}
