//! A recording as a trace for [Perfetto](https://ui.perfetto.dev).

mod flows;
mod proto;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use prost::Message;

use self::flows::Flows;
use self::proto::{Annotation, Ordering, Packet, SourceLocation, Trace, TrackDescriptor};
use self::proto::{TrackEvent, Type};
use super::entry::{Entry, Kind};
use super::model::Model;
use super::names::Names;
use super::recording::Recording;
use super::waiting::Phase;
use super::words::describe;

/// The tracks that every recording has; those of the sockets and servers have the ids after these.
const ROOT: u64 = 1;
const PHASES: u64 = 2;
const PROGRAM: u64 = 3;
const SYSTEM: u64 = 4;

/// Writes a recording as a trace for Perfetto: protobuf, to be opened at ui.perfetto.dev or by
/// `trace_processor`.
///
/// It has a track with the turns, their phases and the waits, one with the callbacks and the program's
/// calls, one with the system calls, and one each for the loop, the sockets and the servers: what became
/// ready, the steps of the states, the ticks. Flows lead from readiness, a timer or a call to the callback
/// that it caused, and from a send to the recv at the other end of the connection.
///
/// ```
/// use netloop::study::{Recording, perfetto};
///
/// let file = r#"{"netloop":1}
/// {"n":1,"k":"ready","w":"readable","who":"socket#1"}
/// {"n":2,"c":1,"k":"callback","w":"data","bytes":2,"who":"socket#1"}"#;
/// let mut trace = Vec::new();
/// perfetto(&Recording::read(file.as_bytes()), &mut trace)?;
/// assert!(trace.windows(4).any(|bytes| bytes == b"data"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of the writer.
pub fn perfetto(recording: &Recording, out: impl Write) -> io::Result<()> {
    let mut writer = Writer {
        out,
        tracks: HashMap::new(),
        names: Names::of(&recording.entries),
        flows: Flows::of(recording),
    };
    writer.describe_tracks(&recording.args.join(" "))?;
    let (mut model, mut open) = (Model::default(), Open::default());
    for entry in &recording.entries {
        let running = model.running().len();
        model.step(entry);
        writer.follow_turn(entry, &model, &mut open)?;
        let is_run = matches!(entry.kind, Kind::Callback | Kind::Call);
        let ended = running + usize::from(is_run) - model.running().len();
        for _ in 0..ended {
            writer.event(began(entry), PROGRAM, Type::SliceEnd, TrackEvent::default())?;
        }
        writer.tell(entry)?;
    }
    for _ in model.running() {
        writer.event(model.now(), PROGRAM, Type::SliceEnd, TrackEvent::default())?;
    }
    writer.end_turn(model.now(), &mut open)?;
    writer.out.flush()
}

/// The slices that are open on the track of the phases.
#[derive(Default)]
struct Open {
    turn: Option<u64>,
    phase: Option<Phase>,
}

struct Writer<'r, W> {
    out: W,
    /// By the raw name: `socket#7`.
    tracks: HashMap<&'r str, u64>,
    names: Names,
    flows: Flows,
}

impl<'r, W: Write> Writer<'r, W> {
    fn packet(&mut self, packet: Packet) -> io::Result<()> {
        let packet = Packet {
            trusted_packet_sequence_id: Some(1),
            ..packet
        };
        // A message with one packet is a part of one with all of them.
        let part = Trace {
            packets: vec![packet],
        };
        self.out.write_all(&part.encode_to_vec())
    }

    fn describe_tracks(&mut self, args: &str) -> io::Result<()> {
        let name = match args {
            "" => "netloop",
            args => args,
        };
        let tracks = [
            (PHASES, "turns and phases"),
            (PROGRAM, "the program: callbacks and calls"),
            (SYSTEM, "system calls"),
        ];
        self.packet(Packet {
            track: Some(TrackDescriptor {
                uuid: Some(ROOT),
                name: Some(name.to_owned()),
                child_ordering: Some(Ordering::Explicit.into()),
                ..TrackDescriptor::default()
            }),
            ..Packet::default()
        })?;
        for (uuid, name) in tracks {
            self.describe_track(uuid, name)?;
        }
        Ok(())
    }

    fn describe_track(&mut self, uuid: u64, name: &str) -> io::Result<()> {
        self.packet(Packet {
            track: Some(TrackDescriptor {
                uuid: Some(uuid),
                name: Some(name.to_owned()),
                parent_uuid: Some(ROOT),
                sibling_order_rank: i32::try_from(uuid).ok(),
                ..TrackDescriptor::default()
            }),
            ..Packet::default()
        })
    }

