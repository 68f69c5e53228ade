//! The options of a socket, and of a connection.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::connect::ATTEMPT_TIMEOUT_MIN;
use super::{OnRead, SocketEntry};
use crate::kernel::options::StreamOptions;
use crate::net::lookups::{LookupFunction, LookupRequest};
use crate::net::options::{CommonOptions, Endpoint, from_endpoints};
use crate::net::shared::Shared;
use crate::net::{AbortId, Loop};
use crate::rules::receiving::HIGH_WATER_MARK;
use crate::values::block_list::BlockList;

/// Options of a socket: Node's `new net.Socket(options)`. All are off unless set.
///
/// ```
/// use netloop::{EventLoop, SocketOptions};
///
/// let mut event_loop = EventLoop::new()?;
/// let options = SocketOptions::default().allow_half_open(true);
/// assert!(event_loop.socket_with(options).allow_half_open());
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// A clone shares the callback of [`on_read`](SocketOptions::on_read), and has a buffer of its own.
#[derive(Clone, Default)]
pub struct SocketOptions {
    common: CommonOptions,
    type_of_service: Option<u8>,
    block_list: Option<BlockList>,
    on_read: Option<OnRead>,
    pub(super) signal: Option<AbortId>,
}

macro_rules! socket_options {
    ($($(#[$doc:meta])* $name:ident: $kind:ty => |$options:ident, $value:ident| $set:expr;)*) => {
        impl SocketOptions {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $value: $kind) -> Self {
                    let $options = &mut self;
                    $set;
                    self
                }
            )*
        }

        impl ConnectOptions {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self, $value: $kind) -> Self {
                    self.socket = self.socket.$name($value);
                    self
                }
            )*
        }
    };
}

socket_options! {
    /// Node's `allowHalfOpen`: whether the socket stays writable after the peer's end. If not, our
    /// half is ended too, a tick after `end` is emitted.
    allow_half_open: bool => |options, on| options.common.allow_half_open = on;
    /// Node's `noDelay`: `TCP_NODELAY` (tcp(7)), set before `connect` is emitted.
    no_delay: bool => |options, on| options.common.no_delay = on;
    /// Node's `keepAlive`: `SO_KEEPALIVE` (socket(7)), set before `connect` is emitted. See
    /// [`set_keep_alive`](crate::Socket::set_keep_alive).
    keep_alive: bool => |options, on| options.common.keep_alive = on;
    /// Node's `keepAliveInitialDelay`: how long a connection is idle before the first keep-alive
    /// probe, rounded down to whole seconds; zero keeps the system's default.
    keep_alive_initial_delay: Duration =>
        |options, delay| options.common.keep_alive_initial_delay = delay;
    /// Node's `highWaterMark`: how many bytes may wait in either direction before `write` returns
    /// `false`, or reading stops. The default is 65536, as in Node. A waiting chunk costs some 64 bytes
    /// in addition to its own, so a peer that sends single bytes can cost some 64 times the mark.
    high_water_mark: usize => |options, bytes| options.common.high_water_mark = Some(bytes);
    /// How many unsent bytes the socket may keep, 64 MiB by default; each waiting write counts 64
    /// bytes more. A write that would have to wait beyond the limit fails with `ENOBUFS`, and the
    /// socket is destroyed. A single write that is longer is allowed if nothing waits before it. Node
    /// has no limit.
    write_limit: usize => |options, bytes| options.common.write_limit = Some(bytes);
    /// Node's `typeOfService`: the type-of-service byte of outgoing packets (`IP_TOS` of ip(7),
    /// `IPV6_TCLASS` of ipv6(7)).
    type_of_service: u8 => |options, value| options.type_of_service = Some(value);
    /// Node's `blockList`: addresses that must not be connected to. Connecting to one fails with
    /// `ERR_IP_BLOCKED`; if a host name has other addresses, those are tried.
    block_list: BlockList => |options, list| options.block_list = Some(list);
    /// Node's `onread`: a buffer for received bytes, and a callback in place of `data`.
    on_read: OnRead => |options, on_read| options.on_read = Some(on_read);
    /// Node's `signal`: an abort handle that destroys the socket with `ABORT_ERR`. If the handle was
    /// used before, the socket is destroyed in the next tick, and does not connect.
    signal: AbortId => |options, signal| options.signal = Some(signal);
}

