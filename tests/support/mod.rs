//! What several test binaries need.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod recorded;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Nothing takes so long unless it is broken, however busy the machine is.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

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

/// Compiles a C file below `tests`, to be loaded before the C library. Its rename is atomic, so several
/// tests may compile it at the same time. `None` without a C compiler.
pub(crate) fn compiled(source: &str) -> Option<PathBuf> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let source: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", source]
        .iter()
        .collect();
    let library = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(source.file_name().expect("a file"))
        .with_extension("so");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let draft = library.with_extension(format!("{}-{number}", std::process::id()));
    let mut command = Command::new("cc");
    command
        .args(["-shared", "-fPIC", "-o"])
        .arg(&draft)
        .arg(source);
    if !command.status().ok()?.success() {
        return None;
    }
    std::fs::rename(draft, &library).expect("one folder");
    Some(library)
}

/// The program of Node 26, if there is one: `NETLOOP_NODE`, or `node` on the path.
pub(crate) fn node() -> Option<PathBuf> {
    let program = std::env::var_os("NETLOOP_NODE").map_or("node".into(), PathBuf::from);
    let version = Command::new(&program).arg("--version").output().ok()?;
    version.stdout.starts_with(b"v26.").then_some(program)
}

/// A port of 127.0.0.1 without a listener, which stays free while the socket is held.
pub(crate) fn closed_port() -> (socket2::Socket, u16) {
    let kind = socket2::Type::STREAM;
    let held = socket2::Socket::new(socket2::Domain::IPV4, kind, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    held.bind(&any.into()).expect("a free port");
    let bound = held.local_addr().expect("bound");
    let port = bound.as_socket().expect("an address").port();
    (held, port)
}

/// A listener whose backlog is full, so that a connect is not answered.
pub(crate) struct Silent {
    listener: TcpListener,
    _waiting: TcpStream,
}

impl Silent {
    pub(crate) fn at(host: Ipv4Addr) -> Silent {
        let kind = socket2::Type::STREAM;
        let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).expect("a socket");
        let any = SocketAddr::from((host, 0));
        socket.bind(&any.into()).expect("a free port");
        socket.listen(0).expect("a listener");
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().expect("a listener");
        let _waiting = TcpStream::connect(address).expect("the kernel accepts one");
        Silent { listener, _waiting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a listener")
    }
}
