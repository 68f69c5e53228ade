//! Showing its working: what the loop waited for, what the kernel said, what the program called, which
//! state changed, what waits in which queue, and which callback ran, each with its cause.
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
//! From each callback the [origins](Record::origin) lead back to what the kernel said
//! ([`What::Readiness`]) or to a statement of the program's ([`What::Call`]); a timer leads to the call
//! that armed it. Node's nearest of kin is `async_hooks`. With no tracer set, a hook costs one branch.
//! `netloop server --trace` prints these records.
//!
//! The trace tells how the library works inside, and changes with it: what stands in this module is
//! not covered by Semantic Versioning.

mod records;
mod teller;

pub use self::records::{Idle, Queue, Record, What, Why};
pub(crate) use self::teller::{Cause, Caused, Trace, errno};
pub use crate::net::ids::Subject;
