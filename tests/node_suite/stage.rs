//! What the rows are played with, beside what the twins have.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};
use netloop::{LookupRequest, Loop, Server, Socket};
use socket2::{Domain, Type};

use crate::peers::{Real, closed_port, lacks};
use crate::story::*;

/// The transcript that consists of these lines.
pub(crate) fn text(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A lookup that answers these addresses, at once.
pub(crate) fn answering(
    addresses: &'static [&'static str],
) -> impl FnMut(&mut Loop, LookupRequest) {
    move |l, request| {
        let parse = |address: &&str| address.parse::<IpAddr>().expect("an address");
        l.answer_lookup(request.id, Ok(addresses.iter().map(parse).collect()));
    }
}

/// A port at which this host refuses: it is bound, so that nobody else gets it, and nobody
/// listens. It stays so until the tests have ended.
pub(crate) fn refusing_port(host: &str) -> u16 {
    if lacks(Real::Descriptors) {
        return closed_port().1;
    }
    refuse(SocketAddr::new(host.parse().expect("an address"), 0))
}

/// Lets this address refuse, as [`refusing_port`].
pub(crate) fn refuse(address: SocketAddr) -> u16 {
    if lacks(Real::Descriptors) {
        return address.port();
    }
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, None).expect("a socket");
    // What an earlier connection of this port left in the kernel does not matter.
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&address.into()).expect("a free port");
    let bound = Box::leak(Box::new(socket)).local_addr();
    let bound = bound.expect("a bound socket").as_socket();
    bound.expect("an IP address").port()
}

/// Listens here; ends the first connection, and takes no other.
pub(crate) fn farewell(l: &mut Loop, host: &str, then: impl FnOnce(&mut Server<'_>) + 'static) {
    l.create_server(|c| {
        c.end().resume();
        close_server(c);
    })
    .listen((host, 0), then)
    .expect("good options");
}

/// Collects what a socket receives, and calls back with all of it at `end`.
pub(crate) fn collect(
    socket: &mut Socket<'_>,
    mut then: impl FnMut(&mut Socket<'_>, Vec<u8>) + 'static,
) {
    let all = shared(Vec::new());
    socket
        .on_data(move |_, chunk| append(all, chunk))
        .on_end(move |socket| then(socket, all.take()));
}

pub(crate) fn append(all: &Cell<Vec<u8>>, chunk: &[u8]) {
    let mut bytes = all.take();
    bytes.extend_from_slice(chunk);
    all.set(bytes);
}

/// Bytes of a pattern that a lost, doubled or moved byte would disturb.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}

/// What the kernel has of a connection's options.
pub(crate) fn kernel(socket: &mut Socket<'_>) -> socket2::Socket {
    socket.duplicate_fd().expect("a connection").into()
}

const CHILD: &str = "NETLOOP_SUITE_CHILD";

/// This program once more, to run one test only, which then sees its [`argument_of_child`].
pub(crate) fn child(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--quiet"]);
    command.env(CHILD, argument);
    command
}

pub(crate) fn argument_of_child() -> Option<String> {
    std::env::var(CHILD).ok()
}

thread_local! {
    static WARNINGS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps each thread's warnings, as each test runs on its own.
struct Warnings;

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        WARNINGS.with_borrow_mut(|all| all.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// From here on this test's warnings are kept for [`warnings`].
pub(crate) fn keep_warnings() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Warnings).expect("the only logger of this program");
        log::set_max_level(LevelFilter::Warn);
    });
}

pub(crate) fn warnings() -> Vec<String> {
    WARNINGS.take()
}
