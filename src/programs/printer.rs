//! Entries of a recording as lines of text. Each is indented under the line during which it happened, and
//! names the line that led to it if that is another one.

mod row;

use std::collections::VecDeque;
use std::time::Duration;

use netloop::study::{Entry, Kind, describe, span};

use self::row::column;
pub(crate) use self::row::{COLUMNS, Paint, Row, cut, wrapped};
use super::output::harmless;

/// How deep a line is indented at most.
const DEPTH_SHOWN: usize = 6;

/// How many records back a cause is still known, while a program runs.
const KEPT: usize = 4096;

/// From here on a callback is said to take long.
const LONG: Duration = Duration::from_millis(10);

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
    /// How many records back a cause is known.
    kept: usize,
    /// Where the latest records stand, by number.
    places: VecDeque<(u64, Place)>,
    /// The callbacks that have not returned.
    running: Vec<u64>,
    /// The lines that the last one stands under, and itself.
    path: Vec<u64>,
    /// The turn of the last line.
    laid: u64,
    /// The turn whose title was printed last.
    turn: Option<u64>,
}

/// Where a record stands on the page: some are not shown.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The line that shows it, or during which it happened.
    line: u64,
    /// The line that shows it, or that led to it.
    origin: u64,
    at: Duration,
    /// The delay of a timer that is set.
    delay: Option<Duration>,
}

impl Printer {
    /// A printer for a program that runs.
    pub(crate) fn new(paint: Paint, level: Level) -> Printer {
        Printer {
            paint,
            level,
            kept: KEPT,
            places: VecDeque::new(),
            running: Vec::new(),
            path: Vec::new(),
            laid: 0,
            turn: None,
        }
    }

    /// A printer for a recording, however long it is.
    pub(crate) fn of_recording(paint: Paint, level: Level) -> Printer {
        Printer {
            kept: usize::MAX,
            ..Printer::new(paint, level)
        }
    }

    fn place(&self, number: u64) -> Place {
        let found = self.places.binary_search_by_key(&number, |(it, _)| *it);
        found.map(|index| self.places[index].1).unwrap_or_default()
    }

    /// The row of an entry; none for one that is not shown.
    pub(crate) fn row(&mut self, entry: &Entry, name: &str, is_wanted: bool) -> Option<Row> {
        let (above, by) = (self.place(entry.cause), self.place(entry.origin()));
        let took = entry.at.saturating_sub(above.at);
        let is_long = took >= LONG && self.running.contains(&entry.cause);
        let code = code(entry, self.level, is_long);
        let is_timer = entry.kind == Kind::Queued && entry.words == "timers";
        let place = Place {
            line: code.map_or(above.line, |_| entry.number),
            origin: code.map_or(by.origin, |_| entry.number),
            at: entry.at,
            delay: entry.time.filter(|_| is_timer),
        };
        self.keep(entry, place);
        let code = code.filter(|_| is_wanted)?;
        let depth = self.lay(entry, above.line);
        let under = if depth > 0 { above.line } else { 0 };
        let cause = match by.origin {
            origin if origin == under && depth <= DEPTH_SHOWN => String::new(),
            0 => String::new(),
            origin => led_by(entry, origin, origin != above.line, by.delay),
        };
        let text = match entry.kind {
            Kind::Done if entry.words.is_empty() => format!("took {took:.0?}"),
            _ => describe(entry),
        };
        Some(Row {
            number: entry.number,
            depth: depth.min(DEPTH_SHOWN),
            under,
            causes: [above.line, by.origin],
            name: harmless(name),
            text: harmless(&text),
            more: harmless(&beside(entry, cause)),
            code,
            is_numbered: true,
        })
    }

    fn keep(&mut self, entry: &Entry, place: Place) {
        self.places.push_back((entry.number, place));
        if self.places.len() > self.kept {
            self.places.pop_front();
        }
        match entry.kind {
            Kind::Callback => self.running.push(entry.number),
            Kind::Done => self.running.retain(|number| *number != entry.cause),
            // What a panic has ended does not return.
            Kind::Wait => self.running.clear(),
            _ => {}
        }
    }

