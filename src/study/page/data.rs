//! What the page shows, as data: all of it comes from the model, and the page only picks from it.

use std::collections::HashMap;
use std::time::Duration;

use super::super::beside::Beside;
use super::super::entry::{Entry, Kind};
use super::super::folding::folds;
use super::super::model::Model;
use super::super::names::Names;
use super::super::recording::Recording;
use super::super::waiting::{Phase, rule};
use super::super::wire::Wire;
use super::super::words::{alike, describe};
use super::changes::{Changes, micros};
use super::diagram;
use super::lanes::Lanes;
use super::segments::add_segments;
use super::tables::Tables;
use super::words::{FLAGS, KINDS, ROOTS, SEGMENT, SEGMENT_ROOT, level};

/// How many segments a page shows at most.
const SEGMENTS_MAX: usize = 20_000;

/// All that the page shows.
pub(super) fn of(recording: &Recording, entries: &[Entry], beside: Option<&Beside>) -> Tables {
    let mut tables = Tables::default();
    let names = Names::of(entries);
    let lanes = Lanes::of(entries, &names, !recording.segments.is_empty());
    add_records(&mut tables, entries, &lanes);
    add_payloads(&mut tables, entries);
    add_asked(&mut tables, entries);
    tables.add("wire", &[lanes.wire as u64]);
    let segments = &recording.segments[..recording.segments.len().min(SEGMENTS_MAX)];
    add_segments(&mut tables, entries, segments);
    for shown in 0..=2 {
        add_folds(&mut tables, entries, &names, shown);
    }
    if let Some(beside) = beside {
        add_beside(&mut tables, entries, &names, beside);
    }
    let wire = Wire::of(entries);
    for link in &wire.links {
        tables.add("wires", link);
    }
    for (who, peer) in &wire.peers {
        tables.add_texts("peers", &[who, peer]);
    }
    for (who, name) in names.all() {
        tables.add_texts("names", &[who, name]);
    }
    for argument in &recording.args {
        tables.add_texts("args", &[argument]);
    }
    if let Some(seed) = recording.seed {
        tables.add_texts("seed", &[&seed.to_string()]);
    }
    if let Some(damage) = &recording.damage {
        tables.add_texts("damage", &[&damage.to_string()]);
    }
    let left = recording.entries.len().saturating_sub(entries.len());
    tables.add("left", &[left as u64]);
    add_words(&mut tables);
    tables
}

/// The table `records`: number, origin, cause, turn, time, who, kind, lane, text, more, line, level, phase,
/// running, and, of a callback or a call that has returned, how long it has taken, and one more. The times
/// are in microseconds.
fn add_records(tables: &mut Tables, entries: &[Entry], lanes: &Lanes) {
    for lane in &lanes.names {
        tables.add_texts("lanes", &[lane]);
    }
    let (mut changes, mut model) = (Changes::default(), Model::default());
    let took = durations(entries);
    for ((entry, lane), took) in entries.iter().zip(&lanes.of).zip(took) {
        model.step(entry);
        changes.follow(&model, entry, tables);
        let more = match entry.kind {
            Kind::Ready | Kind::Accepted | Kind::Connected => {
                entry.addresses().unwrap_or_else(|| entry.more.join(" "))
            }
            _ => String::new(),
        };
        let row = [
            entry.number,
            entry.origin(),
            entry.cause,
            entry.turn,
            micros(entry.at),
            tables.text(&entry.who),
            tables.text(entry.kind.name()),
            *lane as u64,
            tables.text(&describe(entry)),
            tables.text(&more),
            tables.text(entry.line.as_deref().unwrap_or_default()),
            level(entry).into(),
            tables.text(model.phase().word()),
            (!model.running().is_empty()).into(),
            took,
        ];
        tables.add("records", &row);
    }
}

/// The table `payloads`: the record, the bytes as text, and how many more there were. A callback of `data` has
/// those that were received just before.
fn add_payloads(tables: &mut Tables, entries: &[Entry]) {
    let mut received: Option<&Entry> = None;
    for entry in entries {
        let is_data = entry.kind == Kind::Callback && entry.words == "data";
        let with = match received {
            Some(received) if is_data && received.who == entry.who => received,
            _ => entry,
        };
        if let Some(payload) = with.payload.as_ref().filter(|_| with.bytes == entry.bytes) {
            let payload = tables.text(payload);
            tables.add("payloads", &[entry.number, payload, with.left.unwrap_or(0)]);
        }
        if entry.words == "recv" {
            received = Some(entry);
        }
    }
}

