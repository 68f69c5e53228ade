//! A simulated world for tests: hosts, each with its own loop, a network between them, and a time that
//! costs nothing.
//!
//! The loops are those of the library, and so is all that a program does with them; only the kernel below
//! is another. It keeps its sockets in memory, and Linux's rules: the same calls have the same results,
//! errors and readiness. Time moves only when no loop has anything left to do, and then straight to the
//! next thing that happens, so an hour takes a moment. Everything that is left to chance, such as latency,
//! pieces in which bytes arrive, and which loop runs first, follows from the seed: one seed, one course of
//! events.
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
//! world.advance(Duration::from_secs(2))?; // no time at all
//! assert_eq!(world.event_loop(server).data(), Some(&1_u32));
//! # Ok::<(), netloop::Error>(())
//! ```
//!
//! A [`Pair`] tests a protocol handler alone. The guide [Testing your program](crate::guide::testing) shows
//! more.
//!
//! # What there is
//!
//! TCP over IPv4 and IPv6; connections that are refused, time out or are reset; half-closed connections;
//! urgent data ([`World::send_urgent`]); keep-alive; backlogs that are full; buffers of a limited size;
//! edge-triggered readiness that comes late, together, or without need; partitions; names (each host's own,
//! and `localhost`); signals ([`World::raise`]); a process that dies ([`World::kill`]) or is stopped
//! ([`World::stop`]); a machine that dies ([`World::crash`]) or sleeps ([`World::suspend`]); a limit of
//! descriptors ([`World::set_descriptor_limit`]); shortages ([`World::exhaust`]); and calls that fail by
//! chance ([`World::set_faults`]).
//!
//! A host has its own paths, on which Unix sockets listen, and every folder is there; nothing is written to
//! the real file system, and modes have no effect.
//!
//! There are no descriptors from outside (`EBADF`, `EPERM`), and no duplicates of descriptors (`EOPNOTSUPP`).
//! Other threads may [post](crate::Handle::post) to a loop, but no seed rules them, and the world does not
//! wait for them.

mod pair;
mod trouble;

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::kernel::sim::{Kernel, Network, lock};
use crate::{Error, EventLoop, Loop, Signal};

pub use self::pair::Pair;
pub use self::trouble::{Fault, Faults, Resource};

/// A loop on a simulated kernel, in place of [`EventLoop::new`]: alone on its host, which has no network. When
/// it would sleep, time passes, and costs nothing; readiness comes as a real kernel reports it over loopback,
/// without whims. It is for tests that run a loop themselves.
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
/// If nothing can ever end a wait, [`run`](EventLoop::run) returns the error `EDEADLK`.
///
/// # Errors
/// As [`World::add_host`].
pub fn event_loop() -> Result<EventLoop, Error> {
    let kernel = Kernel::alone().map_err(|error| Error::of_call("open", &error))?;
    Ok(EventLoop::simulated(kernel))
}

/// How many turns the loops of a world may run while no time passes.
const TURNS_AT_ONCE: usize = 1_000_000;

/// The name of a host in its [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(usize);

/// When a loop is run next.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// It has something to do.
    Now,
    /// When something is ready, or at this time.
    Later(Option<Duration>),
    /// Nothing holds it: its program is over, until it is given something to do.
    Never,
}

struct Process {
    kernel: Kernel,
    event_loop: EventLoop,
    next: Next,
    /// Until then it does not run. `None` means that its machine is off.
    rests_until: Option<Duration>,
}

impl Process {
    fn may_run(&self, now: Duration) -> bool {
        self.rests_until.is_some_and(|until| until <= now)
    }

    /// When it runs next, if nothing happens before.
    fn next_time(&self, now: Duration) -> Option<Duration> {
        match self.next {
            Next::Later(at) if self.may_run(now) => at,
            Next::Now | Next::Later(_) => self.rests_until.filter(|until| *until > now),
            Next::Never => None,
        }
    }
}

/// Hosts with their loops, and the network between them. See the [module](self).
pub struct World {
    seed: u64,
    network: Arc<Mutex<Network>>,
    processes: Vec<Process>,
}

impl World {
    /// An empty world. The same seed leads to the same course of events.
    pub fn new(seed: u64) -> World {
        World {
            seed,
            network: Arc::new(Mutex::new(Network::new(seed, true))),
            processes: Vec::new(),
        }
    }

