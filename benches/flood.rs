//! What a flooding peer does to the others: how long a ping of four bytes takes while peers send as
//! fast as the server takes it.
//!
//! Each server is compared with the floor, which reads 64 KiB of each peer in turn, in alternating
//! slices of one run; `A/A` is the floor beside itself.

mod peers;
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use hdrhistogram::Histogram;

use support::arguments::{self, About, Arguments};
use support::client::new_histogram;
use support::flood::{self, Flood, Load};
use support::machine;
use support::peers::{Field, Peer};
use support::progress::Step;
use support::report::{CONTROL, Report, TOO_NOISY, Target};
use support::server::Server;
use support::statistics::Spread;

/// So far may a delay of the floor be off from itself, as a ratio; beyond it nothing is judged. A
/// delay rests on who gets the processor when, and its tail on a few pings.
const NOISE_AT_MOST: f64 = 1.5;

/// The quantiles that count: the measure, its ratio to the floor's, and what that may be.
const QUANTILES: [(&str, &str, f64, f64); 2] = [
    ("latency p50", "latency p50 ratio", 0.5, 2.0),
    ("latency p99", "latency p99 ratio", 0.99, 3.0),
];

/// Until the flood has filled what buffers there are.
const WARM_UP: Duration = Duration::from_millis(60);

fn main() -> ExitCode {
    if peers::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    arguments::run(&about(), smoke, measure)
}

fn about() -> About {
    let case = |flood: &Flood| format!("    flood/{:<8} {}\n", flood.name, flood.title());
    About {
        name: "flood",
        what: "how long a ping takes while other peers flood the server, beside bare epoll in C",
        cases: flood::ALL.iter().map(case).collect::<String>()
            + "    each with /A/A, /netloop, /public API, /bare mio, /libuv, /tokio or /node behind it",
    }
}

/// A moment of flood, so that a broken harness is seen by `cargo test --benches`.
fn smoke() -> ExitCode {
    let peer = Peer::bare_mio().expect("this executable is a server too");
    let server = peer.start().expect("it listens on a free port");
    let mut load = Load::connect(server.port, flood::ALL[0]).expect("it accepts");
    let slice = load.slice(Duration::ZERO, Duration::from_millis(10));
    let pings = slice.expect("it echoes").delays.len();
    assert!(pings > 0);
    println!("flood: {pings} pings came back; `cargo bench` measures");
    ExitCode::SUCCESS
}

fn measure(arguments: &Arguments) -> ExitCode {
    machine::prepare();
    let field = Field::find();
    let base = field.base();
    let others = field.peers.iter().filter(|peer| peer.name != base.name);
    let subjects = [base.named(CONTROL)].into_iter().chain(others.cloned());
    let subjects: Vec<Peer> = subjects.collect();
    let cases = cases(arguments, &subjects);
    if cases.is_empty() {
        arguments.say_none_wanted();
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new("flood", arguments);
    field.announce(&report);
    let steps = cases.iter().flat_map(|(flood, peers)| {
        peers.iter().map(|peer| Step {
            name: step(*flood, peer),
            expected: Duration::from_secs_f64(arguments.pick(0.8, 10.0)),
            // One that reads a socket until it is empty may take seconds for an answer.
            is_long: peer.name == "bare mio" && flood.peers > 3,
        })
    });
    report.plan(steps.collect());
    for (flood, subjects) in &cases {
        run(&mut report, base, subjects, *flood, arguments);
    }
    targets(&report);
    report.finish();
    ExitCode::SUCCESS
}

/// What is wanted: the floods, each with its servers. The control is always among them.
fn cases<'a>(arguments: &Arguments, subjects: &'a [Peer]) -> Vec<(Flood, Vec<&'a Peer>)> {
    let mut cases = Vec::new();
    for flood in flood::ALL {
        let wanted = |peer: &&Peer| arguments.wants(&step(flood, peer));
        if subjects.iter().any(|peer| wanted(&peer)) {
            let is_in = |peer: &&Peer| peer.name == CONTROL || wanted(peer);
            cases.push((flood, subjects.iter().filter(is_in).collect()));
        }
    }
    cases
}

/// The name of one comparison.
fn step(flood: Flood, peer: &Peer) -> String {
    format!("flood/{}/{}", flood.name, peer.name)
}

