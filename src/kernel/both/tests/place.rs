//! Where the sockets of a program meet.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::connector::Answer;
use crate::kernel::listener::BindOptions;
use crate::kernel::options::{KeepAlive, StreamOptions};
use crate::kernel::reactor::Registry;
use crate::kernel::{Listener, Stream};

/// The address family of a program's sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ipv4,
    Ipv6,
    Path,
    Abstract,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Ipv4, Kind::Ipv6, Kind::Path, Kind::Abstract];

    pub(super) fn is_unix(self) -> bool {
        matches!(self, Kind::Path | Kind::Abstract)
    }

    /// A place to listen. The kernel chooses the number of a port.
    pub(super) fn place(self, name: &str) -> Place {
        match self {
            Kind::Ipv4 => Place::Port((Ipv4Addr::LOCALHOST, 0).into()),
            Kind::Ipv6 => Place::Port((Ipv6Addr::LOCALHOST, 0).into()),
            Kind::Path => Place::Path(std::env::temp_dir().join(name)),
            Kind::Abstract => Place::Path(PathBuf::from(format!("\0{name}"))),
        }
    }
}

/// The options that connections inherit from their listener.
fn inherited() -> StreamOptions {
    StreamOptions {
        no_delay: true,
        keep_alive: Some(KeepAlive::after(Duration::from_secs(3000))),
        type_of_service: Some(0x2d),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Port(SocketAddr),
    Path(PathBuf),
}

impl Place {
    pub(super) fn listen(
        &self,
        registry: Registry<'_>,
        options: BindOptions,
    ) -> io::Result<Listener> {
        match self {
            Place::Port(address) => registry.listen(*address, options, &inherited()),
            Place::Path(path) => registry.listen_unix(path, options),
        }
    }

    pub(super) fn connect(&self, registry: Registry<'_>) -> io::Result<(Stream, Answer)> {
        match self {
            Place::Port(address) => registry.open(*address)?.connect(),
            Place::Path(path) => registry.connect_unix(path),
        }
    }

    /// The place of a listener that was bound here.
    pub(super) fn of(self, listener: &Listener) -> Place {
        match self {
            Place::Port(_) => Place::Port(listener.local_address().expect("an address")),
            Place::Path(_) => self,
        }
    }
}
