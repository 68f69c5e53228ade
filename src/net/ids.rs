//! Names. An id is small and `Copy`, and can do nothing by itself: a loop turns it into a view.
//!
//! Every id carries a generation or a serial number, so that it never comes to name something else. The
//! id of what is gone, or of what belongs to another loop, is harmless: sockets and servers are numbered
//! across all loops of the process, and every other id carries the number of its loop.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::kernel::reactor::Id;
use crate::rules::timers::TimerKey;

/// The number of a loop in its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Home(u32);

/// The key under which a loop keeps something, and which loop that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name<K> {
    key: K,
    home: Home,
}

impl Home {
    pub(super) fn new() -> Home {
        static LOOPS: AtomicU32 = AtomicU32::new(1);
        Home(LOOPS.fetch_add(1, Relaxed))
    }

    pub(super) fn name<K>(self, key: K) -> Name<K> {
        Name { key, home: self }
    }

    /// The key of a name, if this loop has given it.
    pub(super) fn key<K: Copy>(self, name: Name<K>) -> Option<K> {
        (name.home == self).then_some(name.key)
    }
}

macro_rules! socket_like_id {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) Id);

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($word, "#{}"), self.0.generation())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($word, "#{}"), self.0.generation())
            }
        }
    };
}

socket_like_id!(
    /// The name of a socket; [`Loop::socket_at`](crate::Loop::socket_at) makes a view of it. Keep it where
    /// a Node program would keep the socket itself.
    ///
    /// It goes stale when the ticks of its `close` have run, and never comes to mean another socket.
    /// In another loop it names nothing. It prints as `socket#7`: the sockets and servers of all loops
    /// of the process are numbered together, from 1.
    ///
    /// ```
    /// # fn main() -> Result<(), netloop::Error> {
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let id: netloop::SocketId = event_loop.socket().id();
    /// assert!(event_loop.socket_at(id).is_pending());
    /// # Ok(())
    /// # }
    /// ```
    SocketId,
    "socket"
);

socket_like_id!(
    /// The name of a server; [`Loop::server_at`](crate::Loop::server_at) makes a view of it. Keep it where
    /// a Node program would keep the server itself.
    ///
    /// It is valid as long as the loop, even after the server has closed. In another loop it names nothing.
    /// It prints as `server#7`: the sockets and servers of all loops of the process are numbered together,
    /// from 1.
    ///
    /// ```
    /// # fn main() -> Result<(), netloop::Error> {
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let id: netloop::ServerId = event_loop.create_server(|_socket| {}).id();
    /// assert!(!event_loop.server_at(id).is_listening());
    /// # Ok(())
    /// # }
    /// ```
    ServerId,
    "server"
);

/// The name of a timer, for [`clear_timeout`](crate::Loop::clear_timeout),
/// [`refresh`](crate::Loop::refresh) and their like. Node's `Timeout` object.
///
/// It goes stale when the timer is cleared, or has fired and was not refreshed by its callback. Like
/// all ids, it names nothing in another loop.
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// use std::time::Duration;
/// let mut event_loop = netloop::EventLoop::new()?;
/// let timer: netloop::TimerId = event_loop.set_timeout(Duration::from_secs(9), |_| {});
/// event_loop.clear_timeout(timer);
/// event_loop.run() // nothing is left to wait for
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId(pub(crate) Name<TimerKey>);

/// The name of an immediate, for [`clear_immediate`](crate::Loop::clear_immediate) and its like:
/// Node's `Immediate` object. It goes stale when the immediate has run or was cleared.
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// let mut event_loop = netloop::EventLoop::new()?;
/// let immediate: netloop::ImmediateId = event_loop.set_immediate(|_| unreachable!());
/// event_loop.clear_immediate(immediate);
/// event_loop.run()
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImmediateId(pub(crate) Name<u64>);

/// The name of a lookup that waits for [`answer_lookup`](crate::Loop::answer_lookup): Node's
/// callback of a `lookup` function. It may be kept, and used later.
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// use std::time::Duration;
/// use netloop::{Error, EventLoop};
/// let mut event_loop = EventLoop::new()?;
/// event_loop.set_lookup(|event_loop, request| {
///     let id: netloop::LookupId = request.id;
///     event_loop.set_timeout(Duration::from_millis(1), move |event_loop| {
///         event_loop.answer_lookup(id, Err(Error::not_found("nosuch.example")));
///     });
/// });
/// event_loop.connect_to(("nosuch.example", 80))?.on_error(|_, error| {
///     assert_eq!(error.to_string(), "getaddrinfo ENOTFOUND nosuch.example");
/// });
/// event_loop.run() // the open lookup holds the loop
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupId(pub(crate) Name<u64>);

/// The name of an abort handle: Node's `AbortController` and `AbortSignal` in one.
///
/// It is made by [`abort_handle`](crate::Loop::abort_handle), given to `signal` of
/// [`ConnectOptions`](crate::ConnectOptions) or [`ListenOptions`](crate::ListenOptions), and
/// used by [`abort`](crate::Loop::abort).
///
/// ```
/// # fn main() -> Result<(), netloop::Error> {
/// let mut event_loop = netloop::EventLoop::new()?;
/// let handle: netloop::AbortId = event_loop.abort_handle();
/// assert!(!event_loop.is_aborted(handle));
/// event_loop.abort(handle);
/// assert!(event_loop.is_aborted(handle));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AbortId(pub(crate) Name<u64>);

/// A name for listeners, in place of the function object that JavaScript passes to `off`.
/// [`named`](crate::Socket::named) gives it to a listener, and [`off`](crate::Socket::off) removes that
/// listener. Several listeners may have the same name, whatever their event, socket or loop.
///
/// ```
/// use netloop::{EventLoop, ListenerId};
///
/// let mut event_loop = EventLoop::new()?;
/// let farewell = ListenerId::unique();
/// let mut socket = event_loop.socket();
/// socket.on_close(|_, _| unreachable!()).named(farewell);
/// socket.off("close", farewell).destroy();
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(NonZeroU64);

impl ListenerId {
    /// Makes a new name.
    pub fn unique() -> ListenerId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let next = NonZeroU64::new(NEXT.fetch_add(1, Relaxed));
        next.map_or_else(ListenerId::unique, ListenerId)
    }
}

/// What a record is about. It prints as `loop`, `socket#7` or `server#7`.
///
/// ```
/// use netloop::trace::Subject;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// let id = event_loop.socket().id();
/// assert_eq!(Subject::Socket(id).to_string(), id.to_string());
/// assert_eq!(Subject::Loop.to_string(), "loop");
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The loop itself: a tick, a microtask, an immediate, a timer, a post or a signal of the user's.
    Loop,
    /// A socket.
    Socket(SocketId),
    /// A server.
    Server(ServerId),
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Loop => write!(out, "loop"),
            Subject::Socket(id) => write!(out, "{id}"),
            Subject::Server(id) => write!(out, "{id}"),
        }
    }
}
