//! What needs a tool to be provoked: a shortage of descriptors, a system call that fails, a
//! slow name server; and what the loop costs in system calls.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::Program;
use crate::support::skipped;

const ECHO: [&str; 6] = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];

fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the kernel accepts");
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    socket
}

fn echoes(mut socket: &TcpStream) -> bool {
    let mut back = [0; 4];
    socket.write_all(b"ping").is_ok() && socket.read_exact(&mut back).is_ok() && &back == b"ping"
}

/// A file of its own for what strace writes.
fn trace_file(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("netloop-{test}-{}", std::process::id()))
}

/// The echo server under strace.
fn traced(test: &str, options: &[&str]) -> (Program, PathBuf) {
    let file = trace_file(test);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&file).args(options);
    command
        .arg("--")
        .arg(env!("CARGO_BIN_EXE_netloop"))
        .args(ECHO);
    (Program::start(command), file)
}

/// Ends a traced server (the child of strace), and returns what strace wrote.
fn trace_of(mut program: Program, file: &Path) -> String {
    let children = format!("/proc/{0}/task/{0}/children", program.id());
    let child = std::fs::read_to_string(children).expect("strace has a child");
    let ended = Command::new("kill").args(["-TERM", child.trim()]).status();
    assert!(ended.expect("kill runs").success());
    program.end();
    let trace = std::fs::read_to_string(file).expect("what strace wrote");
    std::fs::remove_file(file).expect("the file goes");
    trace
}

/// A1. Catches: a server without descriptors forgets who waits, or spins.
#[test]
fn a_server_out_of_descriptors_sheds_and_serves_again() {
    if !has("prlimit") {
        return skipped("A1, out of descriptors", "no prlimit");
    }
    let mut command = Command::new("prlimit");
    command
        .args(["--nofile=16", env!("CARGO_BIN_EXE_netloop")])
        .args(ECHO);
    let server = Program::start(command);
    let port = server.port();
    let sockets: Vec<TcpStream> = (0..40).map(|_| connect(port)).collect();
    let (served, shed): (Vec<_>, Vec<_>) = sockets.into_iter().partition(echoes);
    assert!(
        !served.is_empty() && !shed.is_empty(),
        "{} served",
        served.len()
    );
    let before = cpu_ticks(server.id());
    std::thread::sleep(Duration::from_millis(300));
    assert!(cpu_ticks(server.id()) - before <= 3, "it spins");
    drop((served, shed));
    let served_again = (0..200).any(|_| {
        let is_served = echoes(&connect(port));
        std::thread::sleep(Duration::from_millis(5));
        is_served
    });
    assert!(served_again, "it does not serve again");
}

/// The processor time of a process, in hundredths of a second.
fn cpu_ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("a living process");
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// A1. Catches: a rest has no timer, so that who waits is deaf for ever.
#[test]
fn who_waits_through_a_shortage_is_served_without_knocking_again() {
    if !has("strace") {
        return skipped("A1, ENFILE from accept4", "no strace");
    }
    let options = [
        "-e",
        "trace=accept4",
        "-e",
        "inject=accept4:error=ENFILE:when=1..2",
    ];
    let (server, file) = traced("enfile", &options);
    assert!(echoes(&connect(server.port())));
    assert!(trace_of(server, &file).contains("(INJECTED)"));
}

/// A2. Catches: an error of one connection ends the accepting of the others.
#[test]
fn an_error_of_one_waiting_connection_passes_on_to_the_next() {
    if !has("strace") {
        return skipped("A2, ECONNABORTED from accept4", "no strace");
    }
    for error in ["ECONNABORTED", "EPROTO", "ENETDOWN", "EPERM"] {
        let inject = format!("inject=accept4:error={error}:when=1");
        let (server, file) = traced(error, &["-e", "trace=accept4", "-e", &inject]);
        assert!(echoes(&connect(server.port())), "{error}");
        assert!(trace_of(server, &file).contains("(INJECTED)"), "{error}");
    }
}

/// A7. Catches: the backlog is that of the standard library, 128.
#[test]
fn the_backlog_is_nodes() {
    if !has("strace") {
        return skipped("A7, the backlog", "no strace");
    }
    let (server, file) = traced("backlog", &["-e", "trace=listen"]);
    server.port();
    assert!(trace_of(server, &file).contains(", 511)"));
}

