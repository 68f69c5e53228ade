//! Writes a recording.

use std::io::{self, BufWriter, Write};
use std::mem;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::line::{nanos, write};
use super::payload::PAYLOAD_MAX;
use crate::EventLoop;
use crate::trace::{Record, What};

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// How many records a recording holds.
pub(super) const RECORDS_MAX: u64 = 1_000_000;

/// Writes the records of a trace. A tracer that does other things as well can use it;
/// [`EventLoop::record`] sets a tracer that only records.
#[derive(Debug)]
pub struct Recorder<W: Write> {
    /// None once it has failed, or the recording is full.
    out: Option<BufWriter<W>>,
    written: u64,
    /// How many bytes of a payload are written.
    payload: usize,
    /// The line that is being made.
    line: Vec<u8>,
    /// What the program has printed since the last record.
    printed: Vec<String>,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording: writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(writer: W) -> io::Result<Recorder<W>> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let args: Vec<String> = std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let header = json!({
            "netloop": VERSION,
            "pid": std::process::id(),
            "args": args,
            "clock": "monotonic",
            "unix": unix.unwrap_or_default().as_secs_f64(),
        });
        Recorder::begin(writer, &header)
    }

    /// Begins the recording of a loop on a simulated kernel (the feature `sim`) with this seed. The header has
    /// nothing of this process or of the time of day, so each run with the seed has the same recording. `args` is
    /// the command line.
    ///
    /// ```
    /// use netloop::study::{Recorder, Recording};
    ///
    /// let mut file = Vec::new();
    /// drop(Recorder::simulated(&mut file, &["a test"], 7));
    /// let recording = Recording::read(&*file);
    /// assert_eq!((recording.seed, &recording.args[..]), (Some(7), &["a test".to_owned()][..]));
    /// ```
    ///
    /// # Errors
    /// Errors of the writer.
    pub fn simulated(writer: W, args: &[impl AsRef<str>], seed: u64) -> io::Result<Recorder<W>> {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let header = json!({
            "netloop": VERSION,
            "args": args,
            "clock": "simulated",
            "seed": seed,
        });
        Recorder::begin(writer, &header)
    }

    fn begin(writer: W, header: &Value) -> io::Result<Recorder<W>> {
        let mut out = BufWriter::new(writer);
        writeln!(out, "{header}")?;
        out.flush()?;
        Ok(Recorder {
            out: Some(out),
            written: 0,
            payload: 0,
            line: Vec::new(),
            printed: Vec::new(),
        })
    }

    /// Writes also the first bytes of each write and of each chunk that is received, at most so many of each
    /// and at most 65 536. Without this, a recording tells only how many there were.
    #[must_use]
    pub fn with_payloads(mut self, bytes: usize) -> Recorder<W> {
        self.payload = bytes.min(PAYLOAD_MAX);
        self
    }

    /// Records a line that the program prints. It goes into the file with the next record. Without this a
    /// recording tells nothing of what is printed, which may be what peers have sent.
    pub fn prints(&mut self, line: impl Into<String>) {
        if self.out.is_some() {
            self.printed.push(line.into());
        }
    }

    /// Writes a record. The buffer is flushed before each wait of the loop, and when the recorder is
    /// dropped: a process that is killed leaves a recording up to its last wait. The recording ends after a
    /// million records, or with an error of the writer, which is logged.
    pub fn tell(&mut self, record: &Record<'_>) {
        let Some(out) = &mut self.out else { return };
        let is_full = self.written == RECORDS_MAX;
        self.line.clear();
        match is_full {
            true => self.line.extend(stopped(record).as_bytes()),
            false => {
                let prints = mem::take(&mut self.printed);
                write(record, self.payload, &prints, &mut self.line);
            }
        }
        self.written += 1;
        // A look without waiting has no record before it.
        let looked = |timeout: Option<Duration>| timeout.is_some_and(|timeout| timeout.is_zero());
        let is_at_rest = match record.what {
            What::Waits { .. } => true,
            What::Wait { timeout, .. } => looked(timeout),
            _ => false,
        };
        let written = out.write_all(&self.line);
        let written = match is_at_rest || is_full {
            true => written.and_then(|()| out.flush()),
            false => written,
        };
        if let Err(error) = &written {
            log::warn!(target: "netloop::study", "the recording ends: {error}");
        }
        if is_full {
            log::warn!(target: "netloop::study", "the recording is full, and ends after {RECORDS_MAX} records");
        }
        if is_full || written.is_err() {
            self.out = None;
        }
    }
}

