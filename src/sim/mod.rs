//! A simulated world for tests: hosts, each with its own loop, a network between them, and virtual time.
//!
//! The loops, and everything that a program does with them, are the library's own; only the kernel is
//! simulated. It keeps its sockets in memory and follows Linux: the same calls have the same results, errors
//! and readiness. Time advances only when no loop has anything left to do, and then jumps to the next event,
//! so an hour takes a moment. Everything random follows from the seed, such as latencies, the sizes of the
//! pieces in which bytes arrive, and which loop runs first: a seed always leads to the same course of events.
//!
//! ```
//! use std::time::Duration;
//! use netloop::sim::World;
//!
//! let mut world = World::new(7);
//! let server = world.add_host("server")?;
//! let client = world.add_host("client")?;
//!
//! world.event_loop(server).set_data(0_u32).create_server(|socket| {
//!     socket.set_timeout(Duration::from_secs(30)).on_timeout(|socket| {
//!         *socket.event_loop().data_mut::<u32>().unwrap() += 1;
//!         socket.end_with("too slow");
//!     });
//! }).listen_on(8000)?;
//! world.event_loop(client).connect_to(("server", 8000))?.on_data(|_, chunk| {
//!     assert_eq!(chunk, b"too slow");
//! });
//!
//! world.advance(Duration::from_secs(29))?;
//! assert_eq!(world.event_loop(server).data(), Some(&0_u32));
//! world.advance(Duration::from_secs(2))?; // takes no real time
//! assert_eq!(world.event_loop(server).data(), Some(&1_u32));
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! A [`Pair`] tests a protocol handler alone, and with [`Sockets`] a test plays a peer of a lone
//! [loop](event_loop) call by call. The guide [Testing your program](crate::guide::testing) shows more.
//!
//! # What is simulated
//!
//! - TCP over IPv4 and IPv6: connections that are refused, time out or are [reset](World::reset), half-closed
//!   connections, keep-alive, full backlogs, buffers of limited [size](World::set_buffers), and urgent data
//!   ([`World::send_urgent`]).
//! - Unix sockets. Each host has its own paths, and all directories exist. Nothing is written to the real file
//!   system, and file modes have no effect.
//! - Edge-triggered readiness, which may be late, joined with other changes, or redundant.
//! - [Latency](World::set_latency), also of a [link](World::set_link_latency), and
//!   [partitions](World::partition), also in one direction.
//! - Names: each host's own, and `localhost`.
//! - Signals ([`World::raise`]).
//! - Processes that are killed ([`World::kill`]) or stopped ([`World::stop`]); machines that crash
//!   ([`World::crash`]) or sleep ([`World::suspend`]).
//! - A limit of descriptors ([`World::set_descriptor_limit`]), shortages ([`World::exhaust`]), and random
//!   faults ([`World::set_faults`]).
//!
//! # What is not simulated
//!
//! - `TIME-WAIT`: when a connection is over at both ends, its addresses are free.
//! - The rate of a link, congestion control, Nagle's algorithm and delayed acknowledgements: all that the window
//!   of the peer has room for is sent at once.
//! - Buffers that grow, and the memory around the bytes in them.
//! - Fast retransmissions: a [lost](Fault::Loss) segment always costs a retransmission time-out, or several. An
//!   acknowledgement or a reset that is lost is late instead. When a [partition](World::partition) has ended, the
//!   next retransmission is due within 200 ms; in Linux it may take two minutes.
//! - SYN cookies: a handshake that Linux would answer with one, because as many as the backlog has places have
//!   begun, is in `SYN-RECV`.
//! - Routers and their ICMP messages, except as [faults](Fault). Hosts are on one link: a connect to an IPv4
//!   address without a host fails with `EHOSTUNREACH` after three seconds, and one to an IPv6 address outside
//!   fd00::/16 at once with `ENETUNREACH`. There are no link-local addresses. A connect to a machine that has
//!   crashed fails with `ETIMEDOUT` after 131 s, as if it were behind a router.
//! - Files other than those of Unix sockets, pipes, child processes, and threads.
//!
//! Descriptors from outside cannot be used (`EBADF`, `EPERM`), and none can be duplicated (`EOPNOTSUPP`).
//! Other threads may [post](crate::Handle::post) to a loop, but their timing does not follow from the seed,
//! and the world does not wait for them.

