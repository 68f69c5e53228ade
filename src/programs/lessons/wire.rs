//! What a wire has carried, as its log tells: `tests/wire.py` writes it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A segment of TCP.
#[derive(Debug, PartialEq)]
pub(super) struct Segment {
    /// When it was sent, since the run began.
    pub(super) at: Duration,
    pub(super) is_clients: bool,
    /// `SYN,ACK`.
    pub(super) flags: String,
    /// Its place in the stream, and what of the other stream was received in order.
    pub(super) seq: u64,
    pub(super) ack: u64,
    /// How many bytes of the stream it has.
    pub(super) bytes: u64,
    pub(super) is_lost: bool,
}

/// The segments of a log.
pub(super) fn segments(log: &str, began: Option<SystemTime>) -> Vec<Segment> {
    let began = began.unwrap_or(UNIX_EPOCH);
    log.lines()
        .filter_map(|line| segment(line, began))
        .collect()
}

/// `1795925347.770387 > ACK 1449 1 1448 lost`
fn segment(line: &str, began: SystemTime) -> Option<Segment> {
    let words: Vec<&str> = line.split(' ').collect();
    let [unix, way, flags, seq, ack, bytes, fate] = words[..] else {
        return None;
    };
    let unix = Duration::try_from_secs_f64(unix.parse().ok()?).ok()?;
    let at = UNIX_EPOCH.checked_add(unix)?.duration_since(began);
    Some(Segment {
        at: at.unwrap_or_default(),
        is_clients: way == ">",
        flags: flags.to_owned(),
        seq: seq.parse().ok()?,
        ack: ack.parse().ok()?,
        bytes: bytes.parse().ok()?,
        is_lost: fate == "lost",
    })
}

impl Segment {
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.split(',').any(|it| it == flag)
    }

    /// What it says.
    pub(super) fn words(&self) -> String {
        let way = match self.is_clients {
            true => "client → server",
            false => "client ← server",
        };
        let mut words = match self.bytes {
            0 => format!("{way}  {}", self.flags.replace(',', " ")),
            bytes => format!("{way}  bytes {} to {}", self.seq, self.seq + bytes - 1),
        };
        if self.bytes == 0 && self.has("ACK") {
            words.push_str(&format!(" {}", self.ack));
        }
        if self.is_lost {
            words.push_str("  LOST");
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_line_by_line() {
        let log =
            "3.5 > SYN 0 0 0 carried\n4 > ACK 1449 1 1448 lost\nno\n9 < FIN,ACK 1 6002 0 carried";
        let found = segments(log, UNIX_EPOCH.checked_add(Duration::from_secs(3)));
        let words: Vec<String> = found.iter().map(Segment::words).collect();
        let expected = [
            "client → server  SYN",
            "client → server  bytes 1449 to 2896  LOST",
            "client ← server  FIN ACK 6002",
        ];
        assert_eq!(words, expected);
        assert_eq!(found[0].at, Duration::from_millis(500));
        assert!(found[1].is_lost && found[2].has("FIN"));
    }
}
