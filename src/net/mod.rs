//! Floor 2, the face: the only files that know user callbacks and Node's names.
//!
//! The laws:
//!
//! 1. User code that listens runs through one door, [`event_loop::door`]. When an entry from a phase of the
//!    loop returns, and only then, ticks and microtasks are drained.
//! 2. No callback inside a call. What a call causes is queued, and emitted from the queue that
//!    Node uses for it.
//! 3. A slot is freed only after the turn's readiness has been handed out and the drain after
//!    its `close` has ended.
//! 4. `run` holds the loop: callbacks are lent a [`Loop`], which cannot be run.
//! 5. A stale view or id is a quiet one.
//! 6. `Err` is for what Node throws. What the kernel says is an event. An `error` that nobody
//!    listens to ends `run` with that error.
//! 7. Readiness is a hint, and edges are never lost.
//! 8. Register once, for all interests, edge-triggered; never again.
//! 9. Everything that can grow has a limit.
//! 10. The clock lives in one file.

pub(crate) mod error;
pub(crate) mod event_loop;
mod ids;
mod options;
pub(crate) mod server;
mod shared;
pub(crate) mod socket;

pub(crate) use event_loop::Loop;
pub use event_loop::trace;
use event_loop::{listeners, lookups, queues};
pub use ids::{AbortId, ImmediateId, ListenerId, LookupId, ServerId, SocketId, TimerId};
