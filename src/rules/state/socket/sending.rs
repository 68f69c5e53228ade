//! The sending half of a socket: from the first write to `finish`.
#![doc = include_str!("sending.md")]

use super::inputs::{Action, Input};
use super::states::Writable;
use crate::rules::state::{Row, rows_of};

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

/// The half as a table: each pair of state and input that changes something. It is what
/// [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Writable, Input, Action>> {
    rows_of(&Writable::ALL, &Input::ALL, step)
}
