//! `netloop show --perfetto`: a recording as a trace, read with Perfetto's own classes.

use std::process::Command;

use crate::program::netloop;
use crate::show::{Kept, demo};
use crate::support;

/// A Python with the package `perfetto`.
fn python() -> Option<String> {
    let named = std::env::var("NETLOOP_PERFETTO").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&named);
    command.args([
        "-c",
        "import perfetto.protos.perfetto.trace.perfetto_trace_pb2",
    ]);
    let is_there = command.output().is_ok_and(|it| it.status.success());
    if !is_there {
        support::skipped("a trace in the eyes of Perfetto", "no Python with perfetto");
    }
    is_there.then_some(named)
}

#[test]
fn perfettos_own_classes_read_the_trace_of_the_demo() {
    let Some(python) = python() else { return };
    let (recording, _) = demo("perfetto");
    let trace = Kept::new("perfetto-trace");
    let arguments = ["show", recording.path(), "--perfetto", trace.path()];
    let shown = netloop(&arguments).output().unwrap();
    assert!(shown.status.success() && shown.stdout.is_empty());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/read_trace.py");
    let read = Command::new(python).args([script, trace.path()]).output();
    let read = read.unwrap();
    let told = String::from_utf8_lossy(&read.stdout);
    let errors = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{errors}");
    for line in [
        "turns and phases",
        "system calls",
        "accepted",
        "turns and phases | turn 1 | ",
        "turns and phases | epoll_wait | ",
        "system calls | client: send: 2 bytes | ",
        "client | ready: writable | ",
    ] {
        assert!(told.lines().any(|it| it == line), "{line}: {told}");
    }
    let callback = |line: &str| line.contains("| accepted: data | ") && line.ends_with("peers.rs");
    assert!(told.lines().any(callback), "{told}");
}

#[test]
fn a_trace_that_cannot_be_written_is_an_error() {
    let file = Kept::of("perfetto-nowhere", [r#""k":"call""#.to_owned()]);
    let shown = netloop(&["show", file.path(), "--perfetto", "/nowhere/at/all"]).output();
    let shown = shown.unwrap();
    assert_eq!(shown.status.code(), Some(1));
    let error = String::from_utf8_lossy(&shown.stderr);
    assert!(
        error.starts_with("netloop show: --perfetto /nowhere/at/all: "),
        "{error}"
    );
}
