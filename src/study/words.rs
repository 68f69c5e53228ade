//! What an entry says, in words.

use std::io;
use std::time::Duration;

use super::entry::{Entry, Kind};
use crate::Error;

/// A record in words, without its subject. Text from peers is not escaped: that is the caller's task.
///
/// ```
/// # use netloop::study::{Recording, describe};
/// let file = r#"{"netloop":1}
/// {"n":1,"k":"system","w":"send","bytes":2,"who":"socket#1"}
/// {"n":2,"k":"step","w":"EndCalled","more":["open","open (write ending)"],"who":"socket#1"}"#;
/// let told: Vec<String> = Recording::read(file.as_bytes()).entries.iter().map(describe).collect();
/// assert_eq!(told, ["send: 2 bytes", "─EndCalled→ open (write ending)"]);
/// ```
pub fn describe(entry: &Entry) -> String {
    let words = &entry.words;
    match &entry.kind {
        Kind::Waits => match entry.most {
            None => "waits".into(),
            Some(most) => format!("waits, {} at most", span(most)),
        },
        Kind::Wait => wait(entry),
        Kind::Ready => format!("ready: {words}"),
        Kind::Nothing => format!("nothing to do: {words}"),
        Kind::Again => format!("again: {words}"),
        Kind::Phase if words == "timers" => "a timer is due".into(),
        Kind::Phase => format!("in the {words} phase"),
        Kind::Step => step(entry),
        Kind::Callback => format!("callback: {words}{}", sized(entry)),
        Kind::Call => format!("calls {words}{}{}", sized(entry), payload(entry)),
        Kind::Tick => format!("tick: {words}"),
        Kind::System => match entry.errno {
            None => format!("{words}{}{}", sized(entry), payload(entry)),
            Some(errno) => format!("{words}: {}", error(errno)),
        },
        Kind::Done if words.is_empty() => "returned".into(),
        Kind::Done => format!("returned {words}"),
        Kind::Accepted => format!("accepted as descriptor {words}"),
        Kind::Connected => format!("connected as descriptor {words}"),
        Kind::Queued => queued(entry),
        Kind::Cleared => "will not run".into(),
        Kind::Holds if words == "false" => "lets go of the loop".into(),
        Kind::Holds => "holds the loop".into(),
        Kind::Stopped => format!("the recording ends: {words}"),
        Kind::Other(kind) => format!("{kind} {words}").trim_end().to_owned(),
    }
}

/// Words as they are of others too: without the descriptor.
///
/// ```
/// # use netloop::study::alike;
/// assert_eq!(alike("accepted as descriptor 9"), alike("accepted as descriptor 10"));
/// assert_eq!(alike("recv: 2 bytes"), "recv: 2 bytes");
/// ```
pub fn alike(words: &str) -> &str {
    words
        .rsplit_once(" as descriptor ")
        .map_or(words, |(words, _)| words)
}

fn step(entry: &Entry) -> String {
    let from = entry.more.first().map_or("", String::as_str);
    let to = entry.more.get(1).map_or("", String::as_str);
    let from = match word(from) {
        same if same == word(to) => String::new(),
        other => format!("{other} "),
    };
    format!("{from}─{}→ {to}", entry.words)
}

/// A state without its details, which stand in brackets.
fn word(state: &str) -> &str {
    state.split(" (").next().unwrap_or(state)
}

fn queued(entry: &Entry) -> String {
    let work = entry.more.first().map_or("", String::as_str);
    let delay = match entry.time {
        Some(delay) => format!(", for {}", span(delay)),
        None => String::new(),
    };
    format!("queued in {}: {work}{delay}", entry.words)
}

fn sized(entry: &Entry) -> String {
    match entry.bytes {
        None => String::new(),
        Some(1) => ": 1 byte".into(),
        Some(0) if entry.kind == Kind::System && entry.words == "recv" => ": the end".into(),
        Some(bytes) => format!(": {bytes} bytes"),
    }
}

/// How many characters of a payload stand in a line.
const SHOWN: usize = 40;

/// The beginning of the payload.
fn payload(entry: &Entry) -> String {
    let Some(payload) = &entry.payload else {
        return String::new();
    };
    let shown: String = payload.chars().take(SHOWN).collect();
    let is_all = shown.len() == payload.len() && entry.left.is_none();
    format!(" \"{shown}{}\"", if is_all { "" } else { "…" })
}

/// The name of an error, or its words.
fn error(errno: i32) -> String {
    // Not an error to Node, whose names the others have.
    if errno == libc::EINPROGRESS {
        return "EINPROGRESS".into();
    }
    let error = || io::Error::from_raw_os_error(errno);
    match Error::from(error()).code() {
        None | Some("UNKNOWN") => error().to_string(),
        Some(code) => code.to_owned(),
    }
}

fn wait(entry: &Entry) -> String {
    let how = match (entry.most, entry.time) {
        (Some(Duration::ZERO), _) => "looked without waiting".to_owned(),
        (_, waited) => format!("waited {}", millis(waited.unwrap_or_default())),
    };
    match entry.words.as_str() {
        "0" => format!("{how}: nothing ready"),
        ready => format!("{how}: {ready} ready"),
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// A length of time, as a reader would say it.
///
/// ```
/// # use netloop::study::span;
/// # use std::time::Duration;
/// assert_eq!(span(Duration::from_micros(1500)), "1 ms");
/// ```
pub fn span(time: Duration) -> String {
    match time.as_millis() {
        0 => format!("{} µs", time.as_micros()),
        1..10_000 => format!("{} ms", time.as_millis()),
        _ => format!("{} s", time.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn words_are_those_of_a_reader() {
        for (line, words) in [
            (r#""k":"wait","w":2,"ns":1500000"#, "waited 1.5 ms: 2 ready"),
            (
                r#""k":"wait","w":0,"ns":9,"most":0"#,
                "looked without waiting: nothing ready",
            ),
            (r#""k":"system","w":"recv","bytes":0"#, "recv: the end"),
            (
                r#""k":"system","w":"accept4","errno":11"#,
                "accept4: EAGAIN",
            ),
            (r#""k":"call","w":"write","bytes":1"#, "calls write: 1 byte"),
            (
                r#""k":"step","w":"Bound","more":["resolving","listening"]"#,
                "resolving ─Bound→ listening",
            ),
            (
                r#""k":"queued","w":"timers","more":"after","ns":10000000000"#,
                "queued in timers: after, for 10 s",
            ),
            (
                r#""k":"system","w":"recv","bytes":2,"payload":"hi""#,
                "recv: 2 bytes \"hi\"",
            ),
            (
                r#""k":"call","w":"write","bytes":70,"payload":"hi","left":68"#,
                "calls write: 70 bytes \"hi…\"",
            ),
            (r#""k":"done","w":false"#, "returned false"),
            (r#""k":"dream","w":"sheep","more":[{"x":1}]"#, "dream sheep"),
            (r#""k":"step""#, "─→ "),
        ] {
            assert_eq!(describe(&entry(&format!("{{\"n\":1,{line}}}"))), words);
        }
    }
}
