//! What TCP does about a segment that is lost.

mod program;

use netloop::study::{Kind, Segment};

use super::lesson::{Claim, Lesson, seen};
use super::stage::Recorded;

pub(super) const LESSON: Lesson = lesson!("lost", CLAIMS, recorded);

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "The client's kernel made five segments of the one write, and the second was lost.",
        seen: |run| {
            let mut places: Vec<u64> = data(&run.recording.segments).map(|it| it.seq).collect();
            places.sort_unstable();
            places.dedup();
            let lost: Vec<u64> = data(&run.recording.segments)
                .filter(|it| it.is_lost)
                .map(|it| it.seq)
                .collect();
            let is_so = places.len() == 5 && lost == [places[1]];
            seen(is_so, [])
        },
    },
    Claim {
        sentence: "The server's kernel repeated the old acknowledgement, 1449, with each later segment.",
        seen: |run| {
            let acks = run
                .recording
                .segments
                .iter()
                .filter(|it| !it.is_clients && it.ack == 1449);
            seen(acks.count() > 2, [])
        },
    },
    Claim {
        sentence: "The client's kernel sent the lost bytes again.",
        seen: |run| {
            let lost = data(&run.recording.segments).find(|it| it.is_lost)?;
            let is_again = |it: &Segment| it.at > lost.at && it.seq == lost.seq;
            seen(data(&run.recording.segments).any(is_again), [])
        },
    },
    Claim {
        sentence: "Then all was acknowledged in one step.",
        seen: |run| {
            let mut acks = run.recording.segments.iter().filter(|it| !it.is_clients);
            let next = acks.find(|it| it.ack > 1449)?;
            seen(next.ack > 6000, [])
        },
    },
    Claim {
        sentence: "The server's program received the first 1448 bytes, and the other 4552 only after the \
                   lost ones had been sent again.",
        seen: |run| {
            let chunks: Vec<_> = run.callbacks("accepted", "data").collect();
            let [first, rest] = chunks[..] else {
                return None;
            };
            let mut again =
                data(&run.recording.segments).filter(|it| it.seq == 1449 && !it.is_lost);
            let again = again.next()?;
            let is_so = (first.bytes, rest.bytes) == (Some(1448), Some(4552));
            seen(
                is_so && first.at < again.at && again.at < rest.at,
                [first, rest],
            )
        },
    },
    Claim {
        sentence: "Neither program was told of the loss: the client wrote once, and neither got an `error`.",
        seen: |run| {
            let entries = run.recording.entries.iter();
            let mut callbacks = entries.filter(|it| it.kind == Kind::Callback);
            let is_so = callbacks.all(|it| it.words != "error");
            let write = run.call("client", "end_with")?;
            seen(
                run.calls("client", "end_with").count() == 1 && is_so,
                [write],
            )
        },
    },
];

/// The client's segments with bytes.
fn data(segments: &[Segment]) -> impl Iterator<Item = &Segment> {
    segments.iter().filter(|it| it.is_clients && it.bytes > 0)
}
