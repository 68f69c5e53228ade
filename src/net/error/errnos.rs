//! The kernel's errors, by Node's names for them.

use std::io;

/// Node's code and libuv's words for an error of the kernel.
pub(super) fn code_of(error: &io::Error) -> (&'static str, &'static str) {
    let errno = error.raw_os_error().unwrap_or(0);
    let known = ERRNOS.iter().find(|(number, _, _)| *number == errno);
    known.map_or(("UNKNOWN", "unknown error"), |(_, code, words)| {
        (code, words)
    })
}

macro_rules! errnos {
    ($($(#[$when:meta])? $name:ident $words:literal)*) => {
        &[$($(#[$when])? (libc::$name, stringify!($name), $words)),*]
    };
}

/// The errors of sockets (errno(3)): number, Node's name, and the text of `uv_strerror`.
const ERRNOS: &[(i32, &str, &str)] = errnos! {
    EPERM "operation not permitted"
    ENOENT "no such file or directory"
    EINTR "interrupted system call"
    EIO "i/o error"
    ENXIO "no such device or address"
    EBADF "bad file descriptor"
    EAGAIN "resource temporarily unavailable"
    ENOMEM "not enough memory"
    EACCES "permission denied"
    EFAULT "bad address in system call argument"
    EBUSY "resource busy or locked"
    EEXIST "file already exists"
    ENODEV "no such device"
    ENOTDIR "not a directory"
    EISDIR "illegal operation on a directory"
    EINVAL "invalid argument"
    ENFILE "file table overflow"
    EMFILE "too many open files"
    ENOSPC "no space left on device"
    EROFS "read-only file system"
    EPIPE "broken pipe"
    ENAMETOOLONG "name too long"
    ENOSYS "function not implemented"
    ELOOP "too many symbolic links encountered"
    ENONET "machine is not on the network"
    EPROTO "protocol error"
    ENOTSOCK "socket operation on non-socket"
    EDESTADDRREQ "destination address required"
    EMSGSIZE "message too long"
    EPROTOTYPE "protocol wrong type for socket"
    ENOPROTOOPT "protocol not available"
    EPROTONOSUPPORT "protocol not supported"
    ENOTSUP "operation not supported on socket"
    EAFNOSUPPORT "address family not supported"
    EADDRINUSE "address already in use"
    EADDRNOTAVAIL "address not available"
    ENETDOWN "network is down"
    ENETUNREACH "network is unreachable"
    ECONNABORTED "software caused connection abort"
    ECONNRESET "connection reset by peer"
    ENOBUFS "no buffer space available"
    EISCONN "socket is already connected"
    ENOTCONN "socket is not connected"
    ETIMEDOUT "connection timed out"
    ECONNREFUSED "connection refused"
    EHOSTDOWN "host is down"
    EHOSTUNREACH "host is unreachable"
    EALREADY "connection already in progress"
    ECANCELED "operation canceled"
    #[cfg(feature = "sim")]
    EDEADLK "resource deadlock avoided"
    #[cfg(feature = "sim")]
    EINPROGRESS "operation in progress"
};
