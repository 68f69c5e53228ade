//! The trace, printed or recorded while the loop runs.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use netloop::study::{Entry, Recorder};
use netloop::{Error, EventLoop};

use super::output;
use super::printer::{Level, Paint, Printer};

/// What is told of what the loop does, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// On standard error, with the names that the log has.
    pub(crate) is_traced: bool,
    /// In this file, as a recording.
    pub(crate) recorded: Recorded,
}

/// The file for a recording, if one is made, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) file: Option<PathBuf>,
    /// How many bytes it holds of each write and each chunk.
    pub(crate) payloads: usize,
}

impl Told {
    pub(crate) fn follow(&self, event_loop: &mut EventLoop) -> Result<(), Error> {
        let mut recorder = self.recorded.begin(Recorder::new)?;
        if !self.is_traced && recorder.is_none() {
            return Ok(());
        }
        let paint = Paint::for_terminal(&io::stderr());
        let mut printer = self.is_traced.then(|| Printer::new(paint, Level::All));
        event_loop.on_trace(move |record| {
            if let Some(printer) = &mut printer {
                let entry = Entry::from(record);
                output::errors(&printer.lines(&entry, &entry.who));
            }
            if let Some(recorder) = &mut recorder {
                recorder.tell(record);
            }
        });
        Ok(())
    }
}

impl Recorded {
    /// What writes the recording, if one is asked for. `begin` writes its header.
    pub(crate) fn begin(
        &self,
        begin: impl FnOnce(File) -> io::Result<Recorder<File>>,
    ) -> Result<Option<Recorder<File>>, Error> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let begun = File::create(path).and_then(begin);
        let begun = begun.map(|recorder| Some(recorder.with_payloads(self.payloads)));
        begun.map_err(|error| Error::new(format!("--record {}: {error}", path.display())))
    }
}
