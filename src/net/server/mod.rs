//! Servers: the view a program acts through, and what the loop keeps for each.

mod accept;
mod listen;
mod options;

pub use accept::Dropped;
pub use options::{ListenOptions, ServerOptions};

use std::path::{Path, PathBuf};
use std::time::Duration;

use self::listen::Listening;
use super::error::{Error, words};
use super::event_loop::{Entry, Loop};
use super::queues::{ServerTick, Tick};
use super::scheduling::TimerTask;
use super::slot::Slot;
use super::socket::Socket;
use super::trace::{Subject, What};
use super::{ServerId, SocketId};
use crate::room::listener::Listener;
use crate::rules::block_list::BlockList;
use crate::rules::state::server::{Action, Input, State, step};
use crate::rules::timers::TimerKey;

type Plain = dyn FnMut(&mut Server<'_>);
type OnConnection = dyn FnMut(&mut Socket<'_>);
type OnDrop = dyn FnMut(&mut Server<'_>, Option<&Dropped>);
type OnError = dyn FnMut(&mut Server<'_>, &Error);

/// How long a server that is out of descriptors rests at first; each rest in a row doubles it.
const REST: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(1);

/// A server, lent for one call: its name, and the loop. Node's `net.Server`.
///
/// ```
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|socket| {
///         socket.end_with("hello");
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         println!("listening on {}", server.port().unwrap());
///         server.close();
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct Server<'l> {
    event_loop: &'l mut Loop,
    id: ServerId,
}

/// All that a server is.
pub(super) struct ServerEntry {
    state: State,
    listener: Option<Listener>,
    listening: Slot<Plain>,
    connection: Slot<OnConnection>,
    drop: Slot<OnDrop>,
    error: Slot<OnError>,
    close: Slot<Plain>,
    options: Settings,
    /// What `listen` was told, while a lookup is pending or refused.
    wanted: Option<Box<Listening>>,
    /// The ticket of the newest `listen`: an older one means nothing any more.
    ticket: u64,
    /// The lookup that was asked, and for which ticket.
    asked: Option<(u64, u64)>,
    path: Option<PathBuf>,
    connections: usize,
    max_connections: Option<usize>,
    rest: Duration,
    rest_timer: Option<TimerKey>,
    /// `unref` was not called: the server may hold the loop.
    is_held: bool,
    holds: bool,
    is_again: bool,
}

/// What accepted sockets are given, and how many are accepted a turn.
struct Settings {
    allow_half_open: bool,
    pause_on_connect: bool,
    no_delay: bool,
    keep_alive: Option<Duration>,
    high_water_mark: Option<usize>,
    write_limit: Option<usize>,
    block_list: Option<BlockList>,
    accepts_per_turn: usize,
}

impl Loop {
    /// Makes a server that calls back for each connection: Node's `net.createServer`.
    pub fn create_server(
        &mut self,
        connection: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Server<'_> {
        self.create_server_with(ServerOptions::default(), connection)
    }

    /// Makes a server with options: Node's `net.createServer(options, listener)`.
    pub fn create_server_with(
        &mut self,
        options: ServerOptions,
        connection: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Server<'_> {
        let mut connections = Slot::default();
        connections.add(Box::new(connection) as Box<OnConnection>, false);
        let entry = ServerEntry {
            state: State::Idle,
            listener: None,
            listening: Slot::default(),
            connection: connections,
            drop: Slot::default(),
            error: Slot::default(),
            close: Slot::default(),
            options: options.into_settings(),
            wanted: None,
            ticket: 0,
            asked: None,
            path: None,
            connections: 0,
            max_connections: None,
            rest: REST,
            rest_timer: None,
            is_held: true,
            holds: false,
            is_again: false,
        };
        let id = ServerId(self.reactor.insert(Entry::Server(Box::new(entry))));
        self.server_at(id)
    }

    /// A view of the server with this name.
    pub fn server_at(&mut self, id: ServerId) -> Server<'_> {
        Server {
            event_loop: self,
            id,
        }
    }

    fn server(&mut self, id: ServerId) -> Option<&mut ServerEntry> {
        match self.reactor.get_mut(id.0) {
            Some(Entry::Server(server)) => Some(server),
            _ => None,
        }
    }

    fn server_ref(&self, id: ServerId) -> Option<&ServerEntry> {
        match self.reactor.get(id.0) {
            Some(Entry::Server(server)) => Some(server),
            _ => None,
        }
    }

    fn server_tick(&mut self, id: ServerId, tick: ServerTick) {
        self.tick(Tick::Server(id, tick));
    }

    /// Tells the machine what happened, and does what it says.
    fn feed_server(&mut self, id: ServerId, input: Input) {
        let Some(server) = self.server(id) else {
            return;
        };
        let from = server.state;
        let (to, actions) = step(from, input);
        if from == to && actions.is_empty() {
            return;
        }
        server.state = to;
        self.update_server_hold(id);
        let former = self.trace.is_on().then(|| {
            let (from, input, to) = (&from, &input, &to);
            let what = What::Transition { from, input, to };
            self.trace.enter(Subject::Server(id), what)
        });
        for &action in actions {
            self.perform_server(id, action);
        }
        if let Some(former) = former {
            self.trace.leave(former);
        }
    }

    fn perform_server(&mut self, id: ServerId, action: Action) {
        match action {
            Action::QueueListening => self.server_tick(id, ServerTick::Listening),
            Action::QueueClose => self.server_tick(id, ServerTick::Close),
            Action::StartRest => self.start_rest(id),
            Action::EndRest => self.end_rest(id),
            Action::AcceptAgain => self.accept_again(id),
            Action::Release => self.release_listener(id),
        }
    }

    fn update_server_hold(&mut self, id: ServerId) {
        let Some(server) = self.server(id) else {
            return;
        };
        let must_hold = server.is_held && server.state.is_listening();
        if server.holds != must_hold {
            server.holds = must_hold;
            if must_hold {
                self.holds += 1;
            } else {
                self.holds -= 1;
            }
        }
    }

    fn release_listener(&mut self, id: ServerId) {
        let Some(mut listener) = self.server(id).and_then(|server| server.listener.take()) else {
            return;
        };
        if listener.is_foreign() {
            self.reactor.deregister(&mut listener);
        }
        drop(listener);
        self.end_rests();
    }

    fn start_rest(&mut self, id: ServerId) {
        let Some(server) = self.server(id) else {
            return;
        };
        let rest = server.rest;
        server.rest = (rest * 2).min(REST_MAX);
        let now = self.clock.refresh();
        let timer = self
            .timers
            .insert(now, rest.as_millis() as u32, TimerTask::Rest(id));
        if let Some(server) = self.server(id) {
            server.rest_timer = Some(timer);
        }
        self.resting.push(id);
    }

    fn end_rest(&mut self, id: ServerId) {
        self.resting.retain(|resting| *resting != id);
        if let Some(timer) = self.server(id).and_then(|server| server.rest_timer.take()) {
            self.timers.cancel(timer);
        }
    }

    /// The timer of a rest.
    pub(super) fn rest_is_over(&mut self, id: ServerId) {
        self.feed_server(id, Input::RetryDue);
    }

    /// A descriptor of ours has become free: servers that were without may try again.
    pub(super) fn end_rests(&mut self) {
        for id in std::mem::take(&mut self.resting) {
            self.feed_server(id, Input::RetryDue);
        }
    }

    /// A socket of this server was destroyed.
    pub(super) fn leave_server(&mut self, socket: SocketId) {
        let Some(id) = self.entry_ref(socket).and_then(|entry| entry.server) else {
            return;
        };
        if let Some(server) = self.server(id) {
            server.connections -= 1;
        }
        self.feed_emptied(id);
    }

    fn sockets_of(&self, id: ServerId) -> Vec<SocketId> {
        let is_ours = |entry: &Entry| match entry {
            Entry::Socket(socket) => {
                socket.server == Some(id) && !socket.connection.state.is_destroyed()
            }
            Entry::Server(_) => false,
        };
        let mut found: Vec<SocketId> = self.reactor.find(is_ours).map(SocketId).collect();
        found.sort_by_key(|socket| socket.0.generation());
        found
    }

    fn feed_emptied(&mut self, id: ServerId) {
        if self
            .server_ref(id)
            .is_some_and(|server| server.connections == 0)
        {
            self.feed_server(id, Input::Emptied);
        }
    }

    /// Emits an event of a server.
    fn emit_server<F: ?Sized>(
        &mut self,
        id: ServerId,
        event: &'static str,
        slot: impl Fn(&mut ServerEntry) -> &mut Slot<F>,
        mut call: impl FnMut(&mut F, &mut Server<'_>),
    ) -> bool {
        self.emit(
            Subject::Server(id),
            event,
            |event_loop| event_loop.server(id).map(&slot),
            |listener, event_loop| call(listener, &mut event_loop.server_at(id)),
        )
    }

    fn emit_server_error(&mut self, id: ServerId, error: Error) -> Result<(), Error> {
        let was_heard = self.emit_server(
            id,
            "error",
            |server| &mut server.error,
            |listener, server| listener(server, &error),
        );
        if was_heard { Ok(()) } else { Err(error) }
    }

    /// The library's own work in the tick queue.
    pub(super) fn run_server_tick(&mut self, id: ServerId, tick: ServerTick) -> Result<(), Error> {
        match tick {
            ServerTick::Listening => {
                if self
                    .server_ref(id)
                    .is_some_and(|server| server.state.is_listening())
                {
                    self.emit_server(
                        id,
                        "listening",
                        |server| &mut server.listening,
                        |listener, server| listener(server),
                    );
                }
            }
            ServerTick::Error(error) => return self.emit_server_error(id, error),
            ServerTick::Close => {
                self.emit_server(
                    id,
                    "close",
                    |server| &mut server.close,
                    |listener, server| listener(server),
                );
            }
            ServerTick::Bind(ticket) => self.bind_wanted(id, ticket),
            ServerTick::LookUp(ticket) => self.look_up_wanted(id, ticket),
            ServerTick::Abort => {
                self.server_at(id).close();
            }
            ServerTick::Connections(callback) => {
                let count = self.server_ref(id).map_or(0, |server| server.connections);
                callback(&mut self.server_at(id), count);
            }
        }
        Ok(())
    }
}

macro_rules! server_events {
    ($($(#[$doc:meta])* $on:ident $once:ident = $slot:ident => ($($name:ident: $kind:ty),*);)*) => {
        impl Server<'_> {
            $(
                $(#[$doc])*
                pub fn $on(
                    &mut self,
                    listener: impl FnMut(&mut Server<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    if let Some(server) = self.event_loop.server(self.id) {
                        server.$slot.add(Box::new(listener), false);
                    }
                    self
                }

                #[doc = concat!(
                    "As [`", stringify!($on), "`](Server::", stringify!($on),
                    "), for one call only."
                )]
                pub fn $once(
                    &mut self,
                    listener: impl FnOnce(&mut Server<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    let mut listener = Some(listener);
                    let once = move |server: &mut Server<'_>, $($name: $kind),*| {
                        if let Some(listener) = listener.take() {
                            listener(server, $($name),*);
                        }
                    };
                    if let Some(server) = self.event_loop.server(self.id) {
                        server.$slot.add(Box::new(once), true);
                    }
                    self
                }
            )*
        }
    };
}

server_events! {
    /// Adds a listener for `listening`. Emitted from the tick after the address was bound; not
    /// if the server was closed meanwhile.
    on_listening once_listening = listening => ();
    /// Adds a listener for `drop`: a connection was closed at once because there were as many
    /// as [`set_max_connections`](Server::set_max_connections) allows. Emitted from the poll
    /// phase. What is told of the connection is `None` on a Unix-domain socket.
    on_drop once_drop = drop => (dropped: Option<&Dropped>);
    /// Adds a listener for `error`: the address could not be bound (from a tick), the host not
    /// be found, or nothing be accepted any more (from the poll phase). No `close` follows.
    ///
    /// An `error` that nobody listens to ends [`run`](crate::EventLoop::run) with it.
    on_error once_error = error => (error: &Error);
    /// Adds a listener for `close`: the server was closed and its last connection has gone.
    /// Emitted from a tick.
    on_close once_close = close => ();
}

impl Server<'_> {
    /// The server's name, which may be kept.
    pub fn id(&self) -> ServerId {
        self.id
    }

    /// The loop the server belongs to.
    pub fn event_loop(&mut self) -> &mut Loop {
        self.event_loop
    }

    /// Adds a listener for `connection`. Emitted from the poll phase; one connection a turn is
    /// accepted, unless [`accepts_per_turn`](ServerOptions::accepts_per_turn) says more.
    pub fn on_connection(&mut self, listener: impl FnMut(&mut Socket<'_>) + 'static) -> &mut Self {
        if let Some(server) = self.event_loop.server(self.id) {
            server.connection.add(Box::new(listener), false);
        }
        self
    }

    /// Stops listening, now; open connections go on. `close` is emitted once the last of them
    /// has gone. The name stays good, and may listen again.
    pub fn close(&mut self) -> &mut Self {
        let id = self.id;
        if let Some(server) = self.event_loop.server(id) {
            server.ticket += 1;
            server.wanted = None;
        }
        self.event_loop.feed_server(id, Input::CloseCalled);
        self.event_loop.feed_emptied(id);
        self
    }

    /// As [`close`](Server::close), with a listener for the next `close`, which is told
    /// `ERR_SERVER_NOT_RUNNING` if there was no listener to close.
    pub fn close_then(
        &mut self,
        callback: impl FnOnce(&mut Server<'_>, Result<(), Error>) + 'static,
    ) -> &mut Self {
        let result = if self.is_listening() {
            Ok(())
        } else {
            Err(words::not_running())
        };
        self.once_close(move |server| callback(server, result));
        self.close()
    }

    /// Where the server stands.
    pub fn state(&self) -> State {
        self.event_loop
            .server_ref(self.id)
            .map_or(State::Idle, |server| server.state)
    }

    /// Whether there is a listener: Node's `listening`.
    pub fn is_listening(&self) -> bool {
        self.state().is_listening()
    }

    /// The address and port it listens on; none before `listen`, after `close`, or on a path.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.event_loop
            .server_ref(self.id)?
            .listener
            .as_ref()?
            .local_address()
    }

    /// The port it listens on.
    pub fn port(&self) -> Option<u16> {
        Some(self.address()?.port())
    }

    /// The path it listens on, or listened on last: Node's `address()` of such a server.
    pub fn path(&self) -> Option<&Path> {
        self.event_loop.server_ref(self.id)?.path.as_deref()
    }

    /// How many accepted connections have not been destroyed.
    pub fn connections(&self) -> usize {
        self.event_loop
            .server_ref(self.id)
            .map_or(0, |server| server.connections)
    }

    /// The accepted sockets that have not been destroyed, the oldest name first.
    pub fn sockets(&self) -> Vec<SocketId> {
        self.event_loop.sockets_of(self.id)
    }

    /// Calls back, from a tick, with the number of [`connections`](Server::connections): Node's
    /// `getConnections`.
    pub fn get_connections(
        &mut self,
        callback: impl FnOnce(&mut Server<'_>, usize) + 'static,
    ) -> &mut Self {
        let tick = ServerTick::Connections(Box::new(callback));
        self.event_loop.server_tick(self.id, tick);
        self
    }

    /// Limits the number of connections; those beyond it are closed at once, and `drop` is
    /// emitted. Zero drops them all; `None` is no limit.
    pub fn set_max_connections(&mut self, limit: Option<usize>) -> &mut Self {
        if let Some(server) = self.event_loop.server(self.id) {
            server.max_connections = limit;
        }
        self
    }

    /// The limit that was set.
    pub fn max_connections(&self) -> Option<usize> {
        self.event_loop.server_ref(self.id)?.max_connections
    }

    /// Lets the server hold the loop again: Node's `ref()`.
    pub fn ref_(&mut self) -> &mut Self {
        self.hold(true)
    }

    /// Lets the loop end although this server listens: Node's `unref()`. It may be said before
    /// `listen`.
    pub fn unref(&mut self) -> &mut Self {
        self.hold(false)
    }

    fn hold(&mut self, is_held: bool) -> &mut Self {
        if let Some(server) = self.event_loop.server(self.id) {
            server.is_held = is_held;
            self.event_loop.update_server_hold(self.id);
        }
        self
    }

    /// How many listeners an event has, by Node's name for it: `listenerCount`.
    pub fn listener_count(&self, event: &str) -> usize {
        let Some(server) = self.event_loop.server_ref(self.id) else {
            return 0;
        };
        match event {
            "listening" => server.listening.len(),
            "connection" => server.connection.len(),
            "drop" => server.drop.len(),
            "error" => server.error.len(),
            "close" => server.close.len(),
            _ => 0,
        }
    }
}
