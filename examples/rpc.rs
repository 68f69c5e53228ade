//! Requests and responses, a line each, in any order: a server that shuts down cleanly, and a client
//! with a timeout.
//!
//!     cargo run --example rpc -- serve 8000
//!     cargo run --example rpc -- call 8000 'add 1 2' 'sleep 100'
//!
//! A request is a number, a method and its arguments: `7 add 1 2`; its answer is `7 3`. The server
//! answers when it can, so a slow request does not delay others. On SIGTERM it takes no more requests,
//! answers those that it has, and ends.

use std::collections::BTreeMap;
use std::time::Duration;

use netloop::{Error, EventLoop, LineSplitter, Loop, ServerId, Signal, Socket, TimerId};

/// The longest line, in bytes.
const LINE_MAX: usize = 4096;
/// How long a client waits for an answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a server that stops lets its clients go on.
const DRAIN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = |text: &String| {
        let port = text.parse::<u16>();
        port.map_err(|_| Error::new(format!("{text:?} is no port")))
    };
    match arguments.split_first() {
        Some((mode, [to])) if mode == "serve" => serve(port(to)?),
        Some((mode, [to, requests @ ..])) if mode == "call" => call(port(to)?, requests),
        _ => Err(Error::new(
            "usage: rpc serve PORT | rpc call PORT REQUEST...",
        )),
    }
}

/// Calls back with each whole line of this socket.
fn on_line(socket: &mut Socket<'_>, mut line: impl FnMut(&mut Socket<'_>, &str) + 'static) {
    socket
        .set_data(LineSplitter::new(LINE_MAX))
        .on_data(move |socket, chunk| {
            socket.lend(|lines: &mut LineSplitter, socket| {
                lines.push(chunk);
                while let Some(next) = lines.next_line() {
                    match next {
                        Ok(bytes) => line(socket, &String::from_utf8_lossy(bytes)),
                        Err(too_long) => {
                            socket.destroy_with(too_long.into());
                            return;
                        }
                    }
                }
            });
        });
}

// ---- the server

/// How many requests of a socket are being worked on, and whether it is to end when none is left.
#[derive(Default)]
struct Work {
    pending: usize,
    is_ending: bool,
}

fn serve(port: u16) -> Result<(), Error> {
    let mut event_loop = EventLoop::new()?;
    let server = event_loop
        .create_server(|socket| {
            socket
                .set_allow_half_open(true)
                .set_data(Work::default())
                .on_end(finish)
                .on_error(|socket, error| eprintln!("{}: {error}", socket.id()));
            on_line(socket, request);
        })
        .listen(("127.0.0.1", port), |server| {
            println!("listening on {}..", server.port().expect("a TCP port"));
        })?
        .id();
    for signal in [Signal::Terminate, Signal::Interrupt] {
        event_loop.on_signal(signal, move |event_loop| stop(event_loop, server))?;
    }
    event_loop.run()
}

fn request(socket: &mut Socket<'_>, line: &str) {
    let Some(work) = socket.data_mut::<Work>() else {
        return;
    };
    if work.is_ending {
        return;
    }
    work.pending += 1;
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [id, "sleep", time] if time.parse::<u32>().is_ok() => {
            let time = Duration::from_millis(time.parse().unwrap_or_default());
            let id = id.to_owned();
            socket.after(time, move |socket| answer(socket, &id, "slept"));
        }
        [id, "add", ref numbers @ ..] => {
            let sum: Result<i64, _> = numbers.iter().map(|number| number.parse::<i64>()).sum();
            let sum = sum.map_or_else(|error| format!("error: {error}"), |sum| sum.to_string());
            answer(socket, id, &sum);
        }
        [id, ..] => answer(
            socket,
            id,
            "error: add NUMBER... and sleep MILLISECONDS are known",
        ),
        [] => answer(socket, "0", "error: ID METHOD ARGUMENT... is a request"),
    }
}

fn answer(socket: &mut Socket<'_>, id: &str, text: &str) {
    socket.write(format!("{id} {text}\n"));
    let Some(work) = socket.data_mut::<Work>() else {
        return;
    };
    work.pending -= 1;
    if work.is_ending && work.pending == 0 {
        socket.end();
    }
}

/// Takes no more requests, and ends our half once all are answered.
fn finish(socket: &mut Socket<'_>) {
    if let Some(work) = socket.data_mut::<Work>() {
        work.is_ending = true;
        if work.pending == 0 {
            socket.end();
        }
    }
}

fn stop(event_loop: &mut Loop, server: ServerId) {
    println!("stopping..");
    for socket in event_loop.server_at(server).close().sockets() {
        finish(&mut event_loop.socket_at(socket));
    }
    let limit = event_loop.after(DRAIN, move |event_loop| {
        for socket in event_loop.server_at(server).sockets() {
            event_loop.socket_at(socket).destroy();
        }
    });
    event_loop.unref_timer(limit);
}

// ---- the client

/// What was asked and not answered yet: by its number, the request and the timer of its limit.
#[derive(Default)]
struct Asked(BTreeMap<usize, (String, TimerId)>);

fn call(port: u16, requests: &[String]) -> Result<(), Error> {
    let mut event_loop = EventLoop::new()?;
    let mut socket = event_loop.connect_to(("127.0.0.1", port))?;
    socket.set_data(Asked::default());
    on_line(&mut socket, answered);
    for (id, request) in requests.iter().enumerate() {
        let limit = socket.after(ANSWER, move |socket| give_up(socket, id));
        socket.write(format!("{id} {request}\n"));
        if let Some(Asked(asked)) = socket.data_mut() {
            asked.insert(id, (request.clone(), limit));
        }
    }
    socket.on_close(|socket, _| {
        let asked = socket.take_data::<Asked>().unwrap_or_default();
        for (request, _) in asked.0.values() {
            println!("{request}: not answered, the server has gone");
        }
    });
    event_loop.run()
}

fn answered(socket: &mut Socket<'_>, line: &str) {
    let (id, text) = line.split_once(' ').unwrap_or((line, ""));
    let id = id.parse().unwrap_or(usize::MAX);
    let Some((request, limit)) = take(socket, id) else {
        return; // too late
    };
    socket.event_loop().clear_timeout(limit);
    println!("{request}: {}", text.escape_debug());
}

fn give_up(socket: &mut Socket<'_>, id: usize) {
    if let Some((request, _)) = take(socket, id) {
        println!("{request}: no answer within {ANSWER:?}");
    }
}

/// Takes what was asked under this number; after the last the client leaves.
fn take(socket: &mut Socket<'_>, id: usize) -> Option<(String, TimerId)> {
    let Asked(asked) = socket.data_mut()?;
    let taken = asked.remove(&id)?;
    if asked.is_empty() {
        socket.destroy_soon(); // not `end`: the server might still work on what was given up
    }
    Some(taken)
}
