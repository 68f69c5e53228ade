//! What a server, and one `listen`, can be told.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::AbortId;
use super::super::error::Error;
use super::Settings;
use super::listen::{Listening, Place};
use crate::room::listener::BindOptions;
use crate::rules::block_list::BlockList;

/// Node's backlog; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 511;

/// Options of a server: those of Node's `net.createServer`.
///
/// ```
/// use netloop::{EventLoop, ServerOptions};
///
/// let mut event_loop = EventLoop::new()?;
/// let options = ServerOptions::default().allow_half_open(true).no_delay(true);
/// event_loop.create_server_with(options, |socket| {
///     socket.end();
/// });
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Default)]
pub struct ServerOptions {
    allow_half_open: bool,
    pause_on_connect: bool,
    no_delay: bool,
    keep_alive: bool,
    keep_alive_initial_delay: Duration,
    high_water_mark: Option<usize>,
    write_limit: Option<usize>,
    block_list: Option<BlockList>,
    accepts_per_turn: Option<usize>,
}

impl ServerOptions {
    /// Whether accepted sockets stay writable after the peer's end.
    #[must_use]
    pub fn allow_half_open(mut self, on: bool) -> Self {
        self.allow_half_open = on;
        self
    }

    /// Whether accepted sockets are paused: nothing is read from them until `resume`.
    #[must_use]
    pub fn pause_on_connect(mut self, on: bool) -> Self {
        self.pause_on_connect = on;
        self
    }

    /// `TCP_NODELAY` for accepted sockets.
    #[must_use]
    pub fn no_delay(mut self, on: bool) -> Self {
        self.no_delay = on;
        self
    }

    /// `SO_KEEPALIVE` for accepted sockets.
    #[must_use]
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.keep_alive = on;
        self
    }

    /// How long an accepted connection is idle before the first keep-alive probe, cut to whole
    /// seconds; zero leaves the system's time.
    #[must_use]
    pub fn keep_alive_initial_delay(mut self, delay: Duration) -> Self {
        self.keep_alive_initial_delay = delay;
        self
    }

    /// Both high-water marks of accepted sockets, in bytes; 65536 unless set.
    #[must_use]
    pub fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = Some(bytes);
        self
    }

    /// How many bytes may be owed on each accepted socket; a write beyond it fails with
    /// `ENOBUFS`, and the socket is destroyed. 64 MiB unless set.
    #[must_use]
    pub fn write_limit(mut self, bytes: usize) -> Self {
        self.write_limit = Some(bytes);
        self
    }

    /// Peers whose connections are closed at once, without `connection`.
    #[must_use]
    pub fn block_list(mut self, list: BlockList) -> Self {
        self.block_list = Some(list);
        self
    }

    /// How many connections are accepted a turn. One, as in Node, unless set; more let a server
    /// accept faster, and change what comes between two `connection` events.
    #[must_use]
    pub fn accepts_per_turn(mut self, count: usize) -> Self {
        self.accepts_per_turn = Some(count.max(1));
        self
    }

    pub(super) fn into_settings(self) -> Settings {
        Settings {
            allow_half_open: self.allow_half_open,
            pause_on_connect: self.pause_on_connect,
            no_delay: self.no_delay,
            keep_alive: self.keep_alive.then_some(self.keep_alive_initial_delay),
            high_water_mark: self.high_water_mark,
            write_limit: self.write_limit,
            block_list: self.block_list,
            accepts_per_turn: self.accepts_per_turn.unwrap_or(1),
        }
    }
}

/// Where to listen, and how: the options of Node's `server.listen`.
///
/// It is made from a port (of any address), a host and a port, a socket address, or a path; or
/// from a string, which is a port if it is a number, and else a path. `()` is any free port. A
/// port wins over a path, as in Node.
///
/// ```
/// use netloop::ListenOptions;
///
/// let options = ListenOptions::from(("::", 0)).ipv6_only(true).backlog(128);
/// ```
#[derive(Debug, Default)]
pub struct ListenOptions {
    port: Option<u16>,
    host: Option<String>,
    path: Option<PathBuf>,
    fd: Option<OwnedFd>,
    backlog: Option<u32>,
    ipv6_only: bool,
    reuse_port: bool,
    readable_all: bool,
    writable_all: bool,
    pub(super) signal: Option<AbortId>,
}

