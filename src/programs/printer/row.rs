//! A line of text, and how it fits a terminal.

use std::io::IsTerminal;

/// The width of a terminal.
pub(crate) const COLUMNS: usize = 80;

/// The width of the column with the subject, indented: the longest line still fits.
const SUBJECT: usize = 21;

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

    pub(crate) fn none() -> Paint {
        Paint { is_on: false }
    }

    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        if self.is_on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The line of an entry.
pub(crate) struct Row {
    pub(crate) number: u64,
    pub(crate) depth: usize,
    /// The line that it stands under, or 0.
    pub(crate) under: u64,
    /// The lines during which it happened, and that led to it, or 0.
    pub(crate) causes: [u64; 2],
    pub(crate) name: String,
    pub(crate) text: String,
    /// What stands beside it.
    pub(super) more: String,
    pub(super) code: &'static str,
    /// Whether it is a record: a line of the program's output has no number of its own.
    pub(super) is_numbered: bool,
}

impl Row {
    /// What belongs to no record.
    pub(crate) fn aside(name: &str, text: &str) -> Row {
        Row {
            number: 0,
            depth: 0,
            under: 0,
            causes: [0; 2],
            name: name.to_owned(),
            text: text.to_owned(),
            more: String::new(),
            code: "36",
            is_numbered: false,
        }
    }

    /// It as text, with what stands beside it: below it, if there is no room.
    pub(crate) fn lines(&self, paint: Paint) -> String {
        let name = cut(&column(self.depth, &self.name), COLUMNS / 2);
        let begin = 7 + width(&name);
        let text = wrapped(&self.text, begin, begin);
        let number = match self.is_numbered {
            true => paint.paint("2", &format!("{:>4}", self.number)),
            false => "    ".to_owned(),
        };
        let mut lines = format!("{number}  {name} {}", paint.paint(self.code, &text));
        if !self.more.is_empty() {
            let more = cut(&self.more, COLUMNS - 2);
            let used = match text.rsplit_once('\n') {
                None => begin + width(&text),
                Some((_, last)) => width(last),
            };
            if used + 2 + width(&more) > COLUMNS {
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
        let word = cut(word, COLUMNS.saturating_sub(hang));
        if used > margin {
            if used + 1 + width(&word) > COLUMNS {
                lines.push_str(&format!("\n{:hang$}", ""));
                (used, margin) = (hang, hang);
            } else {
                lines.push(' ');
                used += 1;
            }
        }
        lines.push_str(&word);
        used += width(&word);
    }
    lines
}

/// A name, indented under its cause, as wide as the column.
pub(super) fn column(depth: usize, name: &str) -> String {
    let name = format!("{}{name}", "  ".repeat(depth));
    format!("{name:<SUBJECT$}")
}
