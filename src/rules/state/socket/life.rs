//! The life of a socket: made, connecting, open, destroyed, closed; and perhaps connecting again.
#![doc = include_str!("life.md")]
//!
//! A socket that has finished before it connects only receives. One whose `finish` is queued, or a
//! write of which has failed, does not connect.

use super::{Action, Input, Readable, State, Writable};
use crate::rules::state::{Row, rows_of};

/// One step of the life: the state after, and what to do. See [the table](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, State, Writable, life};
///
/// let left = (Readable::Due, Writable::Ending);
/// let (next, actions) = life::step(State::Open(left.0, left.1), Input::DestroyCalled);
/// assert_eq!(next, State::Destroyed(left.0, left.1)); // what is left stays known
/// assert_eq!(actions, [Action::Release]);
/// ```
pub fn step(state: State, input: Input) -> (State, &'static [Action]) {
    match state {
        State::Idle(sending) => match input {
            Input::ConnectCalled if matches!(sending, Writable::Open | Writable::Finished) => {
                (State::Opening(sending), &[])
            }
            Input::EndCalled if sending == Writable::Open => {
                (State::Idle(Writable::Due), &[Action::QueueFinish])
            }
            Input::DestroyCalled => (
                State::Destroyed(Readable::Open, sending),
                &[Action::QueueClose],
            ),
            _ => (state, &[]),
        },
        State::Opening(sending) => match input {
            Input::Connected => (State::Open(Readable::Open, sending), &[Action::EmitConnect]),
            Input::DestroyCalled => (
                State::Destroyed(Readable::Open, sending),
                &[Action::Release],
            ),
            _ => (state, &[]),
        },
        State::Open(receiving, sending) => match input {
            Input::ResetCalled => (state, &[Action::Reset]),
            Input::DestroyCalled => (State::Destroyed(receiving, sending), &[Action::Release]),
            _ => (state, &[]),
        },
        State::Destroyed(receiving, sending) => match input {
            Input::CloseDue => (State::Closed(receiving, sending), &[Action::EmitClose]),
            _ => (state, &[]),
        },
        State::Closed(_, _) => match input {
            Input::ConnectCalled => (State::Opening(Writable::Open), &[]),
            _ => (state, &[]),
        },
    }
}

/// The life as a table, with halves that are open: each pair of state and input that changes
/// something. It is what [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<State, Input, Action>> {
    let open = (Readable::Open, Writable::Open);
    let states = [
        State::Idle(open.1),
        State::Opening(open.1),
        State::Open(open.0, open.1),
        State::Destroyed(open.0, open.1),
        State::Closed(open.0, open.1),
    ];
    rows_of(&states, &Input::ALL, step)
}
