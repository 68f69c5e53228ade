//! What a server is made of: how fast and how large it starts, what an idle connection holds, and
//! how many system calls and user instructions a message costs.

mod peers;
mod support;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use support::arguments::{Arguments, Mode};
use support::client::{Client, Limit, Load};
use support::counters::{self, SystemCalls};
use support::machine;
use support::peers::{Field, Peer};
use support::report::{Report, Target};
use support::statistics::Spread;
use support::workload::{self, Workload};

/// How many idle connections share the memory that is divided by them.
const IDLE: Workload = Workload {
    name: "idle",
    title: "idle",
    connections: 8_000,
    ..workload::SINGLE
};

fn main() -> ExitCode {
    if peers::serve_if_asked() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::of_process();
    match arguments.mode {
        Mode::List => ExitCode::SUCCESS,
        Mode::Smoke => {
            println!("footprint: nothing counted; `cargo bench` counts");
            ExitCode::SUCCESS
        }
        Mode::Measure => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> ExitCode {
    machine::prepare();
    let field = Field::find();
    let mut report = Report::new("footprint", arguments);
    field.announce(&report);
    let wanted = |case: &str| -> Vec<&Peer> {
        let name = |peer: &&Peer| arguments.wants(&format!("footprint/{case}/{}", peer.name));
        field.peers.iter().filter(name).collect()
    };
    start(&mut report, &wanted("start"), arguments.pick(15, 50));
    idle(&mut report, &wanted("idle"));
    size(&mut report, &wanted("size"));
    let calls = calls(&mut report, &wanted("calls"));
    instructions(&mut report, &wanted("instructions"));
    targets(&report);
    let verdict = floor_verdict(&report, calls);
    report.finish();
    match verdict {
        Err(void) => {
            eprintln!("{void}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// From the start of the process to its `listening` line, and the memory it holds then.
fn start(report: &mut Report, peers: &[&Peer], starts: usize) {
    let mut rows = vec![
        ["", "ms to listening [quartiles]", "KiB then"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for peer in peers {
        let one = || -> io::Result<(f64, f64)> {
            let server = peer.start()?;
            Ok((
                server.start_time.as_secs_f64() * 1e3,
                server.resident()? as f64 / 1024.0,
            ))
        };
        let samples: io::Result<Vec<_>> = (0..starts).map(|_| one()).collect();
        let Ok(samples) = samples else { continue };
        let (times, sizes) = samples.into_iter().unzip();
        let (Some(time), Some(size)) = (Spread::of(times), Spread::of(sizes)) else {
            continue;
        };
        report.add("start", peer.name, "time to listening", "ms", time);
        report.add("start", peer.name, "memory at listening", "KiB", size);
        let Spread {
            low, median, high, ..
        } = time;
        rows.push(vec![
            peer.name.to_owned(),
            format!("{median:.2} [{low:.2}–{high:.2}]"),
            format!("{:.0}", size.median),
        ]);
    }
    shown(report, "start", &rows);
}

/// Memory beyond that of the server with one connection, after one echo on each.
fn idle(report: &mut Report, peers: &[&Peer]) {
    let mut rows = vec![["", "bytes an idle connection"].map(str::to_owned).to_vec()];
    for peer in peers {
        let cell = match bytes_a_connection(peer) {
            Ok(bytes) => {
                report.add(
                    "idle",
                    peer.name,
                    "memory",
                    "B/connection",
                    Spread::exactly(bytes),
                );
                format!("{bytes:.0}")
            }
            Err(error) => format!("FAILED: {error}"),
        };
        rows.push(vec![peer.name.to_owned(), cell]);
    }
    shown(
        report,
        &format!("memory of {} idle connections", IDLE.connections),
        &rows,
    );
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
fn size(report: &mut Report, peers: &[&Peer]) {
    let mut rows = vec![
        ["", "KB of executable, stripped"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for peer in peers
        .iter()
        .filter(|peer| ["floor", "netloop", "libuv"].contains(&peer.name))
    {
        let Some(bytes) = stripped_size(peer.executable()) else {
            continue;
        };
        let kilobytes = bytes as f64 / 1e3;
        report.add(
            "size",
            peer.name,
            "executable",
            "KB",
            Spread::exactly(kilobytes),
        );
        rows.push(vec![peer.name.to_owned(), format!("{kilobytes:.0}")]);
    }
    shown(report, "size (strip is needed to know it)", &rows);
}

fn stripped_size(executable: &Path) -> Option<u64> {
    let copy = machine::folder().join("stripped");
    machine::output("strip", &["-o", copy.to_str()?, executable.to_str()?])?;
    let length = std::fs::metadata(&copy).ok()?.len();
    std::fs::remove_file(&copy).ok()?;
    Some(length)
}

/// System calls a message or, under churn, a connection; those of the floor on 100 connections.
fn calls(report: &mut Report, peers: &[&Peer]) -> Option<SystemCalls> {
    let mut of_floor = None;
    for workload in [
        workload::SINGLE,
        workload::HUNDRED,
        workload::STREAM,
        workload::CHURN,
    ] {
        let headings = ["", "beside waits", "waits", "by name"];
        let mut rows = vec![headings.map(str::to_owned).to_vec()];
        for peer in peers {
            let counted = counters::system_calls(peer, workload);
            rows.push(match &counted {
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
            });
            if peer.name == "floor" && workload.name == workload::HUNDRED.name {
                of_floor = counted.ok();
            }
        }
        shown(report, &format!("system calls: {}", workload.title), &rows);
    }
    of_floor
}

/// User instructions a message. Node is left out: it compiles as it runs.
fn instructions(report: &mut Report, peers: &[&Peer]) {
    let workloads = [workload::SINGLE, workload::HUNDRED];
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(workloads.map(|workload| workload.name.to_owned()));
    for peer in peers.iter().filter(|peer| peer.name != "node") {
        let mut row = vec![peer.name.to_owned()];
        for workload in workloads {
            row.push(match counters::user_instructions(peer, workload) {
                Ok(count) => {
                    let spread = Spread::exactly(count);
                    report.add(
                        workload.name,
                        peer.name,
                        "instructions",
                        "instructions",
                        spread,
                    );
                    format!("{count:.0}")
                }
                Err(reason) => format!("NOT COUNTED: {reason}"),
            });
        }
        rows.push(row);
    }
    shown(report, "user instructions a message of 16 B", &rows);
}

/// A table, when any server was wanted in it.
fn shown(report: &Report, title: &str, rows: &[Vec<String>]) {
    if rows.len() > 1 {
        report.say(&format!("\n{title}"));
        report.table(rows);
    }
}

/// What netloop is to reach, where this run measured it.
fn targets(report: &Report) {
    let of = |name: &str, case: &str, measure: &str| Some(report.find(case, name, measure)?.median);
    let ours = |what: &str, case: &str, measure: &str, at_most: f64, unit: &'static str| {
        ["netloop", "public API"].map(|name| {
            Target(
                format!("{what}, {name}"),
                of(name, case, measure),
                at_most,
                unit,
            )
        })
    };
    let floor = of("floor", "start", "time to listening").unwrap_or(f64::INFINITY);
    let targets = [
        ours(
            "start to listening",
            "start",
            "time to listening",
            floor + 1.0,
            "ms",
        ),
        ours("memory an idle connection", "idle", "memory", 300.0, "B"),
        ours("executable, stripped", "size", "executable", 1000.0, "KB"),
        ours("calls an echo beside the wait", "c100", "calls", 2.0, ""),
        ours(
            "calls a connection beside the waits",
            "churn",
            "calls",
            7.0,
            "",
        ),
        ours(
            "user instructions an echo",
            "c100",
            "instructions",
            220.0,
            "",
        ),
    ];
    report.targets(&targets.concat());
}

/// An error when the floor was counted and is none.
fn floor_verdict(report: &Report, calls: Option<SystemCalls>) -> Result<(), String> {
    let instructions = report.find(workload::HUNDRED.name, "floor", "instructions");
    if let (Some(calls), Some(instructions)) = (calls, instructions) {
        report.say(&counters::prove_floor(&calls, instructions.median)?);
    }
    Ok(())
}