mod by_hand;
mod links;
mod outages;
mod pair;
mod process;
mod run;
mod seeds;
mod sockets;
mod trace;
mod trouble;

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::kernel::sim::{Kernel, Network, lock};
use crate::{Error, EventLoop, Loop, Signal};

use self::process::Process;

pub use self::by_hand::{Listener, Sockets, Stream};
pub use self::pair::{Pair, PairOptions};
pub use self::seeds::for_each_seed;
pub use self::sockets::SocketInfo;
pub use self::trace::TraceRecord;
pub use self::trouble::{Fault, Faults, Resource};

/// A loop on a simulated kernel, in place of [`EventLoop::new`], for tests that run a loop themselves. Its host
/// has no network. When the loop would sleep, virtual time passes instead. Readiness is reported as by a real
/// kernel over loopback: never late, and never redundant.
///
/// ```
/// use std::time::Duration;
///
/// let mut event_loop = netloop::sim::event_loop()?;
/// event_loop.set_timeout(Duration::from_secs(3600), |event_loop| {
///     assert_eq!(event_loop.now(), 3_600_000); // in no time
/// });
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// If nothing can end a wait, as when a server listens and no client connects, [`run`](EventLoop::run) returns
/// an error with the code `EDEADLK`.
///
/// # Errors
/// As [`World::add_host`].
pub fn event_loop() -> Result<EventLoop, Error> {
    let kernel = Kernel::alone(None).map_err(|error| Error::of_call("open", &error))?;
    Ok(EventLoop::simulated(kernel))
}

/// As [`event_loop`], but what varies between runs on a real machine varies with the seed: how late a wait ends,
/// the sizes of the buffers and so of the pieces in which bytes arrive, and the port that is given to `listen`
/// on port 0. The same seed leads to the same course of events.
///
/// ```
/// let port = |seed| {
///     let mut event_loop = netloop::sim::event_loop_from(seed)?;
///     let mut server = event_loop.create_server(|_| {});
///     server.on_listening(|server| {
///         let port = server.port();
///         server.event_loop().set_data(port);
///         server.close();
///     });
///     server.listen_on(0)?;
///     event_loop.run()?;
///     Ok::<_, netloop::Error>(event_loop.take_data::<Option<u16>>())
/// };
/// assert_eq!(port(1)?, port(1)?);
/// assert_ne!(port(1)?, port(2)?);
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// # Errors
/// As [`World::add_host`].
pub fn event_loop_from(seed: u64) -> Result<EventLoop, Error> {
    let kernel = Kernel::alone(Some(seed)).map_err(|error| Error::of_call("open", &error))?;
    Ok(EventLoop::simulated(kernel))
}

/// The id of a host in its [`World`].
///
/// Hosts of different worlds are never equal. A world panics when it is given a host of another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    number: usize,
    world: u64,
}

/// The number of the host, from 0: the same in each run.
impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Host({})", self.number)
    }
}

/// How many worlds this process has created.
static WORLDS: AtomicU64 = AtomicU64::new(0);

/// Sets the tracer of a host's loop.
type Tracing = Box<dyn Fn(&mut Loop, Host)>;

/// Hosts with their loops, and the network between them. See the [module](self).
pub struct World {
    seed: u64,
    id: u64,
    network: Arc<Mutex<Network>>,
    processes: Vec<Process>,
    /// How many turns the loops may run while no time passes.
    turn_limit: usize,
    tracing: Option<Tracing>,
}

impl World {
    /// An empty world. The same seed leads to the same course of events.
    pub fn new(seed: u64) -> World {
        World {
            seed,
            id: WORLDS.fetch_add(1, Ordering::Relaxed),
            network: Arc::new(Mutex::new(Network::new(seed, true))),
            processes: Vec::new(),
            turn_limit: run::TURN_LIMIT,
            tracing: None,
        }
    }

