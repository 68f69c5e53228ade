//! Guides: what a program needs beyond single calls.

#[doc = include_str!("guide/stopping.md")]
pub mod stopping {}

#[doc = include_str!("guide/testing.md")]
pub mod testing {}
