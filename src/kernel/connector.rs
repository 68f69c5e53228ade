//! Opening connections: bind if asked, then a `connect(2)` that does not wait.

use std::fs;
use std::io;
use std::net::{SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use libc::{EINPROGRESS, EINTR, EINVAL};
use mio::net::{TcpStream, UnixStream};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::options::{self, KeepAlive};
use super::stream::Stream;

/// The answer of a `connect(2)` that has not failed: connected at once, or the errno with which it goes on,
/// `EINPROGRESS` or `EINTR`.
pub(crate) type Answer = Result<(), i32>;

/// A TCP socket that is about to be connected.
#[derive(Debug)]
pub(crate) struct Opening {
    socket: Socket,
    address: SocketAddr,
}

impl Opening {
    pub(crate) fn new(address: SocketAddr) -> io::Result<Opening> {
        let address = match address {
            SocketAddr::V6(address) => SocketAddr::V6(in_its_zone(address)),
            ipv4 => ipv4,
        };
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        Ok(Opening { socket, address })
    }

    /// Binds the local address. As in libuv, a port counts as free if only other connections use it, even
    /// one that has closed lately, and an address of the other family is invalid. A link-local address is
    /// bound in the zone of the address that is connected to.
    pub(crate) fn bind(&self, mut local: SocketAddr) -> io::Result<()> {
        match (&mut local, self.address) {
            (SocketAddr::V4(_), SocketAddr::V4(_)) => {}
            (SocketAddr::V6(local), SocketAddr::V6(address)) => {
                if is_link_local(local) {
                    local.set_scope_id(address.scope_id());
                }
            }
            _ => return Err(io::Error::from_raw_os_error(EINVAL)),
        }
        self.socket.set_reuse_address(true)?;
        self.socket.bind(&local.into())
    }

    /// Sets the keep-alive that libuv uses if it was asked for before there was a descriptor.
    pub(crate) fn keep_alive(&self) {
        let wanted = KeepAlive::after(Duration::from_secs(60));
        if let Err(error) = options::set_keep_alive(&SockRef::from(&self.socket), Some(wanted)) {
            log::debug!(target: "netloop::socket", "SO_KEEPALIVE: {error}");
        }
    }

    /// Starts the connection. Returns an error if `connect(2)` fails at once.
    pub(crate) fn connect(self) -> io::Result<(Stream, Answer)> {
        let answer = start(&self.socket, &self.address.into())?;
        let stream = TcpStream::from_std(OwnedFd::from(self.socket).into());
        Ok((Stream::Tcp(stream), answer))
    }
}

/// As in libuv, a link-local address without a zone gets that of the first device with a link-local
/// address.
fn in_its_zone(mut address: SocketAddrV6) -> SocketAddrV6 {
    if is_link_local(&address) && address.scope_id() == 0 {
        let table = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
        address.set_scope_id(first_link_local(&table).unwrap_or(0));
    }
    address
}

/// Whether the address is in fe80::/16, which is link-local for libuv.
fn is_link_local(address: &SocketAddrV6) -> bool {
    address.ip().segments()[0] == 0xfe80
}

/// The lowest number of a device with an address in fe80::/16. A line of the kernel's table has the
/// address in hexadecimal digits and then the number of its device; the lines are in no order.
fn first_link_local(table: &str) -> Option<u32> {
    let is_link_local = |line: &&str| line.starts_with("fe80");
    let device = |line: &str| u32::from_str_radix(line.split_whitespace().nth(1)?, 16).ok();
    table.lines().filter(is_link_local).filter_map(device).min()
}

/// Starts a connection to a Unix-domain socket; a leading NUL makes the name abstract.
pub(crate) fn connect_unix(path: &Path) -> io::Result<(Stream, Answer)> {
    let address = unix_address(path)?;
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    let answer = start(&socket, &address)?;
    let stream = UnixStream::from_std(OwnedFd::from(socket).into());
    Ok((Stream::Unix(stream), answer))
}

/// The kernel's form of a path. One that does not fit is `EINVAL`, as in libuv, and so is one with a NUL
/// inside, at which the kernel would end it.
pub(crate) fn unix_address(path: &Path) -> io::Result<SockAddr> {
    let bytes = path.as_os_str().as_bytes();
    let is_abstract = bytes.first() == Some(&0);
    if !is_abstract && bytes.contains(&0) {
        return Err(io::Error::from_raw_os_error(EINVAL));
    }
    SockAddr::unix(path).map_err(|_| io::Error::from_raw_os_error(EINVAL))
}

fn start(socket: &Socket, address: &SockAddr) -> io::Result<Answer> {
    let answer = socket.connect(address);
    match answer.as_ref().map_err(io::Error::raw_os_error) {
        // connect(2): interrupted, the connection goes on by itself.
        Err(Some(errno @ (EINPROGRESS | EINTR))) => Ok(Err(errno)),
        _ => answer.map(Ok),
    }
}
