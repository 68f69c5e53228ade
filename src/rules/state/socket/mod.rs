//! A socket: a life, and two halves that end independently of each other.
//!
//! The life is named after Node's `readyState`; what the halves say, Node hides in flags. Each of
//! the three parts has a table, and an input moves one of them.
//!
//! # The life
//!
//! Made, connecting, open, destroyed, closed; and perhaps connecting again. See [`life`].
//!
#![doc = include_str!("life.md")]
//!
//! # The receiving half
//!
//! What the peer still sends, up to its end. See [`receiving`].
//!
#![doc = include_str!("receiving.md")]
//!
//! # The sending half
//!
//! What is still written, up to our end. See [`sending`].
//!
#![doc = include_str!("sending.md")]
//!
//! # What joins them
//!
//! Which inputs reach a half depends on the life:
//!
#![doc = include_str!("hears.md")]
//!
//! So `destroy` does not stop an `end` or a `finish` that was queued before it, as in Node, and how
//! far our half had come can be asked, and moved on by `end`, afterwards (Node's `writableEnded`).
//! Three rules join the halves of an open socket:
//!
//! - When the second of them is over, the socket is destroyed: `Destroy` follows `EmitEnd` or
//!   `EmitFinish`.
//! - When the peer has ended while we may still write, `OfferEnd` follows `EmitEnd`.
//! - When a write has failed, the receiving half hears nothing: the socket is about to be destroyed.
//!
//! # What the driver feeds
//!
//! What it knows: `Flushed` whenever nothing is owed any more, `Drained` whenever the peer has ended
//! and nothing received is left undelivered, `EndCalled` a tick after `end` unless `allow_half_open`
//! is set. So no policy enters the tables, and an error is nothing but a `DestroyCalled` whose reason
//! the driver keeps. An input that [may emit](Input::may_emit) comes from a phase of the loop; none
//! that a call feeds does.

pub mod life;
mod questions;
pub mod receiving;
pub mod sending;
mod words;

pub use receiving::Readable;
pub use sending::Writable;

/// Where a socket stands: [`Socket::state`](crate::Socket::state). Node shows it as
/// [`readyState`](State::ready_state) and a dozen flags.
///
/// ```
/// use netloop::state::socket::{Readable, State, Writable};
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut socket = event_loop.socket();
/// assert_eq!(socket.state(), State::Idle(Writable::Open));
/// assert_eq!(socket.ready_state(), "open"); // as Node says of it
/// assert_eq!(socket.destroy().state(), State::Destroyed(Readable::Open, Writable::Open));
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, and not connected to anything yet.
    Idle(Writable),
    /// `connect` was called; neither connected nor failed yet. Node's `opening`.
    Opening(Writable),
    /// Connected.
    Open(Readable, Writable),
    /// The descriptor is closed, `close` has not been emitted yet. The halves are as they were left,
    /// but for what was queued.
    Destroyed(Readable, Writable),
    /// `close` has been emitted.
    Closed(Readable, Writable),
}

/// What happened.
///
/// ```
/// use netloop::state::socket::{Input, State, step};
///
/// for state in State::all().into_iter().filter(|state| state.is_destroyed()) {
///     for input in Input::ALL {
///         let is_left = matches!(step(state, input).0, State::Opening(_));
///         assert_eq!(is_left, matches!((state, input), (State::Closed(..), Input::ConnectCalled)));
///     }
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
/// use netloop::state::socket::{Action, life};
///
/// for (_, _, next, actions) in life::rows() {
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

/// One step of a socket: the state after, and what to do. See [the rules](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, State, Writable, step};
///
/// let (ending, _) = step(State::Opening(Writable::Open), Input::EndCalled);
/// assert_eq!(ending, State::Opening(Writable::Ending)); // it waits for the connection
/// let half_ended = State::Open(Readable::Open, Writable::Ending);
/// assert_eq!(step(ending, Input::Connected), (half_ended, &[Action::EmitConnect][..]));
/// ```
pub fn step(state: State, input: Input) -> (State, &'static [Action]) {
    let (receiving, sending) = state.halves();
    match part(state, input) {
        Part::Life => life::step(state, input),
        // About to be destroyed: no end is told.
        Part::Receiving if sending == Writable::Broken => (state, &[]),
        Part::Receiving => {
            let (next, actions) = receiving::step(receiving, input);
            join(state.with(next, sending), actions)
        }
        Part::Sending => {
            let (next, actions) = sending::step(sending, input);
            join(state.with(receiving, next), actions)
        }
    }
}

/// What an input moves.
enum Part {
    Life,
    Receiving,
    Sending,
}

