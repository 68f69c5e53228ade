//! Twins of Node's scenarios: each prints what Node 26 prints, line for line.
//!
//! The scripts and the transcripts that real Node prints stand in `scenarios/node`; a twin stands
//! in the file of its family, under the script's name.
//!
//! A twin is nearly all callbacks, so what they get has the same letter everywhere: `t` is the
//! transcript that is compared in the end, `l` the loop, `s` a server, and `c` a connection: the
//! client's socket, or the one that the server has accepted.

mod support;

const IS_SIMULATED: bool = false;

#[macro_use]
#[path = "scenarios/story.rs"]
mod story;

#[path = "scenarios/by_hand.rs"]
mod by_hand;
#[path = "scenarios/connection.rs"]
mod connection;
#[path = "scenarios/corners.rs"]
mod corners;
#[path = "scenarios/destroy.rs"]
mod destroy;
#[path = "scenarios/differs.rs"]
mod differs;
#[path = "scenarios/end.rs"]
mod end;
#[path = "scenarios/errors.rs"]
mod errors;
#[path = "scenarios/flow.rs"]
mod flow;
#[path = "scenarios/happy_eyeballs.rs"]
mod happy_eyeballs;
#[path = "scenarios/intervals.rs"]
mod intervals;
#[path = "scenarios/listen.rs"]
mod listen;
#[path = "scenarios/options.rs"]
mod options;
#[path = "support/peers.rs"]
mod peers;
#[path = "scenarios/pipes.rs"]
mod pipes;
#[path = "scenarios/queues.rs"]
mod queues;
#[path = "scenarios/reading.rs"]
mod reading;
#[path = "scenarios/removed_listeners.rs"]
mod removed_listeners;
#[path = "scenarios/reset.rs"]
mod reset;
#[path = "scenarios/seed.rs"]
mod seed;
#[path = "scenarios/sending.rs"]
mod sending;
#[path = "scenarios/server.rs"]
mod server;
#[path = "scenarios/state.rs"]
mod state;
#[path = "scenarios/throwing.rs"]
mod throwing;
#[path = "scenarios/timeout.rs"]
mod timeout;
#[path = "scenarios/timers.rs"]
mod timers;
#[cfg(feature = "cli")]
#[path = "scenarios/traced.rs"]
mod traced;
#[path = "scenarios/unsent.rs"]
mod unsent;
#[path = "scenarios/without_twin.rs"]
mod without_twin;
#[path = "scenarios/write.rs"]
mod write;
