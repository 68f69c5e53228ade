//! Where the figures of a bench go: tables on the terminal, JSON lines and a page under `target/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::chart;
use super::machine;
use super::record::Record;
use super::statistics::Spread;

/// Something to reach: what, what was measured if it was, what it may be at most, and the unit.
#[derive(Clone, Debug)]
pub(crate) struct Target(
    pub(crate) String,
    pub(crate) Option<f64>,
    pub(crate) f64,
    pub(crate) &'static str,
);

/// The figures of one bench as they come in.
pub(crate) struct Report {
    bench: &'static str,
    json: bool,
    save: String,
    baseline: Option<String>,
    machine: String,
    records: Vec<Record>,
}

impl Report {
    /// An empty one, with its heading printed.
    pub(crate) fn new(bench: &'static str, arguments: &Arguments) -> Report {
        let report = Report {
            bench,
            json: arguments.json,
            save: arguments.save.clone(),
            baseline: arguments.baseline.clone(),
            machine: machine::description(),
            records: Vec::new(),
        };
        report.say(&format!("\n{bench}: {}", report.machine));
        report
    }

    /// A line for the reader; nothing when JSON is wanted.
    pub(crate) fn say(&self, line: &str) {
        if !self.json {
            println!("{line}");
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
        if self.json {
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

    /// Says which figures that are to be reached are, of those that were measured.
    pub(crate) fn targets(&self, targets: &[Target]) {
        let mut rows = Vec::new();
        for Target(what, measured, at_most, unit) in targets {
            let Some(measured) = measured else { continue };
            // As printed: a count may be off by one in thousands of messages.
            let verdict = if (measured * 100.0).round() <= (at_most * 100.0).round() {
                "met"
            } else {
                "MISSED"
            };
            rows.push(vec![
                what.clone(),
                format!("{measured:.2}"),
                format!("of {at_most:.2} {unit}"),
                verdict.to_owned(),
            ]);
        }
        if !rows.is_empty() {
            self.say("\nto reach at most");
            self.table(&rows);
        }
    }

    /// Compares with the baseline and writes the files.
    pub(crate) fn finish(self) {
        if let Some(name) = &self.baseline {
            self.compare_with(name);
        }
        let file = kept(&self.save);
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
            // A change is only called one when the middle halves of the samples lie apart.
            let verdict = match (record.spread, old.spread) {
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

/// The file of the figures kept under a name.
fn kept(name: &str) -> PathBuf {
    machine::folder().join(format!("{name}.jsonl"))
}

/// What it says.
fn read(file: &Path) -> Vec<Record> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(Record::from_json).collect()
}
