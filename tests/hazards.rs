//! How event loops and TCP servers break, and that this one does not.
//!
//! `hazards/README.md` lists the hazards, and tests refer to them by their codes (`B4`). Each test
//! names the change to the code that it catches; `.ci/mutants` makes that change and sees the test
//! fail. What starts processes stands in a binary of its own, `hazards_outside`: a
//! process that is being started holds a copy of each descriptor, and `close` in a test beside it
//! would end nothing.

mod support;

const IS_SIMULATED: bool = false;

#[path = "hazards/accept.rs"]
mod accept;
#[path = "hazards/data.rs"]
mod data;
#[path = "hazards/errors.rs"]
mod errors;
#[path = "hazards/fairness.rs"]
mod fairness;
#[path = "hazards/holders.rs"]
mod holders;
#[path = "hazards/loops.rs"]
mod loops;
#[path = "support/peers.rs"]
mod peers;
#[path = "hazards/readiness.rs"]
mod readiness;
#[path = "hazards/reading.rs"]
mod reading;
#[path = "hazards/running.rs"]
mod running;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/states.rs"]
mod states;
#[path = "hazards/traced.rs"]
mod traced;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// `B4`: a letter and a number, a word of its own.
fn is_code(word: &str) -> bool {
    let mut letters = word.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_uppercase())
        && word.len() > 1
        && letters.all(|digit| digit.is_ascii_digit())
}

/// The codes that stand before `Catches`, or, in the doc of a file, before a colon.
fn codes_of(source: &str) -> BTreeSet<String> {
    let heads = source
        .lines()
        .filter_map(|line| match line.split_once("//! ") {
            Some(("", rest)) => rest.split_once(':'),
            _ => line.strip_prefix("/// ")?.split_once(". Catches"),
        });
    heads
        .flat_map(|(codes, _)| codes.split(", "))
        .filter(|code| is_code(code))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_hazard_of_the_list_has_a_test_and_each_code_of_a_test_is_on_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hazards");
    let mut tested = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the hazards") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            tested.extend(codes_of(&fs::read_to_string(&path).expect("a test")));
        }
    }
    let page = fs::read_to_string(folder.join("README.md")).expect("the list");
    let mut listed = BTreeSet::new();
    for line in page.lines() {
        if let Some((code, _)) = line.strip_prefix("- **").and_then(|it| it.split_once("**")) {
            assert!(is_code(code), "{code} is no code");
            assert!(listed.insert(code.to_owned()), "{code} stands twice");
        }
    }
    assert!(listed.len() > 50, "too few hazards: is this the list?");
    assert_eq!(listed, tested, "the list, and what the tests name");
}
