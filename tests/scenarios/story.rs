//! The helper of the twins: what `_h.js` is to the scripts.

#[cfg(feature = "study")]
#[path = "chains.rs"]
pub(crate) mod chains;

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use netloop::{Error, EventLoop, Loop, Server, Socket};

#[cfg(feature = "study")]
use self::chains::Chains;
use crate::peers::{self, new_loop};
use crate::support::{LIMIT, recorded, skipped};

/// A twin: its name, that of the script with underscores; then a closure over the transcript and
/// the event loop, `t` and `l`, which is played, and whose output is compared. Behind the name stands
/// what the twin needs of the real kernel, if anything.
#[allow(unused_macros, reason = "rows of Node's suite are no twins")]
macro_rules! twin {
    ($name:ident, $(Real::$real:ident,)? |$story:ident, $event_loop:ident| $play:block) => {
        #[test]
        fn $name() {
            $(if $crate::peers::lacks($crate::peers::Real::$real) {
                return;
            })?
            $crate::story::check(stringify!($name), |$story, $event_loop| $play);
        }
    };
}

pub(crate) const HOST: &str = "127.0.0.1";

const ENDLESS: &str = "the loop did not end by itself";

type Uncaught = Box<dyn FnMut(&mut EventLoop, Thrown)>;

/// What reaches Node's `uncaughtException`.
pub(crate) enum Thrown {
    Panic(String),
    Error(Error),
}

/// The transcript. It is leaked, so that every closure can have it.
pub(crate) struct Story {
    lines: RefCell<String>,
    uncaught: RefCell<Option<Uncaught>>,
    folder: RefCell<Option<PathBuf>>,
    goes_by_the_clock: Cell<bool>,
}

impl Story {
    pub(crate) fn log(&self, line: impl Display) {
        let mut lines = self.lines.borrow_mut();
        lines.push_str(&line.to_string());
        lines.push('\n');
    }

    /// `process.on('uncaughtException', …)`
    pub(crate) fn on_uncaught(&self, handler: impl FnMut(&mut EventLoop, Thrown) + 'static) {
        self.uncaught.replace(Some(Box::new(handler)));
    }

    /// A path for a socket, in a folder that goes with the test.
    pub(crate) fn sock_path(&self, name: &str) -> PathBuf {
        let mut folder = self.folder.borrow_mut();
        let folder = folder.get_or_insert_with(|| {
            let unique = format!("netloop-{}-{:p}", std::process::id(), self);
            let folder = std::env::temp_dir().join(unique);
            std::fs::create_dir(&folder).expect("a folder for the test");
            folder
        });
        folder.join(name)
    }

    /// Plays a twin in real time, because a thread or a process outside its loop takes real time.
    pub(crate) fn go_by_the_clock(&self, event_loop: &mut Loop) {
        self.goes_by_the_clock.set(true);
        event_loop.resume_time();
    }

    /// Runs the loop until it ends. Time moves only when nothing else is left to do, so that the output
    /// of a twin does not depend on the scheduler: `set_timeout` of 30 ms means "once all this has
    /// happened".
    fn run_through(&self, event_loop: &mut EventLoop) -> Result<(), Error> {
        if self.goes_by_the_clock.get() {
            return event_loop.run();
        }
        while {
            event_loop.run_for(LIMIT)?;
            event_loop.is_alive()
        } {}
        Ok(())
    }

    /// Runs the loop until it ends, as a Node process does.
    pub(crate) fn run(&self, event_loop: &mut EventLoop) {
        for _ in 0..100 {
            let thrown = match catch_unwind(AssertUnwindSafe(|| self.run_through(event_loop))) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => Thrown::Error(error),
                Err(panic) => {
                    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
                    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                    let text = text.expect("a panic with a message");
                    assert_ne!(text, ENDLESS, "so far:\n{}", self.lines.borrow());
                    Thrown::Panic(text)
                }
            };
            let mut handler = self.uncaught.borrow_mut();
            match (&mut *handler, thrown) {
                (Some(handler), thrown) => handler(event_loop, thrown),
                (None, Thrown::Error(error)) => panic!("uncaught {error:?}"),
                (None, Thrown::Panic(text)) => panic!("uncaught {text}"),
            }
        }
        panic!("too many exceptions");
    }
}

