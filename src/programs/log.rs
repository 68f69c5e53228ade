//! The log: on standard error. Each record is one line that steers no terminal, whatever a path or a name
//! in it holds. It begins with the time, or, where journald reads it and stamps it itself, with the
//! priority (sd-daemon(3)).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};

use super::output;

/// For how long [`limit`] is the limit.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// What says how many lines were left out; it is left out never.
const LEFT_OUT: &str = "netloop::log";

/// How many more lines may be logged in this period, and how many were left out.
static ROOM: AtomicU64 = AtomicU64::new(u64::MAX);
static LEFT_OUT_LINES: AtomicU64 = AtomicU64::new(0);

/// Standard error, without a wait.
struct Complaints;

impl Write for Complaints {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        output::errors(&String::from_utf8_lossy(lines));
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs what `RUST_LOG` asks for; warnings and errors unless it is set.
pub(crate) fn start() {
    let wanted = std::env::var_os("RUST_LOG");
    let wanted = wanted
        .as_ref()
        .map_or("warn".into(), |wanted| wanted.to_string_lossy());
    let refusal = env_filter::Builder::new().try_parse(&wanted).err();
    let mut builder = Builder::new();
    match refusal {
        Some(_) => builder.filter_level(LevelFilter::Warn),
        None => builder.parse_filters(&wanted),
    };
    let is_journal = is_journal();
    builder
        .format(move |out, record| {
            let (level, target) = (record.level(), record.target());
            if level > Level::Error && target != LEFT_OUT && !has_room() {
                return Ok(());
            }
            let text = output::harmless(&record.args().to_string());
            match is_journal {
                true => write!(out, "<{}>", priority(level))?,
                false => write!(
                    out,
                    "{} ",
                    humantime::format_rfc3339_millis(SystemTime::now())
                )?,
            }
            writeln!(out, "[{level:<5} {target}] {text}")
        })
        .target(Target::Pipe(Box::new(Complaints)))
        .init();
    if let Some(refusal) = refusal {
        log::warn!("RUST_LOG: {refusal}; warnings and errors are logged");
    }
}

/// Lets so many lines be logged from now until it is called again. Errors always are.
pub(crate) fn limit(lines: u64) {
    ROOM.store(lines, Relaxed);
    tell_of_left_out();
}

/// Logs how many lines were left out, if any were.
pub(crate) fn tell_of_left_out() {
    let lines = LEFT_OUT_LINES.swap(0, Relaxed);
    if lines > 0 {
        log::warn!(target: LEFT_OUT, "--log-rate is reached, lines left out: {lines}");
    }
}

fn has_room() -> bool {
    let take = |room: u64| room.checked_sub(1);
    let has_room = ROOM.fetch_update(Relaxed, Relaxed, take).is_ok();
    if !has_room {
        LEFT_OUT_LINES.fetch_add(1, Relaxed);
    }
    has_room
}

/// Whether standard error is the stream that systemd has made for the journal (systemd.exec(5)).
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    let errors = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let file = errors.and_then(|errors| errors.metadata());
    file.is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
}

/// The priority of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}
