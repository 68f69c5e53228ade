//! The log: on standard error, with the time left to whoever collects the lines. Each record is one line
//! that steers no terminal, whatever a path or a name in it holds.

use std::sync::OnceLock;

use env_filter::{Builder, Filter};
use log::{LevelFilter, Log, Metadata, Record};

use super::output;

static FILTER: OnceLock<Filter> = OnceLock::new();

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        FILTER.get().is_some_and(|filter| filter.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if FILTER.get().is_some_and(|filter| filter.matches(record)) {
            let (level, target) = (record.level(), record.target());
            output::complaint(&format!("[{level:<5} {target}] {}", record.args()));
        }
    }

    fn flush(&self) {}
}

/// Logs what `RUST_LOG` asks for; warnings and errors unless it is set.
pub(crate) fn start() {
    let wanted = std::env::var_os("RUST_LOG");
    let wanted = wanted
        .as_ref()
        .map_or("warn".into(), |wanted| wanted.to_string_lossy());
    let mut builder = Builder::new();
    let refusal = builder.try_parse(&wanted).err();
    if refusal.is_some() {
        builder.filter_level(LevelFilter::Warn);
    }
    let filter = FILTER.get_or_init(|| builder.build());
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(filter.filter());
    }
    if let Some(refusal) = refusal {
        log::warn!("RUST_LOG: {refusal}; warnings and errors are logged");
    }
}
