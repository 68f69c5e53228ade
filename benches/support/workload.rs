//! What the client does to a server: the workloads by name.

/// One way to load an echo server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    /// The name, as a filter wants it.
    pub(crate) name: &'static str,
    /// The same in words.
    pub(crate) title: &'static str,
    /// How many connections at a time.
    pub(crate) connections: usize,
    /// Bytes of a message.
    pub(crate) message: usize,
    /// Messages that each connection has under way.
    pub(crate) in_flight: usize,
    /// Whether each message has a connection of its own: connect, echo, close.
    pub(crate) churn: bool,
}

impl Workload {
    const fn echo(
        name: &'static str,
        title: &'static str,
        connections: usize,
        message: usize,
    ) -> Workload {
        Workload {
            name,
            title,
            connections,
            message,
            in_flight: 1,
            churn: false,
        }
    }
}

/// One connection, one message under way.
pub(crate) const SINGLE: Workload = Workload::echo("c1", "16 B on 1 connection", 1, 16);

/// One hundred connections: the workload by which growth is judged.
pub(crate) const HUNDRED: Workload = Workload::echo("c100", "16 B on 100 connections", 100, 16);

/// Ten thousand connections: more than one process may hold to two servers.
pub(crate) const TEN_THOUSAND: Workload =
    Workload::echo("c10000", "16 B on 10 000 connections", 10_000, 16);

/// Streaming both ways; a message is one write of the client.
pub(crate) const STREAM: Workload = Workload {
    in_flight: 4,
    ..Workload::echo(
        "stream",
        "64 KiB streaming both ways, 10 connections",
        10,
        64 * 1024,
    )
};

/// Connections that come and go; a message is a connection.
pub(crate) const CHURN: Workload = Workload {
    churn: true,
    ..Workload::echo("churn", "connect, echo 16 B, close; 50 at a time", 50, 16)
};

/// All of them, in the order of the table.
pub(crate) const ALL: [Workload; 10] = [
    SINGLE,
    Workload::echo("c10", "16 B on 10 connections", 10, 16),
    HUNDRED,
    Workload::echo("c1000", "16 B on 1000 connections", 1000, 16),
    TEN_THOUSAND,
    Workload::echo("1k", "1 KiB on 100 connections", 100, 1024),
    Workload::echo("16k", "16 KiB on 100 connections", 100, 16 * 1024),
    Workload {
        in_flight: 16,
        ..Workload::echo("pipe16", "16 B, 16 in flight, 100 connections", 100, 16)
    },
    STREAM,
    CHURN,
];
