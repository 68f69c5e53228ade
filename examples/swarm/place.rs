//! Where servers listen, and how clients connect to them.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::time::Duration;

use netloop::{
    BlockList, ConnectOptions, ListenOptions, Loop, OnRead, ServerOptions, Socket, SocketOptions,
};

use super::end::End;
use super::play::{NAMES, Play};
use super::program::{Actor, HOSTS, Manner, NO_SERVER, Place, Reading, Route};
use super::socket::Me;

/// The port of the first server, and the local port of the first connection.
const PORT: u16 = 8000;
pub(super) const LOCAL_PORT: u16 = 20_000;
/// The time-out of an attempt to connect to one of several addresses.
const ATTEMPT: Duration = Duration::from_millis(100);
const KEEP_ALIVE: Duration = Duration::from_secs(60);

impl Place {
    pub(super) fn is_path(self) -> bool {
        matches!(self, Place::Path | Place::Abstract)
    }

    /// The path of a server, by its number.
    pub(super) fn path(self, number: usize) -> String {
        match self {
            Place::Abstract => format!("\0server {number}"),
            _ => format!("/run/server {number}"),
        }
    }
}

/// The addresses of a host.
fn ipv4(host: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, 1 + host as u8).into()
}

fn ipv6(host: usize) -> IpAddr {
    Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1 + host as u16).into()
}

impl Play {
    /// Where a server listens, by its number.
    pub(super) fn place(&self, number: usize) -> Place {
        self.with(|state| {
            let venue = state.program.venues.get(number);
            let place = venue.map_or(Place::Any, |venue| venue.place);
            let host = |number: usize| state.servers.get(&number).map(|it| it.host);
            match place {
                // A port can only be shared with a server on the same host.
                Place::Shared if host(number) != host(0) => Place::Any,
                place => place,
            }
        })
    }

    fn port(&self, number: usize) -> u16 {
        match self.place(number) {
            Place::Shared => PORT,
            _ => PORT + number as u16,
        }
    }

    /// Whether several servers listen on this port.
    fn is_shared(&self, number: usize) -> bool {
        self.port(number) == PORT && self.place(1) == Place::Shared
    }

    pub(super) fn server_options(&self, number: usize) -> ServerOptions {
        let venue = self.with(|state| state.program.venues.get(number).copied());
        let venue = venue.unwrap_or_default();
        let options = ServerOptions::default()
            .accepts_per_turn(1 + number * 7)
            .block_list(elsewhere())
            .pause_on_connect(venue.pauses);
        let options = match venue.is_tuned {
            true => options
                .no_delay(true)
                .keep_alive(true)
                .keep_alive_initial_delay(KEEP_ALIVE)
                .allow_half_open(true),
            false => options,
        };
        let options = match venue.mark {
            Some(mark) => options.high_water_mark(mark),
            None => options,
        };
        match venue.limit {
            Some(limit) => options.write_limit(limit),
            None => options,
        }
    }

    pub(super) fn listen_options(&self, number: usize) -> ListenOptions {
        let (place, port) = (self.place(number), self.port(number));
        let venue = self.with(|state| state.program.venues.get(number).copied());
        let options = match place {
            Place::Any => ListenOptions::from(port),
            Place::Shared => ListenOptions::from(port),
            Place::Ipv4 => ListenOptions::from(("0.0.0.0", port)),
            Place::Name => {
                ListenOptions::from((NAMES[self.host(Actor::Server(number)).unwrap_or(0)], port))
            }
            Place::Ipv6 => ListenOptions::from(("::", port)).ipv6_only(true),
            Place::Path => ListenOptions::from(&*place.path(number))
                .only_own_file(number > 0)
                .readable_all(number > 0),
            Place::Abstract => ListenOptions::from(&*place.path(number)),
        };
        let options = options.reuse_port(self.is_shared(number));
        match venue.and_then(|venue| venue.backlog) {
            Some(backlog) => options.backlog(backlog),
            None => options,
        }
    }

    // Connecting.

    pub(super) fn connect(&self, event_loop: &mut Loop, host: usize, number: usize, server: usize) {
        let actor = Actor::Client(number);
        if self.host(actor).is_some() {
            return;
        }
        let manner = self.with(|state| state.program.manner(actor));
        let abort = (number.is_multiple_of(3)).then(|| event_loop.abort_handle());
        let me = Me::new(self);
        let mut options = self.target(host, number, server);
        if let Some(abort) = abort {
            options = options.signal(abort);
        }
        let buffer = match manner.reading {
            Reading::OwnBuffer(size) => Some(own_buffer(&me, size)),
            _ => None,
        };
        if manner.is_made_first {
            let made = SocketOptions::default().allow_half_open(manner.is_half_open);
            let made = match abort {
                Some(abort) => made.signal(abort),
                None => made,
            };
            let made = match buffer {
                Some(buffer) => made.on_read(buffer),
                None => made,
            };
            let mut socket = event_loop.socket_with(made);
            let (id, end) = (socket.id(), self.adopt(&me, &mut socket, actor, host));
            self.end(end, |end| end.abort = abort);
            self.begin(event_loop, actor);
            let mut socket = event_loop.socket_at(id);
            if manner.never_connects || socket.is_destroyed() {
                return;
            }
            // It fails if the program connects twice.
            if socket.connect_to(options).is_ok() {
                self.note_queued(&mut socket, number, server);
            }
            return;
        }
        if let Some(buffer) = buffer {
            options = options.on_read(buffer);
        }
        match event_loop.connect_to(options) {
            Ok(mut socket) => {
                let end = self.adopt(&me, &mut socket, actor, host);
                if manner.is_tuned && socket.timeout() != Some(KEEP_ALIVE) {
                    self.fault("the time-out of a connect is not set");
                }
                self.note_queued(&mut socket, number, server);
                self.end(end, |end| end.abort = abort);
                self.begin(event_loop, actor);
            }
            Err(error) => self.fault(format!("a connect is refused: {error}")),
        }
    }

