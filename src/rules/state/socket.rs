//! A socket's life, after the words of Node's `readyState` and what Node hides in flags.
//!
//! The two directions of an open socket end independently, so an open state names both. The
//! driver feeds what it knows: `Flushed` whenever nothing is owed any more, `Drained` whenever
//! the peer has ended and nothing received is left undelivered, `EndCalled` a tick after `end`
//! unless `allow_half_open` is set. So no policy enters the table, and an error is nothing but
//! a `DestroyCalled` whose reason the driver keeps.
#![doc = include_str!("socket.md")]

mod questions;
mod words;

use super::{Row, rows_of};

/// Where a socket stands: [`Socket::state`](crate::Socket::state). Node shows it as
/// [`readyState`](State::ready_state) and a dozen flags.
///
/// ```
/// use netloop::state::socket::{State, Writable};
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut socket = event_loop.socket();
/// assert_eq!(socket.state(), State::Idle(Writable::Open));
/// assert_eq!(socket.ready_state(), "open"); // as Node says of it
/// assert_eq!(socket.destroy().state(), State::Destroyed);
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, and not connected to anything yet.
    Idle(Writable),
    /// `connect` was called; neither connected nor failed yet. Node's `opening`.
    Opening(Intent),
    /// Connected; each direction has a state of its own.
    Open(Readable, Writable),
    /// The descriptor is closed, `close` has not been emitted yet.
    Destroyed,
    /// `close` has been emitted.
    Closed,
}

/// What was asked of a socket before it was connected.
///
/// ```
/// use netloop::state::socket::{Action, Input, Intent, Readable, State, Writable, step};
///
/// let (state, _) = step(State::Opening(Intent::Talk), Input::EndCalled);
/// assert_eq!(state, State::Opening(Intent::End)); // it waits for the connection
/// let half_ended = State::Open(Readable::Open, Writable::Ending);
/// assert_eq!(step(state, Input::Connected), (half_ended, &[Action::EmitConnect][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    /// Nothing but to connect.
    Talk,
    /// To end once all that was written has left.
    End,
    /// It had ended, and emitted `finish`, before `connect` was called.
    Receive,
}

/// The receiving half of an open socket.
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, State, Writable, step};
///
/// let eof = State::Open(Readable::Eof, Writable::Open);
/// let (due, actions) = step(eof, Input::Drained); // the program has taken all that came
/// assert_eq!(due, State::Open(Readable::Due, Writable::Open));
/// assert_eq!(actions, [Action::QueueEnd]);
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

/// The sending half of a socket.
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, State, Writable, step};
///
/// let ending = State::Open(Readable::Open, Writable::Ending);
/// let (shutting, actions) = step(ending, Input::Flushed); // nothing is owed any more
/// assert_eq!(shutting, State::Open(Readable::Open, Writable::Shutting));
/// assert_eq!(actions, [Action::QueueShutdown]);
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
    /// `finish` has been emitted.
    Finished,
    /// A write failed before `end` was called; what destroys the socket follows.
    Broken,
}

/// What happened.
///
/// ```
/// use netloop::state::socket::{Input, State, step};
///
/// for input in Input::ALL {
///     assert_eq!(step(State::Destroyed, input).0 == State::Closed, input == Input::CloseDue);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// `connect` was called.
    ConnectCalled,
    /// The kernel says that the connection stands.
    Connected,
    /// `end` was called, by the user or for him.
    EndCalled,
    /// Nothing is owed to the kernel any more.
    Flushed,
    /// `shutdown(2)` was done.
    ShutDown,
    /// The tick of `finish` has come.
    FinishDue,
    /// The kernel refused a write.
    WriteFailed,
    /// The peer's FIN was read.
    PeerEnded,
    /// The peer has ended and no received byte waits for the user.
    Drained,
    /// Bytes were put back in front before the tick of `end` came.
    Unshifted,
    /// The tick of `end` has come.
    EndDue,
    /// `reset_and_destroy` was called.
    ResetCalled,
    /// `destroy` was called, by the user, by an error or by an action.
    DestroyCalled,
    /// The time to emit `close` has come.
    CloseDue,
}

/// What is to be done, in the order in which it is named.
///
/// ```
/// use netloop::state::socket::{Action, rows};
///
/// for (_, _, next, actions) in rows() {
///     if actions.contains(&Action::Release) {
///         assert!(next.is_destroyed()); // close(2) is called by nobody else
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Emit `connect`, then `ready`.
    EmitConnect,
    /// Queue `shutdown(2)` for the pending phase.
    QueueShutdown,
    /// Emit `prefinish`.
    EmitPrefinish,
    /// Queue the tick of `finish`.
    QueueFinish,
    /// Call the callbacks of `end`, emit `finish`.
    EmitFinish,
    /// Queue the tick of `end`.
    QueueEnd,
    /// Emit `end`.
    EmitEnd,
    /// Queue our own `end` as a tick, unless the socket allows to be half open.
    OfferEnd,
    /// Destroy the socket, without an error.
    Destroy,
    /// Destroy the socket so that the peer sees a reset.
    Reset,
    /// `close(2)`, and join the closing phase.
    Release,
    /// Queue the tick of `close`: there is no descriptor to close.
    QueueClose,
    /// Emit `close`.
    EmitClose,
}

/// One step of a socket's life: the state after, and what to do. See [the table](self).
pub fn step(state: State, input: Input) -> (State, &'static [Action]) {
    match state {
        State::Idle(writable) => step_idle(writable, input),
        State::Opening(intent) => step_opening(intent, input),
        State::Open(readable, writable) => step_open(readable, writable, input),
        State::Destroyed => match input {
            Input::CloseDue => (State::Closed, &[Action::EmitClose]),
            _ => (state, &[]),
        },
        State::Closed => match input {
            Input::ConnectCalled => (State::Opening(Intent::Talk), &[]),
            _ => (state, &[]),
        },
    }
}

