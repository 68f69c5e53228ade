//! Counts that no noisy neighbour can blur: system calls and user instructions a message.
//!
//! A server runs twice under the counting tool, for a few messages and for many on as many
//! connections; the difference divided by the messages between leaves out its start, its
//! connections and its end.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::client::{Client, Limit, Load};
use super::machine;
use super::peers::Peer;
use super::workload::Workload;

/// The few messages, after which tables have grown and caches are filled.
const FEW: u64 = 1_000;

/// The many.
const MANY: u64 = 3_000;

/// A tool that has seen its server end writes its account within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a floor may cost at most in its own instructions, or it is none.
const FLOOR_INSTRUCTIONS: f64 = 60.0;

/// System calls a message by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct SystemCalls(BTreeMap<String, f64>);

impl SystemCalls {
    /// All but the waits.
    pub(crate) fn beside_waits(&self) -> f64 {
        self.0
            .iter()
            .filter(|(name, _)| !is_wait(name))
            .map(|(_, count)| count)
            .sum()
    }

    /// The waits.
    pub(crate) fn waits(&self) -> f64 {
        self.0
            .iter()
            .filter(|(name, _)| is_wait(name))
            .map(|(_, count)| count)
            .sum()
    }

    /// Name and count of each, where it counts.
    pub(crate) fn by_name(&self) -> String {
        let shown = self.0.iter().filter(|(_, count)| **count >= 0.005);
        shown
            .map(|(name, count)| format!("{name} {count:.2}"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn is_wait(name: &str) -> bool {
    name.starts_with("epoll_wait") || name.starts_with("epoll_pwait")
}

/// Counts system calls with strace.
pub(crate) fn system_calls(peer: &Peer, workload: Workload) -> Result<SystemCalls, String> {
    if !machine::has("strace") {
        return Err("no strace".to_owned());
    }
    let count = |messages| {
        // The tracer detached, so that the process started is the server itself.
        let account = watched(peer, workload, messages, |file| {
            ["strace", "-D", "-f", "-c", "-U", "name,calls", "-o", file]
                .map(str::to_owned)
                .into()
        })?;
        let text = finished(&account, |text| text.contains("\ntotal "))?;
        Ok(text
            .lines()
            .filter_map(call_count)
            .collect::<BTreeMap<_, _>>())
    };
    let (few, many) = both(count)?;
    let difference = many.into_iter().map(|(name, calls)| {
        let before = few.get(&name).copied().unwrap_or(0.0);
        (name, (calls - before) / (MANY - FEW) as f64)
    });
    Ok(SystemCalls(difference.collect()))
}

/// A line `name calls` of the account; not its heading and not its total.
fn call_count(line: &str) -> Option<(String, f64)> {
    let (name, calls) = line.trim().split_once(' ')?;
    let calls = calls.trim().parse().ok()?;
    (name != "total").then(|| (name.to_owned(), calls))
}

/// Counts user instructions with callgrind.
pub(crate) fn user_instructions(peer: &Peer, workload: Workload) -> Result<f64, String> {
    if !machine::has("valgrind") {
        return Err("no valgrind".to_owned());
    }
    let count = |messages| {
        let account = watched(peer, workload, messages, |file| {
            let file = format!("--callgrind-out-file={file}");
            vec![
                "valgrind".to_owned(),
                "-q".to_owned(),
                "--tool=callgrind".to_owned(),
                file,
            ]
        })?;
        let text = finished(&account, |text| total(text).is_some())?;
        total(&text).ok_or_else(|| io::Error::other("no total"))
    };
    let (few, many) = both(count)?;
    Ok((many - few) / (MANY - FEW) as f64)
}

fn total(account: &str) -> Option<f64> {
    account
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
}

/// The two runs.
fn both<T>(count: impl Fn(u64) -> io::Result<T>) -> Result<(T, T), String> {
    let told = |error: io::Error| error.to_string();
    Ok((count(FEW).map_err(told)?, count(MANY).map_err(told)?))
}

/// One run under a tool that writes its account into the file it is told.
fn watched(
    peer: &Peer,
    workload: Workload,
    messages: u64,
    tool: impl Fn(&str) -> Vec<String>,
) -> io::Result<PathBuf> {
    let account = machine::folder().join("account");
    let _ = fs::remove_file(&account);
    let prefix = tool(&account.display().to_string());
    let server = peer.start_under(&prefix.iter().map(String::as_str).collect::<Vec<_>>())?;
    let mut client = Client::connect(server.port, workload)?;
    client.slice(Limit::Messages(messages))?;
    // It is to end between two messages, and before it sees its connections go.
    server.settle()?;
    server.end(client)?;
    Ok(account)
}

/// The account once it is whole: the tool may outlive its server by a moment.
fn finished(account: &Path, whole: impl Fn(&str) -> bool) -> io::Result<String> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let text = fs::read_to_string(account).unwrap_or_default();
        if whole(&text) {
            return Ok(text);
        }
        std::thread::yield_now();
    }
    Err(io::Error::other("the counting tool left no account"))
}

/// Whether the floor is one: no peer can be judged against a baseline that does more than it must.
pub(crate) fn prove_floor(calls: &SystemCalls, instructions: f64) -> Result<String, String> {
    let beside_waits = calls.beside_waits();
    let waits = calls.waits();
    let said = format!(
        "floor: {instructions:.0} user instructions, {beside_waits:.2} calls + {waits:.2} waits a \
         message"
    );
    if instructions <= FLOOR_INSTRUCTIONS && (beside_waits - 2.0).abs() < 0.01 {
        Ok(said)
    } else {
        Err(format!(
            "{said}: not a floor (at most {FLOOR_INSTRUCTIONS} and 2.00), the run is void"
        ))
    }
}
