//! A server's life: a name that listens, rests, and listens again.
//!
//! Closing closes the listener, not the name, so there is no last state: a server that has
//! closed is idle again. The driver feeds `Emptied` whenever it finds the listener closed and
//! no connection left.
#![doc = include_str!("server.md")]

use std::fmt;

use super::{Row, rows_of};

/// Where a server stands: [`Server::state`](crate::Server::state). Node shows `listening` only.
///
/// ```
/// use netloop::state::server::State;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut server = event_loop.create_server(|_socket| {});
/// assert_eq!(server.state(), State::Idle);
/// assert_eq!(server.listen_on(())?.state(), State::Listening);
/// assert_eq!(server.close().state(), State::Idle); // there was no connection to wait for
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not listening, and nobody waits for `close`.
    Idle,
    /// `listen` was called with a host; its address is being looked up. A server that drains
    /// goes on draining meanwhile: its `close` may come before the address.
    Resolving,
    /// Accepting connections.
    Listening,
    /// Out of descriptors: a timer, or a descriptor that becomes free, ends the rest.
    Resting,
    /// `close_after_backlog` was called: those who have connected are accepted, then the listener
    /// closes.
    Closing,
    /// `close` was called; connections may be left.
    Draining,
}

/// What happened.
///
/// ```
/// use netloop::state::server::{Action, Input, State, step};
///
/// let (resting, actions) = step(State::Listening, Input::Exhausted);
/// assert_eq!((resting, actions), (State::Resting, &[Action::StartRest][..]));
/// assert!(resting.is_listening()); // the kernel goes on to take connections
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// `listen` was called with a host.
    HostGiven,
    /// A listener stands.
    Bound,
    /// No listener could be made.
    BindFailed,
    /// `accept` found no free descriptor.
    Exhausted,
    /// The time to try `accept` again has come.
    RetryDue,
    /// `close` was called.
    CloseCalled,
    /// `close_after_backlog` was called while there is a listener.
    LastCalled,
    /// `accept` found nobody waiting.
    NobodyWaits,
    /// The listener is closed and the last connection has gone.
    Emptied,
}

/// What is to be done, in the order in which it is named.
///
/// ```
/// use netloop::state::server::{Action, Input, State, step};
///
/// let actions = step(State::Resting, Input::CloseCalled).1;
/// assert_eq!(actions, [Action::EndRest, Action::Release]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Queue the tick of `listening`.
    QueueListening,
    /// Set the timer that ends the rest.
    StartRest,
    /// Clear the timer that ends the rest.
    EndRest,
    /// Put the listener on the again list, since no new edge will come.
    AcceptAgain,
    /// Have the kernel begin no new connection.
    RefuseNew,
    /// `close(2)` the listener, unlink its path.
    Release,
    /// Queue the tick of `close`.
    QueueClose,
}

/// One step of a server's life: the state after, and what to do. See [the table](self).
pub fn step(state: State, input: Input) -> (State, &'static [Action]) {
    match state {
        State::Idle => match input {
            Input::HostGiven => (State::Resolving, &[]),
            Input::Bound => (State::Listening, &[Action::QueueListening]),
            Input::CloseCalled => (State::Draining, &[]),
            _ => (state, &[]),
        },
        State::Resolving => match input {
            Input::Bound => (State::Listening, &[Action::QueueListening]),
            Input::BindFailed => (State::Idle, &[]),
            Input::CloseCalled => (State::Draining, &[]),
            _ => (state, &[]),
        },
        State::Listening => match input {
            Input::Exhausted => (State::Resting, &[Action::StartRest]),
            Input::CloseCalled => (State::Draining, &[Action::Release]),
            Input::LastCalled => (State::Closing, &[Action::RefuseNew, Action::AcceptAgain]),
            _ => (state, &[]),
        },
        State::Resting => match input {
            Input::RetryDue => (State::Listening, &[Action::EndRest, Action::AcceptAgain]),
            Input::CloseCalled => (State::Draining, &[Action::EndRest, Action::Release]),
            Input::LastCalled => (
                State::Closing,
                &[Action::EndRest, Action::RefuseNew, Action::AcceptAgain],
            ),
            _ => (state, &[]),
        },
        State::Closing => match input {
            Input::NobodyWaits | Input::Exhausted | Input::CloseCalled => {
                (State::Draining, &[Action::Release])
            }
            _ => (state, &[]),
        },
        State::Draining => match input {
            Input::Bound => (State::Listening, &[Action::QueueListening]),
            Input::Emptied => (State::Idle, &[Action::QueueClose]),
            _ => (state, &[]),
        },
    }
}

impl State {
    /// Whether there is a listener: Node's `listening`.
    pub fn is_listening(self) -> bool {
        match self {
            State::Listening | State::Resting | State::Closing => true,
            State::Idle | State::Resolving | State::Draining => false,
        }
    }

    /// Every state there is.
    pub const ALL: [State; 6] = [
        State::Idle,
        State::Resolving,
        State::Listening,
        State::Resting,
        State::Closing,
        State::Draining,
    ];
}

impl Input {
    /// Every input there is.
    pub const ALL: [Input; 9] = [
        Input::HostGiven,
        Input::Bound,
        Input::BindFailed,
        Input::Exhausted,
        Input::RetryDue,
        Input::CloseCalled,
        Input::LastCalled,
        Input::NobodyWaits,
        Input::Emptied,
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
            State::Resolving => "resolving",
            State::Listening => "listening",
            State::Resting => "resting",
            State::Closing => "closing",
            State::Draining => "draining",
        })
    }
}
