//! `listen`: resolving the host, binding, and the errors of both.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::super::abort::Abortable;
use super::super::error::{Error, words};
use super::super::lookups::Asker;
use super::super::queues::ServerTick;
use super::super::socket::LookupAnswer;
use super::super::{AbortId, ServerId};
use super::{ListenOptions, Server};
use crate::net::event_loop::Loop;
use crate::room::listener::{BindOptions, Inherited, Listener};
use crate::rules::state::server::Input;

/// Where a server is to listen.
pub(super) enum Place {
    /// Any address of the machine.
    Any,
    /// The port is told beside it. The words are those in which it was given.
    Address(SocketAddr, String),
    Name(String),
    Path(PathBuf),
    Descriptor(OwnedFd),
}

/// A `listen` on its way.
pub(super) struct Listening {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) bind: BindOptions,
    pub(super) mode: Option<u32>,
}

impl Loop {
    fn start_listening(&mut self, id: ServerId, listening: Listening) {
        let Some(server) = self.server(id) else {
            return;
        };
        let ticket = server.ticket;
        let tick = match &listening.place {
            Place::Address(_, _) => ServerTick::Bind(ticket),
            Place::Name(_) => ServerTick::LookUp(ticket),
            Place::Any | Place::Path(_) | Place::Descriptor(_) => {
                return self.bind_server(id, listening);
            }
        };
        server.wanted = Some(Box::new(listening));
        self.feed_server(id, Input::HostGiven);
        self.server_tick(id, tick);
    }

    /// An older `listen` means nothing any more, nor does the answer to its lookup.
    pub(super) fn forget_listen(&mut self, id: ServerId) {
        let Some(server) = self.server(id) else {
            return;
        };
        server.ticket += 1;
        server.wanted = None;
        if let Some(asked) = server.asked.take() {
            self.lookups.forget(asked);
        }
    }

    /// What the newest `listen` wants, if this is its ticket.
    fn take_wanted(&mut self, id: ServerId, ticket: u64) -> Option<Box<Listening>> {
        let server = self.server(id)?;
        if server.ticket == ticket {
            server.wanted.take()
        } else {
            None
        }
    }

    /// A host that was given as an address is bound a tick later, as in Node.
    pub(super) fn bind_wanted(&mut self, id: ServerId, ticket: u64) {
        if let Some(listening) = self.take_wanted(id, ticket) {
            self.bind_server(id, *listening);
        }
    }

    pub(super) fn look_up_wanted(&mut self, id: ServerId, ticket: u64) -> Result<(), Error> {
        let Some(server) = self.server_ref(id) else {
            return Ok(());
        };
        let Some(listening) = server.wanted.as_ref().filter(|_| server.ticket == ticket) else {
            return Ok(());
        };
        let Place::Name(host) = &listening.place else {
            return Ok(());
        };
        let host = host.clone();
        let question = (&*host, 0, 0, true);
        let asked = self.ask_name(Asker::Server(id), question, None, |event_loop, asked| {
            if let Some(server) = event_loop.server(id) {
                server.asked = Some(asked);
            }
        });
        match asked {
            Ok(()) => Ok(()),
            Err(error) => self.server_name_answered(id, Err(error)),
        }
    }

    pub(in crate::net) fn listening_host(&self, id: ServerId) -> String {
        let wanted = self
            .server_ref(id)
            .and_then(|server| server.wanted.as_ref());
        match wanted.map(|listening| &listening.place) {
            Some(Place::Name(host)) => host.clone(),
            _ => String::new(),
        }
    }

    /// The answer to a server's lookup: the first address that is not link-local, as in Node. That
    /// there is none is told at once.
    pub(in crate::net) fn server_name_answered(
        &mut self,
        id: ServerId,
        answer: LookupAnswer,
    ) -> Result<(), Error> {
        let host = self.listening_host(id);
        let Some(server) = self.server(id) else {
            return Ok(());
        };
        server.asked = None;
        let Some(mut listening) = server.wanted.take() else {
            return Ok(());
        };
        let is_global = |address: &&SocketAddr| match address {
            SocketAddr::V4(_) => true,
            SocketAddr::V6(address) => !address.ip().is_unicast_link_local(),
        };
        let first = answer.and_then(|found| {
            let first = found.iter().find(is_global).or(found.first());
            first.copied().ok_or_else(|| Error::not_found(&host))
        });
        match first {
            Ok(address) => {
                listening.place = Place::Address(address, address.ip().to_string());
                self.bind_server(id, *listening);
                Ok(())
            }
            Err(error) => {
                self.feed_server(id, Input::BindFailed);
                self.emit_server_error(id, error)
            }
        }
    }

    fn close_on_abort(&mut self, id: ServerId, signal: AbortId) {
        if self
            .aborts
            .end_on_abort(&self.home, signal, Abortable::Server(id))
        {
            self.server_tick(id, ServerTick::Abort);
        } else if let Some(server) = self.server(id)
            && !server.signals.contains(&signal)
        {
            server.signals.push(signal);
        }
    }

    fn bind_server(&mut self, id: ServerId, listening: Listening) {
        match self.make_listener(id, &listening) {
            Ok(listener) => self.listener_stands(id, listener, listening.mode),
            Err(error) => self.listen_failed(id, error),
        }
    }

