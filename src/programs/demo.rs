//! Server and client in one process, on one loop, with the trace of what happens.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use netloop::study::{Beside, Entry, Kind, Recorder};
use netloop::trace::{Record, Subject};
use netloop::{Error, Loop, SocketId};

use super::course::{Course, Seed};
use super::printer::{Level, Paint, Printer};
use super::server::place::{Binding, Place};
use super::show::write_page;
use super::trace::{Recorded, Told};
use super::{client, output, server};

const LEGEND: &str = "\
A server and a timer-driven client, on one loop. The client writes hi three
times, once each interval, and leaves; then the server closes. Each line has a
number, and is indented under the line during which it happened. If another
line led to it, that one is named: (queued by 23). Numbers that are missing
stand for what was queued, and for what has returned.

  server     the listening server
  accepted   the server's end of the connection
  client     the client's end
  loop       the event loop, which asks for readiness once in each turn
  descriptor the number by which the kernel knows a socket in this process

  waited     the loop slept until something was ready, or a timer was due; if
             work was left to do, it looked without waiting
  ready      epoll reported this readiness: in plain words, then in epoll's own
  again      the loop serves a socket once more without new readiness, as data
             may be left and epoll reports only what is new
  calls      the program calls this function, in this line of its source in Rust
  callback   the program's own code runs, for this event; its line is beside it.
             One that ran for 10 ms or more says how long it took
  prints     the program's own output
  listen, accept4, connect, recv, send, shutdown, close
             a system call, and its result: so many bytes; EAGAIN, nothing is
             there or no room is left; EINPROGRESS, the kernel goes on by itself
             and reports the socket as writable once it has connected
  A ─I→ B    a state machine went from A to B on input I; where A is left out,
             only the details in parentheses have changed
  tick       work that was put off until what was running had returned: a
             callback, or a step of the library's own
  pending    the phase before the wait, and again after poll, for what the loop
             owes and needs no readiness for, such as the shutdown that follows
             an end. A half that close(2) ends needs no shutdown of its own
  queued by  the line that put this off
  set by     the line that set this timer";

/// How many times the client speaks.
const COUNT: u64 = 3;

pub(crate) struct Settings {
    pub(crate) recorded: Recorded,
    /// The file for a page.
    pub(crate) html: Option<PathBuf>,
    /// The seed of a simulated run.
    pub(crate) seed: Option<Seed>,
}

pub(crate) fn run(settings: &Settings) -> ExitCode {
    match show(settings) {
        Ok(code) => code,
        Err(error) => {
            output::complaint(&format!("netloop demo: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn show(settings: &Settings) -> Result<ExitCode, Error> {
    let course = Course::new(&["netloop", "demo"], settings.seed);
    let recorder = settings.recorded.begin(|file| course.recorder(file))?;
    output::text(LEGEND);
    if let Some(seed) = settings.seed {
        output::text(&simulated(seed));
    }
    let (tell, told) = channel();
    let status = course.play(|event_loop| {
        event_loop.on_trace(tracer(tell, recorder, settings.recorded.payloads));
        start(event_loop)
    })?;
    let recording = course.recording(told.try_iter().collect());
    output::text(&summary(&recording.entries));
    if let Some(path) = &settings.html {
        let node = Beside::read(include_str!("demo/node.txt"));
        write_page(path, &recording, Some(&node)).map_err(Error::new)?;
    }
    if output::is_lost() {
        return Ok(ExitCode::FAILURE);
    }
    Ok(status)
}

/// The server and, once it listens, the client.
fn start(event_loop: &mut Loop) -> Result<(), Error> {
    let servers = server::start(event_loop, server_settings())?;
    event_loop
        .server_at(servers[0])
        .on_listening(move |server| {
            let (id, settings) = (server.id(), client_settings(server.port().unwrap_or(0)));
            let event_loop = server.event_loop();
            let client = client::start(event_loop, settings);
            // However the client fared, no other one comes.
            event_loop.socket_at(client).on_close(move |socket, _| {
                socket.event_loop().server_at(id).close();
            });
        });
    Ok(())
}

/// Prints each record, records it and hands it on; marks each line that the programs print with the program's
/// name.
fn tracer(
    tell: Sender<Entry>,
    mut recorder: Option<Recorder<File>>,
    payloads: usize,
) -> impl FnMut(&Record<'_>) {
    let mut printer = Printer::new(Paint::for_terminal(&io::stdout()), Level::All);
    let mut client = None;
    move |record| {
        let mut entry = Entry::with_payload(record, payloads);
        let name = name(record.subject, &mut client);
        // A closed pipe is no reason to end, as with the lines of the programs.
        output::lines(&printer.lines(&entry, name));
        let program = if name == "client" { "client" } else { "server" };
        entry.prints = output::mark_lines(printer.mark(program));
        if let Some(recorder) = &mut recorder {
            entry.prints.iter().for_each(|line| recorder.prints(line));
            recorder.tell(record);
        }
        let _ = tell.send(entry);
    }
}

/// The name in the trace. The first socket is the client's: none can be accepted before it.
fn name(subject: Subject, client: &mut Option<SocketId>) -> &'static str {
    match subject {
        Subject::Server(_) => "server",
        Subject::Socket(id) if *client.get_or_insert(id) == id => "client",
        Subject::Socket(_) => "accepted",
        _ => "loop",
    }
}

/// The note above a simulated run.
fn simulated(seed: Seed) -> String {
    format!(
        "\n\
This run is simulated, from seed {}: the kernel is in memory, its times are not\n\
those of this machine, and the same seed leads to the same run.",
        seed.number()
    )
}

fn summary(entries: &[Entry]) -> String {
    let count = |kind| entries.iter().filter(|entry| entry.kind == kind).count();
    format!(
        "\n{} turns: {} readiness reports, {} transitions, {} callbacks. Then no socket, no\n\
         server and no timer was left to hold the loop, and it ended by itself.\n\n\
         The lessons explain it step by step: netloop lesson. With --html run.html this\n\
         run becomes a page in which you can step back and forth.",
        entries.last().map_or(0, |last| last.turn),
        count(Kind::Ready),
        count(Kind::Step),
        count(Kind::Callback),
    )
}

fn server_settings() -> server::Settings {
    server::Settings {
        places: vec![Place::Port {
            host: "127.0.0.1".into(),
            port: 0,
        }],
        default: None,
        binding: Binding::default(),
        greeting: server::greeting::Greeting::Text("Welcome".into()),
        is_echo: false,
        admission: server::admission::Admission::default(),
        proxies: server::proxy::Proxies::default(),
        max_connections: None,
        max_owed: None,
        log_rate: None,
        idle_timeout: None,
        keep_alive: None,
        grace: Duration::ZERO,
        drain_timeout: Duration::ZERO,
        metrics: None,
        is_quiet: false,
        told: Told::default(),
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
        connect_timeout: Duration::ZERO,
        goodbye_timeout: Duration::ZERO,
        told: Told::default(),
    }
}
