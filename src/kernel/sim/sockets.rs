//! The sockets of a program on a simulated host. Dropping one closes it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use libc::{EAGAIN, EINVAL, ENOTCONN, EOPNOTSUPP};

use super::faults::Fault;
use super::kernel::{Descriptor, Kernel};
use super::network::Network;
use super::socket::{Domain, Key, Socket, failed};
use crate::kernel::accepting::{Accepted, Accepting};
use crate::kernel::connector::Answer;
use crate::kernel::listener::BindOptions;
use crate::kernel::options::{KeepAlive, StreamOptions};
use crate::kernel::stream::{has_more, uninterrupted};

/// An open descriptor of a socket.
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

    fn is_tcp(&self) -> bool {
        self.ask(|socket| socket.domain != Domain::Unix) == Some(true)
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.ask(|socket| Some(socket.shown(socket.local?)))?
    }
}

/// A socket before its connect.
#[derive(Debug)]
pub(crate) struct Opening {
    socket: Owned,
    address: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Listener {
    socket: Owned,
    reserve: Option<Descriptor>,
}

#[derive(Debug)]
pub(crate) struct Stream(Owned);

impl Kernel {
    fn owned(&self, key: Key) -> Owned {
        let kernel = self.clone();
        Owned { kernel, key }
    }

    fn socket(&self, domain: Domain) -> io::Result<Owned> {
        let key = self.network().open(self.host, domain)?;
        Ok(self.owned(key))
    }

    pub(crate) fn open(&self, address: SocketAddr) -> io::Result<Opening> {
        let socket = self.socket(Domain::of(address))?;
        Ok(Opening { socket, address })
    }

    pub(crate) fn listen(
        &self,
        address: SocketAddr,
        options: BindOptions,
        inherited: &StreamOptions,
    ) -> io::Result<Listener> {
        let socket = self.socket(Domain::of(address))?;
        socket.call(|network, key| network.bind(key, address, &options))?;
        // A keep-alive time over the kernel's limit does not prevent the listen.
        let _ = socket.ask(|socket| set_options(socket, inherited));
        socket.call(|network, key| network.listen(key, &options, None))?;
        Ok(Listener::of(socket))
    }

    pub(crate) fn connect_unix(&self, path: &Path) -> io::Result<(Stream, Answer)> {
        let socket = self.socket(Domain::Unix)?;
        socket.call(|network, key| network.connect_unix(key, path))?;
        Ok((Stream(socket), Ok(())))
    }

    pub(crate) fn listen_unix(&self, path: &Path, options: BindOptions) -> io::Result<Listener> {
        let socket = self.socket(Domain::Unix)?;
        socket.call(|network, key| network.listen_unix(key, path, &options))?;
        Ok(Listener::of(socket))
    }
}

fn set_options(socket: &mut Socket, options: &StreamOptions) -> io::Result<()> {
    if let Some(value) = options.type_of_service {
        socket.set_type_of_service(value);
    }
    match options.keep_alive {
        Some(wanted) => socket.set_keep_alive(Some(wanted)),
        None => Ok(()),
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

    pub(crate) fn keep_alive(&self) {
        let wanted = KeepAlive::after(Duration::from_secs(60));
        let _ = self
            .socket
            .ask(|socket| socket.set_keep_alive(Some(wanted)));
    }

    pub(crate) fn connect(self) -> io::Result<(Stream, Answer)> {
        let Opening { socket, address } = self;
        let answer = socket.call(|network, key| network.connect(key, address))?;
        Ok((Stream(socket), answer))
    }
}

impl Listener {
    fn of(socket: Owned) -> Listener {
        let reserve = socket.kernel.descriptor().ok();
        Listener { socket, reserve }
    }

    pub(crate) fn socket(&self) -> Key {
        self.socket.key
    }

    pub(crate) fn set_mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.socket.is_tcp()
    }

    pub(crate) fn is_foreign(&self) -> bool {
        false
    }

    pub(crate) fn may_have_duplicate(&self) -> bool {
        false
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_address()
    }

    pub(crate) fn local_path(&self) -> Option<Vec<u8>> {
        self.socket.call(|network, key| network.name_of(key))
    }

    pub(crate) fn duplicate(&mut self) -> io::Result<OwnedFd> {
        Err(failed(EOPNOTSUPP))
    }

    pub(crate) fn accept(&mut self) -> Accepted<Stream> {
        self.accept_next()
    }

    /// accept4(2), without the error handling of `accept_next`.
    pub(crate) fn accept_one(&self) -> io::Result<Stream> {
        self.try_accept().map(|(stream, _)| stream)
    }

    pub(crate) fn refuse_new(&self) -> io::Result<()> {
        self.socket.call(Network::refuse_new);
        Ok(())
    }

    pub(crate) fn recover(&mut self) {
        self.recover_reserve();
    }
}

impl Accepting for Listener {
    type Stream = Stream;
    type Reserve = Descriptor;

