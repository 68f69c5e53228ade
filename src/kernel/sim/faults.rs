//! Faults: their kinds, their probabilities, and the errors that they lead to.

use std::collections::BTreeMap;

use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, ECONNABORTED, ECONNREFUSED, ECONNRESET,
    EHOSTUNREACH, EINTR, EMFILE, ENETUNREACH, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EPERM, EPROTO,
    EROFS, ETIMEDOUT,
};

use super::dice::Dice;

/// A kind of fault: in a system call, or on a connection. It has only the effects that it can have on Linux:
///
/// | fault | where | effect |
/// | --- | --- | --- |
/// | `Socket` | socket(2) | `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM` |
/// | `Descriptor` | the library's own descriptors: eventfd(2), for the first handle or lookup of a loop; socketpair(2), for its first signal; open(2), for the one that a listener keeps in reserve | `EMFILE`, `ENFILE`, `ENOMEM` |
/// | `Bind` | bind(2) | `EACCES`, `EADDRINUSE`, `EADDRNOTAVAIL`; of a path also `ENOMEM`, `ENOSPC`, `EROFS` |
/// | `Listen` | listen(2) on a port | `EADDRINUSE` |
/// | `Connect` | connect(2), at once | `EACCES`, `EADDRNOTAVAIL`, `EAGAIN`, `EHOSTUNREACH`, `ENETUNREACH`, `ENOBUFS`, `EPERM`; to a path `EACCES`, `EAGAIN`, `ENOMEM`, `EPERM` |
/// | `Handshake` | a connect in progress | `ECONNREFUSED`; from another host also `EHOSTUNREACH`, `ENETUNREACH`, `ETIMEDOUT` |
/// | `Accept` | accept4(2) | `EINTR`, `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`, `EPERM` |
/// | `Abort` | accept4(2) on a port, if the connection is gone | `ECONNABORTED`, `EHOSTUNREACH`, `ENETUNREACH`, `EPROTO` |
/// | `Register` | epoll_ctl(2) | `ENOMEM`, `ENOSPC` |
/// | `Wait` | epoll_wait(2) | `EINTR`; a socket that is reported as readable and is not (spurious readiness) |
/// | `Receive` | recv(2) | `EINTR`; a short read, followed by another event for the rest (none on a Unix socket) |
/// | `Send` | send(2) | `EAGAIN` (not on a Unix socket), `EINTR`, `ENOBUFS`, `ENOMEM`; a short write |
/// | `Connection` | a TCP connection, when a segment arrives | `ECONNABORTED`, `ECONNRESET`; between hosts also `EHOSTUNREACH`, `ENETUNREACH`, `ETIMEDOUT`. The peer gets a reset when it sends |
/// | `Loss` | a segment between hosts | retransmissions: it arrives 200 ms, 600 ms, or up to 25 s late, and what its socket sends after it no earlier; a SYN 1 s, 2 s, or up to 11 s late |
/// | `LookUp` | getaddrinfo(3) | `EAI_AGAIN`, `EAI_FAIL`, `EAI_MEMORY`, `ENOTFOUND`, `EMFILE`; an answer that takes up to half a minute |
///
/// Not injected, because Linux never does it: `EINTR` from connect(2), which does not block; `EINTR` twice in
/// a row; `EINTR` from epoll_wait(2) while something is ready; `EAGAIN` from recv(2) while bytes are unread;
/// a short read without another event; errors of close(2), shutdown(2), getsockname(2), and of the socket
/// options that the library sets.
///
/// Rare on Linux: a nonblocking recv, send or accept4 fails with `EINTR` only under a supervisor
/// (seccomp_unotify(2)); send fails with `ENOBUFS` or `ENOMEM` on a TCP socket only with kTLS or a sockmap,
/// and otherwise reports a shortage of memory with `EAGAIN`, and its end with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A socket cannot be created.
    Socket,
    /// One of the library's own descriptors cannot be created.
    Descriptor,
    /// An address cannot be bound.
    Bind,
    /// A bound socket cannot listen.
    Listen,
    /// A connect fails at once.
    Connect,
    /// A connect is refused later, or never answered.
    Handshake,
    /// A connection cannot be accepted yet: it stays in the backlog.
    Accept,
    /// A connection in the backlog is gone when it is accepted.
    Abort,
    /// A socket cannot be registered with epoll.
    Register,
    /// A wait is interrupted, or reports spurious readiness.
    Wait,
    /// A read is interrupted or short.
    Receive,
    /// A send is interrupted or short, or finds no memory.
    Send,
    /// A connection is reset, or fails otherwise.
    Connection,
    /// A segment is lost and retransmitted.
    Loss,
    /// A lookup fails, or takes long.
    LookUp,
}

/// Where the other end of a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The socket is a Unix socket.
    Path,
    /// On the same host.
    Near,
    /// On another host, behind routers.
    Far,
}

impl Fault {
    /// All kinds of fault.
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

    /// The errors that the fault can lead to.
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
            // From the resolver's own system calls; those of getaddrinfo(3) are not errnos.
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
    /// No faults.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// Random faults for a random test: which kinds happen, and how often, follows from the seed.
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

    /// Sets the probability of a kind of fault: 0 for never, 0.1 for one in ten calls, 1 for whenever it can
    /// happen. A probability outside 0 to 1 counts as the nearer bound, and NaN as 0.
    #[must_use]
    pub fn with(mut self, fault: Fault, probability: f64) -> Faults {
        let is_some = probability > 0.0;
        let probability = if is_some { probability.min(1.0) } else { 0.0 };
        self.0.insert(fault, probability);
        self
    }

    /// The probability of a kind of fault, between 0 and 1.
    pub fn of(&self, fault: Fault) -> f64 {
        self.0.get(&fault).copied().unwrap_or(0.0)
    }
}

/// A resource that a host can run out of: see [`World::exhaust`](crate::sim::World::exhaust).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Entries in the system's table of open files. Nothing can be opened or accepted: `ENFILE`.
    Files,
    /// The kernel's memory. Sockets cannot be created (`ENOBUFS`), accepted or registered (`ENOMEM`);
    /// connects fail (`ENOBUFS`, to a path `ENOMEM`), and so do lookups (`EAI_MEMORY`). Sends find no room
    /// (`EAGAIN`) until the shortage ends; on a Unix socket they fail with `ENOBUFS`.
    Memory,
    /// Ephemeral ports. A socket without a port of its own can neither connect (`EADDRNOTAVAIL`) nor be
    /// bound (`EADDRINUSE`).
    Ports,
}

impl Resource {
    /// The error of a call that needs the resource.
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
