//! The server of the pair: it greets each client, prints what it sends, and says when it leaves.

pub(crate) mod admission;
mod counts;
mod debts;
pub(crate) mod greeting;
mod http;
mod identity;
mod listening;
mod manager;
mod metrics;
mod peers;
pub(crate) mod place;
pub(crate) mod proxy;
mod reason;
mod report;
mod stop;

use std::mem;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use netloop::{Error, EventLoop, Loop, ServerId};

use super::{log, output, status, stopping, trace};
use admission::Admission;
use place::{Binding, Place};

/// How much it reads in one call: it prefers throughput to Node's interleaving.
const READ_BUFFER: usize = 128 * 1024;

/// How much it reads of a socket in a turn: a peer that floods it gets one read, then the others
/// are served.
const READ_BURST: usize = READ_BUFFER;

pub(crate) struct Settings {
    pub(crate) places: Vec<Place>,
    /// Where it listens if there is no other place, and no socket of systemd's.
    pub(crate) default: Option<Place>,
    pub(crate) binding: Binding,
    pub(crate) greeting: greeting::Greeting,
    pub(crate) is_echo: bool,
    pub(crate) max_connections: Option<usize>,
    pub(crate) admission: Admission,
    pub(crate) proxies: proxy::Proxies,
    /// How many bytes all peers may be owed together.
    pub(crate) max_owed: Option<usize>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) keep_alive: Option<Duration>,
    /// How long a stop serves on before it drains.
    pub(crate) grace: Duration,
    pub(crate) drain_timeout: Duration,
    /// Where `/metrics` and `/healthz` are.
    pub(crate) metrics: Option<Place>,
    /// How many lines may be logged in a second.
    pub(crate) log_rate: Option<u64>,
    pub(crate) is_quiet: bool,
    pub(crate) told: trace::Told,
}

/// The servers of this process, one for each place: kept by the loop.
#[derive(Default)]
struct Servers {
    ids: Vec<ServerId>,
    /// How many of them do not listen yet.
    starting: usize,
    /// The limit for all of them together.
    max_connections: Option<usize>,
}

fn servers(event_loop: &Loop) -> Vec<ServerId> {
    let servers = event_loop.data::<Servers>();
    servers.map_or_else(Vec::new, |servers| servers.ids.clone())
}

/// The number of places.
fn place_count(event_loop: &Loop) -> usize {
    let servers = event_loop.data::<Servers>();
    servers.map_or(0, |servers| servers.ids.len())
}

/// How many connections are open, at all places.
fn connections(event_loop: &mut Loop) -> usize {
    let servers = servers(event_loop).into_iter();
    servers
        .map(|id| event_loop.server_at(id).connections())
        .sum()
}

pub(crate) fn run(settings: Settings) -> ExitCode {
    match serve(settings) {
        Ok(code) => code,
        Err(error) => {
            output::complaint(&format!("netloop server: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn serve(mut settings: Settings) -> Result<ExitCode, Error> {
    // Before this process opens descriptors of its own.
    let passed = place::passed().map_err(Error::new)?;
    settings.places.extend(passed);
    let mut event_loop = EventLoop::new()?;
    settings.told.follow(&mut event_loop)?;
    event_loop.set_read_buffer(READ_BUFFER);
    event_loop.set_read_burst(READ_BURST);
    output::is_live();
    manager::start(&mut event_loop);
    if let Some(rate) = settings.log_rate {
        log::limit(rate);
        let timer = event_loop.set_interval(log::PERIOD, move |_| log::limit(rate));
        event_loop.unref_timer(timer);
    }
    let stop = stop::Stop::of(&settings);
    stopping::on_request(&mut event_loop, move |event_loop, _| stop.begin(event_loop))?;
    report::on_request(&mut event_loop)?;
    // Not before signals are heard, or one could leave the file of a path behind.
    start(&mut event_loop, settings)?;
    event_loop.run()?;
    log::tell_of_left_out();
    Ok(status(&event_loop))
}

/// Starts the servers on a loop.
pub(crate) fn start(event_loop: &mut Loop, mut settings: Settings) -> Result<Vec<ServerId>, Error> {
    let mut places = mem::take(&mut settings.places);
    if places.is_empty() {
        places.extend(settings.default.take());
    }
    let (binding, stop) = (settings.binding, stop::Stop::of(&settings));
    let metrics = settings.metrics.take();
    let settings = Arc::new(settings);
    let is_measured = metrics.is_some();
    let create = |place: &Place| peers::server(event_loop, &settings, place, is_measured).id();
    let ids: Vec<ServerId> = places.iter().map(create).collect();
    event_loop.set_data(counts::Counts::default());
    event_loop.set_data(admission::Peers::default());
    if let Some(limit) = settings.max_owed {
        event_loop.set_data(debts::Debts::new(limit));
    }
    event_loop.set_data(Servers {
        ids: ids.clone(),
        starting: ids.len() + usize::from(is_measured),
        max_connections: settings.max_connections,
    });
    if let Some(place) = metrics {
        let mut server = http::server(event_loop, &place, binding, stop);
        listening::begin(&mut server, place, binding, "metrics")?;
    }
    for (id, place) in ids.iter().zip(places) {
        let mut server = event_loop.server_at(*id);
        listening::begin(&mut server, place, binding, "listening")?;
    }
    Ok(ids)
}