    /// The seed that the world was made with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }

    /// The index of a host in the lists.
    #[track_caller]
    fn index(&self, host: Host) -> usize {
        assert!(host.world == self.id, "a host of another world");
        host.number
    }

    /// Adds a host, with its own loop and [address](World::address). The other hosts can look up its name, in
    /// upper or lower case.
    ///
    /// # Errors
    /// - `ERR_INVALID_ARG_VALUE`: the name is not an ASCII host name, is an address or `localhost`, or belongs
    ///   to another host. An internationalized name must be given in its ASCII form, which begins with `xn--`.
    /// - Errors of open(2): each loop opens one real descriptor.
    pub fn add_host(&mut self, name: &str) -> Result<Host, Error> {
        let refused = |reason| {
            let message = format!("a host cannot have the name {name:?}: {reason}");
            Err(Error::with_code("ERR_INVALID_ARG_VALUE", message))
        };
        if !is_host_name(name) {
            return refused("it is not a host name that can be looked up");
        }
        if self.network().has_name(name) {
            return refused("another host has it");
        }
        let kernel = Kernel::new(&self.network, name);
        let kernel = kernel.map_err(|error| Error::of_call("open", &error))?;
        self.processes.push(Process::new(kernel));
        self.trace(self.processes.len() - 1);
        Ok(Host {
            number: self.processes.len() - 1,
            world: self.id,
        })
    }

    /// The loop of a host: to start something on it, or to look at its state. What is started happens when the
    /// world runs. A mere look does not change the course of events.
    ///
    /// [`pause_time`](Loop::pause_time) holds the timers of this loop alone: its sockets, the other hosts and the
    /// network go on, and the world comes to rest without those timers. [`Loop::advance`] moves the loop's own
    /// clock, and no other; [`World::advance`] lets time pass for all.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn event_loop(&mut self, host: Host) -> &mut Loop {
        let number = self.index(host);
        self.processes[number].lend()
    }

    /// The name of a host, in lower case.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn name(&self, host: Host) -> String {
        self.network().name(self.index(host)).to_owned()
    }

    /// The IPv4 address of a host: 10.0.0.1 for the first, 10.0.0.2 for the next, and so on. Each host also
    /// has 127.0.0.1 and `::1` for itself.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn address(&self, host: Host) -> IpAddr {
        self.network().address(self.index(host)).into()
    }

    /// The IPv6 address of a host: `fd00::1` for the first, `fd00::2` for the next, and so on. A lookup of its
    /// name returns it only for [family 6](crate::ConnectOptions::family).
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn ipv6_address(&self, host: Host) -> IpAddr {
        self.network().ipv6_address(self.index(host)).into()
    }

    /// The time that has passed in the world.
    pub fn now(&self) -> Duration {
        self.network().now()
    }

    /// Sends a signal to the program of a host. A signal that it does not [listen for](Loop::on_signal) is
    /// ignored. Listening does not hold the loop: while nothing else does, the signal waits.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn raise(&mut self, host: Host, signal: Signal) {
        self.network().raise(self.index(host), signal.number());
    }

    /// Removes the file of a Unix socket, as unlink(2) does. Returns whether it existed. A file that a
    /// [killed](World::kill) program has left makes `listen` fail with `EADDRINUSE`.
    ///
    /// # Panics
    /// If the host is of another world.
    #[track_caller]
    pub fn remove_file(&mut self, host: Host, path: impl AsRef<Path>) -> bool {
        self.network().unlink(self.index(host), path.as_ref())
    }
}

/// Whether a name can be looked up: it is a DNS name in ASCII, and not an address or `localhost`.
fn is_host_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_plain)
            && !(label.starts_with('-') || label.ends_with('-'))
    };
    let is_number = name
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_taken = name.eq_ignore_ascii_case("localhost");
    name.len() <= 253 && name.split('.').all(is_label) && !is_number && !is_taken
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World")
            .field("seed", &self.seed)
            .field("now", &self.now())
            .field("hosts", &self.processes.len())
            .finish_non_exhaustive()
    }
}
