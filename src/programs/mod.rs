//! Floor 3, the programs: written as a stranger would, against the public API only.

mod arguments;
pub(crate) mod client;
pub(crate) mod demo;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod server;
pub(crate) mod stopping;
pub(crate) mod trace;

/// What the command line asks for.
pub(crate) enum Run {
    Print(String),
    Server(server::Settings),
    Client(client::Settings),
    Demo,
}
