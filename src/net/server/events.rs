//! Listeners: `on_*` and `once_*` add them, `off` takes them away.

use super::super::ListenerId;
use super::super::error::Error;
use super::super::listeners::{AnySlot, Slot};
use super::super::socket::Socket;
use super::super::trace::Subject;
use super::{Dropped, OnConnection, Server, ServerEntry};

macro_rules! server_events {
    ($($(#[$doc:meta])* $on:ident $once:ident = $slot:ident => ($($name:ident: $kind:ty),*);)*) => {
        impl Server<'_> {
            $(
                $(#[$doc])*
                pub fn $on(
                    &mut self,
                    listener: impl FnMut(&mut Server<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    let listener: Box<dyn FnMut(&mut Server<'_>, $($kind),*)> = Box::new(listener);
                    self.listen_to(stringify!($slot), |server| &mut server.$slot, listener, false)
                }

                #[doc = concat!(
                    "As [`", stringify!($on), "`](Server::", stringify!($on),
                    "), for one call only: Node's `once`. The listener is gone before it is called."
                )]
                pub fn $once(
                    &mut self,
                    listener: impl FnOnce(&mut Server<'_>, $($kind),*) + 'static,
                ) -> &mut Self {
                    let mut listener = Some(listener);
                    let once: Box<dyn FnMut(&mut Server<'_>, $($kind),*)> =
                        Box::new(move |server, $($name),*| {
                            if let Some(listener) = listener.take() {
                                listener(server, $($name),*);
                            }
                        });
                    self.listen_to(stringify!($slot), |server| &mut server.$slot, once, true)
                }
            )*
        }
    };
}

server_events! {
    /// Adds a listener for Node's `'listening'`: the address is bound. Emitted from the tick after
    /// that; not if the server was closed meanwhile.
    on_listening once_listening = listening => ();
    /// Adds a listener for Node's `'drop'`: a connection was closed at once because there were as
    /// many as [`set_max_connections`](Server::set_max_connections) allows. Emitted from the poll
    /// phase, in place of `connection`. What is told of the connection is `None` on a Unix-domain
    /// socket.
    on_drop once_drop = drop => (dropped: Option<&Dropped>);
    /// Adds a listener for Node's `'error'`: the address could not be bound (`syscall` `listen`,
    /// code such as `EADDRINUSE` or `EACCES`), the host not be found (`getaddrinfo`, `ENOTFOUND`),
    /// both from a tick; or `accept` failed, from the poll phase. No `close` follows. Want of
    /// descriptors is no error: waiting connections are closed, as libuv does, or the server
    /// rests for 100 ms to 1 s, and the log tells.
    ///
    /// An `error` that nobody listens to ends [`run`](crate::EventLoop::run) with it.
    on_error once_error = error => (error: &Error);
    /// Adds a listener for Node's `'close'`: the server was closed and its last connection
    /// destroyed. Emitted from a tick, and so before the `close` of that connection.
    on_close once_close = close => ();
}

impl Server<'_> {
    /// Adds a listener for Node's `'connection'`, behind that of
    /// [`create_server`](crate::Loop::create_server). Emitted from the poll phase; one connection a
    /// turn is accepted, unless [`accepts_per_turn`](crate::ServerOptions::accepts_per_turn) says
    /// more.
    pub fn on_connection(&mut self, listener: impl FnMut(&mut Socket<'_>) + 'static) -> &mut Self {
        let listener: Box<OnConnection> = Box::new(listener);
        self.listen_to(
            "connection",
            |server| &mut server.connection,
            listener,
            false,
        )
    }

    /// As [`on_connection`](Server::on_connection), for one connection only: Node's `once`. The
    /// listener is gone before it is called.
    pub fn once_connection(
        &mut self,
        listener: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> &mut Self {
        let mut listener = Some(listener);
        let once: Box<OnConnection> = Box::new(move |socket| {
            if let Some(listener) = listener.take() {
                listener(socket);
            }
        });
        self.listen_to("connection", |server| &mut server.connection, once, true)
    }

    fn listen_to<F: ?Sized>(
        &mut self,
        event: &'static str,
        slot: impl Fn(&mut ServerEntry) -> &mut Slot<F>,
        listener: Box<F>,
        is_once: bool,
    ) -> &mut Self {
        self.event_loop.last_listener = (Subject::Server(self.id), event);
        if let Some(server) = self.event_loop.server(self.id) {
            slot(server).add(listener, is_once);
        }
        self
    }

    /// Gives a name to the listener that has just been added to this server, so that
    /// [`off`](Server::off) can take it away. Call it right after `on_*`, `once_*` or
    /// [`create_server`](crate::Loop::create_server).
    pub fn named(&mut self, listener: ListenerId) -> &mut Self {
        let (subject, event) = self.event_loop.last_listener;
        if subject == Subject::Server(self.id)
            && let Some(slot) = self.slot(event)
        {
            slot.name_last(listener);
        }
        self
    }

    /// Takes a listener away that was [`named`](Server::named): Node's `off(event, listener)` and
    /// `removeListener`. `event` is Node's name for it, such as `connection`. Of several listeners
    /// with the same name the one added last goes. It may be the one that is running; while an event
    /// is emitted, those that it was to call are still called, as in Node.
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
    pub fn off(&mut self, event: &str, listener: ListenerId) -> &mut Self {
        let turn = self.event_loop.agenda.turns;
        if let Some(slot) = self.slot(event) {
            slot.remove(listener, turn);
        }
        self
    }

    /// Takes all listeners of an event away: Node's `removeAllListeners(event)`; see
    /// [`off`](Server::off).
    pub fn remove_all_listeners(&mut self, event: &str) -> &mut Self {
        if let Some(slot) = self.slot(event) {
            slot.clear();
        }
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

macro_rules! slot_by_name {
    ($name:ident, $($borrow:tt)+) => {
        /// The listeners of an event, by Node's name for it.
        fn $name($($borrow)+ self, event: &str) -> Option<$($borrow)+ dyn AnySlot> {
            match event {
                "listening" => Some($($borrow)+ self.listening),
                "connection" => Some($($borrow)+ self.connection),
                "drop" => Some($($borrow)+ self.drop),
                "error" => Some($($borrow)+ self.error),
                "close" => Some($($borrow)+ self.close),
                _ => None,
            }
        }
    };
}

impl ServerEntry {
    slot_by_name!(slot, &);
    slot_by_name!(slot_mut, &mut);
}
