//! What the loop itself costs, without a socket: timers, immediates, ticks, microtasks and what other
//! threads post, through the public API and, for the timers, also as the bare structure that is told
//! the time. And what it costs to be traced.
//!
//! Every callback captures sixteen bytes, so that none is a mere function pointer.

mod chains;
#[cfg(feature = "study")]
mod records;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod timers;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use support::arguments::{self, About, Arguments};
use support::machine;
use support::progress::Step;
use support::report::{CONTROL, DRIFT, Report, TOO_NOISY, Target};
use support::statistics::{Spread, drift};

/// The cases in their order: the name, the seconds it takes in full, and whether it is too long for
/// a quick run.
const CASES: [(&str, f64, bool); 12] = [
    ("structure, 1000 timers", 0.5, false),
    ("public API, 1000 timers", 1.0, false),
    ("structure, 1000000 timers", 10.0, true),
    ("public API, 1000000 timers", 25.0, true),
    ("structure, 1 M mixed timers", 8.0, true),
    ("public API, 1 M mixed timers", 25.0, true),
    ("set_immediate chain", 5.0, false),
    ("next_tick chain", 1.0, false),
    ("queue_microtask chain", 1.0, false),
    ("records", 12.0, false),
    ("threads", 8.0, false),
    ("node", 8.0, false),
];

fn main() -> ExitCode {
    let smoke = || {
        chains::smoke();
        #[cfg(feature = "study")]
        records::smoke();
        threads::smoke();
        println!("loops: a chain of ticks and a few posts ran; `cargo bench` measures");
        ExitCode::SUCCESS
    };
    let measure = |arguments: &Arguments| {
        measure(arguments);
        ExitCode::SUCCESS
    };
    arguments::run(&about(), smoke, measure)
}

fn about() -> About {
    About {
        name: "loops",
        what: "timers, immediates, ticks, microtasks and posts of other threads, without a socket",
        cases: CASES
            .map(|(case, ..)| format!("    loops/{case}"))
            .join("\n"),
    }
}

fn measure(arguments: &Arguments) {
    let wanted = CASES
        .into_iter()
        .filter(|(case, ..)| arguments.wants(&format!("loops/{case}")));
    let steps: Vec<Step> = wanted
        .map(|(case, seconds, is_long)| Step {
            name: format!("loops/{case}"),
            expected: Duration::from_secs_f64(seconds * arguments.pick(0.3, 1.0)),
            is_long,
        })
        .collect();
    if steps.is_empty() {
        arguments.say_none_wanted();
        return;
    }
    machine::prepare();
    let mut run = Run {
        arguments,
        report: Report::new("loops", arguments),
        rows: vec![["", "ns [quartiles]"].map(str::to_owned).to_vec()],
    };
    run.report.plan(steps);
    timers::operations(&mut run);
    timers::fired(&mut run);
    chains::measure(&mut run);
    #[cfg(feature = "study")]
    records::measure(&mut run);
    threads::measure(&mut run);
    node(&mut run);
    run.report.say("");
    run.report.table(&run.rows);
    targets(&run.report);
    run.report.finish();
}

/// The figures of this bench as they come in, with the table of them all.
struct Run<'a> {
    arguments: &'a Arguments,
    report: Report,
    rows: Vec<Vec<String>>,
}

impl Run<'_> {
    /// Whether this case, one of [`CASES`], is to be measured; it starts now.
    fn wants(&mut self, case: &str) -> bool {
        let name = format!("loops/{case}");
        self.arguments.wants(&name) && self.report.start(&name)
    }

    /// Keeps the samples of each measure, in the order in which they were taken.
    fn keep<'a>(&mut self, case: &str, figures: impl IntoIterator<Item = (&'a str, Vec<f64>)>) {
        let subject = if case == "node" { "node" } else { "netloop" };
        let figures: Vec<_> = figures.into_iter().collect();
        let drifts = figures.iter().map(|(_, samples)| drift(samples));
        let off = drifts.fold(1.0, f64::max);
        self.report
            .add(case, CONTROL, DRIFT, "x", Spread::exactly(off));
        let is_noisy = self.report.noise(case).is_some();
        for (measure, samples) in figures {
            let Some(spread) = Spread::of(samples) else {
                continue;
            };
            let unit = match measure.split(' ').next() {
                Some("ratio") => "x",
                Some("bytes") => "B",
                _ => "ns",
            };
            self.report.add(case, subject, measure, unit, spread);
            let Spread {
                low, median, high, ..
            } = spread;
            self.rows.push(vec![
                format!("{case}: {measure}"),
                format!("{median:.2} [{low:.2}–{high:.2}]"),
                if is_noisy { TOO_NOISY } else { "" }.to_owned(),
            ]);
        }
    }
}

/// Nanoseconds a piece.
fn timed(pieces: usize, work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_nanos() as f64 / pieces as f64
}

/// The same by Node, which is asked to measure itself.
fn node(run: &mut Run<'_>) {
    if !run.wants("node") {
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/loops.js");
    let script = script.display().to_string();
    let Some(lines) = machine::output(&machine::node(), &[&script]) else {
        run.report
            .say("  node MISSING: none on the path, nor in NETLOOP_NODE");
        return;
    };
    let figures = lines.lines().filter_map(|line| {
        let (what, figures) = line.split_once(": ")?;
        let figures = figures.split(' ').filter_map(|word| word.parse().ok());
        Some((what, figures.collect()))
    });
    run.keep("node", figures);
}

/// What is to be reached, where this run measured it.
fn targets(report: &Report) {
    let target = |case: &str, measure: &str, at_most: f64, unit| Target {
        what: format!("{case}: {measure}"),
        measured: report
            .find(case, "netloop", measure)
            .map(|spread| spread.median),
        at_most,
        unit,
        cases: vec![case.to_owned()],
    };
    let mut targets = Vec::new();
    for (case, at_most) in [
        ("structure, 1000 timers", 15.0),
        ("structure, 1000000 timers", 100.0),
        ("public API, 1000 timers", 60.0),
    ] {
        for operation in ["insert", "cancel", "re-arm"] {
            targets.push(target(case, operation, at_most, "ns"));
        }
    }
    let fired = "public API, 1 M mixed timers";
    targets.push(target(fired, "insert and fire", 200.0, "ns"));
    targets.push(target("set_immediate chain", "ratio", 1.5, "x"));
    targets.push(target("next_tick chain", "a link", 35.0, "ns"));
    report.targets(&targets);
}
