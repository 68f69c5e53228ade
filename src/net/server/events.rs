//! `on_*` and `once_*`: adding listeners.

use super::super::error::Error;
use super::super::socket::Socket;
use super::{Dropped, Server};

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
                    "), for one call only: Node's `once`. The listener is gone before it is called."
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
        if let Some(server) = self.event_loop.server(self.id) {
            server.connection.add(Box::new(listener), false);
        }
        self
    }

    /// As [`on_connection`](Server::on_connection), for one connection only: Node's `once`. The
    /// listener is gone before it is called.
    pub fn once_connection(
        &mut self,
        listener: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> &mut Self {
        let mut listener = Some(listener);
        let once = move |socket: &mut Socket<'_>| {
            if let Some(listener) = listener.take() {
                listener(socket);
            }
        };
        if let Some(server) = self.event_loop.server(self.id) {
            server.connection.add(Box::new(once), true);
        }
        self
    }

    /// How many listeners an event has, by Node's name for it, such as `connection`: Node's
    /// `listenerCount`, without those that are being called. 0 for a name that is no event.
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
