//! SIGINT, SIGTERM and SIGHUP: the first one asks, a second SIGINT or SIGTERM ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use netloop::{Error, EventLoop, Loop, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Calls back with the exit status of the signal when one of them comes. The next SIGINT or SIGTERM ends
/// the program from inside the signal's handler, at once: also when the loop is held up.
///
/// A SIGHUP only asks, for a terminal that closes sends several: the kernel one, the shell another. Who
/// has had it ignored, as nohup(1) does, goes on.
pub(crate) fn on_request(
    event_loop: &mut EventLoop,
    stop: impl Fn(&mut Loop, i32) + Copy + 'static,
) -> Result<(), Error> {
    let failed = |error| Error::new(format!("sigaction: {error}"));
    let is_asked = Arc::new(AtomicBool::new(false));
    for (signal, number) in [
        (Signal::Interrupt, SIGINT),
        (Signal::Terminate, SIGTERM),
        (Signal::HangUp, SIGHUP),
    ] {
        if number == SIGHUP && is_ignored(number) {
            continue;
        }
        let status = 128 + number;
        event_loop.on_signal(signal, move |event_loop| stop(event_loop, status))?;
        // In this order: the first signal finds the flag down, and leaves it up.
        if number != SIGHUP {
            flag::register_conditional_shutdown(number, status, Arc::clone(&is_asked))
                .map_err(failed)?;
        }
        flag::register(number, Arc::clone(&is_asked)).map_err(failed)?;
    }
    Ok(())
}

/// Whether the program was started with a signal ignored; without /proc, none counts as ignored.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (number - 1)) != 0)
}
