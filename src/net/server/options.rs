//! The options of a server, and of one `listen`.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use crate::net::AbortId;
use crate::net::options::{CommonOptions, Endpoint, from_endpoints};
use crate::values::block_list::BlockList;

/// Options of a server: those of Node's `net.createServer`. All are off unless set.
///
/// ```
/// use netloop::{EventLoop, ServerOptions};
///
/// let mut event_loop = EventLoop::new()?;
/// let options = ServerOptions::default().allow_half_open(true).pause_on_connect(true);
/// event_loop
///     .create_server_with(options, |socket| {
///         assert!(socket.allow_half_open() && socket.is_paused());
///         socket.destroy();
///         let server = socket.server().unwrap();
///         socket.event_loop().server_at(server).close();
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         let port = server.port().unwrap();
///         server.event_loop().connect_to(("127.0.0.1", port)).unwrap().resume();
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ServerOptions {
    /// For accepted sockets.
    pub(super) socket: CommonOptions,
    pub(super) pause_on_connect: bool,
    pub(super) block_list: Option<BlockList>,
    pub(super) accepts_per_turn: Option<usize>,
}

impl ServerOptions {
    /// Node's `allowHalfOpen`: whether accepted sockets stay writable after the peer's end. If not,
    /// our half is ended too, a tick after `end` is emitted.
    #[must_use]
    pub fn allow_half_open(mut self, on: bool) -> Self {
        self.socket.allow_half_open = on;
        self
    }

    /// Node's `pauseOnConnect`: whether accepted sockets start paused. Until
    /// [`resume`](crate::Socket::resume), nothing is read from them, and they do not hold the loop.
    #[must_use]
    pub fn pause_on_connect(mut self, on: bool) -> Self {
        self.pause_on_connect = on;
        self
    }

    /// Node's `noDelay`: `TCP_NODELAY` (tcp(7)) for accepted sockets, set before `connection` is
    /// emitted.
    #[must_use]
    pub fn no_delay(mut self, on: bool) -> Self {
        self.socket.no_delay = on;
        self
    }

    /// Node's `keepAlive`: `SO_KEEPALIVE` (socket(7)) for accepted sockets, set before `connection` is
    /// emitted.
    #[must_use]
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.socket.keep_alive = on;
        self
    }

    /// Node's `keepAliveInitialDelay`: how long an accepted connection is idle before the first
    /// keep-alive probe, rounded down to whole seconds; zero keeps the system's default.
    #[must_use]
    pub fn keep_alive_initial_delay(mut self, delay: Duration) -> Self {
        self.socket.keep_alive_initial_delay = delay;
        self
    }

    /// Node's `highWaterMark`: how many bytes may wait in either direction of an accepted socket
    /// before `write` returns `false`, or reading stops. The default is 65536. A waiting chunk costs
    /// some 64 bytes in addition to its own, so a peer that sends single bytes can cost some 64 times
    /// the mark.
    #[must_use]
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.socket.high_water_mark = Some(bytes);
        self
    }

    /// How many unsent bytes each accepted socket may keep, 64 MiB by default: see
    /// [`ConnectOptions::write_limit`](crate::ConnectOptions::write_limit). Node has no limit.
    #[must_use]
    pub fn write_limit(mut self, bytes: usize) -> Self {
        self.socket.write_limit = Some(bytes);
        self
    }

    /// Node's `blockList`: connections from these addresses are closed at once, without `connection`.
    #[must_use]
    pub fn block_list(mut self, list: BlockList) -> Self {
        self.block_list = Some(list);
        self
    }

    /// How many connections are accepted in a turn: at least one, and one by default, as in Node. With
    /// more, a server accepts faster, and other events come between `connection` events less often.
    /// Node has no such option.
    #[must_use]
    pub fn accepts_per_turn(mut self, count: usize) -> Self {
        self.accepts_per_turn = Some(count.max(1));
        self
    }
}