    fn make_listener(&mut self, id: ServerId, listening: &Listening) -> Result<Listener, Error> {
        let Some(server) = self.server(id) else {
            return Err(words::not_running());
        };
        let inherited = Inherited {
            no_delay: server.options.no_delay,
            keep_alive: server.options.keep_alive,
        };
        let bind = listening.bind;
        let tcp = |mut address: SocketAddr, words: &str| {
            address.set_port(listening.port);
            let named = |error| Error::of_listen(&error, Some((words, Some(listening.port))));
            Listener::tcp(address, bind, inherited).map_err(named)
        };
        let any_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let any_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        match &listening.place {
            // Both families at once, unless that cannot be, as on a machine without IPv6.
            Place::Any => match tcp(any_v6, "::") {
                Err(error) if error.code() != Some("EADDRINUSE") => tcp(any_v4, "0.0.0.0"),
                other => other,
            },
            Place::Address(address, words) => tcp(*address, words),
            Place::Name(host) => Err(Error::not_found(host)),
            Place::Path(path) => {
                server.path = Some(path.clone());
                let words = path.to_string_lossy();
                let named = |error| Error::of_listen(&error, Some((&*words, None)));
                Listener::unix(path, bind).map_err(named)
            }
            Place::Descriptor(fd) => fd
                .try_clone()
                .and_then(|fd| Listener::from_fd(fd, bind))
                .map_err(|error| Error::of_listen(&error, None)),
        }
    }

    fn listener_stands(&mut self, id: ServerId, mut listener: Listener, mode: Option<u32>) {
        if let Some(mode) = mode
            && let Err(error) = listener.set_mode(mode)
        {
            return self.listen_failed(id, Error::of_call("uv_pipe_chmod", &error));
        }
        if let Err(error) = self.reactor.register(&mut listener, id.0) {
            return self.listen_failed(id, Error::of_call("epoll_ctl", &error));
        }
        let Some(server) = self.server(id) else {
            return;
        };
        if let Some(path) = listener.local_path() {
            server.path = Some(PathBuf::from(std::ffi::OsStr::from_bytes(&path)));
        } else if listener.is_tcp() {
            server.path = None;
        }
        server.listener = Some(listener);
        self.feed_server(id, Input::Bound);
    }

    fn listen_failed(&mut self, id: ServerId, error: Error) {
        self.feed_server(id, Input::BindFailed);
        self.server_tick(id, ServerTick::Error(error));
    }
}

impl Server<'_> {
    /// Listens: Node's `server.listen`. The callback is a listener for the next `listening`, which
    /// is emitted from a tick; if this `listen` fails, it waits for a later one, as in Node.
    ///
    /// Without a host the address is bound in the call, to `::` and with it to IPv4, and
    /// [`address`](Server::address) is good at once; with a host, one or more ticks later, and a
    /// newer `listen` takes the place of an older one that is still looking its host up.
    ///
    /// # Errors
    /// `ERR_SERVER_ALREADY_LISTEN` while there is a listener; `ERR_SOCKET_BAD_PORT` for a text that
    /// is a number above 65535; `ERR_INVALID_ARG_VALUE` for options that name neither a port nor a
    /// path nor a descriptor, a mode for an abstract path, or a host with a NUL in it. A `listen` with
    /// bad options has acted, as in Node: its callback waits for a later one, an earlier one that is
    /// still on its way is forgotten, and the abort handle is taken. What the kernel says is an
    /// `error` event, with the system call `listen`.
    ///
    /// ```
    /// use netloop::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let mut first = event_loop.create_server(|_socket| {});
    /// let port = first.unref().listen_on(())?.port().unwrap(); // without a host: at once
    /// assert_eq!(first.listen_on(()).err().unwrap().code(), Some("ERR_SERVER_ALREADY_LISTEN"));
    ///
    /// event_loop
    ///     .create_server(|_socket| {})
    ///     .on_error(|_, error| assert_eq!(error.code(), Some("EADDRINUSE")))
    ///     .listen(port, |_| unreachable!())?;
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn listen(
        &mut self,
        target: impl Into<ListenOptions>,
        callback: impl FnOnce(&mut Server<'_>) + 'static,
    ) -> Result<&mut Self, Error> {
        if !self.is_listening() {
            self.once_listening(callback);
        }
        self.listen_on(target)
    }

    /// Listens, without a listener for `listening`: Node's `server.listen` that is given no callback.
    /// The rest is as in [`listen`](Server::listen).
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut server = event_loop.create_server(|_socket| {});
    /// server.listen_on(("127.0.0.1", 0))?.unref();
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`listen`](Server::listen).
    pub fn listen_on(&mut self, target: impl Into<ListenOptions>) -> Result<&mut Self, Error> {
        let options = target.into();
        if self.is_listening() {
            return Err(words::already_listening());
        }
        let id = self.id;
        self.event_loop.forget_listen(id);
        if let Some(signal) = options.signal {
            self.event_loop.close_on_abort(id, signal);
        }
        match options.into_listening() {
            Ok(listening) => self.event_loop.start_listening(id, listening),
            Err(error) => {
                self.event_loop.feed_server(id, Input::BindFailed);
                return Err(error);
            }
        }
        Ok(self)
    }

    /// Another descriptor of the listening socket (dup(2)), to listen on elsewhere: see
    /// [`ListenOptions::fd`]. It stands for what Node hands to a cluster's workers. While it lives,
    /// closing this server does not free the port.
    ///
    /// # Errors
    /// `ERR_SERVER_NOT_RUNNING` when it does not listen, and what dup(2) says.
    pub fn duplicate_fd(&mut self) -> Result<OwnedFd, Error> {
        let server = self.event_loop.server(self.id);
        let Some(listener) = server.and_then(|server| server.listener.as_mut()) else {
            return Err(words::not_running());
        };
        listener
            .duplicate()
            .map_err(|error| Error::of_call("dup", &error))
    }
}
