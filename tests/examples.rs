//! The examples do what they say, each as the program that a reader would start, with peers that are
//! no part of this library.

mod support;

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use program::Program;
use support::{LIMIT, closed_port, skipped};

/// An example, compiled as this test was.
fn example(name: &str, arguments: &[&str]) -> Command {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo.args(["build", "--quiet", "--offline", "--examples"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success());
        let this = std::env::current_exe().expect("a path");
        let profile = this.parent().and_then(|deps| deps.parent());
        profile.expect("target/PROFILE/deps").join("examples")
    });
    let mut command = Command::new(folder.join(name));
    command.args(arguments);
    command
}

/// One that listens at a port of the system's choice, and says which.
fn server(name: &str, arguments: &[&str]) -> (Program, u16) {
    let program = Program::start(example(name, arguments));
    let port = program.port();
    (program, port)
}

/// A peer that reads by lines.
struct Peer(BufReader<TcpStream>);

impl Peer {
    fn of(stream: TcpStream) -> Peer {
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        Peer(BufReader::new(stream))
    }

    fn connect(port: u16) -> Peer {
        Peer::of(TcpStream::connect(("127.0.0.1", port)).expect("a server"))
    }

    fn say(&self, text: &str) {
        self.0.get_ref().write_all(text.as_bytes()).expect("sent");
    }

    /// The next line without its end, or nothing at the end of the stream.
    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end_matches('\n').to_owned()
    }

    /// Whether something has come that was not read yet.
    fn has_news(&self) -> bool {
        let stream = self.0.get_ref();
        stream.set_nonblocking(true).expect("a socket");
        let news = !self.0.buffer().is_empty() || stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).expect("a socket");
        news
    }

    #[track_caller]
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an end");
        rest
    }
}

/// A server that echoes so many connections, each on a thread.
fn echo_server(connections: usize) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.expect("a connection");
            let mut reader = stream.try_clone().expect("a copy");
            thread::spawn(move || {
                _ = io::copy(&mut reader, &mut stream);
                _ = stream.shutdown(Shutdown::Write);
            });
        }
    });
    port
}

#[test]
fn chat_passes_lines_to_all_others_and_tells_of_a_member_that_left() {
    let (_chat, port) = server("chat", &["0"]);
    let (mut alice, mut bob) = (Peer::connect(port), Peer::connect(port));
    assert_eq!(alice.line(), "What is your name?");
    assert_eq!(bob.line(), "What is your name?");
    alice.say("alice\n");
    bob.say("bob\n");
    // Whoever came first hears of the other, and by then both are in the room.
    while !alice.has_news() && !bob.has_news() {
        thread::yield_now();
    }
    alice.say("is anybody here?\n");
    while bob.line() != "alice: is anybody here?" {}
    bob.say("it is \x1b[31mme\r\n");
    while alice.line() != "bob: it is [31mme" {}
    drop(bob);
    assert_eq!(alice.line(), "* bob has left");
}

#[test]
fn chat_cuts_a_member_that_does_not_read_and_serves_the_others() {
    let (_chat, port) = server("chat", &["0"]);
    let (mut talker, slow) = (Peer::connect(port), Peer::connect(port));
    talker.line();
    slow.say("slow\n");
    talker.say("talker\n");
    let mut speaker = talker.0.get_ref().try_clone().expect("a copy");
    let talking = thread::spawn(move || {
        let line = [b'x'; 1000];
        // What the kernel keeps for a peer is tens of MB at the most.
        for _ in 0..200_000 {
            if speaker
                .write_all(&line)
                .and(speaker.write_all(b"\n"))
                .is_err()
            {
                return;
            }
        }
    });
    while talker.line() != "* slow has left" {}
    talker.0.get_ref().shutdown(Shutdown::Both).expect("open");
    talking.join().expect("no panic");
}

#[test]
fn chat_cuts_a_member_whose_line_does_not_end() {
    let (_chat, port) = server("chat", &["0"]);
    let mut peer = Peer::connect(port);
    assert_eq!(peer.line(), "What is your name?");
    peer.say(&"x".repeat(2000));
    assert_eq!(peer.line(), "", "the stream has ended");
}

#[test]
fn proxy_passes_bytes_and_ends_both_ways() {
    let target = format!("127.0.0.1:{}", echo_server(1));
    let (_proxy, port) = server("proxy", &["0", &target]);
    let mut peer = Peer::connect(port);
    let sent: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut writer = peer.0.get_ref().try_clone().expect("a copy");
    let bytes = sent.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&bytes).expect("sent");
        writer.shutdown(Shutdown::Write).expect("open");
    });
    assert!(peer.rest() == sent, "what came back is what was sent");
    writing.join().expect("no panic");
}

#[test]
fn proxy_ends_the_client_whose_target_is_not_there() {
    let (_held, closed) = closed_port();
    let target = format!("127.0.0.1:{closed}");
    let (_proxy, port) = server("proxy", &["0", &target]);
    let mut peer = Peer::connect(port);
    assert_eq!(peer.rest(), b"");
}

