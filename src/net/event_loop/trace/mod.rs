//! The trace: how long the loop waited, what the kernel reported, what the program called, which state
//! changed, what was queued, and which callback ran, each with its cause.
//!
//! ```
//! use std::{cell::RefCell, collections::HashMap, rc::Rc};
//! use netloop::EventLoop;
//! use netloop::trace::What;
//!
//! let told = Rc::new(RefCell::new(HashMap::new()));
//! let listener = Rc::clone(&told);
//! let mut event_loop = EventLoop::new()?;
//! event_loop.on_trace(move |record| {
//!     let words = match record.what {
//!         What::Callback(name) => format!("callback {name}"),
//!         What::Call(name) => format!("call {name}"),
//!         What::Queued { queue, .. } => format!("queued: {queue}"),
//!         _ => return,
//!     };
//!     listener.borrow_mut().insert(record.number, (record.origin(), words));
//! });
//! event_loop.set_immediate(|event_loop| event_loop.next_tick(|_| {}));
//! event_loop.run()?;
//!
//! // Why did the tick run?
//! let told = told.borrow();
//! let mut next = told.iter().find(|(_, (_, words))| words == "callback next_tick").map(|(n, _)| *n);
//! let mut why = Vec::new();
//! while let Some((origin, words)) = next.and_then(|number| told.get(&number)) {
//!     why.push(words.as_str());
//!     next = Some(*origin);
//! }
//! assert_eq!(why, [
//!     "callback next_tick", "queued: ticks", "call next_tick",
//!     "callback set_immediate", "queued: immediates", "call set_immediate", // the program's own
//! ]);
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! From each callback the [origins](Record::origin) lead back to what the kernel reported
//! ([`What::Readiness`]) or to a statement of the program's ([`What::Call`]); a timer leads to the call
//! that armed it. Node's nearest equivalent is `async_hooks`. Without a tracer, a hook costs one branch.
//! `netloop server --trace` prints these records.
//!
//! The trace shows how the library works inside, and changes with it: Semantic Versioning does not cover
//! this module.

mod lines;
mod listening;
mod records;
mod systems;
mod teller;
mod told;

pub use self::records::{Idle, Queue, Record, What, Why};
pub(crate) use self::teller::{Cause, Caused, Trace, errno};
pub use crate::net::ids::Subject;