    /// The seed that the world was made with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        lock(&self.network)
    }

    /// Adds a host, with a loop and an [address](World::address) of its own. The other hosts find it under
    /// its name.
    ///
    /// # Errors
    /// Errors of open(2): each loop has one real descriptor, for programs that ask for it.
    pub fn add_host(&mut self, name: &str) -> Result<Host, Error> {
        let kernel = Kernel::new(&self.network, name);
        let kernel = kernel.map_err(|error| Error::of_call("open", &error))?;
        self.processes.push(Process {
            event_loop: EventLoop::simulated(kernel.clone()),
            kernel,
            next: Next::Never,
            rests_until: Some(Duration::ZERO),
        });
        Ok(Host(self.processes.len() - 1))
    }

    /// The loop of a host, to give it something to do. It runs when the world does.
    ///
    /// # Panics
    /// If the host is of another world, and this one has fewer.
    pub fn event_loop(&mut self, host: Host) -> &mut Loop {
        let process = &mut self.processes[host.0];
        process.next = Next::Now;
        &mut process.event_loop
    }

    /// The address of a host in the network: the first has 10.0.0.1, the next 10.0.0.2, and so on. Each also
    /// has 127.0.0.1 and `::1` for itself.
    ///
    /// # Panics
    /// As [`event_loop`](World::event_loop).
    pub fn address(&self, host: Host) -> IpAddr {
        self.network().address(host.0).into()
    }

    /// The address of a host over IPv6: the first has `fd00::1`, the next `fd00::2`, and so on. A name leads
    /// to it only if [family 6](crate::ConnectOptions::family) is asked for.
    ///
    /// # Panics
    /// As [`event_loop`](World::event_loop).
    pub fn ipv6_address(&self, host: Host) -> IpAddr {
        self.network().ipv6_address(host.0).into()
    }

    /// How much time has passed in the world.
    pub fn now(&self) -> Duration {
        self.network().now()
    }

    /// Runs the loops, and lets time pass, until nothing more happens: nothing is on its way, and no loop
    /// waits for a timer. Servers may still listen, and connections be open. A program with an interval
    /// never comes to rest: use [`advance`](World::advance) or [`run_within`](World::run_within).
    ///
    /// Each loop runs as with [`run_nowait`](EventLoop::run_nowait), as long as something holds it. A
    /// [`stop`](Loop::stop) has no effect beyond its turn.
    ///
    /// # Errors
    /// An `error` event without a listener, as in [`EventLoop::run`]; `ERR_NO_PROGRESS` if loops run a million
    /// turns while no time passes. Called again, the world goes on.
    pub fn run(&mut self) -> Result<(), Error> {
        self.run_until(None).map(|_| ())
    }

    /// As [`run`](World::run), but at most until this much time has passed. Returns whether the world has come
    /// to rest: a test of a program that may never do so has a limit.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut world = netloop::sim::World::new(1);
    /// let host = world.add_host("host")?;
    /// let minute = Duration::from_secs(60);
    /// world.event_loop(host).after(Duration::from_secs(59), |event_loop| {
    ///     event_loop.set_interval(Duration::from_secs(1), |_| {});
    /// });
    /// assert!(!world.run_within(minute)?);
    /// assert_eq!(world.now(), minute);
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](World::run).
    pub fn run_within(&mut self, limit: Duration) -> Result<bool, Error> {
        let end = self.now().saturating_add(limit);
        self.run_until(Some(end))
    }

    /// Runs the loops while this much time passes.
    ///
    /// # Errors
    /// As [`run`](World::run). After an error, the rest of the time has not passed.
    pub fn advance(&mut self, by: Duration) -> Result<(), Error> {
        let end = self.now().saturating_add(by);
        self.run_until(Some(end))?;
        self.network().move_to(end);
        Ok(())
    }

    /// Returns whether nothing more happens.
    fn run_until(&mut self, end: Option<Duration>) -> Result<bool, Error> {
        loop {
            self.run_turns()?;
            let next = self.next_time();
            let is_in_time = next.is_some_and(|next| end.is_none_or(|end| next <= end));
            match next.filter(|_| is_in_time) {
                Some(next) => self.network().move_to(next),
                None => return Ok(next.is_none()),
            }
        }
    }

    /// Runs the loops until none of them has anything to do before time passes.
    fn run_turns(&mut self) -> Result<(), Error> {
        for _ in 0..TURNS_AT_ONCE {
            match self.next_to_run() {
                Some(index) => self.turn(index)?,
                None => return Ok(()),
            }
        }
        let message = "the loops are never done, and no time passes";
        Err(Error::with_code("ERR_NO_PROGRESS", message))
    }

    /// One of the loops that have something to do.
    fn next_to_run(&self) -> Option<usize> {
        let mut network = self.network();
        let now = network.now();
        let is_due = |index: &usize| match self.processes[*index].next {
            Next::Now => true,
            Next::Later(at) => network.is_ready(*index) || at.is_some_and(|at| at <= now),
            Next::Never => false,
        };
        let may_run = |index: &usize| self.processes[*index].may_run(now);
        let all = 0..self.processes.len();
        let due: Vec<usize> = all.filter(may_run).filter(is_due).collect();
        due.get(network.dice().below(due.len())).copied()
    }

    /// When the next thing happens: something arrives, or a loop's time is up.
    fn next_time(&self) -> Option<Duration> {
        let now = self.now();
        let processes = self.processes.iter();
        let waits = processes.filter_map(|process| process.next_time(now));
        waits.chain(self.network().next_time()).min()
    }

    /// Runs one turn of a loop.
    fn turn(&mut self, index: usize) -> Result<(), Error> {
        let now = self.now();
        let process = &mut self.processes[index];
        // After an error or a panic, the loop has the rest of the turn to do.
        process.next = Next::Now;
        let is_alive = process.event_loop.run_nowait()?;
        process.next = match process.event_loop.backend_timeout() {
            _ if !is_alive => Next::Never,
            Some(Duration::ZERO) => Next::Now,
            wait => Next::Later(wait.map(|wait| now + wait)),
        };
        Ok(())
    }

    /// Lets nothing pass between two hosts until they are [healed](World::heal). What is sent meanwhile is
    /// late, not lost. As in Linux, connecting fails with `ETIMEDOUT` after 127 seconds, and so does a
    /// connection after a quarter of an hour, if it has something to send, or when its
    /// [keep-alive](crate::Socket::set_keep_alive) has no answer.
    pub fn partition(&mut self, one: Host, other: Host) {
        self.network().partition(one.0, other.0);
    }

    /// Ends a partition.
    pub fn heal(&mut self, one: Host, other: Host) {
        self.network().heal(one.0, other.0);
    }

    /// Sets how long a segment takes from one host to another, from now on: one to five milliseconds by
    /// default. On one host nothing takes time.
    pub fn set_latency(&mut self, latency: Range<Duration>) {
        self.network().set_latency(latency);
    }

    /// Sets how many bytes the kernel keeps for each connection that is made from now on: those that were
    /// sent and have not arrived, and those that arrived and were not read. By default 256 and 128 KiB.
    pub fn set_buffers(&mut self, send: usize, receive: usize) {
        self.network().set_buffers(send, receive);
    }

    /// Sends a signal to the program of a host. One that it does not
    /// [listen for](Loop::on_signal) is ignored.
    pub fn raise(&mut self, host: Host, signal: Signal) {
        self.network().raise(host.0, signal.number());
    }

    /// Kills the program of a host: no callback of it runs, and the kernel closes its sockets. The host gets
    /// a new, empty loop. The files of its Unix sockets remain.
    ///
    /// # Panics
    /// As [`event_loop`](World::event_loop).
    pub fn kill(&mut self, host: Host) {
        self.network().die(host.0);
        let process = &mut self.processes[host.0];
        process.event_loop = EventLoop::simulated(process.kernel.clone());
        process.next = Next::Never;
    }

    /// Removes the file of a Unix socket, as unlink(2) does: one that a [killed](World::kill) program has
    /// left makes `listen` fail with `EADDRINUSE`. Returns whether there was one.
    pub fn remove_file(&mut self, host: Host, path: impl AsRef<Path>) -> bool {
        self.network().unlink(host.0, path.as_ref())
    }
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
