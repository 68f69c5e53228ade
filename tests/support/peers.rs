//! The kernel that a test runs on, and the peers that the test plays there call by call: with blocking sockets on
//! the real kernel, or with sockets of a simulated one, whose calls never block and take no time.
//!
//! The `IS_SIMULATED` of a test binary chooses the kernel.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

#[cfg(feature = "sim")]
use netloop::sim;
use netloop::{EventLoop, Loop};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use crate::IS_SIMULATED;
use crate::support::LIMIT;

/// What only the real kernel has. A test that needs it returns at once on the simulated one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Real {
    /// Other processes: strace, shims before the C library, namespaces, limits, Node.
    Processes,
    /// Other threads that the loop waits for.
    Threads,
    /// Descriptors from outside, duplicates of descriptors, and socket options that are read from them.
    Descriptors,
    /// Files other than the loop's own sockets, directories, and file modes.
    Files,
    /// Handshakes in progress between two calls: on a simulated host they take no time.
    Handshakes,
    /// The machine's own names and addresses, and the addresses of its `localhost`.
    Names,
    /// Signals to the process.
    Signals,
    /// A clock that advances while a callback runs.
    Clock,
}

/// Whether the kernel of these tests lacks something that a test needs.
pub(crate) fn lacks(_: Real) -> bool {
    IS_SIMULATED
}

#[cfg(feature = "sim")]
thread_local! {
    /// The sockets of the host on which the newest loop of the test runs.
    static SOCKETS: RefCell<Option<sim::Sockets>> = const { RefCell::new(None) };
}

#[cfg(feature = "sim")]
fn simulated<R>(call: impl FnOnce(&sim::Sockets) -> io::Result<R>) -> io::Result<R> {
    SOCKETS.with_borrow(|sockets| call(sockets.as_ref().expect("a loop before its peers")))
}

/// A loop on the kernel of these tests.
pub(crate) fn new_loop() -> EventLoop {
    #[cfg(feature = "sim")]
    if IS_SIMULATED {
        let event_loop = sim::event_loop().expect("an event loop");
        SOCKETS.set(sim::Sockets::of(&event_loop));
        return event_loop;
    }
    EventLoop::new().expect("an event loop")
}

/// One end of a connection. The other end belongs to a loop.
#[derive(Debug)]
pub(crate) struct Peer(End);

#[derive(Debug)]
enum End {
    Real(Socket),
    #[cfg(feature = "sim")]
    Simulated(sim::Stream),
}

/// Asks the same of both.
macro_rules! either {
    ($of:expr, $it:pat => $answer:expr) => {
        match $of {
            End::Real($it) => $answer,
            #[cfg(feature = "sim")]
            End::Simulated($it) => $answer,
        }
    };
}

