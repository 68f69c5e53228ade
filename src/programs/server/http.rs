//! `/metrics` and `/healthz`, on the same loop as everything else.

use std::time::Duration;

use httparse::{EMPTY_HEADER, Request, Status};
use netloop::{Loop, Server, ServerOptions, Socket};

use super::place::{Binding, Place};
use super::stop::{self, Stop};
use super::{listening, metrics};

/// How long a request may be, and how many headers it may have.
const LONGEST: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;

/// How long a client may take, and how many clients there may be at the same time.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_PEERS: usize = 64;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The answer to a request.
struct Answer {
    status: &'static str,
    body: String,
}

impl Answer {
    fn new(status: &'static str, body: impl Into<String>) -> Answer {
        let body = body.into();
        Answer { status, body }
    }
}

/// The part of a request that has come: kept by its socket.
#[derive(Default)]
struct Asked(Vec<u8>);

/// Makes the server of the metrics. It does not hold the loop, and a stop does not wait for it.
pub(super) fn server<'l>(
    event_loop: &'l mut Loop,
    place: &Place,
    binding: Binding,
    stop: Stop,
) -> Server<'l> {
    let path = place.path().map(ToOwned::to_owned);
    metrics::measure(event_loop);
    let mut server = event_loop.create_server_with(ServerOptions::default(), connected);
    server
        .unref()
        .set_max_connections(Some(MOST_PEERS))
        .on_error(move |server, error| {
            listening::told_of(server, error, path.as_deref(), binding, stop);
        });
    server
}

fn connected(socket: &mut Socket<'_>) {
    socket
        .unref()
        .set_data(Asked::default())
        .on_data(received)
        .on_error(|socket, error| log::debug!("{}: {error}", socket.id()));
    // Not by `set_timeout`: a client that sends a byte now and then is not idle.
    let timer = socket.after(PATIENCE, |socket| _ = socket.destroy());
    socket.event_loop().unref_timer(timer);
}

fn received(socket: &mut Socket<'_>, chunk: &[u8]) {
    let Some(mut asked) = socket.take_data::<Asked>() else {
        // The request has been answered.
        return;
    };
    asked.0.extend_from_slice(chunk);
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    let answer = match request.parse(&asked.0) {
        Ok(Status::Complete(_)) => {
            let (method, path) = (request.method, request.path);
            answer(
                socket.event_loop(),
                method.unwrap_or(""),
                path.unwrap_or(""),
            )
        }
        Ok(Status::Partial) if asked.0.len() <= LONGEST => {
            socket.set_data(asked);
            return;
        }
        Ok(Status::Partial) => Answer::new("431 Request Header Fields Too Large", ""),
        Err(_) => Answer::new("400 Bad Request", ""),
    };
    let is_head = request.method == Some("HEAD");
    say(socket, &answer, is_head);
}

fn answer(event_loop: &mut Loop, method: &str, path: &str) -> Answer {
    if !matches!(method, "GET" | "HEAD") {
        return Answer::new("405 Method Not Allowed", "");
    }
    match path.split('?').next() {
        Some("/metrics") => Answer::new("200 OK", metrics::text(event_loop)),
        Some("/healthz") if stop::has_begun(event_loop) => {
            Answer::new("503 Service Unavailable", "draining\n")
        }
        Some("/healthz") => Answer::new("200 OK", "ok\n"),
        _ => Answer::new("404 Not Found", "/metrics or /healthz\n"),
    }
}

fn say(socket: &mut Socket<'_>, answer: &Answer, is_head: bool) {
    let Answer { status, body } = answer;
    let length = body.len();
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {TEXT}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    if !is_head {
        text.push_str(body);
    }
    socket.end_with(text);
}
