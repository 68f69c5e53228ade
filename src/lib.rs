//! Node's `net` on a mio reactor.

mod net;
mod room;
mod rules;

pub use net::error::Error;
pub use net::event_loop::{EventLoop, Loop};
pub use net::names::LookupRequest;
pub use net::server::{Dropped, ListenOptions, Server, ServerOptions};
pub use net::signals::Signal;
pub use net::socket::{Attempt, ConnectOptions, Lookup, OnRead, Socket, SocketOptions};
pub use net::trace;
pub use net::{AbortId, ImmediateId, LookupId, ServerId, SocketId, TimerId};
pub use rules::block_list::BlockList;
pub use rules::decoder::Encoding;
pub use rules::state;
