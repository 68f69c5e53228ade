//! The tools with which the kernel is made to misbehave: strace, shims before the C library, a
//! network of one's own, and processes of this very test binary.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::program::{Program, netloop};
use crate::stage::LIMIT;
use crate::support;

pub(crate) const ECHO: [&str; 6] = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];

pub(crate) fn has(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

pub(crate) fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the kernel accepts");
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

pub(crate) fn echoes(mut socket: &TcpStream) -> bool {
    let mut back = [0; 4];
    socket.write_all(b"ping").is_ok() && socket.read_exact(&mut back).is_ok() && &back == b"ping"
}

/// A file of its own for what strace writes.
pub(crate) fn trace_file(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("netloop-{test}-{}", std::process::id()))
}

/// A command under strace, which writes to a file.
pub(crate) fn under_strace(traced: &Command, file: &Path, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(file).args(options);
    command
        .arg("--")
        .arg(traced.get_program())
        .args(traced.get_args());
    command.envs(
        traced
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
}

/// The echo server under strace.
pub(crate) fn traced(test: &str, options: &[&str]) -> (Traced, PathBuf) {
    let file = trace_file(test);
    let server = under_strace(&netloop(&ECHO), &file, options);
    (Traced(Program::start(server)), file)
}

/// A strace, and the program below it, which would outlive it.
pub(crate) struct Traced(pub(crate) Program);

impl Traced {
    #[track_caller]
    pub(crate) fn port(&self) -> u16 {
        self.0.port()
    }

    pub(crate) fn signal_traced(&self, signal: &str) {
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        for child in std::fs::read_to_string(children)
            .unwrap_or_default()
            .split_whitespace()
        {
            let _ = Command::new("kill").args([signal, child]).status();
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.signal_traced("-KILL");
    }
}

/// Waits until strace has made a call fail.
pub(crate) fn await_injection(file: &Path) {
    await_injections(file, 1);
}

/// Waits until strace has made so many calls fail.
pub(crate) fn await_injections(file: &Path, count: usize) {
    let start = Instant::now();
    let injected = || {
        let trace = std::fs::read_to_string(file).expect("what strace writes");
        trace.matches("(INJECTED)").count()
    };
    while injected() < count {
        assert!(start.elapsed() < LIMIT, "{} of {count} failed", injected());
        std::thread::yield_now();
    }
}

/// Whether what is traced stands in a wait, whose end has not been written yet.
pub(crate) fn is_waiting(file: &Path) -> bool {
    let trace = std::fs::read_to_string(file).expect("what strace writes");
    let last = trace.rsplit('\n').next().unwrap();
    last.contains("epoll_wait(") || last.contains("epoll_pwait(")
}

/// What strace wrote. The file goes.
pub(crate) fn read_trace(file: &Path) -> String {
    let trace = std::fs::read_to_string(file).expect("what strace wrote");
    std::fs::remove_file(file).expect("the file goes");
    trace
}

/// Ends a traced server, and returns what strace wrote.
pub(crate) fn trace_of(mut traced: Traced, file: &Path) -> String {
    traced.signal_traced("-TERM");
    traced.0.end();
    read_trace(file)
}

/// A shim of ours, compiled to be loaded before the C library.
pub(crate) fn compiled(name: &str) -> Option<PathBuf> {
    support::compiled(&format!("hazards/shims/{name}"))
}

/// This very test in a process of its own, where [`is_child`] is true.
pub(crate) fn myself(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1");
    command
}

const CHILD: &str = "NETLOOP_HAZARD";

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// A command with so many descriptors. None without the tool that sets the limit.
pub(crate) fn limited(command: &Command, descriptors: usize) -> Option<Command> {
    let mut limited = Command::new("prlimit");
    limited
        .arg(format!("--nofile={descriptors}"))
        .arg(command.get_program());
    limited.args(command.get_args());
    limited.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    has("prlimit").then_some(limited)
}

/// Runs a child, and sees it pass.
#[track_caller]
pub(crate) fn passes(mut command: Command) {
    let output = command.output().expect("the child runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{complaints}");
    assert!(told.contains("1 passed"), "{told}");
    // What the child has skipped is to be seen here, too.
    for line in complaints
        .lines()
        .filter(|line| line.starts_with("SKIPPED"))
    {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// This very test in a network of its own that has only the loopback, after commands of a shell.
/// None where the kernel does not let us have one.
pub(crate) fn in_own_network(test: &str, setup: &str) -> Option<Command> {
    let own = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rnm", "sh", "-e", "-c", script, "sh"]);
        command
    };
    let script = format!("ip link set lo up; {setup}");
    let probe = own(&script).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        return None;
    }
    let child = myself(test);
    let mut command = own(&format!("{script}; exec \"$@\""));
    command
        .arg(child.get_program())
        .args(child.get_args())
        .env(CHILD, "1");
    Some(command)
}

/// The same with a hosts file of its own, too.
pub(crate) fn in_own_network_with(hosts: &str, test: &str, setup: &str) -> Option<Command> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test.replace("::", "-"));
    let draft = file.with_extension(std::process::id().to_string());
    // It comes into its place whole, whoever else has one of the same name.
    std::fs::write(&draft, hosts).expect("the folder for such files");
    std::fs::rename(draft, &file).expect("one folder");
    let setup = format!("mount --bind '{}' /etc/hosts; {setup}", file.display());
    in_own_network(test, &setup)
}

/// The lines that Node prints for a script, with this as its descriptor 0. None without Node.
pub(crate) fn node_prints(script: &str, fd: impl Into<Stdio>) -> Option<Vec<String>> {
    let mut command = Command::new(support::node()?);
    command.args(["-e", script]).stdin(fd);
    let output = command.output().expect("Node runs");
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).expect("text");
    Some(told.lines().map(str::to_owned).collect())
}

/// The anonymous memory of this process, in bytes.
pub(crate) fn memory() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("a Linux");
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().next())
        .expect("a number");
    kilobytes.parse::<usize>().expect("a number") * 1024
}
