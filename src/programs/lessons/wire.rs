//! The segments that a wire has carried, from the log that `tests/wire.py` writes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netloop::study::Segment;

/// The segments of a log.
pub(super) fn segments(log: &str, began: Option<SystemTime>) -> Vec<Segment> {
    let began = began.unwrap_or(UNIX_EPOCH);
    log.lines()
        .filter_map(|line| segment(line, began))
        .collect()
}

/// `1795925347.770387 52508 > ACK 1449 1 1448 lost`
fn segment(line: &str, began: SystemTime) -> Option<Segment> {
    let words: Vec<&str> = line.split(' ').collect();
    let [unix, port, way, flags, seq, ack, bytes, fate] = words[..] else {
        return None;
    };
    let unix = Duration::try_from_secs_f64(unix.parse().ok()?).ok()?;
    let at = UNIX_EPOCH.checked_add(unix)?.duration_since(began);
    let mut segment = Segment::default();
    segment.at = at.unwrap_or_default();
    segment.is_clients = way == ">";
    segment.port = port.parse().ok()?;
    segment.flags = flags.to_owned();
    segment.seq = seq.parse().ok()?;
    segment.ack = ack.parse().ok()?;
    segment.bytes = bytes.parse().ok()?;
    segment.is_lost = fate == "lost";
    Some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_line_by_line() {
        let log = "3.5 9 > SYN 0 0 0 carried\n4 9 > ACK 1449 1 1448 lost\nno\n\
                   9 9 < FIN,ACK 1 6002 0 carried";
        let found = segments(log, UNIX_EPOCH.checked_add(Duration::from_secs(3)));
        let words: Vec<String> = found.iter().map(Segment::words).collect();
        assert_eq!(words, ["SYN", "bytes 1449 to 2896", "FIN ACK 6002"]);
        let ways: Vec<bool> = found.iter().map(|it| it.is_clients).collect();
        assert_eq!(ways, [true, true, false]);
        assert_eq!(found[0].at, Duration::from_millis(500));
        assert!(found[1].is_lost && found[2].has("FIN") && found[0].port == 9);
    }
}