fn part(state: State, input: Input) -> Part {
    match state {
        State::Idle(_) => match input {
            Input::WriteFailed | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
        State::Opening(_) => match input {
            Input::EndCalled => Part::Sending,
            _ => Part::Life,
        },
        State::Open(_, _) => match input {
            Input::ConnectCalled
            | Input::Connected
            | Input::ResetCalled
            | Input::DestroyCalled
            | Input::CloseDue => Part::Life,
            Input::PeerEnded | Input::Drained | Input::Unshifted | Input::EndDue => Part::Receiving,
            Input::EndCalled
            | Input::Flushed
            | Input::ShutDown
            | Input::FinishDue
            | Input::WriteFailed => Part::Sending,
        },
        State::Destroyed(_, _) => match input {
            Input::EndDue => Part::Receiving,
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
        State::Closed(_, _) => match input {
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
    }
}

/// What one half says, and what follows for both.
fn join(state: State, actions: &'static [Action]) -> (State, &'static [Action]) {
    let joined = match (state, actions) {
        (State::Open(Readable::Ended, Writable::Finished), [Action::EmitEnd]) => {
            &[Action::EmitEnd, Action::Destroy]
        }
        (State::Open(Readable::Ended, Writable::Finished), [Action::EmitFinish]) => {
            &[Action::EmitFinish, Action::Destroy]
        }
        (State::Open(Readable::Ended, Writable::Open), [Action::EmitEnd]) => {
            &[Action::EmitEnd, Action::OfferEnd]
        }
        (State::Open(_, _), _)
        | (State::Idle(_) | State::Opening(_), _)
        | (State::Destroyed(_, _) | State::Closed(_, _), _) => actions,
    };
    (state, joined)
}

impl State {
    /// A socket that is gone, of which nothing is known.
    pub(crate) const GONE: State = State::Closed(Readable::Open, Writable::Open);

    /// Every state there is.
    pub fn all() -> Vec<State> {
        let mut all = Vec::new();
        let idle = [
            Writable::Open,
            Writable::Due,
            Writable::Finished,
            Writable::Broken,
        ];
        all.extend(idle.map(State::Idle));
        all.extend([Writable::Open, Writable::Ending, Writable::Finished].map(State::Opening));
        for life in [State::Open, State::Destroyed, State::Closed] {
            for receiving in Readable::ALL {
                // Only a socket that was never connected has a `finish` due without a FIN.
                let connected = Writable::ALL
                    .into_iter()
                    .filter(|half| *half != Writable::Due);
                all.extend(connected.map(|sending| life(receiving, sending)));
            }
        }
        for life in [State::Destroyed, State::Closed] {
            all.push(life(Readable::Open, Writable::Due));
        }
        all
    }

    /// Both halves. What is received is open until the peer ends it, be it before the connection.
    pub fn halves(self) -> (Readable, Writable) {
        match self {
            State::Idle(sending) | State::Opening(sending) => (Readable::Open, sending),
            State::Open(receiving, sending)
            | State::Destroyed(receiving, sending)
            | State::Closed(receiving, sending) => (receiving, sending),
        }
    }

    /// The same life, with these halves.
    fn with(self, receiving: Readable, sending: Writable) -> State {
        match self {
            State::Idle(_) => State::Idle(sending),
            State::Opening(_) => State::Opening(sending),
            State::Open(_, _) => State::Open(receiving, sending),
            State::Destroyed(_, _) => State::Destroyed(receiving, sending),
            State::Closed(_, _) => State::Closed(receiving, sending),
        }
    }
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

    /// Whether it can lead to an action that [emits](Action::emits). Only a phase of the loop feeds
    /// such an input; what a call feeds runs no listener.
    pub fn may_emit(self) -> bool {
        match self {
            Input::Connected
            | Input::ShutDown
            | Input::FinishDue
            | Input::EndDue
            | Input::CloseDue => true,
            Input::ConnectCalled
            | Input::EndCalled
            | Input::Flushed
            | Input::WriteFailed
            | Input::PeerEnded
            | Input::Drained
            | Input::Unshifted
            | Input::ResetCalled
            | Input::DestroyCalled => false,
        }
    }
}

impl Action {
    /// Whether listeners are called for it.
    pub fn emits(self) -> bool {
        match self {
            Action::EmitConnect
            | Action::EmitPrefinish
            | Action::EmitFinish
            | Action::EmitEnd
            | Action::EmitClose => true,
            Action::QueueShutdown
            | Action::QueueFinish
            | Action::QueueEnd
            | Action::OfferEnd
            | Action::Destroy
            | Action::Reset
            | Action::Release
            | Action::QueueClose => false,
        }
    }
}
