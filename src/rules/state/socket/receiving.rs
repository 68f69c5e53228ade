//! The receiving half of a socket: from the first byte to `end`.
#![doc = include_str!("receiving.md")]

use super::inputs::{Action, Input};
use super::states::Readable;
use crate::rules::state::{Row, rows_of};

/// One step of the receiving half: the state after, and what to do. See [the table](self).
pub fn step(half: Readable, input: Input) -> (Readable, &'static [Action]) {
    match half {
        Readable::Open => match input {
            Input::PeerEnded => (Readable::Eof, &[]),
            _ => (half, &[]),
        },
        Readable::Eof => match input {
            Input::Delivered => (Readable::Due, &[Action::QueueEnd]),
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

/// The half as a table: each pair of state and input that changes something. It is what
/// [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Readable, Input, Action>> {
    rows_of(&Readable::ALL, &Input::ALL, step)
}
