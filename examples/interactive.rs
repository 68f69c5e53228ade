//! A client at a terminal: what is typed goes to the server, what the server sends is printed.
//!
//!     cargo run --example interactive -- 127.0.0.1 8000
//!     printf 'hi\n' | cargo run --example interactive -- 127.0.0.1 8000
//!
//! A thread reads standard input, blocking, and hands it to the loop. The descriptor itself must not be
//! made non-blocking, as the shell and others share it. The thread reads on only when the server has
//! taken what came before, so a large file costs one chunk of memory.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use netloop::{Error, EventLoop, Handle, SocketId};

fn main() -> Result<(), Error> {
    let (host, port) = arguments().ok_or_else(|| Error::new("usage: interactive HOST PORT"))?;
    let mut event_loop = EventLoop::new()?;
    let handle = event_loop.handle()?;
    let (go_on, may_go_on) = sync_channel(1);
    let server = event_loop
        .connect((host, port), move |socket| {
            let server = socket.id();
            thread::spawn(move || read_input(&handle, server, &go_on, &may_go_on));
        })?
        .on_data(|_, chunk| print(chunk))
        .on_close(|socket, _| socket.event_loop().stop()) // whatever is still to be typed
        .id();
    let outcome = event_loop.run();
    event_loop.socket_at(server).destroy();
    outcome
}

fn arguments() -> Option<(String, u16)> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next()?;
    Some((host, arguments.next()?.parse().ok()?))
}

/// Hands standard input to the loop, chunk by chunk, and then its end.
fn read_input(handle: &Handle, server: SocketId, go_on: &SyncSender<()>, may_go_on: &Receiver<()>) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = io::stdin().read(&mut chunk).unwrap_or(0);
        let (bytes, go_on) = (chunk[..read].to_vec(), go_on.clone());
        let posted = handle.post(move |event_loop| {
            let mut socket = event_loop.socket_at(server);
            if bytes.is_empty() {
                socket.end();
            } else {
                socket.write_then(bytes, move |_, _| _ = go_on.send(()));
            }
        });
        if read == 0 || posted.is_err() || may_go_on.recv().is_err() {
            return;
        }
    }
}

/// What a server sends is not trusted: all but line ends and tabs that would steer the terminal is
/// shown escaped.
fn print(chunk: &[u8]) {
    let mut text = String::new();
    for char in String::from_utf8_lossy(chunk).chars() {
        match char {
            '\n' | '\t' => text.push(char),
            char if char.is_control() => text.extend(char.escape_default()),
            char => text.push(char),
        }
    }
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