impl Peer {
    /// Connects. Until the loop runs, the connection stays in the backlog, with everything that the peer sends.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Peer> {
        #[cfg(feature = "sim")]
        if IS_SIMULATED {
            let stream = simulated(|sockets| sockets.connect(address))?;
            return Ok(Peer(End::Simulated(stream)));
        }
        Peer::made(Domain::for_address(address), &address.into())
    }

    pub(crate) fn connect_path(path: &Path) -> io::Result<Peer> {
        #[cfg(feature = "sim")]
        if IS_SIMULATED {
            let stream = simulated(|sockets| sockets.connect_path(path))?;
            return Ok(Peer(End::Simulated(stream)));
        }
        Peer::made(Domain::UNIX, &SockAddr::unix(path)?)
    }

    fn made(domain: Domain, address: &SockAddr) -> io::Result<Peer> {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.connect(address)?;
        Ok(Peer::of(socket))
    }

    fn of(socket: Socket) -> Peer {
        socket.set_read_timeout(Some(LIMIT)).expect("a time limit");
        Peer(End::Real(socket))
    }

    /// Begins to connect, and does not wait for the handshake.
    pub(crate) fn begin(address: SocketAddr) -> Peer {
        #[cfg(feature = "sim")]
        if IS_SIMULATED {
            return Peer::connect(address).expect("it listens");
        }
        let kind = Type::STREAM.nonblocking();
        let socket = Socket::new(Domain::for_address(address), kind, None).expect("a socket");
        let begun = socket.connect(&address.into()).expect_err("it takes time");
        assert_eq!(begun.raw_os_error(), Some(libc::EINPROGRESS));
        Peer(End::Real(socket))
    }

    pub(crate) fn is_connected(&self) -> bool {
        match &self.0 {
            End::Real(socket) => socket.peer_addr().is_ok(),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.remote_address().is_some(),
        }
    }

    /// The local address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            End::Real(socket) => socket.local_addr().expect("a socket").as_socket(),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.local_address(),
        }
    }

    /// Ends this half of the connection.
    #[track_caller]
    pub(crate) fn end(&self) {
        let ended = match &self.0 {
            End::Real(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.end(),
        };
        ended.expect("a connection");
    }

    /// Closes the connection with a reset: SO_LINGER with a time of zero.
    pub(crate) fn reset(self) {
        match self.0 {
            End::Real(socket) => socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER"),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.reset(),
        }
    }

    /// Sends a byte of urgent data.
    pub(crate) fn send_urgent(&self) {
        match &self.0 {
            End::Real(socket) => {
                _ = SockRef::from(socket)
                    .send_out_of_band(b"!")
                    .expect("a byte")
            }
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.send_urgent().expect("a byte"),
        }
    }

    fn waits(&self, waits: bool) {
        match &self.0 {
            End::Real(socket) => socket.set_nonblocking(!waits).expect("O_NONBLOCK"),
            #[cfg(feature = "sim")]
            End::Simulated(_) => {}
        }
    }

    /// Sends these bytes repeatedly, until the kernel takes no more.
    pub(crate) fn flood(&mut self, chunk: &[u8]) {
        self.waits(false);
        while self.write(chunk).is_ok() {}
        self.waits(true);
    }

    /// Sends as much of these bytes as the kernel takes.
    pub(crate) fn offer(&mut self, bytes: &[u8]) {
        self.waits(false);
        _ = self.write(bytes);
        self.waits(true);
    }

    /// Whether no bytes have arrived.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.waits(false);
        let read = self.read(&mut [0]);
        self.waits(true);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Reads to the end.
    pub(crate) fn text(self) -> String {
        io::read_to_string(self).expect("an end, and no reset")
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(&mut self.0, it => it.read(buffer))
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(&mut self.0, it => it.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A listener that a test plays, and a loop connects to.
pub(crate) struct Listener(Door);

enum Door {
    Real(Socket),
    #[cfg(feature = "sim")]
    Simulated(sim::Listener),
}

impl Listener {
    pub(crate) fn new() -> Listener {
        Listener::with_backlog(128)
    }

    /// A listener whose backlog holds this many connections and one more.
    pub(crate) fn with_backlog(backlog: u16) -> Listener {
        Listener::at(Ipv4Addr::LOCALHOST, backlog)
    }

    fn at(host: Ipv4Addr, backlog: u16) -> Listener {
        let any = SocketAddr::from((host, 0));
        #[cfg(feature = "sim")]
        if IS_SIMULATED {
            let listener = simulated(|sockets| sockets.listen(any, backlog.into()));
            return Listener(Door::Simulated(listener.expect("a free port")));
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&any.into()).expect("a free port");
        socket.listen(backlog.into()).expect("a listener");
        Listener(Door::Real(socket))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let address = match &self.0 {
            Door::Real(socket) => socket.local_addr().expect("bound").as_socket(),
            #[cfg(feature = "sim")]
            Door::Simulated(listener) => listener.address(),
        };
        address.expect("an address of IPv4")
    }

    /// Accepts the next connection.
    #[track_caller]
    pub(crate) fn accept(&self) -> Peer {
        match &self.0 {
            Door::Real(socket) => Peer::of(socket.accept().expect("a connection").0),
            #[cfg(feature = "sim")]
            Door::Simulated(listener) => {
                Peer(End::Simulated(listener.accept().expect("a connection")))
            }
        }
    }
}

/// A peer that reads to the end while the loop runs, and then closes. It does not hold the loop.
#[derive(Clone, Default)]
pub(crate) struct Reader(Rc<RefCell<Reading>>);

#[derive(Default)]
struct Reading {
    all: Vec<u8>,
    peer: Option<Peer>,
    error: Option<io::Error>,
}

impl Reader {
    /// A reader that has not begun.
    pub(crate) fn of(peer: Peer) -> Reader {
        let reader = Reader::default();
        reader.is(peer);
        reader
    }

    /// Sets the peer, which may be connected after a callback has captured the reader.
    pub(crate) fn is(&self, peer: Peer) {
        self.0.borrow_mut().peer = Some(peer);
    }

    /// Begins to read.
    pub(crate) fn begin(&self, event_loop: &mut Loop) {
        let reading = Rc::clone(&self.0);
        let interval = event_loop.set_interval(Duration::from_millis(1), move |event_loop| {
            if reading.borrow_mut().is_over() {
                let this = event_loop.current_timer().expect("an interval");
                event_loop.clear_interval(this);
            }
        });
        event_loop.unref_timer(interval);
    }

    /// Waits for the end, and returns all bytes.
    pub(crate) fn all(&self) -> io::Result<Vec<u8>> {
        let mut reading = self.0.borrow_mut();
        if let Some(mut peer) = reading.peer.take() {
            peer.waits(true);
            peer.read_to_end(&mut reading.all)?;
        }
        let error = reading.error.take();
        error.map_or_else(|| Ok(std::mem::take(&mut reading.all)), Err)
    }
}

impl Reading {
    /// Reads the bytes that have arrived.
    fn is_over(&mut self) -> bool {
        let Some(peer) = &mut self.peer else {
            return true;
        };
        peer.waits(false);
        match peer.read_to_end(&mut self.all) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => self.error = Some(error),
            Ok(_) => {}
        }
        self.peer = None;
        true
    }
}

/// A listener whose backlog is full, so that a connect is not answered.
pub(crate) fn silent() -> (Listener, Peer) {
    silent_at(Ipv4Addr::LOCALHOST)
}

pub(crate) fn silent_at(host: Ipv4Addr) -> (Listener, Peer) {
    let listener = Listener::at(host, 0);
    let waiting = Peer::connect(listener.address()).expect("the kernel accepts one");
    (listener, waiting)
}

/// A port without a listener, which stays free while the socket is held.
pub(crate) fn closed_port() -> (Option<Socket>, u16) {
    if IS_SIMULATED {
        return (None, Listener::new().address().port());
    }
    let (held, port) = crate::support::closed_port();
    (Some(held), port)
}
