//! What an echo costs: the shipped `netloop server` beside its peers, in processor time a message.
//!
//! Every server is compared with the floor, a bare epoll loop in C, in paired slices; the row
//! `A/A` is the floor compared with itself and shows what the machine's noise comes to.

mod peers;
mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::arguments::{self, About, Arguments};
use support::chart::RATIO;
use support::client::{Client, Limit, Load};
use support::counters;
use support::machine;
use support::pairs::{self, Comparison, Effort};
use support::peers::{Field, Peer};
use support::progress::Step;
use support::remote;
use support::report::{CONTROL, Report, TOO_NOISY, Target};
use support::statistics::{Spread, geometric_mean};
use support::workload::{self, Workload};

fn main() -> ExitCode {
    if peers::serve_if_asked() || remote::load_if_asked() {
        return ExitCode::SUCCESS;
    }
    arguments::run(&about(), smoke, measure)
}

fn about() -> About {
    let workload =
        |workload: &Workload| format!("    echo/{:<8} {}\n", workload.name, workload.title);
    About {
        name: "echo",
        what: "processor time of a server for a message, beside bare epoll in C",
        cases: workload::ALL.iter().map(workload).collect::<String>()
            + "    each with /A/A, /netloop, /public API, /bare mio, /libuv, /tokio or /node behind it",
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
    machine::prepare();
    let field = Field::find();
    let subjects = subjects(&field);
    let cases = cases(arguments, &subjects);
    if cases.is_empty() {
        arguments.say_none_wanted();
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new("echo", arguments);
    field.announce(&report);
    if let Err(void) = prove_floor(&field, &report, arguments) {
        eprintln!("{void}");
        return ExitCode::FAILURE;
    }
    report.plan(steps(&cases, arguments));
    for (workload, subjects) in &cases {
        if pairs::possible(*workload) {
            let effort = effort(arguments, *workload);
            run(&mut report, &field, subjects, *workload, effort);
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

/// What is wanted: the workloads, each with its servers. The control is always among them.
fn cases<'a>(arguments: &Arguments, subjects: &'a [Peer]) -> Vec<(Workload, Vec<&'a Peer>)> {
    let mut workloads = workload::ALL;
    if arguments.quick {
        // What differs most comes first, as the time may not suffice for all.
        let first = ["c100", "stream", "churn"];
        workloads.sort_by_key(|workload| !first.contains(&workload.name));
    }
    let mut cases = Vec::new();
    for workload in workloads {
        let wanted = |peer: &&Peer| arguments.wants(&step(workload, peer));
        if subjects.iter().any(|peer| wanted(&peer)) {
            let is_in = |peer: &&Peer| peer.name == CONTROL || wanted(peer);
            cases.push((workload, subjects.iter().filter(is_in).collect()));
        }
    }
    cases
}

/// The name of one comparison.
fn step(workload: Workload, peer: &Peer) -> String {
    format!("echo/{}/{}", workload.name, peer.name)
}

fn steps(cases: &[(Workload, Vec<&Peer>)], arguments: &Arguments) -> Vec<Step> {
    let mut steps = Vec::new();
    for (workload, peers) in cases {
        let is_long = is_huge(*workload);
        let seconds = match is_long {
            true => 15.0,
            false => arguments.pick(0.4, 4.5),
        };
        steps.extend(peers.iter().map(|peer| Step {
            name: step(*workload, peer),
            expected: Duration::from_secs_f64(seconds),
            is_long,
        }));
    }
    steps
}

/// Ten thousand connections take long to make, and a slice of them is long.
fn is_huge(workload: Workload) -> bool {
    workload.connections > 1_000
}

/// How much to measure.
fn effort(arguments: &Arguments, workload: Workload) -> Effort {
    let is_huge = is_huge(workload);
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
    let again = base.named(CONTROL);
    let others = field
        .peers
        .iter()
        .filter(|peer| peer.name != base.name)
        .cloned();
    std::iter::once(again).chain(others).collect()
}

/// An error when the floor does more than it must; what cannot be counted is said and passes.
fn prove_floor(field: &Field, report: &Report, arguments: &Arguments) -> Result<(), String> {
    if arguments.quick {
        report.say("that the floor is one is not proven in a quick run");
        return Ok(());
    }
    report.watch("counting what the floor does");
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
        if !report.start(&step(workload, peer)) {
            continue;
        }
        match pairs::compare(field.base(), peer, workload, effort) {
            Ok(comparison) => {
                rows.push(row(peer.name, &comparison));
                keep(report, workload, peer.name, &comparison);
            }
            Err(error) => rows.push(vec![peer.name.to_owned(), format!("FAILED: {error}")]),
        }
    }
    if rows.len() == 1 {
        return;
    }
    report.say(&format!("\n{}: {}", workload.name, workload.title));
    report.table(&rows);
    if let Some(off) = report.noise(workload.name) {
        report.say(&format!(
            "  {TOO_NOISY}: {}, measured against itself, comes to {off:.2}",
            field.base().name
        ));
    }
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

/// The ratios of the measured workloads in one table, and their geometric mean; in brackets what
/// rests on a workload that is too noisy to judge.
fn summary(report: &Report, base: &Peer, subjects: &[Peer]) {
    let is_measured = |workload: &Workload| report.find(workload.name, CONTROL, RATIO).is_some();
    let columns: Vec<Workload> = workload::ALL.into_iter().filter(is_measured).collect();
    let names = columns.iter().map(|workload| workload.name.to_owned());
    let mut rows = vec![
        [String::new(), "mean".to_owned()]
            .into_iter()
            .chain(names)
            .collect(),
    ];
    let is_noisy = |workload: &Workload| report.noise(workload.name).is_some();
    for peer in subjects {
        let ratio =
            |workload: &Workload| Some(report.find(workload.name, peer.name, RATIO)?.median);
        let ratios: Vec<Option<f64>> = columns.iter().map(ratio).collect();
        let all: Vec<f64> = ratios.iter().flatten().copied().collect();
        let Some(mean) = geometric_mean(&all) else {
            continue;
        };
        let cells = columns.iter().zip(&ratios).map(|(workload, ratio)| {
            ratio.map_or("–".to_owned(), |ratio| {
                shown(format!("{ratio:.2}"), is_noisy(workload))
            })
        });
        let mean = shown(format!("{mean:.3}"), columns.iter().any(is_noisy));
        let head = [peer.name.to_owned(), mean];
        rows.push(head.into_iter().chain(cells).collect());
    }
    let base = base.name;
    report.say(&format!(
        "\nserver processor time a message ÷ {base}'s, and the geometric mean"
    ));
    report.table(&rows);
    if columns.iter().any(is_noisy) {
        report.say(&format!(
            "  in brackets: {TOO_NOISY}, for {CONTROL} is off by more than 5 %"
        ));
    }
}

/// A figure, in brackets if nothing can be concluded from it.
fn shown(figure: String, is_noisy: bool) -> String {
    match is_noisy {
        true => format!("({figure})"),
        false => figure,
    }
}

/// The ratios of one server in the order of the workloads.
fn ratios(report: &Report, name: &str) -> Vec<Option<f64>> {
    let ratio = |workload: Workload| Some(report.find(workload.name, name, RATIO)?.median);
    workload::ALL.map(ratio).to_vec()
}

/// What netloop is to reach, where this run measured it.
fn targets(report: &Report) {
    let mut targets = Vec::new();
    for ours in ["netloop", "public API"] {
        let all: Option<Vec<f64>> = ratios(report, ours).into_iter().collect();
        targets.push(Target {
            what: format!("{ours}, mean of all"),
            measured: all.and_then(|ratios| geometric_mean(&ratios)),
            at_most: 1.02,
            unit: "x",
            cases: workload::ALL
                .map(|workload| workload.name.to_owned())
                .into(),
        });
        for workload in workload::ALL {
            targets.extend(targets_of(report, ours, workload));
        }
        let at = |workload: Workload| Some(report.find(workload.name, ours, RATIO)?.median);
        let growth = at(workload::TEN_THOUSAND).zip(at(workload::HUNDRED));
        targets.push(Target {
            what: format!("{ours}, growth from c100 to c10000 ÷ the floor's"),
            measured: growth.map(|(thousands, hundred)| thousands / hundred),
            at_most: 1.10,
            unit: "x",
            cases: [workload::TEN_THOUSAND, workload::HUNDRED]
                .map(|workload| workload.name.to_owned())
                .into(),
        });
    }
    report.targets(&targets);
}

/// Those of one workload: against the floor and, up to the noise, against libuv and tokio.
fn targets_of(report: &Report, ours: &str, workload: Workload) -> Vec<Target> {
    let ratio = |name: &str| report.find(workload.name, name, RATIO);
    let measured = ratio(ours).map(|ratio| ratio.median);
    let target = |what: String, measured: Option<f64>, at_most: f64| Target {
        what,
        measured,
        at_most,
        unit: "x",
        cases: vec![workload.name.to_owned()],
    };
    let name = format!("{ours}, {}", workload.name);
    let mut targets = vec![target(name.clone(), measured, at_most(workload, ours))];
    let noise = ratio(CONTROL).map_or(1.0, |noise| noise.high / noise.low);
    for rival in ["libuv", "tokio"] {
        let against = measured
            .zip(ratio(rival))
            .map(|(measured, rival)| measured / rival.median);
        targets.push(target(format!("{name} against {rival}"), against, noise));
    }
    targets
}

/// The ratio to reach. Reads of 128 KiB and 64 accepts a turn are the shipped server's own; with
/// Node's defaults the same is asked of a stream as of the floor, and of churn as of any echo.
fn at_most(workload: Workload, ours: &str) -> f64 {
    match (workload.name, ours) {
        ("stream", "netloop") => 0.85,
        ("stream", _) | ("churn", "netloop") => 1.00,
        _ => 1.05,
    }
}
