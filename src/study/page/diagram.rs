//! The states as pictures, drawn from the rows of the machines.

use std::fmt::{Debug, Display, Write};

use crate::rules::state::socket::{Readable, Standing, State, Writable, life, receiving, sending};
use crate::rules::state::{Row, server};

const WIDTH: usize = 396;
const BOX: usize = 22;
const GAP: usize = 16;

/// Where the grid of the halves begins.
const LEFT: usize = 62;
const TOP: usize = 118;

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

/// Where a state stands in its picture: the middle of an edge of its box or its word.
type Place = (usize, usize);

/// A socket: its life as a path, and while it is open a grid of its two halves.
fn socket() -> String {
    let mut picture = open("socket", "the states of a socket", 236);
    path(&mut picture, &State::ALL, &words(&life::rows()));
    let width = (WIDTH - LEFT) / Writable::ALL.len();
    let column = |index: usize| LEFT + index * width;
    let row = |index: usize| TOP + index * 28;
    write_axis(&mut picture, |index| column(index) + width / 2);
    read_axis(&mut picture, |index| row(index) + 12);
    for (y, readable) in Readable::ALL.iter().enumerate() {
        for (x, writable) in Writable::ALL.iter().enumerate() {
            let halves = format!("data-halves=\"{}\"", halves(*readable, *writable));
            let place = (column(x) + 2, row(y));
            boxed(&mut picture, &halves, place, (width - 4, 24));
        }
    }
    picture + "</svg>\n"
}

/// The states of the sending half above the grid, each in the middle of its column.
fn write_axis(picture: &mut String, middle: impl Fn(usize) -> usize) {
    text(picture, "", (LEFT, TOP - 38), "write, while it is open →");
    let places = Writable::ALL.iter().enumerate();
    let places = places.map(|(index, it)| (it.to_string(), (middle(index), TOP - 18)));
    let places: Vec<(String, Place)> = places.collect();
    let width = middle(1) - middle(0);
    arcs(picture, &places, &words(&sending::rows()), |from, to| {
        let bend = TOP - 23 - 3 * from.0.abs_diff(to.0) / width;
        ((from.0, bend), (to.0, bend))
    });
    for (name, (x, _)) in &places {
        text(picture, "middle", (*x, TOP - 8), name);
    }
}

/// The states of the receiving half on the left of the grid, each in the middle of its row.
fn read_axis(picture: &mut String, middle: impl Fn(usize) -> usize) {
    text(picture, "", (2, TOP - 8), "read ↓");
    let places = Readable::ALL.iter().enumerate();
    let places = places.map(|(index, it)| (it.to_string(), (14, middle(index))));
    let places: Vec<(String, Place)> = places.collect();
    arcs(picture, &places, &words(&receiving::rows()), |from, to| {
        let bend = if from.1 < to.1 { 4 } else { 8 };
        ((bend, from.1), (bend, to.1))
    });
    for (name, (_, y)) in &places {
        text(picture, "", (18, y + 4), name);
    }
}

/// How the words of a state name the halves: what stands behind the life.
fn halves(receiving: Readable, sending: Writable) -> String {
    let standing = Standing {
        receiving,
        sending,
        ..Standing::NEW
    };
    let words = standing.at(State::Open).to_string();
    let halves = words.split_once(' ');
    halves.map_or(String::new(), |(_, halves)| halves.to_owned())
}

/// A server: its states below each other, with an arc for each step: on the right of those that go on, on the
/// left of those that go back.
fn servers() -> String {
    let states = server::State::ALL;
    let row = |index: usize| 4 + index * (BOX + 10);
    let mut picture = open("server", "the states of a server", row(states.len()));
    let names = states.iter().enumerate();
    let names = names.map(|(index, it)| (it.to_string(), row(index) + BOX / 2));
    let names: Vec<(String, usize)> = names.collect();
    let (left, width) = (122, 152);
    let place = |state: &String| names.iter().position(|(it, _)| it == state);
    let rows = words(&server::rows());
    let (ahead, back): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|[from, _, to]| place(from) < place(to));
    let steps = |from: Place, to: Place| 10 + 14 * (from.1.abs_diff(to.1) / (BOX + 10));
    let side = |x: usize| names.iter().map(move |(it, y)| (it.clone(), (x, *y)));
    let right: Vec<(String, Place)> = side(left + width).collect();
    arcs(&mut picture, &right, &ahead, |from, to| {
        let bend = left + width + steps(from, to);
        ((bend, from.1), (bend, to.1))
    });
    let begin: Vec<(String, Place)> = side(left).collect();
    arcs(&mut picture, &begin, &back, |from, to| {
        let bend = left - steps(from, to);
        ((bend, from.1), (bend, to.1))
    });
    for (index, (name, y)) in names.iter().enumerate() {
        let life = format!("data-life=\"{name}\"");
        boxed(&mut picture, &life, (left, row(index)), (width, BOX));
        text(&mut picture, "middle", (left + width / 2, y + 4), name);
    }
    picture + "</svg>\n"
}

