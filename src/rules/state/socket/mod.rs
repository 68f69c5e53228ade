//! A socket: a life, and two halves that end independently of each other.
//!
//! The states of the life are named after Node's `readyState`; those of the halves Node keeps in a
//! dozen flags. Each of the three parts has a table, and each input moves one part.
//!
#![doc = include_str!("states.svg")]
//!
//! # The life
//!
//! Made, connecting, open, destroyed, closed, and sometimes connecting again. See [`life`].
//!
#![doc = include_str!("life.md")]
//!
//! # The receiving half
//!
//! From the first byte received to the peer's end. See [`receiving`].
//!
#![doc = include_str!("receiving.md")]
//!
//! # The sending half
//!
//! From the first write to our own end. See [`sending`].
//!
#![doc = include_str!("sending.md")]
//!
//! # What joins the parts
//!
//! Which inputs reach a half depends on the life:
//!
#![doc = include_str!("hears.md")]
//!
//! So an `end` or a `finish` that was queued before `destroy` is still emitted, as in Node, and `end`
//! still changes Node's `writableEnded` afterwards. Three rules join the halves of an open socket:
//!
//! - When the second half is over, the socket is destroyed: `Destroy` follows `EmitEnd` or
//!   `EmitFinish`.
//! - When the peer ends while we may still write, `OfferEnd` follows `EmitEnd`.
//! - After a failed write the receiving half ignores every input but `PeerEnded`, as the socket is about to be
//!   destroyed. If the callback of that write panics, the socket stays, and its end is read only once.
//!
//! # What the driver feeds
//!
//! `Flushed` whenever no written byte is left, `Delivered` whenever the peer has ended and no received
//! byte is left, and `EndCalled` a tick after `end` was emitted, unless `allow_half_open` is set. So no
//! policy enters the tables, and an error is a `DestroyCalled` whose reason the driver keeps. Inputs
//! that [may emit](Input::may_emit) are fed by the phases of the loop; a call feeds none of them.

mod inputs;
pub mod life;
mod questions;
pub mod receiving;
pub mod sending;
mod states;
mod words;

pub use inputs::{Action, Input};
pub use states::{Readable, Standing, State, Writable};

/// One step of a socket: the state after, and what to do. See [the rules](self).
///
/// ```
/// use netloop::state::socket::{Action, Input, Standing, State, Writable, step};
///
/// let last = Standing { sending: Writable::Ending, ..Standing::OPEN };
/// let (shutting, actions) = step(last, Input::Flushed); // the kernel has taken all bytes
/// assert_eq!(shutting, Standing { sending: Writable::Shutting, ..Standing::OPEN });
/// assert_eq!(actions, [Action::QueueShutdown]);
/// assert_eq!(step(last, Input::Connected), (last, &[][..])); // an impossible input changes nothing
/// ```
pub fn step(socket: Standing, input: Input) -> (Standing, &'static [Action]) {
    match part(socket.life, input) {
        Part::Life => life::step(socket, input),
        // The socket emits no `end`.
        Part::Receiving if socket.sending == Writable::Broken && input != Input::PeerEnded => {
            (socket, &[])
        }
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

/// The part that an input moves.
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
            Input::EndCalled | Input::WriteFailed => Part::Sending,
            _ => Part::Life,
        },
        State::Open => match input {
            Input::ConnectCalled
            | Input::Connected
            | Input::ResetCalled
            | Input::DestroyCalled
            | Input::CloseDue => Part::Life,
            Input::PeerEnded | Input::Delivered | Input::Unshifted | Input::EndDue => {
                Part::Receiving
            }
            Input::EndCalled
            | Input::Flushed
            | Input::ShutDown
            | Input::FinishDue
            | Input::WriteFailed => Part::Sending,
        },
        State::Destroyed => match input {
            Input::EndDue | Input::Unshifted => Part::Receiving,
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
        State::Closed => match input {
            Input::EndCalled | Input::FinishDue => Part::Sending,
            _ => Part::Life,
        },
    }
}

/// Adds the actions that follow from both halves to those of the half that has moved.
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
