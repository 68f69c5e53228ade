//! A connection between a protocol handler and its test.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::{Host, World};
use crate::{Error, ServerOptions, Socket, SocketId};

/// Any port will do: the handler's host has no other.
const PORT: u16 = 1;

/// A protocol handler and its peer, which the test plays, at the two ends of a connection in memory.
///
/// A handler is what a program gives to [`create_server`](crate::Loop::create_server). Its socket has a loop
/// to itself. Nothing takes time between the two, so a handler has answered all that it can when a call of
/// the test returns; only [`advance`](Pair::advance) lets time pass. In how many pieces the bytes arrive
/// follows from the seed.
///
/// ```
/// use std::time::Duration;
/// use netloop::Socket;
/// use netloop::sim::Pair;
///
/// /// Greets a peer by the name that it sends, and waits for it a minute.
/// fn greet(socket: &mut Socket<'_>) {
///     socket.on_data(|socket, name| {
///         let mut greeting = b"hello ".to_vec();
///         greeting.extend_from_slice(name);
///         socket.write(greeting);
///     });
///     socket.set_timeout(Duration::from_secs(60));
///     socket.on_timeout(|socket| _ = socket.end_with("bye"));
/// }
///
/// let mut pair = Pair::new(1, greet)?;
/// assert_eq!(pair.send("you")?, b"hello you");
/// assert_eq!(pair.advance(Duration::from_secs(59))?, b"");
/// assert_eq!(pair.advance(Duration::from_secs(1))?, b"bye");
/// assert!(pair.has_ended());
/// # Ok::<(), netloop::Error>(())
/// ```
pub struct Pair {
    world: World,
    handler: (Host, SocketId),
    peer: (Host, SocketId),
}

/// The handler's socket, until the pair knows it.
struct Accepted(SocketId);

/// What has come to the peer.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    has_ended: bool,
    error: Option<Error>,
}

impl Pair {
    /// Calls a handler with a connected socket.
    ///
    /// # Errors
    /// As [`World::add_host`], and an `error` event of the program that has no listener.
    pub fn new(seed: u64, handler: impl FnMut(&mut Socket<'_>) + 'static) -> Result<Pair, Error> {
        Pair::with(seed, ServerOptions::default(), handler)
    }

    /// As [`new`](Pair::new), for a server with these options.
    ///
    /// # Errors
    /// As [`new`](Pair::new).
    pub fn with(
        seed: u64,
        options: ServerOptions,
        mut handler: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Result<Pair, Error> {
        let mut world = World::new(seed);
        world.set_latency(Duration::ZERO..Duration::ZERO);
        let (ours, theirs) = (world.add_host("handler")?, world.add_host("peer")?);
        let accept = move |socket: &mut Socket<'_>| {
            let accepted = Accepted(socket.id());
            socket.event_loop().set_data(accepted);
            handler(socket);
        };
        let mut server = world.event_loop(ours).create_server_with(options, accept);
        let server = server.listen_on(PORT)?.id();
        let address = (world.address(ours).to_string(), PORT);
        let peer = receive(world.event_loop(theirs).connect_to(address)?);
        world.advance(Duration::ZERO)?;
        world.event_loop(ours).server_at(server).close();
        world.advance(Duration::ZERO)?;
        let accepted = world.event_loop(ours).take_data();
        let Accepted(socket) = accepted.ok_or_else(|| Error::new("no connection"))?;
        Ok(Pair {
            world,
            handler: (ours, socket),
            peer: (theirs, peer),
        })
    }

    /// The handler's socket, and with it the [loop](Socket::event_loop) of the program.
    pub fn socket(&mut self) -> Socket<'_> {
        self.world
            .event_loop(self.handler.0)
            .socket_at(self.handler.1)
    }

    /// The peer's socket: to pause, end, reset or destroy it, for example. What follows from that happens at
    /// the next call of [`send`](Pair::send) or [`advance`](Pair::advance).
    pub fn peer(&mut self) -> Socket<'_> {
        self.world.event_loop(self.peer.0).socket_at(self.peer.1)
    }

    /// Sends bytes to the handler. Returns what the peer has received since the last call.
    ///
    /// # Errors
    /// As [`World::run`].
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        self.peer().write(bytes);
        self.advance(Duration::ZERO)
    }

    /// Lets time pass. Returns what the peer has received since the last call.
    ///
    /// # Errors
    /// As [`World::run`].
    pub fn advance(&mut self, by: Duration) -> Result<Vec<u8>, Error> {
        self.world.advance(by)?;
        let received = self.world.event_loop(self.peer.0).data_mut::<Received>();
        Ok(received
            .map(|it| mem::take(&mut it.bytes))
            .unwrap_or_default())
    }

    fn received(&self) -> Option<&Received> {
        let Host(peer) = self.peer.0;
        self.world.processes[peer].event_loop.data()
    }

    /// Whether the peer has received the end of what the handler sends.
    pub fn has_ended(&self) -> bool {
        self.received().is_some_and(|it| it.has_ended)
    }

    /// The error of the peer's socket, such as `ECONNRESET` after the handler has reset the connection.
    pub fn error(&self) -> Option<&Error> {
        self.received()?.error.as_ref()
    }
}

/// Keeps what comes to the peer in its loop.
fn receive(mut socket: Socket<'_>) -> SocketId {
    fn keep(socket: &mut Socket<'_>, change: impl FnOnce(&mut Received)) {
        socket.event_loop().data_mut().map(change);
    }
    socket.event_loop().set_data(Received::default());
    socket.on_data(|socket, chunk| keep(socket, |it| it.bytes.extend_from_slice(chunk)));
    socket.on_end(|socket| keep(socket, |it| it.has_ended = true));
    socket.on_error(|socket, error| keep(socket, |it| it.error = Some(error.clone())));
    socket.id()
}

impl fmt::Debug for Pair {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pair")
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}