/// The table `asked`: a shutdown or the step that it makes, and the record that had asked the socket to end.
/// Readiness may lead to the shutdown, when the last bytes are sent.
fn add_asked(tables: &mut Tables, entries: &[Entry]) {
    let mut ends = HashMap::new();
    for entry in entries {
        match (&entry.kind, &*entry.words) {
            (Kind::Step, "EndCalled") => _ = ends.insert(&*entry.who, entry.origin()),
            (Kind::System, "shutdown") | (Kind::Step, "ShutDown") => {
                if let Some(end) = ends.get(&*entry.who) {
                    tables.add("asked", &[entry.number, *end]);
                }
            }
            _ => {}
        }
    }
}

/// The table `beside`, of the callbacks on another loop: time, who, event, and the number of the same one here,
/// or 0.
fn add_beside(tables: &mut Tables, entries: &[Entry], names: &Names, beside: &Beside) {
    tables.add_texts("title", &[&beside.title]);
    let twins = beside.twins(entries, names);
    for (other, twin) in beside.callbacks.iter().zip(twins) {
        let at = Duration::try_from_secs_f64(other.millis / 1e3).unwrap_or_default();
        let (who, event) = (tables.text(&other.who), tables.text(&other.event));
        tables.add("beside", &[micros(at), who, event, twin.unwrap_or(0)]);
    }
}

/// How long each entry has taken, in microseconds, and one more; 0 unless it is a callback or a call that has
/// returned.
fn durations(entries: &[Entry]) -> Vec<u64> {
    let mut took = vec![0; entries.len()];
    for done in entries.iter().filter(|entry| entry.kind == Kind::Done) {
        if let Ok(index) = entries.binary_search_by_key(&done.cause, |it| it.number) {
            let since = entries[index].at;
            took[index] = micros(done.at.saturating_sub(since)) + 1;
        }
    }
    took
}

/// The table `folds`, of what many do alike: the level, the first record that repeats those before, the last
/// one, and who has made them.
fn add_folds(tables: &mut Tables, entries: &[Entry], names: &Names, shown: u8) {
    let entries = entries.iter().filter(|entry| level(entry) <= shown);
    let entries: Vec<&Entry> = entries.collect();
    let says = |entry: &&Entry| {
        let words = describe(entry);
        let says = (alike(&words).to_owned(), entry.turn);
        (names.get(&entry.who).to_owned(), says)
    };
    let lines: Vec<(String, (String, u64))> = entries.iter().map(says).collect();
    for fold in folds(&lines) {
        let first = fold.at + fold.period;
        let range = fold.range(|index| &lines[index].0);
        let range = range.map_or_else(String::new, |(second, last)| {
            format!(": {second} to {last}")
        });
        let words = tables.text(&format!("… and {} more{range}", fold.count - 1));
        let (first, last) = (entries[first].number, entries[fold.end() - 1].number);
        tables.add("folds", &[shown.into(), first, last, words]);
    }
}

/// The queues of the loop, and one that is not known.
const QUEUES: [&str; 8] = [
    "ticks",
    "microtasks",
    "immediates",
    "pending",
    "again",
    "closing",
    "timers",
    "",
];

const PHASES: [Phase; 6] = [
    Phase::Start,
    Phase::Pending,
    Phase::Poll,
    Phase::Check,
    Phase::Closing,
    Phase::Timers,
];

