//! Reads a recording.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::entry::{Entry, Kind};
use super::recorder::{RECORDS_MAX, VERSION};
use super::segment::Segment;

/// No line of a recording is as long.
const LINE_MAX: u64 = 1 << 20;

/// A recording that was read.
///
/// ```
/// use netloop::study::Recording;
///
/// let file = "{\"netloop\":1}\n{\"n\":1,\"k\":\"call\",\"w\":\"listen\",\"who\":\"server#1\"}\n{\"n\":2,";
/// let recording = Recording::read(file.as_bytes());
/// assert_eq!(recording.entries[0].words, "listen"); // what came before the damage
/// let damage = recording.damage.unwrap();
/// assert_eq!(damage.line, 3);
/// assert!(damage.to_string().starts_with("line 3: expected a whole record"));
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recording {
    /// How the recorded process was started.
    pub args: Vec<String>,
    /// When it began, if that is known.
    pub began: Option<SystemTime>,
    /// The seed of the simulated kernel, if the loop ran on one.
    pub seed: Option<u64>,
    /// The records, by number.
    pub entries: Vec<Entry>,
    /// What the wire has carried, if it was recorded, in the order in which it was sent.
    pub segments: Vec<Segment>,
    /// Where it cannot be read on, and why.
    pub damage: Option<Damage>,
}

/// Where a recording cannot be read on. It prints as `line 3: expected …`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The number of the line, from 1.
    pub line: u64,
    /// What was expected there, and what was found.
    pub words: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.words)
    }
}

impl Recording {
    /// Reads a recording as far as it goes: [`damage`](Recording::damage) tells of an error of the reader,
    /// of a line that is cut, and of what is no recording.
    pub fn read(reader: impl BufRead) -> Recording {
        let mut recording = Recording::default();
        let mut lines = Lines { reader, count: 0 };
        let read = recording.read_all(&mut lines);
        recording.damage = read.err().map(|words| Damage {
            line: lines.count.max(1),
            words,
        });
        recording
    }

    /// The record of this number.
    pub fn get(&self, number: u64) -> Option<&Entry> {
        let found = self.entries.binary_search_by_key(&number, |it| it.number);
        found.ok().map(|index| &self.entries[index])
    }

    /// Why the record of this number was made: itself, what led to it, and so on to the root. A chain
    /// that leads out of the recording ends there.
    ///
    /// ```
    /// # use netloop::study::Recording;
    /// let file = r#"{"netloop":1}
    /// {"n":1,"k":"call","w":"next_tick"}
    /// {"n":2,"c":1,"k":"queued","w":"ticks"}
    /// {"n":3,"by":2,"k":"callback","w":"next_tick"}"#;
    /// let recording = Recording::read(file.as_bytes());
    /// let why: Vec<u64> = recording.why(3).map(|entry| entry.number).collect();
    /// assert_eq!(why, [3, 2, 1]);
    /// ```
    pub fn why(&self, number: u64) -> impl Iterator<Item = &Entry> {
        // Each origin is smaller than the number: the chain ends.
        std::iter::successors(self.get(number), |entry| self.get(entry.origin()))
    }

    fn read_all(&mut self, lines: &mut Lines<impl BufRead>) -> Result<(), String> {
        let Some(header) = lines.next_line()? else {
            return Err(format!("{HEADER}, found nothing"));
        };
        self.read_header(&header)?;
        while let Some(line) = lines.next_line()? {
            let line: Map<String, Value> = serde_json::from_slice(&line).map_err(|error| {
                let words = error.to_string();
                let words = words.split(" at line ").next().unwrap_or_default();
                format!(
                    "expected a whole record, found {words}, in column {}",
                    error.column()
                )
            })?;
            if let Some(segment) = Segment::of(&line) {
                if self.segments.len() as u64 >= RECORDS_MAX {
                    return Err(format!("expected at most {RECORDS_MAX} segments"));
                }
                self.segments.push(segment);
                continue;
            }
            let entry = Entry::of(&line)?;
            let last = self.entries.last().map_or(0, |last| last.number);
            if entry.number <= last {
                return Err(format!(
                    "expected a record after {last}, found {}",
                    entry.number
                ));
            }
            if self.entries.len() as u64 > RECORDS_MAX {
                return Err(format!("expected at most {RECORDS_MAX} records"));
            }
            self.entries.push(entry);
        }
        Ok(())
    }

