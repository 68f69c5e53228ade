//! Listeners and connections at many places of one kernel: which calls succeed, and which listener a connect
//! reaches.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libc::{EAGAIN, ENOENT, ETIMEDOUT};

use super::machine::{PATIENCE, errno};
use super::place::Place;
use crate::kernel::listener::BindOptions;
use crate::kernel::reactor::{Reactor, Registry};
use crate::kernel::sim::{Kernel, Network, lock};
use crate::kernel::stopwatch::Stopwatch;
use crate::kernel::{Accepted, Listener, Stream};

/// A call of a program. Listeners and connections are numbered in the order in which they are created.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Listen(Place, BindOptions),
    Connect {
        to: Place,
        from: Option<SocketAddr>,
    },
    CloseListener(usize),
    Reset(usize),
    /// Kills the program, and starts it again.
    Kill,
    Unlink(PathBuf),
}

/// The source address of a connection and the listener that has accepted it, or an errno.
pub(super) type Answer = Result<String, i32>;

/// `net.ipv4.ip_local_port_range` begins here.
const FIRST_CHOSEN: u16 = 32_768;

pub(super) struct Town {
    reactor: Reactor<()>,
    /// The network of the simulated kernel.
    world: Option<(Arc<Mutex<Network>>, Kernel)>,
    listeners: Vec<Option<Listener>>,
    connections: Vec<Option<(Stream, Stream)>>,
}

impl Town {
    pub(super) fn real() -> Town {
        Town::of(Reactor::new().expect("a reactor"), None)
    }

    pub(super) fn simulated() -> Town {
        let network = Arc::new(Mutex::new(Network::new(0, false)));
        let kernel = Kernel::new(&network, "here").expect("a kernel");
        Town::of(Reactor::simulated(kernel.clone()), Some((network, kernel)))
    }

    fn of(reactor: Reactor<()>, world: Option<(Arc<Mutex<Network>>, Kernel)>) -> Town {
        Town {
            reactor,
            world,
            listeners: Vec::new(),
            connections: Vec::new(),
        }
    }

    pub(super) fn listeners(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn perform(&mut self, call: &Call) -> Answer {
        let done = |()| String::new();
        match call {
            Call::Listen(place, options) => {
                let made = place.listen(self.reactor.registry(), *options);
                self.listeners
                    .push(Some(made.map_err(|error| errno(&error))?));
                Ok(String::new())
            }
            Call::Connect { to, from } => {
                let stream = connect(self.reactor.registry(), to, *from);
                let stream = stream.map_err(|error| errno(&error))?;
                self.accepted(stream)
            }
            Call::CloseListener(number) => {
                self.listeners[*number] = None;
                Ok(String::new())
            }
            Call::Reset(number) => {
                if let Some((client, _)) = self.connections[*number].take() {
                    client.reset_on_close();
                }
                Ok(String::new())
            }
            Call::Kill => {
                self.connections.clear();
                self.kill();
                Ok(String::new())
            }
            Call::Unlink(path) => self.unlink(path).map(done).map_err(|error| errno(&error)),
        }
    }

    /// Waits for a connection, and finds the listener that accepts it.
    fn accepted(&mut self, stream: Stream) -> Answer {
        let begun = Stopwatch::default();
        while !stream.connected().map_err(|error| errno(&error))? {
            if begun.elapsed() > PATIENCE {
                return Err(ETIMEDOUT);
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        loop {
            for listener in self.listeners.iter_mut().flatten() {
                if let Accepted::Stream(accepted, address) = listener.accept() {
                    let answer = [
                        listener
                            .local_path()
                            .map_or_else(String::new, |path| format!("{path:?}")),
                        shown(listener.local_address()),
                        shown(stream.local_address()),
                        shown(stream.remote_address()),
                        shown(accepted.local_address()),
                        shown(accepted.remote_address()),
                        shown(address),
                    ];
                    self.connections.push(Some((stream, accepted)));
                    return Ok(answer.join(" "));
                }
            }
            if begun.elapsed() > PATIENCE {
                return Err(EAGAIN);
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Closes all listeners, and leaves their files.
    fn kill(&mut self) {
        let listeners = self.listeners.iter_mut().filter_map(Option::take);
        if let Some((network, _)) = &self.world {
            lock(network).kill_program(0);
            return listeners.for_each(drop);
        }
        for listener in listeners {
            let path = listener.local_path().unwrap_or_default();
            let path = PathBuf::from(OsStr::from_bytes(&path));
            // A listener cannot unlink a file at another path.
            let aside = path.with_extension("aside");
            let is_moved = path.is_absolute() && std::fs::rename(&path, &aside).is_ok();
            drop(listener);
            if is_moved {
                std::fs::rename(aside, path).expect("moved back");
            }
        }
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        match &self.world {
            None => std::fs::remove_file(path),
            Some((network, _)) => match lock(network).unlink(0, path) {
                true => Ok(()),
                false => Err(io::Error::from_raw_os_error(ENOENT)),
            },
        }
    }
}

fn connect(registry: Registry<'_>, to: &Place, from: Option<SocketAddr>) -> io::Result<Stream> {
    let (stream, _) = match (to, from) {
        (Place::Port(address), Some(from)) => {
            let opening = registry.open(*address)?;
            opening.bind(from)?;
            opening.connect()?
        }
        _ => to.connect(registry)?,
    };
    Ok(stream)
}

/// An address, without a port that Linux has chosen.
fn shown(address: Option<SocketAddr>) -> String {
    match address {
        Some(address) if address.port() < FIRST_CHOSEN => address.to_string(),
        Some(address) => format!("{}:chosen", address.ip()),
        None => String::new(),
    }
}
