//! How event loops and TCP servers break, and that this one does not.
//!
//! Each test names the change to the code that it catches; `.ci/mutants` makes that change and
//! sees the test fail.

mod support;

#[path = "hazards/accept.rs"]
mod accept;
#[path = "hazards/closing.rs"]
mod closing;
#[path = "hazards/connect.rs"]
mod connect;
#[path = "hazards/fairness.rs"]
mod fairness;
#[path = "hazards/kernel.rs"]
mod kernel;
#[path = "hazards/names.rs"]
mod names;
#[path = "hazards/panics.rs"]
mod panics;
#[path = "support/program.rs"]
mod program;
#[path = "hazards/readiness.rs"]
mod readiness;
#[path = "hazards/reading.rs"]
mod reading;
#[path = "hazards/resources.rs"]
mod resources;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/states.rs"]
mod states;
#[path = "hazards/time.rs"]
mod time;
#[path = "hazards/tools.rs"]
mod tools;
#[path = "hazards/writing.rs"]
mod writing;
