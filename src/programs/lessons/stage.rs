//! Plays the program of a lesson on a loop, and keeps what happens and what it prints.

use std::cell::Cell;
use std::fs::File;
use std::mem;
use std::time::SystemTime;

use netloop::study::{Entry, Names, Recorder, Recording};
use netloop::trace::Record;
use netloop::{Error, Loop};

use super::super::course::Course;
use super::super::trace;

pub(super) type Program = fn(&mut Loop) -> Result<(), Error>;

/// A run that was recorded: its records, with what was printed, and the segments on the wire.
pub(super) struct Recorded {
    pub(super) run: &'static str,
}

/// What a program has done.
pub(super) struct Played {
    pub(super) recording: Recording,
    pub(super) names: Names,
}

/// What is going on.
#[derive(Default)]
struct Stage {
    entries: Vec<Entry>,
    /// What the program has printed since the last of them.
    printed: Vec<String>,
}

thread_local! {
    static STAGE: Cell<Stage> = Cell::default();
}

fn on_stage(act: impl FnOnce(&mut Stage)) {
    let mut stage = STAGE.take();
    act(&mut stage);
    STAGE.set(stage);
}

/// Keeps a line that the program prints.
pub(super) fn say(line: String) {
    on_stage(|stage| stage.printed.push(line));
}

/// Keeps a record, with what the program has printed before it.
fn tell(record: &Record<'_>, payloads: usize, recorder: &mut Option<Recorder<File>>) {
    on_stage(|stage| {
        let mut entry = Entry::with_payload(record, payloads);
        entry.prints = mem::take(&mut stage.printed);
        if let Some(recorder) = recorder {
            entry.prints.iter().for_each(|line| recorder.prints(line));
            recorder.tell(record);
        }
        stage.entries.push(entry);
    });
}

/// Plays a program until nothing holds its loop.
pub(super) fn play(
    program: Program,
    course: &Course,
    recorded: &trace::Recorded,
) -> Result<Played, Error> {
    let mut recorder = recorded.begin(|file| course.recorder(file))?;
    let payloads = recorded.payloads;
    STAGE.set(Stage::default());
    let began = SystemTime::now();
    course.play(|event_loop| {
        event_loop.on_trace(move |record| tell(record, payloads, &mut recorder));
        program(event_loop)
    })?;
    let mut recording = course.recording(STAGE.take().entries);
    recording.began = Some(began).filter(|_| recording.seed.is_none());
    Ok(Played {
        names: Names::of(&recording.entries),
        recording,
    })
}

/// A run that was recorded.
pub(super) fn recorded(recorded: &Recorded) -> Played {
    let recording = Recording::read(recorded.run.as_bytes());
    Played {
        names: Names::of(&recording.entries),
        recording,
    }
}
