//! When `readable` is emitted: Node's `needReadable` and `emittedReadable`.

use std::fmt;

use super::{Action, Tick};

/// Whether the next chunk is announced by `readable`, and whether its tick is queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Notice {
    /// Chunks are not announced.
    #[default]
    Quiet,
    /// The next chunk is announced.
    Wanted,
    /// The tick is queued, or the event is being emitted.
    Due,
    /// The same, and the next chunk is to be announced again.
    DueAndWanted,
}

/// What happens to the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// The next chunk is to be announced: a read has found nothing, or not enough.
    Wanted,
    /// There is something to announce.
    Arrived,
    /// Bytes were taken, or the event was emitted.
    Seen,
    /// The first listener of `readable` was added.
    ReadableAdded,
    /// The peer has ended: the event is emitted at once.
    Ended,
}

impl Notice {
    /// One step: the state after, and what to do.
    pub(crate) fn step(self, input: Input) -> (Notice, Option<Action>) {
        use Notice::{Due, DueAndWanted, Quiet, Wanted};
        let readable = Some(Action::Queue(Tick::Readable));
        match (self, input) {
            (Quiet | Wanted, Input::Wanted) => (Wanted, None),
            (Due | DueAndWanted, Input::Wanted) => (DueAndWanted, None),
            (Quiet | Wanted, Input::Arrived) => (Due, readable),
            (Due | DueAndWanted, Input::Arrived) => (Due, None),
            (Quiet | Due, Input::Seen) => (Quiet, None),
            (Wanted | DueAndWanted, Input::Seen) => (Wanted, None),
            (_, Input::ReadableAdded) => (Wanted, None),
            (_, Input::Ended) => (Due, None),
        }
    }

    pub(super) fn is_wanted(self) -> bool {
        matches!(self, Notice::Wanted | Notice::DueAndWanted)
    }
}

#[cfg(test)]
impl Notice {
    pub(super) const ALL: [Notice; 4] = [
        Notice::Quiet,
        Notice::Wanted,
        Notice::Due,
        Notice::DueAndWanted,
    ];
}

#[cfg(test)]
impl Input {
    pub(super) const ALL: [Input; 5] = [
        Input::Wanted,
        Input::Arrived,
        Input::Seen,
        Input::ReadableAdded,
        Input::Ended,
    ];
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Notice::Quiet => "quiet",
            Notice::Wanted => "wanted",
            Notice::Due => "due",
            Notice::DueAndWanted => "due and wanted",
        })
    }
}
