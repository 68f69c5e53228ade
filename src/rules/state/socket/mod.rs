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

mod inputs;
pub mod life;
mod questions;
pub mod receiving;
pub mod sending;
mod states;
mod words;

pub use inputs::{Action, Input};
pub use states::{Readable, Standing, State, Writable};

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
