//! A host's kernel, as its loop has it in its hands.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mio::Token;

use super::event::Event;
use super::network::Network;
use super::socket::Key;
use crate::kernel::Failed;

/// The kernel of one host.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    network: Arc<Mutex<Network>>,
    pub(super) host: usize,
    /// Stands for the descriptor of the epoll instance. It is never ready.
    descriptor: Arc<File>,
}

#[derive(Debug)]
pub(crate) struct Poll(Kernel);

/// Ends the wait of a loop, from any thread.
#[derive(Debug)]
pub(crate) struct Waker(Kernel);

pub(crate) struct SignalSource(Kernel);

#[derive(Clone, Debug)]
pub(crate) struct Stopwatch {
    network: Arc<Mutex<Network>>,
    start: Duration,
}

/// The network, while it is changed.
pub(crate) fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel {
    /// The kernel of a new host.
    pub(crate) fn new(network: &Arc<Mutex<Network>>, name: &str) -> io::Result<Kernel> {
        Ok(Kernel {
            network: Arc::clone(network),
            host: lock(network).add_host(name),
            descriptor: Arc::new(File::open("/dev/null")?),
        })
    }

    pub(super) fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch {
            start: self.network().now(),
            network: Arc::clone(&self.network),
        }
    }

    /// Reports a socket from now on, and at once if there is something to report.
    pub(crate) fn register(&self, key: Key, token: Token) {
        self.network().register(key, token);
    }

    pub(crate) fn deregister(&self, key: Key) {
        self.network().deregister(key);
    }

    pub(crate) fn ready(&self, capacity: usize) -> Vec<Event> {
        self.network().ready(self.host, capacity)
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(self.clone())
    }

    pub(crate) fn signals(&self) -> SignalSource {
        SignalSource(self.clone())
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
        self.0.network().wake_loop(self.0.host);
        Ok(())
    }
}

impl SignalSource {
    pub(crate) fn watch(&self, signal: i32) -> Result<(), Failed> {
        self.0.network().watch(self.0.host, signal);
        Ok(())
    }

    pub(crate) fn arrived(&mut self) -> Vec<i32> {
        self.0.network().arrived(self.0.host)
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(&self) -> Duration {
        lock(&self.network).now() - self.start
    }

    pub(crate) fn restarted(&self) -> Stopwatch {
        Stopwatch {
            start: lock(&self.network).now(),
            network: Arc::clone(&self.network),
        }
    }
}
