//! Connecting: to a path, to an address, or to a name's addresses one after the other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::super::SocketId;
use super::super::error::{Error, words};
use super::super::event_loop::Loop;
use super::super::names::{Asker, LookupFunction};
use super::super::queues::{Pending, SocketTick};
use super::super::scheduling::TimerTask;
use super::{ConnectOptions, LookupAnswer, Socket, SocketEntry};
use crate::room::connector::{self, Opening};
use crate::room::reactor::Readiness;
use crate::room::stream::Stream;
use crate::rules::state::socket::{Input, State, Writable};
use crate::rules::timers::TimerKey;

/// Node's lower bound of an attempt's time.
pub(super) const ATTEMPT_TIMEOUT_MIN: Duration = Duration::from_millis(10);

/// `AI_ADDRCONFIG` of Linux: only families that the machine has an address of.
const AI_ADDRCONFIG: i32 = 32;

const EALREADY: i32 = 114;
const EISCONN: i32 = 106;
const ETIMEDOUT: i32 = 110;

/// One address that is tried: the argument of the `connectionAttempt` events.
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

/// What a lookup found: the argument of `lookup`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lookup {
    /// The name.
    pub host: String,
    /// One of its addresses; none with an error.
    pub address: Option<IpAddr>,
    /// Why there is none.
    pub error: Option<Error>,
}

/// What is being connected to.
pub(super) enum Target {
    Path(PathBuf),
    Name(String),
    Address,
}

/// A connect on its way.
pub(super) struct Connecting {
    target: Target,
    port: u16,
    local_address: Option<IpAddr>,
    local_port: u16,
    family: u8,
    hints: i32,
    lookup: Option<LookupFunction>,
    tries_all: bool,
    attempt_timeout: Duration,
    /// The lookup that is waited for.
    ticket: Option<u64>,
    addresses: Vec<IpAddr>,
    /// How many of them have been begun.
    begun: usize,
    errors: Vec<Error>,
    timer: Option<TimerKey>,
    /// What `connect(2)` said at once.
    failed: Option<std::io::Error>,
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
    fn new(options: ConnectOptions, default_tries_all: bool, default_timeout: Duration) -> Self {
        let mut addresses = Vec::new();
        let target = match (options.port, options.path) {
            (None, Some(path)) => Target::Path(path),
            (_, _) => {
                let host = options.host.unwrap_or_else(|| "localhost".into());
                match host.parse() {
                    Ok(address) => {
                        addresses.push(address);
                        Target::Address
                    }
                    Err(_) => Target::Name(host),
                }
            }
        };
        let tries_all = options.auto_select_family.unwrap_or(default_tries_all)
            && !matches!(options.family, 4 | 6)
            && options.local_address.is_none();
        let hints = match (options.family, options.hints) {
            (4 | 6, hints) => hints,
            (_, 0) => AI_ADDRCONFIG,
            (_, hints) => hints,
        };
        Connecting {
            target,
            port: options.port.unwrap_or(0),
            local_address: options.local_address,
            local_port: options.local_port.unwrap_or(0),
            family: options.family,
            hints,
            lookup: options.lookup,
            tries_all,
            attempt_timeout: options.attempt_timeout.unwrap_or(default_timeout),
            ticket: None,
            addresses,
            begun: 0,
            errors: Vec::new(),
            timer: None,
            failed: None,
        }
    }

    /// Several addresses are at hand: failures are collected, and the next one is tried.
    fn is_multiple(&self) -> bool {
        self.addresses.len() > 1
    }

    fn current(&self) -> Option<IpAddr> {
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
            (_, Some(address)) => Attempt::to(address, self.port),
            (_, None) => Attempt::to(Ipv4Addr::UNSPECIFIED.into(), self.port),
        }
    }

    fn error(&self, error: &std::io::Error) -> Error {
        let attempt = self.attempt();
        let made = Error::of_address("connect", error, &attempt.address, attempt.port);
        match self.local_address {
            Some(local) if self.local_port > 0 => {
                made.with_local(&local.to_string(), self.local_port)
            }
            _ => made,
        }
    }
}