    /// How deep a line stands that happened during another one: at the margin, if that has ended.
    fn lay(&mut self, entry: &Entry, during: u64) -> usize {
        if self.laid != entry.turn {
            self.path.clear();
        }
        self.laid = entry.turn;
        let depth = self.depth_below(during);
        self.path.truncate(depth);
        self.path.push(entry.number);
        depth
    }

    fn depth_below(&self, line: u64) -> usize {
        let found = self.path.iter().position(|it| *it == line);
        found.map_or(0, |index| index + 1)
    }

    /// The row of a line that the program prints in the callback that runs; none if that is not shown.
    pub(crate) fn prints(&self, line: &str) -> Option<Row> {
        let under = self.running.last().copied().unwrap_or(0);
        let depth = self.depth_below(under);
        (depth > 0 || under == 0).then(|| Row {
            number: 0,
            depth: depth.min(DEPTH_SHOWN),
            under,
            causes: [0; 2],
            name: "program".into(),
            text: harmless(&format!("prints {line}")),
            more: String::new(),
            code: "1",
            is_numbered: false,
        })
    }

    /// The title of a turn, if it begins.
    pub(crate) fn title(&mut self, turn: u64, note: &str) -> String {
        if self.turn.replace(turn) == Some(turn) {
            return String::new();
        }
        let title = match turn {
            0 => "before the first turn".to_owned(),
            turn => format!("turn {turn}"),
        };
        format!("\n{}\n", self.paint.paint("1", &(title + note)))
    }

    /// The line of an entry, below a title where a turn begins; nothing for one that is not shown.
    pub(crate) fn lines(&mut self, entry: &Entry, name: &str) -> String {
        let row = self.row(entry, name, true);
        let Some(row) = row else { return String::new() };
        self.title(entry.turn, "") + &row.lines(self.paint)
    }

    /// What to put before a line that a program prints in the callback that runs.
    pub(crate) fn mark(&self, program: &str) -> String {
        let under = self.running.last().copied().unwrap_or(0);
        let depth = self.depth_below(under).min(DEPTH_SHOWN);
        let name = column(depth, program);
        format!("      {name} {} ", self.paint.paint("1", "prints"))
    }
}

/// Which line led to an entry: it was put off there, or that line stands elsewhere.
fn led_by(entry: &Entry, line: u64, is_put_off: bool, delay: Option<Duration>) -> String {
    let is_timer = entry.kind == Kind::Phase && entry.words == "timers";
    match delay.filter(|_| is_timer) {
        Some(delay) => format!("(set by {line}, for {})", span(delay)),
        None if is_timer => format!("(set by {line})"),
        None if is_put_off => format!("(queued by {line})"),
        None => format!("(caused by {line})"),
    }
}

/// What stands beside the words: epoll's for a readiness, the addresses of a connection, what led to it if
/// that stands elsewhere, and of what the program calls, and of its callbacks, the line of the program.
fn beside(entry: &Entry, cause: String) -> String {
    let told = match (&entry.kind, &entry.more[..]) {
        (Kind::Ready, [epoll, ..]) => epoll.clone(),
        (Kind::Accepted | Kind::Connected, [_, _]) => entry
            .addresses()
            .unwrap_or_else(|| "no addresses".to_owned()),
        _ => String::new(),
    };
    let line = entry.line.as_deref().unwrap_or_default();
    let line = line.rsplit('/').next().unwrap_or_default().to_owned();
    let parts = [told, cause, line];
    let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join("  ")
}

/// The colour of an entry, if it is shown at this level.
fn code(entry: &Entry, level: Level, is_long: bool) -> Option<&'static str> {
    let code = match entry.kind {
        Kind::Nothing => "2",
        Kind::Callback => "32",
        Kind::Call => "33",
        Kind::System => "34",
        Kind::Done if entry.words == "false" => "33",
        Kind::Done if is_long => "31",
        Kind::Stopped => "31",
        Kind::Wait | Kind::Ready | Kind::Again | Kind::Phase => "36",
        Kind::Accepted | Kind::Connected => "36",
        Kind::Step if level == Level::All => "35",
        Kind::Tick | Kind::Other(_) if level == Level::All => "2",
        _ => return None,
    };
    Some(code)
}
