//! How a connect begins: the calls of the program.

use std::mem;
use std::time::Duration;

use libc::{AI_ADDRCONFIG, AI_ALL, AI_V4MAPPED, EALREADY, EISCONN};

use super::{Connecting, Target};
use crate::kernel::resolver;
use crate::net::AbortId;
use crate::net::error::{Error, words};
use crate::net::event_loop::Loop;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::phase::Pending;
use crate::net::queues::SocketTick;
use crate::net::socket::{ConnectOptions, Socket, SocketEntry, WriteCallback};
use crate::net::trace::{Subject, errno};
use crate::rules::state::socket::{Input, Standing, State, Writable};
use crate::values::address::is_ip;

/// The hints of getaddrinfo(3) that Node allows.
const HINTS: i32 = AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG;

impl Loop {
    /// Makes a socket and connects it: Node's `net.connect` and `net.createConnection`. The callback
    /// is a listener for the next `connect`, called from the poll phase.
    ///
    /// Nothing is emitted before the next tick, so listeners added to the result miss nothing.
    ///
    /// A host is an address or a name. The zone of a link-local IPv6 address follows a `%`, as the name or
    /// the number of a device; without a zone, the first device with a link-local address is used, as in
    /// libuv. A name that is not ASCII is looked up in its ASCII form (UTS #46), which needs the feature
    /// `idna`.
    ///
    /// # Errors
    /// `ERR_MISSING_ARGS` when the options name neither a port nor a path, `ERR_SOCKET_BAD_PORT`
    /// for a text that is a number above 65535, `ERR_INVALID_ARG_VALUE` for a family or hints that do
    /// not exist, and for a host with a NUL in it.
    ///
    /// Errors of the kernel or a name server are `error` events: the codes of connect(2), such as
    /// `ECONNREFUSED`, with the address; those of `getaddrinfo`, such as `ENOTFOUND` or `EAI_AGAIN`, with
    /// the host name. `EINVAL` stands for a name of more than 255 bytes or without an ASCII form.
    #[track_caller]
    pub fn connect(
        &mut self,
        target: impl Into<ConnectOptions>,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> Result<Socket<'_>, Error> {
        let mut options = target.into();
        options.check(self)?;
        let (mut socket, signal) = Socket::made(self, mem::take(&mut options.socket));
        socket.connect_new("connect", signal, options)?;
        socket.once_connect(callback);
        Ok(socket)
    }

    /// Makes a socket and connects it, as [`connect`](Loop::connect) does, without a callback.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut server = event_loop.create_server(|socket| _ = socket.end_with("hello"));
    /// let port = server.listen_on(())?.unref().port().unwrap();
    ///
    /// event_loop.connect_to(port)?.on_data(|_, chunk| assert_eq!(chunk, b"hello"));
    /// event_loop.run()?;
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`connect`](Loop::connect).
    #[track_caller]
    pub fn connect_to(&mut self, target: impl Into<ConnectOptions>) -> Result<Socket<'_>, Error> {
        let mut options = target.into();
        options.check(self)?;
        let (mut socket, signal) = Socket::made(self, mem::take(&mut options.socket));
        socket.connect_new("connect_to", signal, options)?;
        Ok(socket)
    }
}

impl Connecting {
    fn new(options: ConnectOptions, default_tries_all: bool, default_timeout: Duration) -> Self {
        let mut addresses = Vec::new();
        let endpoint = options.endpoint;
        let target = match (endpoint.port, endpoint.path) {
            (None, Some(path)) => Target::Path(path),
            (_, _) => {
                let host = endpoint.host.filter(|host| !host.is_empty());
                let host = host.unwrap_or_else(|| "localhost".into());
                match resolver::literal(&host) {
                    Some(mut address) => {
                        address.set_port(endpoint.port.unwrap_or(0));
                        addresses.push(address);
                        Target::Address(host)
                    }
                    None => Target::Name(host),
                }
            }
        };
        let tries_all = options.auto_select_family.unwrap_or(default_tries_all)
            && !matches!(options.family, 4 | 6)
            && options.local_address.is_none();
        let hints = match (options.family, options.hints) {
            (4 | 6, hints) => hints,
            (_, 0) => AI_ADDRCONFIG,
            (_, hints) => hints,
        };
        Connecting {
            target,
            port: endpoint.port.unwrap_or(0),
            local_address: options.local_address,
            local_port: options.local_port.unwrap_or(0),
            family: options.family,
            hints,
            lookup: options.lookup,
            tries_all,
            attempt_timeout: options.attempt_timeout.unwrap_or(default_timeout),
            is_kept_alive: false,
            ticket: None,
            addresses,
            begun: 0,
            errors: Vec::new(),
            timer: None,
            failed: None,
            is_registered: false,
        }
    }
}

