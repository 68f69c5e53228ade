//! Two servers beside each other: one client alternates between them in short slices, each run to
//! its end before the other's begins, in the order A B, B A, A B and so on.
//!
//! A machine that changes its speed by half for seconds at a time changes both halves of a pair
//! alike, so the ratio within a pair says what separate runs cannot.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::client::{Client, Limit, Load, Slice, new_histogram};
use super::machine;
use super::peers::Peer;
use super::remote::RemoteClient;
use super::server::Server;
use super::statistics::Spread;
use super::workload::Workload;

/// How long a slice starts new messages.
const SLICE: Duration = Duration::from_millis(15);

/// Descriptors of a client that are no connections, with room to spare.
const OTHER_DESCRIPTORS: usize = 100;

/// How much of it to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often both servers are started afresh: where a process happens to lie in memory stays
    /// with it for life, and can make a tenth of its cost.
    pub(crate) starts: usize,
    /// Pairs thrown away after each start.
    pub(crate) warm_up: usize,
    /// At least so many pairs of each start count.
    pub(crate) pairs: usize,
    /// And more of them for so long.
    pub(crate) time: Duration,
}

/// What the second server did against the first.
pub(crate) struct Comparison {
    /// Processor time a message, of the pair.
    pub(crate) cost_ratio: Spread,
    /// Messages a second, of the pair.
    pub(crate) rate_ratio: Spread,
    /// Processor time a message, nanoseconds.
    pub(crate) cost: Spread,
    /// Messages a second.
    pub(crate) rate: Spread,
    /// From the start of a message to its answer, nanoseconds.
    pub(crate) latencies: Histogram<u64>,
}

/// A server with its load.
struct Side {
    server: Server,
    load: Box<dyn Load>,
}

/// One slice in figures.
struct Figures {
    cost: f64,
    rate: f64,
}

impl Side {
    fn new(peer: &Peer, workload: Workload) -> io::Result<Side> {
        let server = peer.start()?;
        let both = 2 * workload.connections + OTHER_DESCRIPTORS;
        let load: Box<dyn Load> = if both > machine::descriptor_limits().0 {
            Box::new(RemoteClient::connect(server.port, workload)?)
        } else {
            Box::new(Client::connect(server.port, workload)?)
        };
        Ok(Side { server, load })
    }

    fn slice(&mut self) -> io::Result<Figures> {
        let before = self.server.processor_time()?;
        let Slice { messages, elapsed } = self.load.slice(Limit::Time(SLICE))?;
        let spent = self.server.processor_time()? - before;
        if messages == 0 {
            return Err(io::Error::other("a slice without a message"));
        }
        let messages = messages as f64;
        Ok(Figures {
            cost: spent.as_nanos() as f64 / messages,
            rate: messages / elapsed.as_secs_f64(),
        })
    }
}

/// Whether a client may hold as many connections as the workload wants.
pub(crate) fn possible(workload: Workload) -> bool {
    workload.connections + OTHER_DESCRIPTORS <= machine::descriptor_limits().0
}

/// Loads both servers in turn and puts the second in relation to the first.
pub(crate) fn compare(
    base: &Peer,
    subject: &Peer,
    workload: Workload,
    effort: Effort,
) -> io::Result<Comparison> {
    let mut pairs = Vec::new();
    let mut latencies = new_histogram();
    for _ in 0..effort.starts {
        let mut base = Side::new(base, workload)?;
        let mut subject = Side::new(subject, workload)?;
        alternate(&mut base, &mut subject, effort, &mut pairs)?;
        let told = subject.load.latencies()?;
        latencies.add(told).map_err(io::Error::other)?;
    }
    let spread = |figure: fn(&(Figures, Figures)) -> f64| {
        Spread::of(pairs.iter().map(figure).collect()).ok_or_else(|| io::Error::other("no pairs"))
    };
    Ok(Comparison {
        cost_ratio: spread(|(base, subject)| subject.cost / base.cost)?,
        rate_ratio: spread(|(base, subject)| subject.rate / base.rate)?,
        cost: spread(|(_, subject)| subject.cost)?,
        rate: spread(|(_, subject)| subject.rate)?,
        latencies,
    })
}

/// The slices of one start, in the order A B, B A, A B and so on.
fn alternate(
    base: &mut Side,
    subject: &mut Side,
    effort: Effort,
    pairs: &mut Vec<(Figures, Figures)>,
) -> io::Result<()> {
    let mut begin = Instant::now();
    for number in 0.. {
        if number == effort.warm_up {
            begin = Instant::now();
        }
        if number >= effort.warm_up + effort.pairs && begin.elapsed() >= effort.time {
            break;
        }
        let pair = if number % 2 == 0 {
            let of_base = base.slice()?;
            (of_base, subject.slice()?)
        } else {
            let of_subject = subject.slice()?;
            (base.slice()?, of_subject)
        };
        if number >= effort.warm_up {
            pairs.push(pair);
        }
    }
    Ok(())
}
