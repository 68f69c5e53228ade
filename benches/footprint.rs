//! What a server is made of: how fast and how large it starts, what an idle connection holds, and
//! how many system calls and user instructions a message costs.

mod peers;
mod support;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use support::arguments::{self, About, Arguments};
use support::client::{Client, Limit, Load};
use support::counters::{self, SystemCalls};
use support::machine;
use support::peers::{Field, Peer};
use support::progress::Step;
use support::report::{CONTROL, DRIFT, Report, TOO_NOISY, Target};
use support::statistics::{Spread, drift};
use support::workload::{self, Workload};

/// How many idle connections share the memory that is divided by them.
const IDLE: Workload = Workload {
    name: "idle",
    title: "idle",
    connections: 8_000,
    ..workload::SINGLE
};

/// The cases in their order, what noise can blur at the end: the name, what it is in words, the seconds it takes for each server,
/// and whether it is too long for a quick run.
const CASES: [(&str, &str, f64, bool); 9] = [
    ("idle", "memory of an idle connection", 2.0, false),
    ("size", "the executable", 0.1, false),
    ("calls-c1", "system calls a message", 0.5, true),
    ("calls-c100", "the same on 100 connections", 0.5, false),
    ("calls-stream", "the same of a stream", 1.0, true),
    (
        "calls-churn",
        "the same of a connection that comes and goes",
        1.5,
        false,
    ),
    ("instructions-c1", "user instructions a message", 2.0, true),
    (
        "instructions-c100",
        "the same on 100 connections",
        2.0,
        false,
    ),
    (
        "start",
        "from the start to `listening`, and the memory then",
        1.0,
        false,
    ),
];

fn main() -> ExitCode {
    if peers::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    let smoke = || {
        println!("footprint: nothing counted; `cargo bench` counts");
        ExitCode::SUCCESS
    };
    arguments::run(&about(), smoke, measure)
}

fn about() -> About {
    let cases = CASES.map(|(case, what, ..)| format!("    footprint/{case:<18} {what}"));
    About {
        name: "footprint",
        what: "memory, start, system calls and instructions of each server",
        cases: cases.join("\n"),
    }
}

