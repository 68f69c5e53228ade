//! The load of the flood: one process, one thread, bare mio. Some peers send as fast as the server
//! takes it; another sends four bytes at a time and waits for them, and that wait is what counts.
//!
//! Between any two steps of the flooding peers the pinging one is looked at, so that what is measured
//! is the server's delay and at most one such step of our own.

use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use libc::MSG_TRUNC;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;

use super::client::new_histogram;

/// What a flooding peer sends, and receives, in one step.
const STEP: usize = 256 * 1024;

/// From an answer to the next ping.
const PAUSE: Duration = Duration::from_millis(2);

const PING: [u8; 4] = *b"ping";

const PINGER: Token = Token(usize::MAX);

/// No answer for so long means that the server is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who floods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// The name, as a filter wants it.
    pub(crate) name: &'static str,
    /// How many peers.
    pub(crate) peers: usize,
    /// Whether they receive what comes back.
    pub(crate) receives: bool,
}

impl Flood {
    const fn of(name: &'static str, peers: usize, receives: bool) -> Flood {
        Flood {
            name,
            peers,
            receives,
        }
    }

    /// The same in words.
    pub(crate) fn title(self) -> String {
        match (self.peers, self.receives) {
            (1, true) => "one peer floods and receives what comes back".to_owned(),
            (1, false) => "one peer floods and never receives".to_owned(),
            (peers, true) => format!("{peers} peers flood and receive what comes back"),
            (peers, false) => format!("{peers} peers flood and never receive"),
        }
    }
}

/// All of them, in the order of the table.
pub(crate) const ALL: [Flood; 6] = [
    Flood::of("flood1", 1, true),
    Flood::of("flood3", 3, true),
    Flood::of("flood20", 20, true),
    Flood::of("deaf1", 1, false),
    Flood::of("deaf3", 3, false),
    Flood::of("deaf20", 20, false),
];

/// What one slice has shown.
pub(crate) struct Slice {
    /// From a ping to its answer, nanoseconds.
    pub(crate) delays: Histogram<u64>,
    /// Bytes that the flooding peers have sent.
    pub(crate) flooded: u64,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

struct Flooder {
    stream: TcpStream,
    may_send: bool,
    may_receive: bool,
}

/// The peers of one server.
pub(crate) struct Load {
    poll: Poll,
    flood: Flood,
    flooders: Vec<Flooder>,
    pinger: TcpStream,
    /// When the ping that is under way was sent.
    asked: Option<Instant>,
    next_ping: Instant,
    chunk: Vec<u8>,
    nowhere: Vec<MaybeUninit<u8>>,
}

impl Load {
    /// Connects to the server on this port.
    pub(crate) fn connect(port: u16, flood: Flood) -> io::Result<Load> {
        let poll = Poll::new()?;
        let open = |token: Token| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            // One that has been answered has been accepted.
            stream.write_all(&PING)?;
            stream.read_exact(&mut [0; 4])?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, token, both)?;
            Ok::<_, io::Error>(stream)
        };
        let flooders = (0..flood.peers).map(|index| {
            Ok(Flooder {
                stream: open(Token(index))?,
                may_send: true,
                may_receive: true,
            })
        });
        let flooders = flooders.collect::<io::Result<_>>()?;
        let pinger = open(PINGER)?;
        Ok(Load {
            poll,
            flood,
            flooders,
            pinger,
            asked: None,
            next_ping: Instant::now(),
            chunk: vec![b'x'; STEP],
            nowhere: vec![MaybeUninit::uninit(); STEP],
        })
    }

    /// Floods for so long, and counts what happens after the warm-up.
    pub(crate) fn slice(&mut self, warm_up: Duration, time: Duration) -> io::Result<Slice> {
        let begin = Instant::now() + warm_up;
        let mut slice = Slice {
            delays: new_histogram(),
            flooded: 0,
            elapsed: time,
        };
        let mut events = Events::with_capacity(1024);
        loop {
            let now = Instant::now();
            if now >= begin + time && self.asked.is_none() {
                slice.elapsed = now - begin;
                return Ok(slice);
            }
            if self.asked.is_none() && now >= self.next_ping {
                self.pinger.write_all(&PING)?;
                self.asked = Some(now);
            }
            self.wait(&mut events, now)?;
            for index in 0..self.flooders.len() {
                let (delay, sent) = (self.answered()?, self.step(index)?);
                if Instant::now() >= begin {
                    slice.flooded += sent;
                    if let Some(delay) = delay {
                        slice.delays.saturating_record(delay.as_nanos() as u64);
                    }
                }
            }
        }
    }

    /// Learns who is ready; sleeps while the flood has come to a halt.
    fn wait(&mut self, events: &mut Events, now: Instant) -> io::Result<()> {
        let works = self.flooders.iter().any(|it| it.works(self.flood.receives));
        let wait = match (works, self.asked) {
            (true, _) => Duration::ZERO,
            (false, Some(_)) => PATIENCE,
            (false, None) => self.next_ping.saturating_duration_since(now),
        };
        self.poll.poll(events, Some(wait))?;
        if self.asked.is_some_and(|asked| asked.elapsed() > PATIENCE) {
            return Err(io::Error::other("the server stopped answering"));
        }
        for event in events.iter() {
            if let Some(flooder) = self.flooders.get_mut(event.token().0) {
                flooder.may_send |= event.is_writable();
                flooder.may_receive |= event.is_readable();
            }
        }
        Ok(())
    }

    /// Whether the ping is back, and how long it took.
    fn answered(&mut self) -> io::Result<Option<Duration>> {
        let Some(asked) = self.asked else {
            return Ok(None);
        };
        let mut back = [0; 4];
        match self.pinger.read(&mut back) {
            Ok(4) if back == PING => {
                self.asked = None;
                self.next_ping = Instant::now() + PAUSE;
                Ok(Some(asked.elapsed()))
            }
            Ok(_) => Err(io::Error::other("what came back is not the ping")),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One step of one flooding peer; how much it sent.
    fn step(&mut self, index: usize) -> io::Result<u64> {
        let Some(flooder) = self.flooders.get_mut(index) else {
            return Ok(0);
        };
        if flooder.may_receive && self.flood.receives {
            // Thrown away in the kernel (tcp(7)): the client is to be faster than any server.
            let received =
                SockRef::from(&flooder.stream).recv_with_flags(&mut self.nowhere, MSG_TRUNC);
            match received {
                Ok(0) => return Err(io::Error::other("the server ended a connection")),
                // What the server owes goes first, or it would wait for us.
                Ok(STEP) => return Ok(0),
                Ok(_) => flooder.may_receive = false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => flooder.may_receive = false,
                Err(error) => return Err(error),
            }
        }
        if !flooder.may_send {
            return Ok(0);
        }
        match flooder.stream.write(&self.chunk) {
            Ok(length) => {
                flooder.may_send = length == STEP;
                Ok(length as u64)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                flooder.may_send = false;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }
}

impl Flooder {
    fn works(&self, receives: bool) -> bool {
        self.may_send || receives && self.may_receive
    }
}
