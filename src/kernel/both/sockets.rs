//! Sockets of both kernels.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use libc::EBADF;

use super::either::{Either, either};
use super::poll::{Epoll, Source};
use crate::kernel::connector::{self, Answer};
use crate::kernel::listener::{self, BindOptions};
use crate::kernel::options::{KeepAlive, StreamOptions};
use crate::kernel::reactor::Registry;
use crate::kernel::{Accepted, accepting, sim, stream};

pub(crate) type Listener = Either<listener::Listener, sim::Listener>;
pub(crate) type Opening = Either<connector::Opening, sim::Opening>;
pub(crate) type Stream = Either<stream::Stream, sim::Stream>;

impl Source for Stream {
    fn source(&mut self) -> Either<&mut dyn mio::event::Source, sim::Key> {
        match self {
            Either::Real(stream) => Either::Real(stream),
            Either::Simulated(stream) => Either::Simulated(stream.socket()),
        }
    }
}

impl Source for Listener {
    fn source(&mut self) -> Either<&mut dyn mio::event::Source, sim::Key> {
        match self {
            Either::Real(listener) => Either::Real(listener),
            Either::Simulated(listener) => Either::Simulated(listener.socket()),
        }
    }
}

impl Registry<'_> {
    pub(crate) fn open(self, address: SocketAddr) -> io::Result<Opening> {
        match self.0 {
            Epoll::Real(_) => connector::Opening::new(address).map(Either::Real),
            Epoll::Simulated(kernel) => kernel.open(address).map(Either::Simulated),
        }
    }

    pub(crate) fn connect_unix(self, path: &Path) -> io::Result<(Stream, Answer)> {
        match self.0 {
            Epoll::Real(_) => {
                let (stream, answer) = connector::connect_unix(path)?;
                Ok((Either::Real(stream), answer))
            }
            Epoll::Simulated(kernel) => {
                let (stream, answer) = kernel.connect_unix(path)?;
                Ok((Either::Simulated(stream), answer))
            }
        }
    }

    pub(crate) fn listen(
        self,
        address: SocketAddr,
        options: BindOptions,
        inherited: &StreamOptions,
    ) -> io::Result<Listener> {
        match self.0 {
            Epoll::Real(_) => {
                listener::Listener::tcp(address, options, inherited).map(Either::Real)
            }
            Epoll::Simulated(kernel) => {
                let listener = kernel.listen(address, options, inherited);
                listener.map(Either::Simulated)
            }
        }
    }

    pub(crate) fn listen_unix(self, path: &Path, options: BindOptions) -> io::Result<Listener> {
        match self.0 {
            Epoll::Real(_) => listener::Listener::unix(path, options).map(Either::Real),
            Epoll::Simulated(kernel) => kernel.listen_unix(path, options).map(Either::Simulated),
        }
    }

    /// `EBADF` on a simulated kernel, which has no descriptors from outside.
    pub(crate) fn listen_on_fd(self, fd: OwnedFd, options: BindOptions) -> io::Result<Listener> {
        match self.0 {
            Epoll::Real(_) => listener::Listener::from_fd(fd, options).map(Either::Real),
            Epoll::Simulated(_) => Err(io::Error::from_raw_os_error(EBADF)),
        }
    }
}

impl Opening {
    pub(crate) fn bind(&self, local: SocketAddr) -> io::Result<()> {
        either!(self, opening => opening.bind(local))
    }

    pub(crate) fn keep_alive(&self) {
        either!(self, opening => opening.keep_alive());
    }

    pub(crate) fn connect(self) -> io::Result<(Stream, Answer)> {
        match self {
            Either::Real(opening) => {
                let (stream, answer) = opening.connect()?;
                Ok((Either::Real(stream), answer))
            }
            Either::Simulated(opening) => {
                let (stream, answer) = opening.connect()?;
                Ok((Either::Simulated(stream), answer))
            }
        }
    }
}

