//! One end of a pipe, or a FIFO: a stream without recv(2) and send(2).

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::{EBADF, EPIPE};
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

#[derive(Debug)]
pub(crate) struct Pipe(File);

impl Pipe {
    /// Takes over a non-blocking descriptor.
    pub(crate) fn new(fd: OwnedFd) -> Pipe {
        Pipe(File::from(fd))
    }

    /// Whether it is a write end, where read(2) fails even for zero bytes.
    pub(crate) fn is_write_end(&self) -> bool {
        self.read(&mut []).is_err_and(|error| is_wrong_end(&error))
    }

    #[cold]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    #[cold]
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes).map_err(as_libuv)
    }

    pub(crate) fn write_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(slices).map_err(as_libuv)
    }
}

fn is_wrong_end(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EBADF)
}

/// A write to a read end fails as one to a pipe without a reader.
fn as_libuv(error: io::Error) -> io::Error {
    if is_wrong_end(&error) {
        return io::Error::from_raw_os_error(EPIPE);
    }
    error
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Source for Pipe {
    fn register(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).register(registry, token, all)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).reregister(registry, token, all)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0.as_raw_fd()).deregister(registry)
    }
}
