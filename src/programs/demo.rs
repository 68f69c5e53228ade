//! Server and client in one process, on one loop, with the trace of what happens.

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use netloop::{Error, EventLoop};

use super::{client, output, server, trace};

const LEGEND: &str = "\
A server and a timer-driven client on one loop. The client says hi three times, then both close.

  is ready   the kernel's readiness, which epoll told of         turn   wait, readiness, immediates,
  A ─I→ B    a state machine went from A to B on input I                close callbacks, timers
  callback   the program's own code runs, for this event         tick   deferred to after the callback

A line stands indented under its cause. Lines that begin with > are what the two programs print.";

/// How many times the client speaks.
const COUNT: u64 = 3;

pub(crate) fn run() -> ExitCode {
    match show() {
        Ok(code) => code,
        Err(error) => {
            output::complaint(&format!("netloop demo: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<ExitCode, Error> {
    output::line(LEGEND);
    output::mark_lines();
    let code = Rc::new(Cell::new(ExitCode::SUCCESS));
    let mut event_loop = EventLoop::new()?;
    event_loop.on_trace(trace::to_stdout());
    let server = server::start(&mut event_loop, server_settings(), Rc::clone(&code))?;
    let client_code = Rc::clone(&code);
    event_loop.server_at(server).on_listening(move |server| {
        let settings = client_settings(server.port().unwrap_or(0));
        let code = Rc::clone(&client_code);
        let started = client::start(server.event_loop(), settings, Rc::clone(&code));
        if let Err(error) = started {
            output::line(&error.to_string());
            code.set(ExitCode::FAILURE);
        }
    });
    event_loop.server_at(server).on_connection(|socket| {
        socket.on_close(|socket, _| {
            if let Some(server) = socket.server() {
                socket.event_loop().server_at(server).close();
            }
        });
    });
    event_loop.run()?;
    output::unmark_lines();
    output::line(
        "\nNothing holds the loop any more: no socket, no server, no timer. It has ended.",
    );
    Ok(code.get())
}

fn server_settings() -> server::Settings {
    server::Settings {
        host: "127.0.0.1".into(),
        port: 0,
        path: None,
        welcome: "Welcome".into(),
        is_echo: false,
        max_connections: None,
        idle_timeout: None,
        drain_timeout: Duration::ZERO,
        is_quiet: false,
        is_traced: true,
    }
}

fn client_settings(port: u16) -> client::Settings {
    client::Settings {
        host: "127.0.0.1".into(),
        port,
        path: None,
        message: "hi".into(),
        interval: Duration::from_millis(200),
        count: Some(COUNT),
        is_traced: true,
    }
}
