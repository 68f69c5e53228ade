//! The tokio peer: a task for each connection on the current-thread runtime. As there is one thread,
//! there is one buffer to read into, as in the other peers: an idle connection holds none.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

thread_local! {
    static CHUNK: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
}

/// Serves on the loopback address until the process is ended.
pub(crate) fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(super::listener()?)?;
        // Spawned, because what `block_on` polls itself is polled with less care for other tasks.
        let accepting = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(echo(stream));
                }
            }
        });
        accepting.await.map_err(io::Error::other)
    })
}

/// Reads into the buffer that all share and sends from it what the socket takes at once; only a rest
/// is copied, and waits.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(rest) = poll_fn(|context| echo_some(&mut stream, context)).await? {
        stream.write_all(&rest).await?;
    }
    Ok(())
}

/// What the socket did not take of one chunk, `None` at the end.
fn echo_some(
    stream: &mut TcpStream,
    context: &mut Context<'_>,
) -> Poll<io::Result<Option<Vec<u8>>>> {
    CHUNK.with_borrow_mut(|chunk| {
        let mut read = ReadBuf::new(chunk);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut read))?;
        let chunk = read.filled();
        if chunk.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let sent = match stream.try_write(chunk) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            sent => sent?,
        };
        Poll::Ready(Ok(Some(chunk[sent..].to_vec())))
    })
}
