//! The inputs of a socket's machine, and its actions.

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
    /// The kernel reports that the socket is connected.
    Connected,
    /// `end` was called, by the program or by the library.
    EndCalled,
    /// The kernel has taken every byte that was written.
    Flushed,
    /// `shutdown(2)` was done.
    ShutDown,
    /// The tick of `finish` has come.
    FinishDue,
    /// The kernel refused a write.
    WriteFailed,
    /// The peer's FIN was read.
    PeerEnded,
    /// The peer has ended, and the program has taken every byte that was received.
    Delivered,
    /// Bytes were put back before the tick of `end` came.
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

/// What the driver is to do, in the order of the row.
///
/// ```
/// use netloop::state::socket::{Action, life};
///
/// for (_, _, next, actions) in life::rows() {
///     if actions.contains(&Action::Release) {
///         assert!(next.is_destroyed()); // nothing else calls close(2)
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
    /// Run the callbacks of `end`, then emit `finish`.
    EmitFinish,
    /// Queue the tick of `end`.
    QueueEnd,
    /// Emit `end`.
    EmitEnd,
    /// Queue our own `end` as a tick, unless the socket may stay half open.
    OfferEnd,
    /// Destroy the socket, without an error.
    Destroy,
    /// Destroy the socket so that the peer sees a reset.
    Reset,
    /// Call `close(2)`, and queue the socket for the closing phase.
    Release,
    /// Queue the tick of `close`: there is no descriptor, so no closing phase.
    QueueClose,
    /// Emit `close`.
    EmitClose,
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
        Input::Delivered,
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
            | Input::Delivered
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
