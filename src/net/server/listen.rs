//! `listen`: resolving the host, binding, and the errors of both.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::place::{Listening, Place};
use super::{ListenOptions, Server, ServerEntry};
use crate::kernel::Listener;
use crate::kernel::listener::BindOptions;
use crate::kernel::reactor::Registry;
use crate::kernel::resolver;
use crate::net::error::{Error, words};
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::lookups::Asker;
use crate::net::queues::ServerTick;
use crate::net::socket::LookupAnswer;
use crate::net::trace::Subject;
use crate::net::{AbortId, ServerId};
use crate::rules::state::server::Input;

/// Node's backlog; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 511;

impl ServerEntry {
    fn start_listening(&mut self, listening: Listening, errands: &mut Errands<'_, ServerId>) {
        let tick = match &listening.place {
            Place::Address(_, _) => ServerTick::Bind(self.listens),
            Place::Name(_) => ServerTick::LookUp(self.listens),
            Place::Any | Place::Path(_) | Place::Descriptor(_) => {
                return self.bind(listening, errands);
            }
        };
        self.wanted = Some(Box::new(listening));
        self.feed(Input::HostGiven, errands);
        errands.tick(tick);
    }

    /// Forgets the last `listen`, and the answer to its lookup.
    pub(super) fn forget_listen(&mut self, errands: &mut Errands<'_, ServerId>) {
        self.listens += 1;
        self.wanted = None;
        if let Some(asked) = self.lookup.take() {
            errands.lookups.forget(asked);
        }
    }

    /// Binds an address that was given as the host. As in Node, this comes a tick later, and only if this
    /// is the newest `listen`.
    pub(super) fn bind_wanted(&mut self, listen: u64, errands: &mut Errands<'_, ServerId>) {
        if self.listens == listen
            && let Some(listening) = self.wanted.take()
        {
            self.bind(*listening, errands);
        }
    }

    /// The host name to look up.
    fn host(&self) -> Option<&str> {
        match &self.wanted.as_ref()?.place {
            Place::Name(host) => Some(host),
            _ => None,
        }
    }

    fn close_on_abort(&mut self, signal: AbortId, errands: &mut Errands<'_, ServerId>) {
        let target = Subject::Server(errands.id);
        if errands.aborts.end_on_abort(errands.home, signal, target) {
            errands.tick(ServerTick::Abort);
        } else if !self.aborts.contains(&signal) {
            self.aborts.push(signal);
        }
    }

    fn bind(&mut self, listening: Listening, errands: &mut Errands<'_, ServerId>) {
        let listener = self.make_listener(&listening, errands.registry);
        let told = listener.as_ref().map(|_| None);
        let told = told.map_err(|error| error.errno().map_or(0, i32::abs));
        (errands.agenda.trace).system(Subject::Server(errands.id), "listen", told);
        let stands =
            listener.and_then(|listener| self.take_listener(listener, listening.mode, errands));
        match stands {
            Ok(()) => self.feed(Input::Bound, errands),
            Err(error) => {
                self.feed(Input::BindFailed, errands);
                errands.tick(ServerTick::Error(error));
            }
        }
    }

    fn make_listener(
        &mut self,
        listening: &Listening,
        registry: Registry<'_>,
    ) -> Result<Listener, Error> {
        let inherited = self.options.socket.of_stream();
        let bind = listening.bind;
        let tcp = |mut address: SocketAddr, words: &str| {
            address.set_port(listening.port);
            let named = |error| Error::of_listen(&error, Some((words, Some(listening.port))));
            let made = registry.listen(address, bind, &inherited);
            made.map_err(named)
        };
        let any_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let any_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        match &listening.place {
            // Both families at once; IPv4 alone if that fails, as on a machine without IPv6.
            Place::Any => match tcp(any_v6, "::") {
                Err(error) if error.code() != Some("EADDRINUSE") => tcp(any_v4, "0.0.0.0"),
                other => other,
            },
            Place::Address(address, words) => tcp(*address, words),
            Place::Name(host) => Err(Error::not_found(host)),
            Place::Path(path) => {
                self.path = Some(path.clone());
                let words = path.to_string_lossy();
                let named = |error| Error::of_listen(&error, Some((&*words, None)));
                registry.listen_unix(path, bind).map_err(named)
            }
            Place::Descriptor(fd) => fd
                .try_clone()
                .and_then(|fd| registry.listen_on_fd(fd, bind))
                .map_err(|error| Error::of_listen(&error, None)),
        }
    }

