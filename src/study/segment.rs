//! The segments of TCP that a wire has carried while a recording was made.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::entry::{Entry, Kind};
use super::line::nanos;

/// A segment of TCP on a wire between a client and a server. In a [recording](crate::study) it has a line of
/// its own, which is no record.
///
/// ```
/// use netloop::study::Recording;
///
/// let file = r#"{"netloop":1}
/// {"k":"segment","t":5000,"who":"client","port":4711,"w":"ACK","seq":1,"ack":1,"bytes":10,"lost":true}"#;
/// let recording = Recording::read(file.as_bytes());
/// let segment = &recording.segments[0];
/// assert!(segment.is_clients && segment.is_lost && segment.has("ACK"));
/// assert_eq!(segment.words(), "bytes 1 to 10");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Segment {
    /// When it was sent, since the recording began.
    pub at: Duration,
    /// Whether the client has sent it, and not the server.
    pub is_clients: bool,
    /// The client's port, by which the segments of several connections are told apart.
    pub port: u16,
    /// `SYN,ACK`.
    pub flags: String,
    /// The place of its first byte in the stream of its sender. The SYN has place 0.
    pub seq: u64,
    /// The place in the other stream up to which everything was received.
    pub ack: u64,
    /// How many bytes of the stream it has.
    pub bytes: u64,
    /// Whether the wire has lost it.
    pub is_lost: bool,
}

impl Segment {
    /// Whether it has a flag, such as `SYN`.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.split(',').any(|it| it == flag)
    }

    /// What it carries, in words.
    pub fn words(&self) -> String {
        match self.bytes {
            0 if self.has("ACK") => format!("{} {}", self.flags.replace(',', " "), self.ack),
            0 => self.flags.replace(',', " "),
            1 => format!("byte {}", self.seq),
            bytes => format!("bytes {} to {}", self.seq, self.seq + bytes - 1),
        }
    }

    /// Its line in a recording.
    pub fn line(&self) -> String {
        let who = if self.is_clients { "client" } else { "server" };
        let lost = if self.is_lost { ",\"lost\":true" } else { "" };
        let flags = Value::from(self.flags.as_str());
        format!(
            "{{\"k\":\"segment\",\"t\":{},\"who\":\"{who}\",\"port\":{},\"w\":{flags},\"seq\":{},\"ack\":{},\"bytes\":{}{lost}}}\n",
            nanos(self.at),
            self.port,
            self.seq,
            self.ack,
            self.bytes,
        )
    }

    /// What stands in a line, if it is that of a segment.
    pub(super) fn of(line: &Map<String, Value>) -> Option<Segment> {
        let is_segment = line.get("k").is_some_and(|kind| kind == "segment");
        if !is_segment || line.contains_key("n") {
            return None;
        }
        let text = |key| line.get(key).and_then(Value::as_str).unwrap_or_default();
        // A place in a stream of TCP has 32 bits.
        let number = |key| line.get(key).and_then(Value::as_u64).unwrap_or(0);
        let place = |key| number(key).min(u64::from(u32::MAX));
        Some(Segment {
            at: Duration::from_nanos(number("t")),
            is_clients: text("who") == "client",
            port: u16::try_from(number("port")).unwrap_or(0),
            flags: text("w").to_owned(),
            seq: place("seq"),
            ack: place("ack"),
            bytes: place("bytes"),
            is_lost: line.get("lost").is_some_and(|lost| *lost == true),
        })
    }
}

/// Of each segment, whether its sender sends again what it has sent before.
pub(super) fn sent_again(segments: &[Segment]) -> Vec<bool> {
    let mut seen = HashMap::new();
    let mut is_again = |it: &Segment| {
        let counts = it.bytes > 0 || it.has("SYN") || it.has("FIN");
        let is = (end(it.port, it.is_clients), it.has("SYN"), it.seq, it.bytes);
        counts && seen.insert(format!("{is:?}"), 0_u64).is_some()
    };
    segments.iter().map(&mut is_again).collect()
}

/// The name of an end of a connection.
fn end(port: u16, is_clients: bool) -> String {
    format!("{port} {is_clients}")
}

/// What one end of a connection has asked its kernel to send.
#[derive(Default)]
struct Sender {
    /// The record of the connect.
    begin: u64,
    /// The records of what was sent, and how many bytes had been sent with each.
    sent: Vec<(u64, u64)>,
    /// The record that has ended it.
    end: u64,
}

