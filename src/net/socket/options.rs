//! The options of a socket: told beforehand, changed later, and what it remembers of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::AbortId;
use super::super::shared::Shared;
use super::{ConnectOptions, HIGH_WATER_MARK, Socket, SocketEntry, WRITE_LIMIT};
use crate::room::options::{KeepAlive, StreamOptions};
use crate::room::stream::Stream;
use crate::rules::block_list::BlockList;
use crate::rules::state::socket::State;

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

/// What every socket can be told: one that the program makes, and one that a server accepts.
#[derive(Clone, Default)]
pub(in crate::net) struct CommonOptions {
    pub(in crate::net) allow_half_open: bool,
    pub(in crate::net) no_delay: bool,
    pub(in crate::net) keep_alive: bool,
    pub(in crate::net) keep_alive_initial_delay: Duration,
    pub(in crate::net) high_water_mark: Option<usize>,
    pub(in crate::net) write_limit: Option<usize>,
}

/// What a socket remembers of its options, for this connection and those to come. Those that a
/// connection without a cold box may have stand in its entry.
#[derive(Default)]
pub(super) struct Remembered {
    pub(super) keep_alive: Option<KeepAlive>,
    type_of_service: Option<u8>,
    high_water_mark: Option<usize>,
    write_limit: Option<usize>,
    pub(super) block_list: Option<BlockList>,
}