impl SocketEntry {
    fn start_connecting(&mut self, connecting: Connecting, errands: &mut Errands<'_>) {
        let unsent = match self.state.life {
            State::Closed => self.begin_again(),
            _ => Vec::new(),
        };
        let tick = match connecting.target {
            Target::Name(_) => SocketTick::AskLookup,
            Target::Address(_) | Target::Path(_) => SocketTick::Connect,
        };
        self.cold().connecting = Some(Box::new(connecting));
        for callback in unsent {
            let error = words::closed_before_connection();
            errands.tick(SocketTick::Refused(callback, error));
        }
        self.touch(errands);
        self.feed(Input::ConnectCalled, errands);
        self.open_path(errands);
        errands.tick(tick);
    }

    /// Connects to a path within the call, as in Node. The outcome is reported later.
    fn open_path(&mut self, errands: &mut Errands<'_>) {
        if self.is_to_abort(errands) {
            return;
        }
        let Some(connecting) = self.connecting() else {
            return;
        };
        let Target::Path(path) = &connecting.target else {
            return;
        };
        let connected = errands.registry.connect_unix(path);
        let answer = connected.as_ref().map_err(errno);
        let answer = answer.and_then(|(_, answer)| answer.map(|()| None));
        (errands.agenda.trace).system(Subject::Socket(errands.id), "connect", answer);
        match connected {
            Ok((stream, _)) => self.adopt(stream, errands),
            Err(error) => {
                connecting.failed = Some(error);
                errands.agenda.put_off(Pending::ConnectFailed(errands.id));
            }
        }
    }

    /// Prepares a closed socket for another connection: drops what the last one left, and forgets the
    /// server that accepted it. Returns the callbacks of unsent writes.
    fn begin_again(&mut self) -> Vec<WriteCallback> {
        self.server = None;
        self.bytes_read = 0;
        self.note_what_close_tells(Some(false));
        self.with_kept(|receiving, kept, _| receiving.begin_again(kept));
        let cold = self.cold();
        cold.errored = None;
        cold.half_open_at_end = None;
        cold.remote = None;
        cold.failed = None;
        self.sending.begin_again()
    }
}

impl ConnectOptions {
    /// Checks for what Node throws.
    fn check(&self, event_loop: &Loop) -> Result<(), Error> {
        let to = &self.endpoint;
        if let Some(error) = &to.refused {
            return Err(error.clone());
        }
        if to.port.is_none() && to.path.is_none() {
            let message = r#"The "options" or "port" or "path" argument must be specified"#;
            return Err(Error::named("TypeError", "ERR_MISSING_ARGS", message));
        }
        if let Some(host) = to.host.as_ref().filter(|_| to.port.is_some())
            && host.contains('\0')
        {
            return Err(words::null_byte("The property 'options.host'", host));
        }
        let is_address = |host: &String| is_ip(host) != 0;
        let asks_the_system = to.port.is_some()
            && !to.host.as_ref().is_some_and(is_address)
            && self.lookup.is_none()
            && !event_loop.lookups.has_own_lookup();
        match (self.family, self.hints) {
            _ if !asks_the_system => Ok(()),
            (family, _) if !matches!(family, 0 | 4 | 6) => Err(words::bad_family(family)),
            (_, hints) if hints & !HINTS != 0 => Err(words::bad_hints(hints)),
            _ => Ok(()),
        }
    }
}

