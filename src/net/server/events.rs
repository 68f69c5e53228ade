//! Listeners: `on_*` and `once_*` add them, `off` removes them.

use std::net::SocketAddr;

use super::{Server, ServerEntry};
use crate::net::ListenerId;
use crate::net::error::Error;
use crate::net::event_loop::events::{Event, events, listeners};
use crate::net::listeners::{AnySlot, Slot};
use crate::net::socket::Socket;
use crate::net::trace::Subject;

/// A connection that was closed because there were too many: the argument of Node's `'drop'`, whose
/// `localAddress`, `localPort` and `localFamily`, and the same of `remote`, are two addresses here.
///
/// ```
/// use netloop::{Dropped, EventLoop};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|_socket| unreachable!())
///     .set_max_connections(Some(0))
///     .on_drop(|server, dropped: Option<&Dropped>| {
///         let dropped = dropped.expect("a TCP connection");
///         assert_eq!(dropped.local, server.address());
///         assert!(dropped.remote.unwrap().ip().is_loopback());
///         server.close();
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         let port = server.port().unwrap();
///         server.event_loop().connect_to(("127.0.0.1", port)).unwrap().on_error(|_, _| {});
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Our address and port.
    pub local: Option<SocketAddr>,
    /// The peer's address and port.
    pub remote: Option<SocketAddr>,
}

type Plain = dyn FnMut(&mut Server<'_>);
type OnConnection = dyn FnMut(&mut Socket<'_>);
type OnDrop = dyn FnMut(&mut Server<'_>, Option<&Dropped>);
type OnError = dyn FnMut(&mut Server<'_>, &Error);

events! {
    ServerEntry:

    /// The listeners of a server.
    struct Listeners at |server| Some(&server.listeners), Some(&mut server.listeners);
    LISTENING = "listening" in listening: Plain;
    CONNECTION = "connection" in connection: OnConnection;
    DROP = "drop" in drop: OnDrop;
    ERROR = "error" in error: OnError;
    CLOSE = "close" in close: Plain;
}

listeners! {
    Server:

    /// Adds a listener for Node's `'connection'`, called after that of
    /// [`create_server`](crate::Loop::create_server). Emitted from the poll phase. One connection is
    /// accepted in each turn, unless [`accepts_per_turn`](crate::ServerOptions::accepts_per_turn) sets
    /// more.
    on_connection once_connection = CONNECTION => (socket: &mut Socket<'_>);
    /// Adds a listener for Node's `'listening'`: the address is bound. Emitted from a tick, unless the
    /// server was closed before it.
    on_listening once_listening = LISTENING => (server: &mut Server<'_>);
    /// Adds a listener for Node's `'drop'`: a connection was closed at once because the limit of
    /// [`set_max_connections`](Server::set_max_connections) was reached. Emitted from the poll phase, in
    /// place of `connection`. The argument describes the connection; it is `None` on a Unix-domain
    /// socket.
    on_drop once_drop = DROP => (server: &mut Server<'_>, dropped: Option<&Dropped>);
    /// Adds a listener for Node's `'error'`: the address could not be bound (`syscall` `listen`, code such
    /// as `EADDRINUSE` or `EACCES`) or the host was not found (`getaddrinfo`, `ENOTFOUND`), both emitted
    /// from a tick; or `accept` failed, emitted from the poll phase. No `close` follows. A lack of
    /// descriptors is no error: waiting connections are closed, as libuv does, or the server pauses
    /// accepting for 100 ms to 1 s, with a line in the log.
    ///
    /// If it has no listener, [`run`](crate::EventLoop::run) ends and returns the error.
    on_error once_error = ERROR => (server: &mut Server<'_>, error: &Error);
    /// Adds a listener for Node's `'close'`: the server was closed and its last connection
    /// destroyed. Emitted from a tick, and so before the `close` of that connection.
    on_close once_close = CLOSE => (server: &mut Server<'_>);
}

impl Server<'_> {
    #[track_caller]
    fn add_listener<F: ?Sized>(
        &mut self,
        event: Event<ServerEntry, F>,
        listener: Box<F>,
        is_once: bool,
    ) -> &mut Self {
        let listener_of = (Subject::Server(self.id), event.name);
        self.event_loop.last_listener = listener_of;
        self.event_loop.agenda.trace.listens(listener_of);
        let slot = self.event_loop.server(self.id).and_then(event.slot);
        if let Some(slot) = slot {
            slot.add(listener, is_once);
        }
        self
    }

    /// Names the listener that was just added to this server, so that [`off`](Server::off) can remove it.
    /// Call it right after `on_*`, `once_*` or [`create_server`](crate::Loop::create_server).
    pub fn named(&mut self, listener: ListenerId) -> &mut Self {
        let (subject, event) = self.event_loop.last_listener;
        if subject == Subject::Server(self.id)
            && let Some(slot) = self.slot(event)
        {
            slot.name_last(listener);
        }
        self
    }

    /// Removes a listener that was [`named`](Server::named): Node's `off(event, listener)` and
    /// `removeListener`. `event` is Node's name of the event, such as `connection`. Of several listeners
    /// with the same name, the one added last is removed. A listener may remove itself. While an event is
    /// emitted, removed listeners that were to be called for it still are, as in Node.
    ///
    /// ```
    /// use netloop::ListenerId;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let greeter = ListenerId::unique();
    /// let mut server = event_loop.create_server(|_socket| unreachable!());
    /// server.named(greeter).on_connection(|socket| {
    ///     let server = socket.server().unwrap();
    ///     socket.end().event_loop().server_at(server).close();
    /// });
    /// let port = server.off("connection", greeter).listen_on(())?.port().unwrap();
    /// event_loop.connect_to(port)?.resume();
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn off(&mut self, event: &str, listener: ListenerId) -> &mut Self {
        self.calls("off", |server, _| {
            if let Some(slot) = server.slot_mut(event) {
                slot.remove(listener);
            }
        });
        self
    }

    /// Removes all listeners of an event: Node's `removeAllListeners(event)`; see [`off`](Server::off).
    #[track_caller]
    pub fn remove_all_listeners(&mut self, event: &str) -> &mut Self {
        self.calls("remove_all_listeners", |server, _| {
            if let Some(slot) = server.slot_mut(event) {
                slot.clear();
            }
        });
        self
    }

    fn slot(&mut self, event: &str) -> Option<&mut dyn AnySlot> {
        self.event_loop.server(self.id)?.slot_mut(event)
    }

    /// How many listeners an event has, by Node's name for it, such as `connection`: Node's
    /// `listenerCount`, without those that are being called. 0 for a name that is no event.
    pub fn listener_count(&self, event: &str) -> usize {
        let server = self.event_loop.server_ref(self.id);
        let slot = server.and_then(|server| server.slot(event));
        slot.map_or(0, AnySlot::len)
    }
}
