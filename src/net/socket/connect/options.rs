//! What a connect can be told beforehand.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::SocketOptions;
use super::ATTEMPT_TIMEOUT_MIN;
use crate::net::Loop;
use crate::net::endpoint::{Endpoint, from_endpoints};
use crate::net::lookups::LookupRequest;
use crate::net::shared::Shared;

pub(super) type LookupCallback = dyn FnMut(&mut Loop, LookupRequest);

/// Where to connect to, and how: the options of Node's `net.connect`.
///
/// It is made from a port (of `localhost`), a host and a port, a socket address, or a path; or
/// from a string, which is a port if it is a number of 0 to 65535, and else a path.
///
/// ```
/// use std::time::Duration;
/// use netloop::{ConnectOptions, EventLoop};
///
/// let mut event_loop = EventLoop::new()?;
/// let timeout = Duration::from_secs(5);
/// let options = ConnectOptions::from(("127.0.0.1", 8000)).timeout(timeout).allow_half_open(true);
/// let mut socket = event_loop.connect(options, |_| unreachable!())?;
/// assert!(socket.is_connecting() && socket.allow_half_open());
/// assert_eq!(socket.timeout(), Some(timeout));
/// socket.destroy(); // another time
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// A clone connects to the same place once more; it shares the functions of
/// [`lookup`](ConnectOptions::lookup) and [`on_read`](ConnectOptions::on_read).
#[derive(Clone, Default)]
pub struct ConnectOptions {
    pub(super) endpoint: Endpoint,
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: Option<u16>,
    pub(super) family: u8,
    pub(super) hints: i32,
    pub(super) lookup: Option<Shared<LookupCallback>>,
    pub(super) auto_select_family: Option<bool>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(in crate::net::socket) socket: SocketOptions,
}

impl ConnectOptions {
    /// Node's `localAddress`: the address to connect from; the port is any unless
    /// [`local_port`](ConnectOptions::local_port) is set. That it cannot be bound is an `error`
    /// with the system call `bind`. A link-local address is bound in the zone of the
    /// address that is connected to. Only one address of a name is tried then, as in Node.
    #[must_use]
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Node's `localPort`: the port to connect from; any unless set.
    #[must_use]
    pub fn local_port(mut self, port: u16) -> Self {
        self.local_port = Some(port);
        self
    }

    /// Node's `family`: looks names up in one family only, 4 or 6; 0 is both. Anything else is
    /// refused by `connect`, unless the program has a lookup function: that is told, as in Node.
    /// Only one address of a name is tried with 4 or 6, as in Node.
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = family;
        self
    }

    /// Node's `hints`: the `ai_flags` of getaddrinfo(3), of `AI_ADDRCONFIG`, `AI_V4MAPPED` and
    /// `AI_ALL`. Others are refused by `connect`, unless the program has a lookup function: that is
    /// told, as in Node. With 0, `AI_ADDRCONFIG` is used if both families are wanted.
    #[must_use]
    pub fn hints(mut self, hints: i32) -> Self {
        self.hints = hints;
        self
    }

    /// Node's `lookup`: what looks the name up, in place of what the loop has; see
    /// [`set_lookup`](crate::Loop::set_lookup).
    #[must_use]
    pub fn lookup(mut self, lookup: impl FnMut(&mut Loop, LookupRequest) + 'static) -> Self {
        self.lookup = Some(Shared::new(Arc::new(Mutex::new(lookup))));
        self
    }

    /// Node's `autoSelectFamily`: whether several addresses of a name are tried in turn (Happy
    /// Eyeballs, RFC 8305, without the overlap: as in Node, an attempt ends before the next one
    /// begins). If all fail, the `error` is an `AggregateError` with the code of the first. Unless
    /// set, [the loop's default](crate::Loop::default_auto_select_family).
    #[must_use]
    pub fn auto_select_family(mut self, on: bool) -> Self {
        self.auto_select_family = Some(on);
        self
    }

    /// Node's `autoSelectFamilyAttemptTimeout`: how long each address of several but the last has to
    /// answer; at least 10 ms. Unless set,
    /// [the loop's default](crate::Loop::default_auto_select_family_attempt_timeout).
    #[must_use]
    pub fn auto_select_family_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout.max(ATTEMPT_TIMEOUT_MIN));
        self
    }

    /// Node's `timeout`: the idle timeout, which begins before the connection; see
    /// [`set_timeout`](crate::Socket::set_timeout). That it has come ends nothing by itself. Zero
    /// sets none.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

from_endpoints!(ConnectOptions, "Port");
