//! The names of Unix sockets.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::EINVAL;

use crate::kernel::connector::unix_address;
use crate::kernel::listener::BindOptions;

/// What a listener is bound to: a path, or an abstract name, which begins with a NUL.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) bytes: Vec<u8>,
    pub(super) unlinks: Unlinks,
}

/// What closing a listener unlinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlinks {
    Nothing,
    /// The file that its bind(2) created.
    Own,
    /// Any file at the path.
    Any,
}

impl Name {
    pub(super) fn of(path: &Path, options: &BindOptions) -> io::Result<Name> {
        let bytes = path.as_os_str().as_bytes().to_vec();
        if bytes.is_empty() {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        unix_address(path)?;
        let unlinks = match (bytes.first(), options.only_own_file) {
            (Some(0), _) => Unlinks::Nothing,
            (_, true) => Unlinks::Own,
            (_, false) => Unlinks::Any,
        };
        Ok(Name { bytes, unlinks })
    }

    pub(super) fn is_abstract(&self) -> bool {
        self.bytes.first() == Some(&0)
    }

    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.bytes))
    }
}