/// What the page knows of every recording: what the kinds are, the words of the kernel, why what waits has
/// not run yet, and the rows of the machines.
fn add_words(tables: &mut Tables) {
    for (kind, sign, words) in &KINDS {
        tables.add_texts("kinds", &[kind.name(), sign, words]);
    }
    tables.add_texts("kinds", &SEGMENT);
    tables.add_texts("roots", &SEGMENT_ROOT);
    for (flag, words) in FLAGS {
        tables.add_texts("flags", &[flag, words]);
    }
    for (kind, words) in &ROOTS {
        tables.add_texts("roots", &[kind.name(), words]);
    }
    for (queue, phase) in QUEUES.iter().flat_map(|it| PHASES.map(|phase| (it, phase))) {
        let [idle, running] = [false, true].map(|is_running| rule(queue, phase, is_running));
        tables.add_texts("rules", &[queue, phase.word(), idle, running]);
    }
    for (machine, [from, input, to]) in diagram::machines() {
        tables.add_texts("machines", &[machine, &from, &input, &to]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::{entry, numbered};
    use super::*;

    #[test]
    fn a_callback_of_data_has_the_bytes_that_were_received() {
        let lines = [
            r#""k":"system","w":"recv","bytes":3,"payload":"hi","left":1,"who":"socket#1""#,
            r#""k":"callback","w":"data","bytes":3,"who":"socket#1""#,
            r#""k":"callback","w":"data","bytes":3,"who":"socket#2""#,
            r#""k":"callback","w":"data","bytes":2,"who":"socket#1""#,
            r#""k":"system","w":"recv","bytes":3,"who":"socket#3""#,
        ];
        let entries = numbered(&lines);
        let data = of(&Recording::default(), &entries, None);
        let rows = data.rows("payloads").iter().map(|row| (row[0], row[2]));
        assert_eq!(rows.collect::<Vec<_>>(), [(1, 1), (2, 1)]);
    }

    #[test]
    fn a_fold_names_the_ones_that_differ() {
        let lines = (1..=5).flat_map(|who| {
            [
                r#""k":"system","w":"accept4","who":"server#9""#.to_owned(),
                format!(r#""k":"callback","w":"connection","who":"socket#{who}""#),
            ]
        });
        let lines: Vec<String> = lines.collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let data = of(&Recording::default(), &numbered(&lines), None).json();
        assert!(
            data.contains("… and 4 more: socket#2 to socket#5"),
            "{data}"
        );
    }

    #[test]
    fn a_shutdown_names_the_end_that_asked_for_it() {
        let lines = [
            r#""k":"ready","who":"socket#1""#,
            r#""c":1,"k":"call","w":"end","who":"socket#1""#,
            r#""c":2,"k":"step","w":"EndCalled","who":"socket#1""#,
            r#""c":1,"k":"system","w":"shutdown","who":"socket#1""#,
            r#""c":1,"k":"step","w":"ShutDown","who":"socket#1""#,
            r#""k":"system","w":"shutdown","who":"socket#2""#,
        ];
        let data = of(&Recording::default(), &numbered(&lines), None);
        assert_eq!(data.rows("asked"), [[4, 2], [5, 2]]);
    }

    #[test]
    fn a_fold_has_no_range_where_the_numbers_do_not_ascend() {
        let lines = [7, 2, 9, 4, 3]
            .map(|who| format!(r#""k":"ready","w":"readable","who":"socket#{who}""#));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let data = of(&Recording::default(), &numbered(&lines), None).json();
        assert!(data.contains("\"… and 4 more\""), "{data}");
    }

    #[test]
    fn what_waits_is_told_as_from_and_until() {
        let entries = vec![
            entry(r#"{"n":1,"k":"call","w":"set_interval","who":"loop"}"#),
            entry(
                r#"{"n":2,"c":1,"k":"queued","w":"timers","more":"set_interval","ns":1000,"who":"loop"}"#,
            ),
            entry(r#"{"n":3,"c":1,"k":"done","t":9000,"who":"loop"}"#),
            entry(r#"{"n":4,"by":2,"k":"phase","w":"timers","t":11000,"who":"loop"}"#),
            entry(r#"{"n":5,"c":4,"by":2,"k":"cleared","who":"loop"}"#),
        ];
        let data = of(&Recording::default(), &entries, None);
        let waits = data.rows("waits");
        assert_eq!((waits.len(), waits[0][0], waits[0][4]), (1, 2, 1));
        assert_eq!(data.rows("dues"), [[2, 2, 1], [2, 4, 12]]);
        assert_eq!(data.rows("ends"), [[2, 5]]);
        let holds = data.rows("holds").iter();
        let holds: Vec<_> = holds.map(|row| (row[0], row[2], row[3])).collect();
        assert_eq!(holds, [(2, 2, 1), (2, 5, 0)]);
        // The call has taken nine microseconds.
        assert_eq!(data.rows("records")[0][14], 10);
        assert_eq!(data.rows("lanes").len(), 2);
    }
}
