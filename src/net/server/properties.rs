//! The properties of a server.

use std::net::SocketAddr;
use std::path::Path;

use super::Server;
use crate::net::SocketId;
use crate::net::event_loop::Entry;
use crate::net::queues::ServerTick;
use crate::rules::state::server::State;

impl Server<'_> {
    /// The server's state in its [table](crate::state::server), which Node hides.
    pub fn state(&self) -> State {
        self.event_loop
            .server_ref(self.id)
            .map_or(State::Idle, |server| server.state)
    }

    /// Whether the server is bound and listening: Node's `listening`. It becomes true before
    /// `listening` is emitted, and false as soon as [`close`](Server::close) is called.
    pub fn is_listening(&self) -> bool {
        self.state().is_listening()
    }

    /// The address and port it listens on: Node's `address()`. `None` before `listen`, after `close`,
    /// or on a path.
    pub fn address(&self) -> Option<SocketAddr> {
        self.event_loop
            .server_ref(self.id)?
            .listener
            .as_ref()?
            .local_address()
    }

    /// The port it listens on: Node's `address().port`. `None` whenever [`address`](Server::address) is.
    pub fn port(&self) -> Option<u16> {
        Some(self.address()?.port())
    }

    /// The path it listens on, or listened on last: Node's `address()` of such a server.
    pub fn path(&self) -> Option<&Path> {
        self.event_loop.server_ref(self.id)?.path.as_deref()
    }

    /// The number of accepted connections that are not destroyed: Node's `getConnections`, without a
    /// callback.
    pub fn connections(&self) -> usize {
        self.event_loop
            .server_ref(self.id)
            .map_or(0, |server| server.connections)
    }

    /// The accepted sockets that are not destroyed, oldest first. Node has no such list. This looks at
    /// every socket of the loop.
    pub fn sockets(&self) -> Vec<SocketId> {
        let is_ours = |entry: &Entry| match entry {
            Entry::Socket(socket) => socket.is_of(self.id),
            Entry::Server(_) => false,
        };
        let found = self.event_loop.reactor.find(is_ours).map(SocketId);
        let mut found: Vec<SocketId> = found.collect();
        found.sort_unstable_by_key(|socket| socket.0.generation());
        found
    }

    /// Calls back, from a tick, with the number of [`connections`](Server::connections) at the time
    /// of the call: Node's `getConnections`, which cannot fail here.
    #[track_caller]
    pub fn get_connections(
        &mut self,
        callback: impl FnOnce(&mut Server<'_>, usize) + 'static,
    ) -> &mut Self {
        let count = self.connections();
        let tick = ServerTick::Connections(Box::new(move |server| callback(server, count)));
        self.calls("get_connections", |_, errands| errands.tick(tick));
        self
    }

    /// Limits the number of connections, from the next one on: Node's `maxConnections = …`. A
    /// connection beyond the limit is closed at once, and `drop` is emitted. Zero drops every
    /// connection; `None`, Node's `undefined`, means no limit.
    #[track_caller]
    pub fn set_max_connections(&mut self, limit: Option<usize>) -> &mut Self {
        self.calls("set_max_connections", |server, _| {
            server.max_connections = limit;
        });
        self
    }

    /// The limit that was set: Node's `maxConnections`.
    pub fn max_connections(&self) -> Option<usize> {
        self.event_loop.server_ref(self.id)?.max_connections
    }
}