#[test]
fn rpc_answers_what_is_fast_before_what_is_slow() {
    let (_rpc, port) = server("rpc", &["serve", "0"]);
    let mut peer = Peer::connect(port);
    peer.say("1 sleep 300\n2 add 1 2 39\n3 sing\n4 add x\n");
    assert_eq!(peer.line(), "2 42");
    assert!(peer.line().starts_with("3 error: "));
    assert!(peer.line().starts_with("4 error: "));
    assert_eq!(peer.line(), "1 slept");
}

#[test]
fn rpc_answers_what_it_was_asked_before_it_was_stopped() {
    let (mut rpc, port) = server("rpc", &["serve", "0"]);
    let mut peer = Peer::connect(port);
    peer.say("1 sleep 300\n2 add 1 1\n");
    assert_eq!(peer.line(), "2 2", "both requests have come");
    rpc.signal("TERM");
    rpc.expect("stopping..");
    peer.say("3 add 1 1\n");
    assert_eq!(peer.line(), "1 slept");
    assert_eq!(peer.rest(), b"", "and then the end, with no third answer");
    drop(peer);
    let (status, _, errors) = rpc.end();
    assert!(status.success(), "{errors}");
}

#[test]
fn rpc_calls_wait_so_long_and_no_longer() {
    let (_rpc, port) = server("rpc", &["serve", "0"]);
    let port = port.to_string();
    let mut call = Program::start(example("rpc", &["call", &port, "sleep 60000", "add 1 2"]));
    let (status, mut lines, errors) = call.end();
    assert!(status.success(), "{errors}");
    lines.sort();
    assert_eq!(lines, ["add 1 2: 3", "sleep 60000: no answer within 1s"]);
}

#[test]
fn pool_waits_for_its_server_and_outlives_lost_connections() {
    let (held, port) = closed_port();
    let mut pool = Program::start(example("pool", &[&port.to_string(), "40"]));
    assert!(pool.line().contains("ECONNREFUSED"), "nobody is there yet");
    held.listen(16).expect("a bound socket");
    // Each connection answers three requests, takes a fourth, and goes.
    let listener = TcpListener::from(held);
    thread::spawn(move || {
        for stream in listener.incoming().take(100) {
            let mut peer = Peer::of(stream.expect("a connection"));
            thread::spawn(move || {
                for _ in 0..3 {
                    let line = peer.line();
                    if line.is_empty() {
                        return;
                    }
                    peer.say(&format!("{line}\n"));
                }
                peer.line();
            });
        }
    });
    let (status, lines, errors) = pool.end();
    assert!(status.success(), "{errors}");
    assert_eq!(lines.last().expect("lines"), "40 requests were answered");
}

#[test]
fn load_tells_the_rate_and_the_latencies() {
    let port = echo_server(5).to_string();
    let mut load = Program::start(example("load", &[&port, "5", "0.3"]));
    let (status, lines, errors) = load.end();
    assert!(status.success(), "{errors}");
    let [counts, p50, p99, p999] = &lines[..] else {
        panic!("{lines:?}");
    };
    let (count, rest) = counts.split_once(" messages, ").expect("a count");
    assert!(count.parse::<usize>().expect("a number") > 0);
    assert!(rest.ends_with(" a second, 0 errors"), "{rest}");
    for (line, name) in [(p50, "p50: "), (p99, "p99: "), (p999, "p99.9: ")] {
        assert!(line.trim_start().starts_with(name), "{line}");
    }
}

#[test]
fn threads_answers_each_number() {
    let (_threads, port) = server("threads", &["0"]);
    let mut peer = Peer::connect(port);
    peer.say("1000000000000037\n15\nfifteen\n18446744073709551615\n");
    let mut answers: Vec<String> = (0..4).map(|_| peer.line()).collect();
    answers.sort();
    assert_eq!(
        answers,
        [
            "1000000000000037: 1000000000000037",
            "15: 5",
            "18446744073709551615: 6700417",
            "a line is a number below 2^64",
        ]
    );
}

#[test]
fn embed_tokio_serves_both_loops() {
    let (tokio, port) = server("embed_tokio", &["0"]);
    let mut peer = Peer::connect(port);
    peer.say("hello\n");
    assert_eq!(peer.line(), "hello");
    tokio.expect("6 bytes were echoed");
}

/// A server that greets in red, and returns all that the first client has sent until its end.
fn greeter() -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut peer = Peer::of(stream);
        peer.say("\x1b[31mWelcome\n");
        peer.rest()
    });
    (port, served)
}

