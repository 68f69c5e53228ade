//! A record as it stands in a recording.

use std::time::Duration;

use serde_json::{Map, Value};

use super::line::line;
use super::payload::PAYLOAD_MAX;
use crate::trace::Record;

/// What a record tells: the key `k`. A kind that this version does not know keeps its name.
///
/// ```
/// use netloop::study::Kind;
///
/// assert_eq!(Kind::from("callback"), Kind::Callback);
/// assert_eq!(Kind::from("dream").name(), "dream");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A phase serves a socket, a server or the loop.
    Phase,
    /// The loop is about to wait.
    Waits,
    /// The loop has waited.
    Wait,
    /// The kernel reports readiness.
    Ready,
    /// What was served had nothing to do.
    Nothing,
    /// A socket or server is served once more, without readiness.
    Again,
    /// A state machine has made a step.
    Step,
    /// The program's code runs.
    Callback,
    /// The program calls a function.
    Call,
    /// A tick of the library's own runs.
    Tick,
    /// A callback or a call has returned.
    Done,
    /// A system call was made.
    System,
    /// A connection was accepted.
    Accepted,
    /// A connection that was asked for is there.
    Connected,
    /// Work was queued.
    Queued,
    /// Queued work will not run.
    Cleared,
    /// A socket, a server or queued work begins or ceases to hold the loop.
    Holds,
    /// The recording is full.
    Stopped,
    /// Something that this version does not know.
    Other(String),
}

impl Default for Kind {
    fn default() -> Kind {
        Kind::Other(String::new())
    }
}

pub(super) static NAMES: [(Kind, &str); 18] = [
    (Kind::Phase, "phase"),
    (Kind::Waits, "waits"),
    (Kind::Wait, "wait"),
    (Kind::Ready, "ready"),
    (Kind::Nothing, "nothing"),
    (Kind::Again, "again"),
    (Kind::Step, "step"),
    (Kind::Callback, "callback"),
    (Kind::Call, "call"),
    (Kind::Tick, "tick"),
    (Kind::Done, "done"),
    (Kind::System, "system"),
    (Kind::Accepted, "accepted"),
    (Kind::Connected, "connected"),
    (Kind::Queued, "queued"),
    (Kind::Cleared, "cleared"),
    (Kind::Holds, "holds"),
    (Kind::Stopped, "stopped"),
];

impl From<&str> for Kind {
    fn from(name: &str) -> Kind {
        let known = NAMES.iter().find(|(_, known)| *known == name);
        known.map_or_else(|| Kind::Other(name.to_owned()), |(kind, _)| kind.clone())
    }
}

impl Kind {
    /// Its name in a recording.
    pub fn name(&self) -> &str {
        match self {
            Kind::Other(name) => name,
            known => {
                let named = NAMES.iter().find(|(kind, _)| kind == known);
                named.map_or("", |(_, name)| name)
            }
        }
    }
}

/// A record, read from a recording or made from a [`Record`] of the trace. The fields are the keys of the
/// [format](crate::study); what a kind does not have is empty.
///
/// ```
/// use netloop::study::{Entry, Kind};
///
/// let mut event_loop = netloop::EventLoop::new()?;
/// event_loop.on_trace(|record| {
///     let entry = Entry::from(record);
///     assert_eq!(entry.number, record.number);
///     assert!(entry.number > 1 || (entry.kind, &*entry.words) == (Kind::Call, "next_tick"));
/// });
/// event_loop.next_tick(|_| {});
/// event_loop.run()?;
/// # Ok::<(), netloop::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// `n`.
    pub number: u64,
    /// `c`, or 0.
    pub cause: u64,
    /// `by`.
    pub by: Option<u64>,
    /// `t`.
    pub at: Duration,
    /// `turn`.
    pub turn: u64,
    /// `who`: `loop`, `socket#7` or `server#7`.
    pub who: String,
    /// `k`.
    pub kind: Kind,
    /// `w`.
    pub words: String,
    /// `more`: one text or several, where an address that there is not is empty.
    pub more: Vec<String>,
    /// `bytes`.
    pub bytes: Option<u64>,
    /// `payload`, escaped.
    pub payload: Option<String>,
    /// `left`.
    pub left: Option<u64>,
    /// `errno`.
    pub errno: Option<i32>,
    /// `at`.
    pub line: Option<String>,
    /// `ns`.
    pub time: Option<Duration>,
    /// `most`.
    pub most: Option<Duration>,
    /// `prints`.
    pub prints: Vec<String>,
}

impl From<&Record<'_>> for Entry {
    fn from(record: &Record<'_>) -> Entry {
        Entry::with_payload(record, 0)
    }
}

