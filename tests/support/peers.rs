//! The kernel that a test runs on, and the peers that it plays there by hand: with blocking sockets of the real
//! kernel, or with those of a simulated one, whose calls never wait, and which needs no time.
//!
//! A binary of tests says which kernel it is, by its `IS_SIMULATED`.

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

/// What only the real kernel has. A test that needs it has no place on the simulated one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Real {
    /// Other processes: strace, shims before the C library, namespaces, limits, Node.
    Processes,
    /// Threads that are waited for.
    Threads,
    /// Descriptors from outside, duplicates of descriptors, and the options that are read from them.
    Descriptors,
    /// Files and folders that are not sockets of the loop's, and modes.
    Files,
    /// Handshakes that are under way between two calls: on one host, nothing takes time.
    Handshakes,
    /// The machine's own names, addresses, and what its `localhost` is.
    Names,
    /// Signals that reach the process.
    Signals,
    /// A clock that goes on while a callback runs.
    Clock,
}

/// Whether the kernel of these tests has no such thing. Such a test has nothing to show.
pub(crate) fn lacks(_: Real) -> bool {
    IS_SIMULATED
}

#[cfg(feature = "sim")]
thread_local! {
    /// Those of the host on which the newest loop of a test runs.
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

/// One end of a connection whose other end is a loop's.
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
    /// Connects. The connection waits in the kernel, with all that the peer does to it, until the loop runs.
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

    /// Connects, and does not wait until the kernel of the other end has answered.
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

    /// Its own address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            End::Real(socket) => socket.local_addr().expect("a socket").as_socket(),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.local_address(),
        }
    }

    /// Ends its half.
    #[track_caller]
    pub(crate) fn end(&self) {
        let ended = match &self.0 {
            End::Real(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.end(),
        };
        ended.expect("a connection");
    }

    /// A reset: close with a linger time of zero.
    pub(crate) fn reset(self) {
        match self.0 {
            End::Real(socket) => socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER"),
            #[cfg(feature = "sim")]
            End::Simulated(stream) => stream.reset(),
        }
    }

    /// A byte of urgent data.
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

    /// Sends this again and again, until the kernel takes no more.
    pub(crate) fn flood(&mut self, chunk: &[u8]) {
        self.waits(false);
        while self.write(chunk).is_ok() {}
        self.waits(true);
    }

    /// Sends what the kernel takes of this.
    pub(crate) fn offer(&mut self, bytes: &[u8]) {
        self.waits(false);
        _ = self.write(bytes);
        self.waits(true);
    }

    /// Whether nothing has come.
    pub(crate) fn has_nothing(&mut self) -> bool {
        self.waits(false);
        let read = self.read(&mut [0]);
        self.waits(true);
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// All that comes until the end.
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

/// A listener of the tests', to which a loop connects.
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

    /// At which so many connections, and one more, can wait.
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

/// A peer that reads to the end, while the loop runs, and does not hold it. At the end it closes.
#[derive(Clone, Default)]
pub(crate) struct Reader(Rc<RefCell<Reading>>);

#[derive(Default)]
struct Reading {
    all: Vec<u8>,
    peer: Option<Peer>,
    error: Option<io::Error>,
}

impl Reader {
    /// One that does not read yet.
    pub(crate) fn of(peer: Peer) -> Reader {
        let reader = Reader::default();
        reader.is(peer);
        reader
    }

    /// Says which peer it is: a loop has to be told of the reader before there is one.
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

    /// All that came until the end, which is waited for.
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
    /// Reads what is there.
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

/// A listener at which nobody answers any more: its queue holds one connection, and that has come.
pub(crate) fn silent() -> (Listener, Peer) {
    silent_at(Ipv4Addr::LOCALHOST)
}

pub(crate) fn silent_at(host: Ipv4Addr) -> (Listener, Peer) {
    let listener = Listener::at(host, 0);
    let waiting = Peer::connect(listener.address()).expect("the kernel accepts one");
    (listener, waiting)
}

/// A port at which nobody listens, and which nobody else gets while the socket is held.
pub(crate) fn closed_port() -> (Option<Socket>, u16) {
    if IS_SIMULATED {
        return (None, Listener::new().address().port());
    }
    let (held, port) = crate::support::closed_port();
    (Some(held), port)
}
