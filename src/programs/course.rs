//! A run of the demo or of a lesson: on the real kernel, or on a simulated one, where the same seed leads to the
//! same course of events.

use std::fs::File;
use std::io;
use std::process::ExitCode;

use netloop::study::{Entry, Recorder, Recording};
use netloop::{Error, EventLoop, Loop};

use super::status;

/// The seed of a simulated course of events.
#[cfg(feature = "sim")]
#[derive(Clone, Copy)]
pub(crate) struct Seed(u64);

/// Without the feature `sim` there is no simulated kernel, and no seed.
#[cfg(not(feature = "sim"))]
#[derive(Clone, Copy)]
pub(crate) enum Seed {}

/// A run, before it begins.
pub(crate) struct Course {
    /// The command that leads to it.
    pub(crate) args: Vec<String>,
    seed: Option<Seed>,
}

impl Course {
    pub(crate) fn new(command: &[&str], seed: Option<Seed>) -> Course {
        let mut args: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        if let Some(seed) = seed {
            args.extend(["--seed".into(), seed.number().to_string()]);
        }
        Course { args, seed }
    }

    /// Runs a program on a new loop, until nothing holds the loop. Returns the program's exit status.
    pub(crate) fn play(
        &self,
        program: impl FnOnce(&mut Loop) -> Result<(), Error>,
    ) -> Result<ExitCode, Error> {
        let mut event_loop = match self.seed {
            None => EventLoop::new()?,
            Some(seed) => seed.event_loop()?,
        };
        program(&mut event_loop)?;
        event_loop.run()?;
        Ok(status(&event_loop))
    }

    /// A recorder for the run.
    pub(crate) fn recorder(&self, file: File) -> io::Result<Recorder<File>> {
        match self.seed {
            None => Recorder::new(file),
            Some(seed) => Recorder::simulated(file, &self.args, seed.number()),
        }
    }

    /// The recording of the run, with these records.
    pub(crate) fn recording(&self, entries: Vec<Entry>) -> Recording {
        let mut recording = Recording::default();
        recording.args.clone_from(&self.args);
        recording.seed = self.seed.map(Seed::number);
        recording.entries = entries;
        recording
    }
}

#[cfg(feature = "sim")]
impl Seed {
    /// The seed with this number.
    pub(crate) fn of(number: u64) -> Result<Seed, &'static str> {
        Ok(Seed(number))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    fn event_loop(self) -> Result<EventLoop, Error> {
        netloop::sim::event_loop_from(self.0)
    }
}

#[cfg(not(feature = "sim"))]
impl Seed {
    /// The reason why a seed cannot be used.
    pub(crate) fn of(_: u64) -> Result<Seed, &'static str> {
        Err(
            "this program was built without the feature sim, which simulates a kernel \
             (cargo build --release --features sim)",
        )
    }

    pub(crate) fn number(self) -> u64 {
        match self {}
    }

    fn event_loop(self) -> Result<EventLoop, Error> {
        match self {}
    }
}
