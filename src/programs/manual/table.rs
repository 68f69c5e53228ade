//! The commands and their options.

use super::super::lessons;
use super::{Choice, Command, Group, Operand, Value};

const fn choice(name: &'static str, value: Value, help: &'static str) -> Choice {
    Choice {
        name,
        value,
        help,
        is_repeated: false,
    }
}

const fn repeated(name: &'static str, value: Value, help: &'static str) -> Choice {
    Choice {
        is_repeated: true,
        ..choice(name, value, help)
    }
}

const HELP: Choice = choice("help", Value::None, "print this text");
const TRACE: Choice = choice(
    "trace",
    Value::None,
    "print on standard error what the loop does",
);
const PATH: Choice = choice(
    "path",
    Value::Path,
    "a Unix-domain socket, instead of host and port",
);
const HTML: Choice = choice(
    "html",
    Value::Path,
    "write it to a file as a page, to step through",
);
const RECORD: Choice = choice(
    "record",
    Value::Path,
    "write what the loop does, as JSON Lines",
);
const PAYLOADS: Choice = choice(
    "payloads",
    Value::Bytes,
    "record the first BYTES of each write and chunk",
);

pub(crate) const COMMANDS: &[Command] = &[
    SERVER,
    CLIENT,
    Command {
        name: "demo",
        summary: "server and client in one process, on one loop, with a trace",
        operand: Operand::None,
        groups: &[Group {
            title: "Options",
            options: &[RECORD, PAYLOADS, HTML, HELP],
        }],
        notes: "",
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
show a run that was recorded.
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

const SERVER: Command = Command {
    name: "server",
    summary: "greets each client and prints what it sends",
    operand: Operand::None,
    groups: &[
        Group {
            title: "Where it listens",
            options: &[
                choice("host", Value::Host, "the host (127.0.0.1)"),
                choice("port", Value::Port, "the port (8000); 0 takes any free one"),
                PATH,
                repeated(
                    "listen",
                    Value::Address,
                    "tcp:HOST:PORT or unix:PATH; may be repeated",
                ),
                repeated(
                    "proxy-protocol",
                    Value::Addresses,
                    "trust PROXY headers of these, or of unix",
                ),
                choice(
                    "mode",
                    Value::Mode,
                    "the mode of socket files, such as 0660",
                ),
                choice(
                    "backlog",
                    Value::Number,
                    "connections that wait to be accepted (511)",
                ),
                choice(
                    "reuse-port",
                    Value::None,
                    "share the port with other processes",
                ),
            ],
        },
        Group {
            title: "What it does",
            options: &[
                choice(
                    "welcome",
                    Value::Text,
                    "the greeting; '' for none (Welcome)",
                ),
                choice(
                    "whoami",
                    Value::None,
                    "greet with our host and the client's address",
                ),
                choice("echo", Value::None, "send back what clients send"),
            ],
        },
        Group {
            title: "Limits",
            options: &[
                choice(
                    "max-connections",
                    Value::Number,
                    "drop connections beyond N (no limit)",
                ),
                choice(
                    "max-connections-per-peer",
                    Value::Number,
                    "the same for each address, or IPv6 /64",
                ),
                repeated(
                    "allow",
                    Value::Addresses,
                    "serve only these addresses; may be repeated",
                ),
                repeated(
                    "deny",
                    Value::Addresses,
                    "serve all but these; may be repeated",
                ),
                choice(
                    "max-owed",
                    Value::Bytes,
                    "reset those owed most beyond this (no limit)",
                ),
                choice(
                    "idle-timeout",
                    Value::Duration,
                    "close connections idle this long (0: never)",
                ),
                choice(
                    "keep-alive",
                    Value::Duration,
                    "probe silent peers after this long (never)",
                ),
            ],
        },
        Group {
            title: "How it stops",
            options: &[
                choice(
                    "grace",
                    Value::Duration,
                    "serve on for this long before a stop (0)",
                ),
                choice(
                    "drain-timeout",
                    Value::Duration,
                    "how long a stop waits for connections (10s)",
                ),
            ],
        },
        Group {
            title: "What it tells",
            options: &[
                choice(
                    "metrics",
                    Value::Address,
                    "serve /metrics and /healthz at this address",
                ),
                choice(
                    "log-rate",
                    Value::Number,
                    "log N lines a second, count the rest",
                ),
                choice(
                    "quiet",
                    Value::None,
                    "print nothing for connections and chunks",
                ),
                TRACE,
                RECORD,
                PAYLOADS,
                HELP,
            ],
        },
    ],
    notes: "\
DUR is 200ms, 1s, 1h30m or milliseconds; BYTES is 64M; CIDR is 10.0.0.0/8.

SIGINT, SIGTERM or SIGHUP: for the time of --grace the server serves on, while
/healthz answers 503. Then it serves the clients that have connected, stops
listening and ends its half of each open connection (with --echo it waits for
the clients to end theirs). Those still open after --drain-timeout are cut, and
the exit status is 1. A second SIGINT or SIGTERM ends it at once. SIGHUP has no
effect if it was ignored at the start (nohup). SIGUSR1 has it report.

It also serves the sockets that systemd passes (netloop unit). By PATH.lock
beside its socket, the next server takes the place of one that was killed.
",
};

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