fn step_idle(writable: Writable, input: Input) -> (State, &'static [Action]) {
    let idle = State::Idle;
    match (input, writable) {
        (Input::ConnectCalled, Writable::Open) => (State::Opening(Intent::Talk), &[]),
        (Input::ConnectCalled, Writable::Finished) => (State::Opening(Intent::Receive), &[]),
        (Input::EndCalled, Writable::Open) => (idle(Writable::Sent), &[Action::QueueFinish]),
        (Input::FinishDue, Writable::Sent) => (
            idle(Writable::Finished),
            &[Action::EmitPrefinish, Action::EmitFinish],
        ),
        (Input::WriteFailed, Writable::Open) => (idle(Writable::Broken), &[]),
        (Input::DestroyCalled, _) => (State::Destroyed, &[Action::QueueClose]),
        (_, _) => (idle(writable), &[]),
    }
}

fn step_opening(intent: Intent, input: Input) -> (State, &'static [Action]) {
    let opening = State::Opening;
    let connected = |writable| State::Open(Readable::Open, writable);
    match (input, intent) {
        (Input::Connected, Intent::Talk) => (connected(Writable::Open), &[Action::EmitConnect]),
        (Input::Connected, Intent::End) => (connected(Writable::Ending), &[Action::EmitConnect]),
        (Input::Connected, Intent::Receive) => {
            (connected(Writable::Finished), &[Action::EmitConnect])
        }
        (Input::EndCalled, Intent::Talk) => (opening(Intent::End), &[]),
        (Input::DestroyCalled, _) => (State::Destroyed, &[Action::Release]),
        (_, _) => (opening(intent), &[]),
    }
}

fn step_open(readable: Readable, writable: Writable, input: Input) -> (State, &'static [Action]) {
    let (read, write) = (
        |next| State::Open(next, writable),
        |next| State::Open(readable, next),
    );
    match (input, readable, writable) {
        (Input::EndCalled, _, Writable::Open) => (write(Writable::Ending), &[]),
        (Input::Flushed, _, Writable::Ending) => {
            (write(Writable::Shutting), &[Action::QueueShutdown])
        }
        (Input::ShutDown, _, Writable::Shutting) => (
            write(Writable::Sent),
            &[Action::EmitPrefinish, Action::QueueFinish],
        ),
        (Input::FinishDue, Readable::Ended, Writable::Sent) => (
            write(Writable::Finished),
            &[Action::EmitFinish, Action::Destroy],
        ),
        (Input::FinishDue, _, Writable::Sent) => (write(Writable::Finished), &[Action::EmitFinish]),
        (Input::WriteFailed, _, Writable::Open) => (write(Writable::Broken), &[]),
        // It is destroyed next: no end is told any more.
        (
            Input::PeerEnded | Input::Drained | Input::Unshifted | Input::EndDue,
            _,
            Writable::Broken,
        ) => (read(readable), &[]),
        (Input::PeerEnded, Readable::Open, _) => (read(Readable::Eof), &[]),
        (Input::Drained, Readable::Eof, _) => (read(Readable::Due), &[Action::QueueEnd]),
        (Input::Unshifted, Readable::Due, _) => (read(Readable::Eof), &[]),
        (Input::EndDue, Readable::Due, Writable::Open) => {
            (read(Readable::Ended), &[Action::EmitEnd, Action::OfferEnd])
        }
        (Input::EndDue, Readable::Due, Writable::Finished) => {
            (read(Readable::Ended), &[Action::EmitEnd, Action::Destroy])
        }
        (Input::EndDue, Readable::Due, _) => (read(Readable::Ended), &[Action::EmitEnd]),
        (Input::ResetCalled, _, _) => (read(readable), &[Action::Reset]),
        (Input::DestroyCalled, _, _) => (State::Destroyed, &[Action::Release]),
        (_, _, _) => (read(readable), &[]),
    }
}

impl State {
    /// Every state there is.
    pub fn all() -> Vec<State> {
        let mut all = Vec::new();
        all.extend(Writable::ALL.map(State::Idle));
        all.retain(|state| !matches!(state, State::Idle(Writable::Ending | Writable::Shutting)));
        all.extend(Intent::ALL.map(State::Opening));
        for readable in Readable::ALL {
            all.extend(Writable::ALL.map(|writable| State::Open(readable, writable)));
        }
        all.extend([State::Destroyed, State::Closed]);
        all
    }
}

impl Intent {
    const ALL: [Intent; 3] = [Intent::Talk, Intent::End, Intent::Receive];
}

impl Readable {
    const ALL: [Readable; 4] = [
        Readable::Open,
        Readable::Eof,
        Readable::Due,
        Readable::Ended,
    ];
}

impl Writable {
    const ALL: [Writable; 6] = [
        Writable::Open,
        Writable::Ending,
        Writable::Shutting,
        Writable::Sent,
        Writable::Finished,
        Writable::Broken,
    ];
}

impl Input {
    /// Every input there is.
    pub const ALL: [Input; 14] = [
        Input::ConnectCalled,
        Input::Connected,
        Input::EndCalled,
        Input::Flushed,
        Input::ShutDown,
        Input::FinishDue,
        Input::WriteFailed,
        Input::PeerEnded,
        Input::Drained,
        Input::Unshifted,
        Input::EndDue,
        Input::ResetCalled,
        Input::DestroyCalled,
        Input::CloseDue,
    ];
}

/// The machine as a table: each pair of state and input that changes something. It is what
/// [`table`](super::table) prints.
pub fn rows() -> Vec<Row<State, Input, Action>> {
    rows_of(&State::all(), &Input::ALL, step)
}