/// One flood on all servers, with its table.
fn run(report: &mut Report, base: &Peer, subjects: &[&Peer], flood: Flood, arguments: &Arguments) {
    let headings = [
        "",
        "p50 ÷ floor's",
        "p99 ÷ floor's",
        "p50 µs",
        "p99",
        "max",
        "floor's p50",
        "p99",
        "MB/s ÷ floor's",
    ];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    for peer in subjects {
        if !report.start(&step(flood, peer)) {
            continue;
        }
        match compare(base, peer, flood, arguments) {
            Ok(pair) => {
                keep(report, flood, peer.name, &pair);
                rows.push(row(peer.name, flood, &pair));
            }
            Err(error) => rows.push(vec![peer.name.to_owned(), format!("FAILED: {error}")]),
        }
    }
    if rows.len() == 1 {
        return;
    }
    report.say(&format!("\n{}: {}", flood.name, flood.title()));
    report.table(&rows);
    if is_noisy(report, flood) {
        report.say(&format!(
            "  {TOO_NOISY}: {}, measured against itself, is off by more than {NOISE_AT_MOST}",
            base.name
        ));
    }
}

/// Whether the floor is too far off from itself for anything to be judged.
fn is_noisy(report: &Report, flood: Flood) -> bool {
    QUANTILES.iter().any(|(_, ratio, ..)| {
        let off = report.find(flood.name, CONTROL, ratio);
        off.is_some_and(|off| off.median.max(1.0 / off.median) > NOISE_AT_MOST)
    })
}

/// All slices of one server.
struct Side {
    _server: Server,
    load: Load,
    delays: Histogram<u64>,
    flooded: u64,
    seconds: f64,
}

impl Side {
    fn new(peer: &Peer, flood: Flood) -> io::Result<Side> {
        let server = peer.start()?;
        Ok(Side {
            load: Load::connect(server.port, flood)?,
            _server: server,
            delays: new_histogram(),
            flooded: 0,
            seconds: 0.0,
        })
    }

    fn slice(&mut self, time: Duration) -> io::Result<()> {
        let slice = self.load.slice(WARM_UP, time)?;
        self.delays.add(slice.delays).map_err(io::Error::other)?;
        self.flooded += slice.flooded;
        self.seconds += slice.elapsed.as_secs_f64();
        Ok(())
    }

    fn delay(&self, quantile: f64) -> f64 {
        self.delays.value_at_quantile(quantile) as f64
    }

    fn megabytes(&self) -> f64 {
        self.flooded as f64 / 1e6 / self.seconds
    }
}

/// The base and a server in slices, in the order A B, B A and so on.
fn compare(base: &Peer, peer: &Peer, flood: Flood, arguments: &Arguments) -> io::Result<[Side; 2]> {
    let mut sides = [Side::new(base, flood)?, Side::new(peer, flood)?];
    for number in 0..arguments.pick(3, 10) {
        for place in [number % 2, 1 - number % 2] {
            sides[place].slice(Duration::from_millis(arguments.pick(100, 400)))?;
        }
    }
    Ok(sides)
}

fn row(name: &str, flood: Flood, [base, peer]: &[Side; 2]) -> Vec<String> {
    let micros = |side: &Side, quantile| format!("{:.0}", side.delay(quantile) / 1e3);
    let ratio = |quantile| format!("{:.2}", peer.delay(quantile) / base.delay(quantile));
    vec![
        name.to_owned(),
        ratio(0.5),
        ratio(0.99),
        micros(peer, 0.5),
        micros(peer, 0.99),
        micros(peer, 1.0),
        micros(base, 0.5),
        micros(base, 0.99),
        match flood.receives {
            true => format!("{:.2}", peer.megabytes() / base.megabytes()),
            false => "–".to_owned(),
        },
    ]
}

fn keep(report: &mut Report, flood: Flood, name: &str, [base, peer]: &[Side; 2]) {
    for (measure, ratio, quantile, _) in QUANTILES {
        let (ours, floor) = (peer.delay(quantile), base.delay(quantile));
        report.add(flood.name, name, measure, "ns", Spread::exactly(ours));
        report.add(flood.name, name, ratio, "x", Spread::exactly(ours / floor));
    }
    if flood.receives {
        let flooded = Spread::exactly(peer.megabytes() / base.megabytes());
        report.add(flood.name, name, "rate ratio", "x", flooded);
    }
}

/// What netloop is to reach, where this run could judge it.
fn targets(report: &Report) {
    let mut targets = Vec::new();
    for flood in flood::ALL {
        let is_noisy = is_noisy(report, flood);
        for (_, ratio, _, at_most) in QUANTILES {
            let measured = report.find(flood.name, "netloop", ratio);
            targets.push(Target {
                what: format!("netloop, {} {ratio}", flood.name),
                measured: measured.filter(|_| !is_noisy).map(|spread| spread.median),
                at_most,
                unit: "x",
                cases: vec![flood.name.to_owned()],
            });
        }
    }
    report.targets(&targets);
}
