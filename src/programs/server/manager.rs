//! The service manager, which is told whether this process is ready, stops and is alive (sd_notify(3)).
//!
//! It is a few datagrams. The crate `sd-notify` knows no abstract socket, waits for a reader that
//! does not read, and wants a new descriptor for each message; none of this may hold up the loop.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use netloop::Loop;

use super::connections;

/// How often the number of connections is told, if it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// How soon a message that found no room is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// The manager: kept by the loop, if there is one.
struct Manager {
    socket: UnixDatagram,
    /// The messages that are not sent yet.
    unsent: String,
    status: String,
    has_watchdog: bool,
}

/// Finds the manager, and lets it know from now on that the loop turns.
pub(super) fn start(event_loop: &mut Loop) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let socket = match socket.to_str().map(connected) {
        Some(Ok(socket)) => socket,
        Some(Err(error)) => return log::warn!("NOTIFY_SOCKET: {error}"),
        None => return log::warn!("NOTIFY_SOCKET: {socket:?} is not UTF-8"),
    };
    let watchdog = watchdog();
    event_loop.set_data(Manager {
        socket,
        unsent: String::new(),
        status: String::new(),
        has_watchdog: watchdog.is_some(),
    });
    // Twice in its time, as sd_watchdog_enabled(3) recommends.
    let interval = watchdog.map_or(STATUS_INTERVAL, |time| STATUS_INTERVAL.min(time / 2));
    let timer = event_loop.set_interval(interval, beat);
    event_loop.unref_timer(timer);
}

fn connected(name: &str) -> io::Result<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

/// The time within which the manager wants a sign of life, if it wants one.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse().ok();
    let is_other = |id: u64| id != u64::from(std::process::id());
    if number("WATCHDOG_PID").is_some_and(is_other) {
        return None;
    }
    let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0)?;
    Some(Duration::from_micros(micros))
}

/// Tells that the server listens at all its places.
pub(super) fn is_ready(event_loop: &mut Loop) {
    let status = status(event_loop);
    tell(event_loop, &format!("READY=1\nSTATUS={status}\n"));
}

/// Tells that the server stops, and how long that may take.
pub(super) fn is_stopping(event_loop: &mut Loop, limit: Duration) {
    let status = status(event_loop);
    let limit = (limit + Duration::from_secs(5)).as_micros();
    tell(
        event_loop,
        &format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={limit}\nSTATUS=Stopping. {status}\n"),
    );
}

fn status(event_loop: &mut Loop) -> String {
    format!("Connections open: {}", connections(event_loop))
}

/// Tells that the loop turns, and what has changed.
fn beat(event_loop: &mut Loop) {
    let status = status(event_loop);
    let Some(manager) = event_loop.data_mut::<Manager>() else {
        return;
    };
    // A sign of life is worth nothing later; the next one tells the status.
    if !manager.unsent.is_empty() {
        return;
    }
    let mut message = String::new();
    if manager.has_watchdog {
        message.push_str("WATCHDOG=1\n");
    }
    if manager.status != status {
        message.push_str(&format!("STATUS={status}\n"));
        manager.status = status;
    }
    tell(event_loop, &message);
}

/// Sends a message, after those that wait for room.
fn tell(event_loop: &mut Loop, message: &str) {
    let Some(manager) = event_loop.data_mut::<Manager>() else {
        return;
    };
    let is_waiting = !manager.unsent.is_empty();
    manager.unsent.push_str(message);
    if !is_waiting {
        send(event_loop);
    }
}

/// Sends what is unsent, in one message. While there is no room, one timer tries again.
fn send(event_loop: &mut Loop) {
    let Some(manager) = event_loop.data_mut::<Manager>() else {
        return;
    };
    if manager.unsent.is_empty() {
        return;
    }
    match manager.socket.send(manager.unsent.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let timer = event_loop.after(AGAIN, send);
            event_loop.unref_timer(timer);
        }
        outcome => {
            manager.unsent.clear();
            if let Err(error) = outcome {
                log::warn!("NOTIFY_SOCKET: {error}");
            }
        }
    }
}
