//! What a `listen` asks for.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::kernel::listener::BindOptions;

/// Where a server is to listen.
pub(super) enum Place {
    /// Any address of the machine.
    Any,
    /// The port is told beside it. The words are those in which it was given.
    Address(SocketAddr, String),
    Name(String),
    Path(PathBuf),
    Descriptor(OwnedFd),
}

/// A `listen` on its way.
pub(super) struct Listening {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) bind: BindOptions,
    pub(super) mode: Option<u32>,
}