impl<S> accepting::Accepted<S> {
    fn map<T>(self, convert: impl FnOnce(S) -> T) -> accepting::Accepted<T> {
        use accepting::Accepted::{Empty, Exhausted, Failed, Shed, Stream};
        match self {
            Stream(stream, address) => Stream(convert(stream), address),
            Empty => Empty,
            Shed(count) => Shed(count),
            Exhausted(error) => Exhausted(error),
            Failed(error) => Failed(error),
        }
    }
}

impl Listener {
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        either!(self, listener => listener.set_mode(mode))
    }

    pub(crate) fn is_tcp(&self) -> bool {
        either!(self, listener => listener.is_tcp())
    }

    pub(crate) fn is_foreign(&self) -> bool {
        either!(self, listener => listener.is_foreign())
    }

    pub(crate) fn may_have_duplicate(&self) -> bool {
        either!(self, listener => listener.may_have_duplicate())
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        either!(self, listener => listener.local_address())
    }

    pub(crate) fn local_path(&self) -> Option<Vec<u8>> {
        either!(self, listener => listener.local_path())
    }

    pub(crate) fn duplicate(&mut self) -> io::Result<OwnedFd> {
        either!(self, listener => listener.duplicate())
    }

    pub(crate) fn accept(&mut self) -> Accepted {
        match self {
            Either::Real(listener) => listener.accept().map(Either::Real),
            Either::Simulated(listener) => listener.accept().map(Either::Simulated),
        }
    }

    pub(crate) fn refuse_new(&self) -> io::Result<()> {
        either!(self, listener => listener.refuse_new())
    }

    pub(crate) fn recover(&mut self) {
        either!(self, listener => listener.recover());
    }
}

impl Stream {
    pub(crate) fn from_fd(fd: OwnedFd) -> Result<io::Result<Stream>, &'static str> {
        let made = stream::Stream::from_fd(fd)?;
        Ok(made.map(Either::Real))
    }

    pub(crate) fn is_write_end(&self) -> bool {
        either!(self, stream => stream.is_write_end())
    }

    pub(crate) fn is_tcp(&self) -> bool {
        either!(self, stream => stream.is_tcp())
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.receive(buffer))
    }

    pub(crate) fn has_more(&self) -> io::Result<bool> {
        either!(self, stream => stream.has_more())
    }

    pub(crate) fn try_to_send(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, stream => stream.try_to_send(bytes))
    }

    pub(crate) fn send_again(&self, bytes: &[u8], error: io::Error) -> io::Result<usize> {
        either!(self, stream => stream.send_again(bytes, error))
    }

    pub(crate) fn send_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.send_slices(slices))
    }

    pub(crate) fn shutdown(&self) -> io::Result<()> {
        either!(self, stream => stream.shutdown())
    }

    pub(crate) fn reset_on_close(&self) {
        either!(self, stream => stream.reset_on_close());
    }

    pub(crate) fn connected(&self) -> io::Result<bool> {
        either!(self, stream => stream.connected())
    }

    pub(crate) fn remote_address(&self) -> Option<SocketAddr> {
        either!(self, stream => stream.remote_address())
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        either!(self, stream => stream.local_address())
    }

    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        either!(self, stream => stream.duplicate())
    }

    pub(crate) fn number(&self) -> i32 {
        either!(self, stream => stream.number())
    }

    pub(crate) fn set_options(&self, options: &StreamOptions) -> io::Result<()> {
        either!(self, stream => stream.set_options(options))
    }

    pub(crate) fn set_no_delay(&self, on: bool) -> io::Result<()> {
        either!(self, stream => stream.set_no_delay(on))
    }

    pub(crate) fn set_keep_alive(&self, wanted: Option<KeepAlive>) -> io::Result<()> {
        either!(self, stream => stream.set_keep_alive(wanted))
    }

    pub(crate) fn set_type_of_service(&self, value: u8) -> io::Result<()> {
        either!(self, stream => stream.set_type_of_service(value))
    }

    pub(crate) fn type_of_service(&self) -> io::Result<u8> {
        either!(self, stream => stream.type_of_service())
    }
}
