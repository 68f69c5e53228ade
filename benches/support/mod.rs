//! The harness that the benches share: arguments, processes, load, statistics and reports.

// Each bench is a crate of its own and uses its part of this one.
#![allow(dead_code)]

pub(crate) mod arguments;
pub(crate) mod chart;
pub(crate) mod client;
pub(crate) mod counters;
pub(crate) mod flood;
pub(crate) mod machine;
pub(crate) mod pairs;
pub(crate) mod peers;
pub(crate) mod progress;
pub(crate) mod record;
pub(crate) mod remote;
pub(crate) mod report;
pub(crate) mod server;
pub(crate) mod statistics;
pub(crate) mod workload;
