//! Plays the program of a lesson on a loop, and keeps what happens and what it prints.

use std::cell::Cell;
use std::time::SystemTime;

use netloop::study::{Entry, Kind, Names, Recording};
use netloop::{Error, EventLoop, Loop};

use super::super::trace;

pub(super) type Program = fn(&mut Loop) -> Result<(), Error>;

/// A line that the program has printed.
pub(super) struct Said {
    /// The record of the callback in which it did; 0 outside of any.
    pub(super) during: u64,
    /// The record after which it did.
    pub(super) after: u64,
    pub(super) line: String,
}

/// A run that was recorded: its records, with the segments on the wire, and what was printed.
pub(super) struct Recorded {
    pub(super) run: &'static str,
    pub(super) prints: &'static str,
}

/// What a program has done.
pub(super) struct Played {
    pub(super) recording: Recording,
    pub(super) names: Names,
    pub(super) said: Vec<Said>,
}

/// What is going on.
#[derive(Default)]
struct Stage {
    entries: Vec<Entry>,
    /// The callbacks that have not returned.
    running: Vec<u64>,
    said: Vec<Said>,
}

thread_local! {
    static STAGE: Cell<Stage> = Cell::default();
}

fn on_stage(act: impl FnOnce(&mut Stage)) {
    let mut stage = STAGE.take();
    act(&mut stage);
    STAGE.set(stage);
}

impl Stage {
    fn tell(&mut self, entry: Entry) {
        match entry.kind {
            Kind::Callback => self.running.push(entry.number),
            Kind::Done => self.running.retain(|number| *number != entry.cause),
            _ => {}
        }
        self.entries.push(entry);
    }
}

/// Keeps a line that the program prints.
pub(super) fn say(line: String) {
    on_stage(|stage| {
        stage.said.push(Said {
            during: stage.running.last().copied().unwrap_or(0),
            after: stage.entries.last().map_or(0, |entry| entry.number),
            line,
        });
    });
}

/// Plays a program until nothing holds its loop.
pub(super) fn play(program: Program, recorded: &trace::Recorded) -> Result<Played, Error> {
    let (mut recorder, payloads) = (recorded.begin()?, recorded.payloads);
    STAGE.set(Stage::default());
    let mut event_loop = EventLoop::new()?;
    let began = SystemTime::now();
    event_loop.on_trace(move |record| {
        on_stage(|stage| stage.tell(Entry::with_payload(record, payloads)));
        if let Some(recorder) = &mut recorder {
            recorder.tell(record);
        }
    });
    program(&mut event_loop)?;
    event_loop.run()?;
    drop(event_loop);
    let stage = STAGE.take();
    let mut recording = Recording::default();
    recording.entries = stage.entries;
    recording.began = Some(began);
    Ok(Played {
        names: Names::of(&recording.entries),
        recording,
        said: stage.said,
    })
}

/// A run that was recorded. Where in it the program has printed is not known.
pub(super) fn recorded(recorded: &Recorded) -> Played {
    let recording = Recording::read(recorded.run.as_bytes());
    let said = recorded.prints.lines().map(|line| Said {
        during: 0,
        after: u64::MAX,
        line: line.to_owned(),
    });
    Played {
        names: Names::of(&recording.entries),
        said: said.collect(),
        recording,
    }
}
