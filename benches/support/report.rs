//! Where the figures of a bench go: tables on the terminal, JSON lines and a page under `target/`.

use std::cell::Cell;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::arguments::Arguments;
use super::chart::{self, RATIO};
use super::machine;
use super::progress::{self, Progress, Step};
use super::record::Record;
use super::statistics::Spread;

/// The row of something against itself.
pub(crate) const CONTROL: &str = "A/A";

/// The measure of a control that is parts of one figure's samples against each other.
pub(crate) const DRIFT: &str = "drift";

/// So far something may be off from itself, as a ratio; beyond it nothing is judged.
const NOISE_AT_MOST: f64 = 1.05;

/// In place of a verdict.
pub(crate) const TOO_NOISY: &str = "too noisy to judge";

/// Erases the line of a terminal.
const ERASE: &str = "\r\x1b[K";

/// Something to reach.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What, in words.
    pub(crate) what: String,
    /// What was measured, if it was.
    pub(crate) measured: Option<f64>,
    /// What it may be at most.
    pub(crate) at_most: f64,
    /// In what.
    pub(crate) unit: &'static str,
    /// The cases that it rests on: all are to be quiet enough.
    pub(crate) cases: Vec<String>,
}

/// The figures of one bench as they come in.
pub(crate) struct Report {
    bench: &'static str,
    arguments: Arguments,
    /// When the servers had been built.
    begin: Instant,
    machine: String,
    records: Vec<Record>,
    progress: Progress,
    /// Whether a terminal shows it.
    is_watched: bool,
    /// Whether the line of the running step stands on the terminal.
    is_line_there: Cell<bool>,
}

impl Report {
    /// An empty one, with its heading printed.
    pub(crate) fn new(bench: &'static str, arguments: &Arguments) -> Report {
        let report = Report {
            bench,
            arguments: arguments.clone(),
            begin: Instant::now(),
            machine: machine::description(),
            records: Vec::new(),
            progress: Progress::default(),
            is_watched: stderr().is_terminal(),
            is_line_there: Cell::new(false),
        };
        report.say(&format!("\n{bench}: {}", report.machine));
        report
    }

    /// What will be measured, in this order.
    pub(crate) fn plan(&mut self, steps: Vec<Step>) {
        let limit = self.arguments.quick.then(|| progress::quick(self.bench));
        self.progress = Progress::new(steps, limit);
    }

    /// The step of this name is about to start; `false` when it is left out of a quick run.
    pub(crate) fn start(&mut self, step: &str) -> bool {
        let line = self.progress.start(step, self.begin.elapsed());
        line.inspect(|line| self.watch(line)).is_some()
    }

    /// Says on a terminal what is going on, until something else is said.
    pub(crate) fn watch(&self, line: &str) {
        if self.is_watched {
            eprint!("{ERASE}{line}");
            self.is_line_there.set(true);
        }
    }

    /// A line for the reader; nothing when JSON is wanted.
    pub(crate) fn say(&self, line: &str) {
        self.erase();
        if !self.arguments.json {
            println!("{line}");
        }
    }

    fn erase(&self) {
        if self.is_line_there.replace(false) {
            eprint!("{ERASE}");
        }
    }

    /// Keeps one figure.
    pub(crate) fn add(
        &mut self,
        case: &str,
        subject: &str,
        measure: &str,
        unit: &str,
        spread: Spread,
    ) {
        let record = Record {
            bench: self.bench.to_owned(),
            case: case.to_owned(),
            subject: subject.to_owned(),
            measure: measure.to_owned(),
            unit: unit.to_owned(),
            machine: self.machine.clone(),
            spread,
        };
        if self.arguments.json {
            println!("{}", record.to_json());
        }
        self.records.push(record);
    }

    /// A figure that was kept.
    pub(crate) fn find(&self, case: &str, subject: &str, measure: &str) -> Option<Spread> {
        let is_it = |record: &&Record| {
            (&*record.case, &*record.subject, &*record.measure) == (case, subject, measure)
        };
        self.records.iter().find(is_it).map(|record| record.spread)
    }

