//! Floor 4, the programs: written against the public API only, as any user would.

mod arguments;
mod claim;
pub(crate) mod client;
mod course;
pub(crate) mod demo;
mod descriptors;
pub(crate) mod lessons;
pub(crate) mod log;
mod manual;
pub(crate) mod options;
pub(crate) mod output;
mod printer;
pub(crate) mod server;
pub(crate) mod show;
pub(crate) mod stopping;
pub(crate) mod trace;
mod writer;

use std::process::ExitCode;

use netloop::Loop;

/// Makes the program end with status 1, which its loop remembers.
fn fail(event_loop: &mut Loop) {
    event_loop.set_data(ExitCode::FAILURE);
}

/// The status to end with.
fn status(event_loop: &Loop) -> ExitCode {
    event_loop.data().copied().unwrap_or(ExitCode::SUCCESS)
}

/// What the command line asks for.
pub(crate) enum Run {
    Print(String),
    Server(Box<server::Settings>),
    Client(client::Settings),
    Demo(demo::Settings),
    Lesson(lessons::Settings),
    Show(show::Settings),
}
