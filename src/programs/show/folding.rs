//! What many sockets do alike is shown once.

use std::collections::HashMap;

use super::super::printer::Row;

/// How many rows at most are what each of them does.
const PERIOD_MAX: usize = 64;

/// From so many on, they are folded.
const MANY: usize = 4;

/// What is printed.
pub(super) enum Item {
    Row(Row),
    /// How many did the same, and who.
    More(String),
}

/// The rows of a turn, where what was said of one stands for all that did the same behind it.
pub(super) fn fold(rows: Vec<Row>) -> Vec<Item> {
    let mut ids = HashMap::new();
    let shapes: Vec<usize> = rows
        .iter()
        .map(|row| {
            let next = ids.len();
            *ids.entry(shape(row)).or_insert(next)
        })
        .collect();
    let mut items = Vec::new();
    let (mut at, mut end) = (0, 0);
    let folds = |at: usize| repetition(&rows[at..], &shapes[at..]);
    let mut more: HashMap<usize, (usize, String)> = HashMap::new();
    while at < rows.len() {
        let Some((period, count)) = folds(at) else {
            at += 1;
            continue;
        };
        let words = words(&rows[at..at + period * count], period);
        more.insert(at + period, (at + period * count, words));
        at += period * count;
    }
    for (index, row) in rows.into_iter().enumerate() {
        if let Some((until, words)) = more.remove(&index) {
            end = until;
            items.push(Item::More(words));
        }
        if index >= end {
            items.push(Item::Row(row));
        }
    }
    items
}

/// What a row says, whoever it is about.
fn shape(row: &Row) -> (usize, String, String) {
    let role = row.name.split('#').next().unwrap_or_default();
    let text = match row.text.rsplit_once(" as descriptor ") {
        Some((text, _)) => text,
        None => &row.text,
    };
    (row.depth, role.to_owned(), text.to_owned())
}

/// How many rows are repeated from here, and how often they stand there: only by others.
fn repetition(rows: &[Row], shapes: &[usize]) -> Option<(usize, usize)> {
    (1..=PERIOD_MAX.min(rows.len() / MANY)).find_map(|period| {
        let first = &shapes[..period];
        let same = shapes.chunks_exact(period).take_while(|it| *it == first);
        let count = same.count();
        let is_others = (0..period).any(|row| rows[row].name != rows[row + period].name);
        (count >= MANY && is_others).then_some((period, count))
    })
}

/// Who did the same.
fn words(rows: &[Row], period: usize) -> String {
    let other = (0..period).find(|row| rows[*row].name != rows[row + period].name);
    let other = other.unwrap_or(0);
    let (second, last) = (&rows[other + period], &rows[rows.len() - period + other]);
    let count = rows.len() / period - 1;
    let indent = "  ".repeat(rows[0].depth);
    format!(
        "      {indent}… and {count} more: {} to {}, lines {} to {}",
        second.name,
        last.name,
        rows[period].number,
        rows[rows.len() - 1].number,
    )
}
