//! The machine beneath: its processors and where to pin what, its limits, its description, and
//! where the suite keeps what it builds and finds out.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The processor that servers run on.
pub(crate) const SERVER_PROCESSOR: usize = 0;

/// The folder of everything the suite writes, `target/netloop-bench`.
pub(crate) fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("netloop-bench");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Whether a program can be started by its name.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What a program prints, trimmed; `None` when it is missing or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// How many processors this process may use before it pins itself.
fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The Node to measure: `NETLOOP_NODE`, or the one on the path.
pub(crate) fn node() -> String {
    std::env::var("NETLOOP_NODE").unwrap_or_else(|_| "node".to_owned())
}

/// Whether servers and clients get a processor each.
pub(crate) fn can_pin() -> bool {
    has("taskset") && processors() > 1
}

/// Moves this process, the client, off the servers' processor and lifts its limit of descriptors
/// as far as it may be lifted, for itself and for every server it starts.
pub(crate) fn prepare() {
    let process = std::process::id().to_string();
    if can_pin() {
        output(
            "taskset",
            &["-pc", &client_processor().to_string(), &process],
        );
    }
    let hard = descriptor_limits().1;
    output(
        "prlimit",
        &["--pid", &process, &format!("--nofile={hard}:{hard}")],
    );
}

/// The first processor that is not the servers' own core under another name.
fn client_processor() -> usize {
    let siblings =
        format!("/sys/devices/system/cpu/cpu{SERVER_PROCESSOR}/topology/thread_siblings_list");
    let siblings = fs::read_to_string(siblings).unwrap_or_default();
    let shares_core = |processor: usize| {
        siblings
            .trim()
            .split([',', '-'])
            .any(|name| name.parse() == Ok(processor))
    };
    (1..processors())
        .find(|&processor| !shares_core(processor))
        .unwrap_or(1)
}

/// How many descriptors this process may hold: now, and at most.
pub(crate) fn descriptor_limits() -> (usize, usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut numbers = line
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse());
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(1024);
    (next(), next())
}

/// One line that says where the figures come from.
pub(crate) fn description() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let count = processors();
    let pinned = if can_pin() {
        "server and client pinned apart"
    } else {
        "not pinned"
    };
    format!(
        "{count} processors of {model}, Linux {}, {pinned}",
        kernel.trim()
    )
}
