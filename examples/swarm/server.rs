//! A server of a program: its listeners, and the steps on it.

use std::collections::VecDeque;

use netloop::{Loop, Server, ServerId, Socket, SocketId};

use super::end::End;
use super::place::LOCAL_PORT;
use super::play::Play;
use super::program::{Action, Actor};
use super::socket::Me;

/// What the test knows of a server.
pub(super) struct ServerState {
    pub(super) host: usize,
    pub(super) id: ServerId,
    pub(super) callbacks: usize,
    pub(super) has_thrown: bool,
    pub(super) was_unreferenced: bool,
    /// The callbacks of `close_then` and `get_connections`, and those that have run.
    pub(super) callbacks_given: usize,
    pub(super) callbacks_run: usize,
    /// The connections in the backlog of a path.
    pub(super) queue: VecDeque<usize>,
}

impl Play {
    /// Creates a server, or lets it listen again.
    pub(super) fn serve(&self, event_loop: &mut Loop, host: usize, number: usize) {
        let known = self.with(|state| state.servers.get(&number).map(|it| (it.host, it.id)));
        match known {
            Some((of, id)) if of == host => self.listen(event_loop, number, id),
            Some(_) => {}
            None => {
                let play = self.clone();
                let accept = move |socket: &mut Socket<'_>| play.accepted(socket, host, number);
                let options = self.server_options(number);
                let mut server = event_loop.create_server_with(options, accept);
                let id = server.id();
                let (listening, close, error) = (self.clone(), self.clone(), self.clone());
                let (dropped, actor) = (self.clone(), Actor::Server(number));
                server.on_listening(move |server| listening.act(server.event_loop(), actor));
                server.on_close(move |server| {
                    close.check_close(server, number);
                    close.act(server.event_loop(), actor);
                });
                server.on_error(move |server, _| error.act(server.event_loop(), actor));
                server.on_drop(move |server, _| {
                    dropped.queue(number, VecDeque::pop_front);
                    let (count, most) = (server.connections(), server.max_connections());
                    dropped.check_connections(count, most, server.id(), true);
                    dropped.act(server.event_loop(), actor);
                });
                let server_state = ServerState {
                    host,
                    id,
                    callbacks: 0,
                    has_thrown: false,
                    was_unreferenced: false,
                    callbacks_given: 0,
                    callbacks_run: 0,
                    queue: VecDeque::new(),
                };
                self.with(|state| state.servers.insert(number, server_state));
                self.listen(event_loop, number, id);
                self.begin(event_loop, actor);
            }
        }
    }

    /// Checks that a server closes only after its last connection.
    fn check_close(&self, server: &mut Server<'_>, number: usize) {
        let ours: Vec<_> = self.with(|state| {
            let here = state.servers.get(&number).map(|it| it.host);
            // After a throw, `close` may wait for another callback.
            let is_late = |end: &End| Some(end.host) == here && end.host_has_thrown;
            if state.ends.iter().any(is_late) {
                return Vec::new();
            }
            let ends = state.ends.iter();
            ends.filter(|end| end.server == Some(number) && !end.has_closed && !end.is_killed)
                .map(|end| end.id)
                .collect()
        });
        let event_loop = server.event_loop();
        let mut is_open = |id: SocketId| !event_loop.socket_at(id).is_destroyed();
        if ours.into_iter().any(&mut is_open) {
            self.fault("a server closes before its connections");
        }
    }

    fn listen(&self, event_loop: &mut Loop, number: usize, id: ServerId) {
        let options = self.listen_options(number);
        // It fails if the program listens twice.
        _ = event_loop.server_at(id).listen_on(options);
    }

    pub(super) fn act_on_server(&self, event_loop: &mut Loop, number: usize, action: &Action) {
        let Some(id) = self.with(|state| state.servers.get(&number).map(|it| it.id)) else {
            return;
        };
        let promise = |change: fn(&mut ServerState)| {
            self.with(|state| state.servers.get_mut(&number).map_or((), change));
        };
        let called = self.clone();
        let back = move |event_loop: &mut Loop| {
            called.with(|state| {
                (state.servers.get_mut(&number)).map_or((), |it| it.callbacks_run += 1)
            });
            called.act(event_loop, Actor::Server(number));
        };
        if matches!(action, Action::Close | Action::CloseThen) {
            self.queue(number, |queue| {
                queue.clear();
                None
            });
        }
        let mut server = event_loop.server_at(id);
        match action {
            Action::Listen => self.listen(event_loop, number, id),
            Action::Close => _ = server.close(),
            Action::CloseThen => {
                promise(|it| it.callbacks_given += 1);
                server.close_then(move |server, _| back(server.event_loop()));
            }
            Action::CloseAfterBacklog => _ = server.close_after_backlog(),
            Action::MaxConnections(limit) => _ = server.set_max_connections(*limit),
            Action::GetConnections => {
                promise(|it| it.callbacks_given += 1);
                server.get_connections(move |server, _| back(server.event_loop()));
            }
            Action::Unref => {
                promise(|it| it.was_unreferenced = true);
                server.unref();
            }
            Action::Ref => _ = server.ref_(),
            _ => {}
        }
    }

    fn queue(
        &self,
        number: usize,
        change: impl FnOnce(&mut VecDeque<usize>) -> Option<usize>,
    ) -> Option<usize> {
        self.with(|state| change(&mut state.servers.get_mut(&number)?.queue))
    }

    pub(super) fn accepted(&self, socket: &mut Socket<'_>, host: usize, server: usize) {
        // The peer's port tells which connection it is. It is known even after a reset by the peer.
        let peer = socket
            .peer()
            .map(|peer| peer.port().wrapping_sub(LOCAL_PORT));
        let connection = match self.place(server).is_path() {
            true => self.queue(server, VecDeque::pop_front),
            false => peer.map(usize::from),
        };
        let Some(connection) = connection else {
            return self.fault("an accepted socket has no peer");
        };
        if let Some(id) = socket.server() {
            let server = socket.event_loop().server_at(id);
            self.check_connections(server.connections(), server.max_connections(), id, false);
        }
        let actor = Actor::Accepted(connection);
        let manner = self.with(|state| state.program.manner(actor));
        socket.set_allow_half_open(manner.is_half_open);
        let number = self.adopt(&Me::new(self), socket, actor, host);
        self.end(number, |end| end.server = Some(server));
        self.with(|state| state.current = Some(actor));
        self.begin(socket.event_loop(), actor);
        self.act(socket.event_loop(), Actor::Server(server));
    }
}
