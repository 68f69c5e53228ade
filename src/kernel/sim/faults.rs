//! Faults: what can go wrong, how often it does, and which errors it leads to.

use std::collections::BTreeMap;

use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, ECONNABORTED, ECONNREFUSED, ECONNRESET,
    EHOSTUNREACH, EINTR, EMFILE, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EPERM, EPROTO,
    EROFS, ETIMEDOUT,
};

use super::dice::Dice;

/// A kind of fault. Each stands for calls of a program, or for what happens to its connections, and can
/// only lead to what Linux itself can lead to:
///
/// | fault | where | what it leads to |
/// | --- | --- | --- |
/// | `Socket` | socket(2) | `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM` |
/// | `Descriptor` | descriptors of the library's own: eventfd(2), with the first handle or lookup of a loop; socketpair(2), with its first signal; open(2), for the one that a listener keeps in reserve | `EMFILE`, `ENFILE`, `ENOMEM` |
/// | `Bind` | bind(2) | `EACCES`, `EADDRINUSE`, `EADDRNOTAVAIL`; of a path also `ENOMEM`, `ENOSPC`, `EROFS` |
/// | `Listen` | listen(2) on a port | `EADDRINUSE` |
/// | `Connect` | connect(2), at once | `EACCES`, `EADDRNOTAVAIL`, `EAGAIN`, `EHOSTUNREACH`, `ENETUNREACH`, `ENOBUFS`, `EPERM`; to a path `EACCES`, `EAGAIN`, `ENOMEM`, `EPERM` |
/// | `Handshake` | a connect that was begun, later | `ECONNREFUSED`; from another host also `EHOSTUNREACH`, `ENETUNREACH`, `ETIMEDOUT` |
/// | `Accept` | accept4(2) | `EINTR`, `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`, `EPERM` |
/// | `Abort` | accept4(2) on a port, of a connection that is gone | `ECONNABORTED`, `EHOSTUNREACH`, `ENETUNREACH`, `EPROTO` |
/// | `Register` | epoll_ctl(2) | `ENOMEM`, `ENOSPC` |
/// | `Wait` | epoll_wait(2) | `EINTR`; a socket that is reported as readable, and is not |
/// | `Receive` | recv(2) | `EINTR`; only a part of what is there, and another event for the rest (none on a Unix socket) |
/// | `Send` | send(2) | `EAGAIN` (not on a Unix socket), `EINTR`, `ENOBUFS`, `ENOMEM`; only a part of what there is room for |
/// | `Connection` | a TCP connection, while something arrives | `ECONNABORTED`, `ECONNRESET`; between hosts also `EHOSTUNREACH`, `ENETUNREACH`, `ETIMEDOUT`. The peer learns of it when it sends |
/// | `Loss` | a segment between hosts | it is repeated, and comes late: 200 ms, 400 ms, or up to 25 s |
/// | `LookUp` | getaddrinfo(3) | `EAI_AGAIN`, `EAI_FAIL`, `EAI_MEMORY`, `ENOTFOUND`, `EMFILE`; an answer that takes up to half a minute |
///
/// Not dealt, since Linux never does it: `EINTR` from connect(2), which does not wait; `EINTR` twice in a
/// row; `EINTR` from epoll_wait(2) while something is ready; `EAGAIN` from recv(2) while bytes are there, or
/// a part of them that no event follows; errors of close(2), shutdown(2), getsockname(2), and of those
/// socket options that the library sets. That recv, send and accept4 fail with `EINTR` although they do not
/// wait takes a supervisor (seccomp_unotify(2)); that send fails with `ENOBUFS` or `ENOMEM` takes kTLS or a
/// sockmap on a TCP socket, while otherwise a shortage is `EAGAIN`, and an event when it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// No socket can be made.
    Socket,
    /// The loop's own descriptors cannot be made.
    Descriptor,
    /// An address cannot be bound.
    Bind,
    /// A bound socket cannot listen.
    Listen,
    /// A connection cannot be begun.
    Connect,
    /// A connection is refused, or never answered.
    Handshake,
    /// A connection cannot be accepted, and still waits.
    Accept,
    /// A connection is gone before it is accepted.
    Abort,
    /// A socket cannot be registered.
    Register,
    /// A wait is interrupted, or reports what is not so.
    Wait,
    /// Less is received than there is.
    Receive,
    /// Less is sent than there is room for.
    Send,
    /// A connection fails.
    Connection,
    /// A segment is lost.
    Loss,
    /// A name is not found, or late.
    LookUp,
}

/// Where the other end of a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a path: it is a Unix socket.
    Path,
    /// On the same host.
    Near,
    /// On another host. There are routers on the way.
    Far,
}

