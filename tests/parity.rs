//! The parity page cannot rot: what it names exists, and what Node has is named.

#[path = "support/peers.rs"]
mod peers;
#[path = "parity/pins.rs"]
mod pins;
#[path = "parity/same.rs"]
mod same;
#[allow(dead_code, reason = "the twins use the rest")]
#[path = "scenarios/story.rs"]
mod story;
mod support;
#[path = "parity/times.rs"]
mod times;

const IS_SIMULATED: bool = false;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("src/parity.md")).expect("the page")
}

/// The cells of each row: Node's name, what is the same or not, ours, and the reason or test.
fn rows() -> Vec<Vec<String>> {
    let page = page();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        row.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &fs::read_to_string(path).expect("a source");
        }
    }
    all
}

#[test]
fn every_row_says_same_differs_or_left_out_and_why() {
    let rows = rows();
    assert!(rows.len() > 150, "only {} rows", rows.len());
    for row in &rows {
        assert_eq!(row.len(), 4, "{row:?}");
        match row[1].as_str() {
            "same" => assert!(!row[2].is_empty(), "{row:?}"),
            "differs" => assert!(!row[2].is_empty() && !row[3].is_empty(), "{row:?}"),
            "left out" => assert!(!row[3].is_empty(), "no reason: {row:?}"),
            other => panic!("{other}: {row:?}"),
        }
    }
    let differs = rows.iter().filter(|row| row[1] == "differs").count();
    assert!(differs <= 44, "{differs} rows differ: these should be few");
}

/// What the library calls its own: items, and what the macros make of their tables, a line of
/// which begins with the names of two listeners or the name of an option.
fn names_of_ours() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in sources(&root().join("src")).lines() {
        let line = line.trim_start();
        let item = ["pub fn ", "pub struct ", "pub enum ", "pub const "]
            .iter()
            .find_map(|kind| line.strip_prefix(kind));
        let is_listeners = line.starts_with("on_") && line.contains(" once_");
        let is_option = line.contains(" =>") && line.contains(": ");
        let mut words = item
            .unwrap_or(line)
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let count = match (item, is_listeners, is_option) {
            (None, true, _) => 2,
            (Some(_), ..) | (None, false, true) => 1,
            (None, false, false) => 0,
        };
        names.extend(words.by_ref().take(count).map(str::to_owned));
    }
    names
}

#[test]
fn every_name_of_ours_exists() {
    let ours = names_of_ours();
    for row in rows().into_iter().filter(|row| row[1] != "left out") {
        for name in quoted(&row[2]) {
            // As a link, so that the documentation's own check sees that it is of this type.
            let link = format!("[`{name}`](crate::{name})");
            assert!(row[2].contains(&link), "{link}: {row:?}");
            let last = name.rsplit("::").next().expect("a name");
            assert!(ours.contains(last), "{name}: {row:?}");
        }
    }
}

/// The tests that a row names: a file below `tests`, and a function in it.
fn tests_of(row: &[String]) -> Vec<(String, String)> {
    let quoted = quoted(&row[3]).into_iter();
    let named = quoted.filter_map(|name| {
        let (file, function) = name.split_once(".rs::")?;
        Some((format!("{file}.rs"), function.to_owned()))
    });
    named.collect()
}

#[test]
fn every_row_that_differs_names_tests_that_exist() {
    for row in rows().into_iter().filter(|row| row[1] == "differs") {
        let tests = tests_of(&row);
        assert!(!tests.is_empty(), "no test: {row:?}");
        for (file, function) in tests {
            let path = root().join("tests").join(&file);
            let source = fs::read_to_string(path).unwrap_or_default();
            let test = format!("#[test]\nfn {function}()");
            assert!(source.contains(&test), "{file}::{function}: {row:?}");
        }
    }
}

#[test]
fn every_difference_that_is_pinned_stands_on_the_page() {
    let named: BTreeSet<_> = rows().iter().flat_map(|row| tests_of(row)).collect();
    for file in ["parity/pins.rs", "parity/times.rs"] {
        let source = fs::read_to_string(root().join("tests").join(file)).expect("the pins");
        for test in source.split("#[test]\nfn ").skip(1) {
            let function = test.split('(').next().expect("a name");
            assert!(
                named.contains(&(file.into(), function.into())),
                "{function}"
            );
        }
    }
}

fn recorded() -> BTreeSet<String> {
    let list = fs::read_to_string(root().join("tests/parity/node-api.txt")).expect("the list");
    list.lines().map(str::to_owned).collect()
}

#[test]
fn everything_that_node_has_has_a_row() {
    let rows: BTreeSet<String> = rows().iter().flat_map(|row| quoted(&row[0])).collect();
    let missing: Vec<String> = recorded()
        .into_iter()
        .filter(|name| !rows.contains(name))
        .collect();
    assert!(missing.is_empty(), "no row for {missing:#?}");
}

#[test]
fn the_list_is_what_node_has() {
    let Some(node) = support::node() else {
        return support::skipped("Node's own list of its API", "no Node 26");
    };
    let script = root().join("tests/parity/list.js");
    let output = Command::new(node).arg(script).output().expect("Node runs");
    let told = String::from_utf8(output.stdout).expect("text");
    let now: BTreeSet<String> = told.lines().map(str::to_owned).collect();
    assert_eq!(now, recorded());
}

/// The lines of the picture of a turn in a page or a source.
fn picture(file: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join(file)).expect("a file with the picture");
    let marks = ["once, before the first", "each turn: ", "└── after every"];
    let lines = page
        .lines()
        .filter(|line| marks.iter().any(|mark| line.contains(mark)));
    lines
        .map(|line| line.trim_start_matches(['/', '!', ' ']).to_owned())
        .collect()
}

#[test]
fn the_picture_of_a_turn_is_one() {
    let one = picture("src/net/event_loop/turn.rs");
    assert_eq!(one.len(), 3, "{one:#?}");
    for file in ["src/lib.rs", "README.md"] {
        assert_eq!(picture(file), one, "{file}");
    }
}
