//! The server of the pair: it greets each client, prints what it sends, and says when it leaves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use netloop::{Error, EventLoop, ListenOptions, Loop, Server, ServerId, ServerOptions, Socket};

use super::{fail, output, status, stopping, trace};

/// How many connections the server accepts a turn: it prefers throughput to Node's interleaving.
const ACCEPTS_PER_TURN: usize = 64;

/// How much it reads in one call, for the same reason.
const READ_BUFFER: usize = 128 * 1024;

/// How much it reads of a socket in a turn: a peer that floods it gets one read, then the others
/// are served.
const READ_BURST: usize = READ_BUFFER;

/// A peer on a Unix-domain socket has no address.
const NAMELESS: &str = "somebody";

pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: Option<PathBuf>,
    pub(crate) welcome: String,
    pub(crate) is_echo: bool,
    pub(crate) max_connections: Option<usize>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) drain_timeout: Duration,
    pub(crate) is_quiet: bool,
    pub(crate) is_traced: bool,
}

pub(crate) fn run(settings: Settings) -> ExitCode {
    match serve(settings) {
        Ok(code) => code,
        Err(error) => {
            output::complaint(&format!("netloop server: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: Settings) -> Result<ExitCode, Error> {
    let mut event_loop = EventLoop::new()?;
    if settings.is_traced {
        event_loop.on_trace(trace::to_stderr());
    }
    event_loop.set_read_buffer(READ_BUFFER);
    event_loop.set_read_burst(READ_BURST);
    let (drain_timeout, is_echo) = (settings.drain_timeout, settings.is_echo);
    let place = place(&settings);
    let server = create(&mut event_loop, settings).id();
    stopping::on_request(&mut event_loop, move |event_loop, _| {
        stop_accepting(event_loop, server, is_echo);
        cut_after(event_loop, server, drain_timeout);
    })?;
    // Not before signals are heard, or one could leave the file of a path behind.
    listen(&mut event_loop.server_at(server), place)?;
    event_loop.run()?;
    Ok(status(&event_loop))
}

/// Starts the server on a loop.
pub(crate) fn start(event_loop: &mut Loop, settings: Settings) -> Result<ServerId, Error> {
    let place = place(&settings);
    let mut server = create(event_loop, settings);
    listen(&mut server, place)?;
    Ok(server.id())
}

fn place(settings: &Settings) -> ListenOptions {
    match &settings.path {
        Some(path) => path.into(),
        None => (settings.host.clone(), settings.port).into(),
    }
}

fn listen(server: &mut Server<'_>, place: ListenOptions) -> Result<(), Error> {
    server.listen(place, |server| {
        output::line(&format!("listening on {}..", place_of(server)));
        if let Some(address) = server.address() {
            log::info!("listening on {address}");
        }
    })?;
    Ok(())
}

fn create(event_loop: &mut Loop, settings: Settings) -> Server<'_> {
    let max_connections = settings.max_connections;
    let is_at_path = settings.path.is_some();
    let is_quiet = settings.is_quiet;
    let options = ServerOptions::default()
        .accepts_per_turn(ACCEPTS_PER_TURN)
        .no_delay(true);
    let mut server = event_loop.create_server_with(options, move |socket| {
        connected(socket, &settings);
    });
    server
        .set_max_connections(max_connections)
        .on_error(move |server, error| {
            output::line(&format!("Err {error}"));
            log::error!("{error}");
            if is_at_path && error.code() == Some("EADDRINUSE") {
                let path = error.address().unwrap_or_default();
                log::error!("{path}: if no server is listening there, remove the file");
            }
            fail(server.event_loop());
        })
        .on_drop(move |_, dropped| {
            if !is_quiet {
                let peer = named(dropped.and_then(|dropped| dropped.remote));
                log::info!("{peer}: dropped, the limit of connections is reached");
            }
        });
    server
}

/// Somebody has connected.
fn connected(socket: &mut Socket<'_>, settings: &Settings) {
    log::debug!("{}: {}", socket.id(), named(socket.peer()));
    if !settings.is_quiet {
        output::line(&format!("{} connected.", peer_of(socket)));
        socket.on_data(|_, chunk| output::line(&output::buffer(chunk)));
        socket.on_close(|_, _| output::line("client disconnected"));
    }
    if settings.is_echo {
        socket.on_data(echo);
    } else if settings.is_quiet {
        socket.resume();
    }
    socket.on_error(|socket, error| log::info!("{}: {error}", socket.id()));
    if let Some(timeout) = settings.idle_timeout {
        socket.set_timeout(timeout).on_timeout(|socket| {
            log::info!("{}: idle, closed", socket.id());
            socket.destroy();
        });
    }
    if !settings.welcome.is_empty() {
        socket.write(&settings.welcome);
    }
}

/// Sends back what came. Who does not read is not read from either, so that what he is owed
/// cannot grow.
fn echo(socket: &mut Socket<'_>, chunk: &[u8]) {
    if !socket.write(chunk) {
        socket.pause().once_drain(|socket| {
            socket.resume();
        });
    }
}

/// Stops accepting, and ends its half of what is open. An echo does not: what its peers have sent
/// must come back until they end themselves (RFC 862).
fn stop_accepting(event_loop: &mut Loop, server: ServerId, is_echo: bool) {
    let open = event_loop.server_at(server).close().sockets();
    log::info!("stopping; open connections: {}", open.len());
    if !is_echo {
        for socket in open {
            event_loop.socket_at(socket).end();
        }
    }
}

/// Cuts what is left when the time is up.
fn cut_after(event_loop: &mut Loop, server: ServerId, timeout: Duration) {
    let timer = event_loop.set_timeout(timeout, move |event_loop| {
        for socket in event_loop.server_at(server).sockets() {
            log::warn!("{socket}: cut");
            fail(event_loop);
            event_loop.socket_at(socket).destroy();
        }
    });
    event_loop.unref_timer(timer);
}

/// The port, or the path.
fn place_of(server: &Server<'_>) -> String {
    match server.port() {
        Some(port) => port.to_string(),
        None => server
            .path()
            .map_or_else(String::new, |path| path.display().to_string()),
    }
}

/// The peer's address, without the prefix of one that is mapped into IPv6.
fn peer_of(socket: &mut Socket<'_>) -> String {
    socket.remote_address().map_or_else(
        || NAMELESS.into(),
        |address| address.to_canonical().to_string(),
    )
}

/// Who that is, for the log.
fn named(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| NAMELESS.into(), |peer| peer.to_string())
}
