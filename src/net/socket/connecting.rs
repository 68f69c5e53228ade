//! A connect in progress: its target, and which addresses have been tried.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::net::error::Error;
use crate::rules::timers::TimerKey;

/// One address that is tried: the arguments `ip`, `port` and `family` of Node's
/// `'connectionAttempt'`, `'connectionAttemptFailed'` and `'connectionAttemptTimeout'`.
///
/// ```
/// use netloop::{Attempt, EventLoop};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.create_server(|_socket| {}).listen(("127.0.0.1", 0), |server| {
///     let port = server.port();
///     let mut socket = server.event_loop().connect_to(("127.0.0.1", port.unwrap())).unwrap();
///     socket.on_connection_attempt(move |socket, attempt: &Attempt| {
///         assert_eq!((&*attempt.address, attempt.family), ("127.0.0.1", Some(4)));
///         assert_eq!(attempt.port, port);
///         socket.destroy();
///     });
///     server.close();
/// })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The IP address, or the path.
    pub address: String,
    /// The port; none with a path.
    pub port: Option<u16>,
    /// 4 or 6; none with a path.
    pub family: Option<u8>,
}

/// What a lookup found: the arguments `err`, `address`, `family` and `host` of Node's `'lookup'`. The
/// family is that of the address.
///
/// ```
/// use netloop::{EventLoop, Lookup};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_lookup(|event_loop, request| {
///     event_loop.answer_lookup(request.id, Ok(vec!["127.0.0.1".parse().unwrap()]));
/// });
/// event_loop.connect_to(("printer.example", 9100))?.on_lookup(|socket, lookup: &Lookup| {
///     assert_eq!(lookup.host, "printer.example");
///     assert!(lookup.address.unwrap().is_loopback() && lookup.error.is_none());
///     socket.destroy();
/// });
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The name that was looked up.
    pub host: String,
    /// One of its addresses; none with an error.
    pub address: Option<IpAddr>,
    /// Why there is none, such as `ENOTFOUND`; the socket's `error` is the same.
    pub error: Option<Error>,
}

/// The target of a connect.
pub(super) enum Target {
    Path(PathBuf),
    Name(String),
    /// As the program wrote it.
    Address(String),
}

/// A connect in progress.
pub(super) struct Connecting<L> {
    pub(super) target: Target,
    pub(super) port: u16,
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: u16,
    pub(super) family: u8,
    pub(super) hints: i32,
    pub(super) lookup: Option<L>,
    pub(super) tries_all: bool,
    pub(super) attempt_timeout: Duration,
    /// Keep-alive was asked for before the first attempt, which sets it on its descriptor.
    pub(super) is_kept_alive: bool,
    /// The ticket of the unanswered lookup.
    pub(super) ticket: Option<u64>,
    /// The addresses to try, with their port.
    pub(super) addresses: Vec<SocketAddr>,
    /// How many of the addresses have been tried, the present one included.
    pub(super) begun: usize,
    pub(super) errors: Vec<Error>,
    pub(super) timer: Option<TimerKey>,
    /// The error that `connect(2)` returned at once.
    pub(super) failed: Option<std::io::Error>,
    pub(super) is_registered: bool,
}

impl Attempt {
    pub(super) fn to(address: IpAddr, port: u16) -> Attempt {
        Attempt {
            address: address.to_string(),
            port: Some(port),
            family: Some(if address.is_ipv4() { 4 } else { 6 }),
        }
    }
}

impl<L> Connecting<L> {
    /// Whether there are several addresses. Then failures are collected, and the next one is tried.
    pub(super) fn is_multiple(&self) -> bool {
        self.addresses.len() > 1
    }

    /// What it connects to, in words: a path, or a host and a port.
    pub(super) fn goal(&self) -> String {
        match &self.target {
            Target::Path(path) => path.display().to_string(),
            Target::Address(ip) if ip.contains(':') => format!("[{ip}]:{}", self.port),
            Target::Name(host) | Target::Address(host) => format!("{host}:{}", self.port),
        }
    }

    pub(super) fn current(&self) -> Option<SocketAddr> {
        self.addresses.get(self.begun.checked_sub(1)?).copied()
    }

    pub(super) fn local(&self, address: IpAddr) -> Option<SocketAddr> {
        if self.local_address.is_none() && self.local_port == 0 {
            return None;
        }
        let any: IpAddr = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let ip = self.local_address.unwrap_or(any);
        Some(SocketAddr::new(ip, self.local_port))
    }

    pub(super) fn attempt(&self) -> Attempt {
        match (&self.target, self.current()) {
            (Target::Path(path), _) => Attempt {
                address: path.to_string_lossy().into_owned(),
                port: None,
                family: None,
            },
            (Target::Address(words), Some(address)) => Attempt {
                address: words.clone(),
                ..Attempt::to(address.ip(), self.port)
            },
            (_, Some(address)) => Attempt::to(address.ip(), self.port),
            (_, None) => Attempt::to(Ipv4Addr::UNSPECIFIED.into(), self.port),
        }
    }

    pub(super) fn error(&self, error: &std::io::Error) -> Error {
        let attempt = self.attempt();
        let made = Error::of_address("connect", error, &attempt.address, attempt.port);
        let local = self.current().and_then(|address| self.local(address.ip()));
        match local.filter(|local| local.port() > 0) {
            Some(local) => made.with_local(&local.ip().to_string(), local.port()),
            None => made,
        }
    }
}
