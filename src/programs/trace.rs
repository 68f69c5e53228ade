//! The trace as text: for each turn what became ready, which state changed and which callback
//! ran, each indented under its cause.

use std::io::{self, IsTerminal};
use std::time::Duration;

use netloop::trace::{Record, What};

use super::output;

/// The width of the column with the subject, indented: the longest line still fits a terminal of
/// 80 columns.
const SUBJECT: usize = 21;

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

/// A tracer that writes to standard error, with the names that the log has.
pub(crate) fn to_stderr() -> impl FnMut(&Record<'_>) {
    let mut printer = Printer::new(Paint::for_terminal(&io::stderr()));
    move |record| {
        output::errors(&printer.lines(record, &record.subject.to_string()));
    }
}

/// The trace as lines of text.
pub(crate) struct Printer {
    paint: Paint,
    turn: Option<u64>,
}

impl Printer {
    /// For standard output.
    pub(crate) fn for_stdout() -> Printer {
        Printer::new(Paint::for_terminal(&io::stdout()))
    }

    fn new(paint: Paint) -> Printer {
        Printer { paint, turn: None }
    }

    /// The line of a record, below a title where a turn begins.
    pub(crate) fn lines(&mut self, record: &Record<'_>, name: &str) -> String {
        let mut lines = String::new();
        if self.turn.replace(record.turn) != Some(record.turn) {
            let title = match record.turn {
                0 => "before the first turn".to_owned(),
                turn => format!("turn {turn}"),
            };
            lines.push_str(&format!("\n{}\n", self.paint.paint("1", &title)));
        }
        let (code, text) = describe(record);
        let number = self.paint.paint("2", &format!("{:>4}", record.number));
        let text = self.paint.paint(code, &text);
        let queued = self.paint.paint("2", &queued(record));
        let name = column(record.depth, name);
        lines.push_str(&format!("{number}  {name} {text}{queued}\n"));
        lines
    }

    /// What to put before a line that a program prints in the callback of this record.
    pub(crate) fn mark(&self, record: &Record<'_>, program: &str) -> String {
        let name = column(record.depth + 1, program);
        format!("      {name} {} ", self.paint.paint("1", "prints"))
    }
}

/// A name, indented under its cause, as wide as the column.
fn column(depth: usize, name: &str) -> String {
    let name = format!("{}{name}", "  ".repeat(depth));
    format!("{name:<SUBJECT$}")
}

/// What queued or armed work that ran later. The cause of anything else is the line it is indented
/// under.
fn queued(record: &Record<'_>) -> String {
    match record.what {
        What::Tick
        | What::Phase("pending" | "closing")
        | What::Callback("next_tick" | "queue_microtask" | "set_immediate")
            if record.cause > 0 =>
        {
            format!("  (queued by {})", record.cause)
        }
        What::Phase("timers") if record.cause > 0 => format!("  (set by {})", record.cause),
        _ => String::new(),
    }
}

/// The colour and the words of a record.
fn describe(record: &Record<'_>) -> (&'static str, String) {
    match record.what {
        What::Wait { timeout, ready } => ("36", waited(timeout, ready)),
        What::Readiness(words) => ("36", format!("ready: {words}")),
        What::Again => (
            "36",
            "again: data may be left, and no new edge will come".into(),
        ),
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
        What::Callback(name) => ("32", format!("callback: {name}")),
        What::Tick => ("2", "tick".into()),
        _ => ("2", "…".into()),
    }
}

fn waited(timeout: Option<Duration>, ready: usize) -> String {
    let how = match timeout {
        None => "waited".to_owned(),
        Some(timeout) if timeout.is_zero() => "polled without waiting".to_owned(),
        Some(timeout) => format!("waited at most {timeout:?}"),
    };
    match ready {
        0 => format!("{how}: nothing ready"),
        1 => format!("{how}: 1 ready"),
        many => format!("{how}: {many} ready"),
    }
}

/// A state without its details, which stand in brackets.
fn word(state: &str) -> &str {
    state.split(" (").next().unwrap_or(state)
}
