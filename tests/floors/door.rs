//! Law 2: no call runs a callback before it returns. Callbacks are reached through the loop's door,
//! and only the loop's phases go there.

use std::collections::{BTreeMap, BTreeSet};

use super::functions::{Function, functions_without_tests};
use super::{assert_listed, files};

/// What calls the program: the door itself, and what runs a task; and what lends the loop to a phase
/// of a socket or a server.
const DOOR: [&str; 5] = ["emit", "emit_to", "call_and_then", "traced", "served"];

/// They add a listener of the library's own, which is a phase: it is called through the door.
const LISTENERS: [&str; 2] = [
    "net/socket/pipe.rs::unpipe_at_its_end",
    "net/socket/write.rs::hold",
];

/// Whose functions are phases: they have the loop, and `Served` has one socket or server beside it.
/// What is public of `Loop` is a call like any other.
const PHASES: [&str; 3] = ["Loop", "EventLoop", "Served"];

fn functions_of_net() -> Vec<Function> {
    let files = files();
    let of_net = files.iter().filter(|file| file.path.starts_with("net/"));
    of_net.flat_map(functions_without_tests).collect()
}

/// Whether one of these is called, or handed on as `Loop::name` or `Served::name`.
fn names(body: &str, known: &BTreeSet<&str>) -> bool {
    let words = body.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.into_iter().any(|word| {
        let ways = [".{}(", "Loop::{}", "Served::{}"];
        known.contains(word)
            && ways
                .iter()
                .any(|way| body.contains(&way.replace("{}", word)))
    })
}

/// The phases that reach the door, by whatever detour. A name that another type has,
/// too, is not followed: text does not tell whose it is.
fn reaching(functions: &[Function]) -> BTreeSet<&str> {
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for function in functions {
        owners
            .entry(&function.name)
            .or_default()
            .insert(&function.of);
    }
    let mut known = BTreeSet::from(DOOR);
    loop {
        let others = functions.iter().filter(|it| {
            owners[&*it.name]
                .iter()
                .all(|of| ["Loop", "Served"].contains(of))
        });
        let more = others
            .filter(|it| names(&it.body, &known))
            .map(|it| &*it.name);
        let more: BTreeSet<&str> = more.filter(|name| !known.contains(name)).collect();
        if more.is_empty() {
            return known;
        }
        known.extend(more);
    }
}

#[test]
fn no_call_reaches_the_door() {
    let functions = functions_of_net();
    let known = reaching(&functions);
    for door in DOOR {
        let is_there = functions
            .iter()
            .any(|it| it.name == door && it.of == "Loop");
        assert!(is_there, "{door} is nowhere: has it another name?");
    }
    assert!(known.len() > 20, "too few reach the door: {known:?}");
    let calls = functions
        .iter()
        .filter(|it| it.is_public || !PHASES.contains(&&*it.of));
    let reach = calls.filter(|it| names(&it.body, &known) || it.body.contains("Served {"));
    let reach = reach
        .map(|it| format!("{}::{}", it.file, it.name))
        .collect();
    assert_listed("a call that reaches user code", &reach, &LISTENERS);
}

#[test]
fn what_has_errands_has_no_loop() {
    for function in functions_of_net() {
        let has_errands = function.signature.contains("errands: &mut Errands");
        let has_loop = PHASES.contains(&&*function.of)
            || ["&mut Loop", "Served<"]
                .iter()
                .any(|it| function.signature.contains(it));
        assert!(
            !has_errands || !has_loop,
            "{}: {} has errands and the loop, and so is neither a call nor a phase",
            function.file,
            function.name
        );
    }
}
