//! Under systemd: what the manager is told, the sockets it passes, and the units.

use std::io::{ErrorKind, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Command, Output};

use crate::listening::address;
use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, own_path, read};
use crate::support;

const QUIET: [&str; 5] = ["server", "--quiet", "--welcome=", "--port", "0"];

/// A manager's socket at a name, abstract or not.
fn manager(name: &str) -> UnixDatagram {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).unwrap(),
        None => SocketAddr::from_pathname(name).unwrap(),
    };
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

#[track_caller]
fn told(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    // A process that was stopped meanwhile, as with the whole machine, finds the call interrupted.
    let length = loop {
        match manager.recv(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => break received.expect("a message"),
        }
    };
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

fn managed(name: &str, arguments: &[&str]) -> Command {
    let mut command = netloop(arguments);
    command.env("NOTIFY_SOCKET", name);
    command
}

#[test]
fn the_manager_is_told_that_the_server_listens_and_that_it_stops() {
    let path = own_path("notify");
    let names = [
        path.to_str().unwrap().to_owned(),
        format!("@netloop-test-{}", std::process::id()),
    ];
    for name in names {
        let manager = manager(&name);
        let mut server = Program::start(managed(&name, &QUIET));
        assert_eq!(told(&manager), "READY=1\nSTATUS=Connections open: 0\n");
        let peer = connect(server.port());
        server.signal("TERM");
        let stopping = told(&manager);
        assert!(
            stopping.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000\nSTATUS=Stopping. "),
            "{stopping}"
        );
        drop(peer);
        assert_eq!(server.end().0.code(), Some(0));
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn the_watchdog_is_fed_and_the_number_of_connections_with_it() {
    let name = format!("@netloop-watchdog-{}", std::process::id());
    let manager = manager(&name);
    let mut command = managed(&name, &QUIET);
    command.env("WATCHDOG_USEC", "20000");
    let server = Program::start(command);
    assert!(told(&manager).starts_with("READY=1\n"));
    let peer = connect(server.port());
    while told(&manager) != "WATCHDOG=1\nSTATUS=Connections open: 1\n" {}
    drop(peer);
    while told(&manager) != "WATCHDOG=1\nSTATUS=Connections open: 0\n" {}
    assert_eq!(told(&manager), "WATCHDOG=1\n");
    // A loop that is held up gives no sign of life.
    server.signal("STOP");
    support_stopped(&server);
    manager.set_nonblocking(true).unwrap();
    while manager.recv(&mut [0; 64]).is_ok() {}
    assert!(manager.recv(&mut [0; 64]).is_err());
}

fn support_stopped(server: &Program) {
    crate::listening::until("it is stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    });
}

#[test]
fn a_watchdog_of_another_process_is_not_fed() {
    let name = format!("@netloop-other-{}", std::process::id());
    let manager = manager(&name);
    let mut command = managed(&name, &QUIET);
    command
        .env("WATCHDOG_USEC", "1000")
        .env("WATCHDOG_PID", "1");
    let mut server = Program::start(command);
    assert!(told(&manager).starts_with("READY=1\n"));
    drop(connect(server.port()));
    server.signal("TERM");
    assert!(told(&manager).starts_with("STOPPING=1\n"));
    server.end();
}

#[test]
fn a_manager_that_does_not_read_holds_nothing_up_and_is_told_once_it_reads() {
    let name = format!("@netloop-deaf-{}", std::process::id());
    let manager = manager(&name);
    // Its queue is full before the server starts.
    let filler = UnixDatagram::unbound().unwrap();
    let address = SocketAddr::from_abstract_name(&name[1..]).unwrap();
    filler.connect_addr(&address).unwrap();
    filler.set_nonblocking(true).unwrap();
    let mut filled = 0;
    while filler.send(b"filler").is_ok() {
        filled += 1;
    }
    let mut command = managed(&name, &["server", "--idle-timeout", "500ms", "--port", "0"]);
    command.env("WATCHDOG_USEC", "2000");
    let mut server = Program::start(command);
    let mut peer = connect(server.port());
    assert_eq!(read(&mut peer, 7), b"Welcome");
    // Some hundred signs of life are due until this peer is closed as idle.
    assert!(at_end(&mut peer));
    for _ in 0..filled {
        assert_eq!(told(&manager), "filler");
    }
    // What has been put off is one message, and no sign of life is kept for later.
    assert_eq!(told(&manager), "READY=1\nSTATUS=Connections open: 0\n");
    server.signal("TERM");
    server.end();
}

#[test]
fn a_manager_that_is_not_there_is_told_in_the_log() {
    let mut server = Program::start(managed("/nowhere/notify", &QUIET));
    drop(connect(server.port()));
    server.signal("TERM");
    let (status, _, log) = server.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(log.matches("NOTIFY_SOCKET").count(), 1, "{log}");
}

fn is_there(tool: &str, what: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok();
    if !is_there {
        support::skipped(what, &format!("no {tool}"));
    }
    is_there
}

#[test]
fn sockets_that_systemd_passes_are_served_under_their_names() {
    if !is_there("systemd-socket-activate", "socket activation") {
        return;
    }
    let path = own_path("activated");
    let (held, port) = support::closed_port();
    drop(held);
    let mut command = Command::new("systemd-socket-activate");
    command.arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.arg("--listen").arg(&path);
    command.arg("--fdname=web:local");
    command.args([env!("CARGO_BIN_EXE_netloop"), "server"]);
    let mut server = Program::start(command);
    // It listens for the server, which the first connection starts. The file is there a moment before that.
    let mut local = None;
    crate::listening::until("it listens", || {
        local = UnixStream::connect(&path).ok();
        local.is_some()
    });
    let mut local = local.unwrap();
    local.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(read(&mut local, 7), b"Welcome");
    let mut lines = [server.line(), server.line()];
    lines.sort();
    assert_eq!(
        lines[0],
        format!("listening on tcp:127.0.0.1:{port} (web)..")
    );
    assert_eq!(
        lines[1],
        format!("listening on unix:{} (local)..", path.display())
    );
    assert_eq!(read(&mut connect(port), 7), b"Welcome");
    server.signal("TERM");
    assert!(at_end(&mut local));
    drop(local);
    assert_eq!(server.end().0.code(), Some(0));
    // The file is systemd's, and so is the lock: there is none.
    assert!(path.exists());
    assert!(!Path::new(&format!("{}.lock", path.display())).exists());
    std::fs::remove_file(path).unwrap();
}

/// Starts the server with descriptor 3 as the shell makes it, as systemd would.
fn with_descriptor(redirect: &str, arguments: &str) -> Program {
    let mut command = Command::new("sh");
    let script = format!(
        r#"export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=; exec "$0" server {arguments} {redirect}"#
    );
    command.args(["-c", &script, env!("CARGO_BIN_EXE_netloop")]);
    command.env_remove("RUST_LOG");
    Program::start(command)
}

#[test]
fn a_descriptor_that_is_no_socket_is_refused() {
    let (status, lines, log) = with_descriptor("3</dev/null", "").end();
    assert_eq!((status.code(), lines), (Some(1), vec![]));
    let told = "netloop server: LISTEN_FDS: unknown is not a stream socket\n";
    assert_eq!(log, told);
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let mut command = netloop(&["server", "--listen", "tcp:127.0.0.1:0"]);
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let server = Program::start(command);
    assert_eq!(read(&mut connect(address(&server).port()), 7), b"Welcome");
}

fn printed(arguments: &[&str]) -> String {
    let Output { status, stdout, .. } = netloop(arguments).output().unwrap();
    assert!(status.success());
    String::from_utf8(stdout).unwrap()
}

#[test]
fn the_units_are_valid_and_the_service_can_do_next_to_nothing() {
    let (service, socket) = (printed(&["unit", "service"]), printed(&["unit", "socket"]));
    let both = printed(&["unit"]);
    assert!(both.contains(&service) && both.contains(&socket));
    if !is_there("systemd-analyze", "the units of systemd") {
        return;
    }
    let folder = own_path("units");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        path
    };
    let paths = [
        file("netloop.service", &service),
        file("netloop.socket", &socket),
    ];
    let mut verify = Command::new("systemd-analyze");
    // Whether the manual page is installed is not asked here.
    verify.args(["verify", "--man=no"]).args(&paths);
    let output = verify.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && !told.contains("netloop"),
        "{told}"
    );
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=true", "--threshold=15"]);
    let output = security.arg(&paths[0]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    std::fs::remove_dir_all(folder).unwrap();
}