/// Each address once, the families in turn, beginning with that of the first.
fn alternate(found: &[IpAddr]) -> Vec<IpAddr> {
    let mut unique = Vec::new();
    for address in found {
        if !unique.contains(address) {
            unique.push(*address);
        }
    }
    let first_is_ipv4 = unique.first().is_some_and(IpAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = unique
        .into_iter()
        .partition(|address| address.is_ipv4() == first_is_ipv4);
    let mut sorted = Vec::new();
    for index in 0..first.len().max(second.len()) {
        sorted.extend(first.get(index));
        sorted.extend(second.get(index));
    }
    sorted
}

impl Loop {
    /// Makes a socket and connects it: Node's `net.connect`. The callback is a listener for the
    /// next `connect`.
    ///
    /// Nothing is emitted before the next tick, so listeners added to the result miss nothing.
    ///
    /// # Errors
    /// `ERR_MISSING_ARGS` when the options name neither a port nor a path. What the kernel or a
    /// name server says is an `error` event.
    pub fn connect(
        &mut self,
        target: impl Into<ConnectOptions>,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> Result<Socket<'_>, Error> {
        let mut options = target.into();
        options.check()?;
        let id = self.socket_with(std::mem::take(&mut options.socket)).id();
        if let Some(timeout) = options.timeout {
            self.socket_at(id).set_timeout(timeout);
        }
        let mut socket = self.socket_at(id);
        socket.connect(options, callback)?;
        Ok(self.socket_at(id))
    }

    fn start_connecting(&mut self, id: SocketId, options: ConnectOptions) {
        let connecting = Connecting::new(
            options,
            self.tries_all_families,
            self.family_attempt_timeout,
        );
        let Some(entry) = self.entry(id) else { return };
        if entry.connection.state == State::Closed {
            entry.begin_again();
        }
        let tick = match connecting.target {
            Target::Name(_) => SocketTick::AskLookup,
            Target::Address | Target::Path(_) => SocketTick::Connect,
        };
        entry.cold().connecting = Some(Box::new(connecting));
        self.touch(id);
        self.feed(id, Input::ConnectCalled);
        self.open_path(id);
        self.socket_tick(id, tick);
    }

    /// A path is connected to in the call, as in Node; how that went is told later.
    fn open_path(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let Target::Path(path) = &connecting.target else {
            return;
        };
        match connector::connect_unix(path) {
            Ok(stream) => self.adopt(id, stream),
            Err(error) => {
                connecting.failed = Some(error);
                self.pending.push_back(Pending::ConnectFailed(id));
            }
        }
    }

    fn connecting(&mut self, id: SocketId) -> Option<&mut Connecting> {
        let entry = self.entry(id)?;
        match entry.connection.state {
            State::Opening(_) => entry.cold.as_mut()?.connecting.as_deref_mut(),
            _ => None,
        }
    }

    /// Registers a stream and makes it the socket's.
    fn adopt(&mut self, id: SocketId, mut stream: Stream) {
        let registered = self.reactor.register(&mut stream, id.0);
        let Some(entry) = self.entry(id) else { return };
        entry.connection.stream = Some(stream);
        if let Err(error) = registered {
            self.destroy(id, Some(Error::of_call("epoll_ctl", &error)));
        }
    }

    pub(super) fn ask_lookup(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let Target::Name(host) = &connecting.target else {
            return;
        };
        let (host, family, hints) = (host.clone(), connecting.family, connecting.hints);
        let (all, own) = (connecting.tries_all, connecting.lookup.take());
        let asked = self.ask_name(Asker::Socket(id), (&host, family, hints, all), own);
        match asked {
            Ok(ticket) => {
                if let Some(connecting) = self.connecting(id) {
                    connecting.ticket = Some(ticket);
                } else {
                    self.names.forget(ticket);
                }
            }
            Err(error) => self.socket_tick(id, SocketTick::Destroy(Some(error))),
        }
    }

    pub(in crate::net) fn connecting_host(&self, id: SocketId) -> String {
        let cold = self.entry_ref(id).and_then(|entry| entry.cold.as_ref());
        match cold
            .and_then(|cold| cold.connecting.as_ref())
            .map(|connecting| &connecting.target)
        {
            Some(Target::Name(host)) => host.clone(),
            _ => String::new(),
        }
    }

    /// The answer to a socket's lookup.
    pub(in crate::net) fn socket_name_answered(&mut self, id: SocketId, answer: LookupAnswer) {
        let host = self.connecting_host(id);
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        connecting.ticket = None;
        let tries_all = connecting.tries_all;
        let found = match answer {
            Ok(found) if found.is_empty() => Err(Error::of_lookup("ENOTFOUND", &host)),
            other => other,
        };
        match found {
            Ok(mut found) => {
                if !tries_all {
                    found.truncate(1);
                }
                for address in &found {
                    self.emit_lookup(id, &host, Some(*address), None);
                    if self.connecting(id).is_none() {
                        return;
                    }
                }
                self.touch(id);
                if let Some(connecting) = self.connecting(id) {
                    connecting.addresses = alternate(&found);
                    if let Some(entry) = self.entry(id) {
                        let cold = entry.cold();
                        let is_multiple = cold
                            .connecting
                            .as_ref()
                            .is_some_and(|one| one.is_multiple());
                        cold.attempted = is_multiple.then(Vec::new);
                    }
                    self.attempt(id);
                }
            }
            Err(error) => {
                self.emit_lookup(id, &host, None, Some(error.clone()));
                self.socket_tick(id, SocketTick::Destroy(Some(error)));
            }
        }
    }

    fn emit_lookup(
        &mut self,
        id: SocketId,
        host: &str,
        address: Option<IpAddr>,
        error: Option<Error>,
    ) {
        let host = host.to_owned();
        let lookup = Lookup {
            host,
            address,
            error,
        };
        self.emit_socket(
            id,
            "lookup",
            |entry| entry.cold.as_mut().map(|cold| &mut cold.lookup),
            |listener, socket| listener(socket, &lookup),
        );
    }

    /// Begins with the next address, or with the path.
    pub(super) fn attempt(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        if let Target::Path(_) = connecting.target {
            let attempt = connecting.attempt();
            return self.emit_attempt(id, &attempt);
        }
        let Some(&address) = connecting.addresses.get(connecting.begun) else {
            let errors = std::mem::take(&mut connecting.errors);
            return self.destroy(id, Some(Error::aggregate(errors)));
        };
        connecting.begun += 1;
        let opening = match Opening::new(SocketAddr::new(address, connecting.port)) {
            Ok(opening) => opening,
            Err(error) => return self.attempt_refused(id, &error),
        };
        let local = connecting.local(address);
        if let Some(local) = local
            && let Err(error) = opening.bind(local)
        {
            let (ip, port) = (local.ip().to_string(), local.port());
            return self.bind_refused(id, Error::of_address("bind", &error, &ip, Some(port)));
        }
        self.begin_attempt(id, address, opening);
    }

    fn begin_attempt(&mut self, id: SocketId, address: IpAddr, opening: Opening) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let attempt = connecting.attempt();
        let is_multiple = connecting.is_multiple();
        let is_last = connecting.begun == connecting.addresses.len();
        let timeout = connecting.attempt_timeout;
        if let Some(error) = self.blocked(id, address) {
            return self.attempt_blocked(id, &attempt, error);
        }
        self.emit_attempt(id, &attempt);
        if self.connecting(id).is_none() {
            return;
        }
        if is_multiple {
            self.note_attempted(id, &attempt);
        }
        match opening.connect() {
            Ok(stream) => self.adopt(id, stream),
            Err(error) => return self.attempt_refused(id, &error),
        }
        if is_multiple && !is_last {
            let now = self.clock.refresh();
            let millis = u32::try_from(timeout.as_millis())
                .unwrap_or(u32::MAX)
                .max(1);
            let timer = self.timers.insert(now, millis, TimerTask::Attempt(id));
            if let Some(connecting) = self.connecting(id) {
                connecting.timer = Some(timer);
            }
        }
    }

    fn note_attempted(&mut self, id: SocketId, attempt: &Attempt) {
        if let Some(entry) = self.entry(id) {
            let note = format!("{}:{}", attempt.address, attempt.port.unwrap_or(0));
            entry.cold().attempted.get_or_insert_default().push(note);
        }
    }

    /// Why this address must not be connected to.
    fn blocked(&self, id: SocketId, address: IpAddr) -> Option<Error> {
        let list = self.entry_ref(id)?.cold.as_ref()?.block_list.as_ref()?;
        list.check(address).then(|| {
            let message = format!("IP({address}) is blocked by net.BlockList");
            Error::with_code("ERR_IP_BLOCKED", message)
        })
    }

    fn attempt_blocked(&mut self, id: SocketId, attempt: &Attempt, error: Error) {
        if self
            .connecting(id)
            .is_some_and(|connecting| connecting.is_multiple())
        {
            self.try_next(id, attempt, error);
        } else {
            self.emit_attempt(id, attempt);
            self.destroy(id, Some(error));
        }
    }

    fn bind_refused(&mut self, id: SocketId, error: Error) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        if connecting.is_multiple() {
            connecting.errors.push(error);
            self.attempt(id);
        } else {
            self.destroy(id, Some(error));
        }
    }

    /// `connect(2)` said no at once, and Node tells no `connectionAttemptFailed` of a single
    /// address then; but a refusal is told from the pending phase.
    fn attempt_refused(&mut self, id: SocketId, error: &std::io::Error) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let made = connecting.error(error);
        if connecting.is_multiple() {
            let attempt = connecting.attempt();
            self.try_next(id, &attempt, made);
        } else if error.kind() == std::io::ErrorKind::ConnectionRefused {
            connecting.failed = error.raw_os_error().map(std::io::Error::from_raw_os_error);
            self.pending.push_back(Pending::ConnectFailed(id));
        } else {
            self.destroy(id, Some(made));
        }
    }

    fn try_next(&mut self, id: SocketId, attempt: &Attempt, error: Error) {
        if let Some(connecting) = self.connecting(id) {
            connecting.errors.push(error.clone());
        }
        self.emit_attempt_failed(id, attempt, &error);
        self.attempt(id);
    }

    /// The pending phase: `connect(2)` had said no in the call.
    pub(in crate::net) fn attempt_failed_at_once(&mut self, id: SocketId) {
        if let Some(error) = self
            .connecting(id)
            .and_then(|connecting| connecting.failed.take())
        {
            self.attempt_failed(id, &error);
        }
    }

    fn attempt_failed(&mut self, id: SocketId, error: &std::io::Error) {
        self.stop_attempt_timer(id);
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let attempt = connecting.attempt();
        let error = connecting.error(error);
        if connecting.is_multiple() {
            return self.try_next(id, &attempt, error);
        }
        self.emit_attempt_failed(id, &attempt, &error);
        self.destroy(id, Some(error));
    }

    /// The timer of an attempt: the address did not answer, the next one is tried.
    pub(in crate::net) fn attempt_timed_out(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        connecting.timer = None;
        let attempt = connecting.attempt();
        let error = connecting.error(&std::io::Error::from_raw_os_error(ETIMEDOUT));
        connecting.errors.push(error);
        self.emit_socket(
            id,
            "connectionAttemptTimeout",
            |entry| {
                let cold = entry.cold.as_mut();
                cold.map(|cold| &mut cold.connection_attempt_timeout)
            },
            |listener, socket| listener(socket, &attempt),
        );
        self.attempt(id);
    }

    fn stop_attempt_timer(&mut self, id: SocketId) {
        if let Some(timer) = self
            .connecting(id)
            .and_then(|connecting| connecting.timer.take())
        {
            self.timers.cancel(timer);
        }
    }

    pub(super) fn stop_connecting(&mut self, connecting: &Connecting) {
        if let Some(timer) = connecting.timer {
            self.timers.cancel(timer);
        }
        if let Some(ticket) = connecting.ticket {
            self.names.forget(ticket);
        }
    }

    fn emit_attempt(&mut self, id: SocketId, attempt: &Attempt) {
        self.emit_socket(
            id,
            "connectionAttempt",
            |entry| entry.cold.as_mut().map(|cold| &mut cold.connection_attempt),
            |listener, socket| listener(socket, attempt),
        );
    }

    fn emit_attempt_failed(&mut self, id: SocketId, attempt: &Attempt, error: &Error) {
        self.emit_socket(
            id,
            "connectionAttemptFailed",
            |entry| {
                let cold = entry.cold.as_mut();
                cold.map(|cold| &mut cold.connection_attempt_failed)
            },
            |listener, socket| listener(socket, attempt, error),
        );
    }

    /// Readiness of a connecting socket, which may be spurious.
    pub(super) fn connect_progress(&mut self, id: SocketId, readiness: Readiness<'_>) {
        let Some(entry) = self.entry_ref(id) else {
            return;
        };
        let Some(stream) = &entry.connection.stream else {
            return;
        };
        match stream.connected() {
            Ok(false) => {}
            Ok(true) => {
                self.stop_attempt_timer(id);
                self.connected(id, readiness);
            }
            Err(error) => self.attempt_failed(id, &error),
        }
    }

    fn connected(&mut self, id: SocketId, readiness: Readiness<'_>) {
        self.touch(id);
        if let Some(entry) = self.entry(id) {
            entry.cold().connecting = None;
            entry.apply_options();
        }
        self.feed(id, Input::Connected);
        self.feed_flushed(id);
        // Bytes that are there already are read next turn, before those of newer sockets: Node's
        // epoll is level-triggered, and reports what has just connected once more in its place.
        self.read_again(id, readiness.is_sticky());
    }

    /// `connect`, then `ready` with no tick between them, then the first read.
    pub(super) fn emit_connect(&mut self, id: SocketId) {
        self.emit_plain(id, "connect", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.connect)
        });
        self.emit_plain(id, "ready", |entry| {
            entry.cold.as_mut().map(|cold| &mut cold.ready)
        });
        self.read_after_connect(id);
    }
}

