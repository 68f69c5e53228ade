//! What a record of the trace costs, while two sockets of a loop send sixteen bytes to and fro.

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use netloop::{EventLoop, Loop, Socket};

use super::{Run, timed};

/// Round trips in a slice.
const ROUNDS: u32 = 2000;

/// Who follows the loop.
#[derive(Clone, Copy)]
enum Follower {
    Nobody,
    /// A tracer that counts the records.
    Counter,
    /// A recording to where nothing is kept.
    Recorder,
}

/// Counts the lines and the bytes that are written to it.
#[derive(Clone, Default)]
struct Sink(Rc<Cell<[u64; 2]>>);

impl Sink {
    fn add(&self, lines: u64, bytes: u64) {
        let [before, size] = self.0.get();
        self.0.set([before + lines, size + bytes]);
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.add(lines as u64, bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn echo(socket: &mut Socket<'_>, chunk: &[u8]) {
    socket.write(chunk);
}

fn converse(event_loop: &mut Loop, rounds: u32) {
    let mut server = event_loop.create_server(|socket| {
        let server = socket.server().expect("it was accepted");
        socket.event_loop().server_at(server).close();
        socket.on_data(echo);
    });
    let port = server.listen_on(()).expect("good options").port();
    let port = port.expect("bound in the call");
    let mut client = event_loop
        .connect_to(("127.0.0.1", port))
        .expect("good options");
    let mut left = rounds;
    client.on_data(move |socket, chunk| {
        left -= 1;
        match left {
            0 => _ = socket.end(),
            _ => echo(socket, chunk),
        }
    });
    client.write([7; 16]);
}

/// The nanoseconds of all, the number of records, and the bytes of the recording.
fn slice(rounds: u32, follower: Follower) -> [f64; 3] {
    let mut event_loop = EventLoop::new().expect("a loop can be made");
    let sink = Sink::default();
    match follower {
        Follower::Nobody => {}
        Follower::Counter => {
            let count = sink.clone();
            event_loop.on_trace(move |_| count.add(1, 0));
        }
        Follower::Recorder => event_loop.record(sink.clone()).expect("it is written"),
    }
    converse(&mut event_loop, rounds);
    let time = timed(1, || event_loop.run().expect("nothing fails"));
    drop(event_loop);
    let [records, bytes] = sink.0.get();
    [time, records as f64, bytes as f64]
}

/// A short slice each, so that a broken bench is seen by `cargo test --benches`.
pub(crate) fn smoke() {
    assert_eq!(slice(3, Follower::Nobody)[1], 0.0);
    assert!(slice(3, Follower::Counter)[1] > 30.0);
    assert!(slice(3, Follower::Recorder)[2] > 1000.0);
}

/// Slices without either, with a tracer and with a recording take turns.
pub(crate) fn measure(run: &mut Run<'_>) {
    if !run.wants("records") {
        return;
    }
    let samples = run.arguments.pick(11, 41);
    let mut figures = [
        ("a record told", vec![]),
        ("a record written", vec![]),
        ("bytes a record", vec![]),
        ("ratio of a round trip, told", vec![]),
        ("ratio of a round trip, written", vec![]),
    ];
    for sample in 0..=samples {
        let [off, ..] = slice(ROUNDS, Follower::Nobody);
        let [told, count, _] = slice(ROUNDS, Follower::Counter);
        let [written, lines, bytes] = slice(ROUNDS, Follower::Recorder);
        // The first is the warm-up.
        if sample == 0 {
            continue;
        }
        let found = [
            (told - off) / count,
            (written - off) / lines,
            bytes / lines,
            told / off,
            written / off,
        ];
        for ((_, samples), figure) in figures.iter_mut().zip(found) {
            samples.push(figure);
        }
    }
    run.keep("records", figures);
}
