//! Whether the lines of a recording stand where they should.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use netloop::study::{Entry, Kind, Recording};

/// How far the deepest lines are indented.
const DEEPEST: usize = 12;

/// A line that is printed.
struct Line<'a> {
    number: u64,
    /// The line that it stands under.
    under: Option<u64>,
    indent: usize,
    /// The line that it names as its cause.
    named: Option<u64>,
    text: &'a str,
}

/// Each line stands under the line during which it happened, and names the one that led to it if that is
/// another one.
pub(super) fn check(recording: &Recording, shown: &str) {
    let (lines, folded) = read(shown);
    let printed: BTreeSet<u64> = lines.iter().map(|line| line.number).collect();
    let is_folded = |number: &u64| folded.iter().any(|range| range.contains(number));
    for line in &lines {
        let nearest = |of: fn(&Entry) -> u64| {
            let mut next = recording.get(line.number).map_or(0, of);
            while next > 0 && !printed.contains(&next) && line.named != Some(next) {
                next = recording.get(next).map_or(0, of);
            }
            next
        };
        let during = nearest(|entry| entry.cause);
        let origin = nearest(Entry::origin);
        let is_deepest = line.indent >= DEEPEST;
        if let Some(under) = line.under.filter(|_| !is_deepest) {
            assert_eq!(under, during, "{}\n{shown}", line.text);
        }
        match line.named {
            Some(named) => {
                assert_eq!(named, origin, "{}\n{shown}", line.text);
                assert!(
                    printed.contains(&named) || is_folded(&named),
                    "{}",
                    line.text
                );
            }
            None => assert!(
                origin == 0 || line.under == Some(origin),
                "{} is because of {origin}\n{shown}",
                line.text
            ),
        }
    }
}

/// What the loop serves leads to something, or the recording says why it does not.
pub(super) fn check_outcomes(recording: &Recording) {
    let causes: BTreeSet<u64> = recording.entries.iter().map(|it| it.cause).collect();
    for entry in &recording.entries {
        let is_served = match entry.kind {
            Kind::Ready | Kind::Again => true,
            Kind::Phase => entry.words == "pending",
            _ => false,
        };
        let has_outcome = causes.contains(&entry.number);
        assert!(has_outcome || !is_served, "nothing stands under {entry:?}");
    }
}

/// The lines, and the ranges of those folded into one.
fn read(shown: &str) -> (Vec<Line<'_>>, Vec<RangeInclusive<u64>>) {
    let (mut lines, mut folded) = (Vec::<Line<'_>>::new(), Vec::new());
    let mut above: Vec<(usize, u64)> = Vec::new();
    let begin = shown.find("\n\n").unwrap_or(0);
    for text in shown[begin..].lines() {
        let rest = text.trim_start();
        let digits = rest.len()
            - rest
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        let (number, words) = rest.split_at(digits);
        if text == "at this point" {
            break;
        } else if text.starts_with("turn ") || text == "before the first turn" {
            above.clear();
        } else if digits > 0 && words.starts_with("  ") {
            let number = number.parse().unwrap();
            let indent = words.len() - words.trim_start().len() - 2;
            above.retain(|(other, _)| *other < indent);
            lines.push(Line {
                number,
                under: above.last().map(|(_, number)| *number),
                indent,
                named: named(text),
                text,
            });
            above.push((indent, number));
        } else if let Some((_, range)) = rest
            .split_once(", lines ")
            .filter(|_| rest.starts_with('…'))
        {
            let (from, to) = range.split_once(" to ").unwrap();
            folded.push(from.parse().unwrap()..=to.parse().unwrap());
        } else if let (Some(last), Some(named)) = (lines.last_mut(), named(text)) {
            last.named = Some(named);
        }
    }
    (lines, folded)
}

/// The line that a line names as its cause.
fn named(text: &str) -> Option<u64> {
    let words = ["(queued by ", "(set by ", "(caused by "];
    let (_, rest) = words.iter().find_map(|words| text.split_once(words))?;
    let number = rest.split([')', ',']).next()?;
    number.parse().ok()
}
