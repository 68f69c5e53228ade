//! The reader's map in `CONTRIBUTING.md` names what there is, and no trip becomes longer.

use std::fs;
use std::path::Path;

/// How many files a trip enters at most: a chunk, a write, a connection, `destroy`.
const TRIPS: [usize; 4] = [7, 7, 7, 8];

#[test]
fn the_readers_map_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).expect("the page");
    let (_, map) = page.split_once("## A reader's map").expect("a map");
    let map = map.split("\n## ").next().unwrap_or_default();
    let mut trips = Vec::new();
    for row in map.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, file, text] = cells[..] else {
            panic!("three cells: {row}");
        };
        match number.parse::<usize>() {
            Ok(1) => trips.push(1),
            Ok(number) => {
                let trip = trips.last_mut().expect("a trip begins with 1");
                *trip += 1;
                assert_eq!(*trip, number, "{row}");
            }
            // The head of a table, and the line below it.
            Err(_) => continue,
        }
        let path = root.join("src").join(file.trim_matches('`'));
        assert!(path.exists(), "{row}: there is no {}", path.display());
        for name in functions_named(text) {
            let source = fs::read_to_string(&path).expect("a file that is named with a function");
            let head = format!("fn {name}");
            assert!(source.contains(&head), "{row}: no {head}");
        }
    }
    assert_eq!(trips, TRIPS);
}

/// The functions before the colon: `` `serve`, `receive_into`: a burst of reads ``.
fn functions_named(text: &str) -> Vec<&str> {
    let names = text.split(':').next().filter(|_| text.starts_with('`'));
    let names = names.into_iter().flat_map(|names| names.split(", "));
    names
        .filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'))
        .collect()
}
