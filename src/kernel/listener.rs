//! One listening socket: making it, and accepting from it.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use libc::{EACCES, EINVAL};
use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, SockFilter, SockRef, Socket, Type};

use super::accepting::{Accepted, Accepting};
use super::connector::unix_address;
use super::descriptor;
use super::options::StreamOptions;
use super::stream::Stream;

/// A filter (socket(7), SO_ATTACH_FILTER) that drops only the first segment of a connection: the one with
/// SYN and without ACK among the flags, which are byte 13 of the TCP header.
const NO_SYN: [SockFilter; 5] = [
    SockFilter::new(
        (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16,
        0,
        0,
        13,
    ),
    SockFilter::new(
        (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16,
        0,
        0,
        0x12,
    ),
    SockFilter::new(
        (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        0,
        1,
        0x02,
    ),
    SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0),
    SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, u32::MAX),
];

#[derive(Debug)]
pub(crate) struct Listener {
    /// Unlinked when the listener closes. It is declared before the socket, so that it is dropped first.
    file: Option<OwnFile>,
    socket: Kind,
    /// A spare descriptor: see [`Accepting`].
    reserve: Option<File>,
    /// The descriptor came from outside: its connections inherit only the options that were set there.
    is_foreign: bool,
    /// Another descriptor of the same socket may live on when this one is closed.
    may_have_duplicate: bool,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The options of a listener beside its address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BindOptions {
    pub(crate) backlog: u32,
    pub(crate) ipv6_only: bool,
    pub(crate) reuse_port: bool,
    /// The file of a path is removed only if it is still ours.
    pub(crate) only_own_file: bool,
}

impl Listener {
    /// Binds an address. Options that accepted connections inherit need not be set on each of them, which
    /// saves system calls.
    pub(crate) fn tcp(
        address: SocketAddr,
        options: BindOptions,
        inherited: &StreamOptions,
    ) -> io::Result<Listener> {
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::for_address(address), kind, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(options.ipv6_only)?;
        }
        if options.reuse_port {
            socket.set_reuse_port(true)?;
        }
        socket.bind(&address.into())?;
        if let Err(error) = inherited.set_on(&SockRef::from(&socket)) {
            // A time too long for the kernel is no reason not to listen.
            log::debug!(target: "netloop::server", "setsockopt: {error}");
        }
        socket.listen(backlog(options.backlog))?;
        let listener = TcpListener::from_std(OwnedFd::from(socket).into());
        Ok(Listener::new(Kind::Tcp(listener), None, false))
    }

    /// Binds a path. It is never unlinked first: the file may belong to a living server.
    pub(crate) fn unix(path: &Path, options: BindOptions) -> io::Result<Listener> {
        let address = unix_address(path)?;
        let kind = Type::STREAM.nonblocking().cloexec();
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        match socket.bind(&address) {
            // As in libuv: a missing folder counts as one that we may not write to.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(io::Error::from_raw_os_error(EACCES));
            }
            other => other?,
        }
        let own = |path: &Path| OwnFile::at(path, options.only_own_file);
        let file = address.as_pathname().map(own);
        socket.listen(backlog(options.backlog))?;
        let listener = UnixListener::from_std(OwnedFd::from(socket).into());
        Ok(Listener::new(Kind::Unix(listener), file, false))
    }

    /// Takes over a bound descriptor and listens on it.
    pub(crate) fn from_fd(fd: OwnedFd, options: BindOptions) -> io::Result<Listener> {
        let (kind, fd) = descriptor::kind_of(fd);
        if let descriptor::Kind::Other(_) = kind {
            return Err(io::Error::from_raw_os_error(EINVAL));
        }
        let socket = Socket::from(fd);
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        // For a pipe this is ENOTSOCK, as in libuv.
        socket.listen(backlog(options.backlog))?;
        let fd = OwnedFd::from(socket);
        let kind = match kind {
            descriptor::Kind::Unix => Kind::Unix(UnixListener::from_std(fd.into())),
            _ => Kind::Tcp(TcpListener::from_std(fd.into())),
        };
        Ok(Listener::new(kind, None, true))
    }

    fn new(socket: Kind, file: Option<OwnFile>, is_foreign: bool) -> Listener {
        let reserve = open_reserve();
        Listener {
            file,
            socket,
            reserve,
            is_foreign,
            may_have_duplicate: is_foreign,
        }
    }

    /// Sets the mode bits of the path: libuv's `uv_pipe_chmod`.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        match &self.file {
            Some(file) => fs::set_permissions(&file.path, Permissions::from_mode(mode)),
            None => Ok(()),
        }
    }

    pub(crate) fn is_tcp(&self) -> bool {
        matches!(self.socket, Kind::Tcp(_))
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    pub(crate) fn may_have_duplicate(&self) -> bool {
        self.may_have_duplicate
    }

    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            Kind::Unix(_) => None,
        }
    }

    /// The path or abstract name a Unix listener is bound to.
    pub(crate) fn local_path(&self) -> Option<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt;
        let address: SockAddr = SockRef::from(&self.as_fd()).local_addr().ok()?;
        if let Some(path) = address.as_pathname() {
            return Some(path.as_os_str().as_bytes().to_vec());
        }
        let name = address.as_abstract_namespace()?;
        Some([b"\0", name].concat())
    }

    /// Another descriptor of the same listening socket.
    pub(crate) fn duplicate(&mut self) -> io::Result<OwnedFd> {
        self.may_have_duplicate = true;
        self.as_fd().try_clone_to_owned()
    }

    /// Accepts one connection.
    pub(crate) fn accept(&mut self) -> Accepted<Stream> {
        self.accept_next()
    }

    /// Makes the kernel begin no new connection; those it has begun it finishes, and they can be accepted.
    /// A client of a path is refused; a client of a port gets no answer, and tries again.
    pub(crate) fn refuse_new(&self) -> io::Result<()> {
        let socket = SockRef::from(self);
        match &self.socket {
            Kind::Tcp(_) => socket.attach_filter(&NO_SYN),
            Kind::Unix(_) => socket.shutdown(Shutdown::Read),
        }
    }

    /// Opens the reserve again after a shortage.
    pub(crate) fn recover(&mut self) {
        self.recover_reserve();
    }
}

