//! The states of a life, of its two halves, and of a whole socket.

/// The state of a whole socket: its life, and both halves. Node shows it as
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
    /// The state of its life.
    pub life: State,
    /// Open until the peer ends it, also before there is a connection. `destroy` leaves it as it is.
    pub receiving: Readable,
    /// `destroy` leaves it as it is; a `finish` that was queued still moves it.
    pub sending: Writable,
}

/// The state of a socket's life: [`Socket::state`](crate::Socket::state).
///
/// ```
/// use netloop::state::socket::State;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let mut socket = event_loop.socket();
/// assert_eq!(socket.state(), State::Idle);
/// assert_eq!(socket.ready_state(), "open"); // as in Node
/// assert_eq!(socket.destroy().state(), State::Destroyed);
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, and not connected yet.
    Idle,
    /// `connect` was called, and has neither succeeded nor failed yet. Node's `opening`.
    Opening,
    /// Connected.
    Open,
    /// The descriptor is closed; `close` has not been emitted yet.
    Destroyed,
    /// `close` has been emitted.
    Closed,
}

/// The state of the receiving half.
///
/// ```
/// use netloop::state::socket::{Action, Input, Readable, receiving};
///
/// let (half, actions) = receiving::step(Readable::Eof, Input::Delivered); // the program has all bytes
/// assert_eq!((half, actions), (Readable::Due, &[Action::QueueEnd][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Readable {
    /// The peer may still send.
    Open,
    /// The peer's FIN was read; received bytes may still wait for the program.
    Eof,
    /// No received byte waits, and `end` is queued as a tick.
    Due,
    /// `end` has been emitted.
    Ended,
}

/// The state of the sending half.
///
/// ```
/// use netloop::state::socket::{Action, Input, Writable, sending};
///
/// let (half, actions) = sending::step(Writable::Ending, Input::Flushed); // the kernel has all bytes
/// assert_eq!((half, actions), (Writable::Shutting, &[Action::QueueShutdown][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writable {
    /// We may write.
    Open,
    /// `end` was called; the kernel has not taken all bytes yet.
    Ending,
    /// The kernel has taken all bytes; `shutdown(2)` is queued for the pending phase.
    Shutting,
    /// Our FIN has left; `finish` is queued as a tick.
    Sent,
    /// `end` was called without a connection, so there is no FIN: `prefinish` and `finish` are queued
    /// as a tick.
    Due,
    /// `finish` has been emitted.
    Finished,
    /// A write failed before `end` was called; the socket is about to be destroyed.
    Broken,
}

impl Standing {
    /// A new socket.
    pub const NEW: Standing = Standing {
        life: State::Idle,
        receiving: Readable::Open,
        sending: Writable::Open,
    };

    /// A connection with both halves open.
    pub const OPEN: Standing = Standing::NEW.at(State::Open);

    /// The same halves in another life.
    pub const fn at(self, life: State) -> Standing {
        Standing { life, ..self }
    }

    /// Every state that a socket can have.
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
                Writable::Open | Writable::Ending | Writable::Finished | Writable::Broken => is_new,
                Writable::Shutting | Writable::Sent | Writable::Due => false,
            },
            State::Open => self.sending != Writable::Due,
            State::Destroyed | State::Closed => self.sending != Writable::Due || is_new,
        }
    }
}

impl State {
    /// Every state there is.
    pub const ALL: [State; 5] = [
        State::Idle,
        State::Opening,
        State::Open,
        State::Destroyed,
        State::Closed,
    ];

    /// Whether the socket was destroyed: Node's `destroyed`.
    pub fn is_destroyed(self) -> bool {
        match self {
            State::Destroyed | State::Closed => true,
            State::Idle | State::Opening | State::Open => false,
        }
    }
}

impl Readable {
    /// Every state there is.
    pub const ALL: [Readable; 4] = [
        Readable::Open,
        Readable::Eof,
        Readable::Due,
        Readable::Ended,
    ];
}

impl Writable {
    /// Every state there is.
    pub const ALL: [Writable; 7] = [
        Writable::Open,
        Writable::Ending,
        Writable::Shutting,
        Writable::Sent,
        Writable::Due,
        Writable::Finished,
        Writable::Broken,
    ];
}
