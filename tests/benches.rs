//! The manners of `cargo bench`: its arguments, how it tells of its progress, and when it judges.

#[path = "../benches/support/arguments.rs"]
#[allow(dead_code, reason = "a part of it is tested")]
mod arguments;
#[path = "../benches/support/progress.rs"]
mod progress;
#[path = "../benches/support/statistics.rs"]
#[allow(dead_code, reason = "a part of it is tested")]
mod statistics;

use std::time::Duration;

use arguments::{Arguments, Mode};
use progress::{Progress, Step};

fn parsed(line: &str) -> Result<Option<Arguments>, String> {
    Arguments::parse("echo", line.split_whitespace().map(str::to_owned))
}

fn of(line: &str) -> Arguments {
    parsed(line).expect("right usage").expect("no help wanted")
}

#[test]
fn an_unknown_flag_is_wrong_usage() {
    for line in [
        "--quik --bench",
        "-x",
        "--save --bench",
        "--baseline",
        "--goals=1",
    ] {
        assert!(parsed(line).is_err(), "{line}");
    }
    for line in ["--save ../figures", "--save=a/b", "--baseline ."] {
        let complaint = parsed(line).expect_err(line);
        assert!(complaint.contains("wants a NAME"), "{line}: {complaint}");
    }
}

#[test]
fn help_is_wanted_with_and_without_other_flags() {
    for line in ["--help", "-h", "--quick --help --bench", "c100 --help"] {
        assert!(matches!(parsed(line), Ok(None)), "{line}");
    }
}

#[test]
fn what_cargo_and_test_listers_pass_to_any_bench_is_no_filter() {
    for line in [
        "--bench",
        "--nocapture --test-threads=1 --bench",
        "--test-threads 1 --color always --bench",
        "-q --format=terse -Z unstable-options --bench",
        "--include-ignored --show-output --shuffle --shuffle-seed 3 --bench",
    ] {
        let arguments = of(line);
        assert_eq!(arguments.mode, Mode::Measure, "{line}");
        assert!(arguments.wants("echo/c100/netloop"), "{line}");
    }
    assert_eq!(of("").mode, Mode::Smoke);
    assert_eq!(of("--list --format terse").mode, Mode::List);
}

#[test]
fn filters_choose_the_cases() {
    let some = of("c100 stream --skip node --bench");
    assert!(some.wants("echo/c100/netloop") && some.wants("echo/stream/tokio"));
    assert!(
        some.wants("echo/c1000/netloop"),
        "a part of the name suffices"
    );
    assert!(!some.wants("echo/churn/netloop") && !some.wants("echo/c100/node"));
    let exact = of("--exact echo/c100/netloop --bench");
    assert!(exact.wants("echo/c100/netloop") && !exact.wants("echo/c1000/netloop"));
}

fn steps() -> Vec<Step> {
    let step = |name: &str, seconds, is_long| Step {
        name: name.to_owned(),
        expected: Duration::from_secs(seconds),
        is_long,
    };
    vec![
        step("echo/c100/A/A", 10, false),
        step("echo/c100/netloop", 10, false),
        step("echo/c10000/A/A", 100, true),
        step("echo/c10000/netloop", 100, true),
        step("echo/churn/A/A", 10, false),
    ]
}

#[test]
fn a_step_says_its_number_and_the_time_left_at_the_pace_so_far() {
    let mut progress = Progress::new(steps(), None);
    let mut start = |name, seconds| progress.start(name, Duration::from_secs(seconds));
    let first = start("echo/c100/A/A", 1).expect("nothing is left out");
    assert_eq!(first, "[1 of 5] echo/c100/A/A: some 4 min left");
    // It took twice as long as expected, and so will the 220 s of the rest.
    let second = start("echo/c100/netloop", 21).expect("nothing is left out");
    assert_eq!(second, "[2 of 5] echo/c100/netloop: some 8 min left");
    assert!(progress.left_out().is_empty());
}

#[test]
fn a_quick_run_leaves_out_what_would_end_too_late_and_says_so() {
    let mut progress = Progress::new(steps(), Some(Duration::from_secs(60)));
    let mut start = |name, seconds| progress.start(name, Duration::from_secs(seconds));
    let first = start("echo/c100/A/A", 0).expect("there is time");
    assert_eq!(first, "[1 of 3] echo/c100/A/A: some 30 s left");
    let late = [
        "echo/c100/netloop",
        "echo/c10000/A/A",
        "echo/c10000/netloop",
        "echo/churn/A/A",
    ];
    for name in late {
        assert!(start(name, 51).is_none(), "{name} ends after 61 s at best");
    }
    assert_eq!(
        progress.left_out(),
        ["echo/c10000", "echo/c100/netloop", "echo/churn"]
    );
}

#[test]
fn all_quick_runs_together_leave_time_to_end() {
    let all: Duration = ["echo", "footprint", "loops"]
        .map(progress::quick)
        .iter()
        .sum();
    assert!(all <= Duration::from_secs(140), "{all:?}");
}

#[test]
fn a_machine_that_changes_its_speed_is_seen_in_the_parts_of_the_samples() {
    assert_eq!(statistics::drift(&[10.0, 10.0, 12.0, 12.0]), 1.2);
    assert_eq!(statistics::drift(&[3.0]), 1.0);
    assert_eq!(statistics::drift(&[]), 1.0);
    let there_and_back: Vec<f64> = [2.0, 3.0, 3.0, 2.0]
        .into_iter()
        .flat_map(|speed| [speed; 5])
        .collect();
    assert_eq!(statistics::drift(&there_and_back), 1.5);
}
