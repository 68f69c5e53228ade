//! What the daemon promises: each promise has a test, and that test is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn each_promise_of_the_daemon_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/guide/promises.md")).expect("the page");
    let tests = tests(&root.join("tests"));
    let mut promises = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [promise, test] = cells[..] else {
            panic!("two cells: {row}");
        };
        // The head of a table, and the line below it.
        if matches!(promise, "promise" | "---") {
            continue;
        }
        let name = test.trim_matches('`');
        assert!(tests.contains(name), "{promise} There is no test {name}");
        promises += 1;
    }
    assert!(promises > 30, "{promises}");
}

/// The names of all tests in a folder.
fn tests(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            names.extend(tests(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("a file");
            let after = text.split("#[test]\nfn ").skip(1);
            let name = |rest: &str| rest.split('(').next().map(str::to_owned);
            names.extend(after.filter_map(name));
        }
    }
    names
}
