//! The lines of a recording, turn by turn.

use netloop::study::{Entry, Fold, Model, Names, Recording, Segment, alike, folds};

use super::super::output::{self, harmless};
use super::super::printer::{COLUMNS, Level, Paint, Printer, Row, cut};
use super::turns::Turns;

/// What is printed of a recording.
pub(crate) struct Story<'a> {
    pub(crate) recording: &'a Recording,
    pub(crate) names: &'a Names,
    pub(crate) level: Level,
    pub(crate) turns: Turns,
    /// Whether the segments on the wire stand between the lines.
    pub(crate) has_wire: bool,
}

impl Story<'_> {
    /// Prints the lines of these records. Returns what is the case after the last of them.
    pub(crate) fn print(&self, is_shown: impl Fn(&Entry) -> bool) -> Model {
        let paint = Paint::for_terminal(&std::io::stdout());
        let mut printer = Printer::of_recording(paint, self.level);
        let (mut model, mut rows) = (Model::default(), Vec::new());
        let mut segments = self.recording.segments.iter().peekable();
        for entry in &self.recording.entries {
            let turn = model.turn();
            if self.turns.contain(turn) {
                rows.extend(entry.prints.iter().filter_map(|line| printer.prints(line)));
            }
            while let Some(segment) = segments.next_if(|segment| segment.at <= entry.at) {
                rows.extend(self.segment(segment, turn));
            }
            if entry.turn != turn {
                print_turn(&mut printer, turn, self.turns.note(turn), &mut rows);
            }
            if entry.turn > self.turns.last || !output::is_read() {
                return model;
            }
            model.step(entry);
            rows.extend(printer.row(entry, self.names.get(&entry.who), is_shown(entry)));
        }
        let turn = model.turn();
        rows.extend(segments.filter_map(|segment| self.segment(segment, turn)));
        print_turn(&mut printer, turn, self.turns.note(turn), &mut rows);
        model
    }

    /// The row of a segment that was sent in this turn.
    fn segment(&self, segment: &Segment, turn: u64) -> Option<Row> {
        let is_shown = self.has_wire && self.turns.contain(turn);
        is_shown.then(|| Row::aside("wire", &harmless(&carried(segment))))
    }
}

/// What a segment says, and which way it goes.
fn carried(segment: &Segment) -> String {
    let way = match segment.is_clients {
        true => "client → server",
        false => "client ← server",
    };
    let lost = if segment.is_lost { "  LOST" } else { "" };
    format!("{way}  {}{lost}", segment.words())
}

/// Prints these rows below the title of their turn, and what many do alike, or one over and over, once.
fn print_turn(printer: &mut Printer, turn: u64, note: &str, rows: &mut Vec<Row>) {
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
            let words = cut(&more(begun, rows), COLUMNS);
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

/// The fold's line: which sockets did the same, if their numbers are a range, or how often one did.
fn more(fold: Fold, rows: &[Row]) -> String {
    let hidden = fold.at + fold.period..fold.end();
    let is_same = |index: usize| rows[index].name == rows[index + fold.period].name;
    let who = match fold.range(|index| &rows[index].name) {
        Some((second, last)) => format!("more: {second} to {last}"),
        None if (fold.at..hidden.start).all(is_same) => "times the same".into(),
        None => "more".into(),
    };
    let lines = match (rows[hidden.start].number, rows[hidden.end - 1].number) {
        (0, _) => String::new(),
        (from, to) => format!(", lines {from} to {to}"),
    };
    let indent = "  ".repeat(rows[fold.at].depth);
    format!("      {indent}… and {} {who}{lines}", fold.count - 1)
}
