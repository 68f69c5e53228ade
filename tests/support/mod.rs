//! What several test binaries need.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod recorded;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Says that something is skipped for want of a tool: visibly, and in the file that
/// `NETLOOP_SKIPS` names, so that a run in which nothing may be skipped can count.
pub(crate) fn skipped(what: &str, why: &str) {
    // Not by `eprintln!`, which the test harness keeps to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
    if let Some(path) = std::env::var_os("NETLOOP_SKIPS") {
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path);
        let written = file.and_then(|mut file| writeln!(file, "{what}: {why}"));
        written.expect("the file of what was skipped can be written");
    }
}

/// Whether strace is there, and may trace, and make calls fail: in many a container it may not.
pub(crate) fn has_strace() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        command.args(["-e", "inject=getppid:error=EPERM", "true"]);
        let outcome = command.output();
        outcome.is_ok_and(|output| output.status.success())
    })
}

/// The program of Node 26, if there is one: `NETLOOP_NODE`, or `node` on the path.
pub(crate) fn node() -> Option<PathBuf> {
    let program = std::env::var_os("NETLOOP_NODE").map_or("node".into(), PathBuf::from);
    let version = Command::new(&program).arg("--version").output().ok()?;
    version.stdout.starts_with(b"v26.").then_some(program)
}

/// A port of 127.0.0.1 at which nobody listens, and which nobody else gets while this is held.
pub(crate) fn closed_port() -> (socket2::Socket, u16) {
    let kind = socket2::Type::STREAM;
    let held = socket2::Socket::new(socket2::Domain::IPV4, kind, None).expect("a socket");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    held.bind(&any.into()).expect("a free port");
    let bound = held.local_addr().expect("bound");
    let port = bound.as_socket().expect("an address").port();
    (held, port)
}