/// The last line of a recording that is full.
fn stopped(record: &Record<'_>) -> String {
    let line = json!({
        "n": record.number,
        "t": nanos(record.at),
        "turn": record.turn,
        "who": "loop",
        "k": "stopped",
        "w": "it is full, its program ran on",
    });
    format!("{line}\n")
}

impl EventLoop {
    /// Records what the loop does from now on, as JSON Lines: see [`study`](crate::study). It takes the
    /// place of the [tracer](crate::Loop::on_trace).
    ///
    /// ```
    /// use std::{io::Read, os::unix::net::UnixStream};
    ///
    /// let (mut reader, writer) = UnixStream::pair().unwrap(); // or a file
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.record(writer)?;
    /// event_loop.set_immediate(|_| {});
    /// event_loop.run()?;
    /// drop(event_loop);
    ///
    /// let mut recording = String::new();
    /// reader.read_to_string(&mut recording).unwrap();
    /// let lines: Vec<serde_json::Value> =
    ///     recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    /// assert_eq!(lines[0]["netloop"], 1);
    /// assert_eq!((&lines[1]["k"], &lines[1]["w"]), (&"call".into(), &"set_immediate".into()));
    /// let callback = lines.iter().find(|line| line["k"] == "callback").unwrap();
    /// assert_eq!(callback["by"], lines[2]["n"]); // it was queued there
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the writer, when the header is written.
    pub fn record(&mut self, writer: impl Write + 'static) -> io::Result<()> {
        self.record_payloads(writer, 0)
    }

    /// As [`record`](EventLoop::record), with the first bytes of each write and of each chunk that is received,
    /// at most so many of each and at most 65 536. They are escaped; a recording may hold secrets then.
    ///
    /// ```
    /// # use std::{io::Read, os::unix::net::UnixStream};
    /// # let (mut reader, writer) = UnixStream::pair().unwrap();
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// event_loop.record_payloads(writer, 5)?;
    /// event_loop.socket().write("hello\u{1b} world");
    /// # event_loop.socket().write(b"\xff\x1b");
    /// # event_loop.set_immediate(|_| {});
    /// # drop(event_loop);
    /// let mut recording = String::new();
    /// reader.read_to_string(&mut recording).unwrap();
    /// assert!(recording.contains(r#""bytes":12,"payload":"hello","left":7"#));
    /// # assert!(recording.contains(r#""bytes":2,"payload":"\\xff\\u{1b}""#));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the writer, when the header is written.
    pub fn record_payloads(
        &mut self,
        writer: impl Write + 'static,
        bytes: usize,
    ) -> io::Result<()> {
        let mut recorder = Recorder::new(writer)?.with_payloads(bytes);
        self.on_trace(move |record| recorder.tell(record));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::time::Duration;

    use super::{RECORDS_MAX, Recorder};
    use crate::EventLoop;

    /// A disk that is full after some bytes.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_not_the_loop() {
        let mut event_loop = EventLoop::new().unwrap();
        event_loop.record(Disk(100_000)).unwrap();
        for _ in 0..1000 {
            event_loop.next_tick(|_| {});
        }
        event_loop.run().unwrap();
        assert!(EventLoop::new().unwrap().record(Disk(0)).is_err());
    }

    /// What is written to it goes to a list, in the pieces in which it came.
    struct Pieces(std::sync::mpsc::Sender<String>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let piece = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(piece).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_has_happened_is_in_the_file_before_the_loop_waits() {
        let mut event_loop = EventLoop::new().unwrap();
        let (sender, pieces) = std::sync::mpsc::channel();
        event_loop.record(Pieces(sender)).unwrap();
        event_loop.next_tick(|_| {});
        event_loop.set_timeout(Duration::from_millis(1), move |_| {
            let written: String = pieces.try_iter().collect();
            let last = written.lines().last().unwrap_or_default();
            assert!(last.contains(r#""k":"waits""#), "{written}");
            assert!(written.contains(r#""w":"next_tick""#), "{written}");
        });
        event_loop.run().unwrap();
    }

    #[test]
    fn a_recording_that_is_full_says_so_and_stops() {
        let mut event_loop = EventLoop::new().unwrap();
        let mut recorder = Recorder::new(io::sink()).unwrap();
        recorder.written = RECORDS_MAX;
        let (tell, told) = std::sync::mpsc::channel();
        event_loop.on_trace(move |record| {
            recorder.tell(record);
            tell.send(recorder.out.is_none()).unwrap();
        });
        event_loop.next_tick(|_| {});
        event_loop.run().unwrap();
        let told: Vec<bool> = told.try_iter().collect();
        assert!(told.len() > 1 && told.iter().all(|is_over| *is_over));
    }
}
