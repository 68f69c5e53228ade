//! The commands and their options.

use std::time::Duration;

use getopts::{Matches, Options};

use super::arguments::{Arguments, Complaint, failure};
use super::{Run, client, server};

const OVERVIEW: &str = "\
Node's net module in Rust, on a mio event loop that shows its working.

Usage: netloop COMMAND [OPTIONS]

Commands:
    server    greets each client and prints what it sends
    client    connects, and sends a message at each tick
    demo      server and client in one process, on one loop, with a trace

    netloop COMMAND --help    the options of a command
    netloop --help            this text
    netloop --version         the version

Exit status: 0 after a clean end, 1 after an error, when a connection was cut or
fewer messages were sent than --count, 2 for wrong usage; 129, 130 or 143 when
SIGHUP, SIGINT or SIGTERM ended the program at once.
The log goes to standard error; RUST_LOG=info, debug or trace shows more of it.
";

const SERVER_NOTES: &str = "
DUR is 200ms, 1s, 2m, or a bare number of milliseconds.

On SIGINT, SIGTERM or SIGHUP the server serves the clients that have connected,
stops listening and ends its half of each open connection (with --echo it waits
for the clients to end theirs). Connections still open after --drain-timeout are
cut, and the exit status is 1. A second SIGINT or SIGTERM ends the server at
once, with status 130 or 143. SIGHUP has no effect if it was ignored at the
start (nohup).

While the server lives it holds PATH.lock beside the socket at PATH. By this
lock the next server can tell the socket of a killed one, and takes its place.
";

const CLIENT_NOTES: &str = "
DUR is 200ms, 1s, 2m, or a bare number of milliseconds.

After the last message the client ends its half and waits for the server's end
until --goodbye-timeout; on SIGINT, SIGTERM or SIGHUP it does so at once. A
second SIGINT or SIGTERM ends it at once, and so does the first signal while it
is not connected or waits for the server's end already: with status 130
(SIGINT), 143 (SIGTERM) or 129 (SIGHUP). SIGHUP has no effect if it was ignored
at the start (nohup).
";

pub(crate) fn parse(arguments: &[String]) -> Result<Run, Complaint> {
    let command = arguments.first().map(String::as_str);
    let rest = arguments.get(1..).unwrap_or_default();
    match command {
        Some("server") => parse_server(rest),
        Some("client") => parse_client(rest),
        Some("demo") => parse_demo(rest),
        Some("help") if !rest.is_empty() => parse(&[rest[0].clone(), "--help".into()]),
        Some("--help" | "-h" | "help") => Ok(Run::Print(OVERVIEW.into())),
        Some("--version" | "-V") => Ok(Run::Print(version())),
        Some(other) => Err(format!(
            "netloop: {other:?} is not a command (server, client or demo; see netloop --help)"
        )),
        None => {
            Err("netloop: a command is missing (server, client or demo; see netloop --help)".into())
        }
    }
}

fn version() -> String {
    format!("netloop {}", env!("CARGO_PKG_VERSION"))
}

fn server_options() -> Options {
    let mut options = place("127.0.0.1", "the port (8000); 0 takes any free one");
    options.optopt("", "welcome", "the greeting; '' for none (Welcome)", "TEXT");
    options.optflag("", "echo", "send back what clients send");
    options.optopt(
        "",
        "max-connections",
        "drop connections beyond N (no limit)",
        "N",
    );
    options.optopt(
        "",
        "idle-timeout",
        "close connections idle for this long (0: never)",
        "DUR",
    );
    options.optopt(
        "",
        "drain-timeout",
        "how long a stop waits for connections (10s)",
        "DUR",
    );
    options.optflag("", "quiet", "print nothing for connections and chunks");
    trace_and_help(&mut options);
    options
}

