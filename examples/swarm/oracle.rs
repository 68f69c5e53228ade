//! The invariants of a world at rest, and at its end.

use netloop::sim::{Host, World};
use netloop::state::server::State as Server;
use netloop::state::socket::{Readable, State, Writable};
use netloop::{Loop, Socket};

use super::end::End;
use super::play::Play;
use super::program::{Actor, HOSTS};
use super::server::ServerState;

/// The error is the rule that does not hold.
pub(super) type Outcome = Result<(), &'static str>;

pub(super) fn must(holds: bool, words: &'static str) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(words),
    }
}

/// The peer of an end.
struct Peer<'a> {
    end: &'a End,
    is_open: bool,
    is_reading: bool,
    unsent: usize,
}

impl Play {
    /// At rest, nothing is left that could have happened: no wake-up was lost.
    pub(super) fn check_rest(&self, world: &mut World, hosts: &[Host]) {
        let mut wrong = Vec::new();
        self.with(|state| {
            // A loop that nothing holds may have ended early.
            let is_over = |host: usize| {
                let ends = state
                    .ends
                    .iter()
                    .map(|end| (end.host, end.was_unreferenced));
                let servers = state
                    .servers
                    .values()
                    .map(|it| (it.host, it.was_unreferenced));
                ends.chain(servers)
                    .any(|(of, was_unreferenced)| of == host && was_unreferenced)
            };
            let ends = &state.ends;
            for end in ends
                .iter()
                .filter(|end| end.is_undisturbed() && !is_over(end.host))
            {
                let peer = (state.by_actor.get(&end.actor.peer())).map(|it| &ends[*it]);
                let runs = match peer {
                    Some(peer) => !is_over(peer.host),
                    None => !(0..HOSTS).any(is_over),
                };
                if !runs {
                    continue;
                }
                let is_missed = peer.is_none()
                    && end.is_connected
                    && !end.may_be_destroyed
                    && state.program.accepts_all();
                if is_missed {
                    wrong.push(format!("a connection was not accepted: {:?}", end.actor));
                }
                let peer = peer.map(|end| Peer::new(end, world, hosts));
                let infos = world.sockets(hosts[end.host]);
                let socket = world.event_loop(hosts[end.host]).socket_at(end.id);
                let may_fail = match peer {
                    Some(_) => state.program.is_faulty(),
                    None => state.program.may_forget(),
                };
                let rests = end.check_rest(&socket, peer.as_ref(), may_fail);
                let rests = rests.and_then(|()| match end.has_closed {
                    true => Ok(()),
                    false => end.check_kernel_rest(&socket, &infos),
                });
                if let Err(words) = rests {
                    wrong.push(format!("{words}: {:?} at rest", end.actor));
                }
            }
            let servers = state.servers.iter();
            for (number, server_state) in
                servers.filter(|(_, server_state)| !is_over(server_state.host))
            {
                let event_loop = world.event_loop(hosts[server_state.host]);
                if let Err(words) = server_state.check_rest(event_loop, *number, ends) {
                    wrong.push(format!("{words}: {:?} at rest", Actor::Server(*number)));
                }
            }
        });
        wrong.into_iter().for_each(|words| self.fault(words));
        for (host, name) in hosts.iter().enumerate() {
            if self.is_undisturbed(host) {
                self.check_registrations(world, host, *name);
            }
        }
    }

    /// Whether nothing has thrown on a host, and nothing lets its loop end early.
    pub(super) fn is_undisturbed(&self, host: usize) -> bool {
        self.with(|state| {
            let ends = state.ends.iter();
            let ends = ends.map(|end| (end.host, end.was_unreferenced || end.host_has_thrown));
            let servers = state.servers.values();
            let servers = servers.map(|it| (it.host, it.was_unreferenced || it.has_thrown));
            !ends.chain(servers).any(|it| it == (host, true))
        })
    }

    /// At the end of the run, each callback has run and was dropped, and no byte is lost.
    pub(super) fn check_end(&self) {
        let mut wrong = Vec::new();
        self.with(|state| {
            for end in state.ends.iter().filter(|end| !end.is_killed) {
                let peer = (state.by_actor.get(&end.actor.peer())).map(|it| &state.ends[*it]);
                if let Err(words) = end.check_end(peer) {
                    wrong.push(format!("{words}: {:?} at the end", end.actor));
                }
            }
            for end in state.ends.iter().filter(|end| end.guard.strong_count() > 0) {
                wrong.push(format!(
                    "a callback was not dropped: {:?} at the end",
                    end.actor
                ));
            }
        });
        wrong.into_iter().for_each(|words| self.fault(words));
    }
}

