//! Servers: the view a program acts through, and what the loop keeps for each.

mod accept;
mod events;
mod lifecycle;
mod listen;
mod options;
mod place;
mod properties;

pub use events::Dropped;
pub use options::{ListenOptions, ServerOptions};

use std::path::PathBuf;
use std::time::Duration;

use self::events::Listeners;
use self::place::Listening;
use super::event_loop::errands::Errands;
use super::event_loop::events::Event;
use super::event_loop::{Entry, Loop, Served};
use super::socket::Socket;
use super::trace::Subject;
use super::{AbortId, ServerId};
use crate::kernel::Listener;
use crate::rules::data::Data;
use crate::rules::state::server::State;
use crate::rules::timers::TimerKey;

/// How long a server that is out of descriptors waits at first; each wait in a row is twice as long.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A server, lent for one call: its name, and the loop. Node's `net.Server`.
///
/// ```
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|_socket| {})
///     .on_close(|server| assert!(!server.is_listening()))
///     .listen(("127.0.0.1", 0), |server| {
///         assert_eq!(server.address().unwrap().to_string(), format!("127.0.0.1:{}", server.port().unwrap()));
///         server.close();
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// Callbacks are given a view; [`Loop::server_at`] makes one from a [`ServerId`]. It cannot be kept: keep
/// the id, which is valid as long as the loop. A server that has closed may listen again.
pub struct Server<'l> {
    pub(super) event_loop: &'l mut Loop,
    pub(super) id: ServerId,
}

/// All that the loop keeps for a server.
pub(super) struct ServerEntry {
    state: State,
    listener: Option<Listener>,
    listeners: Listeners,
    options: ServerOptions,
    /// The arguments of a `listen` that waits for its tick or for a lookup.
    wanted: Option<Box<Listening>>,
    /// Counts the calls of `listen` and `close`: the tick of an older `listen` does nothing.
    listens: u64,
    /// The ticket of the unanswered lookup.
    lookup: Option<u64>,
    /// The abort handles that end it, until it has closed.
    aborts: Vec<AbortId>,
    path: Option<PathBuf>,
    connections: usize,
    max_connections: Option<usize>,
    back_off: Duration,
    /// When it last ran out of descriptors, or of anything else that accepting needs.
    short_at: Option<u64>,
    /// Ends a back-off, or the time for handshakes.
    timer: Option<TimerKey>,
    /// `unref` was not called: the server may hold the loop.
    is_held: bool,
    holds: bool,
    is_again: bool,
    /// The turn in which it accepted last: an edge and the again list may both report the same
    /// connections.
    accepted_in_turn: u32,
    /// The program's own values.
    pub(super) data: Data,
}

impl Loop {
    /// Makes a server that calls back for each connection: Node's `net.createServer(listener)`. The
    /// callback is the first listener for [`connection`](Server::on_connection), called from the
    /// poll phase. The server does not listen before [`listen`](Server::listen).
    #[track_caller]
    pub fn create_server(
        &mut self,
        connection: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Server<'_> {
        let mut server = Server::made(self, ServerOptions::default());
        server.begin("create_server", connection);
        server
    }

    /// Makes a server with options: Node's `net.createServer(options, listener)`. See
    /// [`create_server`](Loop::create_server).
    #[track_caller]
    pub fn create_server_with(
        &mut self,
        options: ServerOptions,
        connection: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Server<'_> {
        let mut server = Server::made(self, options);
        server.begin("create_server_with", connection);
        server
    }

    /// A view of the server with this id. If it is the id of another loop, calls on the view do nothing.
    pub fn server_at(&mut self, id: ServerId) -> Server<'_> {
        Server {
            event_loop: self,
            id,
        }
    }

    pub(super) fn server(&mut self, id: ServerId) -> Option<&mut ServerEntry> {
        self.reactor.get_mut(id.0)?.server_mut()
    }

    pub(super) fn server_ref(&self, id: ServerId) -> Option<&ServerEntry> {
        self.reactor.get(id.0)?.server()
    }
}

impl Server<'_> {
    /// Makes a server that listens for nothing yet.
    fn made(event_loop: &mut Loop, options: ServerOptions) -> Server<'_> {
        let entry = ServerEntry {
            state: State::Idle,
            listener: None,
            listeners: Listeners::default(),
            options,
            wanted: None,
            listens: 0,
            lookup: None,
            aborts: Vec::new(),
            path: None,
            connections: 0,
            max_connections: None,
            back_off: BACK_OFF,
            short_at: None,
            timer: None,
            is_held: true,
            holds: false,
            is_again: false,
            accepted_in_turn: 0,
            data: Data::default(),
        };
        let id = ServerId(event_loop.reactor.insert(Entry::Server(Box::new(entry))));
        event_loop.server_at(id)
    }

    #[track_caller]
    fn begin(&mut self, name: &'static str, connection: impl FnMut(&mut Socket<'_>) + 'static) {
        let subject = Subject::Server(self.id);
        let former = self.event_loop.agenda.trace.calls(subject, name);
        self.on_connection(connection);
        self.event_loop.agenda.trace.leave(former);
    }
}

impl Served<'_, ServerId> {
    fn entry(&mut self) -> Option<&mut ServerEntry> {
        self.event_loop.server(self.id)
    }

    fn entry_ref(&self) -> Option<&ServerEntry> {
        self.event_loop.server_ref(self.id)
    }

    /// Makes a call from a phase.
    fn with<R>(
        &mut self,
        call: impl FnOnce(&mut ServerEntry, &mut Errands<'_, ServerId>) -> R,
    ) -> Option<R> {
        self.event_loop.with_server(self.id, call)
    }

    /// Emits an event. Returns whether it had listeners.
    fn emit<F: ?Sized>(
        &mut self,
        event: Event<ServerEntry, F>,
        mut call: impl FnMut(&mut F, &mut Server<'_>),
    ) -> bool {
        let id = self.id;
        self.event_loop.emit(
            Subject::Server(id),
            event,
            |event_loop| event_loop.server(id),
            |listener, event_loop| call(listener, &mut event_loop.server_at(id)),
        )
    }
}

impl Server<'_> {
    /// The server's id, which may be kept; [`Loop::server_at`] makes a view of it again.
    pub fn id(&self) -> ServerId {
        self.id
    }

    /// Makes a call, with records in the trace.
    #[track_caller]
    fn calls<R>(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&mut ServerEntry, &mut Errands<'_, ServerId>) -> R,
    ) -> Option<R> {
        let subject = Subject::Server(self.id);
        let former = self.event_loop.agenda.trace.calls(subject, name);
        let answer = self.event_loop.with_server(self.id, call);
        self.event_loop.agenda.trace.leave(former);
        answer
    }

    /// The loop that the server belongs to, lent for as long as the view. In Node it is global.
    pub fn event_loop(&mut self) -> &mut Loop {
        self.event_loop
    }
}
