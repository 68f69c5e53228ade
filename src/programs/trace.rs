//! The trace as text: for each turn what became ready, which state changed and which callback
//! ran, each indented under its cause.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use netloop::study::Recorder;
use netloop::trace::{Record, What};
use netloop::{Error, EventLoop};

use super::output;

/// The width of a terminal.
const COLUMNS: usize = 80;

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
struct Paint {
    is_on: bool,
}

impl Paint {
    /// Colours only a terminal that is not dumb, and never with `NO_COLOR` (no-color.org).
    fn for_terminal(out: &impl IsTerminal) -> Paint {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|value| value == "dumb");
        Paint {
            is_on: out.is_terminal() && !is_refused && !is_dumb,
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.is_on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What is told of what the loop does, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// On standard error, with the names that the log has.
    pub(crate) is_traced: bool,
    /// In this file, as a recording.
    pub(crate) record: Option<PathBuf>,
}

impl Told {
    pub(crate) fn follow(&self, event_loop: &mut EventLoop) -> Result<(), Error> {
        let mut recorder = match &self.record {
            None => None,
            Some(path) => {
                let begun = File::create(path).and_then(Recorder::new);
                let named = |error| Error::new(format!("--record {}: {error}", path.display()));
                Some(begun.map_err(named)?)
            }
        };
        if !self.is_traced && recorder.is_none() {
            return Ok(());
        }
        let paint = Paint::for_terminal(&io::stderr());
        let mut printer = self.is_traced.then(|| Printer::new(paint));
        event_loop.on_trace(move |record| {
            if let Some(printer) = &mut printer {
                output::errors(&printer.lines(record, &record.subject.to_string()));
            }
            if let Some(recorder) = &mut recorder {
                recorder.tell(record);
            }
        });
        Ok(())
    }
}

/// The trace as lines of text.
pub(crate) struct Printer {
    paint: Paint,
    turn: Option<u64>,
    /// Where the latest records stand.
    places: VecDeque<Place>,
    /// The number of the first of them.
    first: u64,
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

impl Printer {
    /// For standard output.
    pub(crate) fn for_stdout() -> Printer {
        Printer::new(Paint::for_terminal(&io::stdout()))
    }

    fn new(paint: Paint) -> Printer {
        Printer {
            paint,
            turn: None,
            places: VecDeque::new(),
            first: 1,
        }
    }

    fn place(&self, number: u64) -> Place {
        let index = number.checked_sub(self.first);
        let place = index.and_then(|index| self.places.get(usize::try_from(index).ok()?));
        place.copied().unwrap_or_default()
    }

    /// The line of a record, below a title where a turn begins; nothing for one that is not shown.
    pub(crate) fn lines(&mut self, record: &Record<'_>, name: &str) -> String {
        let above = self.place(record.origin());
        let took = record.at.saturating_sub(self.place(record.cause).at);
        let told = describe(record, took);
        let mut place = Place {
            at: record.at,
            ..above
        };
        if told.is_some() {
            place = Place {
                depth: above.depth + 1,
                line: record.number,
                at: record.at,
            };
        }
        self.places.push_back(place);
        if self.places.len() > KEPT {
            self.places.pop_front();
            self.first += 1;
        }
        let Some((code, text)) = told else {
            return String::new();
        };
        let mut lines = String::new();
        if self.turn.replace(record.turn) != Some(record.turn) {
            let title = match record.turn {
                0 => "before the first turn".to_owned(),
                turn => format!("turn {turn}"),
            };
            lines.push_str(&format!("\n{}\n", self.paint.paint("1", &title)));
        }
        let name = column(above.depth, name);
        let number = self.paint.paint("2", &format!("{:>4}", record.number));
        lines.push_str(&format!(
            "{number}  {name} {}",
            self.paint.paint(code, &text)
        ));
        let more = beside(record, above.line);
        if !more.is_empty() {
            // Below it, if it does not fit beside it.
            let used = 7 + name.chars().count() + text.chars().count();
            if used + 2 + more.chars().count() > COLUMNS {
                lines.push_str(&format!("\n{:>1$}", "", COLUMNS - 2 - more.chars().count()));
            }
            lines.push_str(&format!("  {}", self.paint.paint("2", &more)));
        }
        lines.push('\n');
        lines
    }

