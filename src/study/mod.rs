//! Recordings: the records of the [trace](crate::trace) as JSON Lines, for `jq`, `diff` and viewers.
//!
//! The first line is the header; each further one is a record. Readers ignore keys that they do not know.
//! The number of bytes that are sent and received is recorded; the bytes are only on request.
//!
//! | key of the header | |
//! | --- | --- |
//! | `netloop` | the version of the format, 1 |
//! | `pid`, `args` | the process, and how it was started |
//! | `clock`, `unix` | `monotonic`, or `simulated`; when the recording began, in seconds since 1970 |
//! | `seed` | the seed of the simulated world in which it was made: then there are no `pid` and no `unix` |
//!
//! | key of a record | |
//! | --- | --- |
//! | `n`, `t`, `turn` | its number, its time in nanoseconds since the tracer was set, the turn |
//! | `c`, `by` | its cause, and the record that queued it, as in [`Record`](crate::trace::Record); `c` is left out when it is 0 |
//! | `who` | `loop`, `socket#7` or `server#7` |
//! | `k` | what it is: `phase`, `waits`, `wait`, `ready`, `nothing`, `again`, `step`, `callback`, `call`, `tick`, `done`, `system`, `accepted`, `connected`, `queued`, `cleared`, `holds`; `stopped` is the last of a recording that has reached its limit |
//! | `w` | its words: the name of the event, the call, the phase, the queue |
//! | `bytes`, `errno`, `at` | how many bytes, the error number, the line of the program |
//! | `payload`, `left` | the first bytes of a `write`, an `end_with` or a `recv`, escaped, if they were asked for; how many bytes more there were |
//! | `more` | what else it tells: epoll's words, the state after, the work that is queued |
//! | `ns` | how long it has waited, or the delay of a timer |
//! | `most` | how long a wait would have been at most; left out if that is for ever |
//! | `prints` | the lines that the program has printed since the record before, if it is recorded with them: see [`Recorder::prints`] |
//!
//! A line whose `k` is `segment` is no record. It tells of a [`Segment`] of TCP, if the recording was made on
//! a wire that tells what it carries (`netloop lesson lost --wire`).
//!
//! | key of a segment | |
//! | --- | --- |
//! | `t`, `who`, `port` | when it was sent; by the `client` or the `server`; the client's port |
//! | `w` | its flags: `SYN,ACK` |
//! | `seq`, `ack`, `bytes` | the place of its first byte in the stream of its sender, what of the other stream was received, how many bytes it has |
//! | `lost` | `true` if the wire has lost it |
//!
//! [`Recording`] reads such a file, and [`Model`] follows it, record by record: what waits in which queue
//! and why it has not run yet, the states, the bytes, and what holds the loop.
//!
//! As the trace itself, this module is not covered by Semantic Versioning.

mod beside;
mod entry;
mod folding;
mod line;
mod model;
mod names;
mod page;
mod payload;
mod perfetto;
mod recorder;
mod recording;
mod segment;
mod standing;
mod waiting;
mod wire;
mod words;

pub use beside::{Beside, Other};
pub use entry::{Entry, Kind};
pub use folding::{Fold, folds};
pub use model::{Model, Running};
pub use names::{Names, Role};
pub use page::page;
pub use perfetto::perfetto;
pub use recorder::Recorder;
pub use recording::{Damage, Recording};
pub use segment::Segment;
pub use standing::Standing;
pub use waiting::{Phase, Waiting};
pub use words::{alike, describe, span};
