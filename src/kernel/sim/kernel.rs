//! The handle of a loop on the kernel of its host.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mio::Token;

use super::event::Event;
use super::faults::{Fault, Place};
use super::host::Host;
use super::network::Network;
use super::socket::Key;
use crate::kernel::Failed;

/// The kernel of one host.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    network: Arc<Mutex<Network>>,
    pub(super) host: usize,
    /// The number of the program that the handle belongs to.
    program: u64,
    /// Stands in for the descriptor of the epoll instance. It is never ready.
    descriptor: Arc<File>,
}

#[derive(Debug)]
pub(crate) struct Poll(Kernel);

/// One of the library's own descriptors.
#[derive(Debug)]
pub(crate) struct Descriptor {
    kernel: Kernel,
    number: i32,
}

/// Wakes a loop from any thread.
#[derive(Debug)]
pub(crate) struct Waker(Descriptor);

/// The socketpair(2) through which signals arrive.
pub(crate) struct SignalSource([Descriptor; 2]);

#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    network: Arc<Mutex<Network>>,
    host: usize,
    start: Duration,
}

/// Locks the network, even after a panic.
pub(crate) fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel {
    /// Adds a host to the network, and returns its kernel.
    pub(crate) fn new(network: &Arc<Mutex<Network>>, name: &str) -> io::Result<Kernel> {
        let descriptor = Arc::new(File::open("/dev/null")?);
        Ok(Kernel {
            network: Arc::clone(network),
            host: lock(network).add_host(name),
            program: 0,
            descriptor,
        })
    }

    /// The kernel of a host without a network. Time passes while its loop waits. With a seed, runs vary as on
    /// a real machine.
    pub(crate) fn alone(seed: Option<u64>) -> io::Result<Kernel> {
        let network = Network::alone(seed.unwrap_or(0));
        let kernel = Kernel::new(&Arc::new(Mutex::new(network)), "localhost")?;
        if seed.is_some() {
            kernel.network().vary();
        }
        Ok(kernel)
    }

    /// The handle for the program that runs on the host after a kill.
    pub(crate) fn of_successor(&self) -> Kernel {
        let program = self.network().hosts[self.host].program;
        Kernel {
            program,
            ..self.clone()
        }
    }

    /// The host, unless the program of this handle is gone.
    fn host<'n>(&self, network: &'n mut Network) -> Option<&'n mut Host> {
        let host = &mut network.hosts[self.host];
        (host.program == self.program).then_some(host)
    }

    /// Lets time pass until something is ready, if the host has no network.
    pub(crate) fn pass(&self, wait: Option<Duration>) -> io::Result<()> {
        self.network().pass(self.host, wait)
    }

    pub(super) fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch {
            start: self.network().clock(self.host),
            network: Arc::clone(&self.network),
            host: self.host,
        }
    }

    /// epoll_ctl(2): a socket that is ready already is reported by the next wait.
    pub(crate) fn register(&self, key: Key, token: Token) -> io::Result<()> {
        self.network().register(key, token)
    }

    pub(crate) fn deregister(&self, key: Key) {
        self.network().deregister(key);
    }

    pub(crate) fn ready(&self, capacity: usize) -> io::Result<Vec<Event>> {
        self.network().ready(self.host, capacity)
    }

    /// Opens a descriptor for the library itself.
    pub(super) fn descriptor(&self) -> io::Result<Descriptor> {
        let mut network = self.network();
        network.inject(self.host, Fault::Descriptor, Place::Near)?;
        network.hosts[self.host].check_descriptor_limit()?;
        Ok(Descriptor {
            kernel: self.clone(),
            number: network.hosts[self.host].open(),
        })
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        self.descriptor().map(Waker)
    }

    pub(crate) fn signals(&self) -> Result<SignalSource, Failed> {
        let pair = || Ok([self.descriptor()?, self.descriptor()?]);
        let pair = pair().map_err(|error| ("socketpair", error))?;
        Ok(SignalSource(pair))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let mut network = self.kernel.network();
        if let Some(host) = self.kernel.host(&mut network) {
            host.close(self.number);
        }
    }
}

impl Poll {
    pub(crate) fn of(kernel: Kernel) -> Poll {
        Poll(kernel)
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.0
    }
}

impl Waker {
    pub(crate) fn wake(&self) -> io::Result<()> {
        let kernel = &self.0.kernel;
        if let Some(host) = kernel.host(&mut kernel.network()) {
            host.wake();
        }
        Ok(())
    }
}

impl SignalSource {
    pub(crate) fn watch(&self, signal: i32) -> Result<(), Failed> {
        let kernel = &self.0[0].kernel;
        kernel.network().watch(kernel.host, signal);
        Ok(())
    }

    pub(crate) fn arrived(&mut self) -> Vec<i32> {
        let kernel = &self.0[0].kernel;
        kernel.network().arrived(kernel.host)
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(&self) -> Duration {
        lock(&self.network).clock(self.host) - self.start
    }

    pub(crate) fn restarted(&self) -> Stopwatch {
        Stopwatch {
            start: lock(&self.network).clock(self.host),
            network: Arc::clone(&self.network),
            host: self.host,
        }
    }
}
