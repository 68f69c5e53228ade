//! The sockets of a program on a simulated host. Dropping one closes it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use libc::{EINVAL, ENOTCONN, EOPNOTSUPP};

use super::kernel::Kernel;
use super::network::Network;
use super::socket::{Key, Socket, State, failed};
use crate::kernel::connector::Answer;
use crate::kernel::listener::{Accepted, BindOptions};
use crate::kernel::options::{KeepAlive, StreamOptions};

/// A descriptor.
#[derive(Debug)]
struct Owned {
    kernel: Kernel,
    key: Key,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.kernel.network().close(self.key);
    }
}

impl Owned {
    /// Makes a system call.
    fn call<R>(&self, call: impl FnOnce(&mut Network, Key) -> R) -> R {
        call(&mut self.kernel.network(), self.key)
    }

    fn ask<R>(&self, ask: impl FnOnce(&mut Socket) -> R) -> Option<R> {
        self.call(|network, key| network.sockets.get_mut(&key).map(ask))
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.ask(|socket| Some(socket.shown(socket.local?)))?
    }
}

/// A socket that is about to be connected.
#[derive(Debug)]
pub(crate) struct Opening {
    socket: Owned,
    address: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Listener(Owned);

#[derive(Debug)]
pub(crate) struct Stream(Owned);

impl Kernel {
    fn owned(&self, key: Key) -> Owned {
        let kernel = self.clone();
        Owned { kernel, key }
    }

    pub(crate) fn open(&self, address: SocketAddr) -> io::Result<Opening> {
        let key = self.network().open(self.host, address.is_ipv6());
        let socket = self.owned(key);
        Ok(Opening { socket, address })
    }

    pub(crate) fn listen(
        &self,
        address: SocketAddr,
        options: BindOptions,
        inherited: &StreamOptions,
    ) -> io::Result<Listener> {
        let key = self.network().open(self.host, address.is_ipv6());
        let socket = self.owned(key);
        socket.call(|network, key| network.bind(key, address, &options))?;
        socket.ask(|socket| set_options(socket, inherited));
        socket.call(|network, key| network.listen(key, &options));
        Ok(Listener(socket))
    }
}

fn set_options(socket: &mut Socket, options: &StreamOptions) {
    if let Some(value) = options.type_of_service {
        socket.type_of_service = value;
    }
}

impl Opening {
    pub(crate) fn bind(&self, local: SocketAddr) -> io::Result<()> {
        if local.is_ipv4() != self.address.is_ipv4() {
            return Err(failed(EINVAL));
        }
        let options = BindOptions::default();
        (self.socket).call(|network, key| network.bind(key, local, &options))
    }

    /// There are no probes.
    pub(crate) fn keep_alive(&self) {}

    pub(crate) fn connect(self) -> io::Result<(Stream, Answer)> {
        let Opening { socket, address } = self;
        let answer = socket.call(|network, key| network.connect(key, address))?;
        Ok((Stream(socket), answer))
    }
}

impl Listener {
    pub(crate) fn socket(&self) -> Key {
        self.0.key
    }

    pub(crate) fn set_mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn is_tcp(&self) -> bool {
        true
    }

    pub(crate) fn is_foreign(&self) -> bool {
        false
    }

    pub(crate) fn may_have_duplicate(&self) -> bool {
        false
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.0.local_address()
    }

    pub(crate) fn local_path(&self) -> Option<Vec<u8>> {
        None
    }

    pub(crate) fn duplicate(&mut self) -> io::Result<OwnedFd> {
        Err(failed(EOPNOTSUPP))
    }

    pub(crate) fn accept(&mut self) -> Accepted<Stream> {
        match self.0.call(Network::accept) {
            Ok((key, address)) => {
                let stream = Stream(self.0.kernel.owned(key));
                Accepted::Stream(stream, Some(address))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Accepted::Nobody,
            Err(error) => Accepted::Failed(error),
        }
    }

    pub(crate) fn refuse_new(&self) -> io::Result<()> {
        self.0.ask(|socket| {
            if let State::Listening(backlog) = &mut socket.state {
                backlog.refuses = true;
            }
        });
        Ok(())
    }

    pub(crate) fn recover(&mut self) {}
}

impl Stream {
    pub(crate) fn socket(&self) -> Key {
        self.0.key
    }

    pub(crate) fn is_write_end(&self) -> bool {
        false
    }

    pub(crate) fn is_tcp(&self) -> bool {
        true
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.call(|network, key| network.receive(key, buffer))
    }

    pub(crate) fn has_more(&self) -> io::Result<bool> {
        self.0.ask(Socket::has_more).unwrap_or(Ok(false))
    }

    pub(crate) fn try_to_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.call(|network, key| network.transmit(key, bytes))
    }

    /// No call is interrupted.
    pub(crate) fn send_again(&self, _: &[u8], error: io::Error) -> io::Result<usize> {
        Err(error)
    }

    pub(crate) fn send_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter())
            .copied()
            .collect();
        self.try_to_send(&bytes)
    }

    pub(crate) fn shutdown(&self) -> io::Result<()> {
        let is_over = |error: &io::Error| error.kind() == io::ErrorKind::NotConnected;
        let answer = self.0.call(Network::shut_down);
        answer.or_else(|error| is_over(&error).then_some(()).ok_or(error))
    }

    pub(crate) fn reset_on_close(&self) {
        self.0.ask(|socket| socket.resets_on_close = true);
    }

    pub(crate) fn connected(&self) -> io::Result<bool> {
        let answer = self.0.ask(|socket| match socket.error.take() {
            Some(errno) => Err(failed(errno)),
            None => socket.remote_shown(),
        });
        match answer.unwrap_or_else(|| Err(failed(ENOTCONN))) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn remote_address(&self) -> Option<SocketAddr> {
        self.0.ask(|socket| socket.remote_shown().ok())?
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.0.local_address()
    }

    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        Err(failed(EOPNOTSUPP))
    }

    pub(crate) fn number(&self) -> i32 {
        self.0
            .ask(|socket| socket.descriptor)
            .flatten()
            .unwrap_or(-1)
    }

    pub(crate) fn set_options(&self, options: &StreamOptions) -> io::Result<()> {
        self.0.ask(|socket| set_options(socket, options));
        Ok(())
    }

    /// Nothing is ever held back.
    pub(crate) fn set_no_delay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// There are no probes.
    pub(crate) fn set_keep_alive(&self, _: Option<KeepAlive>) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn set_type_of_service(&self, value: u8) -> io::Result<()> {
        self.0.ask(|socket| socket.type_of_service = value);
        Ok(())
    }

    pub(crate) fn type_of_service(&self) -> io::Result<u8> {
        Ok(self.0.ask(|socket| socket.type_of_service).unwrap_or(0))
    }
}