    /// Prints rows under their headings, figures to the right and words to the left.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let is_words = |column: usize| {
            let cell = rows.get(1).and_then(|row| row.get(column));
            cell.is_some_and(|cell| cell.starts_with(char::is_alphabetic))
        };
        for row in rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                line += &match is_words(column) {
                    true => format!("  {cell:<width$}"),
                    false => format!("  {cell:>width$}"),
                };
            }
            self.say(line.trim_end());
        }
    }

    /// How far a case is off from itself, when that is too far to judge it.
    pub(crate) fn noise(&self, case: &str) -> Option<f64> {
        noise(&self.records, self.bench, case)
    }

    /// Says which of the project's goals are reached, of those that were measured, when asked to.
    pub(crate) fn targets(&self, targets: &[Target]) {
        let mut rows = Vec::new();
        for target in targets.iter().filter(|_| self.arguments.goals) {
            let Some(measured) = target.measured else {
                continue;
            };
            let is_noisy = target.cases.iter().any(|case| self.noise(case).is_some());
            // As printed: a count may be off by one in thousands of messages.
            let is_met = (measured * 100.0).round() <= (target.at_most * 100.0).round();
            let verdict = match (is_noisy, is_met) {
                (true, _) => TOO_NOISY,
                (false, true) => "met",
                (false, false) => "MISSED",
            };
            rows.push(vec![
                target.what.clone(),
                format!("{measured:.2}"),
                format!("of {:.2} {}", target.at_most, target.unit),
                verdict.to_owned(),
            ]);
        }
        if !rows.is_empty() {
            self.say("\nthe project's goals: at most");
            self.table(&rows);
        }
    }

    /// Compares with the baseline and writes the files.
    pub(crate) fn finish(self) {
        if let Some(name) = &self.arguments.baseline {
            self.compare_with(name);
        }
        let left_out = self.progress.left_out();
        if !left_out.is_empty() {
            let line = format!("\n--quick has left out {}", left_out.join("; "));
            self.say(&line);
            if self.arguments.json {
                eprintln!("{}", line.trim_start());
            }
        }
        let file = kept(&self.arguments.save);
        // What this run did not measure stays: the other benches' figures, and filtered ones.
        let mut records = read(&file);
        for record in &self.records {
            match records.iter_mut().find(|old| old.is_same_figure(record)) {
                Some(old) => *old = record.clone(),
                None => records.push(record.clone()),
            }
        }
        let lines: String = records
            .iter()
            .map(|record| record.to_json() + "\n")
            .collect();
        let page = file.with_extension("html");
        let written =
            fs::write(&file, lines).and_then(|()| fs::write(&page, chart::page(&records)));
        match written {
            Ok(()) => self.say(&format!(
                "\nkept in {} and {}",
                file.display(),
                page.display()
            )),
            Err(error) => eprintln!("the figures could not be kept: {error}"),
        }
    }

    fn compare_with(&self, name: &str) {
        let before = read(&kept(name));
        if before.is_empty() {
            eprintln!("there is no baseline {name}");
        }
        let mut rows = vec![["", name, "now", "ratio", ""].map(str::to_owned).to_vec()];
        // Tails of a latency vary too much for two of them to say anything.
        let compared = self
            .records
            .iter()
            .filter(|record| !record.measure.contains("latency"));
        for record in compared {
            let Some(old) = before.iter().find(|old| old.is_same_figure(record)) else {
                continue;
            };
            let is_noisy = self.noise(&record.case).is_some()
                || noise(&before, self.bench, &record.case).is_some();
            // A change is only called one when the middle halves of the samples lie apart.
            let verdict = match (record.spread, old.spread) {
                _ if is_noisy => TOO_NOISY,
                (now, then) if now.low > then.high => "higher",
                (now, then) if now.high < then.low => "lower",
                _ => "",
            };
            rows.push(vec![
                format!("{} {} {}", record.case, record.subject, record.measure),
                format!("{:.2}", old.spread.median),
                format!("{:.2} {}", record.spread.median, record.unit),
                format!("{:.2}", record.spread.median / old.spread.median),
                verdict.to_owned(),
            ]);
        }
        self.say(&format!("\nagainst {name}"));
        self.table(&rows);
    }
}

/// How far a case is off from itself, by its control, when that is too far.
fn noise(records: &[Record], bench: &str, case: &str) -> Option<f64> {
    let is_control = |record: &&Record| {
        (&*record.bench, &*record.case, &*record.subject) == (bench, case, CONTROL)
            && [RATIO, DRIFT].contains(&&*record.measure)
    };
    let off = records.iter().find(is_control)?.spread.median;
    (off.max(1.0 / off) > NOISE_AT_MOST).then_some(off)
}

/// The file of the figures kept under a name.
fn kept(name: &str) -> PathBuf {
    machine::folder().join(format!("{name}.jsonl"))
}

/// What it says.
fn read(file: &Path) -> Vec<Record> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(Record::from_json).collect()
}
