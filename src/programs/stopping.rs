//! SIGINT and SIGTERM: the first one asks, the second one ends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use netloop::{Error, EventLoop, Loop, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Calls back with the exit status of the signal when one of the two comes. The next one ends the
/// program from inside the signal's handler, at once: also when the loop is held up, as it is
/// while it writes to a pipe that nobody reads.
pub(crate) fn on_request(
    event_loop: &mut EventLoop,
    stop: impl Fn(&mut Loop, i32) + Copy + 'static,
) -> Result<(), Error> {
    let is_asked = Arc::new(AtomicBool::new(false));
    for (signal, number) in [(Signal::Interrupt, SIGINT), (Signal::Terminate, SIGTERM)] {
        let status = 128 + number;
        event_loop.on_signal(signal, move |event_loop| stop(event_loop, status))?;
        // In this order: the first signal finds the flag down, and leaves it up.
        flag::register_conditional_shutdown(number, status, Arc::clone(&is_asked))
            .and_then(|_| flag::register(number, Arc::clone(&is_asked)))
            .map_err(|error| Error::new(format!("sigaction: {error}")))?;
    }
    Ok(())
}
