//! The kernel's face when there are two kernels: each of its types holds either the real kernel's or the
//! simulated one's, and each of its functions calls that one's.

mod either;
mod poll;
mod services;
mod sockets;
#[cfg(test)]
mod tests;

pub(super) use self::poll::{Epoll, Event, Events, Poll, Source, Waker};
pub(crate) use self::services::{Resolver, SignalSource, Stopwatch};
pub(crate) use self::sockets::{Listener, Opening, Stream};