impl SocketEntry {
    /// A closed socket is connected again: what the former life left is dropped.
    fn begin_again(&mut self) {
        self.connection.bytes_read = 0;
        self.connection.bytes_dispatched = 0;
        self.needs_drain = false;
        let cold = self.cold();
        cold.errored = None;
        cold.had_error = Some(false);
        cold.remote = None;
        cold.inbox = crate::rules::inbox::Inbox::default();
    }

    /// What was asked for before there was a descriptor. That the kernel refuses one of these is
    /// no reason to give up a connection that stands.
    pub(super) fn apply_options(&mut self) {
        let (Some(stream), Some(cold)) = (&self.connection.stream, &self.cold) else {
            return;
        };
        let no_delay = if cold.no_delay {
            stream.set_no_delay(true)
        } else {
            Ok(())
        };
        let keep_alive = match cold.keep_alive {
            Some(wanted) => stream.set_keep_alive(Some(wanted)),
            None => Ok(()),
        };
        let type_of_service = match cold.type_of_service {
            Some(value) => stream.set_type_of_service(value),
            None => Ok(()),
        };
        if let Err(error) = no_delay.and(keep_alive).and(type_of_service) {
            log::debug!(target: "netloop::socket", "setsockopt: {error}");
        }
    }
}

impl ConnectOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.port.is_none() && self.path.is_none() {
            let message = r#"The "options" or "port" or "path" argument must be specified"#;
            return Err(Error::named("TypeError", "ERR_MISSING_ARGS", message));
        }
        Ok(())
    }
}