#[test]
fn interactive_sends_a_pipe_that_stays_as_it_was() {
    let (port, served) = greeter();
    let (input, mut typed) = io::pipe().expect("a pipe");
    let ours = input.try_clone().expect("a copy");
    let command = example("interactive", &["127.0.0.1", &port.to_string()]);
    let mut client = Program::start_with(input.into(), Stdio::piped(), command);
    client.expect("\\u{1b}[31mWelcome");
    typed.write_all(b"hi\n").expect("a reader");
    let flags = fs::read_to_string(format!("/proc/self/fdinfo/{}", ours.as_raw_fd()));
    let flags = flags.expect("an open descriptor");
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = i32::from_str_radix(flags.expect("flags").trim(), 8).expect("in octal");
    assert_eq!(flags & libc::O_NONBLOCK, 0, "others share the descriptor");
    drop(typed);
    assert_eq!(served.join().expect("served"), b"hi\n");
    let (status, _, errors) = client.end();
    assert!(status.success(), "{errors}");
}

#[test]
fn interactive_sends_a_large_file() {
    let (port, served) = greeter();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    let path = std::env::temp_dir().join(format!("netloop-interactive-{port}"));
    fs::write(&path, &bytes).expect("a file");
    let file = fs::File::open(&path).expect("a file");
    fs::remove_file(&path).expect("a file");
    let command = example("interactive", &["127.0.0.1", &port.to_string()]);
    let mut client = Program::start_with(file.into(), Stdio::piped(), command);
    assert!(
        served.join().expect("served") == bytes,
        "all of it, in order"
    );
    let (status, _, errors) = client.end();
    assert!(status.success(), "{errors}");
}

#[test]
fn interactive_talks_at_a_terminal() {
    if Command::new("script").arg("--version").output().is_err() {
        return skipped("interactive at a terminal", "script(1) is not there");
    }
    let (port, served) = greeter();
    let client = example("interactive", &["127.0.0.1", &port.to_string()]);
    let line = format!(
        "stty -echo; exec {} 127.0.0.1 {port}",
        client.get_program().display()
    );
    let (input, mut typed) = io::pipe().expect("a pipe");
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut terminal = Program::start_with(input.into(), Stdio::piped(), terminal);
    while !terminal.line().contains("\\u{1b}[31mWelcome") {}
    typed.write_all(b"hi\n\x04").expect("a reader"); // Ctrl-D: the end of what is typed
    assert_eq!(served.join().expect("served"), b"hi\n");
    let (status, rest, errors) = terminal.end();
    assert!(status.success(), "{rest:?} {errors}");
}

#[test]
fn reactor_echoes_what_is_larger_than_its_buffers() {
    let (_reactor, port) = server("reactor", &["0", "60000"]);
    let mut peer = Peer::connect(port);
    let sent: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut writer = peer.0.get_ref().try_clone().expect("a copy");
    let bytes = sent.clone();
    let writing = thread::spawn(move || writer.write_all(&bytes).expect("sent"));
    let mut came = vec![0; sent.len()];
    peer.0.read_exact(&mut came).expect("as many bytes");
    assert!(came == sent, "what came back is what was sent");
    writing.join().expect("no panic");
}

/// More is sent than the kernel takes before the first read, so something arrives after the connection was
/// registered. The last arrival leads to one step: it is not read then, or it is read and not sent.
#[test]
fn reactor_that_takes_one_step_for_each_report_leaves_something_behind() {
    let (_reactor, port) = server("reactor", &["0", "300", "--once"]);
    let mut peer = Peer::connect(port);
    let mut writer = peer.0.get_ref().try_clone().expect("a copy");
    let all = 4_000_000;
    let writing = thread::spawn(move || _ = writer.write_all(&vec![b'x'; all]));
    let mut came = Vec::new();
    // It is closed as idle, with a reset, as there are bytes that it has not read.
    _ = peer.0.read_to_end(&mut came);
    assert!(came.len() < all, "{} bytes came back", came.len());
    writing.join().expect("no panic");
}

#[test]
fn reactor_closes_what_is_idle() {
    let (reactor, port) = server("reactor", &["0", "100"]);
    // What is said has come before it looks again, however late that is.
    reactor.signal("STOP");
    let mut peer = Peer::connect(port);
    peer.say("hello\n");
    reactor.signal("CONT");
    assert_eq!(peer.line(), "hello");
    assert_eq!(peer.rest(), b"");
}

#[test]
fn wrong_usage_says_what_would_be_right() {
    for (name, arguments) in [
        ("chat", &["eight thousand"][..]),
        ("proxy", &["8001"]),
        ("rpc", &["sing"]),
        ("pool", &["8000", "many"]),
        ("load", &["8000"]),
        ("threads", &["x"]),
        ("reactor", &["8000"]),
        ("embed_tokio", &["x"]),
        ("interactive", &["127.0.0.1"]),
    ] {
        let (status, lines, errors) = Program::start(example(name, arguments)).end();
        assert_eq!(status.code(), Some(1), "{name}");
        assert!(lines.is_empty(), "{name}: {lines:?}");
        assert!(
            errors.contains(&format!("usage: {name} ")),
            "{name}: {errors}"
        );
    }
}
