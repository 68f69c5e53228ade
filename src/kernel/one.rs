//! The kernel's face when there is only the real one: its own types, as they are.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

pub(super) use mio::event::Source;
pub(super) use mio::{Events, Poll, Waker};

pub(crate) use super::connector::Opening;
pub(crate) use super::listener::Listener;
pub(crate) use super::resolver::Resolver;
pub(crate) use super::signals::SignalSource;
pub(crate) use super::stopwatch::Stopwatch;
pub(crate) use super::stream::Stream;

use super::Failed;
use super::connector::{Answer, connect_unix};
use super::listener::BindOptions;
use super::options::StreamOptions;
use super::reactor::{Reactor, Registry};

pub(super) type Event<'b> = &'b mio::event::Event;
pub(super) type Epoll<'r> = &'r mio::Registry;

impl<T> Reactor<T> {
    /// The epoll instance.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }

    /// A stopwatch that goes by the kernel's time.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        Stopwatch::default()
    }
}

impl Registry<'_> {
    /// See [`Opening::new`].
    pub(crate) fn open(self, address: SocketAddr) -> io::Result<Opening> {
        Opening::new(address)
    }

    /// See [`connect_unix`].
    pub(crate) fn connect_unix(self, path: &Path) -> io::Result<(Stream, Answer)> {
        connect_unix(path)
    }

    /// See [`Listener::tcp`].
    pub(crate) fn listen(
        self,
        address: SocketAddr,
        options: BindOptions,
        inherited: &StreamOptions,
    ) -> io::Result<Listener> {
        Listener::tcp(address, options, inherited)
    }

    /// See [`Listener::unix`].
    pub(crate) fn listen_unix(self, path: &Path, options: BindOptions) -> io::Result<Listener> {
        Listener::unix(path, options)
    }

    /// See [`Listener::from_fd`].
    pub(crate) fn listen_on_fd(self, fd: OwnedFd, options: BindOptions) -> io::Result<Listener> {
        Listener::from_fd(fd, options)
    }

    /// See [`SignalSource::new`].
    pub(crate) fn signals(self) -> Result<SignalSource, Failed> {
        SignalSource::new(self.0)
    }
}
