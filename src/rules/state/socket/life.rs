//! The life of a socket: made, connecting, open, destroyed, closed; and perhaps connecting again.
#![doc = include_str!("life.md")]
//!
//! A socket that emits `finish` before it connects only receives. It does not connect while `finish`
//! is queued, nor after a failed write.

use super::inputs::{Action, Input};
use super::states::{Standing, State, Writable};
use crate::rules::state::{Row, rows_of};

/// One step of the life: the state after, and what to do. See [the table](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, Standing, State, life};
///
/// let socket = Standing { receiving: Readable::Due, ..Standing::OPEN };
/// let (next, actions) = life::step(socket, Input::DestroyCalled);
/// assert_eq!(next, socket.at(State::Destroyed)); // the halves stay
/// assert_eq!(actions, [Action::Release]);
/// ```
pub fn step(socket: Standing, input: Input) -> (Standing, &'static [Action]) {
    let sending = socket.sending;
    match socket.life {
        State::Idle => match input {
            Input::ConnectCalled if matches!(sending, Writable::Open | Writable::Finished) => {
                (socket.at(State::Opening), &[])
            }
            Input::EndCalled if sending == Writable::Open => {
                let sending = Writable::Due;
                (Standing { sending, ..socket }, &[Action::QueueFinish])
            }
            Input::DestroyCalled => (socket.at(State::Destroyed), &[Action::QueueClose]),
            _ => (socket, &[]),
        },
        State::Opening => match input {
            Input::Connected => (socket.at(State::Open), &[Action::EmitConnect]),
            Input::DestroyCalled => (socket.at(State::Destroyed), &[Action::Release]),
            _ => (socket, &[]),
        },
        State::Open => match input {
            Input::ResetCalled => (socket, &[Action::Reset]),
            Input::DestroyCalled => (socket.at(State::Destroyed), &[Action::Release]),
            _ => (socket, &[]),
        },
        State::Destroyed => match input {
            Input::CloseDue => (socket.at(State::Closed), &[Action::EmitClose]),
            _ => (socket, &[]),
        },
        State::Closed => match input {
            Input::ConnectCalled => (Standing::NEW.at(State::Opening), &[]),
            _ => (socket, &[]),
        },
    }
}

/// The life as a table, of a socket whose halves are open: each pair of state and input that changes
/// something. It is what [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Standing, Input, Action>> {
    let lives = State::ALL.map(|life| Standing::NEW.at(life));
    rows_of(&lives, &Input::ALL, step)
}
