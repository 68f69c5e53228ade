//! Entries of a recording as lines of text, each indented under its cause.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::Duration;

use netloop::study::{Entry, Kind, describe};

use super::output::harmless;

/// The width of a terminal.
pub(crate) const COLUMNS: usize = 80;

/// The width of the column with the subject, indented: the longest line still fits.
const SUBJECT: usize = 21;

/// How deep a line is indented at most.
const DEPTH_SHOWN: usize = 6;

/// How many records back a cause is still known; what comes from an older one stands at the margin.
const KEPT: usize = 4096;

/// From here on a callback is said to take long.
const LONG: Duration = Duration::from_millis(10);

/// Colours of a terminal, or none.
#[derive(Clone, Copy)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    /// Colours only a terminal that is not dumb, and never with `NO_COLOR` (no-color.org).
    pub(crate) fn for_terminal(out: &impl IsTerminal) -> Paint {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|value| value == "dumb");
        Paint {
            is_on: out.is_terminal() && !is_refused && !is_dumb,
        }
    }

    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        if self.is_on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Waits, readiness, system calls, the program's calls and callbacks.
    Story,
    /// States and ticks as well.
    All,
}

/// Lays entries out.
pub(crate) struct Printer {
    pub(crate) paint: Paint,
    level: Level,
    /// Where the latest records stand, by number.
    places: VecDeque<(u64, Place)>,
    /// The turn whose title was printed last.
    turn: Option<u64>,
}

/// Where a record stands on the page, or would stand: some are not shown.
#[derive(Clone, Copy, Default)]
struct Place {
    /// How many lines above it have led to what follows from it.
    depth: usize,
    /// The number of the line that shows it, or that it follows from.
    line: u64,
    at: Duration,
}

/// The line of an entry.
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) depth: usize,
    pub(crate) name: String,
    pub(crate) text: String,
    /// What stands beside it.
    more: String,
    code: &'static str,
    /// Whether it is a record: a line of the program's output has no number of its own.
    is_numbered: bool,
}

impl Printer {
    pub(crate) fn new(paint: Paint, level: Level) -> Printer {
        Printer {
            paint,
            level,
            places: VecDeque::new(),
            turn: None,
        }
    }

    fn place(&self, number: u64) -> Place {
        let found = self.places.binary_search_by_key(&number, |(it, _)| *it);
        found.map(|index| self.places[index].1).unwrap_or_default()
    }

    /// The row of an entry; none for one that is not shown.
    pub(crate) fn row(&mut self, entry: &Entry, name: &str, is_wanted: bool) -> Option<Row> {
        let above = self.place(entry.origin());
        let took = entry.at.saturating_sub(self.place(entry.cause).at);
        let code = code(entry, self.level, took).filter(|_| is_wanted);
        let place = Place {
            depth: above.depth + usize::from(code.is_some()),
            line: code.map_or(above.line, |_| entry.number),
            at: entry.at,
        };
        self.places.push_back((entry.number, place));
        if self.places.len() > KEPT {
            self.places.pop_front();
        }
        let text = match entry.kind {
            Kind::Done if entry.words.is_empty() => format!("took {took:.0?}"),
            _ => describe(entry),
        };
        Some(Row {
            number: entry.number,
            depth: above.depth.min(DEPTH_SHOWN),
            name: harmless(name),
            text: harmless(&text),
            more: harmless(&beside(entry, above.line)),
            code: code?,
            is_numbered: true,
        })
    }

    /// The row of a line that the program has printed in the callback of this record.
    pub(crate) fn printed(&self, number: u64, line: &str) -> Row {
        Row {
            number,
            depth: self.place(number).depth.min(DEPTH_SHOWN),
            name: "program".into(),
            text: harmless(&format!("prints {line}")),
            more: String::new(),
            code: "1",
            is_numbered: false,
        }
    }

    /// The title of a turn, if it begins.
    pub(crate) fn title(&mut self, turn: u64) -> String {
        if self.turn.replace(turn) == Some(turn) {
            return String::new();
        }
        let title = match turn {
            0 => "before the first turn".to_owned(),
            turn => format!("turn {turn}"),
        };
        format!("\n{}\n", self.paint.paint("1", &title))
    }

    /// The line of an entry, below a title where a turn begins; nothing for one that is not shown.
    pub(crate) fn lines(&mut self, entry: &Entry, name: &str) -> String {
        let row = self.row(entry, name, true);
        let Some(row) = row else { return String::new() };
        self.title(entry.turn) + &row.lines(self.paint)
    }

