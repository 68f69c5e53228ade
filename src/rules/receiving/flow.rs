//! Whether the data flows: Node's `readableFlowing`, and its pause mark.

use std::fmt;

use super::{Action, Tick};

/// Node's `readableFlowing` and `isPaused()`, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Flow {
    /// Not decided yet, as no call has asked for data: `null`.
    #[default]
    Unasked,
    /// Chunks go to the listeners of `data`, or are dropped if there are none: `true`.
    Flowing,
    /// A listener of `readable` takes what comes, or the connection was accepted paused: `false`.
    Held,
    /// `pause` was called: `false`.
    Paused,
    /// `pause` was called, and then the last listener of `readable` was removed: `null`, while
    /// `isPaused()` is still true.
    Abandoned,
}

/// What happens to the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// `pause` was called.
    PauseCalled,
    /// `resume` was called, or a listener of `data` was added.
    ResumeCalled,
    /// The same, while a listener of `readable` takes what comes.
    ResumeCalledInVain,
    /// The first listener of `readable` was added.
    ReadableAdded,
    /// A listener of `readable` was removed, and the tick of a `resume` is queued.
    ReadableRemoved,
    /// The last listener of `readable` was removed, and `data` has no listener.
    LastRemoved,
}

impl Flow {
    /// One step: the state after, and what to do.
    pub(crate) fn step(self, input: Input) -> (Flow, Option<Action>) {
        use Flow::{Abandoned, Flowing, Held, Paused, Unasked};
        let pause = Some(Action::Queue(Tick::Pause));
        let resume = Some(Action::Queue(Tick::Resume));
        match (self, input) {
            (Unasked | Flowing | Abandoned, Input::PauseCalled) => (Paused, pause),
            (Held | Paused, Input::PauseCalled) => (Paused, None),
            (Flowing, Input::ResumeCalled | Input::ResumeCalledInVain) => (Flowing, None),
            (Unasked | Held | Paused | Abandoned, Input::ResumeCalled) => (Flowing, resume),
            (Unasked | Held | Paused | Abandoned, Input::ResumeCalledInVain) => (Held, resume),
            (Unasked | Flowing | Held, Input::ReadableAdded) => (Held, None),
            (Paused | Abandoned, Input::ReadableAdded) => (Paused, None),
            (Unasked | Flowing | Held, Input::ReadableRemoved) => (Flowing, None),
            (Paused | Abandoned, Input::ReadableRemoved) => (self, None),
            (Unasked | Flowing | Held, Input::LastRemoved) => (Unasked, None),
            (Paused | Abandoned, Input::LastRemoved) => (Abandoned, None),
        }
    }

    /// Node's `readableFlowing`.
    pub(crate) fn is_flowing(self) -> Option<bool> {
        match self {
            Flow::Unasked | Flow::Abandoned => None,
            Flow::Flowing => Some(true),
            Flow::Held | Flow::Paused => Some(false),
        }
    }

    /// Node's `isPaused()`.
    pub(crate) fn is_paused(self) -> bool {
        match self {
            Flow::Unasked | Flow::Flowing => false,
            Flow::Held | Flow::Paused | Flow::Abandoned => true,
        }
    }

    /// Whether `pause` was called, and `resume` was not called since.
    pub(super) fn was_paused(self) -> bool {
        matches!(self, Flow::Paused | Flow::Abandoned)
    }
}

#[cfg(test)]
impl Flow {
    pub(super) const ALL: [Flow; 5] = [
        Flow::Unasked,
        Flow::Flowing,
        Flow::Held,
        Flow::Paused,
        Flow::Abandoned,
    ];
}

#[cfg(test)]
impl Input {
    pub(super) const ALL: [Input; 6] = [
        Input::PauseCalled,
        Input::ResumeCalled,
        Input::ResumeCalledInVain,
        Input::ReadableAdded,
        Input::ReadableRemoved,
        Input::LastRemoved,
    ];
}

impl fmt::Display for Flow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Flow::Unasked => "unasked",
            Flow::Flowing => "flowing",
            Flow::Held => "held",
            Flow::Paused => "paused",
            Flow::Abandoned => "abandoned",
        })
    }
}
