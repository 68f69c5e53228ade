//! Where a server listens: what the command line names, and the sockets that systemd passes.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use netloop::ListenOptions;
use rustix::fs::Mode;
use rustix::process::umask;

/// How many connections wait at a socket of systemd's; the kernel cuts it to `net.core.somaxconn`.
const PASSED_BACKLOG: u32 = 4096;

#[derive(Debug)]
pub(crate) enum Place {
    /// `--host` and `--port`.
    Port { host: String, port: u16 },
    /// `--listen tcp:`.
    Tcp { host: String, port: u16 },
    /// `--path`.
    Path(PathBuf),
    /// `--listen unix:`.
    Unix(PathBuf),
    /// A socket that is bound already, and its name.
    Passed { fd: OwnedFd, name: String },
}

/// How to listen at whatever place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Binding {
    pub(crate) backlog: Option<u32>,
    pub(crate) reuse_port: bool,
    pub(crate) mode: Option<u32>,
}

impl Place {
    /// The path at which there will be a file of ours.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Place::Path(path) | Place::Unix(path) => Some(path),
            Place::Port { .. } | Place::Tcp { .. } | Place::Passed { .. } => None,
        }
    }

    pub(super) fn options(&self, binding: Binding) -> io::Result<ListenOptions> {
        let options = match self {
            Place::Port { host, port } | Place::Tcp { host, port } => {
                ListenOptions::from((host.clone(), *port)).reuse_port(binding.reuse_port)
            }
            Place::Path(path) | Place::Unix(path) => {
                ListenOptions::from(path.as_path()).only_own_file(true)
            }
            Place::Passed { fd, .. } => ListenOptions::fd(fd.try_clone()?).backlog(PASSED_BACKLOG),
        };
        Ok(match binding.backlog {
            Some(backlog) => options.backlog(backlog),
            None => options,
        })
    }
}

impl Binding {
    /// Calls this while files are made with the mode that was asked for: a file that had another one
    /// first could be connected to meanwhile.
    pub(super) fn with_mode<R>(self, call: impl FnOnce() -> R) -> R {
        let Some(mode) = self.mode else {
            return call();
        };
        let before = umask(Mode::from_bits_truncate(!mode & 0o777));
        let outcome = call();
        umask(before);
        outcome
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Port { host, port } | Place::Tcp { host, port } if host.contains(':') => {
                write!(f, "tcp:[{host}]:{port}")
            }
            Place::Port { host, port } | Place::Tcp { host, port } => {
                write!(f, "tcp:{host}:{port}")
            }
            Place::Path(path) | Place::Unix(path) => write!(f, "unix:{}", path.display()),
            Place::Passed { name, .. } => write!(f, "systemd:{name}"),
        }
    }
}

/// The sockets that systemd passes (sd_listen_fds(3)), each with its name.
///
/// # Errors
/// One of them is not one that can be listened on.
pub(crate) fn passed() -> Result<Vec<Place>, String> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut passed = ListenFd::from_env();
    let mut places = Vec::new();
    for index in 0..passed.len() {
        let name = names.next().filter(|name| !name.is_empty());
        let name = name.unwrap_or("unknown").to_owned();
        let tcp = passed.take_tcp_listener(index);
        let fd = match tcp {
            Ok(listener) => listener.map(OwnedFd::from),
            Err(_) => {
                let unix = passed.take_unix_listener(index);
                let failed = |_| format!("LISTEN_FDS: {name} is not a stream socket");
                unix.map_err(failed)?.map(OwnedFd::from)
            }
        };
        places.extend(fd.map(|fd| Place::Passed { fd, name }));
    }
    Ok(places)
}
