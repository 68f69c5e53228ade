//! The time, names and signals of both kernels.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::either::{Either, either};
use super::poll::{Epoll, Poll};
use crate::kernel::reactor::{Reactor, Registry};
use crate::kernel::resolver::{self, Answer, Question};
use crate::kernel::{Failed, signals, sim, stopwatch};

pub(crate) type Resolver = Either<resolver::Resolver, sim::Resolver>;
pub(crate) type SignalSource = Either<signals::SignalSource, sim::SignalSource>;
pub(crate) type Stopwatch = Either<stopwatch::Stopwatch, sim::Stopwatch>;

impl<T> Reactor<T> {
    /// The epoll instance.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.registry().as_fd()
    }

    /// A reactor on a simulated kernel.
    pub(crate) fn simulated(kernel: sim::Kernel) -> Reactor<T> {
        Reactor::of(Poll::Simulated(sim::Poll::of(kernel)))
    }

    /// The kernel, if it is a simulated one.
    pub(crate) fn simulated_kernel(&self) -> Option<&sim::Kernel> {
        match &self.poll {
            Poll::Real(_) => None,
            Poll::Simulated(poll) => Some(poll.kernel()),
        }
    }

    /// A stopwatch by the kernel's clock.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        match &self.poll {
            Poll::Real(_) => Stopwatch::default(),
            Poll::Simulated(poll) => Stopwatch::Simulated(poll.kernel().stopwatch()),
        }
    }
}

impl Default for Stopwatch {
    fn default() -> Stopwatch {
        Either::Real(stopwatch::Stopwatch::default())
    }
}

impl Stopwatch {
    pub(crate) fn elapsed(&self) -> Duration {
        either!(self, watch => watch.elapsed())
    }

    pub(crate) fn restarted(&self) -> Stopwatch {
        match self {
            Either::Real(watch) => Either::Real(watch.restarted()),
            Either::Simulated(watch) => Either::Simulated(watch.restarted()),
        }
    }
}

impl Registry<'_> {
    pub(crate) fn signals(self) -> Result<SignalSource, Failed> {
        match self.0 {
            Epoll::Real(epoll) => signals::SignalSource::new(epoll).map(Either::Real),
            Epoll::Simulated(kernel) => kernel.signals().map(Either::Simulated),
        }
    }
}

impl SignalSource {
    pub(crate) fn watch(&self, signal: i32) -> Result<(), Failed> {
        either!(self, source => source.watch(signal))
    }

    pub(crate) fn arrived(&mut self) -> Vec<i32> {
        either!(self, source => source.arrived())
    }
}

impl Resolver {
    pub(crate) fn start<T>(reactor: &mut Reactor<T>) -> Result<Resolver, Failed> {
        if let Epoll::Simulated(kernel) = reactor.registry().0 {
            let resolver = kernel.resolver();
            let woken = reactor.waker().map_err(|error| ("eventfd", error));
            return woken.map(|_| Either::Simulated(resolver));
        }
        resolver::Resolver::start(reactor).map(Either::Real)
    }

    pub(crate) fn ask(&mut self, question: Question) {
        either!(self, resolver => resolver.ask(question));
    }

    pub(crate) fn withdraw(&mut self, ticket: u64) {
        either!(self, resolver => resolver.withdraw(ticket));
    }

    pub(crate) fn next_answer(&mut self) -> Option<(u64, Answer)> {
        either!(self, resolver => resolver.next_answer())
    }

    pub(crate) fn is_asked(&self) -> bool {
        either!(self, resolver => resolver.is_asked())
    }
}