/// Of each segment, the record of the system call that has had it sent. It is 0 if there is none: the kernel
/// answers by itself.
pub(super) fn origins(entries: &[Entry], segments: &[Segment]) -> Vec<u64> {
    let (senders, places) = match segments.is_empty() {
        true => return Vec::new(),
        false => senders(entries),
    };
    let origin = |it: &Segment| {
        let place = *places.get(&end(it.port, it.is_clients))?;
        let sender = senders.get(usize::try_from(place).ok()?)?;
        if it.bytes > 0 {
            let mut sent = sender.sent.iter();
            // The SYN has a place in the stream, too.
            let found = sent.find(|(_, until)| *until >= it.seq);
            return found.map(|(number, _)| *number);
        }
        match (it.has("SYN"), it.has("FIN")) {
            (true, _) => Some(sender.begin),
            (_, true) => Some(sender.end),
            _ => None,
        }
    };
    segments.iter().map(|it| origin(it).unwrap_or(0)).collect()
}

/// The ends of the connections, and the place of each by its name and by that of its socket.
fn senders(entries: &[Entry]) -> (Vec<Sender>, HashMap<String, u64>) {
    let mut places: HashMap<String, u64> = HashMap::new();
    let mut count = 0;
    for entry in entries {
        let (address, is_clients) = match entry.kind {
            Kind::Connected => (entry.more.first(), true),
            Kind::Accepted => (entry.more.get(1), false),
            _ => continue,
        };
        let port = address.and_then(|it| it.rsplit(':').next()?.parse().ok());
        if let Some(port) = port {
            places.insert(end(port, is_clients), count);
            places.insert(entry.who.clone(), count);
            count += 1;
        }
    }
    let mut senders: Vec<Sender> = (0..count).map(|_| Sender::default()).collect();
    for entry in entries.iter().filter(|entry| entry.kind == Kind::System) {
        let place = places.get(&entry.who).map(|place| *place as usize);
        if let Some(sender) = place.and_then(|place| senders.get_mut(place)) {
            sender.follow(entry);
        }
    }
    (senders, places)
}

impl Sender {
    /// A system call.
    fn follow(&mut self, entry: &Entry) {
        match (&*entry.words, entry.bytes) {
            ("connect", _) => self.begin = entry.number,
            ("send", Some(bytes)) => {
                let before = self.sent.last().map_or(0, |(_, until)| *until);
                self.sent.push((entry.number, before.saturating_add(bytes)));
            }
            ("shutdown" | "close", _) if self.end == 0 => self.end = entry.number,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::numbered;
    use super::*;

    fn segment(is_clients: bool, flags: &str, seq: u64, bytes: u64) -> Segment {
        Segment {
            port: 5,
            is_clients,
            flags: flags.into(),
            seq,
            bytes,
            ..Segment::default()
        }
    }

    #[test]
    fn a_segment_is_read_as_it_was_written() {
        for is_lost in [false, true] {
            let segment = Segment {
                at: Duration::from_nanos(7),
                ack: 9,
                is_lost,
                ..segment(true, "FIN,ACK", 3, 2)
            };
            let line = serde_json::from_str(&segment.line()).unwrap();
            assert_eq!(Segment::of(&line), Some(segment));
        }
    }

    #[test]
    fn a_segment_leads_to_the_call_that_had_it_sent() {
        let lines = [
            r#""k":"system","w":"connect","errno":115,"who":"socket#1""#,
            r#""k":"connected","more":["1.1.1.1:5","1.1.1.2:80"],"who":"socket#1""#,
            r#""k":"system","w":"send","bytes":3,"who":"socket#1""#,
            r#""k":"system","w":"send","bytes":4,"who":"socket#1""#,
            r#""k":"system","w":"shutdown","who":"socket#1""#,
            r#""k":"accepted","more":["1.1.1.1:80","1.1.1.2:5"],"who":"socket#2""#,
            r#""k":"system","w":"send","bytes":9,"who":"socket#2""#,
            r#""k":"system","w":"send","bytes":9,"who":"socket#3""#,
        ];
        let entries = numbered(&lines);
        let segments = [
            segment(true, "SYN", 0, 0),
            segment(false, "SYN,ACK", 0, 0),
            segment(true, "ACK", 1, 3),
            segment(true, "ACK", 4, 4),
            segment(true, "ACK", 1, 3),
            segment(false, "ACK", 1, 0),
            segment(false, "ACK", 1, 9),
            segment(true, "FIN,ACK", 8, 0),
        ];
        assert_eq!(origins(&entries, &segments), [1, 0, 3, 4, 3, 0, 7, 5]);
        let again = sent_again(&segments);
        let again: Vec<usize> = (0..segments.len()).filter(|at| again[*at]).collect();
        assert_eq!(again, [4]);
    }
}
