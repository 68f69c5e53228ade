//! The programs as people start them: what they print, what they answer, how they end.

#[path = "support/program.rs"]
mod program;
mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use program::{Program, netloop};

const LIMIT: Duration = Duration::from_secs(20);

fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// Who connects, within the limit: a client that never does must fail its test, not hang it.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(false).unwrap();
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                return socket;
            }
            Err(_) => std::thread::yield_now(),
        }
        assert!(start.elapsed() < LIMIT, "nobody connects");
    }
}

fn read(socket: &mut impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes).expect("as many bytes");
    bytes
}

fn at_end(socket: &mut impl Read) -> bool {
    socket.read(&mut [0]).expect("the end, not an error") == 0
}

/// Waits until nobody listens there any more: it has heard the signal.
fn until_refused(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(start.elapsed() < LIMIT, "it still accepts");
        std::thread::yield_now();
    }
}

/// The status and the one line that a wrong command line is answered with.
fn refused(arguments: &[&str]) -> String {
    let output = netloop(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[test]
fn wrong_use_is_answered_in_one_line_that_says_what_is_right() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["server", "--port", "80000"],
            r#"netloop server: --port: "80000" is not a port (0 to 65535)"#,
        ),
        (
            &["client", "--port=x"],
            r#"netloop client: --port: "x" is not a port (0 to 65535)"#,
        ),
        (
            &["client", "--interval", "1h"],
            r#"netloop client: --interval: "1h" is not a duration (200ms, 1s, 2m, or a number of milliseconds, at most 24 days)"#,
        ),
        (
            &["server", "--max-connections", "-1"],
            r#"netloop server: --max-connections: "-1" is not a number (0 or more)"#,
        ),
        (
            &["server", "--path", "/tmp/x", "--port", "1"],
            "netloop server: --path and --port: a server is at a path or at a port, not both",
        ),
        (
            &["server", "--path", ""],
            r#"netloop server: --path: "" is not a path of 1 to 107 bytes"#,
        ),
        (
            &["server", "8000"],
            r#"netloop server: "8000" is not an option (see netloop server --help)"#,
        ),
        (
            &["serve"],
            r#"netloop: "serve" is not a command (server, client or demo; see netloop --help)"#,
        ),
        (
            &[],
            "netloop: which command? (server, client or demo; see netloop --help)",
        ),
    ];
    for (arguments, answer) in cases {
        assert_eq!(refused(arguments), answer);
    }
    assert!(refused(&["server", "--prot", "1"]).contains("(see netloop server --help)"));
}

#[test]
fn help_names_every_option_and_the_version_is_told() {
    let text = |arguments: &[&str]| {
        let output = netloop(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty());
        String::from_utf8(output.stdout).unwrap()
    };
    let server = text(&["server", "--help"]);
    for option in [
        "--host",
        "--port",
        "--path",
        "--welcome",
        "--echo",
        "--max-connections",
        "--idle-timeout",
        "--drain-timeout",
        "--quiet",
        "--trace",
    ] {
        assert!(server.contains(option), "{option}");
    }
    let client = text(&["client", "--help"]);
    for option in [
        "--host",
        "--port",
        "--path",
        "--message",
        "--interval",
        "--count",
        "--trace",
    ] {
        assert!(client.contains(option), "{option}");
    }
    assert!(text(&["--help"]).contains("Exit status: 0"));
    let version = format!("netloop {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&["--version"]), version);
}

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
    let server = Program::netloop(&["server", "--port", "0"]);
    let port = server.port();
    let socket = socket2::Socket::from(connect(port));
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(socket);
    server.expect("127.0.0.1 connected.");
    server.expect("client disconnected");
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
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
    // Until the server reads no more for a while: it has stopped.
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < Duration::from_millis(300) && sent < 1 << 30 {
        if let Ok(count) = socket.write(&chunk) {
            sent += count as u64;
            quiet_since = Instant::now();
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
    let path = std::env::temp_dir().join(format!("netloop-cli-{}", std::process::id()));
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

#[test]
fn a_taken_port_is_an_error_in_nodes_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut server = Program::netloop(&["server", "--port", &port]);
    let (status, lines, _) = server.end();
    let told = format!("Err listen EADDRINUSE: address already in use 127.0.0.1:{port}");
    assert_eq!((status.code(), lines), (Some(1), vec![told]));
}

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
fn the_client_says_hi_as_often_as_told_and_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let options = [
        "client",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--interval",
        "5ms",
    ];
    let mut client = Program::netloop(&[&options[..], &["--count", "3"]].concat());
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
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let options = [
        "client",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--interval",
        "10ms",
    ];
    let mut client = Program::netloop(&options);
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
fn the_client_logs_its_life_whoever_ends_it() {
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

    drop(listener);
    let closed = "connecting --Closed--> stopped";
    assert_eq!(life(&mut start(port)), [closed]);
}

#[test]
fn the_client_shows_text_whole_and_harmless() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let options = [
        "client",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--interval",
        "20ms",
    ];
    let client = Program::netloop(&options);
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
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().to_string()
    };
    let mut client = Program::netloop(&["client", "--host", "127.0.0.1", "--port", &port]);
    let (status, lines, _) = client.end();
    let told = format!("connect ECONNREFUSED 127.0.0.1:{port}");
    assert_eq!((status.code(), lines), (Some(1), vec![told]));
}

/// The lines of the demo's trace, each without its number: how deep it stands, and its words.
fn demo() -> Vec<(usize, String)> {
    let (status, lines, errors) = Program::netloop(&["demo"]).end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert!(lines.last().unwrap().ends_with("it has ended by itself."));
    let trace = lines
        .iter()
        .skip_while(|line| *line != "before the first turn");
    let told = trace.filter(|line| line.starts_with("  ")).map(|line| {
        let text = &line[6..];
        let words: Vec<&str> = text.split_whitespace().collect();
        (text.len() - text.trim_start().len(), words.join(" "))
    });
    told.collect()
}

#[test]
fn the_demo_runs_by_itself_and_says_whose_each_line_is() {
    let said: Vec<String> = demo()
        .into_iter()
        .map(|(_, words)| words)
        .filter(|words| words.contains(" prints "))
        .collect();
    assert!(said[0].starts_with("server prints listening on "));
    let told = [
        "server prints 127.0.0.1 connected.",
        "client prints Client connected",
        "client prints Welcome",
        "server prints <Buffer 68 69>",
        "server prints <Buffer 68 69>",
        "server prints <Buffer 68 69>",
        "server prints client disconnected",
        "client prints Client disconnected",
    ];
    assert_eq!(said[1..], told);
}

#[test]
fn the_demo_stands_each_line_under_its_cause() {
    let lines = demo();
    let chain = [
        "client is ready: writable",
        "client opening ─Connected→ open",
        "client callback: connect",
        "client prints Client connected",
    ];
    let first = lines.iter().position(|(_, words)| words == chain[0]);
    let found = &lines[first.expect("a readiness that tells of the connection")..];
    for (depth, expected) in chain.into_iter().enumerate() {
        assert_eq!(found[depth], (2 * depth, expected.to_owned()));
    }
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