impl ListenOptions {
    /// Listens on a descriptor that is bound already, and may be listening.
    #[must_use]
    pub fn fd(fd: impl Into<OwnedFd>) -> Self {
        ListenOptions {
            fd: Some(fd.into()),
            ..ListenOptions::default()
        }
    }

    /// A path beside what is set: it counts if there is no port.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// How many connections the kernel keeps waiting; 511 unless set.
    #[must_use]
    pub fn backlog(mut self, backlog: u32) -> Self {
        self.backlog = Some(backlog);
        self
    }

    /// Whether `::` leaves IPv4 alone.
    #[must_use]
    pub fn ipv6_only(mut self, on: bool) -> Self {
        self.ipv6_only = on;
        self
    }

    /// `SO_REUSEPORT`: several servers of one user may listen on one port.
    #[must_use]
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }

    /// Makes the socket file readable for all users.
    #[must_use]
    pub fn readable_all(mut self, on: bool) -> Self {
        self.readable_all = on;
        self
    }

    /// Makes the socket file writable for all users.
    #[must_use]
    pub fn writable_all(mut self, on: bool) -> Self {
        self.writable_all = on;
        self
    }

    /// The abort handle that closes the server.
    #[must_use]
    pub fn signal(mut self, signal: AbortId) -> Self {
        self.signal = Some(signal);
        self
    }

    /// The mode bits that were asked for: Node 26 sets these and takes all others away.
    fn mode(&self) -> Option<u32> {
        let readable = if self.readable_all { 0o444 } else { 0 };
        let writable = if self.writable_all { 0o222 } else { 0 };
        Some(readable | writable).filter(|mode| *mode != 0)
    }

    pub(super) fn into_listening(self) -> Result<Listening, Error> {
        let mode = self.mode();
        let place = if let Some(fd) = self.fd {
            Place::Descriptor(fd)
        } else if self.port.is_some() {
            match self.host {
                None => Place::Any,
                Some(host) => match host.parse() {
                    Ok(address) => Place::Address(address),
                    Err(_) => Place::Name(host),
                },
            }
        } else if let Some(path) = self.path {
            if mode.is_some() && path.as_os_str().as_bytes().first() == Some(&0) {
                let message = "can not set readableAll or writableAll to true when path is \
                               abstract unix socket";
                return Err(Error::named("TypeError", "ERR_INVALID_ARG_VALUE", message));
            }
            Place::Path(path)
        } else {
            let message = r#"The argument 'options' must have the property "port" or "path""#;
            return Err(Error::named("TypeError", "ERR_INVALID_ARG_VALUE", message));
        };
        Ok(Listening {
            place,
            port: self.port.unwrap_or(0),
            bind: BindOptions {
                backlog: self
                    .backlog
                    .filter(|backlog| *backlog > 0)
                    .unwrap_or(BACKLOG),
                ipv6_only: self.ipv6_only,
                reuse_port: self.reuse_port,
            },
            mode,
        })
    }
}

impl From<()> for ListenOptions {
    fn from((): ()) -> Self {
        0.into()
    }
}

impl From<u16> for ListenOptions {
    fn from(port: u16) -> Self {
        ListenOptions {
            port: Some(port),
            ..ListenOptions::default()
        }
    }
}

impl From<(&str, u16)> for ListenOptions {
    fn from((host, port): (&str, u16)) -> Self {
        (host.to_owned(), port).into()
    }
}

impl From<(String, u16)> for ListenOptions {
    fn from((host, port): (String, u16)) -> Self {
        ListenOptions {
            host: Some(host),
            ..port.into()
        }
    }
}

impl From<SocketAddr> for ListenOptions {
    fn from(address: SocketAddr) -> Self {
        (address.ip().to_string(), address.port()).into()
    }
}

impl From<PathBuf> for ListenOptions {
    fn from(path: PathBuf) -> Self {
        ListenOptions::default().path(path)
    }
}

impl From<&PathBuf> for ListenOptions {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Path> for ListenOptions {
    fn from(path: &Path) -> Self {
        path.to_path_buf().into()
    }
}

impl From<&str> for ListenOptions {
    fn from(text: &str) -> Self {
        match text.parse::<u16>() {
            Ok(port) => port.into(),
            Err(_) => PathBuf::from(text).into(),
        }
    }
}
