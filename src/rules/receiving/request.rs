//! Whether the kernel is read: Node's reading handle, and its `state.reading`.

use std::fmt;

use super::Action;

/// Whether the stream has asked for a chunk, and whether the kernel is read for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    /// Nothing is asked for, and the kernel is not read.
    #[default]
    Idle,
    /// A chunk is asked for, and the kernel is not read: there is no connection yet, the high-water mark is
    /// reached, or reading into a buffer of the program's own was stopped.
    Waiting,
    /// A chunk is asked for, and the kernel is read.
    Reading,
    /// The kernel is read although nothing is asked for: the last chunk has come, and the next one is
    /// asked for from a tick, if there is room.
    Ahead,
}

/// What happens to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// A chunk is asked for, and there is a connection to read from.
    Asked,
    /// A chunk is asked for, and there is no connection.
    AskedUnconnected,
    /// The socket is connected.
    Connected,
    /// A chunk has come.
    ChunkCame,
    /// The chunk has gone through to `data`, and nothing waits: the next one is asked for.
    FlowedThrough,
    /// The high-water mark is reached.
    Filled,
    /// Reading into the program's own buffer was stopped, or the descriptor closed.
    Stopped,
    /// Reading into the program's own buffer goes on.
    Restarted,
    /// The peer has ended, or the socket is connected again.
    Ended,
}

impl Request {
    /// One step: the state after, and what to do.
    pub(crate) fn step(self, input: Input) -> (Request, Option<Action>) {
        let (next, was_read) = (self.next(input), self.reads_kernel());
        let action = match (was_read, next.reads_kernel()) {
            (false, true) => Some(Action::Start),
            (true, false) => Some(Action::Stop),
            _ => None,
        };
        (next, action)
    }

    fn next(self, input: Input) -> Request {
        use Request::{Ahead, Idle, Reading, Waiting};
        match (self, input) {
            (Idle | Ahead, Input::Asked) => Reading,
            (Idle, Input::AskedUnconnected) => Waiting,
            (Ahead, Input::AskedUnconnected) => Reading,
            (Waiting, Input::Connected) => Reading,
            (Waiting, Input::ChunkCame) => Idle,
            (Reading, Input::ChunkCame) => Ahead,
            (Ahead, Input::FlowedThrough) => Reading,
            (Reading, Input::Filled | Input::Stopped) => Waiting,
            (Ahead, Input::Filled | Input::Stopped) => Idle,
            (Waiting, Input::Restarted) => Reading,
            (Idle, Input::Restarted) => Ahead,
            (_, Input::Ended) => Idle,
            (Waiting | Reading, Input::Asked | Input::AskedUnconnected | Input::FlowedThrough)
            | (Idle | Reading | Ahead, Input::Connected)
            | (Idle | Ahead, Input::ChunkCame)
            | (Idle, Input::FlowedThrough)
            | (Idle | Waiting, Input::Filled | Input::Stopped)
            | (Reading | Ahead, Input::Restarted) => self,
        }
    }

    /// Whether the kernel is read when it has something: the one answer to this question.
    #[inline]
    pub(crate) fn reads_kernel(self) -> bool {
        matches!(self, Request::Reading | Request::Ahead)
    }

    /// Whether a chunk was asked for and has not come: Node's `state.reading`.
    pub(super) fn is_asked(self) -> bool {
        matches!(self, Request::Waiting | Request::Reading)
    }
}

#[cfg(test)]
impl Request {
    pub(super) const ALL: [Request; 4] = [
        Request::Idle,
        Request::Waiting,
        Request::Reading,
        Request::Ahead,
    ];
}

#[cfg(test)]
impl Input {
    pub(super) const ALL: [Input; 9] = [
        Input::Asked,
        Input::AskedUnconnected,
        Input::Connected,
        Input::ChunkCame,
        Input::FlowedThrough,
        Input::Filled,
        Input::Stopped,
        Input::Restarted,
        Input::Ended,
    ];
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Request::Idle => "idle",
            Request::Waiting => "waiting",
            Request::Reading => "reading",
            Request::Ahead => "ahead",
        })
    }
}
