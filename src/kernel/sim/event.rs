//! An event of epoll_wait(2), interpreted as mio does.

use std::fmt;

use libc::{EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP};
use mio::Token;

#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(super) token: Token,
    pub(super) flags: i32,
}

impl Event {
    pub(crate) fn token(self) -> Token {
        self.token
    }

    fn has(self, flag: i32) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn is_readable(self) -> bool {
        self.has(EPOLLIN | EPOLLPRI)
    }

    pub(crate) fn is_writable(self) -> bool {
        self.has(EPOLLOUT)
    }

    pub(crate) fn is_error(self) -> bool {
        self.has(EPOLLERR)
    }

    pub(crate) fn is_read_closed(self) -> bool {
        self.has(EPOLLHUP) || self.has(EPOLLIN) && self.has(EPOLLRDHUP)
    }

    pub(crate) fn is_write_closed(self) -> bool {
        self.has(EPOLLHUP) || self.has(EPOLLOUT) && self.has(EPOLLERR) || self.flags == EPOLLERR
    }

    pub(crate) fn is_priority(self) -> bool {
        self.has(EPOLLPRI)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [
            (EPOLLIN, "EPOLLIN"),
            (EPOLLPRI, "EPOLLPRI"),
            (EPOLLOUT, "EPOLLOUT"),
            (EPOLLERR, "EPOLLERR"),
            (EPOLLHUP, "EPOLLHUP"),
            (EPOLLRDHUP, "EPOLLRDHUP"),
        ];
        let named = flags.iter().filter(|(flag, _)| self.has(*flag));
        let names: Vec<&str> = named.map(|(_, name)| *name).collect();
        write!(out, "Event {{ events: {}, }}", names.join("|"))
    }
}
