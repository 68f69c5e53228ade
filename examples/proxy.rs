//! A TCP proxy: each client gets a connection of its own to the target, and bytes pass both ways.
//!
//!     cargo run --example proxy -- 8001 example.org:80
//!
//! `pipe` provides back-pressure: when one side does not read, the other side is not read from either.
//! Both sides are half open, so that the end of one side is passed on to the other.

use std::time::Duration;

use netloop::{ConnectOptions, Error, EventLoop, ServerOptions, Socket, SocketId};

/// How long a pair of connections may be idle before it is cut.
const IDLE: Duration = Duration::from_secs(300);

fn main() -> Result<(), Error> {
    let (port, host, target_port) =
        arguments().ok_or_else(|| Error::new("usage: proxy PORT HOST:PORT"))?;
    let target = ConnectOptions::from((host, target_port)).allow_half_open(true);

    let mut event_loop = EventLoop::new()?;
    // The client is paused until the target is connected.
    let options = ServerOptions::default()
        .allow_half_open(true)
        .pause_on_connect(true);
    event_loop
        .create_server_with(options, move |client| join(client, target.clone()))
        .listen(("127.0.0.1", port), |server| {
            println!("listening on {}..", server.port().expect("a TCP port"));
        })?;
    event_loop.run()
}

fn arguments() -> Option<(u16, String, u16)> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next()?.parse().ok()?;
    let target = arguments.next()?;
    let (host, target_port) = target.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    Some((port, host.to_owned(), target_port.parse().ok()?))
}

fn join(client: &mut Socket<'_>, target: ConnectOptions) {
    let client_id = client.id();
    let server_id = match client.event_loop().connect_to(target) {
        Ok(mut server) => {
            watch(&mut server, client_id);
            server.pipe(client_id);
            server.id()
        }
        Err(error) => {
            client.destroy_with(error);
            return;
        }
    };
    watch(client, server_id);
    client.pipe(server_id);
}

/// What ends one side before its time ends the other as well.
fn watch(socket: &mut Socket<'_>, other: SocketId) {
    socket
        .set_timeout(IDLE)
        .on_timeout(|socket| _ = socket.destroy_with(Error::new("idle")))
        .on_error(|socket, error| eprintln!("{}: {error}", socket.id()))
        .on_close(move |socket, had_error| {
            if had_error == Some(true) {
                socket.event_loop().socket_at(other).destroy();
            }
        });
}
