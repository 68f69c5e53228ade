//! The kernel's face when there are two kernels: each of its types is that of the one or of the other, and
//! its functions are those of both.

mod either;
mod poll;
mod services;
mod sockets;
#[cfg(test)]
mod tests;

pub(super) use self::poll::{Epoll, Event, Events, Poll, Source, Waker};
pub(crate) use self::services::{Resolver, SignalSource, Stopwatch};
pub(crate) use self::sockets::{Listener, Opening, Stream};
