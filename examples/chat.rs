//! A chat server: the first line of a client is its name, each further line goes to all others.
//!
//!     cargo run --example chat -- 8000
//!     nc 127.0.0.1 8000
//!
//! The loop keeps the room, a socket keeps its member's name and the lines that are coming in. So
//! nothing is shared: no `Rc`, no `RefCell`, no map from sockets to what belongs to them. `tests/sim` also
//! tests all but `main`, in a simulated world.

use netloop::{
    Error, EventLoop, LineSplitter, ListenOptions, Loop, ServerOptions, Socket, SocketId,
};

/// The longest line, in bytes.
const LINE_MAX: usize = 1024;
/// What a member may be owed, in bytes. One that does not read is cut when it is more.
const OWED_MAX: usize = 256 * 1024;

/// The members: all sockets that have a name.
#[derive(Default)]
struct Room(Vec<SocketId>);

struct Name(String);

impl Room {
    fn tell_others(&self, event_loop: &mut Loop, sender: SocketId, line: &str) {
        for &member in self.0.iter().filter(|member| **member != sender) {
            event_loop.socket_at(member).write(line);
        }
    }
}

fn main() -> Result<(), Error> {
    let port: u16 = match std::env::args().nth(1) {
        Some(port) => port.parse().map_err(|_| Error::new("usage: chat [PORT]"))?,
        None => 8000,
    };
    let mut event_loop = EventLoop::new()?;
    serve(&mut event_loop, ("127.0.0.1", port))?;
    event_loop.run()
}

/// Opens a room at this place.
pub(crate) fn serve(event_loop: &mut Loop, place: impl Into<ListenOptions>) -> Result<(), Error> {
    event_loop.set_data(Room::default());
    event_loop
        .create_server_with(ServerOptions::default().write_limit(OWED_MAX), welcome)
        .listen(place, |server| {
            println!("listening on {}..", server.port().expect("a TCP port"));
        })?;
    Ok(())
}

fn welcome(socket: &mut Socket<'_>) {
    socket
        .set_data(LineSplitter::new(LINE_MAX))
        .on_data(read)
        .on_error(|socket, error| eprintln!("{}: {error}", socket.id()))
        .on_close(|socket, _| leave(socket))
        .write("What is your name?\n");
}

fn read(socket: &mut Socket<'_>, chunk: &[u8]) {
    socket.lend(|lines: &mut LineSplitter, socket| {
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            match line {
                Ok(line) => say(socket, &printable(line)),
                Err(too_long) => {
                    socket.destroy_with(too_long.into());
                    return;
                }
            }
        }
    });
}

fn say(socket: &mut Socket<'_>, text: &str) {
    let id = socket.id();
    let line = match socket.data::<Name>() {
        Some(Name(name)) => format!("{name}: {text}\n"),
        None => {
            socket.set_data(Name(text.to_owned()));
            format!("* {text} has joined\n")
        }
    };
    socket.event_loop().lend(|room: &mut Room, event_loop| {
        if !room.0.contains(&id) {
            room.0.push(id);
        }
        room.tell_others(event_loop, id, &line);
    });
}

fn leave(socket: &mut Socket<'_>) {
    let id = socket.id();
    let Some(Name(name)) = socket.take_data() else {
        return;
    };
    socket.event_loop().lend(|room: &mut Room, event_loop| {
        room.0.retain(|member| *member != id);
        room.tell_others(event_loop, id, &format!("* {name} has left\n"));
    });
}

/// What a client sends is not trusted: nothing of it steers another's terminal.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().filter(|char| !char.is_control()).collect()
}
