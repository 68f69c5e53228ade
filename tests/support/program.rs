//! A program that a test started: its lines with a deadline, its end by id.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use crate::support::LIMIT;

pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    /// What was printed on standard error, once it has ended.
    errors: Receiver<String>,
}

pub(crate) fn netloop(arguments: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_netloop");
    let mut command = Command::new(program);
    if is_hangup_ignored() {
        command = Command::new("env");
        command.args(["--default-signal=HUP", program]);
    }
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Whether the tests run below nohup(1): what they start inherits it.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| mask.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
}

impl Program {
    pub(crate) fn start(command: Command) -> Program {
        Program::start_into(Stdio::piped(), command)
    }

    /// With this as its standard output; there are lines to read only if it is a pipe of ours.
    pub(crate) fn start_into(output: Stdio, command: Command) -> Program {
        Program::start_with(Stdio::null(), output, command)
    }

    pub(crate) fn start_with(input: Stdio, output: Stdio, mut command: Command) -> Program {
        command.stdin(input).stdout(output).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (line, lines) = channel();
        let out = child.stdout.take();
        std::thread::spawn(move || {
            for read in out.into_iter().flat_map(|out| BufReader::new(out).lines()) {
                if read.is_err() || line.send(read.unwrap_or_default()).is_err() {
                    return;
                }
            }
        });
        let (text, errors) = channel();
        let mut err = child.stderr.take().expect("piped");
        std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = err.read_to_end(&mut all);
            let _ = text.send(String::from_utf8_lossy(&all).into_owned());
        });
        Program {
            child,
            lines,
            errors,
        }
    }

    pub(crate) fn netloop(arguments: &[&str]) -> Program {
        Program::start(netloop(arguments))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    /// The next line; none if it ends.
    pub(crate) fn line_if_any(&self) -> Option<String> {
        self.lines.recv_timeout(LIMIT).ok()
    }

    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.line(), line);
    }

    /// The port of `listening on N..`.
    #[track_caller]
    pub(crate) fn port(&self) -> u16 {
        let line = self.line();
        let port = line
            .strip_prefix("listening on ")
            .and_then(|rest| rest.strip_suffix(".."));
        port.and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("{line:?}"))
    }

    /// The port of `listening on N..`; none if it ends, or says that it does not listen.
    #[track_caller]
    pub(crate) fn port_if_any(&self) -> Option<u16> {
        let line = self.line_if_any()?;
        let port = line.strip_prefix("listening on ")?.strip_suffix("..")?;
        port.parse().ok()
    }

    /// Whether it waits for something: a loop that is run on has more to do.
    pub(crate) fn sleeps(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()));
        let stat = stat.expect("a living process");
        let (_, state) = stat.rsplit_once(") ").expect("its name, and its state");
        state.starts_with('S')
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for the end, and returns the status, the lines that were left, and standard error.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (ExitStatus, Vec<String>, String) {
        let start = Instant::now();
        let mut rest = Vec::new();
        // The pipe closes when the program ends.
        while let Ok(line) = self
            .lines
            .recv_timeout(LIMIT.saturating_sub(start.elapsed()))
        {
            rest.push(line);
        }
        let errors = self.errors.recv_timeout(LIMIT).expect("the program ends");
        let status = self.child.wait().expect("a child");
        (status, rest, errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
