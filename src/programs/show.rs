//! `netloop show`: prints a recording.

mod ending;
mod story;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netloop::study::{Beside, Entry, Names, Recording, page, perfetto};

pub(crate) use self::story::Story;
pub(crate) use self::turns::Turns;
use super::output::{self, harmless};
use super::printer::{COLUMNS, Level, Paint, Printer, cut};

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
    let story = Story {
        recording,
        names: &names,
        level: settings.level(),
        turns: settings.turns,
        has_wire: settings.only.is_none(),
    };
    let model = story.print(is_shown);
    output::text(&ending::text(
        &model,
        &names,
        Paint::for_terminal(&io::stdout()),
    ));
    Ok(())
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
    let mut args = recording.args.clone();
    if let Some((_, name)) = args.first().and_then(|program| program.rsplit_once('/')) {
        args[0] = name.to_owned();
    }
    let count = recording.entries.len();
    let turns = last.turn;
    let seed = recording
        .seed
        .map(|seed| format!(", simulated, seed {seed}"));
    let seed = seed.unwrap_or_default();
    let counts = format!("{count} records, {turns} turns, {:.0?}{seed}", last.at);
    let wire = match recording.segments.len() {
        0 => String::new(),
        count => {
            let lost = recording.segments.iter().filter(|it| it.is_lost).count();
            format!("on the wire: {count} segments, {lost} lost")
        }
    };
    let lines = [args.join(" "), counts, wire, who(names)];
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
