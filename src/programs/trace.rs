//! The trace as text: for each turn what became ready, which state changed and which callback
//! ran, each indented under its cause.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};

use netloop::trace::{Record, Subject, What};

/// Colours of a terminal, or none.
#[derive(Clone, Copy)]
struct Paint {
    is_on: bool,
}

impl Paint {
    fn paint(self, code: &str, text: &str) -> String {
        if self.is_on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Whether to colour: only on a terminal, and never with `NO_COLOR` (no-color.org).
fn is_coloured(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A tracer that writes to standard error.
pub(crate) fn to_stderr() -> impl FnMut(&Record<'_>) {
    let is_on = is_coloured(io::stderr().is_terminal());
    let mut printer = Printer::new(Paint { is_on });
    move |record| {
        let _ = io::stderr()
            .lock()
            .write_all(printer.lines(record).as_bytes());
    }
}

/// A tracer that writes to standard output, among the programs' own lines.
pub(crate) fn to_stdout() -> impl FnMut(&Record<'_>) {
    let is_on = is_coloured(io::stdout().is_terminal());
    let mut printer = Printer::new(Paint { is_on });
    move |record| {
        let _ = io::stdout()
            .lock()
            .write_all(printer.lines(record).as_bytes());
    }
}

/// The width of the column with the subject, indented.
const SUBJECT: usize = 26;

struct Printer {
    paint: Paint,
    turn: Option<u64>,
    /// What sockets and servers are called here: short, in the order of appearance.
    names: HashMap<String, String>,
}

impl Printer {
    fn new(paint: Paint) -> Printer {
        Printer {
            paint,
            turn: None,
            names: HashMap::new(),
        }
    }

    fn lines(&mut self, record: &Record<'_>) -> String {
        let mut lines = String::new();
        if self.turn.replace(record.turn) != Some(record.turn) {
            let title = match record.turn {
                0 => "before the first turn".to_owned(),
                turn => format!("turn {turn}"),
            };
            lines.push_str(&format!("\n{}\n", self.paint.paint("1", &title)));
        }
        let (code, text) = describe(record);
        let subject = format!("{}{}", "  ".repeat(record.depth), self.name(record.subject));
        let number = self.paint.paint("2", &format!("{:>4}", record.number));
        let cause = match record.what {
            What::Tick | What::Callback("next_tick" | "queue_microtask" | "set_immediate")
                if record.cause > 0 =>
            {
                self.paint
                    .paint("2", &format!("  (queued by {})", record.cause))
            }
            _ => String::new(),
        };
        let text = self.paint.paint(code, &text);
        lines.push_str(&format!("{number}  {subject:<SUBJECT$} {text}{cause}\n"));
        lines
    }

    fn name(&mut self, subject: Subject) -> String {
        let word = match subject {
            Subject::Loop => return "loop".into(),
            Subject::Socket(_) => "socket",
            Subject::Server(_) => "server",
        };
        let count = self
            .names
            .values()
            .filter(|name| name.starts_with(word))
            .count();
        let letter = char::from(b'a' + (count % 26) as u8);
        let name = self.names.entry(subject.to_string());
        name.or_insert_with(|| format!("{word} {letter}")).clone()
    }
}

/// The colour and the words of a record.
fn describe(record: &Record<'_>) -> (&'static str, String) {
    match record.what {
        What::Wait { timeout, ready } => {
            let slept = match timeout {
                None => "until something is ready".to_owned(),
                Some(timeout) if timeout.is_zero() => "not at all".to_owned(),
                Some(timeout) => format!("at most {timeout:?}"),
            };
            ("36", format!("waits {slept}: {ready} ready"))
        }
        What::Readiness(words) => ("36", format!("is ready: {words}")),
        What::Again => ("36", "is served again: no new edge will come".into()),
        What::Phase("timers") => ("36", "a timer is due".into()),
        What::Phase(phase) => ("36", format!("{phase} phase")),
        What::Transition { from, input, to } => ("35", format!("{from} ─{input:?}→ {to}")),
        What::Callback(name) => ("32", format!("callback: {name}")),
        What::Tick => ("2", "tick".into()),
    }
}