/// Where to listen, and how: the options of Node's `server.listen`.
///
/// It is made from a port (on all addresses), a host and a port, a socket address, or a path. A string
/// is a port if it is a number from 0 to 65535, and otherwise a path. `()` and port 0 take any free
/// port. A port takes precedence over a path, as in Node.
///
/// ```
/// use netloop::{EventLoop, ListenOptions};
///
/// let mut event_loop = EventLoop::new()?;
/// let options = ListenOptions::from(("127.0.0.1", 0)).backlog(128);
/// event_loop.create_server(|_socket| {}).listen(options, |server| {
///     assert_ne!(server.port(), Some(0));
///     server.close();
/// })?;
/// let nowhere = ListenOptions::default();
/// let error = event_loop.create_server(|_socket| {}).listen_on(nowhere).err().unwrap();
/// assert_eq!(error.code(), Some("ERR_INVALID_ARG_VALUE"));
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ListenOptions {
    pub(super) endpoint: Endpoint,
    pub(super) fd: Option<OwnedFd>,
    pub(super) backlog: Option<u32>,
    pub(super) ipv6_only: bool,
    pub(super) reuse_port: bool,
    pub(super) only_own_file: bool,
    pub(super) readable_all: bool,
    pub(super) writable_all: bool,
    pub(super) signal: Option<AbortId>,
}

impl ListenOptions {
    /// Node's `fd`, and `handle`: listens on a descriptor that is bound already, and may already be
    /// listening, such as one that systemd passes on. See also
    /// [`duplicate_fd`](crate::Server::duplicate_fd). If it cannot be listened on, the server emits an
    /// `error`.
    #[must_use]
    pub fn fd(fd: impl Into<OwnedFd>) -> Self {
        ListenOptions {
            fd: Some(fd.into()),
            ..ListenOptions::default()
        }
    }

    /// Node's `path`, which counts if there is no port. `listen` creates the file before it returns
    /// (`EADDRINUSE` if one is there, even a stale one), and `close` removes it. A path that begins with
    /// a zero byte is an abstract name, without a file (unix(7)). A path of more than 107 bytes fails with
    /// `EINVAL`.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.endpoint.path = Some(path.into());
        self
    }

    /// Node's `backlog`: how many connections the kernel queues until they are accepted (listen(2)).
    /// The default, and what zero means, is 511. The kernel limits it to `net.core.somaxconn`.
    #[must_use]
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = Some(backlog);
        self
    }

    /// Node's `ipv6Only`: whether `::` does not accept IPv4 (`IPV6_V6ONLY`, ipv6(7)).
    #[must_use]
    pub fn ipv6_only(mut self, on: bool) -> Self {
        self.ipv6_only = on;
        self
    }

    /// Node's `reusePort`: `SO_REUSEPORT` (socket(7)). Several servers of one user may then listen on
    /// the same port, and the kernel distributes connections among them.
    #[must_use]
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Node's `readableAll`: makes the socket file readable for all users. As in Node, mode bits that
    /// neither this nor [`writable_all`](ListenOptions::writable_all) sets are cleared. With an abstract
    /// path, `listen` returns `ERR_INVALID_ARG_VALUE`.
    #[must_use]
    pub fn readable_all(mut self, on: bool) -> Self {
        self.readable_all = on;
        self
    }

    /// Node's `writableAll`: makes the socket file writable for all users, so that all may connect
    /// (unix(7)). See [`readable_all`](ListenOptions::readable_all).
    #[must_use]
    pub fn writable_all(mut self, on: bool) -> Self {
        self.writable_all = on;
        self
    }

    /// Whether closing removes the file at the [`path`](ListenOptions::path) only if it is the one that
    /// this `listen` created, by device and inode. By default, as in Node, any file there is removed: a
    /// server that stops also removes the file of its successor.
    #[must_use]
    pub fn only_own_file(mut self, on: bool) -> Self {
        self.only_own_file = on;
        self
    }

    /// Node's `signal`: an abort handle that closes the server. A handle that was used before closes
    /// it in the next tick.
    #[must_use]
    pub fn signal(mut self, signal: AbortId) -> Self {
        self.signal = Some(signal);
        self
    }
}

impl From<()> for ListenOptions {
    fn from((): ()) -> Self {
        0.into()
    }
}

from_endpoints!(ListenOptions, "options.port");
