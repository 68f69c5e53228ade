//! Sockets: the view a program acts through, and what the loop keeps for each.

mod connect;
mod connecting;
mod due;
mod end;
mod events;
mod flow;
mod flush;
mod holding;
mod lifecycle;
mod making;
mod options;
mod pipe;
mod properties;
mod reading;
mod receive;
mod rest;
mod settings;
mod timeouts;
mod unsent;
mod watched;
mod write;

pub use connecting::{Attempt, Lookup};
pub use events::OnRead;
pub(in crate::net) use holding::Way;
pub use options::{ConnectOptions, SocketOptions};

use std::io;
use std::net::SocketAddr;

use self::events::{Listeners, Plain, RareListeners};
use super::error::Error;
use super::event_loop::errands::Errands;
use super::event_loop::events::Event;
use super::event_loop::{Loop, Served};
use super::listeners::Slot;
use super::lookups::LookupFunction;
use super::shared::Shared;
use super::trace::{Subject, What};
use super::{AbortId, ServerId, SocketId};
use crate::kernel::Stream;
use crate::kernel::options::StreamOptions;
use crate::rules::data::Data;
use crate::rules::idle::IdleTimeout;
use crate::rules::receiving::{HIGH_WATER_MARK, Kept, Receiving};
use crate::rules::sending::Sending;
use crate::rules::state::socket::Standing;
use crate::rules::timers::TimerKey;
use crate::values::block_list::BlockList;

pub(crate) type WriteCallback = Box<dyn FnOnce(&mut Socket<'_>, Result<(), &Error>)>;
/// A connect in progress, with its lookup function.
type Connecting = connecting::Connecting<Shared<LookupFunction>>;
/// The addresses found, with their zones and the port 0, or the error.
pub(crate) type LookupAnswer = Result<Vec<SocketAddr>, Error>;

/// How many unsent bytes a socket may keep, unless its options say otherwise.
const WRITE_LIMIT: usize = 64 * 1024 * 1024;

/// A socket, lent for one call: its name, and the loop. Node's `net.Socket`.
///
/// ```
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|socket| {
///         socket.end_with("hello");
///         let server = socket.server().unwrap();
///         socket.event_loop().server_at(server).close();
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         let port = server.port().unwrap();
///         server.event_loop().connect_to(("127.0.0.1", port)).unwrap().on_data(|_, chunk| {
///             assert_eq!(chunk, b"hello");
///         });
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// Callbacks are given a view; [`Loop::socket_at`] makes one from a [`SocketId`]. It cannot be kept:
/// keep the id. A view of a socket that is gone is harmless: writes return `false`, setters do nothing,
/// properties are those of a destroyed socket, and counters are 0. A socket is gone when the ticks of
/// its `close` have run; Node's object keeps its values for longer.
///
/// No method runs a callback before it returns; events are emitted later, from the queue that the
/// event's documentation names. Methods that chain in Node chain here.
pub struct Socket<'l> {
    pub(super) event_loop: &'l mut Loop,
    pub(super) id: SocketId,
}

/// All that the loop keeps for a socket. What an idle connection does not need is behind `cold`.
pub(crate) struct SocketEntry {
    /// None before `connect` and after `destroy`.
    stream: Option<Stream>,
    pub(super) state: Standing,
    sending: Sending<WriteCallback>,
    listeners: Listeners,
    cold: Option<Box<Cold>>,
    pub(super) server: Option<ServerId>,
    pub(super) receiving: Receiving,
    /// `unref` was not called: the socket may hold the loop.
    is_held: bool,
    /// It holds the loop at present.
    holds: bool,
    allow_half_open: bool,
    no_delay: bool,
    /// It is in the pending queue.
    is_put_off: bool,
    /// The kernel has reported that the connection has failed, or that both halves have ended.
    is_hung_up: bool,
    bytes_read: u64,
}

/// The argument of `close`: whether there was an error. `None` is Node's `undefined`, for a socket that
/// had no handle.
#[derive(Clone, Copy)]
struct ToldByClose(Option<bool>);

impl Default for ToldByClose {
    fn default() -> ToldByClose {
        ToldByClose(Some(false))
    }
}

/// What most connections never need.
#[derive(Default)]
struct Cold {
    listeners: RareListeners,
    connecting: Option<Box<Connecting>>,
    attempted: Option<Vec<String>>,
    remote: Option<SocketAddr>,
    /// The error it was destroyed with, or that of a failed write.
    errored: Option<Error>,
    told_by_close: ToldByClose,
    /// Whether half open was allowed when `end` was emitted, if that was changed since.
    half_open_at_end: Option<bool>,

    kept: Kept,
    /// An error of the connection, which the kernel reported before the socket was served.
    failed: Option<io::Error>,
    on_read: Slot<OnRead>,
    pipes: Vec<Pipe>,
    /// There were two pipes at a time since the source last waited for an only one: Node's
    /// `kMultiAwaitDrain`.
    waits_for_several: bool,
    /// It has the listeners of `finish` and `close` that remove the pipes into it.
    hears_its_end: bool,

    idle: Option<IdleTimeout>,
    /// Timers that die with the socket.
    timers: Vec<TimerKey>,
    /// The options for the kernel beside `no_delay`, for this connection and the next ones.
    wanted: StreamOptions,
    high_water_mark: Option<usize>,
    write_limit: Option<usize>,
    block_list: Option<BlockList>,
    abort: Option<AbortId>,
    /// The descriptor came from outside and may have a duplicate.
    is_foreign: bool,
    /// The program's own values.
    data: Data,
}

/// A pipe, which sends on what its socket receives.
struct Pipe {
    to: SocketId,
    /// Whether the destination is ended with the source.
    ends: bool,
    /// The source waits until the destination has drained.
    waits: bool,
    /// The source has waited for this destination once: its `drain` lets the source flow.
    hears_drain: bool,
}

impl SocketEntry {
    fn cold(&mut self) -> &mut Cold {
        self.cold.get_or_insert_default()
    }

    /// Whether this server has accepted the socket, and still counts it.
    pub(super) fn is_of(&self, server: ServerId) -> bool {
        self.server == Some(server) && !self.state.is_destroyed()
    }

    pub(super) fn data(&self) -> Option<&Data> {
        Some(&self.cold.as_ref()?.data)
    }

    pub(super) fn data_mut(&mut self) -> Option<&mut Data> {
        Some(&mut self.cold.as_mut()?.data)
    }

    pub(super) fn data_to_set(&mut self) -> &mut Data {
        &mut self.cold().data
    }

    fn errored(&self) -> Option<&Error> {
        self.cold.as_ref()?.errored.as_ref()
    }
}

impl Loop {
    /// A view of the socket with this id. If the socket is gone or belongs to another loop, calls on the
    /// view are [harmless](Socket).
    pub fn socket_at(&mut self, id: SocketId) -> Socket<'_> {
        Socket {
            event_loop: self,
            id,
        }
    }

    #[inline]
    pub(super) fn entry(&mut self, id: SocketId) -> Option<&mut SocketEntry> {
        self.reactor.get_mut(id.0)?.socket_mut()
    }

    #[inline]
    pub(super) fn entry_ref(&self, id: SocketId) -> Option<&SocketEntry> {
        self.reactor.get(id.0)?.socket()
    }
}

