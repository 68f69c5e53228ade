//! What a program calls, the trace tells.

use std::collections::BTreeSet;

use super::functions::{Function, functions_without_tests};
use super::{assert_listed, files};

/// What a program acts through.
const VIEWS: [&str; 3] = ["Loop", "Socket", "Server"];

/// They change nothing that a trace could show: a view, a name or a descriptor is made, a value
/// of the program's own is lent, a listener is added (its callbacks have the line) or gets a name, or
/// something is asked.
const SILENT: [&str; 19] = [
    "Loop::abort_handle",
    "Loop::immediate_has_ref",
    "Loop::lend",
    "Loop::on_signal",
    "Loop::on_trace",
    "Loop::server_at",
    "Loop::socket_at",
    "Server::duplicate_fd",
    "Server::event_loop",
    "Server::lend",
    "Server::named",
    "Socket::duplicate_fd",
    "Socket::event_loop",
    "Socket::lend",
    "Socket::named",
    "Socket::peer",
    "Socket::remote_address",
    "Socket::remote_family",
    "Socket::remote_port",
];

/// The functions of the views that tell the trace of a call, by whatever detour.
fn telling(functions: &[Function]) -> BTreeSet<&str> {
    let mut known = BTreeSet::from(["calls", "calls_sized"]);
    loop {
        let tells = |it: &&Function| {
            known
                .iter()
                .any(|name| it.body.contains(&format!(".{name}(")))
        };
        let found: BTreeSet<&str> = functions.iter().filter(tells).map(|it| &*it.name).collect();
        if found.is_subset(&known) {
            return known;
        }
        known.extend(found);
    }
}

#[test]
fn each_call_that_changes_something_is_told() {
    let files = files();
    let of_net = files.iter().filter(|file| file.path.starts_with("net/"));
    let of_views = of_net
        .flat_map(functions_without_tests)
        .filter(|it| VIEWS.contains(&&*it.of) && it.signature.contains("&mut self"));
    let functions: Vec<Function> = of_views.collect();
    let telling = telling(&functions);
    let silent = functions
        .iter()
        .filter(|it| it.is_public && !telling.contains(&*it.name));
    let silent = silent.map(|it| format!("{}::{}", it.of, it.name)).collect();
    assert_listed("a call that the trace does not tell of", &silent, &SILENT);
}
