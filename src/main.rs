//! The command line: a command, and what its options say.

#![forbid(unsafe_code)]

mod programs;

use std::process::ExitCode;

use programs::{Run, log, options, output};

fn main() -> ExitCode {
    log::start();
    let code = run();
    output::finish();
    code
}

fn run() -> ExitCode {
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
        Ok(Run::Server(settings)) => programs::server::run(*settings),
        Ok(Run::Client(settings)) => programs::client::run(settings),
        Ok(Run::Demo(settings)) => programs::demo::run(&settings),
        Ok(Run::Lesson(settings)) => programs::lessons::run(&settings),
        Ok(Run::Show(settings)) => programs::show::run(&settings),
        Err(message) => usage_error(&message),
    }
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