    fn try_accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        let (key, address) = self.socket.call(Network::accept)?;
        let stream = Stream(self.socket.kernel.owned(key));
        Ok((stream, address))
    }

    fn reserve(&mut self) -> &mut Option<Descriptor> {
        &mut self.reserve
    }

    fn open_reserve(&self) -> Option<Descriptor> {
        self.socket.kernel.descriptor().ok()
    }
}

impl Stream {
    pub(crate) fn socket(&self) -> Key {
        self.0.key
    }

    pub(crate) fn is_write_end(&self) -> bool {
        false
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.0.is_tcp()
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self
            .0
            .call(|network, key| network.try_to_receive(key, buffer))
        {
            Err(error) => uninterrupted(error, || {
                self.0.call(|network, key| network.receive(key, buffer))
            }),
            received => received,
        }
    }

    pub(crate) fn has_more(&self) -> io::Result<bool> {
        let peek = |network: &mut Network, key| {
            let socket = network.sockets.get_mut(&key);
            socket.map_or(Err(failed(EAGAIN)), Socket::peek)
        };
        let peeked = self.0.call(|network, key| {
            network.inject_on(key, Fault::Receive)?;
            peek(network, key)
        });
        has_more(peeked, || self.0.call(peek))
    }

    pub(crate) fn try_to_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .call(|network, key| network.try_to_transmit(key, bytes))
    }

    pub(crate) fn send_again(&self, bytes: &[u8], error: io::Error) -> io::Result<usize> {
        uninterrupted(error, || {
            self.0.call(|network, key| network.transmit(key, bytes))
        })
    }

    pub(crate) fn send_urgent(&self) -> io::Result<usize> {
        self.0.call(Network::send_urgent)
    }

    pub(crate) fn send_slices(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut bytes = Vec::new();
        slices
            .iter()
            .for_each(|slice| bytes.extend_from_slice(slice));
        let sent = self.try_to_send(&bytes);
        sent.or_else(|error| self.send_again(&bytes, error))
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
            None => socket.check_peer(),
        });
        match answer.unwrap_or_else(|| Err(failed(ENOTCONN))) {
            Ok(()) => Ok(true),
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
        (self.0.ask(|socket| set_options(socket, options))).unwrap_or(Ok(()))
    }

    /// There is no Nagle's algorithm to turn off.
    pub(crate) fn set_no_delay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn set_keep_alive(&self, wanted: Option<KeepAlive>) -> io::Result<()> {
        (self.0).call(|network, key| network.set_keep_alive(key, wanted))
    }

    pub(crate) fn set_type_of_service(&self, value: u8) -> io::Result<()> {
        self.0.ask(|socket| socket.set_type_of_service(value));
        Ok(())
    }

    pub(crate) fn type_of_service(&self) -> io::Result<u8> {
        Ok(self.0.ask(|socket| socket.type_of_service).unwrap_or(0))
    }
}
