//! Guides: what a program needs beyond single calls, what the daemon promises, and fifteen questions about an
//! event loop.

#[doc = include_str!("guide/balancing.md")]
pub mod balancing {}

#[doc = include_str!("guide/promises.md")]
pub mod promises {}

#[doc = include_str!("guide/questions.md")]
pub mod questions {}

#[doc = include_str!("guide/stopping.md")]
pub mod stopping {}

#[doc = include_str!("guide/testing.md")]
#[cfg_attr(feature = "sim", doc = "\n")]
#[cfg_attr(feature = "sim", doc = include_str!("guide/simulating.md"))]
pub mod testing {}
