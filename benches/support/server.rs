//! A server process under measurement: started, read from `/proc`, ended by its own id.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A server that says nothing for so long does not start any more; valgrind is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) port: u16,
    /// From the start of the process to the line that says so.
    pub(crate) start_time: Duration,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> io::Result<Server> {
        let begin = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().expect("it was piped"));
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|length| length > 0) {
                // Once the port is known, the rest is read and dropped: the pipe must not fill up.
                let _ = sender.send((std::mem::take(&mut line), Instant::now()));
            }
        });
        let mut server = Server {
            child,
            port: 0,
            start_time: Duration::ZERO,
        };
        while server.port == 0 {
            let (line, when) = receiver
                .recv_timeout(PATIENCE)
                .map_err(|_| io::Error::other("ended or silent before it listened"))?;
            server.port = port_in(&line).unwrap_or(0);
            server.start_time = when.duration_since(begin);
        }
        Ok(server)
    }

    fn process(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))
    }

    /// Waits until it sleeps, which it does when it has done all that was asked of it.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let begin = Instant::now();
        // Node's collector may go on for longer, and need not be waited for.
        while begin.elapsed() < Duration::from_millis(20) {
            let status = self.process("stat")?;
            if status
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('S'))
            {
                break;
            }
        }
        Ok(())
    }

    /// The processor time of all its threads, in nanoseconds as the scheduler counts it.
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        // The scheduler adds a stretch up when it ends.
        self.settle()?;
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may have ended since it was listed.
            let figures = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            let first = figures
                .split(' ')
                .next()
                .and_then(|word| word.parse::<u64>().ok());
            nanoseconds += first.unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The memory it holds, in bytes, pages of files included.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        self.memory("Rss:", "VmRSS:")
    }

    /// The part of it that is not pages of files.
    pub(crate) fn anonymous(&self) -> io::Result<u64> {
        self.memory("Anonymous:", "RssAnon:")
    }

    /// A figure of `smaps_rollup`, which walks the pages, or else of `status`, whose counters lag.
    fn memory(&self, walked: &str, counted: &str) -> io::Result<u64> {
        let (text, name) = match self.process("smaps_rollup") {
            Ok(text) => (text, walked),
            Err(_) => (self.process("status")?, counted),
        };
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes =
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes
            .map(|count| count * 1024)
            .ok_or_else(|| io::Error::other("no memory figure"))
    }

    /// Asks it to end, lets its client go, and waits until it has ended, so that what watches it
    /// can write its account.
    pub(crate) fn end<C>(mut self, client: C) -> io::Result<()> {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &process]).status()?;
        drop(client);
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port in `listening on N..`.
fn port_in(line: &str) -> Option<u16> {
    line.trim()
        .strip_prefix("listening on ")?
        .strip_suffix("..")?
        .parse()
        .ok()
}
