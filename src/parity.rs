//! Node's API row by row: what is the same, what differs and why, and what was left out and why.
#![doc = include_str!("parity.md")]
