//! What a client is greeted with.

use std::borrow::Cow;
use std::fmt::Write;

use netloop::Socket;
use rustix::system::uname;

use super::identity;

pub(crate) enum Greeting {
    /// This text; none if it is empty.
    Text(String),
    /// The server's name and the client's address, for tests of load balancers.
    Whoami,
}

impl Greeting {
    pub(super) fn text(&self, socket: &mut Socket<'_>) -> Cow<'_, str> {
        match self {
            Greeting::Text(text) => text.into(),
            Greeting::Whoami => who(socket).into(),
        }
    }
}

/// Where the client was accepted.
fn place(socket: &mut Socket<'_>) -> String {
    let server = socket.server();
    let path = server.and_then(|id| {
        socket
            .event_loop()
            .server_at(id)
            .path()
            .map(ToOwned::to_owned)
    });
    match path {
        Some(path) => path.display().to_string(),
        None => identity::named(socket.address()),
    }
}

/// A line for each thing that is known.
fn who(socket: &mut Socket<'_>) -> String {
    let (mut text, name, place) = (String::new(), uname(), place(socket));
    let mut line = |what: &str, value: &str| _ = writeln!(text, "{what}: {value}");
    line("Hostname", &name.nodename().to_string_lossy());
    line("Process", &std::process::id().to_string());
    line("Server", &place);
    line("Client", &identity::named(identity::client(socket)));
    if let Some(route) = identity::route(socket) {
        line("Proxy", &identity::named(socket.peer()));
        line("Destination", &route.destination.to_string());
    }
    text
}
