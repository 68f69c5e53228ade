//! The connections: what each is told and answered, and when it is closed.

use std::net::SocketAddr;
use std::sync::Arc;

use netloop::{Loop, Server, ServerOptions, Socket};

use super::counts::{Traffic, note};
use super::debts;
use super::place::Place;
use super::reason::Reason;
use super::stop::{self, Stop};
use super::{Settings, connections, identity, listening, place_count, proxy};
use crate::programs::output;

/// How many connections the server accepts a turn: it prefers throughput to Node's interleaving.
const ACCEPTS_PER_TURN: usize = 64;

/// Makes the server for a place. If it is measured, it counts the bytes of its connections.
pub(super) fn server<'l>(
    event_loop: &'l mut Loop,
    settings: &Arc<Settings>,
    place: &Place,
    is_measured: bool,
) -> Server<'l> {
    let (path, binding) = (place.path().map(ToOwned::to_owned), settings.binding);
    let (is_quiet, stop) = (settings.is_quiet, Stop::of(settings));
    let mut options = ServerOptions::default()
        .accepts_per_turn(ACCEPTS_PER_TURN)
        .no_delay(true);
    if let Some(delay) = settings.keep_alive {
        options = options.keep_alive(true).keep_alive_initial_delay(delay);
    }
    let own = Arc::clone(settings);
    let mut server = event_loop.create_server_with(options, move |socket| {
        connected(socket, &own, is_measured);
    });
    server
        .set_max_connections(settings.max_connections)
        .on_error(move |server, error| {
            listening::told_of(server, error, path.as_deref(), binding, stop);
        })
        .on_drop(move |server, dropped| {
            let peer = dropped.and_then(|dropped| dropped.remote);
            drop_for(server.event_loop(), Reason::Limit, peer, is_quiet);
        });
    server
}

/// Counts a connection that is dropped, and logs the reason.
fn drop_for(event_loop: &mut Loop, reason: Reason, peer: Option<SocketAddr>, is_quiet: bool) {
    note(event_loop, |counts| {
        counts.dropped[reason as usize] += 1;
    });
    if !is_quiet {
        let (peer, why) = (identity::named(peer), reason.words());
        log::info!("{peer}: dropped, {why}");
    }
}

/// Whether this connection is one too many. Each server checks its own number before it accepts; the
/// number at all places together is checked here.
fn is_beyond_limit(socket: &mut Socket<'_>, limit: Option<usize>) -> bool {
    let event_loop = socket.event_loop();
    match limit {
        Some(limit) if place_count(event_loop) > 1 => connections(event_loop) > limit,
        _ => false,
    }
}

/// Handles a connection that was accepted.
fn connected(socket: &mut Socket<'_>, settings: &Arc<Settings>, is_measured: bool) {
    socket.on_error(|socket, error| {
        log::info!("{}: {error}", socket.id());
        let code = error.code().unwrap_or("none");
        note(socket.event_loop(), |counts| {
            *counts.errors.entry(code).or_default() += 1;
        });
    });
    if is_beyond_limit(socket, settings.max_connections) {
        return refuse(socket, Reason::Limit, settings);
    }
    if settings.proxies.include(socket) {
        let settings = Arc::clone(settings);
        return proxy::await_header(socket, move |socket, said| {
            if let Ok(Some(route)) = said {
                socket.set_data(route);
            }
            let client = said.map(|route| Some(route?.client));
            greet(socket, client, &settings, is_measured);
        });
    }
    let client = match settings.admission.has_rules() {
        true => socket.peer(),
        false => None,
    };
    greet(socket, Ok(client), settings, is_measured);
}

/// Serves a client at this address, unless it is not to be served. One without an address is bound by
/// the number of connections alone.
fn greet(
    socket: &mut Socket<'_>,
    client: Result<Option<SocketAddr>, Reason>,
    settings: &Settings,
    is_measured: bool,
) {
    let admitted = client.and_then(|client| match client {
        Some(client) => settings.admission.admit(socket, client),
        None => Ok(()),
    });
    match admitted {
        Ok(()) => serve(socket, settings, is_measured),
        Err(reason) => refuse(socket, reason, settings),
    }
}

fn refuse(socket: &mut Socket<'_>, reason: Reason, settings: &Settings) {
    let client = identity::client(socket);
    drop_for(socket.event_loop(), reason, client, settings.is_quiet);
    socket.destroy();
}

fn serve(socket: &mut Socket<'_>, settings: &Settings, is_measured: bool) {
    note(socket.event_loop(), |counts| counts.accepted += 1);
    if is_measured {
        // Once, when it closes: a chunk costs nothing more.
        socket.on_close(|socket, _| {
            let mut traffic = Traffic::default();
            traffic.add(socket);
            note(socket.event_loop(), |counts| counts.closed.take(traffic));
        });
    }
    log::debug!("{}: {}", socket.id(), identity::logged(socket));
    if !settings.is_quiet {
        output::line(&format!("{} connected.", identity::shown(socket)));
        socket.on_data(|_, chunk| output::line(&output::buffer(chunk)));
        socket.on_close(|_, _| output::line("client disconnected"));
    }
    if settings.is_echo {
        socket.on_data(echo);
    } else if settings.is_quiet {
        socket.resume();
    }
    if let Some(timeout) = settings.idle_timeout {
        socket.set_timeout(timeout).on_timeout(|socket| {
            log::info!("{}: idle, closed", socket.id());
            note(socket.event_loop(), |counts| counts.timed_out += 1);
            socket.destroy();
        });
    }
    if settings.max_owed.is_some() {
        socket.on_data(|socket, _| debts::written(socket));
        socket.on_close(|socket, _| debts::closed(socket));
    }
    let greeting = settings.greeting.text(socket);
    if !greeting.is_empty() {
        socket.write(&*greeting);
        debts::written(socket);
    }
    // Its connection was made before the stop.
    if stop::is_draining(socket.event_loop()) && !settings.is_echo {
        socket.end();
    }
}

/// Sends back what came. A peer that does not read is not read from either, so that what it is owed
/// cannot grow.
fn echo(socket: &mut Socket<'_>, chunk: &[u8]) {
    if !socket.write(chunk) {
        socket.pause().once_drain(|socket| {
            socket.resume();
        });
    }
}
