//! The receiving half of a socket: from the first byte to `end`.
#![doc = include_str!("receiving.md")]

use super::{Action, Input};
use crate::rules::state::{Row, rows_of};

/// Where the receiving half stands.
///
/// ```
/// use netloop::state::socket::receiving::{Readable, step};
/// use netloop::state::socket::{Action, Input};
///
/// let (half, actions) = step(Readable::Eof, Input::Drained); // the program has taken all that came
/// assert_eq!((half, actions), (Readable::Due, &[Action::QueueEnd][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Readable {
    /// The peer may still send.
    Open,
    /// The peer's FIN was read; received bytes may still wait for the user.
    Eof,
    /// Nothing waits any more: `end` is queued as a tick.
    Due,
    /// `end` has been emitted.
    Ended,
}

/// One step of the receiving half: the state after, and what to do. See [the table](self).
pub fn step(half: Readable, input: Input) -> (Readable, &'static [Action]) {
    match half {
        Readable::Open => match input {
            Input::PeerEnded => (Readable::Eof, &[]),
            _ => (half, &[]),
        },
        Readable::Eof => match input {
            Input::Drained => (Readable::Due, &[Action::QueueEnd]),
            _ => (half, &[]),
        },
        Readable::Due => match input {
            Input::Unshifted => (Readable::Eof, &[]),
            Input::EndDue => (Readable::Ended, &[Action::EmitEnd]),
            _ => (half, &[]),
        },
        Readable::Ended => (half, &[]),
    }
}

impl Readable {
    /// Every state there is.
    pub const ALL: [Readable; 4] = [
        Readable::Open,
        Readable::Eof,
        Readable::Due,
        Readable::Ended,
    ];
}

/// The half as a table: each pair of state and input that changes something. It is what
/// [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Readable, Input, Action>> {
    rows_of(&Readable::ALL, &Input::ALL, step)
}
