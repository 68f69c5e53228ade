//! The hazards for which processes are started: under strace, with shims before the C library, or
//! with limits and signals of their own. See `hazards`.

mod support;

const IS_SIMULATED: bool = false;

#[path = "hazards/addresses.rs"]
mod addresses;
#[path = "hazards/closing.rs"]
mod closing;
#[path = "hazards/connect.rs"]
mod connect;
#[path = "hazards/descriptors.rs"]
mod descriptors;
#[path = "hazards/embedded.rs"]
mod embedded;
#[path = "hazards/kernel.rs"]
mod kernel;
#[path = "hazards/names.rs"]
mod names;
#[path = "hazards/panics.rs"]
mod panics;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/program.rs"]
mod program;
#[path = "hazards/resources.rs"]
mod resources;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/threads.rs"]
mod threads;
#[path = "hazards/time.rs"]
mod time;
#[path = "hazards/tools.rs"]
mod tools;
#[path = "hazards/writing.rs"]
mod writing;
