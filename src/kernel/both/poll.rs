//! mio's poll with its events, and the simulated one, under mio's names.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use libc::EPERM;
use mio::{Interest, Token};

use super::either::{Either, either};
use crate::kernel::sim;

pub(crate) type Poll = Either<mio::Poll, sim::Poll>;
pub(crate) type Epoll<'r> = Either<&'r mio::Registry, &'r sim::Kernel>;
pub(crate) type Waker = Either<mio::Waker, sim::Waker>;

/// The events of the last wait. Those of the other kernel are empty.
#[derive(Debug)]
pub(crate) struct Events {
    real: mio::Events,
    simulated: Vec<sim::Event>,
    capacity: usize,
}

/// One event.
#[derive(Clone, Copy)]
pub(crate) struct Event<'b>(Either<&'b mio::event::Event, sim::Event>);

/// What can be registered.
pub(crate) trait Source {
    fn source(&mut self) -> Either<&mut dyn mio::event::Source, sim::Key>;
}

impl Poll {
    pub(crate) fn new() -> io::Result<Poll> {
        mio::Poll::new().map(Either::Real)
    }

    pub(crate) fn registry(&self) -> Epoll<'_> {
        match self {
            Either::Real(poll) => Either::Real(poll.registry()),
            Either::Simulated(poll) => Either::Simulated(poll.kernel()),
        }
    }

    /// A simulated kernel never blocks: virtual time passes instead.
    pub(crate) fn poll(&mut self, events: &mut Events, wait: Option<Duration>) -> io::Result<()> {
        match self {
            Either::Real(poll) => poll.poll(&mut events.real, wait),
            Either::Simulated(poll) => {
                poll.kernel().pass(wait)?;
                let ready = poll.kernel().ready(events.capacity);
                ready.map(|ready| events.simulated = ready)
            }
        }
    }
}

impl<'r> Epoll<'r> {
    pub(crate) fn as_fd(&self) -> BorrowedFd<'r> {
        match self {
            Either::Real(registry) => (*registry).as_fd(),
            Either::Simulated(kernel) => (*kernel).as_fd(),
        }
    }

    /// `EPERM` for a descriptor of the other kernel, as for a file (epoll_ctl(2)).
    pub(crate) fn register(
        self,
        source: &mut impl Source,
        token: Token,
        all: Interest,
    ) -> io::Result<()> {
        match (self, source.source()) {
            (Either::Real(registry), Either::Real(source)) => registry.register(source, token, all),
            (Either::Simulated(kernel), Either::Simulated(socket)) => {
                kernel.register(socket, token)
            }
            _ => Err(io::Error::from_raw_os_error(EPERM)),
        }
    }

    pub(crate) fn deregister(self, source: &mut impl Source) -> io::Result<()> {
        match (self, source.source()) {
            (Either::Real(registry), Either::Real(source)) => registry.deregister(source),
            (Either::Simulated(kernel), Either::Simulated(socket)) => {
                kernel.deregister(socket);
                Ok(())
            }
            _ => Err(io::Error::from_raw_os_error(EPERM)),
        }
    }
}

impl Waker {
    /// The simulated kernel knows the waker's token.
    pub(crate) fn new(epoll: Epoll<'_>, token: Token) -> io::Result<Waker> {
        match epoll {
            Either::Real(registry) => mio::Waker::new(registry, token).map(Either::Real),
            Either::Simulated(kernel) => kernel.waker().map(Either::Simulated),
        }
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        either!(self, waker => waker.wake())
    }
}

impl Events {
    pub(crate) fn with_capacity(capacity: usize) -> Events {
        Events {
            real: mio::Events::with_capacity(capacity),
            simulated: Vec::new(),
            capacity,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        let real = self.real.iter().map(|event| Event(Either::Real(event)));
        let simulated = self.simulated.iter();
        real.chain(simulated.map(|event| Event(Either::Simulated(*event))))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.real.is_empty() && self.simulated.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.real.clear();
        self.simulated.clear();
    }
}

impl Event<'_> {
    pub(crate) fn token(&self) -> Token {
        either!(self.0, event => event.token())
    }

    pub(crate) fn is_readable(&self) -> bool {
        either!(self.0, event => event.is_readable())
    }

    pub(crate) fn is_writable(&self) -> bool {
        either!(self.0, event => event.is_writable())
    }

    pub(crate) fn is_error(&self) -> bool {
        either!(self.0, event => event.is_error())
    }

    pub(crate) fn is_read_closed(&self) -> bool {
        either!(self.0, event => event.is_read_closed())
    }

    pub(crate) fn is_write_closed(&self) -> bool {
        either!(self.0, event => event.is_write_closed())
    }

    pub(crate) fn is_priority(&self) -> bool {
        either!(self.0, event => event.is_priority())
    }
}

/// As mio shows its own.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(self.0, event => fmt::Debug::fmt(&event, out))
    }
}
