//! The load: one process, one thread, bare mio, every byte that comes back compared.
//!
//! It costs about as much processor time a message as the leanest server, so throughput ends at the
//! client; the servers' processor time does not.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::workload::Workload;

/// Bytes repeat after this many: a prime, so that no message looks like the one before it.
const PERIOD: usize = 251;

/// One read takes at most this much.
const CHUNK: usize = 256 * 1024;

/// After so many connections one waits until the server has accepted them all, or its backlog ends.
const HANDSHAKE_EVERY: usize = 200;

/// No answer for so long means that the server is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// When a slice starts no more messages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// So long after its start.
    Time(Duration),
    /// When it has started this many.
    Messages(u64),
}

/// What one slice did, from its first message to the answer of its last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    /// How many messages came back.
    pub(crate) messages: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// Something that can load one server in slices.
pub(crate) trait Load {
    /// Runs one slice to its end: nothing is under way before it or after it.
    fn slice(&mut self, limit: Limit) -> io::Result<Slice>;

    /// The latencies of all slices, in nanoseconds.
    fn latencies(&mut self) -> io::Result<Histogram<u64>>;
}

/// A histogram from a microsecond to a minute, good to three digits.
pub(crate) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

/// A connection's two streams of the same bytes, by how far they have come.
struct Connection {
    stream: Option<TcpStream>,
    /// Up to where it may send in all: always the end of a message.
    goal: u64,
    sent: u64,
    received: u64,
    /// The end of the message whose latency is being taken, and when it was started.
    probe: Option<(u64, Instant)>,
}

/// The running slice.
struct Running {
    begin: Instant,
    deadline: Option<Instant>,
    /// How many messages may still be started.
    allowance: u64,
    messages: u64,
    /// How many connections wait for an answer.
    busy: usize,
}

/// The connections to one server.
pub(crate) struct Client {
    address: SocketAddr,
    workload: Workload,
    poll: Poll,
    connections: Vec<Connection>,
    pattern: Vec<u8>,
    chunk: Vec<u8>,
    latencies: Histogram<u64>,
    running: Running,
}

impl Client {
    /// Connects to the server on this port as the workload wants it.
    pub(crate) fn connect(port: u16, workload: Workload) -> io::Result<Client> {
        let now = Instant::now();
        let mut client = Client {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            workload,
            poll: Poll::new()?,
            connections: Vec::with_capacity(workload.connections),
            pattern: pattern(),
            chunk: vec![0; CHUNK],
            latencies: new_histogram(),
            running: Running {
                begin: now,
                deadline: None,
                allowance: 0,
                messages: 0,
                busy: 0,
            },
        };
        for index in 0..workload.connections {
            let stream = if workload.churn {
                None
            } else {
                Some(client.open(index)?)
            };
            client.connections.push(Connection {
                stream,
                goal: 0,
                sent: 0,
                received: 0,
                probe: None,
            });
        }
        Ok(client)
    }

