//! One connected, or connecting, stream: a TCP or Unix-domain socket, or a pipe.

use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use libc::MSG_NOSIGNAL;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::descriptor::{Kind, kind_of};
use super::options::{self, KeepAlive, StreamOptions};
use super::pipe::Pipe;

/// Repeats a call that has failed, as long as it fails with `EINTR`.
#[cold]
pub(super) fn uninterrupted(
    mut error: io::Error,
    mut call: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    while error.kind() == io::ErrorKind::Interrupted {
        match call() {
            Err(next) => error = next,
            done => return done,
        }
    }
    Err(error)
}

/// Whether a byte or the end can be received, from the outcome of a peek. An interrupted one is repeated.
pub(super) fn has_more(
    peeked: io::Result<usize>,
    peek: impl FnMut() -> io::Result<usize>,
) -> io::Result<bool> {
    match peeked.or_else(|error| uninterrupted(error, peek)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Pipe(Pipe),
}

impl Stream {
    /// Takes over a stream's descriptor, which becomes non-blocking.
    ///
    /// # Errors
    /// Node's word for a descriptor of another kind, which stays as it was.
    pub(crate) fn from_fd(fd: OwnedFd) -> Result<io::Result<Stream>, &'static str> {
        let (kind, fd) = kind_of(fd);
        let made: fn(OwnedFd) -> Stream = match kind {
            Kind::Tcp => |fd| Stream::Tcp(TcpStream::from_std(fd.into())),
            Kind::Unix => |fd| Stream::Unix(UnixStream::from_std(fd.into())),
            Kind::Pipe => |fd| Stream::Pipe(Pipe::new(fd)),
            Kind::Other(word) => return Err(word),
        };
        // fcntl(2) works on pipes, too.
        let socket = socket2::Socket::from(fd);
        let prepared = socket.set_nonblocking(true);
        let prepared = prepared.and_then(|()| socket.set_cloexec(true));
        Ok(prepared.map(|()| made(OwnedFd::from(socket))))
    }

    /// Whether nothing can ever be received.
    pub(crate) fn is_write_end(&self) -> bool {
        matches!(self, Stream::Pipe(pipe) if pipe.is_write_end())
    }

    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self, Stream::Tcp(_))
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self)
    }

    #[inline(always)]
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.try_to_receive(buffer) {
            Err(error) => self.receive_again(buffer, error),
            received => received,
        }
    }

    #[inline(always)]
    fn try_to_receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&*stream).read(buffer),
            Stream::Unix(stream) => (&*stream).read(buffer),
            Stream::Pipe(pipe) => pipe.read(buffer),
        }
    }

    /// Repeats a recv(2) that has failed, if it was interrupted.
    #[cold]
    fn receive_again(&self, buffer: &mut [u8], error: io::Error) -> io::Result<usize> {
        uninterrupted(error, || self.try_to_receive(buffer))
    }

    /// Whether a byte or the end can be received. The kernel reports an error only once: one that is
    /// returned here is not returned by `receive` again. For a pipe only `receive` can tell.
    pub(crate) fn has_more(&self) -> io::Result<bool> {
        if let Stream::Pipe(_) = self {
            return Ok(true);
        }
        let peek = || self.socket().peek(&mut [MaybeUninit::uninit()]);
        has_more(peek(), peek)
    }

    /// One send(2), which may be interrupted, and raises no SIGPIPE if the peer is gone.
    #[inline(always)]
    pub(crate) fn try_to_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = match self {
            Stream::Tcp(stream) => SockRef::from(stream),
            Stream::Unix(stream) => SockRef::from(stream),
            Stream::Pipe(pipe) => return pipe.write(bytes),
        };
        socket.send_with_flags(bytes, MSG_NOSIGNAL)
    }

    /// Repeats a send(2) that has failed, if it was interrupted.
    #[cold]
    pub(crate) fn send_again(&self, bytes: &[u8], error: io::Error) -> io::Result<usize> {
        uninterrupted(error, || self.try_to_send(bytes))
    }

    /// As `writev(2)`, but without SIGPIPE, which a host may not ignore.
    pub(crate) fn send_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let send = || match self {
            Stream::Pipe(pipe) => pipe.write_slices(slices),
            Stream::Tcp(_) | Stream::Unix(_) => {
                (self.socket()).send_vectored_with_flags(slices, MSG_NOSIGNAL)
            }
        };
        match send() {
            Err(error) => uninterrupted(error, send),
            sent => sent,
        }
    }

    /// Shuts our half down with `shutdown(2)`. It is no error if the peer is gone (`ENOTCONN`), or if the
    /// stream is a pipe, which has one half only.
    pub(crate) fn shutdown(&self) -> io::Result<()> {
        if let Stream::Pipe(_) = self {
            return Ok(());
        }
        match self.socket().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => other,
        }
    }

    /// Makes the coming `close(2)` send a reset. There is no linger time above zero, since it makes `close`
    /// block.
    pub(crate) fn reset_on_close(&self) {
        if let Err(error) = self.socket().set_linger(Some(Duration::ZERO)) {
            log::debug!(target: "netloop::socket", "SO_LINGER: {error}");
        }
    }

    /// Whether a connecting socket is connected: `Ok(false)` while it is still connecting.
    ///
    /// mio's recipe: `SO_ERROR` first (it can be read only once), then `getpeername`, since
    /// readiness may be spurious.
    pub(crate) fn connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket().take_error()? {
            return Err(error);
        }
        match self.socket().peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The peer's address; none on a Unix socket, or if the peer is gone.
    pub(crate) fn remote_address(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.peer_addr().ok(),
            Stream::Unix(_) | Stream::Pipe(_) => None,
        }
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Stream::Tcp(stream) => stream.local_addr().ok(),
            Stream::Unix(_) | Stream::Pipe(_) => None,
        }
    }

    /// Another descriptor of the same stream.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }

    /// The number of the descriptor.
    pub(crate) fn number(&self) -> i32 {
        self.as_fd().as_raw_fd()
    }

    /// Only TCP has options.
    fn tcp(&self) -> Option<SockRef<'_>> {
        self.is_tcp().then(|| self.socket())
    }

    /// Sets the options that are on.
    pub(crate) fn set_options(&self, options: &StreamOptions) -> io::Result<()> {
        self.tcp().map_or(Ok(()), |socket| options.set_on(&socket))
    }

    pub(crate) fn set_no_delay(&self, on: bool) -> io::Result<()> {
        let socket = self.tcp();
        socket.map_or(Ok(()), |socket| socket.set_tcp_nodelay(on))
    }

    pub(crate) fn set_keep_alive(&self, wanted: Option<KeepAlive>) -> io::Result<()> {
        let socket = self.tcp();
        socket.map_or(Ok(()), |socket| options::set_keep_alive(&socket, wanted))
    }

    pub(crate) fn set_type_of_service(&self, value: u8) -> io::Result<()> {
        let socket = self.tcp();
        socket.map_or(Ok(()), |socket| {
            options::set_type_of_service(&socket, value)
        })
    }

    pub(crate) fn type_of_service(&self) -> io::Result<u8> {
        let socket = self.tcp();
        socket.map_or(Ok(0), |socket| options::type_of_service(&socket))
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
            Stream::Pipe(pipe) => pipe.as_fd(),
        }
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.register(registry, token, all),
            Stream::Unix(stream) => stream.register(registry, token, all),
            Stream::Pipe(pipe) => pipe.register(registry, token, all),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.reregister(registry, token, all),
            Stream::Unix(stream) => stream.reregister(registry, token, all),
            Stream::Pipe(pipe) => pipe.reregister(registry, token, all),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.deregister(registry),
            Stream::Unix(stream) => stream.deregister(registry),
            Stream::Pipe(pipe) => pipe.deregister(registry),
        }
    }
}
