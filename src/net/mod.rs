//! The floor of Node's API: only its files know the program's callbacks and Node's names.
//!
//! The laws:
//!
//! 1. A callback that can run again is called through one door, [`event_loop::door`]. When a callback that
//!    a phase has called returns, and only then, ticks and microtasks are drained.
//! 2. No callback inside a call. What a call causes is queued, and emitted from the queue that
//!    Node uses for it.
//! 3. A slot is freed only after the turn's readiness has been handed out and the drain after
//!    its `close` has ended.
//! 4. `run` holds the loop: callbacks are lent a [`Loop`], which cannot be run.
//! 5. Using a stale view or id does nothing.
//! 6. `Err` is for what Node throws. What the kernel reports is an event. An `error` without a listener
//!    ends `run` with that error.
//! 7. Readiness is a hint, and edges are never lost.
//! 8. Register once, for all interests, edge-triggered; never again.
//! 9. Everything that can grow has a limit.
//! 10. The clock lives in one file.
//!
//! The words, each with one meaning:
//!
//! | word | meaning |
//! | --- | --- |
//! | call | what a program does to a socket, a server or the loop; it runs no user code |
//! | phase | a part of a turn; callbacks run in a phase, or in the drain after one |
//! | drain | runs the ticks and microtasks that are queued, until none is left |
//! | turn | one round of the loop: every phase once |
//! | tick | work in the `next_tick` queue, the program's or the library's own |
//! | door | the place that calls listeners, and puts them back, also after a panic |
//! | id, view | the name of a socket, server or timer; the loop, lent to a callback under that name |
//! | entry | what the slab keeps under an id |
//! | agenda | the queues, the timers and the clock: the work of the loop |
//! | errands | what a call may use beside its entry: it can add to the agenda, but cannot reach a callback |
//! | served | said of a socket or server that a phase works on: it is lent with the whole loop, callbacks included |
//! | readiness | what epoll reports of a descriptor, on its edge only |
//! | may hide more | said of readiness after which a short read does not prove that the kernel is empty |
//! | again list | the sockets and servers to serve next turn, since no new edge will come for them |
//! | pending | the phase that serves sockets without readiness: what is tried again or put off |
//! | input, action | what a state machine is fed; what it returns for the driver to perform |
//! | standing | a socket's life and its two halves, as its machine sees them |
//! | cold | the box of what most sockets never need |
//! | chunk, inbox | bytes received; those that wait for the program |
//! | request, outbox | the writes on their way to the kernel; the writes that wait for their turn |
//! | held | of a write: it waits for the connection |
//! | holds | keeps the loop alive; `unref` ends it (Node's `ref`) |
//! | cause | the record of the trace that explains a callback |

pub(crate) mod error;
pub(crate) mod event_loop;
pub(crate) mod holder;
mod ids;
mod options;
pub(crate) mod server;
mod shared;
pub(crate) mod socket;

pub(crate) use event_loop::Loop;
pub use event_loop::trace;
use event_loop::{listeners, lookups, queues};
pub use ids::{AbortId, ImmediateId, ListenerId, LookupId, ServerId, SocketId, TimerId};
