//! The errors that are Node's own, not the kernel's.

use super::Error;

pub(crate) fn destroyed(what: &str) -> Error {
    let message = format!("Cannot call {what} after a stream was destroyed");
    Error::with_code("ERR_STREAM_DESTROYED", message)
}

pub(crate) fn loop_gone() -> Error {
    Error::with_code("ERR_LOOP_GONE", "Cannot post to a loop that is gone")
}

pub(crate) fn write_after_end() -> Error {
    Error::with_code("ERR_STREAM_WRITE_AFTER_END", "write after end")
}

pub(crate) fn unshift_after_end() -> Error {
    let message = "stream.unshift() after end event";
    Error::with_code("ERR_STREAM_UNSHIFT_AFTER_END_EVENT", message)
}

pub(crate) fn already_finished() -> Error {
    let message = "Cannot call end after a stream was finished";
    Error::with_code("ERR_STREAM_ALREADY_FINISHED", message)
}

pub(crate) fn ended_by_peer() -> Error {
    let message = "This socket has been ended by the other party";
    Error::with_code("EPIPE", message)
}

pub(crate) fn closed() -> Error {
    Error::with_code("ERR_SOCKET_CLOSED", "Socket is closed")
}

pub(crate) fn closed_before_connection() -> Error {
    let message = "Socket closed before the connection was established";
    Error::with_code("ERR_SOCKET_CLOSED_BEFORE_CONNECTION", message)
}

pub(crate) fn already_listening() -> Error {
    let message = "Listen method has been called more than once without closing.";
    Error::with_code("ERR_SERVER_ALREADY_LISTEN", message)
}

pub(crate) fn not_running() -> Error {
    Error::with_code("ERR_SERVER_NOT_RUNNING", "Server is not running.")
}

pub(crate) fn invalid_handle() -> Error {
    let message = "This handle type cannot be sent";
    Error::named("TypeError", "ERR_INVALID_HANDLE_TYPE", message)
}

/// The error for a text that is not a port, if it is a number or empty; `what` is Node's name for it.
pub(crate) fn bad_port(what: &str, text: &str) -> Option<Error> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let message = format!("{what} should be >= 0 and < 65536. Received type string ('{text}').");
    is_number.then(|| Error::named("RangeError", "ERR_SOCKET_BAD_PORT", &message))
}

/// The error for a host with a NUL in it; `what` is Node's name for the host.
pub(crate) fn null_byte(what: &str, host: &str) -> Error {
    let host = host.replace('\0', "\\x00");
    let message = format!("{what} must be a string without null bytes. Received '{host}'");
    Error::named("TypeError", "ERR_INVALID_ARG_VALUE", &message)
}

/// The error for a descriptor that is not a stream; `kind` is Node's word for its kind.
pub(crate) fn unsupported_fd(kind: &str) -> Error {
    let message = format!("Unsupported fd type: {kind}");
    Error::named("TypeError", "ERR_INVALID_FD_TYPE", &message)
}

pub(crate) fn bad_family(family: u8) -> Error {
    let message =
        format!("The property 'options.family' must be one of: 0, 4, 6. Received {family}");
    Error::named("TypeError", "ERR_INVALID_ARG_VALUE", &message)
}

pub(crate) fn bad_hints(hints: i32) -> Error {
    let message = format!("The argument 'hints' is invalid. Received {hints}");
    Error::named("TypeError", "ERR_INVALID_ARG_VALUE", &message)
}

pub(crate) fn aborted() -> Error {
    Error::named("AbortError", "ABORT_ERR", "The operation was aborted")
}
