//! The commands and their options.

use std::time::Duration;

use getopts::{Matches, Options};

use super::arguments::{Arguments, Complaint, failure};
use super::{Run, client, server};

const OVERVIEW: &str = "\
Node's net module on a mio reactor that shows its working.

Usage: netloop COMMAND [OPTIONS]

Commands:
    server    greets who connects, and prints what comes
    client    connects, and says something at each tick
    demo      both of them in one process, on one loop, with the trace of what happens

    netloop COMMAND --help    the options of one
    netloop --help            this text
    netloop --version         the version

Durations are 200ms, 1s, 2m, or a bare number of milliseconds.
Exit status: 0 after a clean end, 1 after an error or a cut, 2 for wrong usage,
130 or 143 after a second SIGINT or SIGTERM.
What goes on is logged on standard error: RUST_LOG=info, debug or trace.
";

const SERVER_NOTES: &str = "
DUR is 200ms, 1s, 2m, or a bare number of milliseconds.

SIGINT and SIGTERM stop accepting, end the server's half of the open connections
(with --echo that is left to the peers) and let them finish, at most for the
drain timeout; those that are left are then cut, and the exit status is 1.
A second signal ends at once, with 130 (SIGINT) or 143 (SIGTERM).

A path must be free: a file that a killed server has left there is to be removed
first.
";

const CLIENT_NOTES: &str = "
DUR is 200ms, 1s, 2m, or a bare number of milliseconds.

SIGINT and SIGTERM end the client's half, as after the last message, and give the
server two seconds to end its own. A second signal ends at once, with 130 (SIGINT)
or 143 (SIGTERM).
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
        None => Err("netloop: which command? (server, client or demo; see netloop --help)".into()),
    }
}

fn version() -> String {
    format!("netloop {}", env!("CARGO_PKG_VERSION"))
}

fn parse_server(arguments: &[String]) -> Result<Run, Complaint> {
    let mut options = place("127.0.0.1", "the port (8000); 0 is any free one");
    options.optopt(
        "",
        "welcome",
        "what to greet with; '' greets nobody (Welcome)",
        "TEXT",
    );
    options.optflag("", "echo", "send back what comes");
    options.optopt(
        "",
        "max-connections",
        "drop connections beyond N (no limit)",
        "N",
    );
    options.optopt(
        "",
        "idle-timeout",
        "close connections that are silent for so long (0: never)",
        "DUR",
    );
    options.optopt(
        "",
        "drain-timeout",
        "how long a signal lets connections finish (10s)",
        "DUR",
    );
    options.optflag("", "quiet", "print no line per connection or chunk");
    trace_and_help(&mut options);
    let found = match read("server", &options, arguments)? {
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
    options.optopt("", "message", "what to say at each tick (hi)", "TEXT");
    options.optopt("", "interval", "the time between two ticks (1000ms)", "DUR");
    options.optopt("", "count", "end after N messages (never)", "N");
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
        "the path of a Unix-domain socket, in place of host and port",
        "PATH",
    );
    options
}

fn trace_and_help(options: &mut Options) {
    options.optflag("", "trace", "tell on standard error what the loop does");
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
