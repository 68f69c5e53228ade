//! The tests of behaviour in `parity`, on the simulated kernel.

mod support;

const IS_SIMULATED: bool = true;

#[path = "support/peers.rs"]
mod peers;
#[path = "parity/pins.rs"]
mod pins;
#[path = "parity/same.rs"]
mod same;
#[allow(dead_code, reason = "the twins use the rest")]
#[path = "scenarios/story.rs"]
mod story;
#[path = "parity/times.rs"]
mod times;
