//! A connection between a protocol handler and a test.

use std::fmt;
use std::mem;
use std::time::Duration;

use super::{Host, World};
use crate::net::error::words;
use crate::{ConnectOptions, Error, ServerOptions, Socket, SocketId};

/// The port on which the handler's host listens.
const PORT: u16 = 1;

/// The two ends of a connection in memory: a protocol handler, and a peer that the test plays.
///
/// The handler is the listener that a program gives to [`create_server`](crate::Loop::create_server). It runs
/// on a loop of its own. Nothing takes time between the two ends, so the handler has answered everything that it
/// can when a call of the test returns; only [`advance`](Pair::advance) lets time pass. The sizes of the pieces
/// in which bytes arrive follow from the seed.
///
/// ```
/// use std::time::Duration;
/// use netloop::Socket;
/// use netloop::sim::Pair;
///
/// /// Greets a peer by the name that it sends, and ends after an idle minute.
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

/// The options of a [`Pair`].
///
/// ```
/// use std::time::Duration;
/// use netloop::sim::{Pair, PairOptions};
///
/// // The handler needs data on its loop, and the peer still sends after the handler's end.
/// let options = PairOptions::default()
///     .prepare(|world, host| _ = world.event_loop(host).set_data("hello"))
///     .half_open(true);
/// let mut pair = Pair::with(1, options, |socket| {
///     let greeting = *socket.event_loop().data::<&str>().unwrap();
///     socket.end_with(greeting);
/// })?;
/// assert_eq!(pair.advance(Duration::ZERO)?, b"hello");
/// assert!(pair.has_ended());
/// pair.send("bye")?; // the peer's half is still open
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Default)]
pub struct PairOptions {
    server: ServerOptions,
    is_half_open: bool,
    preparation: Option<Box<Preparation>>,
}

type Preparation = dyn FnOnce(&mut World, Host);

impl PairOptions {
    /// The options of the server that calls the handler.
    #[must_use]
    pub fn server(mut self, options: ServerOptions) -> PairOptions {
        self.server = options;
        self
    }

    /// Whether the peer keeps its half open after the handler has ended its own: `allowHalfOpen`. By default
    /// the peer then ends its half.
    #[must_use]
    pub fn half_open(mut self, is_half_open: bool) -> PairOptions {
        self.is_half_open = is_half_open;
        self
    }

    /// A function to call before the two ends are connected, with the world and the handler's host. Port 1 of
    /// that host belongs to the pair. No time passes while the ends connect, so this function must set neither
    /// a latency nor a partition between them.
    #[must_use]
    pub fn prepare(mut self, prepare: impl FnOnce(&mut World, Host) + 'static) -> PairOptions {
        self.preparation = Some(Box::new(prepare));
        self
    }
}

impl From<ServerOptions> for PairOptions {
    fn from(options: ServerOptions) -> PairOptions {
        PairOptions::default().server(options)
    }
}

impl fmt::Debug for PairOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PairOptions")
            .field("is_half_open", &self.is_half_open)
            .finish_non_exhaustive()
    }
}

/// The handler's socket, kept in its loop until the pair takes it.
struct Accepted(SocketId);

/// What the peer has received.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    has_ended: bool,
    error: Option<Error>,
}

