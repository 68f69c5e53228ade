//! A simulated kernel: hosts with sockets, a network between them, and virtual time, all in memory and
//! deterministic from a seed.
//!
//! Its types have the functions of the real kernel's. No call blocks: the world lets time pass when no loop
//! has anything to do. It has TCP over IPv4 and IPv6, and Unix sockets with paths or abstract names. It has
//! no pipes, no Nagle's algorithm and no congestion control. A call fails for lack of a resource only at the
//! limit of descriptors, in a shortage, or by an injected fault.

mod calls;
mod dice;
mod event;
mod faults;
mod host;
mod keep_alive;
mod kernel;
mod names;
mod network;
mod outages;
mod path;
mod ports;
mod probing;
mod readiness;
mod shown;
mod socket;
mod sockets;
mod tcp;
mod timeouts;
mod trouble;
mod unix;
mod urgent;

#[cfg(test)]
pub(crate) use self::dice::Dice;
pub(crate) use self::event::Event;
#[cfg(test)]
pub(crate) use self::faults::Place;
pub use self::faults::{Fault, Faults, Resource};
pub(crate) use self::kernel::{Kernel, Poll, SignalSource, Stopwatch, Waker, lock};
pub(crate) use self::names::Resolver;
pub(crate) use self::network::Network;
pub use self::shown::SocketInfo;
pub(crate) use self::socket::Key;
pub(crate) use self::sockets::{Listener, Opening, Stream};
