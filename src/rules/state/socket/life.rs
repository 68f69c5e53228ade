//! The life of a socket: made, connecting, open, destroyed, closed; and perhaps connecting again.
#![doc = include_str!("life.md")]
//!
//! A socket that has finished before it connects only receives. One whose `finish` is queued, or a
//! write of which has failed, does not connect.

use super::{Action, Input, Standing, Writable};
use crate::rules::state::{Row, rows_of};

/// How far the life of a socket is: [`Socket::state`](crate::Socket::state).
///
/// ```
/// use netloop::state::socket::State;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut socket = event_loop.socket();
/// assert_eq!(socket.state(), State::Idle);
/// assert_eq!(socket.ready_state(), "open"); // as Node says of it
/// assert_eq!(socket.destroy().state(), State::Destroyed);
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, and not connected to anything yet.
    Idle,
    /// `connect` was called; neither connected nor failed yet. Node's `opening`.
    Opening,
    /// Connected.
    Open,
    /// The descriptor is closed, `close` has not been emitted yet.
    Destroyed,
    /// `close` has been emitted.
    Closed,
}

/// One step of the life: where the socket stands afterwards, and what to do. See [the table](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, Standing, State, life};
///
/// let socket = Standing { receiving: Readable::Due, ..Standing::OPEN };
/// let (next, actions) = life::step(socket, Input::DestroyCalled);
/// assert_eq!(next, socket.at(State::Destroyed)); // what is left stays known
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

impl State {
    /// Every state there is.
    pub const ALL: [State; 5] = [
        State::Idle,
        State::Opening,
        State::Open,
        State::Destroyed,
        State::Closed,
    ];

    /// Whether the socket was destroyed: Node's `destroyed`.
    pub fn is_destroyed(self) -> bool {
        match self {
            State::Destroyed | State::Closed => true,
            State::Idle | State::Opening | State::Open => false,
        }
    }
}

/// The life as a table, with halves that are open: each pair of state and input that changes
/// something. It is what [`table`](crate::state::table) prints.
pub fn rows() -> Vec<Row<Standing, Input, Action>> {
    let lives = State::ALL.map(|life| Standing::NEW.at(life));
    rows_of(&lives, &Input::ALL, step)
}