type OnReadCallback = dyn FnMut(&mut Socket<'_>, &[u8]) -> bool;

/// A buffer of the program's own that received bytes are put into, and who is told: Node's
/// `onread` option.
///
/// ```
/// use netloop::{ConnectOptions, EventLoop, OnRead};
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop
///     .create_server(|socket| {
///         socket.end_with("hello");
///         let server = socket.server().unwrap();
///         socket.event_loop().server_at(server).close();
///     })
///     .listen(("127.0.0.1", 0), |server| {
///         let on_read = OnRead::new(vec![0; 2], |_socket, chunk| {
///             assert!(["he", "ll", "o"].map(str::as_bytes).contains(&chunk));
///             true
///         });
///         let options = ConnectOptions::from(server.address().unwrap()).on_read(on_read);
///         server.event_loop().connect_to(options).unwrap();
///     })?;
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// It is called from the poll phase, and `data` is not emitted then; `end`, `error` and `close` are.
/// A callback that returns `false` stops the reading until [`resume`](crate::Socket::resume).
#[derive(Clone)]
pub struct OnRead {
    pub(super) buffer: Box<[u8]>,
    pub(super) callback: Shared<OnReadCallback>,
}

impl OnRead {
    /// A buffer, Node's `onread.buffer`, and who is told, Node's `onread.callback`. A chunk is at most
    /// as long as the buffer, which is used again for the next. One byte is made of an empty one.
    pub fn new(
        buffer: impl Into<Box<[u8]>>,
        callback: impl FnMut(&mut Socket<'_>, &[u8]) -> bool + 'static,
    ) -> OnRead {
        let mut buffer = buffer.into();
        if buffer.is_empty() {
            buffer = Box::new([0]);
        }
        OnRead {
            buffer,
            callback: Shared::new(Arc::new(Mutex::new(callback))),
        }
    }
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

impl CommonOptions {
    /// What the kernel is asked for.
    pub(in crate::net) fn of_stream(&self) -> StreamOptions {
        let keep_alive = KeepAlive::after(self.keep_alive_initial_delay);
        StreamOptions {
            no_delay: self.no_delay,
            keep_alive: self.keep_alive.then_some(keep_alive),
            type_of_service: None,
        }
    }

    /// Gives a socket what is not the kernel's to know.
    pub(super) fn apply(&self, entry: &mut SocketEntry) {
        entry.allow_half_open = self.allow_half_open;
        if self.high_water_mark.is_some() || self.write_limit.is_some() {
            let remembered = &mut entry.cold().options;
            remembered.high_water_mark = self.high_water_mark;
            remembered.write_limit = self.write_limit;
        }
    }
}

impl SocketOptions {
    pub(super) fn apply(self, entry: &mut SocketEntry) {
        self.common.apply(entry);
        let wanted = self.common.of_stream();
        entry.no_delay = wanted.no_delay;
        let cold = entry.cold();
        cold.options.keep_alive = wanted.keep_alive;
        cold.options.type_of_service = self.type_of_service;
        cold.options.block_list = self.block_list;
        if let Some(own) = self.on_read {
            cold.reading.has_own_buffer = true;
            cold.on_read.add(Box::new(own), false);
        }
    }
}

impl SocketEntry {
    /// What the kernel is asked for once there is a connection. That it refuses one of these is no
    /// reason to give up a connection that stands.
    pub(super) fn apply_options(&self) {
        let Some(stream) = &self.connection.stream else {
            return;
        };
        let remembered = self.cold.as_ref().map(|cold| &cold.options);
        let wanted = StreamOptions {
            no_delay: self.no_delay,
            keep_alive: remembered.and_then(|options| options.keep_alive),
            type_of_service: remembered.and_then(|options| options.type_of_service),
        };
        if let Err(error) = stream.set_options(&wanted) {
            log::debug!(target: "netloop::socket", "setsockopt: {error}");
        }
    }

    pub(super) fn high_water_mark(&self) -> usize {
        let own = self
            .cold
            .as_ref()
            .and_then(|cold| cold.options.high_water_mark);
        own.unwrap_or(HIGH_WATER_MARK)
    }

    pub(super) fn write_limit(&self) -> usize {
        let own = self.cold.as_ref().and_then(|cold| cold.options.write_limit);
        own.unwrap_or(WRITE_LIMIT)
    }
}

impl Socket<'_> {
    /// Whether the socket stays writable after the peer's end: Node's `allowHalfOpen`.
    pub fn allow_half_open(&self) -> bool {
        self.entry().is_some_and(|entry| entry.allow_half_open)
    }

    /// Sets whether the socket stays writable after the peer's end: Node's `allowHalfOpen = …`. It
    /// is looked at when `end` has been emitted.
    pub fn set_allow_half_open(&mut self, on: bool) -> &mut Self {
        if let Some(entry) = self.event_loop.entry(self.id) {
            let former = std::mem::replace(&mut entry.allow_half_open, on);
            if former != on && entry.connection.state.is_end_emitted() {
                entry.cold().half_open_at_end.get_or_insert(former);
            }
        }
        self
    }

    /// Node's `setNoDelay`: sets `TCP_NODELAY` (tcp(7)), so that small writes are not held back to be
    /// joined. Remembered, also for a connection to come. What the kernel refuses is not told, as in
    /// Node; on a Unix-domain socket nothing happens.
    pub fn set_no_delay(&mut self, on: bool) -> &mut Self {
        self.change(
            |entry| entry.no_delay = on,
            |stream| stream.set_no_delay(on),
        )
    }

    /// Node's `setKeepAlive`: sets `SO_KEEPALIVE` (socket(7)), with a delay before the first probe
    /// that is cut to whole seconds; with zero the system's times stay, or a minute is set if this is
    /// called between `connect` and the first attempt, as in libuv. A probe follows each second, and
    /// the connection is lost (`ETIMEDOUT`) when ten were not answered. Remembered, also for a
    /// connection to come.
    pub fn set_keep_alive(&mut self, on: bool, initial_delay: Duration) -> &mut Self {
        self.probe(on, KeepAlive::after(initial_delay))
    }

    /// As [`set_keep_alive`](Socket::set_keep_alive), with the interval between two probes, cut
    /// to whole seconds, and how many may go unanswered: Node's `setKeepAlive(options)`. A zero
    /// among the three leaves the system's times.
    pub fn set_keep_alive_with(
        &mut self,
        on: bool,
        initial_delay: Duration,
        interval: Duration,
        count: u32,
    ) -> &mut Self {
        let wanted = KeepAlive {
            delay: initial_delay,
            interval,
            count,
        };
        self.probe(on, wanted)
    }

    fn probe(&mut self, on: bool, wanted: KeepAlive) -> &mut Self {
        let wanted = on.then_some(wanted);
        self.with(|socket, _| socket.keep_connecting_alive(wanted));
        self.change(
            |entry| entry.cold().options.keep_alive = wanted,
            |stream| stream.set_keep_alive(wanted),
        )
    }

    /// Node's `setTypeOfService`: sets the type-of-service byte of what is sent (`IP_TOS` of ip(7),
    /// `IPV6_TCLASS` of ipv6(7)). Remembered, also for a connection to come.
    pub fn set_type_of_service(&mut self, value: u8) -> &mut Self {
        self.change(
            |entry| entry.cold().options.type_of_service = Some(value),
            |stream| stream.set_type_of_service(value),
        )
    }

    /// Node's `getTypeOfService`: the byte that the kernel has, or that will be set; else 0.
    pub fn type_of_service(&self) -> u8 {
        let cold = self.entry().and_then(|entry| entry.cold.as_ref());
        let asked = cold.and_then(|cold| cold.options.type_of_service);
        let kernel = self
            .stream()
            .and_then(|stream| stream.type_of_service().ok());
        kernel.or(asked).unwrap_or(0)
    }

    /// Remembers an option for this connection and those to come, and tells the kernel if the
    /// socket is open. What the kernel refuses then is not told, as in Node: the peer may have gone,
    /// and that is told elsewhere.
    fn change(
        &mut self,
        remember: impl FnOnce(&mut SocketEntry),
        tell: impl FnOnce(&Stream) -> std::io::Result<()>,
    ) -> &mut Self {
        let Some(entry) = self.event_loop.entry(self.id) else {
            return self;
        };
        remember(entry);
        if matches!(entry.connection.state, State::Open(_, _))
            && let Some(stream) = &entry.connection.stream
            && let Err(error) = tell(stream)
        {
            log::debug!(target: "netloop::socket", "setsockopt: {error}");
        }
        self
    }
}