impl Accepting for Listener {
    type Stream = Stream;
    type Reserve = File;

    fn try_accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match &self.socket {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((Stream::Tcp(stream), Some(address)))
            }
            Kind::Unix(listener) => Ok((Stream::Unix(listener.accept()?.0), None)),
        }
    }

    fn reserve(&mut self) -> &mut Option<File> {
        &mut self.reserve
    }

    fn open_reserve(&self) -> Option<File> {
        open_reserve()
    }
}

/// The file that a bind has created.
#[derive(Debug)]
struct OwnFile {
    path: PathBuf,
    /// Its device and inode, if a file that has replaced it must not be removed. While the socket lives, no
    /// other file has these.
    id: Option<(u64, u64)>,
}

impl OwnFile {
    fn at(path: &Path, is_to_be_known: bool) -> OwnFile {
        // A file that is gone already gets an id that matches none.
        let id = is_to_be_known.then(|| file_id(path).unwrap_or_default());
        OwnFile {
            path: path.to_path_buf(),
            id,
        }
    }

    fn remove(&self) -> io::Result<()> {
        if self.id.is_some() && self.id != Some(file_id(&self.path)?) {
            return Err(io::Error::other("another file has taken the place of ours"));
        }
        fs::remove_file(&self.path)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            let level = match error.kind() {
                io::ErrorKind::NotFound => log::Level::Debug,
                _ => log::Level::Warn,
            };
            log::log!(target: "netloop::server", level, "unlink {:?}: {error}", self.path);
        }
    }
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Kind::Tcp(listener) => listener.as_fd(),
            Kind::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Source for Listener {
    fn register(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        match &mut self.socket {
            Kind::Tcp(listener) => listener.register(registry, token, all),
            Kind::Unix(listener) => listener.register(registry, token, all),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, all: Interest) -> io::Result<()> {
        match &mut self.socket {
            Kind::Tcp(listener) => listener.reregister(registry, token, all),
            Kind::Unix(listener) => listener.reregister(registry, token, all),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match &mut self.socket {
            Kind::Tcp(listener) => listener.deregister(registry),
            Kind::Unix(listener) => listener.deregister(registry),
        }
    }
}

fn open_reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

fn backlog(backlog: u32) -> i32 {
    i32::try_from(backlog).unwrap_or(i32::MAX)
}
