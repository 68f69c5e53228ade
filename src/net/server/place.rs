//! The arguments of a `listen`.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::kernel::listener::BindOptions;

/// Where a server is to listen.
pub(super) enum Place {
    /// Any address of the machine.
    Any,
    /// An address, without its port, and the text in which the program gave it.
    Address(SocketAddr, String),
    Name(String),
    Path(PathBuf),
    Descriptor(OwnedFd),
}

/// A `listen` in progress.
pub(super) struct Listening {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) bind: BindOptions,
    pub(super) mode: Option<u32>,
}
