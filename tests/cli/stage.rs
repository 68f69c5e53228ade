//! What these tests share.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) use crate::support::LIMIT;

pub(crate) fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// Who connects, within the limit: a client that never does must fail its test, not hang it.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(false).unwrap();
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                return socket;
            }
            Err(_) => std::thread::yield_now(),
        }
        assert!(start.elapsed() < LIMIT, "nobody connects");
    }
}

pub(crate) fn read(socket: &mut impl Read, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    socket.read_exact(&mut bytes).expect("as many bytes");
    bytes
}

pub(crate) fn at_end(socket: &mut impl Read) -> bool {
    // Not by `read`, which a signal interrupts.
    match socket.read_exact(&mut [0]) {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            true
        }
    }
}

/// Connects to a path as soon as somebody listens there.
pub(crate) fn connect_path(path: &Path) -> UnixStream {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < LIMIT, "it does not listen");
        match UnixStream::connect(path) {
            Ok(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                return socket;
            }
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// A path of this test's own.
pub(crate) fn own_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("netloop-{name}-{}", std::process::id()))
}

/// Waits until the program has a handler for SIGTERM, so that a signal no longer kills it.
pub(crate) fn until_term_is_caught(id: u32) {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < LIMIT, "it catches no signal");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        if caught & (1 << 14) != 0 {
            return;
        }
        std::thread::yield_now();
    }
}
