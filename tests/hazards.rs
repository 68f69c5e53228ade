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
#[path = "support/program.rs"]
mod program;
#[path = "hazards/readiness.rs"]
mod readiness;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/time.rs"]
mod time;
