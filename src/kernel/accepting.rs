//! Accepting, on either kernel: what an error of accept(2) means, and what happens when descriptors run out.

use std::io;
use std::net::SocketAddr;

use libc::{EBADF, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOTSOCK};

/// How many waiting connections one accept passes over, or closes for want of descriptors, before other
/// sources are served.
const PASSED_AT_ONCE: usize = 1024;

/// The outcome of one attempt to accept.
#[derive(Debug)]
pub(crate) enum Accepted<S> {
    /// A connection, and the address of its peer, from accept4(2) itself: if the peer has reset already,
    /// `getpeername` fails.
    Stream(S, Option<SocketAddr>),
    /// No connection waits.
    Empty,
    /// Out of descriptors: this many connections were accepted and closed at once. None is left waiting.
    Shed(usize),
    /// Out of descriptors or memory, or an error that stays. Connections may be left waiting, for which no
    /// new edge will come.
    Exhausted(io::Error),
    /// The listener itself is unusable.
    Failed(io::Error),
}

/// A listener. It holds a spare descriptor, the reserve: when no other one is left, the reserve is given up
/// for a moment to accept a connection and close it, so that the peer learns of it.
pub(super) trait Accepting {
    type Stream;
    type Reserve;

    /// One accept4(2), and the address of the peer.
    fn try_accept(&self) -> io::Result<(Self::Stream, Option<SocketAddr>)>;

    fn reserve(&mut self) -> &mut Option<Self::Reserve>;

    fn open_reserve(&self) -> Option<Self::Reserve>;

    /// Accepts one connection. After an error that concerns one connection only, which accept(2) says to
    /// treat like `EAGAIN`, the next one is tried. An error that stays, such as a firewall's `EPERM`,
    /// counts as a shortage.
    fn accept_next(&mut self) -> Accepted<Self::Stream> {
        let mut passed = 0;
        loop {
            let error = match self.try_accept() {
                Ok((stream, address)) => return Accepted::Stream(stream, address),
                Err(error) => error,
            };
            match error.raw_os_error() {
                _ if error.kind() == io::ErrorKind::WouldBlock => return Accepted::Empty,
                Some(EMFILE) => return self.shed(error),
                Some(ENFILE | ENOBUFS | ENOMEM) => return Accepted::Exhausted(error),
                Some(EBADF | EINVAL | ENOTSOCK) => return Accepted::Failed(error),
                _ if passed == PASSED_AT_ONCE => return Accepted::Exhausted(error),
                _ => log::debug!(target: "netloop::accept", "accept: {error}, next"),
            }
            passed += 1;
        }
    }

    /// libuv's trick: gives the reserve up, and accepts each waiting connection to close it. Those beyond
    /// the bound wait, so that clients that connect without end do not block the loop.
    fn shed(&mut self, error: io::Error) -> Accepted<Self::Stream> {
        let mut shed = 0;
        for _ in 0..PASSED_AT_ONCE {
            if self.reserve().take().is_none() {
                break;
            }
            let attempt = self.try_accept().map(drop);
            *self.reserve() = self.open_reserve();
            match attempt {
                Ok(()) => shed += 1,
                // The kernel reserves a descriptor before it looks at the queue, which may be empty.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return match shed {
                        0 => Accepted::Empty,
                        _ => Accepted::Shed(shed),
                    };
                }
                Err(_) => {}
            }
        }
        Accepted::Exhausted(error)
    }

    /// Opens the reserve again after a shortage.
    fn recover_reserve(&mut self) {
        if self.reserve().is_none() {
            *self.reserve() = self.open_reserve();
        }
    }
}
