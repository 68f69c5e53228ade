//! A record as it stands in a line of a recording.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::payload::escaped;
use crate::trace::{Queue, Record, What};

/// The keys of a record, with so many bytes of its payload.
pub(super) fn line(record: &Record<'_>, payload: usize) -> Map<String, Value> {
    let mut line = Map::new();
    keys(record, payload, |key, value| {
        _ = line.insert(key.to_owned(), value)
    });
    line
}

/// Appends the line of a record, with what the program has printed before it, without a map in between.
pub(super) fn write(record: &Record<'_>, payload: usize, prints: &[String], line: &mut Vec<u8>) {
    let mut mark = b'{';
    let mut put = |key: &str, value: Value| {
        line.push(mark);
        mark = b',';
        line.push(b'"');
        line.extend_from_slice(key.as_bytes());
        line.extend_from_slice(b"\":");
        // Neither text nor a number fails, and memory takes it.
        _ = serde_json::to_writer(&mut *line, &value);
    };
    keys(record, payload, &mut put);
    if !prints.is_empty() {
        put("prints", prints.into());
    }
    line.extend_from_slice(b"}\n");
}

/// Tells each key of a record, with its value.
fn keys(record: &Record<'_>, payload: usize, mut put: impl FnMut(&str, Value)) {
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
    if let Some(bytes) = record.payload.filter(|_| payload > 0) {
        let (shown, left) = bytes.split_at(bytes.len().min(payload));
        put("payload", escaped(shown).into());
        if !left.is_empty() {
            put("left", left.len().into());
        }
    }
    if let Some(at) = record.line {
        put("at", format!("{}:{}", at.file(), at.line()).into());
    }
    put("k", kind(&record.what).into());
    words(record.what, put);
}

/// What stands in a line beside what every record has.
fn words(what: What<'_>, mut put: impl FnMut(&str, Value)) {
    match what {
        What::Phase(word) | What::Callback(word) | What::Call(word) | What::Tick(word) => {
            put("w", word.into());
        }
        What::Waits { timeout } => put_most(timeout, put),
        What::Wait {
            timeout,
            waited,
            ready,
        } => {
            put("w", ready.into());
            put("ns", nanos(waited));
            put_most(timeout, put);
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

/// How long a wait takes at most, unless it is for ever.
fn put_most(timeout: Option<Duration>, mut put: impl FnMut(&str, Value)) {
    if let Some(most) = timeout {
        put("most", nanos(most));
    }
}

fn kind(what: &What<'_>) -> &'static str {
    match what {
        What::Phase(_) => "phase",
        What::Waits { .. } => "waits",
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

pub(super) fn nanos(time: Duration) -> Value {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::mpsc;
    use std::time::Duration;

    use serde_json::{Map, Value};

    use super::{line, write};
    use crate::{EventLoop, Loop};

    /// What stands in backquotes.
    fn quoted(text: &str) -> BTreeSet<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    /// The keys of a record and the values of `k`, as the page tells them.
    fn on_the_page() -> [BTreeSet<String>; 2] {
        let page = include_str!("mod.rs");
        let (_, table) = page.split_once("| key of a record |").expect("a table");
        let mut keys = BTreeSet::new();
        let mut kinds = BTreeSet::new();
        for row in table
            .lines()
            .skip(2)
            .map_while(|row| row.strip_prefix("//! | "))
        {
            let (of, meaning) = row.split_once(" | ").expect("two cells");
            keys.extend(quoted(of));
            if of == "`k`" {
                kinds = quoted(meaning);
            }
        }
        [keys, kinds]
    }

    /// A conversation in which everything happens that a recording may tell.
    fn converse(l: &mut Loop) {
        let mut server = l.create_server(|socket| {
            let server = socket.server().unwrap();
            socket.event_loop().server_at(server).close();
            socket.write(vec![7; 8 << 20]);
            socket.on_drain(|socket| _ = socket.end()).pause();
        });
        let port = server.listen_on(()).unwrap().port().unwrap();
        let mut client = l.connect_to(("127.0.0.1", port)).unwrap();
        client.on_data(|socket, _| {
            socket.write("x");
        });
        let timer = l.set_timeout(Duration::from_secs(9), |_| {});
        l.unref_timer(timer);
        l.clear_timeout(timer);
        l.after(Duration::from_millis(1), |_| {});
    }

    #[test]
    fn what_is_written_is_what_the_page_says() {
        let [keys, mut kinds] = on_the_page();
        let names = super::super::entry::NAMES.each_ref();
        let names = names.map(|(_, name)| (*name).to_owned());
        assert_eq!(kinds, BTreeSet::from(names));
        // It stands for what was not recorded.
        kinds.remove("stopped");
        let mut event_loop = EventLoop::new().unwrap();
        let (sender, lines) = mpsc::channel();
        event_loop.on_trace(move |record| {
            let mut text = Vec::new();
            let prints = ["hi".to_owned()];
            write(record, 4, &prints, &mut text);
            let mut read: Map<String, Value> = serde_json::from_slice(&text).unwrap();
            assert_eq!(read.remove("prints"), Some(["hi"].into()));
            assert_eq!(read, line(record, 4));
            sender.send(read).unwrap();
        });
        converse(&mut event_loop);
        event_loop.run().unwrap();
        let lines: Vec<Map<String, Value>> = lines.try_iter().collect();
        let mut written: BTreeSet<String> = lines.iter().flat_map(Map::keys).cloned().collect();
        written.insert("prints".into());
        assert_eq!(keys, written);
        let written = lines.iter().filter_map(|line| line["k"].as_str());
        assert_eq!(kinds, written.map(str::to_owned).collect());
    }
}
