//! What the page shows of the wire.

use super::super::entry::Entry;
use super::super::segment::{Segment, origins, sent_again};
use super::changes::micros;
use super::tables::Tables;

/// Adds the table `segments`: the record after which it was sent, time, the record of the system call that has
/// had it sent, sign, words, its places, flags, what there is to say of it, and whether it was lost or is sent
/// again.
pub(super) fn add_segments(tables: &mut Tables, entries: &[Entry], segments: &[Segment]) {
    let origins = origins(entries, segments);
    let again = sent_again(segments);
    for ((segment, origin), is_again) in segments.iter().zip(origins).zip(again) {
        let after = entries.partition_point(|entry| entry.at < segment.at);
        let after = after
            .checked_sub(1)
            .map_or(0, |index| entries[index].number);
        let sign = if segment.is_clients { "⇒" } else { "⇐" };
        let fate = fate(segment, is_again);
        let words = format!("{}{}", segment.words(), fate.map_or("", |(mark, _)| mark));
        let row = [
            after,
            micros(segment.at),
            origin,
            tables.text(sign),
            tables.text(&words),
            tables.text(&format!("seq {} ack {}", segment.seq, segment.ack)),
            tables.text(&segment.flags.replace(',', "|")),
            tables.text(&said(segment, fate)),
            fate.is_some().into(),
        ];
        tables.add("segments", &row);
    }
}

/// What became of a segment, if it is not the usual: a mark, and a sentence.
fn fate(segment: &Segment, is_again: bool) -> Option<(&'static str, &'static str)> {
    match (segment.is_lost, is_again) {
        (true, _) => Some((
            " ✗ LOST",
            "The wire has lost it: it never arrives, and nobody is told.",
        )),
        (_, true) => Some((
            " ↻ sent again",
            "It is sent again, since what was sent before was not acknowledged.",
        )),
        _ => None,
    }
}

/// All that a segment says, in sentences on lines of their own.
fn said(segment: &Segment, fate: Option<(&str, &str)>) -> String {
    let (from, to) = match segment.is_clients {
        true => ("client", "server"),
        false => ("server", "client"),
    };
    let Segment {
        port,
        seq,
        ack,
        bytes,
        ..
    } = segment;
    let mut lines = vec![format!(
        "From the {from} to the {to}; the client's port is {port}. seq {seq}, ack {ack}, {bytes} bytes."
    )];
    lines.extend(fate.map(|(_, sentence)| sentence.to_owned()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_segment_stands_after_the_records_before_it() {
        let entries = [
            entry(r#"{"n":4,"k":"call","t":1000}"#),
            entry(r#"{"n":7,"k":"call","t":3000}"#),
        ];
        let segments = [0, 2, 3, 9].map(|micros| Segment {
            flags: "SYN".into(),
            at: Duration::from_micros(micros),
            is_lost: micros == 2,
            ..Segment::default()
        });
        let mut tables = Tables::default();
        add_segments(&mut tables, &entries, &segments);
        let rows = tables.rows("segments").iter();
        let rows: Vec<_> = rows.map(|row| (row[0], row[1], row[8])).collect();
        assert_eq!(rows, [(0, 0, 0), (4, 2, 1), (4, 3, 1), (7, 9, 1)]);
    }
}
