//! The command `server` and its options.

use super::choices::{HELP, PATH, PAYLOADS, RECORD, TRACE, choice, repeated};
use super::{Command, Group, Operand, Value};

pub(super) const SERVER: Command = Command {
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
