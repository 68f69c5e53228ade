//! The four pairings: our server or Node's with our client or Node's print the same.

#[path = "support/program.rs"]
mod program;
mod support;

use std::process::Command;

use program::{Program, netloop};

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

/// What both print; the slips that ours mends are mended in what Node's prints.
fn transcript(server: Command, mut client: Command, is_ours: bool) -> Vec<String> {
    let server = Program::start(server);
    let port = server.port().to_string();
    if is_ours {
        client.arg("--port");
    }
    client.arg(port);
    let mut client = Program::start(client);
    let (status, client_lines, errors) = client.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    let mut lines: Vec<String> = (0..5)
        .map(|_| format!("server: {}", server.line()))
        .collect();
    lines.extend(
        client_lines
            .into_iter()
            .map(|line| format!("client: {line}")),
    );
    let mended = |line: &String| line.replace("::ffff:127.0.0.1connected.", "127.0.0.1 connected.");
    lines.iter().map(mended).collect()
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