/// One value for all closures of a twin.
pub(crate) fn shared<T>(value: T) -> &'static Cell<T> {
    Box::leak(Box::new(Cell::new(value)))
}

/// A counter that counts up and tells.
pub(crate) fn count_up(count: &Cell<u32>) -> u32 {
    count.set(count.get() + 1);
    count.get()
}

/// Plays a twin and compares what it printed with what Node prints.
#[track_caller]
pub(crate) fn check(name: &str, play: impl FnOnce(&'static Story, &mut EventLoop)) {
    check_text(name, &recorded::expected(name), play);
}

/// Plays, and compares what was printed with this.
#[track_caller]
pub(crate) fn check_text(
    name: &str,
    expected: &str,
    play: impl FnOnce(&'static Story, &mut EventLoop),
) {
    if let Some(why) = recorded::cannot_run(name) {
        return skipped(name, why);
    }
    let story: &'static Story = Box::leak(Box::new(Story {
        lines: RefCell::default(),
        uncaught: RefCell::default(),
        folder: RefCell::default(),
        goes_by_the_clock: Cell::default(),
    }));
    let mut event_loop = new_loop();
    event_loop.pause_time();
    #[cfg(feature = "study")]
    let chains = Chains::follow(&mut event_loop);
    let limit = event_loop.set_timeout(LIMIT, |_| panic!("{ENDLESS}"));
    event_loop.unref_timer(limit);
    play(story, &mut event_loop);
    story.run(&mut event_loop);
    drop(event_loop);
    #[cfg(feature = "study")]
    chains.check(name);
    if let Some(folder) = story.folder.take() {
        std::fs::remove_dir_all(folder).expect("the folder of the test goes");
    }
    let told = story.lines.take();
    assert!(
        told == expected,
        "{name}\n--- expected:\n{expected}\n--- ours:\n{told}"
    );
}

/// `code syscall`, as the scripts print errors.
pub(crate) fn errs(error: &Error) -> String {
    let code = error.code().unwrap_or(error.name());
    match (error.syscall(), error.code()) {
        (Some(syscall), _) => format!("{code} {syscall}"),
        (None, Some(_)) => format!("{code} -"),
        (None, None) => format!("{code} {error}"),
    }
}

/// Adds a listener that logs, for each event named.
pub(crate) fn watch<'s, 'l>(
    story: &'static Story,
    who: &'static str,
    socket: &'s mut Socket<'l>,
    events: &str,
) -> &'s mut Socket<'l> {
    for event in events.split(' ') {
        watch_one(story, who, socket, event);
    }
    socket
}

/// The events that the scripts watch unless they say otherwise.
pub(crate) const DEFAULT: &str = "connect ready data end finish drain timeout error close";

fn watch_one(story: &'static Story, who: &'static str, socket: &mut Socket<'_>, event: &str) {
    let plain = |event: &'static str| move |_: &mut Socket<'_>| story.log(format!("{who} {event}"));
    match event {
        "connect" => socket.on_connect(plain("connect")),
        "ready" => socket.on_ready(plain("ready")),
        "end" => socket.on_end(plain("end")),
        "finish" => socket.on_finish(plain("finish")),
        "prefinish" => socket.on_prefinish(plain("prefinish")),
        "drain" => socket.on_drain(plain("drain")),
        "timeout" => socket.on_timeout(plain("timeout")),
        "resume" => socket.on_resume(plain("resume")),
        "data" => socket.on_data(move |_, chunk| story.log(format!("{who} {}", data(chunk)))),
        "error" => {
            socket.on_error(move |_, error| story.log(format!("{who} error {}", errs(error))))
        }
        "close" => socket.on_close(move |_, had_error| {
            story.log(format!("{who} close hadError={}", undefined(had_error)));
        }),
        "lookup" => socket.on_lookup(move |_, lookup| {
            let code = lookup
                .error
                .as_ref()
                .map_or("null", |error| error.code().unwrap());
            let address = lookup.address.map(|address| address.to_string());
            let family = lookup
                .address
                .map(|address| if address.is_ipv4() { 4 } else { 6 });
            let (address, family) = (undefined(address), undefined(family));
            story.log(format!(
                "{who} lookup err={code} {address} {family} {}",
                lookup.host
            ));
        }),
        "connectionAttempt" => socket.on_connection_attempt(move |_, attempt| {
            story.log(format!("{who} connectionAttempt {}", place(attempt)));
        }),
        "connectionAttemptTimeout" => socket.on_connection_attempt_timeout(move |_, attempt| {
            story.log(format!("{who} connectionAttemptTimeout {}", place(attempt)));
        }),
        "connectionAttemptFailed" => {
            socket.on_connection_attempt_failed(move |_, attempt, error| {
                let (place, error) = (place(attempt), errs(error));
                story.log(format!("{who} connectionAttemptFailed {place} {error}"));
            })
        }
        other => panic!("no event {other}"),
    };
}

