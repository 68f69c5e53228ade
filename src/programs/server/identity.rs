//! Who a client is: the peer of its connection, unless a proxy says otherwise.

use std::net::SocketAddr;

use netloop::Socket;

/// A peer on a Unix-domain socket has no address.
const NAMELESS: &str = "somebody";

/// The client's address, as its proxy has told it: kept by the socket.
struct Client(SocketAddr);

/// From now on this is the client at the other end, behind a proxy.
pub(super) fn set_client(socket: &mut Socket<'_>, client: SocketAddr) {
    socket.set_data(Client(client));
}

/// The client's address, if it has one.
pub(super) fn client(socket: &mut Socket<'_>) -> Option<SocketAddr> {
    match socket.data() {
        Some(Client(client)) => Some(*client),
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
    match socket.data::<Client>().is_some() {
        true => format!("{name}, by {}", named(socket.peer())),
        false => name,
    }
}

/// An address in the log.
pub(super) fn named(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| NAMELESS.into(), |address| address.to_string())
}
