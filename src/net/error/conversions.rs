//! Other errors as ours, for `?`.

use std::io;

use super::Error;
use super::errnos::code_of;
use crate::values::lines::LineTooLong;

/// Makes `?` work with the standard library. An error of the kernel keeps its `code` and `errno`, any other
/// its message alone. An [`Error`] that was wrapped is unwrapped.
///
/// ```
/// fn read(path: &str) -> Result<String, netloop::Error> {
///     Ok(std::fs::read_to_string(path)?)
/// }
///
/// let error = read("/nosuch/file").unwrap_err();
/// assert_eq!(error.code(), Some("ENOENT"));
/// assert_eq!(error.to_string(), "ENOENT: no such file or directory");
/// ```
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        if error.raw_os_error().is_none() {
            return error
                .downcast()
                .unwrap_or_else(|error| Error::new(error.to_string()));
        }
        let (code, words) = code_of(&error);
        let mut made = Error::with_code(code, format!("{code}: {words}"));
        made.0.details.errno = error.raw_os_error().map(|errno| -errno);
        made
    }
}

/// For a line that a [`LineSplitter`](crate::LineSplitter) refused: its message, without a code.
impl From<LineTooLong> for Error {
    fn from(error: LineTooLong) -> Error {
        Error::new(error.to_string())
    }
}
