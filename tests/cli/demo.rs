//! The demo: whose each line is, and what caused it.

use std::process::Command;

use crate::program::Program;
use crate::support;

/// Whether the demo ended by itself, and said where to read on.
fn ended(lines: &[String]) -> bool {
    let is_over = lines
        .iter()
        .any(|line| line.ends_with("it ended by itself."));
    is_over
        && lines
            .iter()
            .any(|line| line.ends_with("netloop lesson. With --html run.html this"))
}

/// The lines of the demo's trace, each without its number: how deep it stands, and its words.
fn demo() -> Vec<(usize, String)> {
    let (status, lines, errors) = Program::netloop(&["demo"]).end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    assert!(ended(&lines));
    let trace = lines
        .iter()
        .skip_while(|line| *line != "before the first turn");
    let told = trace.filter(|line| line.starts_with("  ")).map(|line| {
        let text = &line[6..];
        let words: Vec<&str> = text.split_whitespace().collect();
        (text.len() - text.trim_start().len(), words.join(" "))
    });
    told.collect()
}

#[test]
fn the_demo_runs_by_itself_and_says_whose_each_line_is() {
    let said: Vec<String> = demo()
        .into_iter()
        .map(|(_, words)| words)
        .filter(|words| words.contains(" prints "))
        .collect();
    assert!(said[0].starts_with("server prints listening on "));
    let told = [
        "server prints 127.0.0.1 connected.",
        "client prints Client connected",
        "client prints Welcome",
        "server prints <Buffer 68 69>",
        "server prints <Buffer 68 69>",
        "server prints <Buffer 68 69>",
        "server prints client disconnected",
        "client prints Client disconnected",
    ];
    assert_eq!(said[1..], told);
}

#[test]
fn the_demo_stands_each_line_under_its_cause() {
    let lines = demo();
    let chain = [
        "client ready: writable EPOLLOUT",
        "client opening ─Connected→ open",
        "client callback: connect client.rs:",
        "client prints Client connected",
    ];
    let first = lines.iter().position(|(_, words)| words == chain[0]);
    let found = &lines[first.expect("a readiness that tells of the connection")..];
    // What it has become stands between them.
    let found: Vec<_> = found
        .iter()
        .filter(|(_, words)| !words.contains("connected as") && !words.contains("peer at"))
        .collect();
    for (depth, expected) in chain.into_iter().enumerate() {
        // Behind a file stands the number of the line.
        let (at, words) = found[depth];
        let words = words.trim_end_matches(|it: char| it.is_ascii_digit());
        assert_eq!((*at, words), (2 * depth, expected));
    }
}

#[test]
fn the_demo_fits_a_terminal_of_80_columns() {
    let (_, lines, _) = Program::netloop(&["demo"]).end();
    let wide: Vec<_> = lines
        .iter()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert_eq!(wide, Vec::<&String>::new());
}

#[test]
fn the_demo_ends_by_itself_also_when_it_runs_out_of_descriptors() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        return support::skipped("the demo without descriptors", "no prlimit");
    }
    // From none for the server to none for the connection it is to accept; with fewer it could
    // not even be loaded.
    for limit in 5..8 {
        let mut command = Command::new("prlimit");
        command.args([
            &format!("--nofile={limit}"),
            env!("CARGO_BIN_EXE_netloop"),
            "demo",
        ]);
        let (status, lines, _) = Program::start(command).end();
        assert!(status.code().is_some());
        assert!(ended(&lines), "{limit}");
    }
}