impl<'a> Peer<'a> {
    fn new(end: &'a End, world: &mut World, hosts: &[Host]) -> Peer<'a> {
        let socket = world.event_loop(hosts[end.host]).socket_at(end.id);
        let is_gone = end.is_killed || end.has_closed;
        Peer {
            is_open: !is_gone && socket.state() == State::Open,
            is_reading: !is_gone && end.is_reading(&socket),
            unsent: socket.writable_length(),
            end,
        }
    }
}

impl End {
    fn check_rest(&self, socket: &Socket<'_>, peer: Option<&Peer<'_>>, is_faulty: bool) -> Outcome {
        if self.has_closed {
            return must(
                self.callbacks_run == self.callbacks_given,
                "a callback has not come",
            );
        }
        let (state, standing) = (socket.state(), socket.standing());
        must(state != State::Opening, "the socket is still connecting")?;
        must(state != State::Destroyed, "close has not come")?;
        must(state != State::Closed, "the socket is closed without close")?;
        if state == State::Idle && self.manner.is_made_first {
            return Ok(());
        }
        must(state != State::Idle, "the socket is not connected")?;
        must(self.is_connected, "connect has not come")?;
        let is_due = standing.receiving == Readable::Due;
        must(!is_due, "end is due, and has not come")?;
        let is_due = matches!(standing.sending, Writable::Shutting | Writable::Sent);
        must(!is_due, "finish is due, and has not come")?;
        let has_listeners = self.extras.are_there(socket);
        must(has_listeners, "a listener is missing, or one too many")?;
        let unsent = socket.writable_length();
        let can_send = peer.is_some_and(|peer| peer.is_open && peer.is_reading);
        if can_send && socket.writable_corked() == 0 {
            must(unsent == 0, "bytes wait, and the peer reads")?;
            must(
                self.callbacks_run == self.callbacks_given,
                "a callback has not come",
            )?;
        }
        must(!self.was_destroyed, "the socket was destroyed, and is open")?;
        let is_sent = unsent == 0 && socket.writable_corked() == 0 && standing.is_ended();
        must(!is_sent || self.has_finished, "finish has not come")?;
        let is_dry = unsent > 0 || !socket.writable_need_drain();
        must(is_dry, "drain has not come")?;
        let ends = self.has_ended && !self.was_half_open;
        must(
            !ends || standing.is_ended(),
            "the socket has not ended its half",
        )?;
        let is_over = self.has_ended && self.has_finished;
        must(!is_over, "both halves are over, but the socket is open")?;
        match self.is_reading(socket) && !self.has_other_readers {
            true => self.check_reading(socket, peer, is_faulty),
            false => Ok(()),
        }
    }

    /// Checks that an end that reads has read everything that has arrived.
    fn check_reading(
        &self,
        socket: &Socket<'_>,
        peer: Option<&Peer<'_>>,
        is_faulty: bool,
    ) -> Outcome {
        must(socket.readable_length() == 0, "bytes wait to be read")?;
        // With faults, a connection may fail at one end and stay open at the other. A kernel forgets a connection
        // that finds a small backlog full for a minute.
        let Some(peer) = peer else {
            return must(
                self.has_ended || is_faulty,
                "the connection was not accepted",
            );
        };
        let has_sent_end = match peer.is_open {
            true => peer.end.has_finished,
            false => !is_faulty,
        };
        let ends = has_sent_end && !peer.end.host_has_crashed;
        must(!ends || self.has_ended, "end has not come")?;
        let is_known =
            !is_faulty && peer.is_open && peer.end.is_undisturbed() && !peer.end.sends_other_bytes;
        let all = peer.end.written.saturating_sub(peer.unsent);
        let has_all = self.may_miss_bytes || self.received == all;
        must(!is_known || has_all, "bytes have not come")
    }

    fn check_end(&self, peer: Option<&End>) -> Outcome {
        must(self.has_closed, "close has not come")?;
        if !self.has_thrown {
            must(
                self.callbacks_run == self.callbacks_given,
                "a callback has not come",
            )?;
        }
        must(
            self.callbacks_run <= self.callbacks_given,
            "a callback has run twice",
        )?;
        let Some(peer) = peer.filter(|peer| !peer.sends_other_bytes) else {
            return Ok(());
        };
        must(
            self.received <= peer.written,
            "more bytes have come than were sent",
        )?;
        let is_whole = self.has_ended && peer.has_finished && !self.may_miss_bytes;
        must(!is_whole || self.received == peer.written, "bytes are lost")
    }
}

impl ServerState {
    fn check_rest(&self, event_loop: &mut Loop, number: usize, ends: &[End]) -> Outcome {
        let server = event_loop.server_at(self.id);
        let is_passing = matches!(
            server.state(),
            Server::Resolving
                | Server::BackingOff
                | Server::Closing
                | Server::AwaitingHandshakes
                | Server::Finishing
        );
        must(!is_passing, "a passing state of the server lasts")?;
        let ours = |end: &&End| end.server == Some(number) && !end.has_closed && !end.is_killed;
        let open = ends.iter().filter(ours).count();
        must(
            server.connections() == open,
            "the number of connections is wrong",
        )?;
        must(
            server.sockets().len() == open,
            "the list of sockets is wrong",
        )?;
        if !self.has_thrown && open == 0 && !server.is_listening() {
            must(
                self.callbacks_run == self.callbacks_given,
                "a callback has not come",
            )?;
        }
        Ok(())
    }
}
