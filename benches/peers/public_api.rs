//! Ourselves as a stranger's program: an echo on the public API with Node's defaults, and with
//! listeners for all that a careful program listens to, each capturing sixteen bytes.

use std::hint::black_box;
use std::io;

use netloop::{Error, EventLoop, ListenOptions, ServerOptions};

/// Serves on the loopback address until the process is ended.
pub(crate) fn serve() -> io::Result<()> {
    run().map_err(|error| io::Error::other(error.to_string()))
}

fn run() -> Result<(), Error> {
    let mut event_loop = EventLoop::new()?;
    let place: ListenOptions = ("127.0.0.1", 0).into();
    event_loop
        .create_server_with(ServerOptions::default().no_delay(true), |socket| {
            let luggage = [socket.bytes_read(), socket.bytes_written()];
            let carried = move || {
                black_box(luggage);
            };
            socket.on_data(move |socket, chunk| {
                carried();
                if !socket.write(chunk) {
                    socket.pause().once_drain(|socket| {
                        socket.resume();
                    });
                }
            });
            socket.on_end(move |_| carried());
            socket.on_error(move |_, _| carried());
            socket.on_close(move |_, _| carried());
        })
        .listen(place, |server| {
            println!("listening on {}..", server.port().unwrap_or(0));
        })?;
    event_loop.run()
}