fn measure(arguments: &Arguments) -> ExitCode {
    let step = |case: &str, peer: &Peer| format!("footprint/{case}/{}", peer.name);
    machine::prepare();
    let field = Field::find();
    let mut steps = Vec::new();
    for (case, _, seconds, is_long) in CASES {
        let names = field.peers.iter().map(|peer| step(case, peer));
        steps.extend(names.filter(|name| arguments.wants(name)).map(|name| Step {
            name,
            expected: Duration::from_secs_f64(seconds),
            is_long,
        }));
    }
    if steps.is_empty() {
        arguments.say_none_wanted();
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new("footprint", arguments);
    field.announce(&report);
    report.plan(steps);
    let mut run = Run {
        report,
        field: &field,
        arguments,
    };
    idle(&mut run);
    size(&mut run);
    let calls = calls(&mut run);
    instructions(&mut run);
    start(&mut run, arguments.pick(15, 50));
    targets(&run.report);
    let verdict = floor_verdict(&run.report, calls);
    run.report.finish();
    match verdict {
        Err(void) => {
            eprintln!("{void}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// The figures of this bench as they come in, and of whom they are.
struct Run<'a> {
    report: Report,
    field: &'a Field,
    arguments: &'a Arguments,
}

impl Run<'_> {
    /// The rows of one case: what each server comes to that is wanted in it and not left out.
    fn rows(
        &mut self,
        case: &str,
        mut row: impl FnMut(&mut Report, &Peer) -> Option<Vec<String>>,
    ) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for peer in &self.field.peers {
            let step = format!("footprint/{case}/{}", peer.name);
            if self.arguments.wants(&step) && self.report.start(&step) {
                rows.extend(row(&mut self.report, peer));
            }
        }
        rows
    }
}

/// A table, when there is anything in it.
fn shown(report: &Report, title: &str, headings: &[&str], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        report.say(&format!("\n{title}"));
        let headings = headings.iter().map(ToString::to_string).collect();
        report.table(&[vec![headings], rows].concat());
    }
}

/// From the start of the process to its `listening` line, and the memory it holds then.
fn start(run: &mut Run<'_>, starts: usize) {
    let mut off = 1.0_f64;
    let rows = run.rows("start", |report, peer| {
        let one = || -> io::Result<[f64; 3]> {
            let server = peer.start()?;
            Ok([
                server.start_time.as_secs_f64() * 1e3,
                server.resident()? as f64 / 1024.0,
                server.anonymous()? as f64 / 1024.0,
            ])
        };
        let samples: io::Result<Vec<_>> = (0..starts).map(|_| one()).collect();
        let samples = samples.ok()?;
        let of = |at: usize| -> Vec<f64> { samples.iter().map(|one| one[at]).collect() };
        let (times, sizes, own) = (of(0), of(1), of(2));
        off = off.max(drift(&times));
        let (time, size, own) = (Spread::of(times)?, Spread::of(sizes)?, Spread::of(own)?);
        report.add("start", peer.name, "time to listening", "ms", time);
        report.add("start", peer.name, "memory at listening", "KiB", size);
        report.add("start", peer.name, "anonymous memory", "KiB", own);
        let Spread {
            low, median, high, ..
        } = time;
        Some(vec![
            peer.name.to_owned(),
            format!("{median:.2} [{low:.2}–{high:.2}]"),
            format!("{:.0}", size.median),
            format!("{:.0}", own.median),
        ])
    });
    let off = Spread::exactly(off);
    run.report.add("start", CONTROL, DRIFT, "x", off);
    let headings = ["", "ms to listening [quartiles]", "KiB then", "anonymous"];
    shown(&run.report, "start", &headings, rows);
    if let Some(off) = run.report.noise("start") {
        run.report.say(&format!(
            "  {TOO_NOISY}: the starts of one server drift by a factor of {off:.2}"
        ));
    }
}

/// Memory beyond that of the server with one connection, after one echo on each.
fn idle(run: &mut Run<'_>) {
    let rows = run.rows("idle", |report, peer| {
        let cell = match bytes_a_connection(peer) {
            Ok(bytes) => {
                let memory = Spread::exactly(bytes);
                report.add("idle", peer.name, "memory", "B/connection", memory);
                format!("{bytes:.0}")
            }
            Err(error) => format!("FAILED: {error}"),
        };
        Some(vec![peer.name.to_owned(), cell])
    });
    let title = format!("memory of {} idle connections", IDLE.connections);
    shown(&run.report, &title, &["", "bytes an idle connection"], rows);
}

fn bytes_a_connection(peer: &Peer) -> io::Result<f64> {
    let server = peer.start()?;
    // The first connection pays for what all share.
    let mut first = Client::connect(server.port, workload::SINGLE)?;
    first.slice(Limit::Messages(10))?;
    let before = server.resident()?;
    let mut client = Client::connect(server.port, IDLE)?;
    client.slice(Limit::Messages(IDLE.connections as u64))?;
    let after = server.resident()?;
    Ok(after.saturating_sub(before) as f64 / IDLE.connections as f64)
}

/// The executable without its symbols: that of netloop, and the floor's for scale.
fn size(run: &mut Run<'_>) {
    let rows = run.rows("size", |report, peer| {
        if !["floor", "netloop", "libuv"].contains(&peer.name) {
            return None;
        }
        let kilobytes = stripped_size(peer.executable())? as f64 / 1e3;
        let size = Spread::exactly(kilobytes);
        report.add("size", peer.name, "executable", "KB", size);
        Some(vec![peer.name.to_owned(), format!("{kilobytes:.0}")])
    });
    let headings = ["", "KB of executable, stripped"];
    let title = "size (strip is needed to know it)";
    shown(&run.report, title, &headings, rows);
}

fn stripped_size(executable: &Path) -> Option<u64> {
    let copy = machine::folder().join("stripped");
    machine::output("strip", &["-o", copy.to_str()?, executable.to_str()?])?;
    let length = std::fs::metadata(&copy).ok()?.len();
    std::fs::remove_file(&copy).ok()?;
    Some(length)
}

/// System calls a message or, under churn, a connection; those of the floor on 100 connections.
fn calls(run: &mut Run<'_>) -> Option<SystemCalls> {
    let mut of_floor = None;
    for workload in [
        workload::SINGLE,
        workload::HUNDRED,
        workload::STREAM,
        workload::CHURN,
    ] {
        let rows = run.rows(&format!("calls-{}", workload.name), |report, peer| {
            let counted = counters::system_calls(peer, workload);
            let row = match &counted {
                Ok(calls) => {
                    let (beside, waits) = (calls.beside_waits(), calls.waits());
                    let exactly = Spread::exactly;
                    report.add(workload.name, peer.name, "calls", "calls", exactly(beside));
                    report.add(workload.name, peer.name, "waits", "calls", exactly(waits));
                    let figures = [beside, waits].map(|figure| format!("{figure:.2}"));
                    let [beside, waits] = figures;
                    vec![peer.name.to_owned(), beside, waits, calls.by_name()]
                }
                Err(reason) => vec![peer.name.to_owned(), format!("NOT COUNTED: {reason}")],
            };
            if peer.name == "floor" && workload.name == workload::HUNDRED.name {
                of_floor = counted.ok();
            }
            Some(row)
        });
        let title = format!("system calls: {}", workload.title);
        let headings = ["", "beside waits", "waits", "by name"];
        shown(&run.report, &title, &headings, rows);
    }
    of_floor
}

/// User instructions a message. Node is left out: it compiles as it runs.
fn instructions(run: &mut Run<'_>) {
    for workload in [workload::SINGLE, workload::HUNDRED] {
        let case = workload.name;
        let rows = run.rows(&format!("instructions-{case}"), |report, peer| {
            if peer.name == "node" {
                return None;
            }
            let cell = match counters::user_instructions(peer, workload) {
                Ok(count) => {
                    let spread = Spread::exactly(count);
                    report.add(case, peer.name, "instructions", "instructions", spread);
                    format!("{count:.0}")
                }
                Err(reason) => format!("NOT COUNTED: {reason}"),
            };
            Some(vec![peer.name.to_owned(), cell])
        });
        let title = format!("user instructions a message: {}", workload.title);
        shown(&run.report, &title, &["", "instructions"], rows);
    }
}

/// What netloop is to reach, where this run measured it.
fn targets(report: &Report) {
    let of = |name: &str, case: &str, measure: &str| Some(report.find(case, name, measure)?.median);
    let floor = of("floor", "start", "time to listening").unwrap_or(f64::INFINITY);
    let mut targets = Vec::new();
    for (what, case, measure, at_most, unit) in [
        (
            "start to listening",
            "start",
            "time to listening",
            floor + 1.0,
            "ms",
        ),
        ("memory an idle connection", "idle", "memory", 300.0, "B"),
        ("executable, stripped", "size", "executable", 2000.0, "KB"),
        ("calls an echo beside the wait", "c100", "calls", 2.0, ""),
        (
            "calls a connection beside the waits",
            "churn",
            "calls",
            7.0,
            "",
        ),
        (
            "user instructions an echo",
            "c100",
            "instructions",
            220.0,
            "",
        ),
    ] {
        targets.extend(["netloop", "public API"].map(|name| Target {
            what: format!("{what}, {name}"),
            measured: of(name, case, measure),
            at_most,
            unit,
            cases: vec![case.to_owned()],
        }));
    }
    report.targets(&targets);
}

/// An error when the floor was counted and is none.
fn floor_verdict(report: &Report, calls: Option<SystemCalls>) -> Result<(), String> {
    let instructions = report.find(workload::HUNDRED.name, "floor", "instructions");
    if let (Some(calls), Some(instructions)) = (calls, instructions) {
        report.say(&counters::prove_floor(&calls, instructions.median)?);
    }
    Ok(())
}
