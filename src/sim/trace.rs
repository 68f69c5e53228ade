//! The trace of a whole world: what each loop does, in one order.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Host, World};
use crate::Error;
use crate::kernel::sim::lock;
use crate::trace::{Queue, Record, What};

/// A record of the [trace](crate::trace) of a host's loop: see [`World::on_trace`]. Displayed, it is one line: the
/// time of the world in seconds, the name of the host, the subject, what happened, and the source line of the call
/// or of the callback.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TraceRecord<'a> {
    /// The host.
    pub host: Host,
    /// Its name.
    pub name: &'a str,
    /// The time of the world.
    pub at: Duration,
    /// The record itself. Its time, [`Record::at`], is that of the host's clock, which stands still while the
    /// machine does not run.
    pub record: Record<'a>,
}

impl World {
    /// Sets a tracer for all loops of the world: a function that is called with each record of their
    /// [traces](crate::trace), such as an event of the kernel, a call of the program, or a callback. Hosts that are
    /// added later have it, too, and so have the new loops after a [kill](World::kill). Each loop gets a clone of
    /// the function, which replaces its own tracer.
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use netloop::sim::World;
    /// use netloop::trace::What;
    ///
    /// let lines = Rc::new(RefCell::new(Vec::new()));
    /// let mut world = World::new(7);
    /// let noted = Rc::clone(&lines);
    /// world.on_trace(move |it| {
    ///     if matches!(it.record.what, What::Callback(_)) {
    ///         noted.borrow_mut().push(it.to_string()); // or println!("{it}")
    ///     }
    /// });
    /// let server = world.add_host("server")?;
    /// let client = world.add_host("client")?;
    /// world.event_loop(server).create_server(|socket| _ = socket.resume()).listen_on(8000)?;
    /// world.event_loop(client).connect_to(("server", 8000))?.on_connect(|socket| _ = socket.end());
    /// world.run()?;
    ///
    /// // `  0.003402 client   socket#3   callback: connect (src/client.rs:4)`
    /// let lines = lines.borrow();
    /// let connected = lines.iter().find(|line| line.contains("callback: connect"));
    /// assert!(connected.is_some_and(|line| line.contains("client ")), "{lines:#?}");
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn on_trace(&mut self, tracer: impl FnMut(&TraceRecord<'_>) + Clone + 'static) {
        let network = Arc::clone(&self.network);
        self.tracing = Some(Box::new(move |event_loop, host| {
            let (network, mut tracer) = (Arc::clone(&network), tracer.clone());
            let name = lock(&network).name(host.number).to_owned();
            event_loop.on_trace(move |record| {
                let at = lock(&network).now();
                tracer(&TraceRecord {
                    host,
                    name: &name,
                    at,
                    record: *record,
                });
            });
        }));
        (0..self.processes.len()).for_each(|number| self.trace(number));
    }

    /// Sets the tracer of a new loop.
    pub(super) fn trace(&mut self, number: usize) {
        if let Some(tracing) = &self.tracing {
            let host = Host {
                number,
                world: self.id,
            };
            tracing(&mut self.processes[number].event_loop, host);
        }
    }
}

impl fmt::Display for TraceRecord<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, subject) = (self.at.as_secs_f64(), self.record.subject.to_string());
        write!(out, "{at:>10.6} {:<8} {subject:<10} ", self.name)?;
        write_what(&self.record, out)?;
        match self.record.line {
            Some(line) => write!(out, " ({}:{})", line.file(), line.line()),
            None => Ok(()),
        }
    }
}

fn write_what(record: &Record<'_>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match record.what {
        What::Phase(name) => write!(out, "in the {name} phase"),
        What::Waits { timeout: None } => write!(out, "waits"),
        What::Waits {
            timeout: Some(most),
        } => write!(out, "waits, {most:?} at most"),
        What::Wait { ready: 0, .. } => write!(out, "waited: nothing is ready"),
        What::Wait { ready, .. } => write!(out, "waited: {ready} ready"),
        What::Readiness { epoll, .. } => write!(out, "ready: {epoll}"),
        What::Nothing(why) => write!(out, "nothing to do: {why}"),
        What::Again(why) => write!(out, "again: {why}"),
        What::Transition { from, input, to } => write!(out, "{from} ─{input:?}→ {to}"),
        What::Callback(name) => write!(out, "callback: {name}{}", Bytes(record.bytes)),
        What::Call(name) => write!(out, "calls {name}{}", Bytes(record.bytes)),
        What::Tick(work) => write!(out, "tick: {work}"),
        What::Done(None) => write!(out, "returned"),
        What::Done(Some(answer)) => write!(out, "returned {answer}"),
        What::System { name, errno: None } => write!(out, "{name}{}", Bytes(record.bytes)),
        What::System {
            name,
            errno: Some(errno),
        } => write!(out, "{name}: {}", error(errno)),
        What::Accepted { remote, .. } => write!(out, "accepted{}", With("from", remote)),
        What::Connected { remote, .. } => write!(out, "connected{}", With("to", remote)),
        What::Queued {
            queue: Queue::Timers(delay),
            work,
        } => write!(out, "queued in timers: {work}, for {delay:?}"),
        What::Queued { queue, work } => write!(out, "queued in {queue}: {work}"),
        What::Cleared => write!(out, "will not run"),
        What::Holds(true) => write!(out, "holds the loop"),
        What::Holds(false) => write!(out, "lets go of the loop"),
    }
}

/// A number of bytes, if there is one.
struct Bytes(Option<usize>);

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(1) => write!(out, ": 1 byte"),
            Some(count) => write!(out, ": {count} bytes"),
        }
    }
}

/// A preposition and an address, if there is one.
struct With<A>(&'static str, Option<A>);

impl<A: fmt::Display> fmt::Display for With<A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.1 {
            None => Ok(()),
            Some(address) => write!(out, " {} {address}", self.0),
        }
    }
}

/// The name of an error, or its words.
fn error(errno: i32) -> String {
    let error = io::Error::from_raw_os_error(errno);
    let words = error.to_string();
    match Error::from(error).code() {
        None | Some("UNKNOWN") => words,
        Some(code) => code.to_owned(),
    }
}
