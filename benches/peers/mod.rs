//! The servers that netloop is measured beside, and netloop's own API: those in Rust are served by
//! this executable itself when it is started again; the sources of the C and JavaScript ones lie
//! here, too, and are built or run when asked for.

mod bare_mio;
mod public_api;
mod tokio;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use crate::support::peers::SERVE;

/// Becomes the Rust peer that the environment names; `false` when it names none.
pub(crate) fn serve_if_asked() -> bool {
    let serve = match std::env::var(SERVE).as_deref() {
        Ok("bare mio") => bare_mio::serve,
        Ok("public API") => public_api::serve,
        Ok("tokio") => tokio::serve,
        _ => return false,
    };
    if let Err(error) = serve() {
        eprintln!("{error}");
        std::process::exit(1);
    }
    true
}

/// The listening socket of the Rust peers, announced as all servers of the suite announce theirs.
fn listener() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(511)?;
    let listener = TcpListener::from(socket);
    println!("listening on {}..", listener.local_addr()?.port());
    io::stdout().flush()?;
    Ok(listener)
}