/// Lines and text have the colour of what is around, unless a page says otherwise.
fn open(id: &str, label: &str, height: usize) -> String {
    format!(
        "<svg id=\"{id}\" class=\"states\" role=\"img\" aria-label=\"{label}\" \
         viewBox=\"0 0 {WIDTH} {height}\" fill=\"none\" stroke=\"currentColor\" \
         font-size=\"10.5\" width=\"600\">\n\
         <defs><marker id=\"{id}-tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"6\" \
         markerHeight=\"6\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"currentColor\"/></marker></defs>\n"
    )
}

/// Boxes in a row, with an arc for each step between two of them: above those that go on, below those
/// that go back.
fn path<S: Display>(picture: &mut String, states: &[S], rows: &[[String; 3]]) {
    let width = (WIDTH - GAP * (states.len() - 1)) / states.len();
    let middle = |index: usize| index * (width + GAP) + width / 2;
    let places = states.iter().enumerate();
    let places = places.map(|(index, it)| (it.to_string(), (middle(index), 24)));
    let places: Vec<(String, Place)> = places.collect();
    let (ahead, back): (Vec<_>, Vec<_>) = rows.iter().cloned().partition(|[from, _, to]| {
        let place = |state: &String| places.iter().position(|(it, _)| it == state);
        place(from) < place(to)
    });
    let steps = |from: Place, to: Place| 3 * (from.0.abs_diff(to.0) / (width + GAP)).min(5);
    arcs(picture, &places, &ahead, |from, to| {
        let bend = 18 - steps(from, to);
        ((from.0, bend), (to.0, bend))
    });
    let below = places
        .iter()
        .map(|(it, (x, y))| (it.clone(), (*x, y + BOX)));
    let below: Vec<(String, Place)> = below.collect();
    arcs(picture, &below, &back, |from, to| {
        let bend = 24 + BOX + 6 + steps(from, to);
        ((from.0, bend), (to.0, bend))
    });
    for (index, (name, (x, y))) in places.iter().enumerate() {
        let life = format!("data-life=\"{name}\"");
        boxed(picture, &life, (index * (width + GAP), *y), (width, BOX));
        text(picture, "middle", (*x, y + 15), name);
    }
}

/// An arc for each row between two of these states, by way of two points.
fn arcs(
    picture: &mut String,
    places: &[(String, Place)],
    rows: &[[String; 3]],
    bend: impl Fn(Place, Place) -> (Place, Place),
) {
    let place = |state: &String| places.iter().find(|(it, _)| it == state).map(|(_, at)| *at);
    let id = if picture.contains("\"socket\"") {
        "socket"
    } else {
        "server"
    };
    for [from, input, to] in rows {
        if let (Some(a), Some(b)) = (place(from), place(to)) {
            let (c, d) = bend(a, b);
            _ = writeln!(
                picture,
                "<path d=\"M{} {}C{} {} {} {} {} {}\" marker-end=\"url(#{id}-tip)\"><title>{from}: {input} → {to}</title></path>",
                a.0, a.1, c.0, c.1, d.0, d.1, b.0, b.1
            );
        }
    }
}

fn boxed(picture: &mut String, key: &str, (x, y): Place, (width, height): Place) {
    _ = writeln!(
        picture,
        "<rect {key} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>"
    );
}

fn text(picture: &mut String, anchor: &str, (x, y): Place, words: &str) {
    let anchor = match anchor {
        "" => String::new(),
        anchor => format!(" text-anchor=\"{anchor}\""),
    };
    _ = writeln!(
        picture,
        "<text{anchor} x=\"{x}\" y=\"{y}\" fill=\"currentColor\" stroke=\"none\">{words}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_state_fits_into_its_box() {
        // The widest usual font needs 6.1 for a letter of this size.
        let mut count = 0;
        for drawn in all().split("data-life=\"").skip(1) {
            let (name, rest) = drawn.split_once('"').unwrap();
            let (_, width) = rest.split_once("width=\"").unwrap();
            let width: f64 = width.split('"').next().unwrap().parse().unwrap();
            assert!(name.len() as f64 * 6.1 < width, "{name}");
            count += 1;
        }
        assert_eq!(count, State::ALL.len() + server::State::ALL.len());
    }

    #[test]
    fn the_picture_in_the_documentation_is_drawn_from_the_machines() {
        let shown = include_str!("../../rules/state/socket/states.svg");
        assert_eq!(shown, socket(), "states.svg is to be this");
    }
}