impl Pair {
    /// Connects the two ends, and calls the handler with its socket.
    ///
    /// # Errors
    /// - As [`World::add_host`] and [`World::advance`].
    /// - `ECONNABORTED`: the handler was not called, because the [preparation](PairOptions::prepare) has prevented
    ///   the connection, or a [block list](ServerOptions::block_list) has the peer's address.
    pub fn new(seed: u64, handler: impl FnMut(&mut Socket<'_>) + 'static) -> Result<Pair, Error> {
        Pair::with(seed, PairOptions::default(), handler)
    }

    /// As [`new`](Pair::new), with [`PairOptions`] or [`ServerOptions`].
    ///
    /// # Errors
    /// As [`new`](Pair::new).
    pub fn with(
        seed: u64,
        options: impl Into<PairOptions>,
        mut handler: impl FnMut(&mut Socket<'_>) + 'static,
    ) -> Result<Pair, Error> {
        let options = options.into();
        let mut world = World::new(seed);
        world.set_latency(Duration::ZERO..Duration::ZERO);
        let (ours, theirs) = (world.add_host("handler")?, world.add_host("peer")?);
        if let Some(prepare) = options.preparation {
            prepare(&mut world, ours);
        }
        let accept = move |socket: &mut Socket<'_>| {
            let accepted = Accepted(socket.id());
            socket.event_loop().set_data(accepted);
            handler(socket);
        };
        let mut server = world
            .event_loop(ours)
            .create_server_with(options.server, accept);
        let server = server.listen_on(PORT)?.id();
        let address = (world.address(ours).to_string(), PORT);
        let to = ConnectOptions::from(address).allow_half_open(options.is_half_open);
        let peer = receive(world.event_loop(theirs).connect_to(to)?);
        world.advance(Duration::ZERO)?;
        world.event_loop(ours).server_at(server).close();
        world.advance(Duration::ZERO)?;
        let accepted = world.event_loop(ours).take_data();
        let Accepted(socket) = accepted.ok_or_else(|| {
            let message =
                "the handler was not called: the preparation or the server's options prevented it";
            Error::with_code("ECONNABORTED", message)
        })?;
        Ok(Pair {
            world,
            handler: (ours, socket),
            peer: (theirs, peer),
        })
    }

    /// The world of the pair. Each end has a host of its own.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The hosts of the handler and of the peer.
    pub fn hosts(&self) -> (Host, Host) {
        (self.handler.0, self.peer.0)
    }

    /// The handler's socket, which leads to the handler's [loop](Socket::event_loop).
    pub fn socket(&mut self) -> Socket<'_> {
        self.world
            .event_loop(self.handler.0)
            .socket_at(self.handler.1)
    }

    /// The peer's socket: to pause, end, reset or destroy it, for example. The effects follow in the next
    /// [`send`](Pair::send) or [`advance`](Pair::advance).
    pub fn peer(&mut self) -> Socket<'_> {
        self.world.event_loop(self.peer.0).socket_at(self.peer.1)
    }

    /// Sends bytes to the handler. Returns what the peer has received since the last call.
    ///
    /// # Errors
    /// - `ERR_STREAM_WRITE_AFTER_END`: the peer has ended its half. Without [`PairOptions::half_open`] it does
    ///   so when the handler ends its own.
    /// - `ERR_STREAM_DESTROYED`: the connection is over.
    /// - As [`World::advance`].
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        let mut peer = self.peer();
        if peer.is_destroyed() {
            return Err(words::destroyed("send"));
        }
        if peer.is_writable_ended() {
            return Err(words::write_after_end());
        }
        peer.write(bytes);
        self.advance(Duration::ZERO)
    }

    /// Lets time pass. Returns what the peer has received since the last call.
    ///
    /// # Errors
    /// As [`World::advance`].
    pub fn advance(&mut self, by: Duration) -> Result<Vec<u8>, Error> {
        self.world.advance(by)?;
        let received = self.world.event_loop(self.peer.0).data_mut::<Received>();
        Ok(received
            .map(|it| mem::take(&mut it.bytes))
            .unwrap_or_default())
    }

    fn received(&self) -> Option<&Received> {
        let peer = self.world.index(self.peer.0);
        self.world.processes[peer].event_loop.data()
    }

    /// Whether the peer has received the handler's end.
    pub fn has_ended(&self) -> bool {
        self.received().is_some_and(|it| it.has_ended)
    }

    /// The `error` event of the peer's socket, such as `ECONNRESET` if the handler has reset the connection.
    pub fn error(&self) -> Option<&Error> {
        self.received()?.error.as_ref()
    }
}

/// Keeps what the peer receives in its loop.
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
