//! What a server, and one `listen`, can be told.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::super::AbortId;
use super::super::options::{CommonOptions, Endpoint, from_endpoints};
use crate::rules::block_list::BlockList;

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
    /// What accepted sockets are told.
    pub(super) socket: CommonOptions,
    pub(super) pause_on_connect: bool,
    pub(super) block_list: Option<BlockList>,
    pub(super) accepts_per_turn: Option<usize>,
}

impl ServerOptions {
    /// Node's `allowHalfOpen`: whether accepted sockets stay writable after the peer's end. Else
    /// `end` is called for them a tick after theirs.
    #[must_use]
    pub fn allow_half_open(mut self, on: bool) -> Self {
        self.socket.allow_half_open = on;
        self
    }

    /// Node's `pauseOnConnect`: whether accepted sockets are paused. Nothing is read from them, and
    /// they do not hold the loop, until [`resume`](crate::Socket::resume).
    #[must_use]
    pub fn pause_on_connect(mut self, on: bool) -> Self {
        self.pause_on_connect = on;
        self
    }

    /// Node's `noDelay`: `TCP_NODELAY` (tcp(7)) for accepted sockets, from before `connection` on.
    #[must_use]
    pub fn no_delay(mut self, on: bool) -> Self {
        self.socket.no_delay = on;
        self
    }

    /// Node's `keepAlive`: `SO_KEEPALIVE` (socket(7)) for accepted sockets, from before `connection`
    /// on.
    #[must_use]
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.socket.keep_alive = on;
        self
    }

    /// Node's `keepAliveInitialDelay`: how long an accepted connection is idle before the first
    /// keep-alive probe, cut to whole seconds; zero leaves the system's time.
    #[must_use]
    pub fn keep_alive_initial_delay(mut self, delay: Duration) -> Self {
        self.socket.keep_alive_initial_delay = delay;
        self
    }

    /// Node's `highWaterMark`: how many bytes may wait in either direction of accepted sockets
    /// before `write` answers `false`, or reading stops; 65536 unless set. A chunk that waits costs
    /// some 64 bytes beside its own, so that a peer which sends single bytes can cost as many times
    /// the mark.
    #[must_use]
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.socket.high_water_mark = Some(bytes);
        self
    }

    /// How many bytes may be owed on each accepted socket, 64 MiB unless set: see
    /// [`ConnectOptions::write_limit`](crate::ConnectOptions::write_limit). Node has no limit.
    #[must_use]
    pub fn write_limit(mut self, bytes: usize) -> Self {
        self.socket.write_limit = Some(bytes);
        self
    }

    /// Node's `blockList`: peers whose connections are closed at once, without `connection`.
    #[must_use]
    pub fn block_list(mut self, list: BlockList) -> Self {
        self.block_list = Some(list);
        self
    }

    /// How many connections are accepted a turn. One, as in Node, unless set; more let a server
    /// accept faster, and change what comes between two `connection` events. At least one. Node
    /// has no such option.
    #[must_use]
    pub fn accepts_per_turn(mut self, count: usize) -> Self {
        self.accepts_per_turn = Some(count.max(1));
        self
    }
}

/// Where to listen, and how: the options of Node's `server.listen`.
///
/// It is made from a port (of any address), a host and a port, a socket address, or a path; or
/// from a string, which is a port if it is a number of 0 to 65535, and else a path. `()` is any
/// free port, and so is port 0. A port wins over a path, as in Node.
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
    /// Node's `fd`, and `handle`: listens on a descriptor that is bound already, and may be
    /// listening, as systemd hands one over. See also
    /// [`duplicate_fd`](crate::Server::duplicate_fd). One that is no socket to listen on is an
    /// `error` of the server.
    #[must_use]
    pub fn fd(fd: impl Into<OwnedFd>) -> Self {
        ListenOptions {
            fd: Some(fd.into()),
            ..ListenOptions::default()
        }
    }

    /// Node's `path`, beside what is set: it counts if there is no port. The file is made in the
    /// call of `listen` (`EADDRINUSE` if there is one, whoever left it there), and removed by
    /// `close`. A path that begins with a zero byte is an abstract name, without a file (unix(7)).
    /// At most 107 bytes; a longer one is `EINVAL`.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.endpoint.path = Some(path.into());
        self
    }

    /// Node's `backlog`: how many connections the kernel keeps waiting (listen(2)); 511 unless set,
    /// or set to zero. The kernel cuts it to `net.core.somaxconn`.
    #[must_use]
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = Some(backlog);
        self
    }

    /// Node's `ipv6Only`: whether `::` leaves IPv4 alone (`IPV6_V6ONLY`, ipv6(7)).
    #[must_use]
    pub fn ipv6_only(mut self, on: bool) -> Self {
        self.ipv6_only = on;
        self
    }

    /// Node's `reusePort`: `SO_REUSEPORT` (socket(7)), with which several servers of one user may
    /// listen on one port, and the kernel spreads connections over them.
    #[must_use]
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Node's `readableAll`: makes the socket file readable for all users. Node takes all bits away
    /// that neither this nor [`writable_all`](ListenOptions::writable_all) sets, and so do we. With
    /// an abstract path `listen` returns `ERR_INVALID_ARG_VALUE`.
    #[must_use]
    pub fn readable_all(mut self, on: bool) -> Self {
        self.readable_all = on;
        self
    }

    /// Node's `writableAll`: makes the socket file writable for all users, which is what connecting
    /// to it takes (unix(7)). See [`readable_all`](ListenOptions::readable_all).
    #[must_use]
    pub fn writable_all(mut self, on: bool) -> Self {
        self.writable_all = on;
        self
    }

    /// Whether closing leaves a file alone that has taken the place of ours at the
    /// [`path`](ListenOptions::path): it is removed only if its device and inode are those of the
    /// socket that this `listen` has made. Unless set, as in Node, whatever stands there is removed: a
    /// server that stops takes its successor's file away.
    #[must_use]
    pub fn only_own_file(mut self, on: bool) -> Self {
        self.only_own_file = on;
        self
    }

    /// Node's `signal`: the abort handle that closes the server. One that was used already closes
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
