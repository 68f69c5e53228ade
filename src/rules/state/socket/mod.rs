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

pub use life::State;
pub use receiving::Readable;
pub use sending::Writable;

/// Where a socket stands: its life, and both halves. Node shows it as
/// [`readyState`](Standing::ready_state) and a dozen flags.
///
/// ```
/// use netloop::state::socket::{Action, Input, Standing, State, Writable, step};
///
/// let (ending, _) = step(Standing::NEW.at(State::Opening), Input::EndCalled);
/// assert_eq!(ending.sending, Writable::Ending); // it waits for the connection
/// let connected = (ending.at(State::Open), &[Action::EmitConnect][..]);
/// assert_eq!(step(ending, Input::Connected), connected);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// How far its life is.
    pub life: State,
    /// Open until the peer ends it, be it before the connection; after `destroy` as it was left.
    pub receiving: Readable,
    /// After `destroy` as it was left, but for what was queued.
    pub sending: Writable,
}

/// What happened.
///
/// ```
/// use netloop::state::socket::{Input, Standing, State, step};
///
/// for socket in Standing::all().into_iter().filter(|socket| socket.is_destroyed()) {
///     for input in Input::ALL {
///         let is_left = !step(socket, input).0.is_destroyed();
///         let begins_anew = socket.life == State::Closed && input == Input::ConnectCalled;
///         assert_eq!(is_left, begins_anew);
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

/// One step of a socket: where it stands afterwards, and what to do. See [the rules](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Standing, State, Writable, step};
///
/// let last = Standing { sending: Writable::Ending, ..Standing::OPEN };
/// let (shutting, actions) = step(last, Input::Flushed); // nothing is owed any more
/// assert_eq!(shutting, Standing { sending: Writable::Shutting, ..Standing::OPEN });
/// assert_eq!(actions, [Action::QueueShutdown]);
/// assert_eq!(step(last, Input::Connected), (last, &[][..])); // what cannot be changes nothing
/// ```
pub fn step(socket: Standing, input: Input) -> (Standing, &'static [Action]) {
    match part(socket.life, input) {
        Part::Life => life::step(socket, input),
        // About to be destroyed: no end is told.
        Part::Receiving if socket.sending == Writable::Broken => (socket, &[]),
        Part::Receiving => {
            let (receiving, actions) = receiving::step(socket.receiving, input);
            join(
                Standing {
                    receiving,
                    ..socket
                },
                actions,
            )
        }
        Part::Sending => {
            let (sending, actions) = sending::step(socket.sending, input);
            join(Standing { sending, ..socket }, actions)
        }
    }
}

/// What an input moves.
enum Part {
    Life,
    Receiving,
    Sending,
}

fn part(life: State, input: Input) -> Part {
    match life {
        State::Idle => match input {
            Input::WriteFailed | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
        State::Opening => match input {
            Input::EndCalled => Part::Sending,
            _ => Part::Life,
        },
        State::Open => match input {
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
        State::Destroyed => match input {
            Input::EndDue => Part::Receiving,
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
        State::Closed => match input {
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
    }
}

/// What follows for an open socket when one half has said this.
fn join(socket: Standing, actions: &'static [Action]) -> (Standing, &'static [Action]) {
    let is_over = socket
        == Standing {
            receiving: Readable::Ended,
            sending: Writable::Finished,
            ..Standing::OPEN
        };
    let may_end = socket
        == Standing {
            receiving: Readable::Ended,
            ..Standing::OPEN
        };
    let joined = match actions {
        [Action::EmitEnd] if is_over => &[Action::EmitEnd, Action::Destroy],
        [Action::EmitFinish] if is_over => &[Action::EmitFinish, Action::Destroy],
        [Action::EmitEnd] if may_end => &[Action::EmitEnd, Action::OfferEnd],
        _ => actions,
    };
    (socket, joined)
}

impl Standing {
    /// A socket that was just made.
    pub const NEW: Standing = Standing {
        life: State::Idle,
        receiving: Readable::Open,
        sending: Writable::Open,
    };

    /// A connection of which nothing has ended.
    pub const OPEN: Standing = Standing::NEW.at(State::Open);

    /// The same halves in another life.
    pub const fn at(self, life: State) -> Standing {
        Standing { life, ..self }
    }

    /// Everywhere a socket can stand.
    pub fn all() -> Vec<Standing> {
        let mut all = Vec::new();
        for life in State::ALL {
            for receiving in Readable::ALL {
                for sending in Writable::ALL {
                    let socket = Standing {
                        life,
                        receiving,
                        sending,
                    };
                    all.extend(socket.can_be().then_some(socket));
                }
            }
        }
        all
    }

    fn can_be(self) -> bool {
        let is_new = self.receiving == Readable::Open;
        match self.life {
            State::Idle => match self.sending {
                Writable::Open | Writable::Due | Writable::Finished | Writable::Broken => is_new,
                Writable::Ending | Writable::Shutting | Writable::Sent => false,
            },
            State::Opening => match self.sending {
                Writable::Open | Writable::Ending | Writable::Finished => is_new,
                Writable::Shutting | Writable::Sent | Writable::Due | Writable::Broken => false,
            },
            State::Open => self.sending != Writable::Due,
            State::Destroyed | State::Closed => self.sending != Writable::Due || is_new,
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
