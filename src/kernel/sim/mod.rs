//! A simulated kernel: hosts with sockets, a network between them, and a time of its own, all in memory.
//! What happens follows from a seed.
//!
//! Its types are twins of those of the real kernel, with the same functions. Nothing in it waits: the world
//! lets time pass when no loop has anything to do. It speaks TCP over IPv4 and IPv6; a host has Unix
//! sockets with paths or abstract names. There are no pipes, and neither Nagle's algorithm nor congestion
//! control. Calls fail for want of descriptors, and otherwise only if the world deals faults.

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
