//! The command line: `netloop server`, `netloop client` and `netloop demo`.

#![forbid(unsafe_code)]

mod programs;

use std::io::Write;
use std::process::ExitCode;

use programs::{Run, options, output};

fn main() -> ExitCode {
    start_log();
    let arguments: Vec<String> = match arguments() {
        Ok(arguments) => arguments,
        Err(argument) => {
            return usage_error(&format!("netloop: {argument:?} is not UTF-8"));
        }
    };
    match options::parse(&arguments) {
        Ok(Run::Print(text)) => {
            output::text(&text);
            ExitCode::from(u8::from(output::is_lost()))
        }
        Ok(Run::Server(settings)) => programs::server::run(settings),
        Ok(Run::Client(settings)) => programs::client::run(settings),
        Ok(Run::Demo) => programs::demo::run(),
        Err(message) => usage_error(&message),
    }
}

/// On standard error, with the time left to whoever collects the lines. Each record is one line
/// that steers no terminal, whatever a path or a name in it holds.
fn start_log() {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
        .format(|out, record| {
            let text = output::harmless(&record.args().to_string());
            writeln!(out, "[{:<5} {}] {text}", record.level(), record.target())
        })
        .init();
}

fn arguments() -> Result<Vec<String>, std::ffi::OsString> {
    std::env::args_os()
        .skip(1)
        .map(std::ffi::OsString::into_string)
        .collect()
}

fn usage_error(message: &str) -> ExitCode {
    output::complaint(message);
    ExitCode::from(2)
}
