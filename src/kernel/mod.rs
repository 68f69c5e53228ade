//! Floor 2, the kernel: mio, the slab, and what the system does for us. It knows no user callback.
//!
//! What the floors above see of it is its face. Without the feature `sim` these are the types of the real
//! kernel, as they are; with it, each is one of both kernels.

mod accepting;
pub(crate) mod clock;
mod connector;
mod descriptor;
pub(crate) mod host_name;
pub(crate) mod listener;
pub(crate) mod mailbox;
mod offer;
pub(crate) mod options;
mod pipe;
pub(crate) mod reactor;
pub(crate) mod resolver;
pub(crate) mod signals;
mod stopwatch;
mod stream;

#[cfg(feature = "sim")]
mod both;
#[cfg(not(feature = "sim"))]
mod one;
#[cfg(feature = "sim")]
pub(crate) mod sim;

#[cfg(feature = "sim")]
use both as face;
#[cfg(not(feature = "sim"))]
use one as face;

use face::{Epoll, Event, Events, Poll, Source, Waker};
pub(crate) use face::{Listener, Opening, Resolver, SignalSource, Stopwatch, Stream};

/// The outcome of one attempt to accept.
pub(crate) type Accepted = accepting::Accepted<Stream>;

/// The call that failed, and its error, where several calls may fail.
pub(crate) type Failed = (&'static str, std::io::Error);
