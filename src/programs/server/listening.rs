//! Listening: what is printed when a server listens, and what happens when it cannot.

use std::io;
use std::path::Path;

use netloop::{Error, Server};

use super::place::{Binding, Place};
use super::stop::Stop;
use super::{Servers, manager};
use crate::programs::{claim, descriptors, fail, output};

/// Has a server listen at a place, and prints so with this word.
pub(super) fn begin(
    server: &mut Server<'_>,
    place: Place,
    binding: Binding,
    word: &'static str,
) -> Result<(), Error> {
    let options = place.options(binding).map_err(dup)?;
    let has_file = place.path().is_some();
    let listens = binding.with_mode(|| {
        server.listen(options, move |server| listens(server, &place, word))?;
        Ok(())
    });
    if has_file && listens.is_ok() {
        claim::stake(server);
    }
    listens
}

fn dup(error: io::Error) -> Error {
    Error::new(format!("no descriptor for a connection: dup: {error}"))
}

fn listens(server: &mut Server<'_>, place: &Place, word: &str) {
    let left = match descriptors::left() {
        Ok(left) => left,
        // It would listen, and never serve anybody.
        Err(error) => {
            server.close();
            return failed(server, &dup(error).to_string());
        }
    };
    output::line(&format!("{word} on {}..", words(server, place)));
    if let Some(address) = server.address() {
        log::info!("{word} on {address}");
    }
    let event_loop = server.event_loop();
    let Some(servers) = event_loop.data_mut::<Servers>() else {
        return;
    };
    servers.starting -= 1;
    if servers.starting == 0 {
        warn_of_limit(servers.max_connections, left);
        manager::is_ready(event_loop);
    }
}

/// The port or the path in the short form, and otherwise the place.
fn words(server: &Server<'_>, place: &Place) -> String {
    let address = match (server.address(), server.path()) {
        (Some(address), _) => format!("tcp:{address}"),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => "unix:".into(),
    };
    match (place, server.port()) {
        (Place::Port { .. }, Some(port)) => port.to_string(),
        (Place::Path(path), _) => path.display().to_string(),
        (Place::Passed { name, .. }, _) => format!("{address} ({name})"),
        _ => address,
    }
}

/// Warns if more connections are allowed than there can be.
fn warn_of_limit(allowed: Option<usize>, left: Option<usize>) {
    if let (Some(allowed), Some(left)) = (allowed, left)
        && allowed > left
    {
        log::warn!("--max-connections {allowed}: there are descriptors for {left} (ulimit -n)");
    }
}

fn failed(server: &mut Server<'_>, words: &str) {
    log::error!("{words}");
    fail(server.event_loop());
}

/// Handles an error of a server, which cannot listen, or cannot go on accepting. The other servers stop
/// as well, so that a supervisor starts the process anew.
pub(super) fn told_of(
    server: &mut Server<'_>,
    error: &Error,
    path: Option<&Path>,
    binding: Binding,
    stop: Stop,
) {
    let mut advice = None;
    if let Some(path) = path {
        match error.code() {
            Some("EADDRINUSE") => match take_over(server, path, binding) {
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
    stop.drain(server.event_loop());
}

fn take_over(server: &mut Server<'_>, path: &Path, binding: Binding) -> Result<(), String> {
    let place = Place::Path(path.to_path_buf());
    let options = place.options(binding).map_err(|error| error.to_string())?;
    claim::take_over(server, path, |server| {
        binding.with_mode(|| server.listen_on(options).map(|_| ()))
    })
}

fn is_missing(folder: &Path) -> bool {
    !folder.as_os_str().is_empty() && !folder.exists()
}
