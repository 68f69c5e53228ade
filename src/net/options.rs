//! What the options of sockets and servers have in common.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{Error, words};
use crate::kernel::options::{KeepAlive, StreamOptions};
use crate::kernel::resolver;

/// Options of every socket, whether the program makes it or a server accepts it.
#[derive(Clone, Default)]
pub(super) struct CommonOptions {
    pub(super) allow_half_open: bool,
    pub(super) no_delay: bool,
    pub(super) keep_alive: bool,
    pub(super) keep_alive_initial_delay: Duration,
    pub(super) high_water_mark: Option<usize>,
    pub(super) write_limit: Option<usize>,
}

impl CommonOptions {
    /// The options that go to the kernel.
    pub(super) fn of_stream(&self) -> StreamOptions {
        let keep_alive = KeepAlive::after(self.keep_alive_initial_delay);
        StreamOptions {
            no_delay: self.no_delay,
            keep_alive: self.keep_alive.then_some(keep_alive),
            type_of_service: None,
        }
    }
}

/// Where to connect to, or to listen on, as the program gave it. A port takes precedence over a path.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    pub(super) port: Option<u16>,
    pub(super) host: Option<String>,
    pub(super) path: Option<PathBuf>,
    /// Why the text it was made from is neither a port nor a path.
    pub(super) refused: Option<Error>,
}

impl Endpoint {
    /// A port if the text is a number, otherwise a path. `port` is Node's name for the port, for the error
    /// if it is too large.
    pub(super) fn of_text(text: &str, port: &str) -> Endpoint {
        if let Ok(port) = text.parse::<u16>() {
            return port.into();
        }
        let refused = words::bad_port(port, text);
        Endpoint {
            path: refused.is_none().then(|| text.into()),
            refused,
            ..Endpoint::default()
        }
    }
}

impl From<u16> for Endpoint {
    fn from(port: u16) -> Self {
        Endpoint {
            port: Some(port),
            ..Endpoint::default()
        }
    }
}

impl From<(String, u16)> for Endpoint {
    fn from((host, port): (String, u16)) -> Self {
        Endpoint {
            host: Some(host),
            ..port.into()
        }
    }
}

impl From<(&str, u16)> for Endpoint {
    fn from((host, port): (&str, u16)) -> Self {
        (host.to_owned(), port).into()
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        (resolver::to_text(address), address.port()).into()
    }
}

impl From<PathBuf> for Endpoint {
    fn from(path: PathBuf) -> Self {
        Endpoint {
            path: Some(path),
            ..Endpoint::default()
        }
    }
}

impl From<&PathBuf> for Endpoint {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Path> for Endpoint {
    fn from(path: &Path) -> Self {
        path.to_path_buf().into()
    }
}

/// Implements `From` for options: from everything that makes an endpoint, and from a text. The last
/// argument is Node's name for the port in the text.
macro_rules! from_endpoints {
    ($Options:ident, $port:literal) => {
        from_endpoints! {
            $Options: u16, (&str, u16), (String, u16), std::net::SocketAddr, &std::path::Path,
            std::path::PathBuf, &std::path::PathBuf,
        }

        impl From<&str> for $Options {
            fn from(text: &str) -> Self {
                $Options {
                    endpoint: Endpoint::of_text(text, $port),
                    ..$Options::default()
                }
            }
        }
    };
    ($Options:ident: $($Place:ty,)*) => {
        $(impl From<$Place> for $Options {
            fn from(place: $Place) -> Self {
                $Options {
                    endpoint: place.into(),
                    ..$Options::default()
                }
            }
        })*
    };
}

pub(super) use from_endpoints;