impl Socket<'_> {
    /// Connects: Node's `socket.connect`. The callback is a listener for the next `connect`. Options that
    /// only count when a socket is made are ignored, as in Node.
    ///
    /// A socket that has closed may be connected again in its `close` listeners, and in what they queue. If
    /// it is connecting or connected already, it is destroyed in a tick, with `EALREADY` or `EISCONN`.
    ///
    /// # Errors
    /// Those of [`Loop::connect`](crate::Loop::connect); `ERR_SOCKET_CLOSED`
    /// when the socket is destroyed and has not closed yet, is gone, or was ended before it was connected
    /// and has not finished yet.
    #[track_caller]
    pub fn connect(
        &mut self,
        target: impl Into<ConnectOptions>,
        callback: impl FnOnce(&mut Socket<'_>) + 'static,
    ) -> Result<&mut Self, Error> {
        if self.begin_to_connect("connect", target.into())? {
            self.once_connect(callback);
        }
        Ok(self)
    }

    /// As [`connect`](Socket::connect), without a callback.
    ///
    /// # Errors
    /// As [`connect`](Socket::connect).
    #[track_caller]
    pub fn connect_to(&mut self, target: impl Into<ConnectOptions>) -> Result<&mut Self, Error> {
        self.begin_to_connect("connect_to", target.into())?;
        Ok(self)
    }

    /// Connects a socket that has just been made.
    #[track_caller]
    fn connect_new(
        &mut self,
        name: &'static str,
        signal: Option<AbortId>,
        options: ConnectOptions,
    ) -> Result<(), Error> {
        let timeout = options.timeout.filter(|timeout| !timeout.is_zero());
        self.told(name, |socket| {
            socket.with(|socket, errands| socket.attach_signal(signal, errands));
            if let Some(timeout) = timeout {
                socket.set_timeout(timeout);
            }
            socket.connect_to(options).map(|_| ())
        })
    }

    /// Begins to connect. Returns whether it does: a second connect is refused in a tick.
    #[track_caller]
    fn begin_to_connect(
        &mut self,
        name: &'static str,
        options: ConnectOptions,
    ) -> Result<bool, Error> {
        options.check(self.event_loop)?;
        let (id, Standing { life, sending, .. }) = (self.id, self.standing());
        let has_entry = self.event_loop.entry_ref(id).is_some();
        match life {
            State::Closed if has_entry => {}
            State::Idle if matches!(sending, Writable::Open | Writable::Finished) => {}
            State::Opening => self.refuse_second(EALREADY, &options),
            State::Open => self.refuse_second(EISCONN, &options),
            State::Idle | State::Destroyed | State::Closed => return Err(words::closed()),
        }
        let begins = !matches!(life, State::Opening | State::Open);
        if begins {
            let event_loop = &self.event_loop;
            let (tries_all, timeout) = (
                event_loop.tries_all_families,
                event_loop.family_attempt_timeout,
            );
            let connecting = Connecting::new(options, tries_all, timeout);
            self.calls(name, |socket, errands| {
                socket.start_connecting(connecting, errands)
            });
        }
        Ok(begins)
    }

    fn refuse_second(&mut self, errno: i32, options: &ConnectOptions) {
        let error = std::io::Error::from_raw_os_error(errno);
        let to = &options.endpoint;
        let host = to.host.as_deref().unwrap_or("localhost");
        let error = Error::of_address("connect", &error, host, to.port);
        self.with(|_, errands| errands.tick(SocketTick::Destroy(Some(error))));
    }

    /// `address:port` of each address that was tried, if there were several to try: Node's
    /// `autoSelectFamilyAttemptedAddresses`.
    pub fn auto_select_family_attempted_addresses(&self) -> Option<&[String]> {
        let cold = self.event_loop.entry_ref(self.id)?.cold.as_ref()?;
        cold.attempted.as_deref()
    }
}
