//! The lifecycles, as pure and total functions over small enums.
//!
//! ```
//! use netloop::state::socket::{Action, Input, Standing, State, step};
//!
//! let (opening, open) = (Standing::NEW.at(State::Opening), Standing::OPEN);
//! assert_eq!(step(opening, Input::Connected), (open, &[Action::EmitConnect][..]));
//! assert_eq!(step(open, Input::Connected), (open, &[][..])); // an impossible input changes nothing
//! ```
//!
//! A state machine here is one function, `step(state, input) -> (state, actions)`. It knows no
//! clock, no socket, no log and no bytes. A driver feeds it what happened (an *input*, named by a past
//! participle) and performs the *actions* that it returns (imperatives), in order. No driver keeps a
//! lifecycle flag of its own, and none performs an action that the machine has not returned. So the
//! tables show all states there are, and all that follows in each. The machine of a [socket] is composed
//! of three small ones: its life and its two halves.
//!
//! The machines are here to be studied, and change with the library. This module is not covered by
//! Semantic Versioning, so a `match` on a state can be exhaustive. For names that are stable, use
//! [`ready_state`](crate::Socket::ready_state) and the other properties of a socket.
//!
//! The table on the page of each machine is printed from the machine itself ([`table`]); a test keeps
//! the page and the code equal.

pub mod client;
pub mod server;
pub mod socket;

use std::fmt::{Debug, Display, Write};

/// One row of a machine's table: the state, the input, the next state, and the actions.
///
/// ```
/// use netloop::state::{Row, server};
///
/// let first: Row<server::State, server::Input, server::Action> = server::rows()[0];
/// let (from, input, to, actions) = first;
/// assert_eq!(server::step(from, input), (to, actions));
/// ```
pub type Row<S, I, A> = (S, I, S, &'static [A]);

/// Prints a machine as a Markdown table: each pair of state and input that changes something.
/// A pair that is not in the table leaves everything as it is.
///
/// ```
/// use netloop::state::{client, table};
///
/// let page = table(&client::rows());
/// assert!(page.contains("| idle | Started | connecting | Connect |"));
/// ```
pub fn table<S: Display + PartialEq, I: Debug, A: Debug>(rows: &[Row<S, I, A>]) -> String {
    let mut page = String::from("| state | input | next | actions |\n| --- | --- | --- | --- |\n");
    for (state, input, next, actions) in rows {
        let actions: Vec<String> = actions.iter().map(|action| format!("{action:?}")).collect();
        let _ = writeln!(
            page,
            "| {state} | {input:?} | {next} | {} |",
            actions.join(", ")
        );
    }
    page
}

/// Walks a whole machine and returns the pairs that change something.
fn rows_of<S: Copy + PartialEq, I: Copy, A>(
    states: &[S],
    inputs: &[I],
    step: impl Fn(S, I) -> (S, &'static [A]),
) -> Vec<Row<S, I, A>> {
    let mut rows = Vec::new();
    for &state in states {
        for &input in inputs {
            let (next, actions) = step(state, input);
            if next != state || !actions.is_empty() {
                rows.push((state, input, next, actions));
            }
        }
    }
    rows
}
