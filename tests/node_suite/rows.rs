//! The list of rows is whole, and every test that it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// How many of Node's test files assert what can be asserted here.
const ROWS: usize = 112;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "node_suite"]
        .iter()
        .collect()
}

struct Row {
    file: String,
    asserts: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let list = fs::read_to_string(folder().join("rows.txt")).expect("the list of rows");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [file, asserts, test] = cells[..] else {
            panic!("three cells: {line}");
        };
        Row {
            file: file.into(),
            asserts: asserts.into(),
            test: test.into(),
        }
    };
    list.lines().map(row).collect()
}

/// `parallel/test-net-after-close.js` is checked by `net_after_close`.
fn name_of(file: &str) -> String {
    let name = file.rsplit("test-").next().expect("a last part");
    let name = name.strip_suffix(".js").expect("a file of JavaScript");
    name.replace('-', "_").to_lowercase()
}

/// The tests of this folder, by the two ways in which they are written.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let is_other = ["row.rs", "rows.rs", "rows.txt"]
            .iter()
            .any(|name| path.ends_with(name));
        if is_other {
            continue;
        }
        let source = fs::read_to_string(&path).expect("a source");
        let by_macro = source.split("row!(").skip(1);
        let by_attribute = source.split("#[test]\nfn ").skip(1);
        for place in by_macro.chain(by_attribute) {
            let place = place.trim_start();
            let end = place.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let name = place[..end.expect("an end")].to_owned();
            assert!(found.insert(name.clone()), "{name} twice");
        }
    }
    found
}

#[test]
fn every_row_has_its_test_and_every_test_its_row() {
    let rows = rows();
    let named: BTreeSet<String> = rows.iter().map(|row| row.test.clone()).collect();
    assert_eq!(rows.len(), ROWS);
    assert_eq!(named.len(), ROWS, "a test stands in two rows");
    assert_eq!(named, tests());
    for row in rows {
        assert_eq!(row.test, name_of(&row.file));
        assert!(row.asserts.contains(' '), "{} asserts nothing", row.file);
    }
}
