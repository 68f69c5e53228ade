//! How large a file, a function and the loop may be.

use std::collections::BTreeSet;

use super::functions::functions;
use super::{assert_listed, files};

const LINES_OF_A_FILE: usize = 400;
const LONG_FILES: [&str; 0] = [];

const LINES_OF_A_FUNCTION: usize = 50;
const LONG_FUNCTIONS: [&str; 0] = [];

/// What has the whole loop in its hands can touch everything, and reach user code: that should be
/// little. A hundred are enough.
const FUNCTIONS_OF_LOOP: usize = 88;

#[test]
fn no_file_is_longer_than_400_lines() {
    let files = files().into_iter();
    let long = files.filter(|file| file.text.lines().count() > LINES_OF_A_FILE);
    let long = long.map(|file| file.path).collect();
    assert_listed("over 400 lines", &long, &LONG_FILES);
}

#[test]
fn no_function_is_longer_than_50_lines() {
    let files = files();
    let long = files
        .iter()
        .flat_map(functions)
        .filter(|it| it.lines > LINES_OF_A_FUNCTION);
    let long: BTreeSet<_> = long.map(|it| format!("{}::{}", it.file, it.name)).collect();
    assert_listed("over 50 lines", &long, &LONG_FUNCTIONS);
}

#[test]
fn what_has_the_whole_loop_in_its_hands_becomes_less() {
    let files = files();
    let count = files
        .iter()
        .flat_map(functions)
        .filter(|it| it.of == "Loop")
        .count();
    assert!(
        count <= FUNCTIONS_OF_LOOP,
        "impl Loop has {count} functions: can they do with a socket and its errands?"
    );
    assert!(
        count + 10 > FUNCTIONS_OF_LOOP,
        "impl Loop has {count} functions only: let the number here be that"
    );
}
