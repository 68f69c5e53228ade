//! Node's `net` module (server, socket, timers, and the event loop under them) on a hand-rolled,
//! single-threaded [mio](https://docs.rs/mio) reactor that shows its working.
//!
//! Whoever knows Node knows this crate: the statements stand in the same order, the names are
//! Node's in snake case, and the events come in Node's order, from Node's queues.
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
//! can be borrowed twice or leaked in a circle. From another callback, an id becomes a view again
//! by [`Loop::socket_at`] and [`Loop::server_at`]; the id of what is gone, or of what another loop has,
//! makes a quiet view.
//!
//! # The program's own state
//!
//! What callbacks share is kept by its owner, one value of each type: by the loop
//! ([`Loop::set_data`]), by a socket ([`Socket::set_data`]) or by a server. It is lent together with
//! that owner, so that sockets can be written to while it is changed:
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
//!              └── after every entry into user code: drain next_tick, then microtasks, until both are empty ──┘
//! ```
//!
//! The order is libuv's as Node runs it. No method calls back inside the call; what it causes is
//! emitted from the queue that the event's documentation names. [`trace`] tells what the loop
//! does, with the cause of each callback; the lifecycles are plain tables in [`state`].
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
//! | a property of one's own, a variable that callbacks share | [`Socket::set_data`], [`Loop::set_data`], [`Loop::lend`] |
//! | `this` of a timer's callback | [`Loop::current_timer`] |
//! | `setImmediate`, `process.nextTick`, `queueMicrotask` | [`Loop::set_immediate`], [`Loop::next_tick`], [`Loop::queue_microtask`] |
//! | the `lookup` option | [`ConnectOptions::lookup`], [`Loop::set_lookup`], [`LookupRequest`], [`Loop::answer_lookup`] |
//! | `AbortController`, the `signal` option | [`Loop::abort_handle`], [`Loop::abort`] |
//! | `process.on('SIGTERM' …)` | [`Loop::on_signal`], [`Signal`] |
//! | `net.BlockList`, `net.SocketAddress`, `net.isIP` | [`BlockList`], [`SocketAddress`], [`is_ip`] |
//! | `process.on('uncaughtException' …)` | [`EventLoop::run`] returns, or unwinds; call it again |
//!
//! Every row of Node's API, with what differs and why, stands in [`parity`]. The options of Node's
//! objects are methods of [`ServerOptions`], [`ListenOptions`], [`SocketOptions`] and
//! [`ConnectOptions`]; plain targets, such as a port or a pair of host and port, become those by
//! themselves. What Node throws is an `Err`; what the kernel says is an `error` event.
//!
//! # What Node does not have
//!
//! | here | what for |
//! | --- | --- |
//! | [`EventLoop::run_once`], [`EventLoop::run_nowait`] | a turn at a time |
//! | [`EventLoop::backend_timeout`], the loop's descriptor | to run beside another loop |
//! | [`Loop::stop`] | `run` returns, and can be called again: [`guide::stopping`] |
//! | [`Loop::pause_time`], [`Loop::advance`], [`EventLoop::run_until_idle`], [`EventLoop::run_for`] | time for tests: [`guide::testing`] |
//! | [`Loop::is_alive`], [`Loop::now`] | libuv's, which Node hides |
//! | [`Loop::on_trace`], [`Socket::state`], [`Server::state`] | to see it work: [`trace`], [`state`] |
//! | [`Loop::set_read_buffer`], [`ServerOptions::accepts_per_turn`] | throughput, against Node's interleaving |
//! | [`Loop::set_read_burst`] | what a peer that floods the loop may take of a turn |
//! | [`Server::close_after_backlog`] | a stop that resets nobody who has connected |
//! | [`ListenOptions::only_own_file`] | a stop that leaves a successor's socket file alone |
//! | [`ConnectOptions::write_limit`], [`ServerOptions::write_limit`] | an end to what a slow peer may cost |
//! | [`Loop::handle`], [`Handle::post`] | other threads have a callback run by the loop |
//! | [`Loop::after`] | a timer whose callback is called only once |
//! | [`Error::socket`], [`Error::server`] | whose error it is |
//! | [`LineSplitter`] | lines, wherever the chunks were cut |
//! | [`Socket::after`], [`Socket::set_interval`] | timers that die with their socket |
//! | [`Server::sockets`], [`Server::duplicate_fd`], [`Socket::duplicate_fd`] | servers that hand over, or close on all |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `cli` | on | the program `netloop` and its crates; a library user does without: `default-features = false` |
//! | `idna` | on | names that are not ASCII, such as `bücher.example`; without it they are an error that says so |
//!
//! 64-bit Linux only.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("netloop runs on 64-bit Linux only: its reactor rests on what epoll promises");

mod net;
mod room;
mod rules;

pub mod guide;
pub mod parity;

pub use net::error::Error;
pub use net::event_loop::EventLoop;
pub use net::event_loop::Loop;
pub use net::event_loop::handle::Handle;
pub use net::event_loop::lookups::LookupRequest;
pub use net::event_loop::signals::Signal;
pub use net::server::{Dropped, ListenOptions, Server, ServerOptions};
pub use net::socket::{Attempt, ConnectOptions, Lookup, OnRead, Socket, SocketOptions};
pub use net::trace;
pub use net::{AbortId, ImmediateId, ListenerId, LookupId, ServerId, SocketId, TimerId};
pub use rules::address::{
    AddressError, Family, IntoAddress, SocketAddress, SocketAddressOptions, is_ip, is_ipv4, is_ipv6,
};
pub use rules::block_list::BlockList;
pub use rules::decoder::Encoding;
pub use rules::lines::{LineSplitter, LineTooLong};
pub use rules::state;