impl Fault {
    /// Every fault.
    pub const ALL: &'static [Fault] = &[
        Fault::Socket,
        Fault::Descriptor,
        Fault::Bind,
        Fault::Listen,
        Fault::Connect,
        Fault::Handshake,
        Fault::Accept,
        Fault::Abort,
        Fault::Register,
        Fault::Wait,
        Fault::Receive,
        Fault::Send,
        Fault::Connection,
        Fault::Loss,
        Fault::LookUp,
    ];

    /// The errors that it can lead to.
    pub(crate) fn errnos(self, place: Place) -> &'static [i32] {
        match (self, place) {
            (Fault::Socket, _) => &[EMFILE, ENFILE, ENOBUFS, ENOMEM],
            (Fault::Descriptor, _) => &[EMFILE, ENFILE, ENOMEM],
            (Fault::Bind, Place::Path) => &[EACCES, EADDRINUSE, ENOMEM, ENOSPC, EROFS],
            (Fault::Bind, _) => &[EACCES, EADDRINUSE, EADDRNOTAVAIL],
            (Fault::Listen | Fault::Abort, Place::Path) => &[],
            (Fault::Listen, _) => &[EADDRINUSE],
            (Fault::Connect, Place::Path) => &[EACCES, EAGAIN, ENOMEM, EPERM],
            (Fault::Connect, _) => &[
                EACCES,
                EADDRNOTAVAIL,
                EAGAIN,
                EHOSTUNREACH,
                ENETUNREACH,
                ENOBUFS,
                EPERM,
            ],
            (Fault::Handshake, Place::Far) => &[ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT],
            (Fault::Handshake, _) => &[ECONNREFUSED],
            (Fault::Accept, _) => &[EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM],
            (Fault::Abort, _) => &[ECONNABORTED, EHOSTUNREACH, ENETUNREACH, EPROTO],
            (Fault::Register, _) => &[ENOMEM, ENOSPC],
            (Fault::Wait | Fault::Receive, _) => &[EINTR],
            (Fault::Send, Place::Path) => &[EINTR, ENOBUFS, ENOMEM],
            (Fault::Send, _) => &[EAGAIN, EINTR, ENOBUFS, ENOMEM],
            (Fault::Connection, Place::Far) => &[
                ECONNABORTED,
                ECONNRESET,
                EHOSTUNREACH,
                ENETUNREACH,
                ETIMEDOUT,
            ],
            (Fault::Connection, _) => &[ECONNABORTED, ECONNRESET],
            (Fault::Loss, _) => &[],
            // As a resolver's own system call, beside the errors of getaddrinfo(3).
            (Fault::LookUp, _) => &[EMFILE],
        }
    }
}

/// How often each [kind of fault](Fault) happens on a host: see
/// [`World::set_faults`](crate::sim::World::set_faults).
///
/// ```
/// use netloop::sim::{Fault, Faults};
///
/// let faults = Faults::none().with(Fault::Accept, 0.2).with(Fault::Send, 0.05);
/// assert_eq!((faults.of(Fault::Accept), faults.of(Fault::Loss)), (0.2, 0.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults(BTreeMap<Fault, f64>);

impl Faults {
    /// No fault happens.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Some kinds of fault, each often or seldom, as the seed has it: the faults of a random test.
    pub fn of_seed(seed: u64) -> Faults {
        let mut dice = Dice::new(seed);
        let mut faults = Faults::none();
        for fault in Fault::ALL {
            if dice.one_in(3) {
                faults = faults.with(*fault, [0.5, 0.1, 0.1, 0.01, 0.01][dice.below(5)]);
            }
        }
        faults
    }

    /// The same, but with a fault that happens so often: 0 for never, 0.1 for once in ten calls, 1 for
    /// whenever it can. What is not between 0 and 1 counts as the nearer of the two, and no number as 0.
    #[must_use]
    pub fn with(mut self, fault: Fault, probability: f64) -> Faults {
        let is_some = probability > 0.0;
        let probability = if is_some { probability.min(1.0) } else { 0.0 };
        self.0.insert(fault, probability);
        self
    }

    /// How often a fault happens, between 0 and 1.
    pub fn of(&self, fault: Fault) -> f64 {
        self.0.get(&fault).copied().unwrap_or(0.0)
    }
}

/// Something that a host can run out of: see [`World::exhaust`](crate::sim::World::exhaust).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Places in the system's table of open files. Nothing can be opened or accepted: `ENFILE`.
    Files,
    /// The kernel's memory. Sockets cannot be made (`ENOBUFS`), accepted or registered (`ENOMEM`), nor
    /// connections begun (`ENOBUFS`, to a path `ENOMEM`); names are not found (`EAI_MEMORY`). Sends find no
    /// room (`EAGAIN`) until the shortage ends; those of Unix sockets fail with `ENOBUFS`.
    Memory,
    /// Ports that are given out by themselves. Without a port of its own a socket cannot connect
    /// (`EADDRNOTAVAIL`), or be bound (`EADDRINUSE`).
    Ports,
}

impl Resource {
    /// The error of a call that needs it.
    pub(super) fn errno(self, fault: Fault, place: Place) -> Option<i32> {
        match (self, fault) {
            (Resource::Files, Fault::Socket | Fault::Descriptor | Fault::Accept) => Some(ENFILE),
            (Resource::Memory, Fault::Socket) => Some(ENOBUFS),
            (Resource::Memory, Fault::Descriptor | Fault::Accept | Fault::Register) => Some(ENOMEM),
            (Resource::Memory, Fault::Connect) => Some(match place {
                Place::Path => ENOMEM,
                Place::Near | Place::Far => ENOBUFS,
            }),
            (Resource::Memory, Fault::Send) => Some(match place {
                Place::Path => ENOBUFS,
                Place::Near | Place::Far => EAGAIN,
            }),
            _ => None,
        }
    }
}
