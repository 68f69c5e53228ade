//! The states as pictures, drawn from the rows of the machines.

use std::fmt::{Debug, Display, Write};

use crate::rules::state::socket::{Readable, Standing, State, Writable, life, receiving, sending};
use crate::rules::state::{Row, server};

const WIDTH: usize = 396;
const BOX: usize = 22;
const GAP: usize = 16;

/// The rows of the machines: which, and from, input, to. A row that changes no state is left out.
pub(super) fn machines() -> impl Iterator<Item = (&'static str, [String; 3])> {
    let machines = [
        ("life", words(&life::rows())),
        ("read", words(&receiving::rows())),
        ("write", words(&sending::rows())),
        ("server", words(&server::rows())),
    ];
    let rows = |(machine, rows): (_, Vec<_>)| rows.into_iter().map(move |row| (machine, row));
    machines.into_iter().flat_map(rows)
}

fn words<S: Display, I: Debug, A>(rows: &[Row<S, I, A>]) -> Vec<[String; 3]> {
    let words = rows
        .iter()
        .map(|(from, input, to, _)| [from.to_string(), format!("{input:?}"), to.to_string()]);
    words.filter(|[from, _, to]| from != to).collect()
}

/// Both pictures.
pub(super) fn all() -> String {
    socket() + &servers()
}

/// A socket: its life as a path, and while it is open a grid of its two halves.
fn socket() -> String {
    let mut picture = open("socket", "the states of a socket", 222);
    path(
        &mut picture,
        &State::ALL.map(|it| it.to_string()),
        "life",
        &words(&life::rows()),
    );
    let columns = Writable::ALL.len();
    let width = (WIDTH - 66) / columns;
    let (left, top) = (62, 104);
    _ = writeln!(
        picture,
        "<text x=\"{left}\" y=\"80\">write, while it is open →</text>"
    );
    _ = writeln!(picture, "<text x=\"2\" y=\"{}\">read ↓</text>", top - 6);
    for (column, writable) in Writable::ALL.iter().enumerate() {
        let x = left + column * width + width / 2;
        _ = writeln!(
            picture,
            "<text class=\"mid\" x=\"{x}\" y=\"{}\">{writable}</text>",
            top - 6
        );
    }
    for (row, readable) in Readable::ALL.iter().enumerate() {
        let y = top + row * 28;
        _ = writeln!(picture, "<text x=\"2\" y=\"{}\">{readable}</text>", y + 17);
        for (column, writable) in Writable::ALL.iter().enumerate() {
            let halves = halves(*readable, *writable);
            let x = left + column * width;
            _ = writeln!(
                picture,
                "<rect data-halves=\"{halves}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"24\" rx=\"3\"/>",
                width - 4
            );
        }
    }
    picture + "</svg>\n"
}

/// How the words of a state name the halves: what stands behind the life.
fn halves(receiving: Readable, sending: Writable) -> String {
    let standing = Standing {
        receiving,
        sending,
        ..Standing::NEW
    };
    let words = standing.at(State::Open).to_string();
    words
        .split_once(' ')
        .map_or(String::new(), |(_, halves)| halves.to_owned())
}

fn servers() -> String {
    let mut picture = open("server", "the states of a server", 70);
    let states = server::State::ALL.map(|it| it.to_string());
    path(&mut picture, &states, "life", &words(&server::rows()));
    picture + "</svg>\n"
}

fn open(id: &str, label: &str, height: usize) -> String {
    format!(
        "<svg id=\"{id}\" class=\"states\" role=\"img\" aria-label=\"{label}\" viewBox=\"0 0 {WIDTH} {height}\">\n"
    )
}

/// Boxes in a row, with an arc for each step between two of them: above those that go on, below those
/// that go back.
fn path(picture: &mut String, states: &[String], key: &str, rows: &[[String; 3]]) {
    let width = (WIDTH - GAP * (states.len() - 1)) / states.len();
    let (top, middle) = (24, |index: usize| index * (width + GAP) + width / 2);
    let place = |state: &String| states.iter().position(|it| it == state);
    for [from, input, to] in rows {
        let (Some(a), Some(b)) = (place(from), place(to)) else {
            continue;
        };
        let (y, bend) = match a < b {
            true => (top, top - 7 - 3 * (b - a).min(5)),
            false => (top + BOX, top + BOX + 7 + 3 * (a - b).min(5)),
        };
        let (x, z) = (middle(a), middle(b));
        let line = match a.abs_diff(b) {
            1 if a < b => {
                let y = top + BOX / 2;
                format!("M{} {y}L{} {y}", x + width / 2, z - width / 2)
            }
            _ => format!("M{x} {y}C{x} {bend} {z} {bend} {z} {y}"),
        };
        _ = writeln!(
            picture,
            "<path d=\"{line}\"><title>{from}: {input} → {to}</title></path>"
        );
    }
    for (index, state) in states.iter().enumerate() {
        let x = index * (width + GAP);
        _ = writeln!(
            picture,
            "<rect data-{key}=\"{state}\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{BOX}\" rx=\"3\"/>\
             <text class=\"mid\" x=\"{}\" y=\"{}\">{state}</text>",
            middle(index),
            top + 15
        );
    }
}