fn place(attempt: &netloop::Attempt) -> String {
    match attempt.family {
        Some(family) => format!("{} port {family}", attempt.address),
        None => "PATH - -".into(),
    }
}

/// `data N "…"`
pub(crate) fn data(chunk: &[u8]) -> String {
    let text = String::from_utf8_lossy(chunk);
    let shown = if chunk.len() <= 40 {
        format!("{text:?}")
    } else {
        "\"...\"".into()
    };
    format!("data {} {shown}", chunk.len())
}

pub(crate) fn undefined(value: Option<impl Display>) -> String {
    value.map_or("undefined".into(), |value| value.to_string())
}

/// Adds a listener that logs, for each of a server's events.
pub(crate) fn watch_server<'s, 'l>(
    story: &'static Story,
    who: &'static str,
    server: &'s mut Server<'l>,
) -> &'s mut Server<'l> {
    server
        .on_listening(move |_| story.log(format!("{who} listening")))
        .on_connection(move |_| story.log(format!("{who} connection")))
        .on_drop(move |_, dropped| {
            let keys = "localAddress,localPort,localFamily,remoteAddress,remotePort,remoteFamily";
            let keys = if dropped.is_some() { keys } else { "undefined" };
            story.log(format!("{who} drop {keys}"));
        })
        .on_error(move |_, error| story.log(format!("{who} error {}", errs(error))))
        .on_close(move |_| story.log(format!("{who} close")))
}

/// Connects to a server of the same loop.
pub(crate) fn connect<'s>(server: &'s mut Server<'_>) -> Socket<'s> {
    let port = server.port().expect("a listening server");
    server
        .event_loop()
        .connect((HOST, port), |_| {})
        .expect("good options")
}

/// Closes the server that accepted this socket.
pub(crate) fn close_server(socket: &mut Socket<'_>) {
    let server = socket.server().expect("an accepted socket");
    socket.event_loop().server_at(server).close();
}

/// The same, and logs its `close`.
pub(crate) fn close_server_telling(story: &'static Story, socket: &mut Socket<'_>) {
    let server = socket.server().expect("an accepted socket");
    let log = move |_: &mut Server<'_>, _| story.log("server close");
    socket.event_loop().server_at(server).close_then(log);
}

/// A port of the loopback on which nothing listens, nor will: it stays bound as long as this
/// process lives.
pub(crate) fn closed_port(event_loop: &mut Loop, then: impl FnOnce(&mut Loop, u16) + 'static) {
    let (held, port) = peers::closed_port();
    std::mem::forget(held);
    event_loop.set_immediate(move |event_loop| then(event_loop, port));
}

/// Works for so long, and lets nothing else be done.
pub(crate) fn busy(event_loop: &mut Loop, millis: u64) {
    event_loop.advance(ms(millis));
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One marker in each queue.
pub(crate) fn markers(story: &'static Story, event_loop: &mut Loop, tag: &'static str) {
    event_loop.next_tick(move |_| story.log(format!("{tag} nextTick")));
    event_loop.queue_microtask(move |_| story.log(format!("{tag} microtask")));
    event_loop.set_immediate(move |_| story.log(format!("{tag} immediate")));
}
