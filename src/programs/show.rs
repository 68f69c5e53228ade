//! `netloop show`: prints a recording.

mod ending;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netloop::study::{Beside, Entry, Fold, Model, Names, Recording, alike, folds, page, perfetto};

use super::output::{self, harmless};
use super::printer::{COLUMNS, Level, Paint, Printer, Row, cut};

pub(crate) struct Settings {
    /// `-` is standard input.
    pub(crate) file: PathBuf,
    pub(crate) is_all: bool,
    pub(crate) only: Option<String>,
    pub(crate) turns: Turns,
    /// The file for a page, which is written instead.
    pub(crate) html: Option<PathBuf>,
    /// The file for a trace that Perfetto opens, which is written instead.
    pub(crate) perfetto: Option<PathBuf>,
}

/// The turns that are shown, both of these included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Turns {
    pub(crate) const ALL: Turns = Turns {
        first: 0,
        last: u64::MAX,
    };

    /// `3..5`, `3..`, `..5` or `3`.
    pub(crate) fn parse(text: &str) -> Option<Turns> {
        let number = |text: &str, default| match text {
            "" => Some(default),
            _ if text.bytes().all(|it| it.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        let (first, last) = match text.split_once("..") {
            None if text.is_empty() => return None,
            None => (text, text),
            Some(both) => both,
        };
        let turns = Turns {
            first: number(first, 0)?,
            last: number(last, u64::MAX)?,
        };
        (turns.first <= turns.last).then_some(turns)
    }

    fn contain(self, turn: u64) -> bool {
        (self.first..=self.last).contains(&turn)
    }

    /// What stands beside the title of a turn that is not shown in full.
    fn note(self, turn: u64) -> &'static str {
        match self.contain(turn) {
            true => "",
            false => ", what led to the lines below",
        }
    }
}

impl Settings {
    fn level(&self) -> Level {
        match self.is_all {
            true => Level::All,
            false => Level::Story,
        }
    }
}

pub(crate) fn run(settings: &Settings) -> ExitCode {
    let name = settings.file.display();
    let recording = match read(settings) {
        Ok(recording) => recording,
        Err(error) => return failed(&format!("{name}: {error}")),
    };
    if let Err(error) = write_or_show(settings, &recording) {
        return failed(&error);
    }
    match &recording.damage {
        Some(damage) => failed(&format!("{name}: {damage}")),
        None => ExitCode::from(u8::from(output::is_lost())),
    }
}

