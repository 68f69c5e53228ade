//! Where the server listens: at several places, with the options of each.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, own_path, read};
use crate::support;

/// The address in `listening on tcp:ADDRESS..`.
#[track_caller]
pub(crate) fn address(server: &Program) -> SocketAddr {
    let line = server.line();
    let address = line.strip_prefix("listening on tcp:");
    let address = address.and_then(|rest| rest.split("..").next()?.split(' ').next());
    let address = address.and_then(|address| address.parse().ok());
    address.unwrap_or_else(|| panic!("{line:?}"))
}

#[test]
fn a_server_listens_at_every_place_that_is_named_and_a_stop_ends_all() {
    let path = own_path("places");
    let unix = format!("unix:{}", path.display());
    let options = [
        "server",
        "--listen",
        "tcp:127.0.0.1:0",
        "--listen",
        &unix,
        "--listen",
        "tcp:[::1]:0",
        "--port",
        "0",
    ];
    let mut server = Program::netloop(&options);
    // A path is bound at once, an address a tick later.
    let mut lines: Vec<String> = (0..4).map(|_| server.line()).collect();
    lines.sort();
    assert_eq!(lines[3], format!("listening on {unix}.."));
    assert!(lines[2].starts_with("listening on tcp:[::1]:"), "{lines:?}");
    assert!(lines[1].starts_with("listening on tcp:127.0.0.1:"));
    let port = |line: &str| {
        let digits = line.trim_end_matches("..").rsplit([' ', ':']).next();
        digits.unwrap().parse().unwrap()
    };
    let mut peers = [connect(port(&lines[0])), connect(port(&lines[1]))];
    for peer in &mut peers {
        assert_eq!(read(peer, 7), b"Welcome");
    }
    let mut sixth = TcpStream::connect(("::1", port(&lines[2]))).unwrap();
    assert_eq!(read(&mut sixth, 7), b"Welcome");
    let mut local = UnixStream::connect(&path).unwrap();
    assert_eq!(read(&mut local, 7), b"Welcome");
    server.signal("TERM");
    assert!(at_end(&mut local) && at_end(&mut sixth));
    assert!(peers.iter_mut().all(at_end));
    drop((local, sixth, peers));
    assert_eq!(server.end().0.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_server_that_cannot_listen_at_one_of_its_places_listens_at_none() {
    let (_held, port) = support::closed_port();
    let path = own_path("none-of-two");
    let unix = format!("unix:{}", path.display());
    let tcp = format!("tcp:127.0.0.1:{port}");
    let (status, _, log) = Program::netloop(&["server", "--listen", &unix, "--listen", &tcp]).end();
    assert_eq!(status.code(), Some(1));
    let told = format!("listen EADDRINUSE: address already in use 127.0.0.1:{port}\n");
    assert!(log.contains(&told), "{log}");
    assert!(!path.exists());
}

#[test]
fn the_limit_of_connections_holds_for_all_places_together() {
    let options = ["server", "--max-connections", "2", "--listen"];
    let places = ["tcp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0"];
    let server = Program::netloop(&[&options[..], &places[..]].concat());
    let (first, second) = (address(&server), address(&server));
    let mut served = [connect(first.port()), connect(second.port())];
    for peer in &mut served {
        assert_eq!(read(peer, 7), b"Welcome");
    }
    assert!(at_end(&mut connect(first.port())));
    assert!(at_end(&mut connect(second.port())));
    drop(served);
}

#[test]
fn a_socket_file_has_the_mode_that_was_asked_for_and_its_lock_is_ours_alone() {
    for mode in [0o600, 0o660, 0o777, 0o222] {
        let path = own_path(&format!("mode-{mode:o}"));
        let path_text = path.to_str().unwrap();
        let octal = format!("{mode:04o}");
        let mut server = Program::netloop(&["server", "--path", path_text, "--mode", &octal]);
        server.expect(&format!("listening on {path_text}.."));
        let mode_of = |path: &str| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode_of(path_text), mode, "{octal}");
        assert_eq!(mode_of(&format!("{path_text}.lock")), 0o600);
        server.signal("KILL");
        server.end();
        // One that takes over does the same.
        let mut server = Program::netloop(&["server", "--path", path_text, "--mode", &octal]);
        server.expect(&format!("listening on {path_text}.."));
        assert_eq!(mode_of(path_text), mode, "{octal}");
        assert_eq!(mode_of(&format!("{path_text}.lock")), 0o600, "{octal}");
        server.signal("TERM");
        assert_eq!(server.end().0.code(), Some(0));
    }
}

#[test]
fn a_port_is_shared_by_processes_that_all_say_so() {
    let first = Program::netloop(&["server", "--reuse-port", "--port", "0"]);
    let port = first.port().to_string();
    let second = Program::netloop(&["server", "--reuse-port", "--port", &port]);
    assert_eq!(second.port().to_string(), port);
    let (status, _, log) = Program::netloop(&["server", "--port", &port]).end();
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("] listen EADDRINUSE"), "{log}");
}

/// What ss(8) says of a listener or of the connections to it.
fn ss(filter: &[&str]) -> Option<String> {
    let output = std::process::Command::new("ss").args(filter).output();
    let Ok(output) = output else {
        support::skipped("options of sockets", "no ss");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_backlog_and_the_time_of_keep_alive_reach_the_kernel() {
    let options = [
        "server",
        "--backlog",
        "77",
        "--keep-alive",
        "1h",
        "--port",
        "0",
    ];
    let server = Program::netloop(&options);
    let port = server.port();
    let mut peer = connect(port);
    assert_eq!(read(&mut peer, 7), b"Welcome");
    let sport = format!("sport = :{port}");
    let Some(listeners) = ss(&["-Hltn", &sport]) else {
        return;
    };
    let backlog = listeners.split_whitespace().nth(2);
    assert_eq!(backlog, Some("77"), "{listeners}");
    let open = ss(&["-Hton", "state", "established", &sport]).unwrap();
    assert!(open.contains("timer:(keepalive,"), "{open}");
    assert!(open.contains("min") || open.contains("hour"), "{open}");
}

#[test]
fn pid_1_stops_on_a_signal_and_needs_no_proc() {
    let mut command = std::process::Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount", "sh", "-c"]);
    // The kernel's own files of processes are hidden from it.
    command.arg(r#"mount -t tmpfs none /proc && exec "$0" server --port 0"#);
    command
        .arg(env!("CARGO_BIN_EXE_netloop"))
        .env_remove("RUST_LOG");
    let probe = [
        "--pid", "--fork", "--mount", "mount", "-t", "tmpfs", "none", "/proc",
    ];
    let can = std::process::Command::new("unshare").args(probe).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return support::skipped("a server as PID 1", "no namespaces");
    }
    let mut server = Program::start(command);
    let port = server.port();
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
    crate::server::signal_child(&server, "TERM");
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn what_is_no_place_or_mode_is_refused() {
    for (option, wrong, right) in [
        (
            "--listen",
            "tcp:8000",
            "tcp:HOST:PORT, tcp:[ADDRESS]:PORT or unix:PATH (of 1 to 107 bytes)",
        ),
        ("--mode", "0888", "a mode (0 to 0777, in octal)"),
        ("--mode", "1777", "a mode (0 to 0777, in octal)"),
    ] {
        let output = netloop(&["server", option, wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = format!("netloop server: {option}: {wrong:?} is not {right}\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "{what}");
        std::thread::yield_now();
    }
}
