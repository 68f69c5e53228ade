//! A server's life: it listens, closes, and may listen again.
//!
//! Closing ends the listener, not the id, so there is no final state: a server that has closed is
//! idle again. The driver feeds `Emptied` whenever the listener is closed and no connection is left.
#![doc = include_str!("server.md")]

use std::fmt;

use super::{Row, rows_of};

/// The state of a server: [`Server::state`](crate::Server::state). Node shows `listening` only.
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
    /// Not listening, and no `close` is due.
    Idle,
    /// `listen` was called with a host, and is not bound yet: the host is being looked up, or its address
    /// is bound in the next tick. A server that drains stays in that state meanwhile: its `close` may come
    /// before it is bound.
    Resolving,
    /// Accepting connections.
    Listening,
    /// Out of descriptors: nothing is accepted until a timer fires or a descriptor becomes free.
    BackingOff,
    /// `close_after_backlog` was called: the connections in the backlog are accepted.
    Closing,
    /// The backlog is empty, but a client is connected as soon as it has the kernel's answer, and its own
    /// last segment may still be on its way. The connections whose handshake ends in time are accepted.
    AwaitingHandshakes,
    /// The time for handshakes is over. What waits in the backlog is accepted, however late the loop is;
    /// then the listener closes.
    Finishing,
    /// `close` was called; connections may be left.
    Draining,
}

/// What happened.
///
/// ```
/// use netloop::state::server::{Action, Input, State, step};
///
/// let (backing_off, actions) = step(State::Listening, Input::Exhausted);
/// assert_eq!((backing_off, actions), (State::BackingOff, &[Action::StartBackOff][..]));
/// assert!(backing_off.is_listening()); // the kernel still takes connections
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// `listen` was called with a host.
    HostGiven,
    /// The listener is bound.
    Bound,
    /// The listener could not be bound.
    BindFailed,
    /// `accept` found no free descriptor.
    Exhausted,
    /// The time to try `accept` again has come.
    RetryDue,
    /// `close` was called.
    CloseCalled,
    /// `close_after_backlog` was called while there is a listener.
    LastCalled,
    /// `accept` found the backlog empty.
    NobodyWaits,
    /// The time for handshakes that were under way is over.
    HandshakesDue,
    /// `accept` will return no more connections.
    Failed,
    /// The listener is closed and the last connection has gone.
    Emptied,
}

/// What the driver is to do, in the order of the row.
///
/// ```
/// use netloop::state::server::{Action, Input, State, step};
///
/// let actions = step(State::BackingOff, Input::CloseCalled).1;
/// assert_eq!(actions, [Action::EndBackOff, Action::Release]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Queue the tick of `listening`.
    QueueListening,
    /// Arm the timer that ends the back-off.
    StartBackOff,
    /// Clear the timer that ends the back-off.
    EndBackOff,
    /// Put the listener on the again list, since no new edge will come.
    AcceptAgain,
    /// Make the kernel refuse new connections.
    RefuseNew,
    /// Arm the timer that ends the time for handshakes.
    AwaitHandshakes,
    /// Clear the timer that ends the time for handshakes.
    EndAwait,
    /// Call `close(2)` on the listener, and unlink its path.
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
            Input::Exhausted => (State::BackingOff, &[Action::StartBackOff]),
            Input::CloseCalled => (State::Draining, &[Action::Release]),
            Input::LastCalled => (State::Closing, &[Action::RefuseNew, Action::AcceptAgain]),
            _ => (state, &[]),
        },
        State::BackingOff => match input {
            Input::RetryDue => (State::Listening, &[Action::EndBackOff, Action::AcceptAgain]),
            Input::CloseCalled => (State::Draining, &[Action::EndBackOff, Action::Release]),
            Input::LastCalled => (
                State::Closing,
                &[Action::EndBackOff, Action::RefuseNew, Action::AcceptAgain],
            ),
            _ => (state, &[]),
        },
        State::Closing => match input {
            Input::NobodyWaits => (State::AwaitingHandshakes, &[Action::AwaitHandshakes]),
            _ => cut_short(state, input, &[Action::Release]),
        },
        State::AwaitingHandshakes => match input {
            Input::HandshakesDue => (State::Finishing, &[Action::EndAwait, Action::AcceptAgain]),
            _ => cut_short(state, input, &[Action::EndAwait, Action::Release]),
        },
        State::Finishing => match input {
            Input::NobodyWaits => (State::Draining, &[Action::Release]),
            _ => cut_short(state, input, &[Action::Release]),
        },
        State::Draining => match input {
            Input::Bound => (State::Listening, &[Action::QueueListening]),
            Input::Emptied => (State::Idle, &[Action::QueueClose]),
            _ => (state, &[]),
        },
    }
}

/// Ends the accepting of the last connections, whatever it has come to.
fn cut_short(state: State, input: Input, actions: &'static [Action]) -> (State, &'static [Action]) {
    match input {
        Input::Exhausted | Input::Failed | Input::CloseCalled => (State::Draining, actions),
        _ => (state, &[]),
    }
}

impl State {
    /// Whether there is a listener: Node's `listening`.
    pub fn is_listening(self) -> bool {
        match self {
            State::Listening | State::BackingOff => true,
            State::Closing | State::AwaitingHandshakes | State::Finishing => true,
            State::Idle | State::Resolving | State::Draining => false,
        }
    }

    /// Whether `close_after_backlog` was called, and connections are still accepted.
    pub(crate) fn accepts_last(self) -> bool {
        matches!(
            self,
            State::Closing | State::AwaitingHandshakes | State::Finishing
        )
    }

    /// Whether the next step is that of a timer.
    pub(crate) fn waits_for_time(self) -> bool {
        matches!(self, State::BackingOff | State::AwaitingHandshakes)
    }

    /// Every state there is.
    pub const ALL: [State; 8] = [
        State::Idle,
        State::Resolving,
        State::Listening,
        State::BackingOff,
        State::Closing,
        State::AwaitingHandshakes,
        State::Finishing,
        State::Draining,
    ];
}

impl Input {
    /// Every input there is.
    pub const ALL: [Input; 11] = [
        Input::HostGiven,
        Input::Bound,
        Input::BindFailed,
        Input::Exhausted,
        Input::RetryDue,
        Input::CloseCalled,
        Input::LastCalled,
        Input::NobodyWaits,
        Input::HandshakesDue,
        Input::Failed,
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
            State::BackingOff => "backing off",
            State::Closing => "closing",
            State::AwaitingHandshakes => "awaiting handshakes",
            State::Finishing => "finishing",
            State::Draining => "draining",
        })
    }
}