impl Socket<'_> {
    /// Connects. The callback is a listener for the next `connect`. The parts of the options
    /// that belong to a socket's making are ignored, as in Node.
    ///
    /// A socket that has closed may be connected again, until what its `close` caused has run. One
    /// that is connecting or connected already is destroyed with `EALREADY` or `EISCONN`.
    ///
    /// # Errors
    /// `ERR_MISSING_ARGS` when the options name neither a port nor a path; `ERR_SOCKET_CLOSED`
    /// when the socket is destroyed and has not closed yet, is gone, or has ended before it was
    /// connected and not told so yet.
    pub fn connect(
        &mut self,
        target: impl Into<ConnectOptions>,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> Result<&mut Self, Error> {
        let options = target.into();
        options.check()?;
        let (id, state) = (self.id, self.state());
        let has_entry = self.event_loop.entry_ref(id).is_some();
        match state {
            State::Closed if has_entry => {}
            State::Idle(Writable::Open | Writable::Finished) => {}
            State::Opening(_) => self.refuse_second(EALREADY, &options),
            State::Open(_, _) => self.refuse_second(EISCONN, &options),
            State::Idle(_) | State::Destroyed | State::Closed => return Err(words::closed()),
        }
        if !matches!(state, State::Opening(_) | State::Open(_, _)) {
            self.once_connect(callback);
            self.event_loop.start_connecting(id, options);
        }
        Ok(self)
    }

    fn refuse_second(&mut self, errno: i32, options: &ConnectOptions) {
        let error = std::io::Error::from_raw_os_error(errno);
        let host = options.host.as_deref().unwrap_or("localhost");
        let error = Error::of_address("connect", &error, host, options.port);
        self.event_loop
            .socket_tick(self.id, SocketTick::Destroy(Some(error)));
    }

    /// `address:port` of each address that was tried, if there were several to try.
    pub fn auto_select_family_attempted_addresses(&self) -> Option<&[String]> {
        let cold = self.event_loop.entry_ref(self.id)?.cold.as_ref()?;
        cold.attempted.as_deref()
    }
}