impl Entry {
    /// A record with up to this many bytes of its payload, at most 65 536. One from [`From`] has none.
    pub fn with_payload(record: &Record<'_>, bytes: usize) -> Entry {
        Entry::of(&line(record, bytes.min(PAYLOAD_MAX))).unwrap_or_default()
    }

    /// The addresses of a connection that was accepted or made, in words. `None` for any other record, and
    /// for a connection without addresses.
    pub fn addresses(&self) -> Option<String> {
        let (Kind::Accepted | Kind::Connected, [own, peer]) = (&self.kind, &self.more[..]) else {
            return None;
        };
        let has_some = !(own.is_empty() && peer.is_empty());
        has_some.then(|| format!("at {own}, peer at {peer}"))
    }

    /// The record that led to this one, as [`Record::origin`].
    pub fn origin(&self) -> u64 {
        self.by.unwrap_or(self.cause)
    }

    /// What stands in a line, or what is wrong with it.
    pub(super) fn of(line: &Map<String, Value>) -> Result<Entry, String> {
        let whole = |key: &str| match line.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(format!("expected a whole number as {key:?}, found {value}")),
            },
        };
        let text = |key: &str| line.get(key).map(words_of).unwrap_or_default();
        let kind = match line.get("k") {
            Some(Value::String(kind)) => Kind::from(kind.as_str()),
            _ => return Err("expected a record, found no \"k\"".into()),
        };
        let Some(number) = whole("n")? else {
            return Err("expected a record, found no \"n\"".into());
        };
        let errno = whole("errno")?.and_then(|errno| i32::try_from(errno).ok());
        let entry = Entry {
            number,
            cause: whole("c")?.unwrap_or(0),
            by: whole("by")?,
            at: Duration::from_nanos(whole("t")?.unwrap_or(0)),
            turn: whole("turn")?.unwrap_or(0),
            who: text("who"),
            kind,
            words: text("w"),
            more: line.get("more").map(all_words_of).unwrap_or_default(),
            bytes: whole("bytes")?,
            payload: line.get("payload").map(words_of),
            left: whole("left")?,
            errno,
            line: line.get("at").map(words_of),
            time: whole("ns")?.map(Duration::from_nanos),
            most: whole("most")?.map(Duration::from_nanos),
            prints: line.get("prints").map(all_words_of).unwrap_or_default(),
        };
        let latest = entry.cause.max(entry.by.unwrap_or(0));
        match latest < number {
            true => Ok(entry),
            false => Err(format!("expected a cause before {number}, found {latest}")),
        }
    }
}

/// A text, or what a number or a truth prints as.
fn words_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn all_words_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(words_of).collect(),
        other => vec![words_of(other)],
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An entry from its line.
    pub(in crate::study) fn entry(line: &str) -> Entry {
        let line: Map<String, Value> = serde_json::from_str(line).expect("a line");
        Entry::of(&line).expect("a record")
    }

    /// The entries of these lines, numbered from 1.
    pub(in crate::study) fn numbered(lines: &[&str]) -> Vec<Entry> {
        let lines = lines.iter().zip(1..);
        lines
            .map(|(line, number)| entry(&format!("{{\"n\":{number},{line}}}")))
            .collect()
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let accepted = entry(
            r#"{"n":14,"c":12,"t":1500,"turn":1,"who":"socket#2","k":"accepted","w":9,"more":["127.0.0.1:8000",null],"new":{}}"#,
        );
        assert_eq!(
            (accepted.number, accepted.origin(), accepted.turn),
            (14, 12, 1)
        );
        assert_eq!((accepted.kind, &*accepted.words), (Kind::Accepted, "9"));
        assert_eq!(accepted.more, ["127.0.0.1:8000", ""]);
        assert_eq!(accepted.at, Duration::from_nanos(1500));
    }

    #[test]
    fn what_is_no_record_is_told_with_what_was_expected() {
        let told = |line: &str| {
            let line: Map<String, Value> = serde_json::from_str(line).expect("a line");
            Entry::of(&line).unwrap_err()
        };
        for (line, words) in [
            ("{}", "found no \"k\""),
            (r#"{"k":"wait"}"#, "found no \"n\""),
            (
                r#"{"k":"wait","n":-1}"#,
                "a whole number as \"n\", found -1",
            ),
            (
                r#"{"k":"wait","n":"1"}"#,
                "a whole number as \"n\", found \"1\"",
            ),
            (r#"{"k":"wait","n":4,"by":4}"#, "a cause before 4, found 4"),
        ] {
            assert!(told(line).ends_with(words), "{line}: {}", told(line));
        }
    }
}
