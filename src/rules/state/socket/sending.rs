//! The sending half of a socket: from the first write to `finish`.
#![doc = include_str!("sending.md")]

use super::{Action, Input};
use crate::rules::state::{Row, rows_of};

/// Where the sending half stands.
///
/// ```
/// use netloop::state::socket::sending::{Writable, step};
/// use netloop::state::socket::{Action, Input};
///
/// let (half, actions) = step(Writable::Ending, Input::Flushed); // nothing is owed any more
/// assert_eq!((half, actions), (Writable::Shutting, &[Action::QueueShutdown][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writable {
    /// We may write.
    Open,
    /// `end` was called; bytes are still owed.
    Ending,
    /// All bytes have left; `shutdown(2)` is queued for the pending phase.
    Shutting,
    /// Our FIN has left; `finish` is queued as a tick.
    Sent,
    /// `end` was called without a connection, which needs no FIN: `prefinish` and `finish` are queued
    /// as a tick.
    Due,
    /// `finish` has been emitted.
    Finished,
    /// A write failed before `end` was called; what destroys the socket follows.
    Broken,
}

/// One step of the sending half: the state after, and what to do. See [the table](self).
pub fn step(half: Writable, input: Input) -> (Writable, &'static [Action]) {
    match half {
        Writable::Open => match input {
            Input::EndCalled => (Writable::Ending, &[]),
            Input::WriteFailed => (Writable::Broken, &[]),
            _ => (half, &[]),
        },
        Writable::Ending => match input {
            Input::Flushed => (Writable::Shutting, &[Action::QueueShutdown]),
            _ => (half, &[]),
        },
        Writable::Shutting => match input {
            Input::ShutDown => (
                Writable::Sent,
                &[Action::EmitPrefinish, Action::QueueFinish],
            ),
            _ => (half, &[]),
        },
        Writable::Sent => match input {
            Input::FinishDue => (Writable::Finished, &[Action::EmitFinish]),
            _ => (half, &[]),
        },
        Writable::Due => match input {
            Input::FinishDue => (
                Writable::Finished,
                &[Action::EmitPrefinish, Action::EmitFinish],
            ),
            _ => (half, &[]),
        },
        Writable::Finished | Writable::Broken => (half, &[]),
    }
}

impl Writable {
    /// Every state there is.
    pub const ALL: [Writable; 7] = [
        Writable::Open,
        Writable::Ending,
        Writable::Shutting,
        Writable::Sent,
        Writable::Due,
        Writable::Finished,
        Writable::Broken,
    ];
}

/// The half as a table: each pair of state and input that changes something. It is what
/// [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Writable, Input, Action>> {
    rows_of(&Writable::ALL, &Input::ALL, step)
}
