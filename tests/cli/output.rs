//! Where the output goes: nobody reads it, the disk is full, a terminal must not be steered.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::program::{Program, netloop};
use crate::stage::{accept, at_end, connect, connect_path, own_path, read};
use crate::support;

#[test]
fn an_unread_standard_output_does_not_end_the_server() {
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
    let path = own_path("full");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let command = netloop(&["server", "--trace", "--path", path.to_str().unwrap()]);
    let mut server = Program::start_into(full.into(), command);
    // What it would tell is lost, so the path is tried until somebody listens there.
    let mut socket = connect_path(&path);
    socket.write_all(b"hi").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&mut socket, 7), b"Welcome");
    assert!(at_end(&mut socket));
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

/// Fills a pipe, so that the next line finds no room.
fn fill(into: &mut UnixStream) {
    into.set_nonblocking(true).unwrap();
    while into.write(&[b'.'; 4096]).is_ok() {}
    while into.write(b".").is_ok() {}
    into.set_nonblocking(false).unwrap();
}

#[test]
fn unread_output_and_log_hold_up_neither_a_connection_nor_a_stop() {
    let (out, mut into) = UnixStream::pair().unwrap();
    let mut command = chatty(&["server", "--echo", "--welcome=", "--port", "0"]);
    command.stdout(OwnedFd::from(into.try_clone().unwrap()));
    command.stderr(OwnedFd::from(into.try_clone().unwrap()));
    let mut server = command.stdin(Stdio::null()).spawn().unwrap();
    let port = BufReader::new(&out).lines().find_map(|line| {
        let line = line.unwrap();
        let port = line.strip_prefix("listening on ")?.strip_suffix("..")?;
        port.parse().ok()
    });
    fill(&mut into);
    for _ in 0..300 {
        let mut socket = connect(port.unwrap());
        socket.write_all(b"ping").unwrap();
        assert_eq!(read(&mut socket, 4), b"ping");
    }
    let mut kill = Command::new("kill");
    assert!(
        kill.arg(server.id().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn unread_lines_are_counted_and_told() {
    let (out, mut into) = UnixStream::pair().unwrap();
    let output = OwnedFd::from(into.try_clone().unwrap());
    let mut server = Program::start_into(output.into(), netloop(&["server", "--port", "0"]));
    let mut line = String::new();
    BufReader::new(&out).read_line(&mut line).unwrap();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    fill(&mut into);
    for _ in 0..2 {
        // What it prints of the first holds the thread that writes, what it prints of the second
        // waits behind.
        let mut socket = connect(digits.parse().unwrap());
        assert_eq!(read(&mut socket, 7), b"Welcome");
        socket.shutdown(Shutdown::Write).unwrap();
        assert!(at_end(&mut socket));
    }
    server.signal("TERM");
    let (status, _, log) = server.end();
    assert_eq!(status.code(), Some(0));
    let told = "standard output: its reader does not keep up, lines dropped: ";
    assert!(log.contains(told), "{log}");
}

#[test]
fn closed_standard_streams_are_not_taken_for_sockets() {
    let path = own_path("closed");
    let mut command = Command::new("sh");
    let closed = r#"exec "$0" "$@" <&- >&- 2>&-"#;
    command.args(["-c", closed, env!("CARGO_BIN_EXE_netloop")]);
    command
        .args(["server", "--trace", "--path"])
        .arg(&path)
        .env("RUST_LOG", "trace");
    let mut server = Program::start(command);
    let mut socket = connect_path(&path);
    socket.shutdown(Shutdown::Write).unwrap();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"Welcome", "and no line of the log");
    server.signal("TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

/// What steers a terminal, forges a line or turns the writing, and a byte that is no UTF-8.
const HOSTILE: &[u8] =
    "\x1b]0;pwn\x07\r\nFAKE\0\t\x7f\u{9b}31m\u{202e}\u{61c}\u{2028}é\u{85}".as_bytes();

/// Nothing in it could do what those bytes are for.
#[track_caller]
fn assert_harmless(text: &str) {
    let turns = ['\u{202e}', '\u{61c}', '\u{2028}'];
    let raw = text
        .chars()
        .find(|letter| letter.is_control() && *letter != '\n' || turns.contains(letter));
    assert_eq!(raw, None, "{text}");
    assert!(!text.lines().any(|line| line.starts_with("FAKE")));
}

/// With all that can be logged.
fn chatty(arguments: &[&str]) -> Command {
    let mut command = netloop(arguments);
    command.env("RUST_LOG", "trace").arg("--trace");
    command
}

#[test]
fn peers_bytes_never_reach_the_servers_log_raw() {
    let mut server = Program::start(chatty(&["server", "--port", "0"]));
    let mut socket = connect(server.port());
    assert_eq!(read(&mut socket, 7), b"Welcome");
    socket.write_all(HOSTILE).unwrap();
    drop(socket);
    server.expect("127.0.0.1 connected.");
    assert!(server.line().starts_with("<Buffer 1b 5d"));
    server.expect("client disconnected");
    server.signal("TERM");
    let (_, _, log) = server.end();
    assert!(log.contains("callback: data") && !log.contains("FAKE"));
    assert_harmless(&log);
}

#[test]
fn peers_bytes_never_reach_the_clients_terminal_raw() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut client = Program::start(chatty(&["client", "--interval", "1m", "--port", &port]));
    let mut socket = accept(&listener);
    socket.write_all(&[HOSTILE, b"\xff\xc3"].concat()).unwrap();
    drop(socket);
    let (_, lines, log) = client.end();
    let shown = r"\u{1b}]0;pwn\u{7}\r\nFAKE\u{0}\t\u{7f}\u{9b}31m\u{202e}\u{61c}\u{2028}é\u{85}";
    // The byte that began a character is shown when it is sure that no other follows.
    let told = [
        "Client connected",
        &format!("{shown}\u{fffd}"),
        "\u{fffd}",
        "Client disconnected",
    ];
    assert_eq!(lines, told);
    assert_harmless(&log);
}

#[test]
fn a_path_and_a_host_are_shown_harmless_as_well() {
    let hostile = std::str::from_utf8(HOSTILE).unwrap().replace('\0', "");
    let path = own_path(&hostile);
    let options = ["server", "--path", path.to_str().unwrap()];
    let mut server = Program::start(chatty(&options));
    assert_harmless(&server.line());
    let (status, lines, log) = Program::start(chatty(&options)).end();
    assert_eq!((status.code(), lines.len()), (Some(1), 0));
    assert!(log.contains("] listen EADDRINUSE"));
    assert_harmless(&log);
    std::fs::remove_file(&path).unwrap();
    server.signal("TERM");
    assert_harmless(&server.end().2);
    for command in ["server", "client"] {
        let (status, lines, log) = Program::start(chatty(&[command, "--host", &hostile])).end();
        assert_eq!((status.code(), lines.len()), (Some(1), 0));
        assert_harmless(&log);
    }
}

#[test]
fn only_a_terminal_is_coloured_and_never_with_no_color() {
    let is_coloured = |mut program: Program| {
        let (status, lines, _) = program.end();
        assert_eq!(status.code(), Some(0));
        assert!(lines.concat().contains("callback: data"));
        lines.concat().contains('\x1b')
    };
    let piped = is_coloured(Program::netloop(&["demo"]));
    assert!(!piped, "no colour in a pipe");
    if Command::new("script").arg("--version").output().is_err() {
        return support::skipped("colours on a terminal", "no script");
    }
    let on_a_terminal = |terminal: &str, refusal: Option<&str>| {
        let mut command = Command::new("script");
        let demo = format!("'{}' demo", env!("CARGO_BIN_EXE_netloop"));
        command.args(["-q", "-e", "-c", &demo, "/dev/null"]);
        command.env("TERM", terminal).env_remove("NO_COLOR");
        if let Some(value) = refusal {
            command.env("NO_COLOR", value);
        }
        Program::start(command)
    };
    let terminals = [
        ("xterm", None, true),
        // An empty one refuses nothing.
        ("xterm", Some(""), true),
        ("xterm", Some("1"), false),
        ("dumb", None, false),
    ];
    // All at the same time: a demo lasts half a second.
    let shown = terminals.map(|(name, refusal, _)| on_a_terminal(name, refusal));
    for (program, (name, refusal, expected)) in shown.into_iter().zip(terminals) {
        assert_eq!(is_coloured(program), expected, "{name} {refusal:?}");
    }
}

#[test]
fn what_could_not_be_printed_is_told_once_and_by_the_status() {
    for arguments in [&["--help"][..], &["--version"], &["demo"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let told = netloop(arguments).stdout(full).output().unwrap();
        assert_eq!(told.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.matches("No space left on device").count(), 1, "{told}");
    }
}

/// Catches: a recording that cannot be read line by line, or lacks what has happened.
#[test]
fn a_recording_has_a_header_and_a_line_for_each_record() {
    let file = std::env::temp_dir().join(format!("netloop-record-{}", std::process::id()));
    let refused = ["client", "--port", "1", "--record", file.to_str().unwrap()];
    let output = netloop(&refused).output().unwrap();
    assert!(!output.status.success()); // nobody listens
    let recording = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lines: Vec<&str> = recording.lines().collect();
    assert!(lines[0].contains(r#""netloop":1"#));
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with('{') && line.ends_with('}'))
    );
    assert!(lines.iter().any(|line| line.contains(r#""w":"connect""#)));
    assert!(lines.iter().any(|line| line.contains(r#""k":"callback""#)));

    let output = netloop(&["client", "--record", "/nowhere/at/all"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("--record /nowhere/at/all"), "{told}");
}

/// The log of a server with this limit that has refused twenty clients, and how many lines it says were
/// left out.
fn limited(rate: &str) -> (String, usize) {
    let options = ["server", "--port", "0", "--deny", "127.0.0.0/8"];
    let mut command = netloop(&[&options[..], &["--log-rate", rate]].concat());
    command.env("RUST_LOG", "netloop::programs=info,netloop::log=warn");
    let mut server = Program::start(command);
    let port = server.port();
    for _ in 0..20 {
        assert!(at_end(&mut connect(port)));
    }
    server.signal("TERM");
    let (status, _, log) = server.end();
    assert_eq!(status.code(), Some(0));
    let told = |line: &str| line.split_once("lines left out: ")?.1.parse::<usize>().ok();
    let left_out = log.lines().filter_map(told).sum();
    (log, left_out)
}

#[test]
fn beyond_the_rate_lines_of_the_log_are_left_out_and_counted() {
    let (log, left_out) = limited("1000");
    let all = log.lines().count();
    assert!(all > 20 && left_out == 0, "{log}");
    let (log, left_out) = limited("0");
    assert_eq!(left_out, all);
    assert!(log.lines().all(|line| line.contains("lines left out: ")));
    let (log, left_out) = limited("7");
    let is_counted = |line: &&str| !line.contains("lines left out: ");
    let logged = log.lines().filter(is_counted).count();
    assert!(logged >= 7, "{log}");
    assert_eq!(logged + left_out, all, "{log}");
}

#[test]
fn an_error_is_logged_whatever_the_rate() {
    let (_held, port) = support::closed_port();
    let port = port.to_string();
    let options = ["server", "--log-rate", "0", "--port", &port];
    let (_, _, log) = Program::netloop(&options).end();
    assert!(log.contains("EADDRINUSE"), "{log}");
}