/// B9. Catches: an interrupted wait ends the loop, or starts its time anew.
#[test]
fn an_interrupted_wait_is_taken_up_again() {
    if !has("strace") {
        return skipped("B9, EINTR from epoll_wait", "no strace");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let file = trace_file("eintr");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&file);
    command.args([
        "-e",
        "trace=epoll_wait",
        "-e",
        "inject=epoll_wait:error=EINTR:when=1+3",
        "--",
    ]);
    command.arg(env!("CARGO_BIN_EXE_netloop"));
    command.args(["client", "--host", "127.0.0.1", "--port", &port]);
    command.args(["--interval", "20ms", "--count", "3"]);
    let mut client = Program::start(command);
    let (mut socket, _) = listener.accept().unwrap();
    let mut said = Vec::new();
    socket.read_to_end(&mut said).unwrap();
    drop(socket);
    assert_eq!(said, b"hihihi");
    assert_eq!(client.end().0.code(), Some(0));
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("(INJECTED)")
    );
    std::fs::remove_file(file).unwrap();
}

/// E1. Catches: getaddrinfo is called on the loop's own thread.
#[test]
fn a_slow_name_server_does_not_hold_up_an_interval() {
    let Some(shim) = compiled("getaddrinfo.c") else {
        return skipped("E1, a slow getaddrinfo", "no C compiler");
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "kernel::child_with_a_slow_name_server",
        "--ignored",
        "--nocapture",
    ]);
    command.env("LD_PRELOAD", shim).env("NETLOOP_SLOW", "1");
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let ticks = told
        .lines()
        .find_map(|line| line.strip_prefix("ticks before the answer: "));
    let ticks: u32 = ticks.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
    assert!(ticks >= 20, "{ticks} ticks of 10 ms in 600 ms");
}

/// Not a test: the process of the test above.
#[test]
#[ignore = "a child of a_slow_name_server_does_not_hold_up_an_interval"]
fn child_with_a_slow_name_server() {
    if std::env::var_os("NETLOOP_SLOW").is_none() {
        return;
    }
    let mut l = netloop::EventLoop::new().unwrap();
    let ticks = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = ticks.clone();
    let interval = l.set_interval(Duration::from_millis(10), move |_| {
        counter.set(counter.get() + 1);
    });
    l.unref_timer(interval);
    let mut c = l.connect(("slow.test", 1), |_| {}).unwrap();
    c.on_lookup(move |_, _| println!("\nticks before the answer: {}", ticks.get()));
    c.on_error(|_, _| {});
    l.run().unwrap();
}

/// Compiles a shim to be loaded before the C library.
fn compiled(name: &str) -> Option<PathBuf> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "hazards", "shims"]
        .iter()
        .collect();
    let library = std::env::temp_dir().join(format!("netloop-{name}-{}.so", std::process::id()));
    let mut command = Command::new("cc");
    command
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(folder.join(name));
    command.status().ok()?.success().then_some(library)
}

/// The rounds of the test below.
const ROUNDS: usize = 1000;

/// Catches: a useless read, an epoll_ctl or a clock that is asked by system call, per message.
#[test]
fn a_round_trip_costs_one_read_one_write_and_its_share_of_a_wait() {
    if !has("strace") {
        return skipped("system calls per message", "no strace");
    }
    let (server, file) = traced("calls", &["-e", "trace=all"]);
    let port = server.port();
    let mut sockets: Vec<TcpStream> = (0..10).map(|_| connect(port)).collect();
    sockets.iter().for_each(|socket| assert!(echoes(socket)));
    for _ in 0..ROUNDS / 10 {
        for socket in &mut sockets {
            socket.write_all(b"0123456789abcdef").unwrap();
        }
        for socket in &mut sockets {
            socket.read_exact(&mut [0; 16]).unwrap();
        }
    }
    let trace = trace_of(server, &file);
    let count = |call: &str| trace.matches(&format!("{call}(")).count();
    // Each connection: its first round trip, and the end.
    let messages = ROUNDS + sockets.len();
    assert!(
        count("recvfrom") <= messages + 2 * sockets.len(),
        "{} reads",
        count("recvfrom")
    );
    // One more is the signal that ends it, on its way through the self-pipe.
    assert_eq!(count("sendto"), messages + 1, "writes");
    assert!(
        count("epoll_wait") <= messages + 2 * sockets.len() + 4,
        "{}",
        count("epoll_wait")
    );
    assert!(
        count("epoll_ctl") <= sockets.len() + 6,
        "{} epoll_ctl",
        count("epoll_ctl")
    );
}

/// Catches: an idle loop wakes up.
#[test]
fn an_idle_server_makes_no_system_call() {
    if !has("strace") {
        return skipped("idle wake-ups", "no strace");
    }
    let (server, file) = traced("idle", &["-e", "trace=all"]);
    let socket = connect(server.port());
    assert!(echoes(&socket));
    let waiting = || std::fs::read_to_string(&file).unwrap().len();
    std::thread::sleep(Duration::from_millis(50));
    let before = waiting();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(waiting(), before);
    drop(socket);
    trace_of(server, &file);
}