    fn read_header(&mut self, header: &[u8]) -> Result<(), String> {
        let header: Result<Map<String, Value>, _> = serde_json::from_slice(header);
        let Ok(header) = header else {
            return Err(format!("{HEADER}, found something else"));
        };
        match header.get("netloop") {
            Some(version) if *version == VERSION => {}
            Some(version) => {
                return Err(format!(
                    "expected version {VERSION} of the format, found {version}"
                ));
            }
            None => return Err(format!("{HEADER}, found no \"netloop\"")),
        }
        let args = header.get("args").and_then(Value::as_array);
        let words = args.into_iter().flatten().filter_map(Value::as_str);
        self.args = words.map(str::to_owned).collect();
        let unix = header.get("unix").and_then(Value::as_f64);
        let unix = unix.and_then(|unix| Duration::try_from_secs_f64(unix).ok());
        self.began = unix.and_then(|unix| UNIX_EPOCH.checked_add(unix));
        self.seed = header.get("seed").and_then(Value::as_u64);
        Ok(())
    }

    /// Whether the recording was full before its program ended.
    pub fn is_full(&self) -> bool {
        (self.entries.last()).is_some_and(|last| last.kind == Kind::Stopped)
    }
}

const HEADER: &str = "expected the header of a recording, {\"netloop\":1,…}";

struct Lines<R> {
    reader: R,
    count: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line that is not empty.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            let mut line = Vec::new();
            let read = read_line(&mut self.reader, &mut line);
            self.count += 1;
            match read.map_err(|error| format!("expected to read it: {error}"))? {
                0 => return Ok(None),
                LINE_MAX => return Err("expected a record, found a very long line".into()),
                _ if line.trim_ascii().is_empty() => {}
                _ => return Ok(Some(line)),
            }
        }
    }
}

fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let count = reader.by_ref().take(LINE_MAX).read_until(b'\n', line)?;
    Ok(count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damage(file: impl AsRef<[u8]>) -> String {
        let recording = Recording::read(file.as_ref());
        recording.damage.expect("damage").to_string()
    }

    #[test]
    fn what_is_no_recording_is_told_with_what_was_expected() {
        let first = "line 1: expected the header of a recording";
        assert!(damage("").starts_with(first));
        assert!(damage("[]").starts_with(first));
        assert!(damage(b"\x7fELF\n\xff").starts_with(first));
        assert!(damage("{\"traceEvents\":[]}").starts_with(first));
        assert_eq!(
            damage("{\"netloop\":2}"),
            "line 1: expected version 1 of the format, found 2"
        );
        let endless = io::repeat(b' ');
        let recording = Recording::read(io::BufReader::new(endless));
        assert!(
            recording
                .damage
                .expect("damage")
                .words
                .contains("very long line")
        );
    }

    #[test]
    fn a_recording_that_is_cut_anywhere_gives_what_came_before() {
        let file = "{\"netloop\":1,\"args\":[\"a\"]}\n{\"n\":1,\"k\":\"wait\"}\n\n{\"n\":2,\"k\":\"wait\"}\n";
        let whole = Recording::read(file.as_bytes());
        assert_eq!((whole.entries.len(), &whole.damage), (2, &None));
        assert_eq!(whole.args, ["a"]);
        for length in 0..file.len() {
            let cut = Recording::read(&file.as_bytes()[..length]);
            let count = cut.entries.len();
            assert_eq!(cut.entries, whole.entries[..count]);
            let ends_a_line = [26, 27, 45, 46, 47, 65].contains(&length);
            assert_eq!(
                cut.damage.is_none(),
                ends_a_line,
                "{length}: {:?}",
                cut.damage
            );
        }
    }

    #[test]
    fn the_damage_names_its_line() {
        let header = "{\"netloop\":1}\n";
        let told = |lines: &str| damage(format!("{header}{lines}"));
        assert_eq!(
            told("{\"n\":1,\"k\":\"wait\"}\n{\"n\":1,\"k\":\"wait\"}\n"),
            "line 3: expected a record after 1, found 1"
        );
        assert!(
            told("\n\nno\n").starts_with("line 4: expected a whole record, found expected ident")
        );
    }
}
