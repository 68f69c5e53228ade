//! The tables of the three machines, as they are printed in the documentation.

use std::fmt::{Debug, Display, Write};

use super::{Action, Flow, Notice, Request, flow, notice, request};

/// Prints a machine: each pair of state and input that changes something.
fn table<S: Copy + Display + PartialEq, I: Copy + Debug>(
    name: &str,
    states: &[S],
    inputs: &[I],
    step: impl Fn(S, I) -> (S, Option<Action>),
) -> String {
    let mut page = format!("\n{name}:\n\n| state | input | next | action |\n");
    page.push_str("| --- | --- | --- | --- |\n");
    for &state in states {
        for &input in inputs {
            let (next, action) = step(state, input);
            if next != state || action.is_some() {
                let action = action.map_or(String::new(), |action| format!("{action:?}"));
                let _ = writeln!(page, "| {state} | {input:?} | {next} | {action} |");
            }
        }
    }
    page
}

#[test]
fn the_printed_tables_are_those_of_the_machines() {
    let page = [
        table("Flow", &Flow::ALL, &flow::Input::ALL, Flow::step),
        table(
            "Request",
            &Request::ALL,
            &request::Input::ALL,
            Request::step,
        ),
        table("Notice", &Notice::ALL, &notice::Input::ALL, Notice::step),
    ]
    .concat();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/receiving/tables.md");
    if std::env::var_os("NETLOOP_WRITE_TABLES").is_some() {
        std::fs::write(path, &page).expect("the tables can be written");
    }
    let printed = std::fs::read_to_string(path).expect("the tables are there");
    assert!(
        printed == page,
        "{path} is not what the machines say; NETLOOP_WRITE_TABLES=1 cargo test --lib receiving \
         writes it anew"
    );
}

/// A chunk that is asked for twice would be one too many, and one that is not asked for while the
/// kernel is not read never comes.
#[test]
fn the_kernel_is_started_and_stopped_in_turn() {
    for state in Request::ALL {
        for input in request::Input::ALL {
            let (next, action) = state.step(input);
            let (was_read, is_read) = (state.reads_kernel(), next.reads_kernel());
            assert_eq!(
                action == Some(Action::Start),
                is_read && !was_read,
                "{state} {input:?}"
            );
            assert_eq!(
                action == Some(Action::Stop),
                was_read && !is_read,
                "{state} {input:?}"
            );
        }
    }
}