impl SocketEntry {
    /// Takes the common options that do not go to the kernel.
    pub(super) fn take_common_options(&mut self, options: &CommonOptions) {
        self.allow_half_open = options.allow_half_open;
        if options.high_water_mark.is_some() || options.write_limit.is_some() {
            let cold = self.cold();
            cold.high_water_mark = options.high_water_mark;
            cold.write_limit = options.write_limit;
            let mark = options.high_water_mark.unwrap_or(HIGH_WATER_MARK);
            cold.kept.set_mark(mark);
        }
    }

    pub(super) fn take_options(&mut self, options: SocketOptions) {
        self.take_common_options(&options.common);
        let wanted = StreamOptions {
            type_of_service: options.type_of_service,
            ..options.common.of_stream()
        };
        self.no_delay = wanted.no_delay;
        let cold = self.cold();
        cold.wanted = wanted;
        cold.block_list = options.block_list;
        if let Some(own) = options.on_read {
            cold.kept.use_own_buffer();
            cold.on_read.add(Box::new(own), false);
        }
    }
}

/// Where to connect to, and how: the options of Node's `net.connect`.
///
/// It is made from a port (of `localhost`), a host and a port, a socket address, or a path. A string
/// is a port if it is a number from 0 to 65535, and otherwise a path.
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
/// A clone connects to the same place again. It shares the functions of
/// [`lookup`](ConnectOptions::lookup) and [`on_read`](ConnectOptions::on_read).
#[derive(Clone, Default)]
pub struct ConnectOptions {
    pub(super) endpoint: Endpoint,
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: Option<u16>,
    pub(super) family: u8,
    pub(super) hints: i32,
    pub(super) lookup: Option<Shared<LookupFunction>>,
    pub(super) auto_select_family: Option<bool>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) socket: SocketOptions,
}

impl ConnectOptions {
    /// Node's `localAddress`: the address to connect from, with any port unless
    /// [`local_port`](ConnectOptions::local_port) is set. If it cannot be bound, the socket emits an
    /// `error` with the `syscall` `bind`. A link-local address is bound in the zone of the address
    /// connected to. With this option only one address of a host name is tried, as in Node.
    #[must_use]
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.local_address = Some(address);
        self
    }

    /// Node's `localPort`: the port to connect from. By default the kernel chooses one.
    #[must_use]
    pub fn local_port(mut self, port: u16) -> Self {
        self.local_port = Some(port);
        self
    }

    /// Node's `family`: looks host names up in one family only, 4 or 6; 0 is both. With 4 or 6 only
    /// one address is tried, as in Node. `connect` refuses any other value, unless the program has a
    /// lookup function, which gets the value as it is, as in Node.
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = family;
        self
    }

    /// Node's `hints`: the `ai_flags` of getaddrinfo(3), out of `AI_ADDRCONFIG`, `AI_V4MAPPED` and
    /// `AI_ALL`. `connect` refuses others, unless the program has a lookup function, which gets them as
    /// they are, as in Node. With 0, `AI_ADDRCONFIG` is used for a lookup in both families.
    #[must_use]
    pub fn hints(mut self, hints: i32) -> Self {
        self.hints = hints;
        self
    }

    /// Node's `lookup`: a function that looks the host name up, in place of the loop's; see
    /// [`set_lookup`](crate::Loop::set_lookup).
    #[must_use]
    pub fn lookup(mut self, lookup: impl FnMut(&mut Loop, LookupRequest) + 'static) -> Self {
        self.lookup = Some(Shared::new(Arc::new(Mutex::new(lookup))));
        self
    }

    /// Node's `autoSelectFamily`: whether several addresses of a host name are tried in turn (Happy
    /// Eyeballs, RFC 8305, but one after the other: as in Node, an attempt ends before the next one
    /// begins). If all fail, the `error` is an `AggregateError` with the code of the first. The default
    /// is [that of the loop](crate::Loop::default_auto_select_family).
    #[must_use]
    pub fn auto_select_family(mut self, on: bool) -> Self {
        self.auto_select_family = Some(on);
        self
    }

    /// Node's `autoSelectFamilyAttemptTimeout`: how long each address but the last may take to
    /// answer, at least 10 ms. The default is
    /// [that of the loop](crate::Loop::default_auto_select_family_attempt_timeout).
    #[must_use]
    pub fn auto_select_family_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout.max(ATTEMPT_TIMEOUT_MIN));
        self
    }

    /// Node's `timeout`: the idle timeout, which starts before the connection is made; see
    /// [`set_timeout`](crate::Socket::set_timeout). It only emits `timeout`, and closes nothing. Zero
    /// sets none.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

from_endpoints!(ConnectOptions, "Port");
