//! The bare mio peer: an edge-triggered echo on mio and slab with the short-read rule and no more.

use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
const CHUNK: usize = 64 * 1024;

/// One connection and what the socket has not taken yet; nothing is read while something is owed.
struct Connection {
    stream: TcpStream,
    owed: Vec<u8>,
}

impl Connection {
    /// Echoes until the socket is drained or full; `false` when the connection is over.
    fn serve(&mut self, read_closed: bool, chunk: &mut [u8]) -> io::Result<bool> {
        loop {
            if !self.owed.is_empty() {
                let sent = accepted(self.stream.write(&self.owed))?;
                self.owed.drain(..sent);
                if !self.owed.is_empty() {
                    return Ok(true);
                }
            }
            let length = match self.stream.read(chunk) {
                Ok(0) => return Ok(false),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let sent = accepted(self.stream.write(&chunk[..length]))?;
            self.owed.extend_from_slice(&chunk[sent..length]);
            // A short read has drained the socket, unless the end of the stream has come, too.
            if self.owed.is_empty() && length < chunk.len() && !read_closed {
                return Ok(true);
            }
        }
    }
}

/// A full socket takes nothing, which is no error.
fn accepted(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        other => other,
    }
}

/// Serves on the loopback address until the process is ended.
pub(crate) fn serve() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::from_std(super::listener()?);
    let mut connections: Slab<Connection> = Slab::new();
    let mut chunk = vec![0; CHUNK];
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&poll, &listener, &mut connections)?;
                continue;
            }
            let key = event.token().0;
            let connection = &mut connections[key];
            if !matches!(
                connection.serve(event.is_read_closed(), &mut chunk),
                Ok(true)
            ) {
                connections.remove(key);
            }
        }
    }
}

fn accept(
    poll: &Poll,
    listener: &TcpListener,
    connections: &mut Slab<Connection>,
) -> io::Result<()> {
    while let Ok((mut stream, _)) = listener.accept() {
        let entry = connections.vacant_entry();
        stream.set_nodelay(true)?;
        let interests = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(entry.key()), interests)?;
        entry.insert(Connection {
            stream,
            owed: Vec::new(),
        });
    }
    Ok(())
}