    /// The track of a socket, a server or the loop, which is described when it is needed first.
    fn track(&mut self, who: &'r str) -> io::Result<u64> {
        if let Some(track) = self.tracks.get(who) {
            return Ok(*track);
        }
        let track = SYSTEM + 1 + self.tracks.len() as u64;
        self.tracks.insert(who, track);
        let name = self.names.get(who).to_owned();
        self.describe_track(track, &name)?;
        Ok(track)
    }

    fn event(&mut self, at: Duration, track: u64, of: Type, event: TrackEvent) -> io::Result<()> {
        let event = TrackEvent {
            r#type: Some(of.into()),
            track_uuid: Some(track),
            ..event
        };
        self.packet(Packet {
            timestamp: Some(u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)),
            event: Some(event),
            ..Packet::default()
        })
    }

    fn begin(&mut self, at: Duration, name: String) -> io::Result<()> {
        let event = TrackEvent {
            name: Some(name),
            ..TrackEvent::default()
        };
        self.event(at, PHASES, Type::SliceBegin, event)
    }

    /// Turns, with the phases in them, and the wait in its phase.
    fn follow_turn(&mut self, entry: &Entry, model: &Model, open: &mut Open) -> io::Result<()> {
        let at = began(entry);
        if open.turn != Some(model.turn()) {
            self.end_turn(at, open)?;
            let name = match model.turn() {
                0 => "before the first turn".to_owned(),
                turn => format!("turn {turn}"),
            };
            self.begin(at, name)?;
            open.turn = Some(model.turn());
        }
        if open.phase != Some(model.phase()) {
            self.end_phase(at, open)?;
            self.begin(at, model.phase().word().to_owned())?;
            open.phase = Some(model.phase());
        }
        if entry.kind == Kind::Wait {
            self.begin(at, "epoll_wait".into())?;
            self.event(entry.at, PHASES, Type::SliceEnd, TrackEvent::default())?;
        }
        Ok(())
    }

    fn end_phase(&mut self, at: Duration, open: &mut Open) -> io::Result<()> {
        match open.phase.take() {
            Some(_) => self.event(at, PHASES, Type::SliceEnd, TrackEvent::default()),
            None => Ok(()),
        }
    }

    fn end_turn(&mut self, at: Duration, open: &mut Open) -> io::Result<()> {
        self.end_phase(at, open)?;
        match open.turn.take() {
            Some(_) => self.event(at, PHASES, Type::SliceEnd, TrackEvent::default()),
            None => Ok(()),
        }
    }

    /// The event of an entry, if it has one of its own.
    fn tell(&mut self, entry: &'r Entry) -> io::Result<()> {
        let who = self.names.get(&entry.who).to_owned();
        let (track, of, name) = match entry.kind {
            Kind::Waits | Kind::Wait | Kind::Done => return Ok(()),
            Kind::Queued | Kind::Cleared | Kind::Holds => return Ok(()),
            Kind::Callback | Kind::Call => {
                let name = format!("{who}: {}", entry.words);
                (PROGRAM, Type::SliceBegin, name)
            }
            Kind::System => (SYSTEM, Type::Instant, format!("{who}: {}", describe(entry))),
            _ => (self.track(&entry.who)?, Type::Instant, describe(entry)),
        };
        let event = TrackEvent {
            name: Some(name),
            categories: vec![entry.kind.name().to_owned()],
            annotations: annotations(entry),
            source_location: entry.line.as_deref().and_then(location),
            flow_ids: self.flows.from(entry.number),
            terminating_flow_ids: self.flows.to(entry.number),
            ..TrackEvent::default()
        };
        self.event(entry.at, track, of, event)
    }
}

/// When that began which an entry tells of: a wait is told when it is over.
fn began(entry: &Entry) -> Duration {
    match entry.kind {
        Kind::Wait => entry.at.saturating_sub(entry.time.unwrap_or_default()),
        _ => entry.at,
    }
}

fn annotations(entry: &Entry) -> Vec<Annotation> {
    let number = |name: &str, number: u64| Annotation {
        name: Some(name.to_owned()),
        number: Some(number),
        text: None,
    };
    let mut annotations = vec![number("record", entry.number)];
    annotations.extend(entry.bytes.map(|bytes| number("bytes", bytes)));
    let more = entry.more.join(", ");
    if !more.is_empty() {
        annotations.push(Annotation {
            name: Some("more".to_owned()),
            number: None,
            text: Some(more),
        });
    }
    annotations
}

/// `src/main.rs:12`.
fn location(line: &str) -> Option<SourceLocation> {
    let (file, line) = line.rsplit_once(':')?;
    Some(SourceLocation {
        file_name: Some(file.to_owned()),
        line_number: Some(line.parse().ok()?),
    })
}