    fn take_listener(
        &mut self,
        mut listener: Listener,
        mode: Option<u32>,
        errands: &mut Errands<'_, ServerId>,
    ) -> Result<(), Error> {
        if let Some(mode) = mode {
            let failed = |error| Error::of_call("uv_pipe_chmod", &error);
            listener.set_mode(mode).map_err(failed)?;
        }
        let registered = errands.registry.register(&mut listener, errands.id.0);
        registered.map_err(|error| Error::of_call("epoll_ctl", &error))?;
        if let Some(path) = listener.local_path() {
            self.path = Some(PathBuf::from(std::ffi::OsStr::from_bytes(&path)));
        } else if listener.is_tcp() {
            self.path = None;
        }
        self.listener = Some(listener);
        Ok(())
    }
}

impl ListenOptions {
    /// The mode bits that were asked for: Node 26 sets these and clears all others.
    fn mode(&self) -> Option<u32> {
        let readable = if self.readable_all { 0o444 } else { 0 };
        let writable = if self.writable_all { 0o222 } else { 0 };
        Some(readable | writable).filter(|mode| *mode != 0)
    }

    /// Checks for what Node throws, and returns the `listen` to begin.
    fn into_listening(self) -> Result<Listening, Error> {
        let mode = self.mode();
        let endpoint = self.endpoint;
        if let Some(error) = endpoint.refused {
            return Err(error);
        }
        let place = if let Some(fd) = self.fd {
            Place::Descriptor(fd)
        } else if endpoint.port.is_some() {
            match endpoint.host.filter(|host| !host.is_empty()) {
                None => Place::Any,
                Some(host) => match resolver::literal(&host) {
                    Some(address) => Place::Address(address, host),
                    None if host.contains('\0') => {
                        return Err(words::null_byte("The argument 'hostname'", &host));
                    }
                    None => Place::Name(host),
                },
            }
        } else if let Some(path) = endpoint.path.filter(|path| !path.as_os_str().is_empty()) {
            if mode.is_some() && path.as_os_str().as_bytes().first() == Some(&0) {
                // Node's spelling.
                let message = "The argument 'options' can not set readableAll or writableAllt to \
                               true when path is abstract unix socket";
                return Err(Error::named("TypeError", "ERR_INVALID_ARG_VALUE", message));
            }
            Place::Path(path)
        } else {
            let message = r#"The argument 'options' must have the property "port" or "path""#;
            return Err(Error::named("TypeError", "ERR_INVALID_ARG_VALUE", message));
        };
        Ok(Listening {
            place,
            port: endpoint.port.unwrap_or(0),
            bind: BindOptions {
                backlog: self
                    .backlog
                    .filter(|backlog| *backlog > 0)
                    .unwrap_or(BACKLOG),
                ipv6_only: self.ipv6_only,
                reuse_port: self.reuse_port,
                only_own_file: self.only_own_file,
            },
            mode,
        })
    }
}

/// The first address that is not link-local, as in Node.
fn first_address(host: &str, answer: LookupAnswer) -> Result<SocketAddr, Error> {
    let is_global = |address: &&SocketAddr| match address {
        SocketAddr::V4(_) => true,
        SocketAddr::V6(address) => !address.ip().is_unicast_link_local(),
    };
    let found = answer?;
    let first = found.iter().find(is_global).or(found.first()).copied();
    first.ok_or_else(|| Error::not_found(host))
}

