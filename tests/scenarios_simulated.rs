//! The twins of `scenarios`, on the simulated kernel: they print the same.

mod support;

const IS_SIMULATED: bool = true;

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
#[path = "scenarios/unsent.rs"]
mod unsent;
#[path = "scenarios/write.rs"]
mod write;