    /// A lasting connection.
    fn open(&self, index: usize) -> io::Result<TcpStream> {
        let mut stream = std::net::TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        let last = index + 1 == self.workload.connections;
        if last || index.is_multiple_of(HANDSHAKE_EVERY) {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&[0])?;
            stream.read_exact(&mut [0])?;
        }
        stream.set_nonblocking(true)?;
        self.registered(TcpStream::from_std(stream), index)
    }

    fn registered(&self, mut stream: TcpStream, index: usize) -> io::Result<TcpStream> {
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(index), interests)?;
        Ok(stream)
    }

    /// Starts as many messages as the window and the limit allow, `false` when none.
    fn start(&mut self, index: usize, now: Instant) -> io::Result<bool> {
        let message = self.workload.message as u64;
        let connection = &self.connections[index];
        let under_way = (connection.goal - connection.received).div_ceil(message);
        let room = (self.workload.in_flight as u64).saturating_sub(under_way);
        let over = self
            .running
            .deadline
            .is_some_and(|deadline| now >= deadline);
        let started = if over {
            0
        } else {
            room.min(self.running.allowance)
        };
        if started == 0 {
            return Ok(false);
        }
        self.running.allowance -= started;
        if connection.stream.is_none() {
            let stream = self.registered(TcpStream::connect(self.address)?, index)?;
            self.connections[index].stream = Some(stream);
        }
        let connection = &mut self.connections[index];
        connection
            .probe
            .get_or_insert((connection.goal + message, now));
        connection.goal += started * message;
        Ok(true)
    }

    /// Sends what may be sent, as far as the socket takes it.
    fn send(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Some(stream) = &mut connection.stream else {
            return Ok(());
        };
        while connection.sent < connection.goal {
            let place = (connection.sent as usize + index) % PERIOD;
            let length = ((connection.goal - connection.sent) as usize).min(CHUNK);
            match stream.write(&self.pattern[place..place + length]) {
                Ok(written) => connection.sent += written as u64,
                // A connection under way takes nothing yet either.
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what came back and checks it.
    fn receive(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let Some(stream) = &mut connection.stream else {
            return Ok(());
        };
        while connection.received < connection.goal {
            let length = match stream.read(&mut self.chunk) {
                Ok(0) => return Err(io::Error::other("the server ended a connection")),
                Ok(length) => length,
                Err(error) if waits(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            let place = (connection.received as usize + index) % PERIOD;
            connection.received += length as u64;
            if connection.received > connection.sent
                || self.chunk[..length] != self.pattern[place..place + length]
            {
                return Err(io::Error::other("what came back is not what was sent"));
            }
            if length < CHUNK {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Serves one connection that is ready.
    fn ready(&mut self, index: usize) -> io::Result<()> {
        let before = self.connections[index].received;
        if before == self.connections[index].goal {
            return Ok(());
        }
        self.receive(index)?;
        let received = self.connections[index].received;
        let message = self.workload.message as u64;
        let completed = received / message - before / message;
        if completed > 0 {
            let now = Instant::now();
            self.running.messages += completed;
            self.complete(index, now);
            let started = self.start(index, now)?;
            if !started && received == self.connections[index].goal {
                self.running.busy -= 1;
            }
        }
        self.send(index)
    }

    /// Notes the latency of a message that is back; under churn its connection goes.
    fn complete(&mut self, index: usize, now: Instant) {
        let connection = &mut self.connections[index];
        if let Some((end, started)) = connection.probe
            && connection.received >= end
        {
            connection.probe = None;
            self.latencies
                .saturating_record(now.duration_since(started).as_nanos() as u64);
        }
        if self.workload.churn {
            connection.stream = None;
        }
    }

    fn drain(&mut self, events: &mut Events) -> io::Result<()> {
        while self.running.busy > 0 {
            self.poll.poll(events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(io::Error::other("the server stopped answering"));
            }
            for event in events.iter() {
                self.ready(event.token().0)?;
            }
        }
        Ok(())
    }
}

impl Load for Client {
    fn slice(&mut self, limit: Limit) -> io::Result<Slice> {
        let begin = Instant::now();
        self.running = match limit {
            Limit::Time(time) => Running {
                begin,
                deadline: Some(begin + time),
                allowance: u64::MAX,
                messages: 0,
                busy: 0,
            },
            Limit::Messages(allowance) => Running {
                begin,
                deadline: None,
                allowance,
                messages: 0,
                busy: 0,
            },
        };
        for index in 0..self.connections.len() {
            // Each starts once, however long the starting of so many takes, and counts from here.
            if self.start(index, begin)? {
                self.running.busy += 1;
                self.send(index)?;
            }
        }
        self.drain(&mut Events::with_capacity(1024))?;
        Ok(Slice {
            messages: self.running.messages,
            elapsed: self.running.begin.elapsed(),
        })
    }

    fn latencies(&mut self) -> io::Result<Histogram<u64>> {
        Ok(self.latencies.clone())
    }
}

/// Bytes in no order that repeat after [`PERIOD`], long enough for a chunk from any place.
fn pattern() -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let period: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(PERIOD)
    .collect();
    period
        .iter()
        .copied()
        .cycle()
        .take(PERIOD + CHUNK)
        .collect()
}

fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::NotConnected
    )
}