fn parse_server(arguments: &[String]) -> Result<Run, Complaint> {
    let found = match read("server", &server_options(), arguments)? {
        Ok(found) => found,
        Err(help) => return Ok(Run::Print(help + SERVER_NOTES)),
    };
    let argument = Arguments {
        command: "server",
        found: &found,
    };
    Ok(Run::Server(server::Settings {
        host: argument.host()?.unwrap_or_else(|| "127.0.0.1".into()),
        port: argument.port()?.unwrap_or(8000),
        path: argument.path()?,
        welcome: argument.text("welcome").unwrap_or_else(|| "Welcome".into()),
        is_echo: found.opt_present("echo"),
        max_connections: argument.number("max-connections")?,
        idle_timeout: argument.duration("idle-timeout")?,
        drain_timeout: argument
            .duration("drain-timeout")?
            .unwrap_or(Duration::from_secs(10)),
        is_quiet: found.opt_present("quiet"),
        is_traced: found.opt_present("trace"),
    }))
}

fn parse_client(arguments: &[String]) -> Result<Run, Complaint> {
    let mut options = place("localhost", "the port (8000)");
    options.optopt(
        "",
        "message",
        "the message to send at each tick (hi)",
        "TEXT",
    );
    options.optopt("", "interval", "the time between ticks (1000ms)", "DUR");
    options.optopt("", "count", "end after N messages (never)", "N");
    options.optopt(
        "",
        "connect-timeout",
        "how long to wait for the connection (10s; 0: for ever)",
        "DUR",
    );
    options.optopt(
        "",
        "goodbye-timeout",
        "how long to wait for the server's end (2s; 0: for ever)",
        "DUR",
    );
    trace_and_help(&mut options);
    let found = match read("client", &options, arguments)? {
        Ok(found) => found,
        Err(help) => return Ok(Run::Print(help + CLIENT_NOTES)),
    };
    let argument = Arguments {
        command: "client",
        found: &found,
    };
    Ok(Run::Client(client::Settings {
        host: argument.host()?.unwrap_or_else(|| "localhost".into()),
        port: argument.peer_port()?.unwrap_or(8000),
        path: argument.path()?,
        message: argument.text("message").unwrap_or_else(|| "hi".into()),
        interval: argument
            .duration("interval")?
            .unwrap_or(Duration::from_secs(1)),
        count: argument.number("count")?,
        connect_timeout: argument
            .duration("connect-timeout")?
            .unwrap_or(Duration::from_secs(10)),
        goodbye_timeout: argument
            .duration("goodbye-timeout")?
            .unwrap_or(Duration::from_secs(2)),
        is_traced: found.opt_present("trace"),
    }))
}

fn parse_demo(arguments: &[String]) -> Result<Run, Complaint> {
    let mut options = Options::new();
    options.optflag("h", "help", "print this text");
    match read("demo", &options, arguments)? {
        Ok(_) => Ok(Run::Demo),
        Err(help) => Ok(Run::Print(help)),
    }
}

/// The options that say where to listen or to connect.
fn place(host: &str, port: &str) -> Options {
    let mut options = Options::new();
    options.optopt("", "host", &format!("the host ({host})"), "HOST");
    options.optopt("", "port", port, "PORT");
    options.optopt(
        "",
        "path",
        "a Unix-domain socket, instead of host and port",
        "PATH",
    );
    options
}

fn trace_and_help(options: &mut Options) {
    options.optflag("", "trace", "print on standard error what the loop does");
    options.optflag("h", "help", "print this text");
}

/// What was found, or the help that was asked for.
fn read(
    command: &str,
    options: &Options,
    arguments: &[String],
) -> Result<Result<Matches, String>, Complaint> {
    let see = format!("see netloop {command} --help");
    let found = options
        .parse(arguments)
        .map_err(|fail| format!("netloop {command}: {} ({see})", failure(fail)))?;
    if found.opt_present("help") {
        let usage = format!("Usage: netloop {command} [OPTIONS]");
        return Ok(Err(options.usage(&usage)));
    }
    match found.free.first() {
        Some(free) => Err(format!(
            "netloop {command}: {free:?} is not an option ({see})"
        )),
        None => Ok(Ok(found)),
    }
}
