//! The log: on standard error, with the time left to whoever collects the lines. Each record is one line
//! that steers no terminal, whatever a path or a name in it holds.

use std::io::{self, Write};

use env_logger::{Builder, Target};
use log::LevelFilter;

use super::output;

/// Standard error, which holds up nobody.
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
    builder
        .format(|out, record| {
            let text = output::harmless(&record.args().to_string());
            writeln!(out, "[{:<5} {}] {text}", record.level(), record.target())
        })
        .target(Target::Pipe(Box::new(Complaints)))
        .init();
    if let Some(refusal) = refusal {
        log::warn!("RUST_LOG: {refusal}; warnings and errors are logged");
    }
}