    /// Notes a connection that waits in the backlog of a path. Only its position there tells which one it is.
    pub(super) fn note_queued(&self, socket: &mut Socket<'_>, number: usize, server: usize) {
        if !self.place(server).is_path() {
            return;
        }
        // The simulated kernel duplicates no descriptor, but the error tells whether there is a connection.
        let error = socket.duplicate_fd().err();
        if error.is_some_and(|error| error.code() != Some("ERR_SOCKET_CLOSED")) {
            self.with(|state| {
                if let Some(server_state) = state.servers.get_mut(&server) {
                    server_state.queue.push_back(number);
                }
            });
        }
    }

    /// The options of a connect from a host to a server, by the number of the connection.
    pub(super) fn target(&self, host: usize, number: usize, server: usize) -> ConnectOptions {
        let manner = self.with(|state| state.program.manner(Actor::Client(number)));
        let there = self.with(|state| state.servers.get(&server).map_or(0, |it| it.host));
        let options = match server {
            NO_SERVER => ConnectOptions::from((NAMES[0], 9)),
            server if server > NO_SERVER => ConnectOptions::from(("nowhere", 9)),
            server if self.place(server).is_path() => {
                ConnectOptions::from(self.place(server).path(server).as_str())
            }
            server => self.by_route(number, host, there, server),
        };
        let options = options
            .local_port(LOCAL_PORT + number as u16)
            .block_list(elsewhere())
            .allow_half_open(manner.is_half_open);
        let options = match manner.is_tuned {
            true => options
                .no_delay(true)
                .keep_alive(true)
                .keep_alive_initial_delay(KEEP_ALIVE)
                .timeout(KEEP_ALIVE)
                .type_of_service(8),
            false => options,
        };
        let options = match manner.mark {
            Some(mark) => options.high_water_mark(mark),
            None => options,
        };
        match manner.limit {
            Some(limit) => options.write_limit(limit),
            None => options,
        }
    }

    fn by_route(&self, number: usize, host: usize, there: usize, server: usize) -> ConnectOptions {
        let route = self.with(|state| state.program.manner(Actor::Client(number)).route);
        let port = self.port(server);
        let live = match self.place(server) {
            Place::Ipv6 => ipv6(there),
            _ => ipv4(there),
        };
        match route {
            Route::Name => ConnectOptions::from((NAMES[there], port)),
            Route::Ipv6 => ConnectOptions::from((NAMES[there], port)).family(6),
            Route::Address => ConnectOptions::from((live.to_string(), port)),
            Route::From => {
                let local = match live {
                    IpAddr::V4(_) => ipv4(host),
                    IpAddr::V6(_) => ipv6(host),
                };
                ConnectOptions::from((live.to_string(), port)).local_address(local)
            }
            Route::Several(delay) => {
                // Only one of these addresses has a host. Sometimes none is found.
                let dead = HOSTS + 1;
                let mut found = vec![ipv6(dead), ipv4(dead), live];
                found.rotate_left(delay as usize % 3);
                if delay % 8 == 7 {
                    found.clear();
                }
                self.with(|state| _ = state.found.insert(number, found.clone()));
                ConnectOptions::from((NAMES[there], port))
                    .auto_select_family(true)
                    .auto_select_family_attempt_timeout(ATTEMPT)
                    .lookup(move |event_loop, request| {
                        let found = found.clone();
                        let answer = move |event_loop: &mut Loop| {
                            event_loop.answer_lookup(request.id, Ok(found));
                        };
                        match delay {
                            0 => answer(event_loop),
                            _ => _ = event_loop.after(Duration::from_millis(delay), answer),
                        }
                    })
            }
        }
    }

    /// Notes a new socket, and adds its listeners.
    pub(super) fn adopt(
        &self,
        me: &Me,
        socket: &mut Socket<'_>,
        actor: Actor,
        host: usize,
    ) -> usize {
        let manner = self.with(|state| state.program.manner(actor));
        let mut end = End::new(actor, host, socket.id(), manner);
        end.guard = Rc::downgrade(&me.guard);
        self.add(&me.end, end);
        me.listen(socket);
        me.end.get()
    }

    /// Makes an end the one that its socket is at present.
    pub(super) fn add(&self, me: &Rc<Cell<usize>>, mut end: End) {
        end.me = Rc::downgrade(me);
        self.with(|state| {
            me.set(state.ends.len());
            if state.by_actor.insert(end.actor, state.ends.len()).is_some() {
                let words = format!("a connection is accepted twice: {:?}", end.actor);
                state.fault.get_or_insert(words);
            }
            state.ends.push(end);
        });
    }
}

/// A block list without an address of a host.
fn elsewhere() -> BlockList {
    let mut list = BlockList::new();
    list.add_address("192.0.2.1").expect("an address");
    list
}

/// A buffer of this size, whose callback sometimes stops reading.
fn own_buffer(me: &Me, size: usize) -> OnRead {
    let me = me.clone();
    OnRead::new(vec![0; size], move |socket, chunk| {
        let goes_on = chunk.len() % 5 != 1;
        me.own_buffer(socket, chunk, !goes_on);
        goes_on
    })
}

impl Manner {
    /// Whether the end reads into a buffer of its own.
    pub(super) fn has_own_buffer(&self) -> bool {
        matches!(self.reading, Reading::OwnBuffer(_))
    }
}
