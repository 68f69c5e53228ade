//! A client in a process of its own, for workloads with more connections than one process may hold
//! to two servers: this executable again, told what to do in lines and answering in lines.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::client::{Client, Limit, Load, Slice, new_histogram};
use super::workload;

/// The variable that asks a bench executable to be a client: `PORT WORKLOAD`.
const LOAD: &str = "NETLOOP_BENCH_LOAD";

/// The other process.
pub(crate) struct RemoteClient {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl RemoteClient {
    /// Starts it and waits until it is connected.
    pub(crate) fn connect(port: u16, workload: workload::Workload) -> io::Result<RemoteClient> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(LOAD, format!("{port} {}", workload.name))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().expect("it was piped");
        let answers = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut client = RemoteClient {
            child,
            orders,
            answers,
        };
        client.answer()?;
        Ok(client)
    }

    fn ask(&mut self, order: &str) -> io::Result<String> {
        writeln!(self.orders, "{order}")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end().split_once(' ') {
            Some(("done", rest)) => Ok(rest.to_owned()),
            Some((_, error)) => Err(io::Error::other(error.to_owned())),
            None => Err(io::Error::other("the client process ended")),
        }
    }
}

impl Load for RemoteClient {
    fn slice(&mut self, limit: Limit) -> io::Result<Slice> {
        let answer = self.ask(&match limit {
            Limit::Time(time) => format!("time {}", time.as_nanos()),
            Limit::Messages(messages) => format!("messages {messages}"),
        })?;
        let mut numbers = numbers(&answer);
        let mut next = || numbers.next().unwrap_or_default();
        Ok(Slice {
            messages: next(),
            elapsed: Duration::from_nanos(next()),
        })
    }

    fn latencies(&mut self) -> io::Result<Histogram<u64>> {
        let answer = self.ask("latencies 0")?;
        let mut numbers = numbers(&answer);
        let mut histogram = new_histogram();
        while let (Some(value), Some(count)) = (numbers.next(), numbers.next()) {
            histogram.saturating_record_n(value, count);
        }
        Ok(histogram)
    }
}

impl Drop for RemoteClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbers(line: &str) -> impl Iterator<Item = u64> {
    line.split(' ').filter_map(|word| word.parse().ok())
}

/// Becomes the client that the environment asks for; `false` when it asks for none.
pub(crate) fn load_if_asked() -> bool {
    let Ok(order) = std::env::var(LOAD) else {
        return false;
    };
    if let Err(error) = obey(&order) {
        println!("failed {error}");
    }
    true
}

fn obey(order: &str) -> io::Result<()> {
    let unknown = || io::Error::other("an unknown order");
    let (port, name) = order.split_once(' ').ok_or_else(unknown)?;
    let workload = workload::ALL.into_iter().find(|known| known.name == name);
    let port = port.parse().map_err(|_| unknown())?;
    let mut client = Client::connect(port, workload.ok_or_else(unknown)?)?;
    println!("done connected");
    for line in io::stdin().lines() {
        let line = line?;
        let (verb, number) = line.split_once(' ').ok_or_else(unknown)?;
        let number = number.parse().map_err(|_| unknown())?;
        let answer = match verb {
            "time" => told(client.slice(Limit::Time(Duration::from_nanos(number)))?),
            "messages" => told(client.slice(Limit::Messages(number))?),
            "latencies" => recorded(&client.latencies()?),
            _ => return Err(unknown()),
        };
        println!("done {answer}");
    }
    Ok(())
}

fn told(slice: Slice) -> String {
    format!("{} {}", slice.messages, slice.elapsed.as_nanos())
}

fn recorded(histogram: &Histogram<u64>) -> String {
    histogram
        .iter_recorded()
        .fold(String::new(), |mut line, step| {
            let _ = write!(
                line,
                "{} {} ",
                step.value_iterated_to(),
                step.count_at_value()
            );
            line
        })
}
