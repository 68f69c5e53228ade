//! The scripts that have no twin, each with its reason; and the proof that every script is either
//! here or has one.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::recorded;

/// What these scripts show concerns JavaScript itself.
const ONLY_JAVASCRIPT: [(&str, &str); 12] = [
    (
        "blocklist",
        "types of arguments; the rules are tested beside `BlockList`",
    ),
    (
        "connection-connect-no-args",
        "types of arguments; `ERR_MISSING_ARGS` is pinned in differs.rs",
    ),
    (
        "error-throw-exit",
        "the exit of a process; `run` returns, or unwinds, in its place",
    ),
    (
        "happy-eyeballs-defaults",
        "types of arguments; the bounds are pinned in differs.rs",
    ),
    (
        "immediate-args",
        "arguments for callbacks; a closure captures",
    ),
    ("interval-args", "arguments for callbacks, and `this`"),
    (
        "socketaddress",
        "types of arguments; the rest is tested beside `SocketAddress`",
    ),
    (
        "server-listen-bad-args",
        "types of arguments, and ports that a u16 cannot hold",
    ),
    (
        "timeout-bad-args",
        "types of arguments, and numbers that are no duration",
    ),
    (
        "timeout-disable",
        "removing a listener by its identity, which closures do not have",
    ),
    (
        "timer-clamp",
        "numbers that are no duration, and warnings of a process",
    ),
    (
        "timer-close",
        "`timer.close()` is another word for `clearTimeout`",
    ),
];

/// The methods of a JavaScript object: in the list above, but for its own reason.
const OBJECTS: [(&str, &str); 1] = [("timer-symbols", "names of the methods of an object")];

/// What we do otherwise, and why; the test of the same name in `differs.rs` pins what we do.
const DIFFERS_ON_PURPOSE: [(&str, &str); 6] = [
    (
        "connection-events-lookup",
        "no callback inside a call: a lookup function is called in a tick",
    ),
    (
        "connection-events-unix",
        "no callback inside a call: connectionAttempt comes in a tick",
    ),
    (
        "error-enoent-unix",
        "no callback inside a call: connectionAttempt comes in a tick",
    ),
    (
        "option-abort-before",
        "Node emits close twice and connects after it: a slip of its own",
    ),
    (
        "option-family",
        "no callback inside a call: a lookup function is called in a tick",
    ),
    (
        "pipe-events",
        "no callback inside a call: pipe and unpipe come in a tick",
    ),
];

fn sources() -> Vec<(PathBuf, String)> {
    let folder = recorded::folder().parent().unwrap().to_path_buf();
    let entries = std::fs::read_dir(folder).expect("the folder of the twins");
    let paths = entries.map(|entry| entry.unwrap().path());
    let rust = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn each_file_of_twins_is_played_on_a_simulated_kernel_too() {
    let tests = recorded::folder().ancestors().nth(2).unwrap().to_path_buf();
    let list = std::fs::read_to_string(tests.join("scenarios_simulated.rs")).unwrap();
    for (path, source) in sources() {
        // Its twins start processes.
        let is_children = path.ends_with("children.rs");
        let module = format!("\nmod {};\n", path.file_stem().unwrap().display());
        let is_there = list.contains(&module);
        let has_twins = source.contains("\ntwin!(") && !is_children;
        assert!(is_there || !has_twins, "{path:?} is not played");
    }
}

#[test]
fn every_recorded_script_has_a_twin_or_a_reason() {
    let mut seen = BTreeSet::new();
    for (path, source) in sources() {
        if path.ends_with("without_twin.rs") {
            continue;
        }
        for place in source.split("twin!(").skip(1) {
            let end = place
                .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .unwrap();
            let name = place[..end].replace('_', "-");
            assert!(seen.insert(name.clone()), "{path:?}: {name} twice");
        }
    }
    let pinned = sources()
        .into_iter()
        .find(|(path, _)| path.ends_with("differs.rs"))
        .unwrap()
        .1;
    for (name, _) in DIFFERS_ON_PURPOSE {
        let test = format!("fn {}()", name.replace('-', "_"));
        assert!(pinned.contains(&test), "{name} is not pinned");
    }
    for (name, _) in ONLY_JAVASCRIPT
        .into_iter()
        .chain(OBJECTS)
        .chain(DIFFERS_ON_PURPOSE)
    {
        assert!(
            seen.insert(name.into()),
            "{name} has a twin and a reason to have none"
        );
    }
    assert_eq!(seen, recorded::names());
}
