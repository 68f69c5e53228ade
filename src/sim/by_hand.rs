//! Sockets that a test uses directly, without a loop.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use crate::EventLoop;
use crate::kernel::listener::BindOptions;
use crate::kernel::options::StreamOptions;
use crate::kernel::sim;

/// Sockets on the host of a loop: with them a test plays the peer call by call, as with those of the standard
/// library on the real kernel.
///
/// No call blocks: one that would fails with [`WouldBlock`](io::ErrorKind::WouldBlock). On a single host nothing
/// takes time, so one end can read at once what the other has written.
///
/// ```
/// use std::io::{Read, Write};
/// use netloop::sim::Sockets;
///
/// let mut event_loop = netloop::sim::event_loop()?;
/// let mut server = event_loop.create_server(|socket| {
///     socket.on_data(|socket, chunk| _ = socket.end_with(chunk));
///     let server = socket.server().unwrap();
///     socket.event_loop().server_at(server).close();
/// });
/// server.listen_on(8000)?;
///
/// let sockets = Sockets::of(&event_loop).unwrap();
/// let mut peer = sockets.connect(([127, 0, 0, 1], 8000).into())?;
/// peer.write_all(b"hello")?;
/// peer.end()?;
/// event_loop.run()?;
/// assert_eq!(std::io::read_to_string(peer)?, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sockets(sim::Kernel);

/// One end of a connection. Dropping it closes it, with a reset if bytes are unread.
#[derive(Debug)]
pub struct Stream(sim::Stream);

/// A listening socket. Dropping it closes it, and resets the connections in its backlog.
#[derive(Debug)]
pub struct Listener(sim::Listener);

impl Sockets {
    /// The sockets of the host on which a loop runs. `None` if its kernel is the real one.
    pub fn of(event_loop: &EventLoop) -> Option<Sockets> {
        event_loop.simulated_kernel().cloned().map(Sockets)
    }

    /// Connects to an address. If the handshake takes time, or the backlog is full, the stream is returned
    /// while it is still connecting: see [`is_connected`](Stream::is_connected).
    ///
    /// # Errors
    /// Errors of connect(2), such as `ECONNREFUSED`.
    pub fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        let (stream, _) = self.0.open(address)?.connect()?;
        stream.connected()?;
        Ok(Stream(stream))
    }

    /// Connects to the Unix socket at a path; a NUL in front makes it an abstract name.
    ///
    /// # Errors
    /// Errors of connect(2), such as `ENOENT`, and `EAGAIN` if the backlog is full.
    pub fn connect_path(&self, path: impl AsRef<Path>) -> io::Result<Stream> {
        let (stream, _) = self.0.connect_unix(path.as_ref())?;
        Ok(Stream(stream))
    }

    /// Listens on an address; on any free port if its port is 0. As in Linux, the backlog holds one connection
    /// more than `backlog`.
    ///
    /// # Errors
    /// Errors of bind(2) and listen(2), such as `EADDRINUSE`.
    pub fn listen(&self, address: SocketAddr, backlog: u32) -> io::Result<Listener> {
        let options = StreamOptions::default();
        (self.0.listen(address, bind_options(backlog), &options)).map(Listener)
    }

    /// Listens on a path; a NUL in front makes it an abstract name.
    ///
    /// # Errors
    /// Errors of bind(2), such as `EADDRINUSE`.
    pub fn listen_path(&self, path: impl AsRef<Path>, backlog: u32) -> io::Result<Listener> {
        (self.0.listen_unix(path.as_ref(), bind_options(backlog))).map(Listener)
    }
}

fn bind_options(backlog: u32) -> BindOptions {
    BindOptions {
        backlog,
        ..BindOptions::default()
    }
}

impl Listener {
    /// Accepts a connection.
    ///
    /// # Errors
    /// Errors of accept(2): `EAGAIN` if the backlog is empty.
    pub fn accept(&self) -> io::Result<Stream> {
        self.0.accept_one().map(Stream)
    }

    /// The address that the socket listens on. `None` for a path.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.local_address()
    }
}

impl Stream {
    /// Ends this half of the connection: shutdown(2) with SHUT_WR. What the peer sends can still be read.
    ///
    /// # Errors
    /// Errors of shutdown(2), but not `ENOTCONN`: a connection that is already over is no error.
    pub fn end(&self) -> io::Result<()> {
        self.0.shutdown()
    }

    /// Closes the connection with a reset.
    pub fn reset(self) {
        self.0.reset_on_close();
    }

    /// Sends a byte of urgent data (tcp(7), MSG_OOB): `!`.
    ///
    /// # Errors
    /// Errors of send(2): `EAGAIN` if bytes wait to be sent.
    pub fn send_urgent(&self) -> io::Result<()> {
        self.0.send_urgent().map(|_| ())
    }

    /// Whether the socket is connected.
    ///
    /// # Errors
    /// The error with which the connection has failed, once: SO_ERROR (socket(7)).
    pub fn is_connected(&self) -> io::Result<bool> {
        self.0.connected()
    }

    /// The local address. `None` for a path.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.0.local_address()
    }

    /// The peer's address. `None` for a path, or without a connection.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.0.remote_address()
    }
}

/// Reads the bytes that have arrived; none after the peer's end.
impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer)
    }
}

/// Writes as much as the kernel's buffers take.
impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.try_to_send(bytes);
        sent.or_else(|error| self.0.send_again(bytes, error))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
