//! A client's address: that of its peer, unless a proxy names another.

use std::net::SocketAddr;

use netloop::Socket;

/// A peer on a Unix-domain socket has no address.
const NAMELESS: &str = "somebody";

/// What a proxy has told of its client: kept by the socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Route {
    pub(super) client: SocketAddr,
    /// Where the client has connected to.
    pub(super) destination: SocketAddr,
}

/// What the proxy at the other end has told, if it is one and has.
pub(super) fn route(socket: &Socket<'_>) -> Option<Route> {
    socket.data().copied()
}

/// The client's address, if it has one.
pub(super) fn client(socket: &mut Socket<'_>) -> Option<SocketAddr> {
    match route(socket) {
        Some(route) => Some(route.client),
        None => socket.peer(),
    }
}

/// The client in the output: its address, without the prefix of one that is mapped into IPv6.
pub(super) fn shown(socket: &mut Socket<'_>) -> String {
    client(socket).map_or_else(
        || NAMELESS.into(),
        |client| client.ip().to_canonical().to_string(),
    )
}

/// The client in the log, and the proxy if there is one.
pub(super) fn logged(socket: &mut Socket<'_>) -> String {
    let name = named(client(socket));
    match route(socket) {
        Some(_) => format!("{name}, by {}", named(socket.peer())),
        None => name,
    }
}

/// An address in the log.
pub(super) fn named(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| NAMELESS.into(), |address| address.to_string())
}
