//! The commands and their options.

use super::super::lessons;
use super::choices::{HELP, HTML, PATH, PAYLOADS, RECORD, SEED, TRACE, choice};
use super::server::SERVER;
use super::{Command, Group, Operand, Value};

pub(crate) const COMMANDS: &[Command] = &[
    SERVER,
    CLIENT,
    Command {
        name: "demo",
        summary: "server and client in one process, on one loop, with a trace",
        operand: Operand::None,
        groups: &[Group {
            title: "Options",
            options: &[RECORD, PAYLOADS, HTML, SEED, HELP],
        }],
        notes: "\
With --seed the run and its page are the same each time, whatever the machine
does meanwhile. That takes a program built with the feature sim:
cargo run --release --features sim -- demo --seed 7
",
    },
    SHOW,
    Command {
        name: "lesson",
        summary: "teaches how an event loop works, by programs that it runs",
        operand: Operand::Name(&lessons::NAMES),
        groups: &[Group {
            title: "Options",
            options: &[
                choice(
                    "lang",
                    Value::Language,
                    "the language, en or ko; the run stays in English",
                ),
                RECORD,
                PAYLOADS,
                HTML,
                SEED,
                choice(
                    "wire",
                    Value::Path,
                    "run a lesson about the wire on one with this log",
                ),
                choice(
                    "live",
                    Value::None,
                    "run the lesson edge against examples/reactor.rs on port 8000",
                ),
                HELP,
            ],
        }],
        notes: "\
Without a name it lists the lessons. Each has a question, a program in
JavaScript and in Rust, and a run of it; at a terminal the run waits for Enter.
What the lesson says of the run is checked on that run: if something did not
show, the exit status is 1. The lessons lost and handshake need a wire that
loses segments, and edge a server that forgets; without --wire or --live they
show a run that was recorded. With --seed a run and its page are the same each
time; that takes a program built with the feature sim:
cargo run --release --features sim -- lesson ready --seed 7
",
    },
    Command {
        name: "unit",
        summary: "prints the units that run the server under systemd",
        operand: Operand::Word(&["service", "socket"]),
        groups: JUST_HELP,
        notes: "\
With a word it prints that unit alone, as a file for /etc/systemd/system. The
service listens on 127.0.0.1:8000 by itself; with the socket unit, systemd
listens and hands the socket over.
",
    },
    Command {
        name: "man",
        summary: "prints the manual page, for man -l -",
        operand: Operand::None,
        groups: JUST_HELP,
        notes: "",
    },
    Command {
        name: "completions",
        summary: "prints the completions of a shell",
        operand: Operand::Word(&["bash", "zsh", "fish"]),
        groups: JUST_HELP,
        notes: "\
    netloop completions bash > /etc/bash_completion.d/netloop
    netloop completions zsh > /usr/local/share/zsh/site-functions/_netloop
    netloop completions fish > ~/.config/fish/completions/netloop.fish
",
    },
];

const JUST_HELP: &[Group] = &[Group {
    title: "Options",
    options: &[HELP],
}];

const CLIENT: Command = Command {
    name: "client",
    summary: "connects, and sends a message at each tick",
    operand: Operand::None,
    groups: &[
        Group {
            title: "Where it connects",
            options: &[
                choice("host", Value::Host, "the host (localhost)"),
                choice("port", Value::Port, "the port (8000)"),
                PATH,
                choice(
                    "connect-timeout",
                    Value::Duration,
                    "how long to try to connect (10s; 0: for ever)",
                ),
            ],
        },
        Group {
            title: "What it sends",
            options: &[
                choice(
                    "message",
                    Value::Text,
                    "the message to send at each tick (hi)",
                ),
                choice("interval", Value::Duration, "the time between ticks (1s)"),
                choice("count", Value::Number, "end after N messages (never)"),
                choice(
                    "goodbye-timeout",
                    Value::Duration,
                    "how long to await the server's end (2s; 0: for ever)",
                ),
            ],
        },
        Group {
            title: "What it tells",
            options: &[TRACE, RECORD, PAYLOADS, HELP],
        },
    ],
    notes: "\
DUR is 200ms, 1s, 1h30m, or a bare number of milliseconds.

After the last message the client ends its half and waits for the server's end
until --goodbye-timeout; on SIGINT, SIGTERM or SIGHUP it does so at once. A
second SIGINT or SIGTERM ends it at once, and so does the first signal while it
is not connected or waits for the server's end already: with status 130
(SIGINT), 143 (SIGTERM) or 129 (SIGHUP). SIGHUP has no effect if it was ignored
at the start (nohup).
",
};

const SHOW: Command = Command {
    name: "show",
    summary: "prints a recording: what happened, why, and what waits",
    operand: Operand::File,
    groups: &[Group {
        title: "Options",
        options: &[
            choice("all", Value::None, "also the steps of states, and ticks"),
            choice(
                "only",
                Value::Who,
                "only this: client, accepted, server, loop, socket#7",
            ),
            choice(
                "turns",
                Value::Turns,
                "only these turns: 3..5, 3.., ..5 or 3",
            ),
            HTML,
            choice(
                "perfetto",
                Value::Path,
                "write it to a file as a trace, for ui.perfetto.dev",
            ),
            HELP,
        ],
    }],
    notes: "\
FILE is what --record has written, or - for standard input. Each line has the
number of its record, and is indented under the line during which it happened;
if another line led to it, that one is named: (queued by 23). With --only and
--turns the lines that led to those that are shown are printed, too. What many
sockets do alike is printed for the first of them. The end tells what waits and
why it has not run yet, and what holds the loop. What the program printed is
shown if it is a lesson or the demo: otherwise that may be what peers have sent.
The words of the lines are explained at the head of netloop demo. The lines of
the program are those of its source in Rust. A callback that ran for 10 ms or
more says how long it took, a call that answered false says so.
If a wire was recorded, too (netloop lesson lost), its segments stand between
the lines by their time, but not with --only.

The page that --html writes instead is one file, which opens in a browser and
needs no network. It has the whole recording, up to 200000 records. For more,
the trace that --perfetto writes instead is to be opened at ui.perfetto.dev.

If the file is damaged, what came before is shown, and the exit status is 1.
",
};

/// The line about the program.
pub(crate) const SUMMARY: &str =
    "Node's net module in Rust, on a mio event loop that shows its working";

pub(crate) const EXIT_STATUS: &str = "\
Exit status: 0 after a clean end, 1 after an error, when a connection was cut or
fewer messages were sent than --count, 2 for wrong usage; 129, 130 or 143 when
SIGHUP, SIGINT or SIGTERM ended the program at once.
";

pub(crate) const ENVIRONMENT: &str = "\
The log goes to standard error; RUST_LOG=info, debug or trace shows more of it.
";
