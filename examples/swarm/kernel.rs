//! The sockets of the kernels, compared with those of the library.

use netloop::sim::{Host, SocketInfo, World};
use netloop::state::socket::{Readable, State, Writable};
use netloop::{ServerId, Socket};

use super::end::End;
use super::oracle::{Outcome, must};
use super::play::Play;
use super::program::Reading;

impl Play {
    /// Compares all sockets of the hosts with those of their kernels, between two turns.
    pub(super) fn check_kernels(&self, world: &mut World, hosts: &[Host]) {
        for (host, name) in hosts.iter().enumerate() {
            let infos = world.sockets(*name);
            let event_loop = world.event_loop(*name);
            let mut wrong = Vec::new();
            self.with(|state| {
                let ours = |end: &&End| end.host == host && !end.is_killed;
                for end in state.ends.iter().filter(ours) {
                    let socket = event_loop.socket_at(end.id);
                    let is_another = state.ends.iter().rev().find(|it| it.id == end.id);
                    if is_another.is_some_and(|it| it.actor != end.actor) {
                        continue;
                    }
                    let info = infos.iter().find(|info| info.socket() == Some(end.id));
                    let is_first = state.ends.iter().filter(|it| it.id == end.id).count() == 1;
                    if let Err(words) = agree(&socket, info, is_first) {
                        let shown = info.map(ToString::to_string).unwrap_or_default();
                        wrong.push(format!("{words}: {:?}, {shown}", end.actor));
                    }
                }
            });
            wrong.into_iter().for_each(|words| self.fault(words));
        }
    }

    /// Checks that no connection waits in the backlog of a server of this host.
    pub(super) fn check_backlogs(&self, world: &mut World, host: usize, name: Host) {
        let infos = world.sockets(name);
        let servers = self.with(|state| {
            let servers = state.servers.values().filter(|it| it.host == host);
            servers.map(|it| it.id).collect::<Vec<ServerId>>()
        });
        for info in infos.iter().filter(|info| info.unread > 0) {
            if info.server().is_some_and(|id| servers.contains(&id)) {
                self.fault(format!("a connection waits for too long: {info}"));
            }
        }
    }

    /// At rest, each open socket of a kernel is registered, and belongs to the program.
    pub(super) fn check_registrations(&self, world: &mut World, host: usize, name: Host) {
        let infos = world.sockets(name);
        let event_loop = world.event_loop(name);
        let (ends, servers) = self.with(|state| {
            let ends = state.ends.iter();
            let ends = ends.filter(|end| end.host == host && !end.is_killed);
            let servers = state.servers.iter().filter(|(_, it)| it.host == host);
            let servers = servers.map(|(number, it)| (it.id, state.program.backlog(*number)));
            let ends: Vec<_> = ends.map(|end| end.id).collect();
            (ends, servers.collect::<Vec<(ServerId, usize)>>())
        });
        for info in infos.iter().filter(|info| info.is_open) {
            let is_live = match (info.socket(), info.server()) {
                (Some(id), _) => {
                    ends.contains(&id) && event_loop.socket_at(id).state() == State::Open
                }
                (_, Some(id)) => {
                    servers.iter().any(|it| it.0 == id) && event_loop.server_at(id).is_listening()
                }
                (None, None) => false,
            };
            if !is_live {
                self.fault(format!(
                    "a kernel's socket belongs to no live one of the program: {info} at rest"
                ));
            }
        }
        for (id, backlog) in servers {
            let is_listening = event_loop.server_at(id).is_listening();
            let info = infos.iter().find(|info| info.server() == Some(id));
            let wrong = match info {
                None if is_listening => Some("a server listens, but its kernel does not"),
                Some(info) if info.unread > 0 => Some("connections wait to be accepted"),
                Some(info) if info.unsent != backlog => Some("a backlog has a wrong size"),
                _ => None,
            };
            if let Some(words) = wrong {
                self.fault(format!("{words}: {id} at rest"));
            }
        }
    }
}

/// Checks the invariants that hold between two turns.
fn agree(socket: &Socket<'_>, info: Option<&SocketInfo>, is_first: bool) -> Outcome {
    let standing = socket.standing();
    let Some(info) = info else {
        return Ok(());
    };
    match standing.life {
        State::Idle => return Err("the socket is idle, but its kernel has one"),
        State::Destroyed | State::Closed => {
            return Err("the socket is destroyed, but its kernel has one");
        }
        State::Opening => {
            return must(info.received == 0, "bytes were read before the connect");
        }
        State::Open => {}
    }
    let is_over = info.state == "UNCONN";
    let is_shut = info.is_shut || is_over;
    must(
        !matches!(info.state, "SYN-SENT" | "LISTEN"),
        "the socket is open, but its kernel has no connection",
    )?;
    // The peer's close also shuts a Unix socket down.
    let has_sent_fin = matches!(standing.sending, Writable::Sent | Writable::Finished);
    must(
        !has_sent_fin || is_shut,
        "the socket has ended its half, but its kernel has not",
    )?;
    must(
        has_sent_fin || !is_shut || is_over || info.local.is_none(),
        "the kernel has ended a half, but its socket has not",
    )?;
    must(
        standing.receiving == Readable::Open || info.has_ended,
        "the socket has seen an end that has not arrived",
    )?;
    must(
        socket.bytes_read() == info.received,
        "bytes_read differs from what was received",
    )?;
    if standing.sending == Writable::Broken || socket.errored().is_some() {
        return Ok(());
    }
    let (written, waiting) = (socket.bytes_written(), socket.writable_length() as u64);
    must(info.sent <= written, "bytes_written is less than was sent")?;
    // As in Node, a write that waited for an earlier connection still counts.
    must(
        !is_first || info.sent + waiting >= written,
        "bytes_written is more than what was sent and what waits",
    )
}

impl End {
    /// Compares a socket with its kernel's at rest.
    pub(super) fn check_kernel_rest(&self, socket: &Socket<'_>, infos: &[SocketInfo]) -> Outcome {
        if socket.state() != State::Open {
            return Ok(());
        }
        let info = infos.iter().find(|info| info.socket() == Some(self.id));
        let info = info.ok_or("the socket is open, but its kernel has none")?;
        must(
            info.is_open,
            "the socket is open, but its descriptor is closed",
        )?;
        let waits = socket.writable_length() > 0 && socket.writable_corked() == 0;
        must(!waits || !info.is_writable, "bytes wait, and there is room")?;
        // As in Node, a socket that does not read does not notice a reset.
        let is_reading = socket.standing().receiving == Readable::Open
            && socket.readable_length() < socket.readable_high_water_mark()
            && (self.is_reading(socket) || self.reads_while_paused(socket));
        if !is_reading {
            return Ok(());
        }
        must(info.error.is_none(), "an error was not reported")?;
        must(
            info.state != "UNCONN",
            "the connection is over, but the socket is open",
        )?;
        must(info.unread == 0, "bytes wait in the kernel")?;
        must(!info.has_ended, "an end was not seen")
    }

    /// Whether the socket reads although it is paused: it does up to its high-water mark, once it has begun.
    fn reads_while_paused(&self, socket: &Socket<'_>) -> bool {
        let is_own_buffer = matches!(self.manner.reading, Reading::OwnBuffer(_));
        socket.bytes_read() > 0 && !is_own_buffer && !self.does_not_read_on
    }
}
