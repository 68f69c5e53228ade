//! What the loop itself costs, without a socket: timers, immediates, ticks and microtasks, through
//! the public API and, for the timers, also as the bare structure that is told the time.
//!
//! Every callback captures sixteen bytes, so that none is a mere function pointer.

mod chains;
#[path = "../support/mod.rs"]
mod support;
mod timers;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use support::arguments::{Arguments, Mode};
use support::machine;
use support::report::{Report, Target};
use support::statistics::Spread;

fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    match arguments.mode {
        Mode::List => {}
        Mode::Smoke => {
            chains::smoke();
            println!("loops: a chain of ticks ran; `cargo bench` measures");
        }
        Mode::Measure => measure(&arguments),
    }
    ExitCode::SUCCESS
}

fn measure(arguments: &Arguments) {
    machine::prepare();
    let mut run = Run {
        arguments,
        report: Report::new("loops", arguments),
        rows: vec![["", "ns [quartiles]"].map(str::to_owned).to_vec()],
    };
    timers::operations(&mut run);
    timers::fired(&mut run);
    chains::measure(&mut run);
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
    fn wants(&self, case: &str) -> bool {
        self.arguments.wants(&format!("loops/{case}"))
    }

    /// Keeps the samples of each measure.
    fn keep<'a>(&mut self, case: &str, figures: impl IntoIterator<Item = (&'a str, Vec<f64>)>) {
        let subject = if case == "node" { "node" } else { "netloop" };
        for (measure, samples) in figures {
            let Some(spread) = Spread::of(samples) else {
                continue;
            };
            let unit = if measure == "ratio" { "x" } else { "ns" };
            self.report.add(case, subject, measure, unit, spread);
            let Spread {
                low, median, high, ..
            } = spread;
            let name = format!("{case}: {measure}");
            self.rows
                .push(vec![name, format!("{median:.2} [{low:.2}–{high:.2}]")]);
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
    for line in lines.lines() {
        let Some((what, figures)) = line.split_once(": ") else {
            continue;
        };
        let figures = figures
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        run.keep("node", [(what, figures)]);
    }
}

/// What is to be reached, where this run measured it.
fn targets(report: &Report) {
    let of = |case: &str, measure: &str| Some(report.find(case, "netloop", measure)?.median);
    let mut targets = Vec::new();
    for (case, at_most) in [
        ("structure, 1000 timers", 15.0),
        ("structure, 1000000 timers", 100.0),
        ("public API, 1000 timers", 60.0),
    ] {
        for operation in ["insert", "cancel", "re-arm"] {
            let what = format!("{case}: {operation}");
            targets.push(Target(what, of(case, operation), at_most, "ns"));
        }
    }
    let mut chain = |case: &str, measure: &str, at_most: f64, unit| {
        targets.push(Target(
            format!("{case}: {measure}"),
            of(case, measure),
            at_most,
            unit,
        ));
    };
    chain(
        "public API, 1 M mixed timers",
        "insert and fire",
        200.0,
        "ns",
    );
    chain("set_immediate chain", "ratio", 1.5, "x");
    chain("next_tick chain", "a link", 35.0, "ns");
    report.targets(&targets);
}
