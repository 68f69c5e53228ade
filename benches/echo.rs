//! What an echo costs: the shipped `netloop server` beside its peers, in processor time a message.
//!
//! Every server is compared with the floor, a bare epoll loop in C, in paired slices; the row
//! `A/A` is the floor compared with itself and shows what the machine's noise comes to.

mod peers;
mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::arguments::{Arguments, Mode};
use support::chart::RATIO;
use support::client::{Client, Limit, Load};
use support::counters;
use support::machine;
use support::pairs::{self, Comparison, Effort};
use support::peers::{Field, Peer};
use support::remote;
use support::report::{Report, Target};
use support::statistics::{Spread, geometric_mean};
use support::workload::{self, Workload};

/// The row of the base against itself.
const NOISE: &str = "A/A";

fn main() -> ExitCode {
    if peers::serve_if_asked() || remote::load_if_asked() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::of_process();
    match arguments.mode {
        Mode::List => ExitCode::SUCCESS,
        Mode::Smoke => smoke(),
        Mode::Measure => measure(&arguments),
    }
}

/// A few messages through one peer, so that a broken harness is seen by `cargo test --benches`.
fn smoke() -> ExitCode {
    let peer = Peer::bare_mio().expect("this executable is a server too");
    let server = peer.start().expect("it listens on a free port");
    let mut client = Client::connect(server.port, workload::SINGLE).expect("it accepts");
    let slice = client.slice(Limit::Messages(10)).expect("it echoes");
    assert_eq!(slice.messages, 10);
    println!(
        "echo: {} messages came back; `cargo bench` measures",
        slice.messages
    );
    ExitCode::SUCCESS
}

fn measure(arguments: &Arguments) -> ExitCode {
    let wanted = |workload: &Workload, name: &str| {
        arguments.wants(&format!("echo/{}/{name}", workload.name))
    };
    machine::prepare();
    let field = Field::find();
    let subjects = subjects(&field);
    let mut report = Report::new("echo", arguments);
    field.announce(&report);
    if let Err(void) = prove_floor(&field, &report) {
        eprintln!("{void}");
        return ExitCode::FAILURE;
    }
    for workload in workload::ALL {
        let subjects: Vec<&Peer> = subjects
            .iter()
            .filter(|peer| wanted(&workload, peer.name))
            .collect();
        if subjects.is_empty() {
            continue;
        }
        if pairs::possible(workload) {
            run(
                &mut report,
                &field,
                &subjects,
                workload,
                effort(arguments, workload),
            );
        } else {
            report.say(&format!(
                "\n{}: NOT RUN, too few descriptors",
                workload.title
            ));
        }
    }
    summary(&report, field.base(), &subjects);
    targets(&report);
    report.finish();
    ExitCode::SUCCESS
}

/// How much to measure; ten thousand connections take long to make, and a slice of them is long.
fn effort(arguments: &Arguments, workload: Workload) -> Effort {
    let is_huge = workload.connections > 1_000;
    Effort {
        starts: if is_huge { 1 } else { arguments.pick(1, 5) },
        warm_up: arguments.pick(1, 4),
        pairs: if is_huge { arguments.pick(6, 30) } else { 4 },
        time: arguments.pick(Duration::from_millis(220), Duration::from_millis(700)),
    }
}

/// All servers but the base itself, with the base once more for the noise.
fn subjects(field: &Field) -> Vec<Peer> {
    let base = field.base();
    let again = base.named(NOISE);
    let others = field
        .peers
        .iter()
        .filter(|peer| peer.name != base.name)
        .cloned();
    std::iter::once(again).chain(others).collect()
}

/// An error when the floor does more than it must; what cannot be counted is said and passes.
fn prove_floor(field: &Field, report: &Report) -> Result<(), String> {
    let base = field.base();
    let calls = counters::system_calls(base, workload::HUNDRED);
    let instructions = counters::user_instructions(base, workload::HUNDRED);
    match (base.name, calls, instructions) {
        ("floor", Ok(calls), Ok(instructions)) => {
            report.say(&counters::prove_floor(&calls, instructions)?);
        }
        ("floor", calls, instructions) => {
            let reason = calls.err().or(instructions.err()).unwrap_or_default();
            report.say(&format!("the floor is NOT PROVEN to be one: {reason}"));
        }
        (other, ..) => report.say(&format!("no floor: ratios are to {other}")),
    }
    Ok(())
}

/// One workload on all servers, with its table.
fn run(report: &mut Report, field: &Field, subjects: &[&Peer], workload: Workload, effort: Effort) {
    let headings = [
        "",
        "CPU ratio [quartiles]",
        "rate ratio",
        "CPU ns/msg",
        "msg/s",
        "p50 µs",
        "p99",
        "p99.9",
        "max",
    ];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    for peer in subjects {
        match pairs::compare(field.base(), peer, workload, effort) {
            Ok(comparison) => {
                rows.push(row(peer.name, &comparison));
                keep(report, workload, peer.name, &comparison);
            }
            Err(error) => rows.push(vec![peer.name.to_owned(), format!("FAILED: {error}")]),
        }
    }
    report.say(&format!("\n{}: {}", workload.name, workload.title));
    report.table(&rows);
}

