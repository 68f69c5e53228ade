//! How sockets are made: by the program, from a descriptor, and from an accepted connection.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use super::events::Listeners;
use super::{Socket, SocketEntry, SocketOptions};
use crate::kernel::Stream;
use crate::net::error::{Error, words};
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::{Entry, Loop};
use crate::net::options::CommonOptions;
use crate::net::trace::{Subject, What};
use crate::net::{AbortId, ServerId, SocketId};
use crate::rules::receiving::Receiving;
use crate::rules::sending::Sending;
use crate::rules::state::socket::{Readable, Standing};

impl SocketEntry {
    fn new(stream: Option<Stream>, state: Standing) -> SocketEntry {
        SocketEntry {
            stream,
            state,
            sending: Sending::default(),
            listeners: Listeners::default(),
            cold: None,
            server: None,
            receiving: Receiving::default(),
            is_held: true,
            holds: false,
            allow_half_open: false,
            no_delay: false,
            is_put_off: false,
            is_hung_up: false,
            bytes_read: 0,
        }
    }

    /// The socket of an accepted connection, which is read from at once unless it is to be paused.
    pub(in crate::net) fn accepted(
        stream: Stream,
        server: ServerId,
        options: &CommonOptions,
        is_paused: bool,
    ) -> SocketEntry {
        let mut entry = SocketEntry::new(Some(stream), Standing::OPEN);
        entry.server = Some(server);
        entry.receiving = Receiving::accepted(is_paused);
        entry.take_common_options(options);
        entry
    }

    /// The trace record of an accepted connection.
    #[cold]
    pub(in crate::net) fn birth(&self, remote: Option<SocketAddr>) -> What<'static> {
        What::Accepted {
            fd: self.descriptor_told(),
            local: self.stream.as_ref().and_then(Stream::local_address),
            remote,
        }
    }

    /// Records a connection that the program has asked for in the trace.
    pub(super) fn tell_connected(&self, errands: &mut Errands<'_>) {
        if !errands.agenda.trace.is_on() {
            return;
        }
        let stream = self.stream.as_ref();
        let what = What::Connected {
            fd: self.descriptor_told(),
            local: stream.and_then(Stream::local_address),
            remote: stream.and_then(Stream::remote_address),
        };
        errands.agenda.trace.note(Subject::Socket(errands.id), what);
    }

    fn descriptor_told(&self) -> i32 {
        self.stream.as_ref().map_or(-1, Stream::number)
    }

    /// Registers the stream with epoll, once for its lifetime.
    pub(super) fn register(&mut self, errands: &Errands<'_>) -> Result<(), Error> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let registered = errands.registry.register(stream, errands.id.0);
        registered.map_err(|error| Error::of_call("epoll_ctl", &error))
    }
}

impl Socket<'_> {
    /// Makes a socket, which is not yet attached to its abort handle.
    pub(super) fn made(
        event_loop: &mut Loop,
        options: SocketOptions,
    ) -> (Socket<'_>, Option<AbortId>) {
        let mut entry = SocketEntry::new(None, Standing::NEW);
        let signal = options.signal;
        entry.take_options(options);
        let id = event_loop.add_socket(entry);
        (event_loop.socket_at(id), signal)
    }
}

impl Loop {
    /// Makes a socket that is not connected: Node's `new net.Socket()`. It lives until its `close`: one
    /// that is neither connected nor destroyed lives as long as the loop. It does not hold the loop.
    #[track_caller]
    pub fn socket(&mut self) -> Socket<'_> {
        let (mut socket, signal) = Socket::made(self, SocketOptions::default());
        socket.calls("socket", |socket, errands| {
            socket.attach_signal(signal, errands)
        });
        socket
    }

    /// Makes a socket that is not connected, with options: Node's `new net.Socket(options)`. See
    /// [`socket`](Loop::socket).
    #[track_caller]
    pub fn socket_with(&mut self, options: SocketOptions) -> Socket<'_> {
        let (mut socket, signal) = Socket::made(self, options);
        socket.calls("socket_with", |socket, errands| {
            socket.attach_signal(signal, errands)
        });
        socket
    }

    /// Makes a socket from a descriptor: a TCP or Unix-domain connection, one end of a pipe, or a FIFO.
    /// Node's `new net.Socket({fd})`. It is read from at once. The descriptor becomes non-blocking, also
    /// for others that share it.
    ///
    /// The write end of a pipe is not [readable](Socket::is_readable), and closes after `finish`; in Node
    /// the program has to say so (`readable: false`). A write to the read end fails with `EPIPE`. A write
    /// to a pipe without a reader raises SIGPIPE (pipe(7)) in a process that does not ignore it; Rust
    /// programs ignore it.
    ///
    /// # Errors
    /// `ERR_INVALID_FD_TYPE` for a descriptor of another kind, with Node's word for it: `FILE`,
    /// `TTY`, `UDP` or `UNKNOWN`; and the errors of fcntl(2) and epoll_ctl(2). A socket that is not
    /// connected emits an `error`, `ENOTCONN` or `EINVAL`.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    ///
    /// let (ours, theirs) = UnixStream::pair().unwrap();
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.socket_from_fd(ours)?.end_with("hello").resume();
    /// event_loop.socket_from_fd(theirs)?.on_data(|_, chunk| assert_eq!(chunk, b"hello"));
    /// let (reader, writer) = std::io::pipe().unwrap();
    /// event_loop.socket_from_fd(writer)?.end_with("world");
    /// event_loop.socket_from_fd(reader)?.on_data(|_, chunk| assert_eq!(chunk, b"world"));
    /// event_loop.run()?;
    ///
    /// let file = std::fs::File::open("/dev/null").unwrap();
    /// let error = event_loop.socket_from_fd(file).err().unwrap();
    /// assert_eq!(error.code(), Some("ERR_INVALID_FD_TYPE"));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    #[track_caller]
    pub fn socket_from_fd(&mut self, fd: impl Into<OwnedFd>) -> Result<Socket<'_>, Error> {
        let stream = Stream::from_fd(fd.into()).map_err(words::unsupported_fd)?;
        let stream = stream.map_err(|error| Error::of_call("open", &error))?;
        let receiving = if stream.is_write_end() {
            Readable::Ended
        } else {
            Readable::Open
        };
        let state = Standing {
            receiving,
            ..Standing::OPEN
        };
        let mut entry = SocketEntry::new(Some(stream), state);
        entry.cold().is_foreign = true;
        let id = self.add_open_socket(entry)?;
        let mut socket = self.socket_at(id);
        socket.calls("socket_from_fd", |socket, errands| {
            _ = socket.read(Some(0), errands)
        });
        Ok(self.socket_at(id))
    }

    fn add_socket(&mut self, entry: SocketEntry) -> SocketId {
        SocketId(self.reactor.insert(Entry::Socket(entry)))
    }

    /// Adds an open socket to the slab, and registers its stream.
    pub(in crate::net) fn add_open_socket(
        &mut self,
        entry: SocketEntry,
    ) -> Result<SocketId, Error> {
        let id = self.add_socket(entry);
        let registered = self.with_socket(id, |socket, errands| {
            socket.register(errands)?;
            socket.update_hold(errands);
            Ok(())
        });
        match registered {
            Some(Err(error)) => {
                self.reactor.remove(id.0);
                Err(error)
            }
            _ => Ok(id),
        }
    }
}
