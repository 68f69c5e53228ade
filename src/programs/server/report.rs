//! SIGUSR1: a report of what the server is doing, on standard error.

use std::time::{Duration, Instant};

use netloop::{Error, EventLoop, Holder, Loop, Signal};

use super::counts::{Counts, open, traffic};
use super::{connections, identity, stop};
use crate::programs::output;

/// How many of the peers that are owed most are named, and of each kind of what holds the loop.
const NAMED: usize = 5;

/// Reports at each SIGUSR1.
pub(super) fn on_request(event_loop: &mut EventLoop) -> Result<(), Error> {
    let start = Instant::now();
    event_loop.on_signal(Signal::User1, move |event_loop| {
        // Seconds will do.
        let up = Duration::from_secs(start.elapsed().as_secs());
        output::complaint(&state(event_loop, up));
        for line in owed(event_loop).into_iter().chain(holders(event_loop)) {
            output::complaint(&format!("netloop server: {line}"));
        }
    })
}

fn state(event_loop: &mut Loop, up: Duration) -> String {
    let (connections, traffic) = (connections(event_loop), traffic(event_loop));
    let is_stopping = if stop::has_begun(event_loop) {
        ", stopping"
    } else {
        ""
    };
    let counts = event_loop.data::<Counts>();
    let (accepted, dropped) = counts.map_or((0, 0), |counts| {
        (counts.accepted, counts.dropped.iter().sum::<u64>())
    });
    let up = humantime::format_duration(up);
    format!(
        "netloop server: up {up}{is_stopping}; connections open: {connections}, accepted: \
         {accepted}, dropped: {dropped}; bytes owed: {}",
        traffic.owed
    )
}

/// The peers that are owed most.
fn owed(event_loop: &mut Loop) -> Vec<String> {
    let mut owed = Vec::new();
    for id in open(event_loop) {
        owed.push((event_loop.socket_at(id).writable_length(), id));
    }
    owed.retain(|(bytes, _)| *bytes > 0);
    owed.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let line = |(bytes, id)| {
        let client = identity::logged(&mut event_loop.socket_at(id));
        format!("{id} {client}: bytes owed: {bytes}")
    };
    owed.into_iter().take(NAMED).map(line).collect()
}

/// What holds the loop. Connections that are read from do, as long as they are open.
fn holders(event_loop: &Loop) -> Vec<String> {
    let (holders, left_out) = event_loop.holders_up_to(NAMED);
    let line = |holder: Holder| format!("the loop is held by {holder}");
    let mut lines: Vec<String> = holders.into_iter().map(line).collect();
    if left_out > 0 {
        lines.push(format!("the loop is held by {left_out} more"));
    }
    lines
}
