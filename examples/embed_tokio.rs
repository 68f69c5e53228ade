//! A loop inside tokio: both wait in one place, and neither blocks the other.
//!
//!     cargo run --example embed_tokio -- 8000
//!     nc 127.0.0.1 8000
//!
//! netloop serves an echo; tokio prints each second how much was echoed. tokio waits for the loop's
//! descriptor, as long as `backend_timeout` says, and then has the loop make a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use netloop::{Error, EventLoop};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::{task, time};

fn main() -> Result<(), Error> {
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port
            .parse()
            .map_err(|_| Error::new("usage: embed_tokio [PORT]"))?,
        None => 8000,
    };
    let echoed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&echoed);
    let mut event_loop = EventLoop::new()?;
    event_loop
        .create_server(move |socket| {
            let count = Arc::clone(&count);
            socket
                .on_data(move |socket, chunk| {
                    socket.write(chunk);
                    count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                })
                .on_error(|socket, error| eprintln!("{}: {error}", socket.id()));
        })
        .listen(("127.0.0.1", port), |server| {
            println!("listening on {}..", server.port().expect("a TCP port"));
        })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.spawn(report(echoed));
    runtime.block_on(host(event_loop))
}

/// tokio's own work.
async fn report(echoed: Arc<AtomicU64>) {
    let mut told = 0;
    loop {
        time::sleep(Duration::from_secs(1)).await;
        let bytes = echoed.load(Ordering::Relaxed);
        if bytes > told {
            println!("{bytes} bytes were echoed");
            told = bytes;
        }
    }
}

/// Waits for the loop in tokio's place, until nothing holds the loop.
async fn host(event_loop: EventLoop) -> Result<(), Error> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that might change their descriptor"
    )]
    let mut guest = AsyncFd::with_interest(event_loop, Interest::READABLE)?;
    while guest.get_mut().run_nowait()? {
        match guest.get_mut().backend_timeout() {
            None => guest.readable().await?.clear_ready(),
            Some(Duration::ZERO) => task::yield_now().await,
            Some(timeout) => {
                if let Ok(ready) = time::timeout(timeout, guest.readable()).await {
                    ready?.clear_ready();
                }
            }
        }
    }
    Ok(())
}
