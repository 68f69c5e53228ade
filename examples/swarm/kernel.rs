//! What the kernels know of their sockets, compared with what the library says of them.

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

    /// At rest each open socket of a kernel is one of the program's, and is registered.
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
                    "a socket of the kernel belongs to no live one of the program: {info} at rest"
                ));
            }
        }
        for (id, backlog) in servers {
            let is_listening = event_loop.server_at(id).is_listening();
            let info = infos.iter().find(|info| info.server() == Some(id));
            let wrong = match info {
                None if is_listening => Some("a server listens, and its kernel does not"),
                Some(info) if info.unread > 0 => Some("connections wait to be accepted"),
                Some(info) if info.unsent != backlog => Some("a backlog is of another size"),
                _ => None,
            };
            if let Some(words) = wrong {
                self.fault(format!("{words}: {id} at rest"));
            }
        }
    }
}

/// What holds between two turns, whatever the state is.
fn agree(socket: &Socket<'_>, info: Option<&SocketInfo>, is_first: bool) -> Outcome {
    let standing = socket.standing();
    let Some(info) = info else {
        return Ok(());
    };
    match standing.life {
        State::Idle => return Err("it is not connected, and its kernel has a socket"),
        State::Destroyed | State::Closed => {
            return Err("it is destroyed, and its kernel has a socket");
        }
        State::Opening => {
            return must(info.received == 0, "bytes were read before it is connected");
        }
        State::Open => {}
    }
    let is_over = info.state == "UNCONN";
    let is_shut = info.is_shut || is_over;
    must(
        !matches!(info.state, "SYN-SENT" | "LISTEN"),
        "it is open, and its kernel has no connection",
    )?;
    // A Unix socket is also shut down by its peer's close.
    let has_sent_fin = matches!(standing.sending, Writable::Sent | Writable::Finished);
    must(
        !has_sent_fin || is_shut,
        "it has ended, and its kernel has not",
    )?;
    must(
        has_sent_fin || !is_shut || is_over || info.local.is_none(),
        "its kernel has ended, and it has not",
    )?;
    must(
        standing.receiving == Readable::Open || info.has_ended,
        "it has seen an end that is none",
    )?;
    must(
        socket.bytes_read() == info.received,
        "bytes_read is not what was received",
    )?;
    if standing.sending == Writable::Broken || socket.errored().is_some() {
        return Ok(());
    }
    let (written, waiting) = (socket.bytes_written(), socket.writable_length() as u64);
    must(info.sent <= written, "bytes_written is less than was sent")?;
    // A write that waited for an earlier connection still counts, as in Node.
    must(
        !is_first || info.sent + waiting >= written,
        "bytes_written is more than was sent and waits",
    )
}

impl End {
    /// What a socket and its kernel have in common when nothing more happens.
    pub(super) fn check_kernel_rest(&self, socket: &Socket<'_>, infos: &[SocketInfo]) -> Outcome {
        if socket.state() != State::Open {
            return Ok(());
        }
        let info = infos.iter().find(|info| info.socket() == Some(self.id));
        let info = info.ok_or("it is open, and its kernel has no socket")?;
        must(info.is_open, "it is open, and its descriptor is closed")?;
        let waits = socket.writable_length() > 0 && socket.writable_corked() == 0;
        must(!waits || !info.is_writable, "bytes wait, and there is room")?;
        // A socket that does not read, not yet or not after the end, does not learn of a reset, as in Node.
        let is_reading = socket.standing().receiving == Readable::Open
            && socket.readable_length() < socket.readable_high_water_mark()
            && (self.is_reading(socket) || self.reads_while_paused(socket));
        if !is_reading {
            return Ok(());
        }
        must(info.error.is_none(), "an error has not come")?;
        must(
            info.state != "UNCONN",
            "its connection is over, and it is open",
        )?;
        must(info.unread == 0, "bytes wait in its kernel")?;
        must(!info.has_ended, "an end was not seen")
    }

    /// A socket that has begun to read does so when it is paused, too, up to its high-water mark.
    fn reads_while_paused(&self, socket: &Socket<'_>) -> bool {
        let is_own_buffer = matches!(self.manner.reading, Reading::OwnBuffer(_));
        socket.bytes_read() > 0 && !is_own_buffer && !self.does_not_read_on
    }
}
