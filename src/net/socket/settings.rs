//! Options of a socket that can be changed later; they are remembered for its next connections.

use std::time::Duration;

use super::{HIGH_WATER_MARK, Socket, SocketEntry, WRITE_LIMIT};
use crate::kernel::Stream;
use crate::kernel::options::{KeepAlive, StreamOptions};
use crate::rules::state::socket::State;

impl SocketEntry {
    /// Sets the options in the kernel, once there is a connection. An option that the kernel refuses
    /// does not end the connection.
    pub(super) fn apply_options(&self) {
        let Some(stream) = &self.stream else {
            return;
        };
        let wanted = StreamOptions {
            no_delay: self.no_delay,
            ..self
                .cold
                .as_ref()
                .map(|cold| cold.wanted)
                .unwrap_or_default()
        };
        if let Err(error) = stream.set_options(&wanted) {
            log::debug!(target: "netloop::socket", "setsockopt: {error}");
        }
    }

    pub(super) fn high_water_mark(&self) -> usize {
        let own = self.cold.as_ref().and_then(|cold| cold.high_water_mark);
        own.unwrap_or(HIGH_WATER_MARK)
    }

    pub(super) fn write_limit(&self) -> usize {
        let own = self.cold.as_ref().and_then(|cold| cold.write_limit);
        own.unwrap_or(WRITE_LIMIT)
    }

    /// Remembers an option for this connection and the next ones, and sets it in the kernel if the
    /// socket is open. As in Node, an error of the kernel is not reported: usually the peer has gone,
    /// which is reported anyway.
    fn change(
        &mut self,
        remember: impl FnOnce(&mut SocketEntry),
        tell: impl FnOnce(&Stream) -> std::io::Result<()>,
    ) {
        remember(self);
        if self.state.life == State::Open
            && let Some(stream) = &self.stream
            && let Err(error) = tell(stream)
        {
            log::debug!(target: "netloop::socket", "setsockopt: {error}");
        }
    }
}

impl Socket<'_> {
    /// Whether the socket stays writable after the peer's end: Node's `allowHalfOpen`.
    pub fn allow_half_open(&self) -> bool {
        self.entry().is_some_and(|entry| entry.allow_half_open)
    }

    /// Sets whether the socket stays writable after the peer's end: Node's `allowHalfOpen = …`. What
    /// counts is the value when `end` has been emitted.
    #[track_caller]
    pub fn set_allow_half_open(&mut self, on: bool) -> &mut Self {
        self.calls("set_allow_half_open", |socket, _| {
            let former = std::mem::replace(&mut socket.allow_half_open, on);
            if former != on && socket.state.is_end_emitted() {
                socket.cold().half_open_at_end.get_or_insert(former);
            }
        });
        self
    }

    /// Node's `setNoDelay`: sets `TCP_NODELAY` (tcp(7)), so that small writes are sent at once. It is
    /// remembered for the next connections as well. As in Node, no error is reported if the kernel
    /// refuses it; on a Unix-domain socket nothing happens.
    #[track_caller]
    pub fn set_no_delay(&mut self, on: bool) -> &mut Self {
        self.calls("set_no_delay", |socket, _| {
            socket.change(
                |socket| socket.no_delay = on,
                |stream| stream.set_no_delay(on),
            );
        });
        self
    }

    /// Node's `setKeepAlive`: sets `SO_KEEPALIVE` (socket(7)), with a delay before the first probe,
    /// rounded down to whole seconds. More probes follow each second, and the connection is lost
    /// (`ETIMEDOUT`) when ten are not answered. A delay of zero keeps the system's times; between
    /// `connect` and the first attempt it sets a delay of a minute, as in libuv. The option is
    /// remembered for the next connections as well.
    #[track_caller]
    pub fn set_keep_alive(&mut self, on: bool, initial_delay: Duration) -> &mut Self {
        self.probe("set_keep_alive", on, KeepAlive::after(initial_delay))
    }

    /// As [`set_keep_alive`](Socket::set_keep_alive), with the interval between two probes, rounded
    /// down to whole seconds, and the number of probes that may go unanswered: Node's
    /// `setKeepAlive(options)`. If one of the three is zero, the system's times are kept.
    #[track_caller]
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
        self.probe("set_keep_alive_with", on, wanted)
    }

    #[track_caller]
    fn probe(&mut self, name: &'static str, on: bool, wanted: KeepAlive) -> &mut Self {
        let wanted = on.then_some(wanted);
        self.calls(name, |socket, _| {
            socket.keep_connecting_alive(wanted);
            socket.change(
                |socket| socket.cold().wanted.keep_alive = wanted,
                |stream| stream.set_keep_alive(wanted),
            );
        });
        self
    }

    /// Node's `setTypeOfService`: sets the type-of-service byte of outgoing packets (`IP_TOS` of ip(7),
    /// `IPV6_TCLASS` of ipv6(7)). It is remembered for the next connections as well.
    #[track_caller]
    pub fn set_type_of_service(&mut self, value: u8) -> &mut Self {
        self.calls("set_type_of_service", |socket, _| {
            socket.change(
                |socket| socket.cold().wanted.type_of_service = Some(value),
                |stream| stream.set_type_of_service(value),
            );
        });
        self
    }

    /// Node's `getTypeOfService`: the byte that is set in the kernel, or will be; otherwise 0.
    pub fn type_of_service(&self) -> u8 {
        let cold = self.entry().and_then(|entry| entry.cold.as_ref());
        let asked = cold.and_then(|cold| cold.wanted.type_of_service);
        let kernel = self
            .stream()
            .and_then(|stream| stream.type_of_service().ok());
        kernel.or(asked).unwrap_or(0)
    }
}
