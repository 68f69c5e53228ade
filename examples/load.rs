//! A load generator for an echo server: some connections, each with one message in flight, for some
//! seconds; then it prints the rate and the latencies.
//!
//!     netloop server --echo --quiet --welcome= --port 8000
//!     cargo run --release --example load -- 8000 100 10

use std::time::{Duration, Instant};

use netloop::{Error, EventLoop, Loop, Socket, SocketId};

const MESSAGE: &[u8] = b"0123456789abcdef";

/// What has been measured.
#[derive(Default)]
struct Tally {
    sockets: Vec<SocketId>,
    /// How long each message took to come back.
    latencies: Vec<Duration>,
    errors: usize,
}

/// A message on its way: when it left, and how many of its bytes have come back.
struct Flight {
    left: Instant,
    returned: usize,
}

fn main() -> Result<(), Error> {
    let (port, connections, time) =
        arguments().ok_or_else(|| Error::new("usage: load PORT CONNECTIONS SECONDS"))?;
    let mut event_loop = EventLoop::new()?;
    event_loop.set_data(Tally::default());
    for _ in 0..connections {
        let mut socket = event_loop.connect(("127.0.0.1", port), send)?;
        socket
            .set_no_delay(true)
            .on_data(received)
            .on_error(|socket, error| failed(socket.event_loop(), error));
        let id = socket.id();
        event_loop.lend(|tally: &mut Tally, _| tally.sockets.push(id));
    }
    let start = Instant::now();
    event_loop.after(time, |event_loop| {
        event_loop.lend(|tally: &mut Tally, event_loop| {
            for socket in tally.sockets.drain(..) {
                event_loop.socket_at(socket).destroy();
            }
        });
    });
    event_loop.run()?;
    report(event_loop.take_data().unwrap_or_default(), start.elapsed());
    Ok(())
}

fn arguments() -> Option<(u16, usize, Duration)> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next()?.parse().ok()?;
    let connections = arguments.next()?.parse().ok()?;
    let time = Duration::try_from_secs_f64(arguments.next()?.parse().ok()?).ok()?;
    Some((port, connections, time))
}

fn send(socket: &mut Socket<'_>) {
    socket.set_data(Flight {
        left: Instant::now(),
        returned: 0,
    });
    socket.write(MESSAGE);
}

fn received(socket: &mut Socket<'_>, chunk: &[u8]) {
    let Some(flight) = socket.data_mut::<Flight>() else {
        return;
    };
    flight.returned += chunk.len();
    if flight.returned < MESSAGE.len() {
        return;
    }
    let latency = flight.left.elapsed();
    if let Some(tally) = socket.event_loop().data_mut::<Tally>() {
        tally.latencies.push(latency);
    }
    send(socket);
}

fn failed(event_loop: &mut Loop, error: &Error) {
    if let Some(tally) = event_loop.data_mut::<Tally>() {
        if tally.errors == 0 {
            eprintln!("{error}");
        }
        tally.errors += 1;
    }
}

fn report(mut tally: Tally, time: Duration) {
    tally.latencies.sort_unstable();
    let count = tally.latencies.len();
    let rate = count as f64 / time.as_secs_f64();
    println!(
        "{count} messages, {rate:.0} a second, {} errors",
        tally.errors
    );
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = (count as f64 * part) as usize;
        if let Some(latency) = tally.latencies.get(at) {
            println!("{name:>5}: {latency:.1?}");
        }
    }
}
