//! The socket options of a connection, or of a listener whose connections inherit them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// How a connection is probed while nothing is received: `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and
/// `TCP_KEEPCNT` (tcp(7)).
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeepAlive {
    pub(crate) delay: Duration,
    pub(crate) interval: Duration,
    pub(crate) count: u32,
}

impl KeepAlive {
    /// With the interval and the count that Node, through libuv, sets by default.
    pub(crate) fn after(delay: Duration) -> KeepAlive {
        KeepAlive {
            delay,
            interval: Duration::from_secs(1),
            count: 10,
        }
    }

    /// The values as the kernel takes them, in seconds.
    pub(crate) fn seconds(self) -> (u64, u64, u32) {
        (self.delay.as_secs(), self.interval.as_secs(), self.count)
    }
}

/// The options of a TCP socket; none is on unless set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamOptions {
    pub(crate) no_delay: bool,
    pub(crate) keep_alive: Option<KeepAlive>,
    pub(crate) type_of_service: Option<u8>,
}

impl StreamOptions {
    /// Sets the options that are on. Each is tried, even if another one fails.
    ///
    /// # Errors
    /// The first error of the kernel.
    pub(crate) fn set_on(&self, socket: &SockRef<'_>) -> io::Result<()> {
        let no_delay = match self.no_delay {
            true => socket.set_tcp_nodelay(true),
            false => Ok(()),
        };
        let keep_alive = match self.keep_alive {
            Some(wanted) => set_keep_alive(socket, Some(wanted)),
            None => Ok(()),
        };
        let type_of_service = match self.type_of_service {
            Some(value) => set_type_of_service(socket, value),
            None => Ok(()),
        };
        no_delay.and(keep_alive).and(type_of_service)
    }
}

/// `SO_KEEPALIVE` with its times.
///
/// With a time below a second, or without probes, keep-alive is only switched on: the kernel refuses
/// zeros, and Node then leaves all three values alone.
pub(crate) fn set_keep_alive(socket: &SockRef<'_>, wanted: Option<KeepAlive>) -> io::Result<()> {
    socket.set_keepalive(wanted.is_some())?;
    let Some(wanted) = wanted else { return Ok(()) };
    let second = Duration::from_secs(1);
    if wanted.delay < second || wanted.interval < second || wanted.count == 0 {
        return Ok(());
    }
    let times = TcpKeepalive::new()
        .with_time(wanted.delay)
        .with_interval(wanted.interval)
        .with_retries(wanted.count);
    socket.set_tcp_keepalive(&times)
}

pub(crate) fn set_type_of_service(socket: &SockRef<'_>, value: u8) -> io::Result<()> {
    match local_address(socket) {
        Some(SocketAddr::V4(_)) => socket.set_tos_v4(u32::from(value)),
        Some(SocketAddr::V6(_)) => socket.set_tclass_v6(u32::from(value)),
        None => Ok(()),
    }
}

pub(crate) fn type_of_service(socket: &SockRef<'_>) -> io::Result<u8> {
    let value = match local_address(socket) {
        Some(SocketAddr::V4(_)) => socket.tos_v4()?,
        Some(SocketAddr::V6(_)) => socket.tclass_v6()?,
        None => 0,
    };
    Ok(u8::try_from(value).unwrap_or(u8::MAX))
}

fn local_address(socket: &SockRef<'_>) -> Option<SocketAddr> {
    socket.local_addr().ok()?.as_socket()
}