fn row(name: &str, comparison: &Comparison) -> Vec<String> {
    let Spread {
        low, median, high, ..
    } = comparison.cost_ratio;
    let latency = |quantile: f64| {
        format!(
            "{:.0}",
            comparison.latencies.value_at_quantile(quantile) as f64 / 1e3
        )
    };
    vec![
        name.to_owned(),
        format!("{median:.2} [{low:.2}–{high:.2}]"),
        format!("{:.2}", comparison.rate_ratio.median),
        format!("{:.0}", comparison.cost.median),
        format!("{:.0}", comparison.rate.median),
        latency(0.5),
        latency(0.99),
        latency(0.999),
        latency(1.0),
    ]
}

fn keep(report: &mut Report, workload: Workload, name: &str, comparison: &Comparison) {
    let case = workload.name;
    report.add(case, name, RATIO, "x", comparison.cost_ratio);
    report.add(case, name, "rate ratio", "x", comparison.rate_ratio);
    report.add(case, name, "cost", "ns/message", comparison.cost);
    report.add(case, name, "rate", "messages/s", comparison.rate);
    for (measure, quantile) in [
        ("latency p50", 0.5),
        ("latency p99", 0.99),
        ("latency p99.9", 0.999),
        ("latency max", 1.0),
    ] {
        let nanoseconds = comparison.latencies.value_at_quantile(quantile) as f64;
        report.add(case, name, measure, "ns", Spread::exactly(nanoseconds));
    }
}

/// The ratios of all workloads in one table, and their geometric mean.
fn summary(report: &Report, base: &Peer, subjects: &[Peer]) {
    let names = workload::ALL.map(|workload| workload.name.to_owned());
    let mut rows = vec![[vec![String::new(), "mean".to_owned()], names.to_vec()].concat()];
    for peer in subjects {
        let ratios = ratios(report, peer.name);
        let shown =
            |ratio: &Option<f64>| ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let mean = geometric_mean(&ratios.iter().flatten().copied().collect::<Vec<_>>());
        let mean = mean.map_or("–".to_owned(), |mean| format!("{mean:.3}"));
        let cells = ratios.iter().map(shown);
        rows.push(
            [peer.name.to_owned(), mean]
                .into_iter()
                .chain(cells)
                .collect(),
        );
    }
    let base = base.name;
    report.say(&format!(
        "\nserver processor time a message ÷ {base}'s, and the geometric mean"
    ));
    report.table(&rows);
}

/// The ratios of one server in the order of the workloads.
fn ratios(report: &Report, name: &str) -> Vec<Option<f64>> {
    let ratio = |workload: Workload| Some(report.find(workload.name, name, RATIO)?.median);
    workload::ALL.map(ratio).to_vec()
}

/// What netloop is to reach, where this run measured it.
fn targets(report: &Report) {
    let ratio = |case: Workload, name: &str| report.find(case.name, name, RATIO);
    let mut targets = Vec::new();
    for ours in ["netloop", "public API"] {
        let all: Option<Vec<f64>> = ratios(report, ours).into_iter().collect();
        let mean = all.and_then(|ratios| geometric_mean(&ratios));
        targets.push(Target(format!("{ours}, mean of all"), mean, 1.02, "x"));
        for workload in workload::ALL {
            let Some(measured) = ratio(workload, ours) else {
                continue;
            };
            let measured = measured.median;
            let name = format!("{ours}, {}", workload.name);
            targets.push(Target(
                name.clone(),
                Some(measured),
                at_most(workload, ours),
                "x",
            ));
            let noise = ratio(workload, NOISE).map_or(1.0, |noise| noise.high / noise.low);
            for rival in ["libuv", "tokio"] {
                let against = ratio(workload, rival).map(|rival| measured / rival.median);
                targets.push(Target(
                    format!("{name} against {rival}"),
                    against,
                    noise,
                    "x",
                ));
            }
        }
        let at = |workload| ratio(workload, ours).map(|ratio| ratio.median);
        let growth = at(workload::TEN_THOUSAND).zip(at(workload::HUNDRED));
        let growth = growth.map(|(thousands, hundred)| thousands / hundred);
        let what = format!("{ours}, growth from c100 to c10000 ÷ the floor's");
        targets.push(Target(what, growth, 1.10, "x"));
    }
    report.targets(&targets);
}

/// The ratio to reach. Reads of 256 KiB and 64 accepts a turn are the shipped server's own; with
/// Node's defaults the same is asked of a stream as of the floor, and of churn as of any echo.
fn at_most(workload: Workload, ours: &str) -> f64 {
    match (workload.name, ours) {
        ("stream", "netloop") => 0.92,
        ("stream", _) | ("churn", "netloop") => 1.00,
        _ => 1.05,
    }
}
