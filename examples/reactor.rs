//! An event loop on one page: an echo server on mio and slab alone, which closes idle connections.
//!
//!     cargo run --example reactor -- 8000 60000
//!     nc 127.0.0.1 8000
//!
//! With `--once` behind its arguments it forgets what edge-triggered readiness asks for: it takes one step
//! for each report of the kernel. Say a few lines to it with nc: an answer waits for a later line.
//!
//! This is the idea of the whole library, without what makes it one. Read it from `main`: wait until
//! the kernel reports readiness; find the connection by its token; do what its state machine asks
//! for until the kernel has no more to give; then run the timers that are due.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

// ---- The state machine: a pure function, with no socket and no clock in it.

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Waits for bytes.
    Reading,
    /// Owes bytes, and reads no more until they have left: so a peer that does not read costs
    /// one buffer.
    Writing,
    Closed,
}

#[derive(Clone, Copy, Debug)]
enum Input {
    Received,
    Sent,
    PeerEnded,
    Failed,
    TimedOut,
}

fn step(state: State, input: Input) -> State {
    match (state, input) {
        (State::Reading, Input::Received) => State::Writing,
        (State::Writing, Input::Sent) => State::Reading,
        (_, Input::PeerEnded | Input::Failed | Input::TimedOut) => State::Closed,
        (state, Input::Received | Input::Sent) => state,
    }
}

// ---- A connection: the socket, its state, and what it owes.

struct Connection {
    stream: TcpStream,
    state: State,
    owed: Vec<u8>,
    last_active: Instant,
    /// Tells it from the next connection that gets the same key of the slab.
    generation: u64,
}

impl Connection {
    /// Reads and writes until the kernel would block. It has to: readiness is edge-triggered, and an
    /// edge comes once. What is left here gets no other edge.
    fn drive(&mut self, buffer: &mut [u8], steps: usize) {
        for _ in 0..steps {
            let outcome = match self.state {
                State::Reading => self.receive(buffer),
                State::Writing => self.send(),
                State::Closed => return,
            };
            let input = match outcome {
                Ok(input) => input,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => Input::Failed,
            };
            self.last_active = Instant::now();
            self.state = step(self.state, input);
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Input> {
        let count = self.stream.read(buffer)?;
        self.owed.extend_from_slice(&buffer[..count]);
        Ok(match count {
            0 => Input::PeerEnded,
            _ => Input::Received,
        })
    }

    fn send(&mut self) -> io::Result<Input> {
        while !self.owed.is_empty() {
            let count = self.stream.write(&self.owed)?;
            self.owed.drain(..count);
        }
        Ok(Input::Sent)
    }
}

// ---- The reactor: what is registered with the kernel, and the timers.

struct Reactor {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    accepted: u64,
    idle: Duration,
    /// How many steps a connection takes for each report: as many as it can, or one.
    steps: usize,
    /// When to look whether a connection is idle: its key and its generation, the next one first.
    timers: BTreeSet<(Instant, usize, u64)>,
}

impl Reactor {
    fn accept(&mut self, buffer: &mut [u8]) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.begin(stream, buffer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return eprintln!("accept: {error}"),
            }
        }
    }

    fn begin(&mut self, mut stream: TcpStream, buffer: &mut [u8]) {
        let place = self.connections.vacant_entry();
        let key = place.key();
        // Once, for both directions. Nothing is registered again, whatever the state.
        let interests = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        if let Err(error) = registry.register(&mut stream, Token(key), interests) {
            return eprintln!("epoll_ctl: {error}");
        }
        self.accepted += 1;
        let now = Instant::now();
        place.insert(Connection {
            stream,
            state: State::Reading,
            owed: Vec::new(),
            last_active: now,
            generation: self.accepted,
        });
        self.timers.insert((now + self.idle, key, self.accepted));
        self.ready(key, buffer);
    }

    /// A token may be that of a connection that has gone, and then name none, or a newcomer, which
    /// is driven for nothing: readiness is a hint.
    fn ready(&mut self, key: usize, buffer: &mut [u8]) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.drive(buffer, self.steps);
            self.drop_if_closed(key);
        }
    }

    fn drop_if_closed(&mut self, key: usize) {
        if self.connections[key].state == State::Closed {
            self.connections.remove(key); // close(2) takes it out of epoll, too
        }
    }

    fn run_due_timers(&mut self, now: Instant) {
        while let Some(&timer) = self.timers.first()
            && timer.0 <= now
        {
            self.timers.pop_first();
            let (_, key, generation) = timer;
            let connection = self.connections.get_mut(key);
            let Some(connection) = connection.filter(|it| it.generation == generation) else {
                continue;
            };
            // Activity moves no timer: it is looked at when the timer fires.
            let due = connection.last_active + self.idle;
            if due > now {
                self.timers.insert((due, key, generation));
            } else {
                connection.state = step(connection.state, Input::TimedOut);
                self.drop_if_closed(key);
            }
        }
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let next = self.timers.first();
            let timeout = next.map(|timer| timer.0.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&mut buffer),
                    Token(key) => self.ready(key, &mut buffer),
                }
            }
            self.run_due_timers(Instant::now());
        }
    }
}

fn main() -> io::Result<()> {
    let usage = || {
        io::Error::new(
            ErrorKind::InvalidInput,
            "usage: reactor PORT IDLE_MILLISECONDS [--once]",
        )
    };
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next()?.parse::<u64>().ok();
    let port: u16 = number()
        .and_then(|port| port.try_into().ok())
        .ok_or_else(usage)?;
    let idle = Duration::from_millis(number().ok_or_else(usage)?);
    let steps = match arguments.next().as_deref() {
        None => usize::MAX,
        Some("--once") => 1,
        Some(_) => return Err(usage()),
    };

    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("listening on {}..", listener.local_addr()?.port());
    let reactor = Reactor {
        poll,
        listener,
        connections: Slab::new(),
        accepted: 0,
        idle,
        steps,
        timers: BTreeSet::new(),
    };
    reactor.run()
}
