//! The life of the timer-driven client program: connect, talk at each tick, leave.
//!
//! The JavaScript it comes from leaves its interval running when the connection is gone, and
//! writes to a closed socket for ever. Here every row that leaves `Talking` has `StopTicking`: that is
//! the cure.
#![doc = include_str!("client.md")]

use std::fmt;

use super::{Row, rows_of};

/// The state of the client.
///
/// ```
/// use netloop::state::client::{Action, State, rows};
///
/// for (from, _, to, actions) in rows() {
///     if from == State::Talking && to != State::Talking {
///         assert!(actions.contains(&Action::StopTicking)); // the cure
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started.
    Idle,
    /// Waiting for the connection.
    Connecting,
    /// Connected, the interval is running.
    Talking,
    /// The last message was sent, or the peer has ended: waiting for `close`.
    Leaving,
    /// `close` came.
    Stopped,
}

/// What happened.
///
/// ```
/// use netloop::state::client::{Input, State, step};
///
/// let told = [Input::Started, Input::Connected, Input::PeerEnded, Input::Closed];
/// let end = told.into_iter().fold(State::Idle, |state, input| step(state, input).0);
/// assert_eq!(end, State::Stopped);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The program was started.
    Started,
    /// `connect` was emitted.
    Connected,
    /// The interval fired.
    Ticked,
    /// The last message was sent.
    CountReached,
    /// `end` was emitted.
    PeerEnded,
    /// `close` was emitted.
    Closed,
}

/// What the driver is to do, in the order of the row.
///
/// ```
/// use netloop::state::client::{Action, Input, State, step};
///
/// let actions = step(State::Talking, Input::CountReached).1;
/// assert_eq!(actions, [Action::StopTicking, Action::End]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Connect.
    Connect,
    /// Start the interval.
    StartTicking,
    /// Clear the interval.
    StopTicking,
    /// Write the message.
    Say,
    /// End our half.
    End,
}

/// One step of the client's life: the state after, and what to do. See [the table](self).
pub fn step(state: State, input: Input) -> (State, &'static [Action]) {
    match state {
        State::Idle => match input {
            Input::Started => (State::Connecting, &[Action::Connect]),
            _ => (state, &[]),
        },
        State::Connecting => match input {
            Input::Connected => (State::Talking, &[Action::StartTicking]),
            Input::Closed => (State::Stopped, &[]),
            _ => (state, &[]),
        },
        State::Talking => match input {
            Input::Ticked => (State::Talking, &[Action::Say]),
            Input::CountReached => (State::Leaving, &[Action::StopTicking, Action::End]),
            Input::PeerEnded => (State::Leaving, &[Action::StopTicking]),
            Input::Closed => (State::Stopped, &[Action::StopTicking]),
            _ => (state, &[]),
        },
        State::Leaving => match input {
            Input::Closed => (State::Stopped, &[]),
            _ => (state, &[]),
        },
        State::Stopped => (state, &[]),
    }
}

impl State {
    /// Every state there is.
    pub const ALL: [State; 5] = [
        State::Idle,
        State::Connecting,
        State::Talking,
        State::Leaving,
        State::Stopped,
    ];
}

impl Input {
    /// Every input there is.
    pub const ALL: [Input; 6] = [
        Input::Started,
        Input::Connected,
        Input::Ticked,
        Input::CountReached,
        Input::PeerEnded,
        Input::Closed,
    ];
}

/// The machine as a table: each pair of state and input that changes something. It is what
/// [`table`](super::table) prints.
pub fn rows() -> Vec<Row<State, Input, Action>> {
    rows_of(&State::ALL, &Input::ALL, step)
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            State::Idle => "idle",
            State::Connecting => "connecting",
            State::Talking => "talking",
            State::Leaving => "leaving",
            State::Stopped => "stopped",
        })
    }
}
