//! A record as it stands in a line of a recording.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::trace::{Queue, Record, What};

/// The keys of a record.
pub(super) fn line(record: &Record<'_>) -> Map<String, Value> {
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| _ = line.insert(key.to_owned(), value);
    put("n", record.number.into());
    if record.cause > 0 {
        put("c", record.cause.into());
    }
    if let Some(by) = record.by {
        put("by", by.into());
    }
    put("t", nanos(record.at));
    put("turn", record.turn.into());
    put("who", record.subject.to_string().into());
    if let Some(bytes) = record.bytes {
        put("bytes", bytes.into());
    }
    if let Some(at) = record.line {
        put("at", format!("{}:{}", at.file(), at.line()).into());
    }
    put("k", kind(&record.what).into());
    words(record.what, put);
    line
}

/// What stands in a line beside what every record has.
fn words(what: What<'_>, mut put: impl FnMut(&str, Value)) {
    match what {
        What::Phase(word) | What::Callback(word) | What::Call(word) | What::Tick(word) => {
            put("w", word.into());
        }
        What::Wait {
            timeout,
            waited,
            ready,
        } => {
            put("w", ready.into());
            put("ns", nanos(waited));
            if let Some(most) = timeout {
                put("most", nanos(most));
            }
        }
        What::Readiness { mio, epoll } => {
            put("w", mio.into());
            put("more", epoll.into());
        }
        What::Nothing(why) => put("w", why.to_string().into()),
        What::Again(why) => put("w", why.to_string().into()),
        What::Transition { from, input, to } => {
            put("w", format!("{input:?}").into());
            put("more", json!([from.to_string(), to.to_string()]));
        }
        What::Done(answer) => put("w", answer.into()),
        What::System { name, errno } => {
            put("w", name.into());
            if let Some(errno) = errno {
                put("errno", errno.into());
            }
        }
        What::Accepted { fd, local, remote } | What::Connected { fd, local, remote } => {
            put("w", fd.into());
            let address = |address: Option<std::net::SocketAddr>| address.map(|it| it.to_string());
            put("more", json!([address(local), address(remote)]));
        }
        What::Queued { queue, work } => {
            put("w", queue.to_string().into());
            put("more", work.into());
            if let Queue::Timers(delay) = queue {
                put("ns", nanos(delay));
            }
        }
        What::Cleared => {}
        What::Holds(holds) => put("w", holds.into()),
    }
}

fn kind(what: &What<'_>) -> &'static str {
    match what {
        What::Phase(_) => "phase",
        What::Wait { .. } => "wait",
        What::Readiness { .. } => "ready",
        What::Nothing(_) => "nothing",
        What::Again(_) => "again",
        What::Transition { .. } => "step",
        What::Callback(_) => "callback",
        What::Call(_) => "call",
        What::Tick(_) => "tick",
        What::Done(_) => "done",
        What::System { .. } => "system",
        What::Accepted { .. } => "accepted",
        What::Connected { .. } => "connected",
        What::Queued { .. } => "queued",
        What::Cleared => "cleared",
        What::Holds(_) => "holds",
    }
}

fn nanos(time: Duration) -> Value {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).into()
}
