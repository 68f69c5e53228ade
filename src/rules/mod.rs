//! Floor 1, the rules: plain values that know no socket, no clock and no log.
//!
//! A rule is told what happened and what time it is, and answers with a value.

pub(crate) mod data;
pub(crate) mod idle;
pub(crate) mod inbox;
pub(crate) mod read_buffer;
pub(crate) mod receiving;
pub(crate) mod sending;
pub mod state;
pub(crate) mod timers;
