//! The memory of all connections together: what they are owed is bounded, and the process lives.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::listening::until;
use crate::network;
use crate::program::{Program, netloop};
use crate::sight::{address, measured, value};
use crate::stage::{connect, read};
use crate::support::{LIMIT, skipped};

/// A peer that reads nothing, and has little room.
fn deaf(port: u16) -> TcpStream {
    let kind = socket2::Type::STREAM;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let server = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&server.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.into()
}

/// Has each of them send until it must wait, or is cut.
fn flood(peers: &mut [TcpStream]) {
    let chunk = [7; 64 * 1024];
    for peer in peers {
        while peer.write(&chunk).is_ok() {}
    }
}

fn ping(peer: &mut TcpStream) {
    peer.write_all(b"ping").unwrap();
    assert_eq!(read(peer, 4), b"ping");
}

#[test]
fn beyond_what_all_may_be_owed_together_those_owed_most_are_cut() {
    let options = ["--quiet", "--echo", "--welcome=", "--max-owed", "1M"];
    let (_server, metrics, port) = measured(&options);
    let mut modest = connect(port);
    let mut greedy: Vec<TcpStream> = (0..20).map(|_| deaf(port)).collect();
    until("some are cut", || {
        flood(&mut greedy);
        assert!(value(metrics, "netloop_owed_bytes") <= f64::from(1 << 20));
        value(metrics, "netloop_cut_total") >= 3.0
    });
    // Who reads what it gets is owed nothing.
    ping(&mut modest);
    // Each is cut by a reset, so that the kernel holds nothing for it either.
    until("they see it", || {
        greedy.iter_mut().any(|peer| {
            let error = peer.write(b"x").err().map(|error| error.kind());
            matches!(
                error,
                Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
            )
        })
    });
}

/// Names the group.
const GROUP: &str = "NETLOOP_GROUP";

/// A control group of our own: its folder.
struct Group(PathBuf);

impl Drop for Group {
    fn drop(&mut self) {
        _ = fs::remove_dir(&self.0);
    }
}

/// A group with so much memory. None where there can be no such group.
fn group(bytes: u32) -> Option<Group> {
    let name = format!("netloop-{}", std::process::id());
    let limits = [
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ];
    limits.into_iter().find_map(|(parent, limit)| {
        let folder = Path::new(parent).join(&name);
        fs::create_dir(&folder).ok()?;
        let group = Group(folder);
        fs::write(group.0.join(limit), bytes.to_string()).ok()?;
        Some(group)
    })
}

/// The memory of the process is bounded by `--max-owed`, that of the kernel by its buffers and by
/// `--max-connections`.
#[test]
fn a_flood_in_a_small_control_group_does_not_kill_the_server() {
    if let (true, Some(group)) = (network::is_own(), std::env::var_os(GROUP)) {
        return flood_in(&group);
    }
    let what = "a server with little memory";
    let Some(group) = group(12 << 20) else {
        return skipped(what, "no control groups, or not root");
    };
    let buffers = "4096 16384 65536";
    let setup = format!(
        "export {GROUP}={}
        for kind in wmem rmem; do echo '{buffers}' >/proc/sys/net/ipv4/tcp_$kind; done",
        group.0.display()
    );
    let test = "memory::a_flood_in_a_small_control_group_does_not_kill_the_server";
    if !network::again(test, &setup) {
        skipped(what, "no network of its own");
    }
}

fn flood_in(group: &OsStr) {
    let script = "echo $$ >\"$0/cgroup.procs\"; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-ec", script]).arg(group);
    let options = [
        "server",
        "--quiet",
        "--echo",
        "--welcome=",
        "--port",
        "0",
        "--metrics",
        "tcp:127.0.0.1:0",
        "--max-connections",
        "101",
        "--max-owed",
        "2M",
    ];
    let server = netloop(&options);
    command.arg(server.get_program()).args(server.get_args());
    let mut server = Program::start(command);
    let metrics = address(&server);
    let port = server.port();
    let mut modest = connect(port);
    let mut greedy = Vec::new();
    for _ in 0..30 {
        greedy.retain_mut(|peer: &mut TcpStream| peer.peer_addr().is_ok());
        greedy.resize_with(100, || deaf(port));
        flood(&mut greedy);
        ping(&mut modest);
    }
    assert!(value(metrics, "netloop_cut_total") > 0.0);
    assert!(server.is_running());
    a_greeting_that_is_not_read_is_owed_too();
}

/// Here a greeting is longer than the kernel's buffers.
fn a_greeting_that_is_not_read_is_owed_too() {
    let welcome = "w".repeat(100_000);
    let options = ["--quiet", "--max-owed", "0", "--welcome", &welcome];
    let (_server, metrics, port) = measured(&options);
    let _greedy = deaf(port);
    until("it is cut", || value(metrics, "netloop_cut_total") == 1.0);
    assert_eq!(value(metrics, "netloop_owed_bytes"), 0.0);
}
