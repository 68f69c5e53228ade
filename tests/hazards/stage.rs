//! Helpers of the hazards: a loop that must end, peers, and counters.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use netloop::state::server::State;
use netloop::trace::What;
use netloop::{EventLoop, Server, ServerId, Socket, SocketId};
use socket2::{Domain, Type};

pub(crate) const HOST: &str = "127.0.0.1";

/// More bytes than the buffers of a connection hold.
pub(crate) const MUCH: usize = if IS_SIMULATED { 1 << 20 } else { 32 << 20 };

use crate::IS_SIMULATED;
pub(crate) use crate::peers::{Listener, Peer, Reader, Real, lacks, new_loop};
pub(crate) use crate::support::LIMIT;

/// A loop that panics when it does not end by itself.
pub(crate) fn event_loop() -> EventLoop {
    let mut event_loop = new_loop();
    let limit = event_loop.set_timeout(LIMIT, |_| panic!("the loop did not end by itself"));
    event_loop.unref_timer(limit);
    event_loop
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A list of words that any closure may add to.
#[derive(Clone, Default)]
pub(crate) struct Words(Rc<RefCell<Vec<String>>>);

impl Words {
    pub(crate) fn say(&self, word: impl Into<String>) {
        self.0.borrow_mut().push(word.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        self.0.borrow().iter().filter(|said| *said == word).count()
    }
}

/// Says each event of a socket; `data` with its bytes.
pub(crate) fn watch(words: &Words, socket: &mut Socket<'_>) {
    let said = || words.clone();
    let (data, end, error, close) = (said(), said(), said(), said());
    socket
        .on_data(move |_, chunk| data.say(format!("data {}", String::from_utf8_lossy(chunk))))
        .on_end(move |_| end.say("end"))
        .on_error(move |_, told| error.say(format!("error {}", told.code().unwrap_or("?"))))
        .on_close(move |_, had_error| close.say(format!("close {had_error:?}")));
}

/// Calls once, at the second `readable`: it tells of the end of a peer that has sent one chunk.
pub(crate) fn at_its_end(socket: &mut Socket<'_>, then: impl FnOnce(&mut Socket<'_>) + 'static) {
    let (mut then, mut is_second) = (Some(then), false);
    socket.on_readable(move |socket| {
        if std::mem::replace(&mut is_second, true)
            && let Some(then) = then.take()
        {
            then(socket);
        }
    });
}

/// Connects a peer to a server whose loop does not run yet: until it runs, the connection stays in the backlog,
/// with everything that the peer sends.
pub(crate) fn peer(address: SocketAddr) -> Peer {
    Peer::connect(address).expect("the kernel accepts")
}

/// A socket that is connected, and its peer.
pub(crate) fn connected(event_loop: &mut EventLoop) -> (SocketId, Peer) {
    let listener = Listener::new();
    let socket = event_loop.connect_to(listener.address());
    let socket = socket.expect("good options").id();
    while event_loop.socket_at(socket).is_connecting() {
        event_loop.run_once().expect("no error");
    }
    (socket, listener.accept())
}

/// Listens on any port of the loopback, in the call.
pub(crate) fn listen(server: &mut Server<'_>) -> SocketAddr {
    server.listen_on(()).expect("good options");
    let port = server.port().expect("bound in the call");
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Has a server listen, connects clients whose handshake is under way, and has the server close after its
/// backlog until it awaits them. The last segment of each handshake goes out with the client's first bytes;
/// on a busy machine the kernel may have sent it before, and the client is accepted before the others.
pub(crate) fn close_to_handshakes(
    event_loop: &mut EventLoop,
    server: ServerId,
    count: usize,
) -> Vec<TcpStream> {
    let address = listen(&mut event_loop.server_at(server));
    let connected = |_| {
        let client = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None);
        let client = client.expect("a socket");
        client.set_tcp_quickack(false).expect("TCP_QUICKACK");
        client.connect(&address.into()).expect("the kernel accepts");
        TcpStream::from(client)
    };
    let clients = (0..count).map(connected).collect();
    event_loop.server_at(server).close_after_backlog();
    let accepts = [State::Closing, State::Listening];
    while accepts.contains(&event_loop.server_at(server).state()) {
        event_loop.run_nowait().expect("no error");
    }
    clients
}

pub(crate) fn close_server(socket: &mut Socket<'_>) {
    let server = socket.server().expect("an accepted socket");
    socket.event_loop().server_at(server).close();
}

/// Counts how often the loop waits.
pub(crate) fn count_waits(event_loop: &mut EventLoop) -> Rc<Cell<u32>> {
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    event_loop.on_trace(move |record| {
        if let What::Wait { .. } = record.what {
            counter.set(counter.get() + 1);
        }
    });
    count
}

/// Lets real time pass.
pub(crate) fn busy(millis: u64) {
    let start = std::time::Instant::now();
    while start.elapsed() < ms(millis) {
        std::hint::spin_loop();
    }
}
