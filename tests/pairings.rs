//! The four pairings: our server or Node's with our client or Node's print the same.

#[path = "support/program.rs"]
mod program;
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use program::{Program, netloop};
use support::LIMIT;

fn script(name: &str) -> Command {
    let node = support::node().expect("asked for before");
    let mut command = Command::new(node);
    command.arg(format!(
        "{}/tests/pairings/{name}.js",
        env!("CARGO_MANIFEST_DIR")
    ));
    command
}

fn our_server() -> Command {
    netloop(&["server", "--port", "0"])
}

fn our_client() -> Command {
    netloop(&["client", "--interval", "50", "--count", "3"])
}

/// Carries what client and server say to each other. The client's words go on one at a time, each once
/// the server has printed the one before: when they came faster than it is run, it would print two
/// as one.
struct Relay {
    port: u16,
    client_says: Receiver<[u8; 2]>,
    to_server: TcpStream,
}

impl Relay {
    fn to(server: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let to_server = TcpStream::connect(("127.0.0.1", server)).expect("it listens");
        let mut from_server = to_server.try_clone().expect("a descriptor");
        let (word, client_says) = channel();
        std::thread::spawn(move || {
            let (mut from_client, _) = listener.accept().expect("a client");
            let mut to_client = from_client.try_clone().expect("a descriptor");
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_server, &mut to_client);
                let _ = to_client.shutdown(Shutdown::Write);
            });
            let mut hi = [0; 2];
            while from_client.read_exact(&mut hi).is_ok() && word.send(hi).is_ok() {}
        });
        Relay {
            port,
            client_says,
            to_server,
        }
    }
}

/// What both print; the slips that ours mends are mended in what Node's prints.
fn transcript(server: Command, mut client: Command, is_ours: bool) -> Vec<String> {
    let server = Program::start(server);
    let mut relay = Relay::to(server.port());
    let mut told = vec![server.line()];
    if is_ours {
        client.arg("--port");
    }
    client.arg(relay.port.to_string());
    let mut client = Program::start(client);
    while let Ok(word) = relay.client_says.recv_timeout(LIMIT) {
        relay.to_server.write_all(&word).expect("the server reads");
        told.push(server.line());
    }
    relay
        .to_server
        .shutdown(Shutdown::Write)
        .expect("it is open");
    told.push(server.line());
    let (status, client_lines, errors) = client.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    let of_server = told.iter().map(|line| format!("server: {line}"));
    let of_client = client_lines.iter().map(|line| format!("client: {line}"));
    let mended = |line: String| line.replace("::ffff:127.0.0.1connected.", "127.0.0.1 connected.");
    of_server.chain(of_client).map(mended).collect()
}

const EXPECTED: [&str; 8] = [
    "server: 127.0.0.1 connected.",
    "server: <Buffer 68 69>",
    "server: <Buffer 68 69>",
    "server: <Buffer 68 69>",
    "server: client disconnected",
    "client: Client connected",
    "client: Welcome",
    "client: Client disconnected",
];

#[test]
fn ours_with_ours() {
    assert_eq!(transcript(our_server(), our_client(), true), EXPECTED);
}

#[test]
fn the_pairings_with_node_print_the_same() {
    if support::node().is_none() {
        let why = "no Node 26 (NETLOOP_NODE, or node on the path)";
        return support::skipped("the pairings with Node", why);
    }
    if !support::recorded::localhost_is_one_address() {
        let why = "localhost is not 127.0.0.1 alone";
        return support::skipped("the pairings with Node", why);
    }
    assert_eq!(transcript(our_server(), script("client"), false), EXPECTED);
    assert_eq!(transcript(script("server"), our_client(), true), EXPECTED);
    assert_eq!(
        transcript(script("server"), script("client"), false),
        EXPECTED
    );
}