    /// What to put before a line that a program prints in the callback of this record.
    pub(crate) fn mark(&self, number: u64, program: &str) -> String {
        let depth = self.place(number).depth.min(DEPTH_SHOWN);
        let name = column(depth, program);
        format!("      {name} {} ", self.paint.paint("1", "prints"))
    }
}

impl Row {
    /// What belongs to no record.
    pub(crate) fn aside(name: &str, text: &str) -> Row {
        Row {
            number: 0,
            depth: 0,
            name: name.to_owned(),
            text: text.to_owned(),
            more: String::new(),
            code: "36",
            is_numbered: false,
        }
    }

    /// It as text, with what stands beside it: below it, if there is no room.
    pub(crate) fn lines(&self, paint: Paint) -> String {
        let mut name = column(self.depth, &self.name);
        let mut text = self.text.clone();
        if 7 + width(&name) + width(&text) > COLUMNS {
            name = format!("{:<SUBJECT$}", self.name);
            text = cut(&text, COLUMNS - 7 - width(&name).min(COLUMNS / 2));
            name = cut(&name, COLUMNS / 2);
        }
        let number = match self.is_numbered {
            true => paint.paint("2", &format!("{:>4}", self.number)),
            false => "    ".to_owned(),
        };
        let mut lines = format!("{number}  {name} {}", paint.paint(self.code, &text));
        if !self.more.is_empty() {
            let more = cut(&self.more, COLUMNS - 2);
            if 9 + width(&name) + width(&text) + width(&more) > COLUMNS {
                lines.push_str(&format!("\n{:>1$}", "", COLUMNS - 2 - width(&more)));
            }
            lines.push_str(&format!("  {}", paint.paint("2", &more)));
        }
        lines.push('\n');
        lines
    }
}

/// How many columns of a terminal it takes.
fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// A syllable of Hangul takes two.
fn columns(letter: char) -> usize {
    1 + usize::from(('가'..='힣').contains(&letter))
}

/// The text, at most as wide as this.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let shown = text.chars().take_while(|letter| {
        used += columns(*letter);
        used <= room
    });
    shown.chain(['…']).collect()
}

/// The text in lines of at most [`COLUMNS`]: the first begins in the column `begin`, the others in `hang`.
pub(crate) fn wrapped(text: &str, begin: usize, hang: usize) -> String {
    let (mut lines, mut used, mut margin) = (String::new(), begin, begin);
    for word in text.split(' ') {
        if used > margin {
            if used + 1 + width(word) > COLUMNS {
                lines.push_str(&format!("\n{:hang$}", ""));
                (used, margin) = (hang, hang);
            } else {
                lines.push(' ');
                used += 1;
            }
        }
        lines.push_str(word);
        used += width(word);
    }
    lines
}

/// A name, indented under its cause, as wide as the column.
fn column(depth: usize, name: &str) -> String {
    let name = format!("{}{name}", "  ".repeat(depth));
    format!("{name:<SUBJECT$}")
}

/// What stands beside the words: epoll's for a readiness; of what was put off, the line that did so; of
/// what the program calls, and of its callbacks, the line of the program. The cause of anything else is
/// the line it is indented under.
fn beside(entry: &Entry, above: u64) -> String {
    let line = entry.line.as_deref().unwrap_or_default();
    match entry.kind {
        Kind::Ready => entry.more.first().cloned().unwrap_or_default(),
        Kind::Phase if entry.words == "timers" && above > 0 => format!("(set by {above})"),
        _ if entry.by.is_some() && above > 0 => format!("(queued by {above})"),
        _ => line.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// The colour of an entry, if it is shown at this level.
fn code(entry: &Entry, level: Level, took: Duration) -> Option<&'static str> {
    let code = match entry.kind {
        Kind::Nothing => "2",
        Kind::Callback => "32",
        Kind::Call => "33",
        Kind::System => "34",
        Kind::Done if entry.words == "false" => "33",
        Kind::Done if took >= LONG => "31",
        Kind::Stopped => "31",
        Kind::Wait | Kind::Ready | Kind::Again | Kind::Phase => "36",
        Kind::Accepted | Kind::Connected => "36",
        Kind::Step if level == Level::All => "35",
        Kind::Tick | Kind::Other(_) if level == Level::All => "2",
        _ => return None,
    };
    Some(code)
}