impl Served<'_, ServerId> {
    /// Looks the host up, if this is the newest `listen`.
    pub(super) fn look_up_wanted(&mut self, listen: u64) -> Result<(), Error> {
        let server = self.entry_ref();
        let newest = server.filter(|server| server.listens == listen);
        let Some(host) = newest.and_then(ServerEntry::host).map(str::to_owned) else {
            return Ok(());
        };
        let question = (&*host, 0, 0, true);
        let (id, asker) = (self.id, Asker::Server(self.id));
        let asked = self
            .event_loop
            .ask_name(asker, question, None, |event_loop, asked| {
                if let Some(server) = event_loop.server(id) {
                    server.lookup = Some(asked);
                }
            });
        match asked {
            Ok(()) => Ok(()),
            Err(error) => self.server_name_answered(&host, Err(error)),
        }
    }

    /// Takes the answer to a server's lookup. An error is emitted at once.
    pub(in crate::net) fn server_name_answered(
        &mut self,
        host: &str,
        answer: LookupAnswer,
    ) -> Result<(), Error> {
        let outcome = self.with(|server, errands| {
            server.lookup = None;
            let first = first_address(host, answer);
            let Some(mut listening) = server.wanted.take() else {
                return Ok(());
            };
            match first {
                Ok(address) => {
                    listening.place = Place::Address(address, address.ip().to_string());
                    server.bind(*listening, errands);
                    Ok(())
                }
                Err(error) => {
                    server.feed(Input::BindFailed, errands);
                    Err(error)
                }
            }
        });
        match outcome {
            Some(Err(error)) => self.emit_server_error(error),
            _ => Ok(()),
        }
    }
}

impl Server<'_> {
    /// Listens: Node's `server.listen`. The callback is a listener for the next `listening`, which
    /// is emitted from a tick; if this `listen` fails, it waits for a later one, as in Node.
    ///
    /// Without a host, the server is bound before this returns, to `::` (IPv4 included), and
    /// [`address`](Server::address) is known at once. With a host, it is bound one or more ticks later, and
    /// a newer `listen` replaces an older one whose host is still being looked up.
    ///
    /// # Errors
    /// `ERR_SERVER_ALREADY_LISTEN` while the server listens; `ERR_SOCKET_BAD_PORT` for a text that
    /// is a number above 65535; `ERR_INVALID_ARG_VALUE` for options that name neither a port nor a
    /// path nor a descriptor, a mode for an abstract path, or a host with a NUL in it. As in Node, a
    /// `listen` with bad options still has effects: its callback waits for a later `listen`, an earlier one
    /// in progress is forgotten, and the abort handle takes effect. Errors of the kernel are `error`
    /// events, with the `syscall` `listen`.
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
    #[track_caller]
    pub fn listen(
        &mut self,
        target: impl Into<ListenOptions>,
        callback: impl FnOnce(&mut Server<'_>) + 'static,
    ) -> Result<&mut Self, Error> {
        if !self.is_listening() {
            self.once_listening(callback);
        }
        self.listen_as("listen", target.into())
    }

    /// As [`listen`](Server::listen), without a callback.
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
    #[track_caller]
    pub fn listen_on(&mut self, target: impl Into<ListenOptions>) -> Result<&mut Self, Error> {
        self.listen_as("listen_on", target.into())
    }

    #[track_caller]
    fn listen_as(
        &mut self,
        name: &'static str,
        options: ListenOptions,
    ) -> Result<&mut Self, Error> {
        if self.is_listening() {
            return Err(words::already_listening());
        }
        let outcome = self.calls(name, |server, errands| {
            server.forget_listen(errands);
            if let Some(signal) = options.signal {
                server.close_on_abort(signal, errands);
            }
            match options.into_listening() {
                Ok(listening) => server.start_listening(listening, errands),
                Err(error) => {
                    server.feed(Input::BindFailed, errands);
                    return Err(error);
                }
            }
            Ok(())
        });
        outcome.unwrap_or(Ok(())).map(|()| self)
    }

    /// Another descriptor of the listening socket (dup(2)), to listen on elsewhere: see
    /// [`ListenOptions::fd`]. It plays the part of the handle that Node passes to a cluster's workers.
    /// While it is open, closing this server does not free the port.
    ///
    /// # Errors
    /// `ERR_SERVER_NOT_RUNNING` when the server does not listen, and the errors of dup(2).
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