impl Served<'_> {
    /// The socket, unless it is gone.
    #[inline]
    fn entry(&mut self) -> Option<&mut SocketEntry> {
        self.event_loop.entry(self.id)
    }

    #[inline]
    fn entry_ref(&self) -> Option<&SocketEntry> {
        self.event_loop.entry_ref(self.id)
    }

    /// Makes a call from a phase. `None` if the socket is gone.
    #[inline(always)]
    fn with<R>(&mut self, call: impl FnOnce(&mut SocketEntry, &mut Errands<'_>) -> R) -> Option<R> {
        self.event_loop.with_socket(self.id, call)
    }

    /// Emits an event. Returns whether it had listeners.
    #[inline(always)]
    fn emit<F: ?Sized>(
        &mut self,
        event: Event<SocketEntry, F>,
        mut call: impl FnMut(&mut F, &mut Socket<'_>),
    ) -> bool {
        let id = self.id;
        self.event_loop.emit(
            Subject::Socket(id),
            event,
            |event_loop| event_loop.entry(id),
            |listener, event_loop| call(listener, &mut event_loop.socket_at(id)),
        )
    }

    /// Emits an event without arguments.
    fn emit_plain(&mut self, event: Event<SocketEntry, Plain>) {
        self.emit(event, |listener, socket| listener(socket));
    }

    /// Runs the callback of a write.
    fn call_back(&mut self, callback: WriteCallback, result: Result<(), &Error>) {
        let subject = Subject::Socket(self.id);
        let what = What::Callback("write callback");
        let former = self.event_loop.agenda.trace.enter(subject, what);
        let error = result.err().map(|error| error.clone().of(subject));
        let socket = &mut self.event_loop.socket_at(self.id);
        callback(socket, error.as_ref().map_or(Ok(()), Err));
        self.event_loop.agenda.trace.leave(former);
    }
}

impl Socket<'_> {
    /// The socket's id, which may be kept; [`Loop::socket_at`] makes a view of it again.
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Makes a call: lends it the entry and its errands. `None` if the socket is gone.
    #[inline]
    fn with<R>(&mut self, call: impl FnOnce(&mut SocketEntry, &mut Errands<'_>) -> R) -> Option<R> {
        self.event_loop.with_socket(self.id, call)
    }

    /// The same, with records in the trace.
    #[inline]
    #[track_caller]
    fn calls<R>(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&mut SocketEntry, &mut Errands<'_>) -> R,
    ) -> Option<R> {
        let subject = Subject::Socket(self.id);
        let former = self.event_loop.agenda.trace.calls(subject, name);
        let answer = self.with(call);
        self.event_loop.agenda.trace.leave(former);
        answer
    }

    /// Makes a call of several, which has one record in the trace.
    #[track_caller]
    fn told<R>(&mut self, name: &'static str, call: impl FnOnce(&mut Self) -> R) -> R {
        let subject = Subject::Socket(self.id);
        let former = self.event_loop.agenda.trace.calls(subject, name);
        let answer = call(self);
        self.event_loop.agenda.trace.leave(former);
        answer
    }

    /// The loop that the socket belongs to, lent for as long as the view. In Node it is global.
    pub fn event_loop(&mut self) -> &mut Loop {
        self.event_loop
    }
}
