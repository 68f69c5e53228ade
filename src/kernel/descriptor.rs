//! The kind of a descriptor from outside: libuv's `uv_guess_handle`.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;

use socket2::{Domain, SockRef, Type};

/// libuv's handle types, as far as they are streams or listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TCP socket.
    Tcp,
    /// A stream socket in the Unix domain.
    Unix,
    /// A pipe or a FIFO.
    Pipe,
    /// Anything else, with Node's word for it.
    Other(&'static str),
}

/// Finds the kind of a descriptor, and gives the descriptor back.
pub(crate) fn kind_of(fd: OwnedFd) -> (Kind, OwnedFd) {
    if fd.is_terminal() {
        return (Kind::Other("TTY"), fd);
    }
    let file = File::from(fd);
    let found = file.metadata().map(|metadata| metadata.file_type());
    let fd = OwnedFd::from(file);
    let kind = match found {
        Ok(found) if found.is_file() || found.is_char_device() => Kind::Other("FILE"),
        Ok(found) if found.is_fifo() => Kind::Pipe,
        Ok(found) if found.is_socket() => kind_of_socket(&SockRef::from(&fd)),
        _ => Kind::Other("UNKNOWN"),
    };
    (kind, fd)
}

fn kind_of_socket(socket: &SockRef<'_>) -> Kind {
    match (socket.domain(), socket.r#type()) {
        (Ok(Domain::IPV4 | Domain::IPV6), Ok(Type::STREAM)) => Kind::Tcp,
        (Ok(Domain::IPV4 | Domain::IPV6), Ok(Type::DGRAM)) => Kind::Other("UDP"),
        (Ok(Domain::UNIX), Ok(Type::STREAM)) => Kind::Unix,
        _ => Kind::Other("UNKNOWN"),
    }
}
