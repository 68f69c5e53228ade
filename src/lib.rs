//! Node's `net` module (server, socket, timers, and the event loop under them) on a hand-rolled,
//! single-threaded [mio](https://docs.rs/mio) reactor that shows its working.
//!
//! If you know Node, you know this crate: statements come in the same order, names are Node's in
//! snake case, and events come in Node's order, from Node's queues.
//!
//! ```
//! use netloop::EventLoop;
//!
//! let mut event_loop = EventLoop::new()?;
//!
//! event_loop
//!     .create_server(|socket| {                                   // net.createServer(socket => {
//!         socket.on_data(|_, chunk| println!("{chunk:?}"));       //   socket.on('data', …)
//!         socket.on_close(|socket, _| {                           //   socket.on('close', …)
//!             let server = socket.server().unwrap();
//!             socket.event_loop().server_at(server).close();
//!         });
//!         socket.write("Welcome");                                //   socket.write('Welcome')
//!     })
//!     .listen(("127.0.0.1", 0), |server| {                        // }).listen(0, '127.0.0.1', …)
//!         let port = server.port().unwrap();
//!         server
//!             .event_loop()
//!             .connect(("127.0.0.1", port), |_| println!("Client connected"))
//!             .unwrap()
//!             .on_data(|socket, chunk| {
//!                 assert_eq!(chunk, b"Welcome");
//!                 socket.end_with("hi");
//!             });
//!     })?;
//!
//! event_loop.run()?;
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! # An id is a name, a view is a loan
//!
//! [`SocketId`], [`ServerId`] and [`TimerId`] are small and `Copy`; keep them wherever you like. A
//! callback is lent a [`Socket`], a [`Server`] or a [`Loop`] for one call: the name together with
//! the loop. Keeping a view does not compile, so there is no `Rc`, no `RefCell`, and nothing that
//! can be borrowed twice or leaked in a cycle. In another callback, [`Loop::socket_at`] and
//! [`Loop::server_at`] turn an id into a view again. The id of a socket that is gone, or that
//! belongs to another loop, gives a view without a socket, and calls on it are harmless.
//!
//! # The program's own state
//!
//! State that callbacks share is kept by its owner, one value of each type: by the loop
//! ([`Loop::set_data`]), by a socket ([`Socket::set_data`]) or by a server. It is lent together with
//! that owner, so that sockets can be written to while the state changes:
//!
//! ```
//! use netloop::{EventLoop, Socket, SocketId};
//!
//! #[derive(Default)]
//! struct Room(Vec<SocketId>);
//!
//! fn joined(socket: &mut Socket<'_>) {
//!     let id = socket.id();
//!     socket.event_loop().lend(|room: &mut Room, _| room.0.push(id));
//!     socket.on_data(|socket, chunk| {
//!         socket.event_loop().lend(|room: &mut Room, event_loop| {
//!             for member in &room.0 {
//!                 event_loop.socket_at(*member).write(chunk);
//!             }
//!         });
//!     });
//! }
//!
//! let mut event_loop = EventLoop::new()?;
//! event_loop.set_data(Room::default()).create_server(joined);
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! # One turn of the loop
//!
//! ```text
//! once, before the first turn:  due timers
//! each turn:   pending  →  poll  →  pending again  →  check (immediates)  →  closing (last closed first)  →  timers
//!              └── after every callback: drain next_tick, then microtasks, until both are empty ──────────────┘
//! ```
//!
//! The order is libuv's, as Node runs it. No method runs a callback before it returns; the events that
//! it causes are emitted later, from the queue that the event's documentation names. [`trace`] reports
//! what the loop does, with the cause of each callback; the lifecycles are plain tables in [`state`].
//!
//! # Node's names
//!
//! | Node | here |
//! | --- | --- |
//! | `net.createServer([options], fn)` | [`Loop::create_server`], [`Loop::create_server_with`], [`ServerOptions`] |
//! | `net.connect`, `net.createConnection` | [`Loop::connect`], [`Loop::connect_to`], [`ConnectOptions`] |
//! | `new net.Socket([options])`, `{fd}` | [`Loop::socket`], [`Loop::socket_with`], [`Loop::socket_from_fd`], [`SocketOptions`] |
//! | `net.setDefaultAutoSelectFamily` … | [`Loop::set_default_auto_select_family`], [`Loop::set_default_auto_select_family_attempt_timeout`] |
//! | `server.listen`, `.close`, `.address()` | [`Server::listen`], [`Server::listen_on`], [`ListenOptions`], [`Server::close`], [`Server::close_then`], [`Server::address`] |
//! | `server.on('connection' …)` | [`Server::on_connection`], and `on_*` for each event |
//! | `server.getConnections` | [`Server::get_connections`], [`Server::connections`] |
//! | `server.maxConnections`, `'drop'` | [`Server::set_max_connections`], [`Server::on_drop`], [`Dropped`] |
//! | `socket.connect` | [`Socket::connect`], [`Socket::connect_to`] |
//! | `socket.on('data' …)`, `.once` | [`Socket::on_data`], [`Socket::once_data`], and so on for each event |
//! | `socket.off('data', fn)`, `.removeAllListeners` | [`Socket::named`], [`Socket::off`], [`ListenerId`], [`Socket::remove_all_listeners`], and of [`Server`] |
//! | `'lookup'`, `'connectionAttempt'` … | [`Socket::on_lookup`], [`Lookup`], [`Socket::on_connection_attempt`], [`Attempt`] |
//! | `onread` | [`OnRead`] |
//! | `socket.write(data[, cb])` | [`Socket::write`], [`Socket::write_then`] |
//! | `socket.end([data][, cb])` | [`Socket::end`], [`Socket::end_with`], [`Socket::end_then`], [`Socket::end_with_then`] |
//! | `socket.destroy([error])`, `.destroySoon()` | [`Socket::destroy`], [`Socket::destroy_with`], [`Socket::destroy_soon`] |
//! | `socket.resetAndDestroy()` | [`Socket::reset_and_destroy`] |
//! | `socket.pause()`, `.resume()`, `.read(n)`, `.unshift` | [`Socket::pause`], [`Socket::resume`], [`Socket::read`], [`Socket::unshift`] |
//! | `socket.pipe`, `.unpipe`, `.cork`, `.uncork` | [`Socket::pipe`], [`Socket::unpipe`], [`Socket::cork`], [`Socket::uncork`] |
//! | `socket.setTimeout`, `'timeout'` | [`Socket::set_timeout`], [`Socket::on_timeout`] |
//! | `socket.setNoDelay`, `.setKeepAlive`, `.setTypeOfService` | [`Socket::set_no_delay`], [`Socket::set_keep_alive`], [`Socket::set_type_of_service`] |
//! | `socket.setEncoding` | [`Socket::set_encoding`], [`Encoding`] |
//! | `socket.readyState`, `.pending`, `.destroyed` … | [`Socket::ready_state`], [`Socket::is_pending`], [`Socket::is_destroyed`] … |
//! | `socket.remoteAddress` …, `.localAddress` … | [`Socket::remote_address`], [`Socket::peer`], [`Socket::address`] … |
//! | `socket.bytesRead`, `.bytesWritten` | [`Socket::bytes_read`], [`Socket::bytes_written`] |
//! | `error.code`, `.syscall`, `.message` … | [`Error::code`], [`Error::syscall`], its `Display` … |
//! | `.ref()`, `.unref()` | `ref_` and `unref` of [`Socket`] and [`Server`], [`Loop::ref_timer`] … |
//! | `setTimeout`, `setInterval`, `clearTimeout`, `.refresh()` | [`Loop::set_timeout`], [`Loop::set_interval`], [`Loop::clear_timeout`], [`Loop::refresh`] |
//! | a property of your own, a variable that callbacks share | [`Socket::set_data`], [`Loop::set_data`], [`Loop::lend`] |
//! | `this` of a timer's callback | [`Loop::current_timer`] |
//! | `setImmediate`, `process.nextTick`, `queueMicrotask` | [`Loop::set_immediate`], [`Loop::next_tick`], [`Loop::queue_microtask`] |
//! | the `lookup` option | [`ConnectOptions::lookup`], [`Loop::set_lookup`], [`LookupRequest`], [`Loop::answer_lookup`] |
//! | `AbortController`, the `signal` option | [`Loop::abort_handle`], [`Loop::abort`] |
//! | `process.on('SIGTERM' …)` | [`Loop::on_signal`], [`Signal`] |
//! | `net.BlockList`, `net.SocketAddress`, `net.isIP` | [`BlockList`], [`SocketAddress`], [`is_ip`] |
//! | `process.on('uncaughtException' …)` | [`EventLoop::run`] returns, or unwinds; call it again |
//!
//! [`parity`] lists every member of Node's API, with what differs and why. The options of Node's
//! objects are methods of [`ServerOptions`], [`ListenOptions`], [`SocketOptions`] and
//! [`ConnectOptions`]; plain targets, such as a port or a pair of host and port, convert to these.
//! What Node throws is an `Err`; what the kernel reports is an `error` event.
//!
//! # What Node does not have
//!
//! | here | what for |
//! | --- | --- |
//! | [`EventLoop::run_once`], [`EventLoop::run_nowait`] | run one turn at a time |
//! | [`EventLoop::backend_timeout`], the loop's descriptor | run inside another loop |
//! | [`Loop::stop`] | `run` returns, and can be called again: [`guide::stopping`] |
//! | [`Loop::pause_time`], [`Loop::advance`], [`EventLoop::run_until_idle`], [`EventLoop::run_for`] | hold time in tests: [`guide::testing`] |
//! | `sim::World`, its `on_trace`, `sim::for_each_seed`, with the feature `sim` | test in a simulated world: [`guide::testing`] |
//! | [`Loop::is_alive`], [`Loop::now`] | libuv's, which Node hides |
//! | [`Loop::turns`], [`Loop::measure_idle_time`], [`Loop::idle_time`] | how busy the loop is; Node has `performance.nodeTiming` |
//! | [`Loop::holders`], [`Loop::holders_up_to`], [`Holder`] | why `run` does not return; Node has `process.getActiveResourcesInfo` |
//! | [`Loop::on_trace`], [`Socket::state`], [`Socket::standing`], [`Server::state`] | watch it work: [`trace`], [`state`], and what there is to see: [`guide::questions`] |
//! | [`Loop::set_read_buffer`], [`ServerOptions::accepts_per_turn`] | more throughput, at the cost of Node's interleaving |
//! | [`Loop::set_read_burst`] | limit what a peer that floods the loop may take of a turn |
//! | [`Server::close_after_backlog`] | stops listening after all waiting connections were accepted |
//! | [`ListenOptions::only_own_file`] | a stop that leaves a successor's socket file alone |
//! | [`ConnectOptions::write_limit`], [`ServerOptions::write_limit`] | limit the memory that a slow peer may cost |
//! | [`Loop::handle`], [`Handle::post`] | have the loop run a callback for another thread |
//! | [`Loop::after`] | a timer whose callback is an `FnOnce` |
//! | [`Error::socket`], [`Error::server`] | tell which socket or server has failed |
//! | [`LineSplitter`] | split chunks into lines |
//! | [`Socket::after`], [`Socket::set_interval`] | timers that end with their socket |
//! | [`Server::sockets`], [`Server::duplicate_fd`], [`Socket::duplicate_fd`] | reach all sockets of a server; hand a descriptor over |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `cli` | on | the program `netloop` and its crates; a library does not need it: `default-features = false` |
//! | `study` | on | recordings of what a loop does: `EventLoop::record` |
//! | `sim` | off | a simulated world for tests: hosts, a network between them, calls that fail and virtual time, all from a seed (`netloop::sim`) |
//! | `idna` | on | host names that are not ASCII, such as `bücher.example`; without it they are an error that says so |
//!
//! 64-bit Linux only.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("netloop runs on 64-bit Linux only: its reactor rests on what epoll promises");

mod kernel;
mod net;
mod rules;
mod values;

pub mod guide;
pub mod parity;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "study")]
pub mod study;

pub use net::error::Error;
pub use net::event_loop::EventLoop;
pub use net::event_loop::Loop;
pub use net::event_loop::handle::Handle;
pub use net::event_loop::lookups::LookupRequest;
pub use net::event_loop::signals::Signal;
pub use net::holder::Holder;
pub use net::server::{Dropped, ListenOptions, Server, ServerOptions};
pub use net::socket::{Attempt, ConnectOptions, Lookup, OnRead, Socket, SocketOptions};
pub use net::trace;
pub use net::{AbortId, ImmediateId, ListenerId, LookupId, ServerId, SocketId, TimerId};
pub use rules::state;
pub use values::address::{
    AddressError, Family, IntoAddress, SocketAddress, SocketAddressOptions, is_ip, is_ipv4, is_ipv6,
};
pub use values::block_list::BlockList;
pub use values::decoder::Encoding;
pub use values::lines::{LineSplitter, LineTooLong};