    /// What to put before a line that a program prints in the callback of this record.
    pub(crate) fn mark(&self, record: &Record<'_>, program: &str) -> String {
        let name = column(self.place(record.number).depth, program);
        format!("      {name} {} ", self.paint.paint("1", "prints"))
    }
}

/// A name, indented under its cause, as wide as the column.
fn column(depth: usize, name: &str) -> String {
    let name = format!("{}{name}", "  ".repeat(depth.min(DEPTH_SHOWN)));
    format!("{name:<SUBJECT$}")
}

/// What stands beside the words: epoll's for a readiness; of what was put off, the line that did so;
/// of a statement of the program's, where it stands. The cause of anything else is the line it is
/// indented under.
fn beside(record: &Record<'_>, above: u64) -> String {
    match record.what {
        What::Readiness { epoll, .. } => epoll.to_owned(),
        What::Phase("timers") if above > 0 => format!("(set by {above})"),
        _ if record.by.is_some() && above > 0 => format!("(queued by {above})"),
        _ => String::new(),
    }
}

/// The colour and the words of a record, if it is shown.
fn describe(record: &Record<'_>, took: Duration) -> Option<(&'static str, String)> {
    let told = match record.what {
        What::Wait {
            timeout,
            waited,
            ready,
        } => ("36", wait(timeout, waited, ready)),
        What::Readiness { mio, .. } => ("36", format!("ready: {mio}")),
        What::Nothing(why) => ("2", format!("nothing to do: {why}")),
        What::Again(why) => ("36", format!("again: {why}")),
        What::Phase("timers") => ("36", "a timer is due".into()),
        What::Phase(phase) => ("36", format!("in the {phase} phase")),
        What::Transition { from, input, to } => {
            let (from, to) = (from.to_string(), to.to_string());
            let from = match word(&from) {
                same if same == word(&to) => String::new(),
                other => format!("{other} "),
            };
            ("35", format!("{from}─{input:?}→ {to}"))
        }
        What::Callback(name) => ("32", format!("callback: {name}{}", sized(record))),
        What::Call(name) => ("33", format!("calls {name}{}", sized(record))),
        What::Tick(work) => ("2", format!("tick: {work}")),
        What::System { name, errno: None } => ("34", format!("{name}{}", sized(record))),
        What::System {
            name,
            errno: Some(errno),
        } => ("34", format!("{name}: {}", error(errno))),
        What::Done(Some(false)) => ("33", "returned false".into()),
        What::Done(_) if took >= LONG => ("31", format!("took {took:.0?}")),
        What::Accepted { fd, .. } => ("36", format!("accepted as descriptor {fd}")),
        _ => return None,
    };
    Some(told)
}

fn sized(record: &Record<'_>) -> String {
    match record.bytes {
        None => String::new(),
        Some(1) => ": 1 byte".into(),
        Some(0) if matches!(record.what, What::System { name: "recv", .. }) => ": the end".into(),
        Some(bytes) => format!(": {bytes} bytes"),
    }
}

/// The name of an error, or its words.
fn error(errno: i32) -> String {
    let name = match errno {
        libc::EAGAIN => "EAGAIN",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::ECONNRESET => "ECONNRESET",
        libc::EMFILE => "EMFILE",
        libc::ENOBUFS => "ENOBUFS",
        libc::EPIPE => "EPIPE",
        other => return io::Error::from_raw_os_error(other).to_string(),
    };
    name.to_owned()
}

fn wait(timeout: Option<Duration>, waited: Duration, ready: usize) -> String {
    let how = match timeout {
        Some(timeout) if timeout.is_zero() => "looked without waiting".to_owned(),
        _ => format!("waited {}", millis(waited)),
    };
    match ready {
        0 => format!("{how}: nothing ready"),
        ready => format!("{how}: {ready} ready"),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// A state without its details, which stand in brackets.
fn word(state: &str) -> &str {
    state.split(" (").next().unwrap_or(state)
}
