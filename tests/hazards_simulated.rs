//! The tests of `hazards`, on the simulated kernel. A test that needs what it lacks returns early: see `lacks`.

mod support;

const IS_SIMULATED: bool = true;

#[path = "hazards/accept.rs"]
mod accept;
#[path = "hazards/addresses.rs"]
mod addresses;
#[path = "hazards/closing.rs"]
mod closing;
#[path = "hazards/connect.rs"]
mod connect;
#[path = "hazards/data.rs"]
mod data;
#[path = "hazards/errors.rs"]
mod errors;
#[path = "hazards/fairness.rs"]
mod fairness;
#[path = "hazards/holders.rs"]
mod holders;
#[path = "hazards/loops.rs"]
mod loops;
#[path = "hazards/names.rs"]
mod names;
#[path = "hazards/panics.rs"]
mod panics;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/program.rs"]
mod program;
#[path = "hazards/readiness.rs"]
mod readiness;
#[path = "hazards/reading.rs"]
mod reading;
#[path = "hazards/resources.rs"]
mod resources;
#[path = "hazards/running.rs"]
mod running;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/states.rs"]
mod states;
#[path = "hazards/threads.rs"]
mod threads;
#[path = "hazards/time.rs"]
mod time;
#[path = "hazards/tools.rs"]
mod tools;
#[path = "hazards/traced.rs"]
mod traced;
#[path = "hazards/writing.rs"]
mod writing;
