//! What a socket and a connection can be told beforehand.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::lookups::{LookupFunction, LookupRequest};
use super::super::options::{CommonOptions, Endpoint, from_endpoints};
use super::super::shared::Shared;
use super::super::{AbortId, Loop};
use super::connect::ATTEMPT_TIMEOUT_MIN;
use super::{OnRead, SocketEntry};
use crate::room::options::StreamOptions;
use crate::rules::block_list::BlockList;

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
    /// Node's `allowHalfOpen`: whether the socket stays writable after the peer's end; otherwise
    /// `end` is called for it a tick after `end` was emitted.
    allow_half_open: bool => |options, on| options.common.allow_half_open = on;
    /// Node's `noDelay`: `TCP_NODELAY` (tcp(7)), set before `connect` is emitted.
    no_delay: bool => |options, on| options.common.no_delay = on;
    /// Node's `keepAlive`: `SO_KEEPALIVE` (socket(7)), set before `connect` is emitted. See
    /// [`set_keep_alive`](crate::Socket::set_keep_alive).
    keep_alive: bool => |options, on| options.common.keep_alive = on;
    /// Node's `keepAliveInitialDelay`: how long a connection is idle before the first keep-alive
    /// probe, cut to whole seconds; zero leaves the system's time.
    keep_alive_initial_delay: Duration =>
        |options, delay| options.common.keep_alive_initial_delay = delay;
    /// Node's `highWaterMark`: how many bytes may wait in either direction before `write` answers
    /// `false`, or reading stops; 65536 unless set, as in Node. A chunk that waits costs some 64 bytes
    /// beside its own, so that a peer which sends single bytes can cost as many times the mark.
    high_water_mark: usize => |options, bytes| options.common.high_water_mark = Some(bytes);
    /// How many bytes may be owed to the kernel; each write that is owed counts as 64 more. A write
    /// that would have to wait beyond it fails with `ENOBUFS`, and the socket is destroyed. 64 MiB
    /// unless set. What the kernel leaves of a write before which nothing waited is kept, however
    /// long it is. Node has no limit.
    write_limit: usize => |options, bytes| options.common.write_limit = Some(bytes);
    /// Node's `typeOfService`: the type-of-service byte of what is sent (`IP_TOS` of ip(7),
    /// `IPV6_TCLASS` of ipv6(7)).
    type_of_service: u8 => |options, value| options.type_of_service = Some(value);
    /// Node's `blockList`: addresses that must not be connected to. The socket has an `error` then,
    /// `ERR_IP_BLOCKED`; of a name with several addresses the others are tried.
    block_list: BlockList => |options, list| options.block_list = Some(list);
    /// Node's `onread`: where received bytes are put, and who is told, in place of `data`.
    on_read: OnRead => |options, on_read| options.on_read = Some(on_read);
    /// Node's `signal`: the abort handle that destroys the socket, with `ABORT_ERR`. With one that
    /// was used already, that happens in the next tick, and the socket does not connect.
    signal: AbortId => |options, signal| options.signal = Some(signal);
}

impl SocketEntry {
    /// Takes what does not go to the kernel of the options that every socket can have.
    pub(super) fn take_common_options(&mut self, options: &CommonOptions) {
        self.allow_half_open = options.allow_half_open;
        if options.high_water_mark.is_some() || options.write_limit.is_some() {
            let cold = self.cold();
            cold.high_water_mark = options.high_water_mark;
            cold.write_limit = options.write_limit;
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
            cold.reading.has_own_buffer = true;
            cold.on_read.add(Box::new(own), false);
        }
    }
}

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
    pub(super) lookup: Option<Shared<LookupFunction>>,
    pub(super) auto_select_family: Option<bool>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) socket: SocketOptions,
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
