//! The server of the pair: it greets each client, prints what it sends, and says when it leaves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use netloop::state::server::State;
use netloop::{Error, EventLoop, ListenOptions, Loop, Server, ServerId, ServerOptions, Socket};

use super::{claim, descriptors, fail, output, status, stopping, trace};

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
    output::is_live();
    let stop = Stop::of(&settings);
    let place = place(&settings);
    let server = create(&mut event_loop, settings).id();
    stopping::on_request(&mut event_loop, move |event_loop, _| {
        stop.begin(event_loop, server);
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
        Some(path) => claim::at(path),
        None => (settings.host.clone(), settings.port).into(),
    }
}

fn listen(server: &mut Server<'_>, place: ListenOptions) -> Result<(), Error> {
    server.listen(place, |server| {
        match descriptors::left() {
            // It would listen, and never serve anybody.
            Err(error) => {
                server.close();
                return failed(
                    server,
                    &format!("no descriptor for a connection: dup: {error}"),
                );
            }
            Ok(left) => warn_of_limit(server.max_connections(), left),
        }
        output::line(&format!("listening on {}..", place_of(server)));
        if let Some(address) = server.address() {
            log::info!("listening on {address}");
        }
    })?;
    claim::stake(server);
    Ok(())
}

/// More connections were allowed than there can be.
fn warn_of_limit(allowed: Option<usize>, left: Option<usize>) {
    if let (Some(allowed), Some(left)) = (allowed, left)
        && allowed > left
    {
        log::warn!("--max-connections {allowed}: there are descriptors for {left} (ulimit -n)");
    }
}

fn failed(server: &mut Server<'_>, words: &str) {
    output::line(&format!("Err {words}"));
    log::error!("{words}");
    fail(server.event_loop());
}

/// The server has an error: it could not listen, or cannot accept any more.
fn told_of(server: &mut Server<'_>, error: &Error, path: Option<&Path>, stop: Stop) {
    let mut advice = None;
    if let Some(path) = path {
        match error.code() {
            Some("EADDRINUSE") => match claim::take_over(server, path) {
                Ok(()) => return,
                Err(reason) => advice = Some(reason),
            },
            Some("EACCES") if path.parent().is_some_and(is_missing) => {
                advice = Some("there is no such folder".into());
            }
            _ => {}
        }
    }
    failed(server, &error.to_string());
    if let (Some(path), Some(advice)) = (path, advice) {
        log::error!("{}: {advice}", path.display());
    }
    if server.is_listening() {
        // Deaf: whoever supervises it is to start another.
        let id = server.id();
        stop.begin(server.event_loop(), id);
    }
}

fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}

fn create(event_loop: &mut Loop, settings: Settings) -> Server<'_> {
    let max_connections = settings.max_connections;
    let (path, stop) = (settings.path.clone(), Stop::of(&settings));
    let is_quiet = settings.is_quiet;
    let options = ServerOptions::default()
        .accepts_per_turn(ACCEPTS_PER_TURN)
        .no_delay(true);
    let mut server = event_loop.create_server_with(options, move |socket| {
        connected(socket, &settings);
    });
    server
        .set_max_connections(max_connections)
        .on_error(move |server, error| told_of(server, error, path.as_deref(), stop))
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
    if is_stopping(socket) && !settings.is_echo {
        socket.end();
    }
}

/// Whether it had connected before the stop, and is accepted after it.
fn is_stopping(socket: &mut Socket<'_>) -> bool {
    let server = socket.server();
    server.is_some_and(|id| socket.event_loop().server_at(id).state() == State::Closing)
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

/// What a stop is to do.
#[derive(Clone, Copy)]
struct Stop {
    drain_timeout: Duration,
    is_echo: bool,
}

impl Stop {
    fn of(settings: &Settings) -> Stop {
        Stop {
            drain_timeout: settings.drain_timeout,
            is_echo: settings.is_echo,
        }
    }

    /// Serves those who have connected and listens no more, ends its half of what is open, and cuts
    /// what is left when the time is up. An echo ends no half: what its peers have sent must come back
    /// until they end themselves (RFC 862).
    fn begin(self, event_loop: &mut Loop, id: ServerId) {
        let mut server = event_loop.server_at(id);
        claim::give_up(&mut server);
        let open = server.close_after_backlog().sockets();
        log::info!("stopping; open connections: {}", open.len());
        if !self.is_echo {
            for socket in open {
                event_loop.socket_at(socket).end();
            }
        }
        let timer = event_loop.after(self.drain_timeout, move |event_loop| cut(event_loop, id));
        event_loop.unref_timer(timer);
    }
}

fn cut(event_loop: &mut Loop, server: ServerId) {
    for socket in event_loop.server_at(server).close().sockets() {
        log::warn!("{socket}: cut");
        fail(event_loop);
        event_loop.socket_at(socket).destroy();
    }
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
