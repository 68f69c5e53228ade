//! The rows of `node_suite`, on the simulated kernel.

mod support;

const IS_SIMULATED: bool = true;

#[macro_use]
#[path = "node_suite/row.rs"]
mod row;

#[path = "node_suite/addresses.rs"]
mod addresses;
#[path = "node_suite/bytes.rs"]
mod bytes;
#[path = "node_suite/connect.rs"]
mod connect;
#[path = "node_suite/destroy.rs"]
mod destroy;
#[path = "node_suite/end.rs"]
mod end;
#[path = "node_suite/families.rs"]
mod families;
#[path = "node_suite/hold.rs"]
mod hold;
#[path = "node_suite/immediates.rs"]
mod immediates;
#[path = "node_suite/listen.rs"]
mod listen;
#[path = "node_suite/names.rs"]
mod names;
#[path = "node_suite/paths.rs"]
mod paths;
#[path = "support/peers.rs"]
mod peers;
#[path = "node_suite/places.rs"]
mod places;
#[path = "node_suite/read.rs"]
mod read;
#[path = "node_suite/refresh.rs"]
mod refresh;
#[path = "node_suite/refused.rs"]
mod refused;
#[path = "node_suite/server.rs"]
mod server;
#[allow(dead_code, reason = "what needs processes uses the rest")]
#[path = "node_suite/stage.rs"]
mod stage;
#[allow(dead_code, reason = "the twins use the rest")]
#[path = "scenarios/story.rs"]
mod story;
#[path = "node_suite/timeout.rs"]
mod timeout;
#[path = "node_suite/timers.rs"]
mod timers;
#[path = "node_suite/write.rs"]
mod write;
