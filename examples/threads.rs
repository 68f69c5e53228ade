//! Work on threads: the loop reads requests and writes answers, and workers compute, so that a long
//! computation does not block the loop.
//!
//!     cargo run --example threads -- 8000
//!     nc 127.0.0.1 8000
//!
//! Each line is a number; the answer is its greatest prime factor. A channel carries requests to the
//! workers, the loop's handle carries answers back.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use netloop::{Error, EventLoop, Handle, LineSplitter, Socket, SocketId};

const WORKERS: usize = 2;
/// The longest line, in bytes.
const LINE_MAX: usize = 64;

/// What is to be computed, and for whom. An id may go to another thread: it is only a name.
type Request = (SocketId, u64);

fn main() -> Result<(), Error> {
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port
            .parse()
            .map_err(|_| Error::new("usage: threads [PORT]"))?,
        None => 8000,
    };
    let mut event_loop = EventLoop::new()?;
    let (requests, received) = channel();
    let received = Arc::new(Mutex::new(received));
    for _ in 0..WORKERS {
        let (handle, received) = (event_loop.handle()?, Arc::clone(&received));
        thread::spawn(move || work(&handle, &received));
    }
    event_loop
        .create_server(move |socket| {
            let requests = requests.clone();
            socket
                .set_data(LineSplitter::new(LINE_MAX))
                .on_data(move |socket, chunk| read(socket, chunk, &requests))
                .on_error(|socket, error| eprintln!("{}: {error}", socket.id()));
        })
        .listen(("127.0.0.1", port), |server| {
            println!("listening on {}..", server.port().expect("a TCP port"));
        })?;
    event_loop.run()
}

fn read(socket: &mut Socket<'_>, chunk: &[u8], requests: &Sender<Request>) {
    let id = socket.id();
    socket.lend(|lines: &mut LineSplitter, socket| {
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            let text = line.ok().and_then(|line| std::str::from_utf8(line).ok());
            match text.and_then(|text| text.trim().parse().ok()) {
                Some(number) => _ = requests.send((id, number)),
                None => _ = socket.write("a line is a number below 2^64\n"),
            }
        }
    });
}

/// A worker: takes requests until no more can come, or no answer can be sent.
fn work(handle: &Handle, requests: &Mutex<Receiver<Request>>) {
    loop {
        let next = requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((id, number)) = next else {
            return;
        };
        let answer = format!("{number}: {}\n", greatest_factor(number));
        let posted = handle.post(move |event_loop| {
            // The client may have left: then this write goes nowhere.
            event_loop.socket_at(id).write(answer);
        });
        if posted.is_err() {
            return;
        }
    }
}

fn greatest_factor(mut number: u64) -> u64 {
    let mut factor = 2;
    while number > 1 && factor <= number / factor {
        match number % factor {
            0 => number /= factor,
            _ => factor += 1,
        }
    }
    number
}