fn write_or_show(settings: &Settings, recording: &Recording) -> Result<(), String> {
    if settings.html.is_none() && settings.perfetto.is_none() {
        return show(settings, recording);
    }
    if recording.entries.is_empty() && recording.damage.is_some() {
        // There is nothing of a recording.
        return Ok(());
    }
    if let Some(path) = &settings.html {
        write_page(path, recording, None)?;
    }
    if let Some(path) = &settings.perfetto {
        let written = File::create(path)
            .map(BufWriter::new)
            .and_then(|out| perfetto(recording, out));
        written.map_err(|error| format!("--perfetto {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Writes the page of a recording, with a run on another loop beside it.
pub(crate) fn write_page(
    path: &Path,
    recording: &Recording,
    beside: Option<&Beside>,
) -> Result<(), String> {
    let written = std::fs::write(path, page(recording, beside));
    written.map_err(|error| format!("--html {}: {error}", path.display()))
}

fn failed(words: &str) -> ExitCode {
    output::complaint(&format!("netloop show: {words}"));
    ExitCode::FAILURE
}

fn read(settings: &Settings) -> io::Result<Recording> {
    match settings.file.to_str() {
        Some("-") => Ok(Recording::read(io::stdin().lock())),
        _ => {
            let file = File::open(&settings.file)?;
            Ok(Recording::read(BufReader::new(file)))
        }
    }
}

/// Prints what came before any damage.
fn show(settings: &Settings, recording: &Recording) -> Result<(), String> {
    let Some(last) = recording.entries.last() else {
        if recording.damage.is_none() {
            output::text("The recording has no records.");
        }
        return Ok(());
    };
    let names = Names::of(&recording.entries);
    let is_meant = |entry: &Entry| match &settings.only {
        None => true,
        Some(only) => names.is_meant(&entry.who, only),
    };
    if let Some(only) = &settings.only
        && !recording.entries.iter().any(is_meant)
    {
        let all: Vec<&str> = names.all().map(|(_, name)| name).collect();
        let all = cut(&all.join(", "), 200);
        return Err(format!("--only: there is no {only:?}, but {all}"));
    }
    output::text(&about(recording, &names, last));
    let is_wanted = |entry: &Entry| settings.turns.contain(entry.turn) && is_meant(entry);
    let causes = match settings.only.is_some() || settings.turns != Turns::ALL {
        true => causes(recording, settings.level(), is_wanted),
        false => BTreeSet::new(),
    };
    let is_shown = |entry: &Entry| is_wanted(entry) || causes.contains(&entry.number);
    let model = story(settings, recording, &names, is_shown);
    output::text(&ending::text(
        &model,
        &names,
        Paint::for_terminal(&io::stdout()),
    ));
    Ok(())
}

/// Prints the lines, turn by turn. Returns what is the case after the last of them.
fn story(
    settings: &Settings,
    recording: &Recording,
    names: &Names,
    is_shown: impl Fn(&Entry) -> bool,
) -> Model {
    let paint = Paint::for_terminal(&io::stdout());
    let mut printer = Printer::of_recording(paint, settings.level());
    let (mut model, mut rows) = (Model::default(), Vec::new());
    for entry in &recording.entries {
        let turn = model.turn();
        if entry.turn != turn {
            print_turn(&mut printer, turn, settings.turns.note(turn), &mut rows);
        }
        if entry.turn > settings.turns.last || !output::is_read() {
            break;
        }
        model.step(entry);
        if settings.turns.contain(entry.turn) {
            rows.extend(entry.prints.iter().filter_map(|line| printer.prints(line)));
        }
        rows.extend(printer.row(entry, names.get(&entry.who), is_shown(entry)));
    }
    let turn = model.turn();
    print_turn(&mut printer, turn, settings.turns.note(turn), &mut rows);
    model
}

/// The records that are not wanted themselves, but led to some that are.
fn causes(
    recording: &Recording,
    level: Level,
    is_wanted: impl Fn(&Entry) -> bool,
) -> BTreeSet<u64> {
    let mut printer = Printer::of_recording(Paint::none(), level);
    let entries = recording.entries.iter();
    let causes = entries.filter_map(|entry| {
        let row = printer.row(entry, "", is_wanted(entry));
        row.map(|row| row.causes)
    });
    causes.flatten().collect()
}

/// The heading: the recording, and the names of its sockets and servers.
fn about(recording: &Recording, names: &Names, last: &Entry) -> String {
    let args = recording.args.join(" ");
    let program = args.rsplit_once('/').map_or(&*args, |(_, name)| name);
    let count = recording.entries.len();
    let turns = last.turn;
    let counts = format!("{count} records, {turns} turns, {:.0?}", last.at);
    let lines = [program, &counts, &who(names)];
    let lines = lines.iter().filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(|line| cut(&harmless(line), COLUMNS)).collect();
    lines.join("\n")
}

/// The names and their sockets: the only one of a role has no number.
fn who(names: &Names) -> String {
    let mut many: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    let mut who = Vec::new();
    for (raw, name) in names.all().filter(|(raw, name)| raw != name) {
        match name.split_once('#') {
            Some((role, _)) => {
                let such = many.entry(role).or_default();
                *such = (such.0 + 1, format!("{name} is {raw}"));
            }
            None => who.push(format!("{name} is {raw}")),
        }
    }
    let many = many.into_values();
    who.extend(many.map(|(count, such)| format!("{such}, and so on: {count} of them")));
    who.join(", ")
}

/// Prints these rows below the title of their turn, and what many do alike, or one over and over, once.
pub(super) fn print_turn(printer: &mut Printer, turn: u64, note: &str, rows: &mut Vec<Row>) {
    if rows.is_empty() {
        return;
    }
    let mut text = printer.title(turn, note);
    let says = |(index, row): (usize, &Row)| {
        let role = row.name.split('#').next().unwrap_or_default();
        // Each counts as another: what one repeats is folded too.
        let says = (row.depth, alike(&row.text).to_owned());
        (format!("{role}#{index}"), says)
    };
    let says: Vec<_> = rows.iter().enumerate().map(says).collect();
    let mut folds = folds(&says).into_iter().map(|fold| opened(fold, rows));
    let (mut fold, mut hidden) = (folds.next(), 0..0);
    for (index, row) in rows.iter().enumerate() {
        if let Some(begun) = fold.filter(|it| it.at + it.period == index) {
            let words = cut(&more(&rows[begun.at..begun.end()], begun.period), COLUMNS);
            text.push_str(&format!("{}\n", printer.paint.paint("2", &words)));
            (fold, hidden) = (folds.next(), index..begun.end());
        }
        if !hidden.contains(&index) {
            text.push_str(&row.lines(printer.paint));
        }
    }
    rows.clear();
    output::lines(&text);
}

/// The fold, from a row on that stands under none of the others, and without the last of its rows if those
/// after it stand under one of them.
fn opened(mut fold: Fold, rows: &[Row]) -> Fold {
    let period = &rows[fold.at..fold.at + fold.period];
    let first = (0..fold.period).min_by_key(|index| period[*index].depth);
    if let Some(first @ 1..) = first {
        fold.at += first;
        fold.count -= 1;
    }
    let hidden = &rows[fold.at + fold.period..fold.end()];
    let next = rows.get(fold.end()).map_or(0, |row| row.under);
    if next > 0 && hidden.iter().any(|row| row.number == next) {
        fold.count -= 1;
    }
    fold
}

/// The fold's line: which sockets did the same, or how often one did.
fn more(rows: &[Row], period: usize) -> String {
    let other = (0..period).find(|index| rows[*index].name != rows[*index + period].name);
    let who = match other {
        Some(other) => {
            let last = rows.len() - period + other;
            format!("more: {} to {}", rows[other + period].name, rows[last].name)
        }
        None => "times the same".into(),
    };
    let lines = match (rows[period].number, rows[rows.len() - 1].number) {
        (0, _) => String::new(),
        (from, to) => format!(", lines {from} to {to}"),
    };
    let indent = "  ".repeat(rows[0].depth);
    let count = rows.len() / period - 1;
    format!("      {indent}… and {count} {who}{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_a_range_with_both_ends() {
        let turns = |first, last| Some(Turns { first, last });
        assert_eq!(Turns::parse("3..5"), turns(3, 5));
        assert_eq!(Turns::parse("3"), turns(3, 3));
        assert_eq!(Turns::parse("3.."), turns(3, u64::MAX));
        assert_eq!(Turns::parse("..3"), turns(0, 3));
        for wrong in [
            "",
            "5..3",
            "+1",
            "1...3",
            "a",
            "-1..",
            "99999999999999999999",
        ] {
            assert_eq!(Turns::parse(wrong), None, "{wrong}");
        }
    }
}
