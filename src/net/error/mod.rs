//! Errors, with Node's `code`, `syscall`, `address` and `port`, and Node's messages.

pub(crate) mod words;

mod conversions;
mod errnos;

use std::fmt;
use std::io;

use self::errnos::code_of;
use super::ids::{ServerId, SocketId, Subject};
use crate::kernel::host_name::Unresolved;

/// What is wrong with such a name, and how to correct it.
#[cfg(not(feature = "idna"))]
const NOT_ASCII: &str =
    " (not ASCII: give its form `xn--…`, or build netloop with the feature `idna`)";

/// An error as Node shows it: its `code`, `syscall`, `address` and the rest, and its message.
///
/// ```
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.connect_to("/nosuch/socket")?.on_error(|_, error| {
///     assert_eq!(error.code(), Some("ENOENT"));
///     assert_eq!(error.syscall(), Some("connect"));
///     assert_eq!(error.address(), Some("/nosuch/socket"));
///     assert_eq!(error.to_string(), "connect ENOENT /nosuch/socket");
/// });
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// Programs should look at the `code`. `Display` writes the message, which is for people. `Debug`, which
/// is what a `main` that returns the error prints, writes the message, the code, and
/// [which](Error::socket) socket or server it came from. Comparing errors ignores where they came from.
/// Errors of the kernel have the name of the system call and Node's negative `errno`; those of a
/// connection or a listener have the address as well. Their codes are the names of errno(3); those of a
/// lookup are Node's `ENOTFOUND`, or a name of getaddrinfo(3) such as `EAI_AGAIN`. These are Node's own:
///
/// | `code` | reported by |
/// | --- | --- |
/// | `ERR_MISSING_ARGS` | `connect` without a port and a path: `Err` |
/// | `ERR_INVALID_ARG_VALUE` | `listen` without a port and a path, or with a mode for an abstract one; `connect` with a family or hints that do not exist; either with a host that has a NUL in it: `Err` |
/// | `ERR_SOCKET_BAD_PORT` | `connect` or `listen` with a text that is a number above 65535: `Err` |
/// | `ERR_SERVER_ALREADY_LISTEN` | `listen` while there is a listener: `Err` |
/// | `ERR_SERVER_NOT_RUNNING` | `close_then` without a listener: its callback |
/// | `ERR_SOCKET_CLOSED` | `connect` of a socket that is destroyed: `Err`; a write, or a reset, without a connection: callback and `error` |
/// | `ERR_SOCKET_CLOSED_BEFORE_CONNECTION` | a write that waited for a connection that never came: its callback |
/// | `ERR_STREAM_WRITE_AFTER_END` | a write after `end`: callback and `error` |
/// | `ERR_STREAM_DESTROYED` | a write or an `end` after `destroy`: its callback |
/// | `ERR_STREAM_ALREADY_FINISHED` | an `end` after `finish`: its callback |
/// | `ERR_STREAM_UNSHIFT_AFTER_END_EVENT` | `unshift` after `end` was emitted |
/// | `ERR_INVALID_FD_TYPE` | `socket_from_fd` of something else: `Err` |
/// | `ERR_INVALID_HANDLE_TYPE` | `reset_and_destroy` of a Unix-domain socket: `Err` |
/// | `ERR_IP_BLOCKED` | a block list has the address to connect to: `error` |
/// | `ABORT_ERR` | an abort handle was used: `error` |
///
/// Two codes are this library's own: `ERR_LOOP_GONE`, for a [post](crate::Handle::post), and `ENOBUFS`, for
/// a write beyond the write limit and for too many lookups or posts. Errors in addresses are of the type
/// [`AddressError`](crate::AddressError).
#[derive(Clone)]
pub struct Error(Box<Told>);

#[derive(Clone)]
struct Told {
    details: Details,
    /// The socket or server that emitted it.
    subject: Subject,
    is_unheard: bool,
    /// The host of a simulated world whose loop has returned it.
    #[cfg(feature = "sim")]
    host: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Details {
    name: &'static str,
    code: Option<&'static str>,
    message: String,
    errno: Option<i32>,
    syscall: Option<&'static str>,
    address: Option<String>,
    port: Option<i32>,
    local: Option<(String, u16)>,
    hostname: Option<String>,
    errors: Vec<Error>,
}

impl Error {
    /// An error of the program's own, for [`destroy_with`](crate::Socket::destroy_with): Node's
    /// `new Error(message)`. It has no code.
    pub fn new(message: impl Into<String>) -> Error {
        let details = Details {
            name: "Error",
            code: None,
            message: message.into(),
            errno: None,
            syscall: None,
            address: None,
            port: None,
            local: None,
            hostname: None,
            errors: Vec::new(),
        };
        Error(Box::new(Told {
            details,
            subject: Subject::Loop,
            is_unheard: false,
            #[cfg(feature = "sim")]
            host: None,
        }))
    }

    /// An error of the program's own with a code: Node's `Object.assign(new Error(message), {code})`.
    pub fn with_code(code: &'static str, message: impl Into<String>) -> Error {
        let mut error = Error::new(message);
        error.0.details.code = Some(code);
        error
    }

    /// The error that a lookup function answers with when there is no such name. It is that of Node's
    /// `dns.lookup`: `getaddrinfo ENOTFOUND HOST`, with `code`, `syscall` and `hostname`.
    pub fn not_found(host: &str) -> Error {
        Error::of_lookup(&Unresolved::NOT_FOUND, host)
    }

    pub(crate) fn named(name: &'static str, code: &'static str, message: &str) -> Error {
        let mut error = Error::with_code(code, message);
        error.0.details.name = name;
        error
    }

    /// The error of a system call: `read ECONNRESET`.
    pub(crate) fn of_call(syscall: &'static str, error: &io::Error) -> Error {
        let (code, _) = code_of(error);
        let mut made = Error::with_code(code, format!("{syscall} {code}"));
        made.0.details.syscall = Some(syscall);
        made.0.details.errno = error.raw_os_error().map(|errno| -errno);
        made
    }

    /// The error of a system call with an address: `connect ECONNREFUSED 127.0.0.1:8000`.
    pub(crate) fn of_address(
        syscall: &'static str,
        error: &io::Error,
        address: &str,
        port: Option<u16>,
    ) -> Error {
        let mut made = Error::of_call(syscall, error);
        let place = match port {
            Some(port) if port > 0 => format!("{address}:{port}"),
            _ => address.to_owned(),
        };
        made.0.details.message = format!("{} {place}", made.0.details.message);
        made.0.details.address = Some(address.to_owned());
        made.0.details.port = port.filter(|port| *port > 0).map(i32::from);
        made
    }

    /// The error of `bind` or `listen`; both are reported as `listen`, with libuv's explanation. The
    /// place is an address with its port, or a path; a descriptor has none.
    pub(crate) fn of_listen(error: &io::Error, place: Option<(&str, Option<u16>)>) -> Error {
        let (code, words) = code_of(error);
        let mut made = match place {
            Some((address, port)) => Error::of_address("listen", error, address, port),
            None => Error::of_call("listen", error),
        };
        let details = &mut made.0.details;
        let rest = details.message.split_off("listen ".len() + code.len());
        details.message = format!("listen {code}: {words}{rest}");
        details.port = place.map(|(_, port)| port.map_or(-1, i32::from));
        made
    }

    /// The error of the resolver: `getaddrinfo ENOTFOUND nosuch.example`.
    pub(crate) fn of_lookup(why: &Unresolved, host: &str) -> Error {
        let (code, errno, remark) = match why {
            Unresolved::Code(code, number) => (*code, Some(*number), ""),
            Unresolved::System(error) => {
                let errno = error.raw_os_error().map(|errno| -errno);
                (code_of(error).0, errno, "")
            }
            #[cfg(not(feature = "idna"))]
            Unresolved::NotAscii => ("EINVAL", Some(-libc::EINVAL), NOT_ASCII),
        };
        let mut made = Error::with_code(code, format!("getaddrinfo {code} {host}{remark}"));
        made.0.details.errno = errno;
        made.0.details.syscall = Some("getaddrinfo");
        made.0.details.hostname = Some(host.to_owned());
        made
    }

    /// Several attempts failed: Node's `AggregateError`, with the code of the first.
    pub(crate) fn aggregate(errors: Vec<Error>) -> Error {
        let mut made = Error::new("");
        made.0.details.name = "AggregateError";
        made.0.details.code = errors.first().and_then(Error::code);
        made.0.details.errors = errors;
        made
    }

    pub(crate) fn with_local(mut self, address: &str, port: u16) -> Error {
        self.0.details.message = format!("{} - Local ({address}:{port})", self.0.details.message);
        self.0.details.local = Some((address.to_owned(), port));
        self
    }

    /// The same error, with this socket or server as its owner.
    pub(crate) fn of(mut self, subject: Subject) -> Error {
        self.0.subject = subject;
        for error in &mut self.0.details.errors {
            error.0.subject = subject;
        }
        self
    }

    /// The same error, marked as one that no listener has heard.
    pub(crate) fn unheard(mut self) -> Error {
        self.0.is_unheard = true;
        self
    }

    /// The same error, with the host whose loop has returned it.
    #[cfg(feature = "sim")]
    pub(crate) fn on_host(mut self, name: &str) -> Error {
        self.0.host = Some(name.to_owned());
        self
    }

    /// The socket that reported the error: by an event, or by the callback of a write or an `end`. An error
    /// that [`run`](crate::EventLoop::run) returns, because it had no listener, has it as well. Node's
    /// error object does not have it.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let id = event_loop.socket().destroy_with(netloop::Error::new("boom")).id();
    /// let error = event_loop.run().unwrap_err();
    /// assert_eq!(error.socket(), Some(id));
    /// assert_eq!(format!("{error:?}"), format!("boom, an unheard 'error' of {id}"));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn socket(&self) -> Option<SocketId> {
        match self.0.subject {
            Subject::Socket(id) => Some(id),
            Subject::Loop | Subject::Server(_) => None,
        }
    }

    /// The server that reported the error by an event; see [`socket`](Error::socket).
    pub fn server(&self) -> Option<ServerId> {
        match self.0.subject {
            Subject::Server(id) => Some(id),
            Subject::Loop | Subject::Socket(_) => None,
        }
    }

    /// Node's `error.code`, such as `ECONNREFUSED` or `ERR_STREAM_DESTROYED`.
    pub fn code(&self) -> Option<&'static str> {
        self.0.details.code
    }

    /// Node's `error.name`: `Error`, `TypeError`, `RangeError`, `AggregateError` or `AbortError`.
    pub fn name(&self) -> &'static str {
        self.0.details.name
    }

    /// Node's `error.errno`: the kernel's error number (errno(3)), negative, or that of a lookup, for
    /// which libuv has numbers of its own, such as -3008 for `ENOTFOUND`. `None` for all other errors.
    pub fn errno(&self) -> Option<i32> {
        self.0.details.errno
    }

    /// Node's `error.syscall`: the call that failed, such as `connect`, `read`, `write`, `listen`
    /// (of a failed bind, too) or `getaddrinfo`.
    pub fn syscall(&self) -> Option<&'static str> {
        self.0.details.syscall
    }

    /// Node's `error.address`: the address or path that was connected to or listened on.
    pub fn address(&self) -> Option<&str> {
        self.0.details.address.as_deref()
    }

    /// Node's `error.port`; -1 with a path that could not be listened on, as in Node.
    pub fn port(&self) -> Option<i32> {
        self.0.details.port
    }

    /// Node's `error.localAddress`: the local address that was asked for, if a connection from it failed.
    pub fn local_address(&self) -> Option<&str> {
        self.0
            .details
            .local
            .as_ref()
            .map(|(address, _)| address.as_str())
    }

    /// Node's `error.localPort`: the local port that was asked for, if a connection from it failed.
    pub fn local_port(&self) -> Option<u16> {
        self.0.details.local.as_ref().map(|(_, port)| *port)
    }

    /// Node's `error.hostname`: the name that could not be looked up.
    pub fn hostname(&self) -> Option<&str> {
        self.0.details.hostname.as_deref()
    }

    /// Node's `errors` of an `AggregateError`: the error of each attempt, if several addresses were tried;
    /// otherwise empty.
    pub fn errors(&self) -> &[Error] {
        &self.0.details.errors
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.details.message.is_empty() && !self.0.details.errors.is_empty() {
            let all: Vec<String> = self.0.details.errors.iter().map(Error::to_string).collect();
            return out.write_str(&all.join("; "));
        }
        out.write_str(&self.0.details.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.to_string();
        match self.0.details.name {
            "Error" => write!(out, "{words}")?,
            name => write!(out, "{name}: {words}")?,
        }
        if let Some(code) = self.code().filter(|code| !words.contains(code)) {
            write!(out, " ({code})")?;
        }
        match self.0.subject {
            subject if self.0.is_unheard => {
                write!(out, ", an unheard 'error' of {subject}")?;
            }
            Subject::Loop => {}
            subject => write!(out, ", of {subject}")?,
        }
        #[cfg(feature = "sim")]
        if let Some(host) = &self.0.host {
            write!(out, " on host {host}")?;
        }
        Ok(())
    }
}

/// Errors are equal if their details are, whichever socket or server they came from.
impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        self.0.details == other.0.details
    }
}

impl Eq for Error {}

impl std::error::Error for Error {}

#[cfg(all(test, not(feature = "idna")))]
mod tests {
    use super::*;

    #[test]
    fn without_the_tables_the_error_of_an_international_name_says_what_would_be_right() {
        let error = Error::of_lookup(&Unresolved::NotAscii, "bücher.test");
        let told = "getaddrinfo EINVAL bücher.test (not ASCII: give its form `xn--…`, or build \
                    netloop with the feature `idna`)";
        assert_eq!(error.to_string(), told);
        assert_eq!((error.code(), error.errno()), (Some("EINVAL"), Some(-22)));
    }
}
