//! Receiving: when the kernel is read, where a chunk goes, and which events announce it. Node's `Readable`
//! and the reading half of its `net.Socket`. (The lifecycle knows whether the peer has ended and whether
//! `end` was emitted: see [`state::socket`](crate::state::socket).)
//!
//! Three small machines, each a pure and total function, keep the state:
//!
//! - [`Flow`]: whether the data flows, and what has stopped it.
//! - [`Request`]: whether a chunk is asked for, and whether the kernel is read. Nothing else answers
//!   that question.
//! - [`Notice`]: whether the next chunk is announced by `readable`.
//!
//! [`Receiving`] joins them with what waits ([`Kept`]), by these rules:
//!
//! - **Asking** starts the reading of the kernel; before there is a connection, it waits for
//!   `connect` (Node's `_read`). A read asks if it leaves less than the high-water mark, unless
//!   a chunk was asked for already, or the stream has ended or been destroyed. Whether the data is
//!   paused plays no part.
//! - **Reads** come from the program, and from the flow, which reads each chunk *before* it emits it.
//!   Reads of size 0, which take nothing, come from `ready`, from an accepted connection and from
//!   `resume`; and, from a tick, after the first listener of `readable` is added, and after each
//!   chunk while there is room.
//! - A read of size 0 with the mark reached, or after the end, does not ask. It causes another `readable`,
//!   if that is wanted, and the flow goes on from there.
//! - **A chunk** answers the request. If it leaves the mark reached, the kernel is read no further.
//!   Otherwise only the end, an error and `destroy` stop it, and, with a buffer of the program's own,
//!   `pause` and a callback that returns `false`.
//!
//! So a paused socket reads on up to the mark: it learns of the peer's end and reset, and holds the
//! loop.
//!
//! Each function is told what happened, and returns what follows ([`Then`]). `model` checks them against a
//! transcription of Node's own code.
#![doc = include_str!("tables.md")]

mod burst;
mod calls;
mod events;
mod flow;
mod kept;
mod marks;
#[cfg(test)]
mod model;
mod notice;
mod request;
#[cfg(test)]
mod tables;

pub(crate) use burst::Next;
pub(crate) use flow::Flow;
pub(crate) use kept::{HIGH_WATER_MARK, Kept};
use marks::{Mark, Marks};
use notice::Notice;
use request::Request;

/// The receiving half of a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receiving {
    states: States,
    /// The turn in which the kernel was read last. A turn has one burst, even if both an edge and the again
    /// list call for it.
    read_in_turn: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct States {
    flow: Flow,
    request: Request,
    notice: Notice,
    marks: Marks,
}

impl States {
    /// The data flows, a chunk is asked for, and only the next chunk is announced.
    const STREAMING: States = States {
        flow: Flow::Flowing,
        request: Request::Reading,
        notice: Notice::Wanted,
        marks: Marks::NONE,
    };
    /// `STREAMING` while a chunk is being emitted. If a listener panics, the states stay so; the next chunk
    /// then takes the long way, which leads back to `STREAMING`.
    const PASSING: States = States {
        request: Request::Ahead,
        marks: Marks::EMITTING,
        ..States::STREAMING
    };

    /// One comparison for all four.
    #[inline]
    fn are(self, others: States) -> bool {
        self.bits() == others.bits()
    }

    const fn bits(self) -> u32 {
        let States {
            flow,
            request,
            notice,
            marks,
        } = self;
        u32::from_ne_bytes([flow as u8, request as u8, notice as u8, marks.0])
    }
}

/// What the driver is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The kernel is read from now on. The socket joins the again list, since no edge reports what came
    /// earlier.
    Start,
    /// The kernel is read no further.
    Stop,
    Queue(Tick),
    /// The peer has ended and no byte waits: tell the lifecycle.
    Delivered,
}

/// What receiving does from a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// Emit `pause`.
    Pause,
    /// Emit `resume`, and let the data flow.
    Resume,
    /// Emit what was put back, if it flows.
    Unshifted,
    /// Emit `readable`.
    Readable,
    /// Count the listeners of `readable`: one was removed.
    CountReaders,
    /// Read with size 0, which asks for more.
    ReadNothing,
    /// Ask for the next chunk, if there is room.
    Ask,
}

/// What follows, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Then([Option<Action>; 3]);

impl Then {
    fn add(&mut self, action: impl Into<Option<Action>>) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = action.into();
        }
    }

    pub(crate) fn actions(self) -> impl Iterator<Item = Action> {
        self.0.into_iter().flatten()
    }
}

impl<A: Into<Option<Action>>> From<A> for Then {
    fn from(action: A) -> Then {
        Then([action.into(), None, None])
    }
}

/// What the rules need to know of the rest of the socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// There is a connection, and the peer has not ended.
    pub(crate) is_connected: bool,
    /// The peer's FIN was read, whether or not `end` was emitted or the socket destroyed since: Node's
    /// `ended`.
    pub(crate) has_ended: bool,
    pub(crate) is_destroyed: bool,
    /// A write has failed, and the socket is about to be destroyed.
    pub(crate) is_broken: bool,
}

impl Facts {
    fn is_doomed(self) -> bool {
        self.is_destroyed || self.is_broken
    }
}

impl Receiving {
    /// The receiving half of an accepted connection, which is read from at once unless it is to be paused.
    pub(crate) fn accepted(is_paused: bool) -> Receiving {
        let mut receiving = Receiving::default();
        if is_paused {
            receiving.states.flow = Flow::Held;
        } else {
            (receiving.states.request, receiving.states.notice) =
                (Request::Reading, Notice::Wanted);
        }
        receiving
    }

    pub(crate) fn flow(&self) -> Flow {
        self.states.flow
    }

    /// Whether the kernel is read when it has something.
    #[inline]
    pub(crate) fn reads_kernel(&self) -> bool {
        self.states.request.reads_kernel()
    }

    /// Whether a chunk was asked for and has not come.
    pub(crate) fn has_asked(&self) -> bool {
        self.states.request.is_asked()
    }

    #[inline]
    pub(crate) fn is_flowing(&self) -> bool {
        self.states.flow == Flow::Flowing
    }

    fn change_flow(&mut self, input: flow::Input) -> Option<Action> {
        let (next, action) = self.states.flow.step(input);
        self.states.flow = next;
        action
    }

    fn change_request(&mut self, input: request::Input) -> Option<Action> {
        let (next, action) = self.states.request.step(input);
        self.states.request = next;
        action
    }

    fn change_notice(&mut self, input: notice::Input) -> Option<Action> {
        let (next, action) = self.states.notice.step(input);
        self.states.notice = next;
        action
    }
}
