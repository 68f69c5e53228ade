//! The parity page cannot rot: what it names exists, and what Node has is named.

mod support;

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
            "differs" => assert!(
                !row[2].is_empty() && row[3].contains('`'),
                "no test: {row:?}"
            ),
            "left out" => assert!(!row[3].is_empty(), "no reason: {row:?}"),
            other => panic!("{other}: {row:?}"),
        }
    }
    let differs = rows.iter().filter(|row| row[1] == "differs").count();
    assert!(differs <= 20, "{differs} rows differ: these should be few");
}

#[test]
fn every_name_of_ours_exists() {
    let sources = sources(&root().join("src"));
    for row in rows() {
        for name in quoted(&row[2]) {
            let name = name
                .rsplit("::")
                .next()
                .expect("a name")
                .trim_end_matches("()");
            // The listeners are made by a macro, whose table names them at the start of a line.
            let exists = [
                format!("fn {name}("),
                format!("fn {name}<"),
                format!("struct {name}"),
                format!("enum {name}"),
                format!("const {name}:"),
                format!("    {name} once_"),
                format!("    {name}: "),
                format!("    {name},"),
                format!("{name}\n"),
            ];
            assert!(
                exists.iter().any(|form| sources.contains(form)),
                "{name}: {row:?}"
            );
        }
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let tests = sources(&root().join("tests")) + &sources(&root().join("src"));
    for row in rows().into_iter().filter(|row| row[1] == "differs") {
        for test in quoted(&row[3]) {
            let is_there = tests.contains(&format!("fn {test}()"))
                || tests.contains(&format!("twin!({test},"));
            assert!(is_there, "{test}: {row:?}");
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
