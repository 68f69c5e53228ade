//! How event loops and TCP servers break, and that this one does not.
//!
//! Each test names the change to the code that it catches; `.ci/mutants` makes that change and
//! sees the test fail. What starts processes stands in a binary of its own, `hazards_outside`: a
//! process that is being started holds a copy of each descriptor, and `close` in a test beside it
//! would end nothing.

mod support;

#[path = "hazards/accept.rs"]
mod accept;
#[path = "hazards/data.rs"]
mod data;
#[path = "hazards/errors.rs"]
mod errors;
#[path = "hazards/fairness.rs"]
mod fairness;
#[path = "hazards/loops.rs"]
mod loops;
#[path = "hazards/readiness.rs"]
mod readiness;
#[path = "hazards/reading.rs"]
mod reading;
#[path = "hazards/running.rs"]
mod running;
#[path = "hazards/stage.rs"]
mod stage;
#[path = "hazards/states.rs"]
mod states;
