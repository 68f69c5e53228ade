//! Twins of Node's scenarios: each prints what Node 26 prints, line for line.
//!
//! The scripts and the transcripts that real Node prints stand in `scenarios/node`; a twin stands
//! in the file of its family, under the script's name.

mod support;

#[macro_use]
#[path = "scenarios/story.rs"]
mod story;

#[path = "scenarios/by_hand.rs"]
mod by_hand;
#[path = "scenarios/conn.rs"]
mod conn;
#[path = "scenarios/corners.rs"]
mod corners;
#[path = "scenarios/destroy.rs"]
mod destroy;
#[path = "scenarios/differs.rs"]
mod differs;
#[path = "scenarios/end.rs"]
mod end;
#[path = "scenarios/err.rs"]
mod err;
#[path = "scenarios/flow.rs"]
mod flow;
#[path = "scenarios/he.rs"]
mod he;
#[path = "scenarios/intervals.rs"]
mod intervals;
#[path = "scenarios/listen.rs"]
mod listen;
#[path = "scenarios/lists.rs"]
mod lists;
#[path = "scenarios/off.rs"]
mod off;
#[path = "scenarios/opt.rs"]
mod opt;
#[path = "scenarios/queues.rs"]
mod queues;
#[path = "scenarios/reading.rs"]
mod reading;
#[path = "scenarios/reset.rs"]
mod reset;
#[path = "scenarios/room.rs"]
mod room;
#[path = "scenarios/seed.rs"]
mod seed;
#[path = "scenarios/sending.rs"]
mod sending;
#[path = "scenarios/srv.rs"]
mod srv;
#[path = "scenarios/state.rs"]
mod state;
#[path = "scenarios/timeout.rs"]
mod timeout;
#[path = "scenarios/timers.rs"]
mod timers;
#[path = "scenarios/write.rs"]
mod write;
