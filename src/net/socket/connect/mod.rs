//! Connecting: to a path, to an address, or to a name's addresses one after the other.
//!
//! A connect [begins](begin), has its name [looked up](lookup), [attempts] the addresses,
//! and comes to its [outcome].

mod attempts;
mod begin;
mod families;
mod lookup;
mod outcome;

pub(in crate::net) use families::ATTEMPT_TIMEOUT;
pub(super) use families::ATTEMPT_TIMEOUT_MIN;
pub use lookup::Lookup;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::SocketEntry;
use crate::net::SocketId;
use crate::net::error::Error;
use crate::net::event_loop::Loop;
use crate::net::event_loop::errands::Errands;
use crate::net::lookups::LookupFunction;
use crate::net::shared::Shared;
use crate::room::options::KeepAlive;
use crate::room::stream::Stream;
use crate::rules::state::socket::State;
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

/// What is being connected to.
pub(super) enum Target {
    Path(PathBuf),
    Name(String),
    /// In the words in which it was given.
    Address(String),
}

/// A connect on its way.
pub(super) struct Connecting {
    target: Target,
    port: u16,
    local_address: Option<IpAddr>,
    local_port: u16,
    family: u8,
    hints: i32,
    lookup: Option<Shared<LookupFunction>>,
    tries_all: bool,
    attempt_timeout: Duration,
    /// Keep-alive was asked for before the first attempt, whose descriptor begins with it.
    is_kept_alive: bool,
    /// The lookup that is waited for.
    ticket: Option<u64>,
    /// With the port.
    addresses: Vec<SocketAddr>,
    /// How many of them have been begun.
    begun: usize,
    errors: Vec<Error>,
    timer: Option<TimerKey>,
    /// What `connect(2)` said at once.
    failed: Option<std::io::Error>,
    is_registered: bool,
}

impl Attempt {
    fn to(address: IpAddr, port: u16) -> Attempt {
        Attempt {
            address: address.to_string(),
            port: Some(port),
            family: Some(if address.is_ipv4() { 4 } else { 6 }),
        }
    }
}

impl Connecting {
    /// Several addresses are at hand: failures are collected, and the next one is tried.
    fn is_multiple(&self) -> bool {
        self.addresses.len() > 1
    }

    fn current(&self) -> Option<SocketAddr> {
        self.addresses.get(self.begun.checked_sub(1)?).copied()
    }

    fn local(&self, address: IpAddr) -> Option<SocketAddr> {
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

    fn attempt(&self) -> Attempt {
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

    /// The socket is destroyed: neither time nor an answer is waited for.
    pub(super) fn stop(&self, errands: &mut Errands<'_>) {
        if let Some(timer) = self.timer {
            errands.agenda.timers.cancel(timer);
        }
        if let Some(ticket) = self.ticket {
            errands.lookups.forget(ticket);
        }
    }

    fn error(&self, error: &std::io::Error) -> Error {
        let attempt = self.attempt();
        let made = Error::of_address("connect", error, &attempt.address, attempt.port);
        let local = self.current().and_then(|address| self.local(address.ip()));
        match local.filter(|local| local.port() > 0) {
            Some(local) => made.with_local(&local.ip().to_string(), local.port()),
            None => made,
        }
    }
}

impl SocketEntry {
    /// The connect that is on its way.
    fn connecting(&mut self) -> Option<&mut Connecting> {
        match self.connection.state.life {
            State::Opening => self.cold.as_mut()?.connecting.as_deref_mut(),
            _ => None,
        }
    }

    pub(super) fn connects_to_path(&self) -> bool {
        let connecting = self.cold.as_ref().and_then(|cold| cold.connecting.as_ref());
        connecting.is_some_and(|connecting| matches!(connecting.target, Target::Path(_)))
    }

    /// Makes a stream the socket's. It is registered before the next wait, as libuv does it: so
    /// one that is connected at once is told behind the listener that has accepted it.
    fn adopt(&mut self, stream: Stream, errands: &mut Errands<'_>) {
        if let Some(connecting) = self.connecting() {
            connecting.is_registered = false;
        }
        self.connection.stream = Some(stream);
        errands.agenda.connecting.push(errands.id);
    }

    fn register_connecting(&mut self, errands: &mut Errands<'_>) {
        match self.connecting() {
            Some(connecting) if !connecting.is_registered => connecting.is_registered = true,
            _ => return,
        }
        if let Err(error) = self.register(errands) {
            self.destroy(Some(error), errands);
        }
    }

    fn stop_attempt_timer(&mut self, errands: &mut Errands<'_>) {
        let timer = self.connecting().and_then(|it| it.timer.take());
        if let Some(timer) = timer {
            errands.agenda.timers.cancel(timer);
        }
    }

    /// Keep-alive is asked for, or not any more, while connecting. As in Node, a connection that has
    /// its descriptor is told at once, and nobody is told what is known.
    pub(super) fn keep_connecting_alive(&mut self, wanted: Option<KeepAlive>) {
        let (State::Opening, Some(cold)) = (self.connection.state.life, &mut self.cold) else {
            return;
        };
        if cold.wanted.keep_alive.map(KeepAlive::seconds) == wanted.map(KeepAlive::seconds) {
            return;
        }
        match (&self.connection.stream, &mut cold.connecting) {
            (Some(stream), _) => {
                if let Err(error) = stream.set_keep_alive(wanted) {
                    log::debug!(target: "netloop::socket", "SO_KEEPALIVE: {error}");
                }
            }
            (None, Some(connecting)) => connecting.is_kept_alive = wanted.is_some(),
            (None, None) => {}
        }
    }
}

impl Loop {
    fn connecting(&mut self, id: SocketId) -> Option<&mut Connecting> {
        self.entry(id)?.connecting()
    }

    /// Registers the streams that have begun to connect since the last wait.
    pub(in crate::net) fn register_connecting(&mut self) {
        for id in std::mem::take(&mut self.agenda.connecting) {
            self.with_socket(id, SocketEntry::register_connecting);
        }
    }
}
