//! A pool of connections to one server: each request goes to a free connection, and a lost connection
//! is replaced, after a pause that doubles with each failure.
//!
//!     netloop server --echo --quiet --welcome= --port 8000
//!     cargo run --example pool -- 8000 1000
//!
//! A request whose connection is lost goes back into the queue, and is answered once the server is
//! there again. So the program can be started before the server, and survives its restarts. `tests/sim` also
//! tests all but `main`, in a simulated world.

use std::collections::VecDeque;
use std::time::Duration;

use netloop::{Error, EventLoop, LineSplitter, Loop, Socket, SocketId};

/// How many connections there are.
const SIZE: usize = 4;
/// How long to wait before the second attempt, and at most before any.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long a connection is idle before its first keep-alive probe: in a long partition the server may have lost
/// the connection, and with it the answer.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest answer, in bytes.
const LINE_MAX: usize = 256;

struct Pool {
    server: (String, u16),
    free: Vec<SocketId>,
    waiting: VecDeque<usize>,
    unanswered: usize,
}

/// What a connection of the pool is doing.
struct Connection {
    request: Option<usize>,
    answer: LineSplitter,
    /// The pause before it is made anew.
    back_off: Duration,
}

fn main() -> Result<(), Error> {
    let (port, count) = arguments().ok_or_else(|| Error::new("usage: pool PORT COUNT"))?;
    let mut event_loop = EventLoop::new()?;
    start(&mut event_loop, ("127.0.0.1", port), count);
    event_loop.run()?;
    println!("{count} requests were answered");
    Ok(())
}

fn arguments() -> Option<(u16, usize)> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next()?.parse().ok()?;
    let count = arguments.next()?.parse().ok()?;
    Some((port, count))
}

/// Makes a pool that sends `count` requests to a server. It is gone once all are answered.
pub(crate) fn start(event_loop: &mut Loop, (host, port): (&str, u16), count: usize) {
    event_loop.set_data(Pool {
        server: (host.to_owned(), port),
        free: Vec::new(),
        waiting: (0..count).collect(),
        unanswered: count,
    });
    for _ in 0..SIZE {
        open(event_loop, BACK_OFF.0);
    }
}

/// Makes a connection; if that fails, the next attempt comes after this pause.
fn open(event_loop: &mut Loop, back_off: Duration) {
    let Some(pool) = event_loop.data::<Pool>() else {
        return;
    };
    let server = pool.server.clone();
    let connection = Connection {
        request: None,
        answer: LineSplitter::new(LINE_MAX),
        back_off,
    };
    let connected = event_loop.connect(server, |socket| {
        if let Some(connection) = socket.data_mut::<Connection>() {
            connection.back_off = BACK_OFF.0;
        }
        println!("{} has connected", socket.id());
        socket.set_keep_alive(true, IDLE_MAX);
        make_free(socket);
    });
    match connected {
        Ok(mut socket) => {
            socket
                .set_data(connection)
                .on_data(answered)
                .on_error(|socket, error| println!("{}: {error}", socket.id()))
                .on_close(|socket, _| lost(socket));
        }
        Err(error) => println!("{error}"),
    }
}

/// The connection takes the next request, or waits for one. When all are answered it ends.
fn make_free(socket: &mut Socket<'_>) {
    let id = socket.id();
    socket.event_loop().lend(|pool: &mut Pool, event_loop| {
        let mut socket = event_loop.socket_at(id);
        if let Some(request) = pool.waiting.pop_front() {
            if let Some(connection) = socket.data_mut::<Connection>() {
                connection.request = Some(request);
            }
            socket.write(format!("request {request}\n"));
        } else if pool.unanswered > 0 {
            pool.free.push(id);
        } else {
            socket.end();
            for free in pool.free.drain(..) {
                event_loop.socket_at(free).end();
            }
        }
    });
}

fn answered(socket: &mut Socket<'_>, chunk: &[u8]) {
    let Some(connection) = socket.data_mut::<Connection>() else {
        return;
    };
    connection.answer.push(chunk);
    let request = connection.request;
    match connection.answer.next_line() {
        None => return, // the rest is still to come
        Some(Ok(line)) if request.is_some_and(|n| line == format!("request {n}").as_bytes()) => {}
        Some(_) => {
            socket.destroy_with(Error::new("a wrong answer"));
            return;
        }
    }
    connection.request = None;
    if let Some(pool) = socket.event_loop().data_mut::<Pool>() {
        pool.unanswered -= 1;
    }
    make_free(socket);
}

/// What the connection was asked is asked anew, and it is replaced unless all is done.
fn lost(socket: &mut Socket<'_>) {
    let id = socket.id();
    let Some(connection) = socket.take_data::<Connection>() else {
        return;
    };
    let event_loop = socket.event_loop();
    let Some(pool) = event_loop.data_mut::<Pool>() else {
        return;
    };
    pool.free.retain(|free| *free != id);
    pool.waiting.extend(connection.request);
    if pool.unanswered == 0 {
        return;
    }
    if let Some(free) = pool.free.pop() {
        make_free(&mut event_loop.socket_at(free));
    }
    let next = (connection.back_off * 2).min(BACK_OFF.1);
    event_loop.after(connection.back_off, move |event_loop| {
        open(event_loop, next)
    });
}
