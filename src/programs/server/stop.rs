//! The stop: what it lets finish, and what it cuts.

use std::time::Duration;

use netloop::Loop;

use super::{Settings, connections, identity, manager, proxy, servers};
use crate::programs::{claim, fail};

/// What a stop is to do.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    grace: Duration,
    drain_timeout: Duration,
    is_echo: bool,
}

/// How far the stop is: kept by the loop once it has begun.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// New clients are served as before, until the load balancer sends none.
    Grace,
    Draining,
}

/// Whether new clients should go elsewhere.
pub(super) fn has_begun(event_loop: &Loop) -> bool {
    event_loop.data::<Phase>().is_some()
}

/// Whether the connections that are accepted now were made before the stop.
pub(super) fn is_draining(event_loop: &Loop) -> bool {
    event_loop.data() == Some(&Phase::Draining)
}

impl Stop {
    pub(super) fn of(settings: &Settings) -> Stop {
        Stop {
            grace: settings.grace,
            drain_timeout: settings.drain_timeout,
            is_echo: settings.is_echo,
        }
    }

    /// Tells load balancers to send clients elsewhere, and drains when the time of grace is up.
    pub(super) fn begin(self, event_loop: &mut Loop) {
        if has_begun(event_loop) {
            return;
        }
        manager::is_stopping(event_loop, self.grace + self.drain_timeout);
        if self.grace.is_zero() {
            return self.drain(event_loop);
        }
        log::info!("stopping in {}", humantime::format_duration(self.grace));
        event_loop.set_data(Phase::Grace);
        let timer = event_loop.after(self.grace, move |event_loop| self.drain(event_loop));
        event_loop.unref_timer(timer);
    }

    /// Serves those who have connected and listens no more, ends its half of what is open, and cuts
    /// what is left when the time is up. An echo ends no half: what its peers have sent must come back
    /// until they end themselves (RFC 862).
    pub(super) fn drain(self, event_loop: &mut Loop) {
        if is_draining(event_loop) {
            return;
        }
        event_loop.set_data(Phase::Draining);
        log::info!("stopping; open connections: {}", connections(event_loop));
        for id in servers(event_loop) {
            let mut server = event_loop.server_at(id);
            claim::give_up(&mut server);
            let open = server.close_after_backlog().sockets();
            for socket in open.into_iter().filter(|_| !self.is_echo) {
                let mut socket = event_loop.socket_at(socket);
                // A connection whose PROXY header is still awaited is greeted before it ends.
                if !proxy::is_awaited(&socket) {
                    socket.end();
                }
            }
        }
        let timer = event_loop.after(self.drain_timeout, cut);
        event_loop.unref_timer(timer);
    }
}

fn cut(event_loop: &mut Loop) {
    for id in servers(event_loop) {
        for socket in event_loop.server_at(id).close().sockets() {
            fail(event_loop);
            let mut socket = event_loop.socket_at(socket);
            let (id, client) = (socket.id(), identity::logged(&mut socket));
            log::warn!("{id} {client}: cut, it is open after --drain-timeout");
            socket.destroy();
        }
    }
}
