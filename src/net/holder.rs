//! The things that can hold a loop.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::path::PathBuf;
use std::time::Duration;

use super::trace::{Queue, Subject};
use super::{ServerId, SocketId, TimerId};

/// Something that holds the loop, as [`Loop::holders`](crate::Loop::holders) lists it. It prints as one
/// line, such as `server#1: listening on 127.0.0.1:8000`.
///
/// ```
/// use std::time::Duration;
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// event_loop.set_interval(Duration::from_secs(3), |_| {});
/// let holder = &event_loop.holders()[0];
/// assert!(matches!(holder, netloop::Holder::Timer { kind: "set_interval", .. }));
/// assert!(holder.to_string().starts_with("timer: set_interval, due in 3s, set at "));
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// A timer of the program's. Ends with [`clear_timeout`](crate::Loop::clear_timeout), or
    /// [`unref_timer`](crate::Loop::unref_timer).
    Timer {
        /// Its id.
        id: TimerId,
        /// The function that set it: `set_timeout`, `set_interval` or `after`.
        kind: &'static str,
        /// The time until it is due: zero if it is late, or its callback is running.
        due: Duration,
        /// The socket that it ends with.
        owner: Option<SocketId>,
        /// The line of the program that set it.
        line: Option<&'static Location<'static>>,
    },
    /// A server that listens. Ends with [`close`](crate::Server::close), or
    /// [`unref`](crate::Server::unref).
    Listening {
        /// Its id.
        server: ServerId,
        /// Its address; none if it listens on a path.
        address: Option<SocketAddr>,
        /// The path.
        path: Option<PathBuf>,
    },
    /// A socket that is to be connected. Ends with its `connect`, or with its `close`.
    Connecting {
        /// Its id.
        socket: SocketId,
        /// What it connects to: `localhost:8000`, or a path.
        to: String,
    },
    /// A socket that is read from: it waits for the peer. Ends with the peer's end, with
    /// [`pause`](crate::Socket::pause), [`destroy`](crate::Socket::destroy) or
    /// [`unref`](crate::Socket::unref).
    Reading {
        /// Its id.
        socket: SocketId,
        /// The peer; none on a Unix-domain socket.
        peer: Option<SocketAddr>,
    },
    /// A write that the kernel has not taken yet, or whose callback is due.
    Sending {
        /// The id of its socket.
        socket: SocketId,
        /// The peer; none on a Unix-domain socket.
        peer: Option<SocketAddr>,
        /// The socket's [`writable_length`](crate::Socket::writable_length).
        bytes: usize,
    },
    /// The end of our half, shutdown(2), which comes in the next pending phase.
    Ending {
        /// The id of its socket.
        socket: SocketId,
        /// The peer; none on a Unix-domain socket.
        peer: Option<SocketAddr>,
    },
    /// A name that is being looked up. Ends with its answer.
    Lookup {
        /// The socket or server that asked.
        asker: Subject,
        /// The name.
        host: String,
    },
    /// The number of [handles](crate::Handle) that hold the loop.
    Handles(usize),
    /// The number of callbacks that were [posted](crate::Handle::post) and have not run.
    Posts(usize),
    /// Work that runs in this turn or the next.
    Queued {
        /// Where it waits.
        queue: Queue,
        /// How many entries wait there.
        count: usize,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Timer {
                kind,
                due,
                owner,
                line,
                ..
            } => {
                let line = line.map(|line| format!("{}:{}", line.file(), line.line()));
                named(out, "timer", " of ", *owner)?;
                write!(out, ": {kind}, due in {due:?}")?;
                named(out, "", ", set at ", line)
            }
            Holder::Listening {
                server,
                address,
                path,
            } => {
                let address = address.map(|address| address.to_string());
                let path = path.as_ref().map(|path| path.display().to_string());
                named(
                    out,
                    format_args!("{server}: listening"),
                    " on ",
                    address.or(path),
                )
            }
            Holder::Connecting { socket, to } => write!(out, "{socket}: connecting to {to}"),
            Holder::Reading { socket, peer } => {
                named(out, format_args!("{socket}: reading"), " from ", *peer)
            }
            Holder::Sending {
                socket,
                peer,
                bytes,
            } => {
                let words = format_args!("{socket}: sending, {bytes} bytes left");
                named(out, words, ", to ", *peer)
            }
            Holder::Ending { socket, peer } => {
                named(out, format_args!("{socket}: ending"), ", peer ", *peer)
            }
            Holder::Lookup { asker, host } => write!(out, "{asker}: looking up {host}"),
            Holder::Handles(count) => write!(out, "handles: {count}"),
            Holder::Posts(count) => write!(out, "posts: {count}"),
            Holder::Queued { queue, count } => write!(out, "{queue}: {count}"),
        }
    }
}

/// Writes the words, and the name after them if there is one.
fn named(
    out: &mut fmt::Formatter<'_>,
    words: impl fmt::Display,
    link: &str,
    name: Option<impl fmt::Display>,
) -> fmt::Result {
    match name {
        None => write!(out, "{words}"),
        Some(name) => write!(out, "{words}{link}{name}"),
    }
}
