//! What the page shows, as data: all of it comes from the model, and the page only picks from it.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::super::entry::{Entry, Kind};
use super::super::folding::folds;
use super::super::model::Model;
use super::super::names::Names;
use super::super::recording::Recording;
use super::super::waiting::{Phase, rule};
use super::super::words::{alike, describe};
use super::changes::Changes;
use super::diagram;
use super::lanes::Lanes;
use super::texts::Texts;
use super::wire::Wire;
use super::words::{FLAGS, KINDS, ROOTS, level};

/// All that the page shows.
pub(super) fn of(recording: &Recording, entries: &[Entry]) -> Value {
    let names = Names::of(entries);
    let lanes = Lanes::of(entries, &names);
    let took = durations(entries);
    let (mut texts, mut changes, mut model) =
        (Texts::default(), Changes::default(), Model::default());
    let records: Value = entries
        .iter()
        .zip(&lanes.of)
        .map(|(entry, lane)| {
            model.step(entry);
            changes.follow(&model, entry, &mut texts);
            record(entry, *lane, took.get(&entry.number), &model, &mut texts)
        })
        .collect();
    let lives = changes.lives(&mut texts);
    let wire = Wire::of(entries);
    let who = names.all();
    let who: Map<String, Value> = who.map(|(who, name)| (who.into(), name.into())).collect();
    let damage = recording.damage.as_ref().map(ToString::to_string);
    let kinds = KINDS
        .iter()
        .map(|(kind, sign, words)| (kind.name(), (sign, words)));
    let roots = ROOTS.iter().map(|(kind, words)| (kind.name(), words));
    json!({
        "args": recording.args,
        "damage": damage,
        "left": recording.entries.len().saturating_sub(entries.len()),
        "lanes": lanes.names,
        "names": who,
        "kinds": kinds.collect::<BTreeMap<_, _>>(),
        "flags": FLAGS.iter().copied().collect::<BTreeMap<_, _>>(),
        "roots": roots.collect::<BTreeMap<_, _>>(),
        "rules": rules(),
        "machines": diagram::machines(),
        "records": records,
        "folds": [folded(entries, &names, 0), folded(entries, &names, 1), folded(entries, &names, 2)],
        "waits": changes.waits(),
        "lives": lives,
        "wires": wire.links,
        "peers": wire.peers,
        "texts": texts.texts,
    })
}

/// `[number, origin, cause, turn, time, who, kind, lane, text, more, line, level, phase, running, took]`:
/// times in microseconds, texts by their number.
fn record(
    entry: &Entry,
    lane: usize,
    took: Option<&u64>,
    model: &Model,
    texts: &mut Texts,
) -> Value {
    let more = match entry.kind {
        Kind::Ready | Kind::Accepted | Kind::Connected => entry.more.join(" "),
        _ => String::new(),
    };
    json!([
        entry.number,
        entry.origin(),
        entry.cause,
        entry.turn,
        u64::try_from(entry.at.as_micros()).unwrap_or(u64::MAX),
        texts.add(&entry.who),
        texts.add(entry.kind.name()),
        lane,
        texts.add(&describe(entry)),
        texts.add(&more),
        texts.add(entry.line.as_deref().unwrap_or_default()),
        level(entry),
        texts.add(model.phase().word()),
        u8::from(!model.running().is_empty()),
        took,
    ])
}

/// How long each callback and each call has taken, in microseconds.
fn durations(entries: &[Entry]) -> HashMap<u64, u64> {
    let mut begun = HashMap::new();
    let mut took = HashMap::new();
    for entry in entries {
        match entry.kind {
            Kind::Callback | Kind::Call => _ = begun.insert(entry.number, entry.at),
            Kind::Done => {
                if let Some(since) = begun.remove(&entry.cause) {
                    let time = entry.at.saturating_sub(since).as_micros();
                    took.insert(entry.cause, u64::try_from(time).unwrap_or(u64::MAX));
                }
            }
            _ => {}
        }
    }
    took
}

/// Why what stands in a queue has not run yet: by queue, and by phase, when nothing runs and when
/// something does.
fn rules() -> Value {
    let queues = [
        "ticks",
        "microtasks",
        "immediates",
        "pending",
        "again",
        "closing",
        "timers",
        "",
    ];
    let phases = [
        Phase::Start,
        Phase::Pending,
        Phase::Poll,
        Phase::Check,
        Phase::Closing,
        Phase::Timers,
    ];
    let mut rules = Map::new();
    for queue in queues {
        let by_phase = phases.map(|phase| {
            let words = [rule(queue, phase, false), rule(queue, phase, true)];
            (phase.word(), words)
        });
        let by_phase: BTreeMap<_, _> = by_phase.into_iter().collect();
        rules.insert(queue.to_owned(), json!(by_phase));
    }
    rules.into()
}

/// What many do alike, of the records of a level: the numbers of its records, and how many each of them
/// has.
fn folded(entries: &[Entry], names: &Names, shown: u8) -> Value {
    let shown: Vec<&Entry> = entries
        .iter()
        .filter(|entry| level(entry) <= shown)
        .collect();
    let lines: Vec<(String, (String, u64))> = shown
        .iter()
        .map(|entry| {
            let words = describe(entry);
            let says = (alike(&words).to_owned(), entry.turn);
            (names.get(&entry.who).to_owned(), says)
        })
        .collect();
    let folds = folds(&lines).into_iter().map(|fold| {
        let first = fold.at + fold.period;
        let (second, last) = (&lines[first].0, &lines[fold.end() - fold.period].0);
        let words = format!("… and {} more: {second} to {last}", fold.count - 1);
        json!([shown[first].number, shown[fold.end() - 1].number, words])
    });
    folds.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

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
        let data = of(&Recording::default(), &entries);
        let wait = &data["waits"][0];
        assert_eq!(
            (&wait[0], &wait[1], &wait[5]),
            (&json!(2), &json!(5), &json!(1))
        );
        assert_eq!(wait[6], json!([[2, 1], [4, 12]]));
        assert_eq!(wait[7], json!([[2, 5]]));
        assert_eq!(data["records"][0][14], json!(9));
        assert_eq!(data["lanes"], json!(["the program", "loop and kernel"]));
    }
}
