//! The attempts: one address after the other, each with its time, until one of them answers
//! (happy eyeballs). A path, or a single address, is the only attempt.

use std::net::{IpAddr, SocketAddr};

use libc::ETIMEDOUT;

use super::{Attempt, Target};
use crate::net::SocketId;
use crate::net::error::Error;
use crate::net::event_loop::Loop;
use crate::net::queues::Pending;
use crate::net::timers::TimerTask;
use crate::net::trace::Subject;
use crate::room::connector::Opening;

/// What came of trying an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// It was refused at once, and another one may do.
    Refused,
    /// It is on its way, or nothing more is to be tried.
    Over,
}

/// Each address once, the families in turn, beginning with that of the first.
pub(super) fn alternate(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut unique = Vec::new();
    for address in found {
        if !unique.contains(address) {
            unique.push(*address);
        }
    }
    let first_is_ipv4 = unique.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = unique
        .into_iter()
        .partition(|address| address.is_ipv4() == first_is_ipv4);
    let mut sorted = Vec::new();
    for index in 0..first.len().max(second.len()) {
        sorted.extend(first.get(index));
        sorted.extend(second.get(index));
    }
    sorted
}

impl Loop {
    /// Begins with the next address, or with the path.
    pub(in crate::net::socket) fn attempt(&mut self, id: SocketId) {
        while self.attempt_next(id) == Tried::Refused {}
    }

    fn attempt_next(&mut self, id: SocketId) -> Tried {
        let Some(connecting) = self.connecting(id) else {
            return Tried::Over;
        };
        if let Target::Path(_) = connecting.target {
            let attempt = connecting.attempt();
            self.emit_attempt(id, &attempt);
            return Tried::Over;
        }
        let Some(&address) = connecting.addresses.get(connecting.begun) else {
            let errors = std::mem::take(&mut connecting.errors);
            self.destroy(id, Some(Error::aggregate(errors)));
            return Tried::Over;
        };
        connecting.begun += 1;
        let opening = match Opening::new(address) {
            Ok(opening) => opening,
            Err(error) => return self.attempt_refused(id, &error),
        };
        let local = connecting.local(address.ip());
        if let Some(local) = local
            && let Err(error) = opening.bind(local)
        {
            let (ip, port) = (local.ip().to_string(), local.port());
            return self.bind_refused(id, Error::of_address("bind", &error, &ip, Some(port)));
        }
        self.begin_attempt(id, address.ip(), opening)
    }

    fn begin_attempt(&mut self, id: SocketId, address: IpAddr, opening: Opening) -> Tried {
        let Some(connecting) = self.connecting(id) else {
            return Tried::Over;
        };
        let attempt = connecting.attempt();
        let is_multiple = connecting.is_multiple();
        let is_last = connecting.begun == connecting.addresses.len();
        let is_first = connecting.begun == 1;
        let timeout = connecting.attempt_timeout;
        if let Some(error) = self.blocked(id, address) {
            return self.attempt_blocked(id, &attempt, error);
        }
        self.emit_attempt(id, &attempt);
        match self.connecting(id) {
            None => return Tried::Over,
            Some(connecting) if connecting.is_kept_alive && is_first => opening.keep_alive(),
            Some(_) => {}
        }
        if is_multiple {
            self.note_attempted(id, &attempt);
        }
        match opening.connect() {
            Ok(stream) => {
                self.with_socket(id, |socket, errands| socket.adopt(stream, errands));
            }
            Err(error) => return self.attempt_refused(id, &error),
        }
        if is_multiple && !is_last {
            let now = self.agenda.clock.refresh();
            let millis = u32::try_from(timeout.as_millis())
                .unwrap_or(u32::MAX)
                .max(1);
            let timer = self
                .agenda
                .timers
                .insert(now, millis, TimerTask::Attempt(id));
            if let Some(connecting) = self.connecting(id) {
                connecting.timer = Some(timer);
            }
        }
        Tried::Over
    }

    fn note_attempted(&mut self, id: SocketId, attempt: &Attempt) {
        if let Some(entry) = self.entry(id) {
            let note = format!("{}:{}", attempt.address, attempt.port.unwrap_or(0));
            entry.cold().attempted.get_or_insert_default().push(note);
        }
    }

    /// Why this address must not be connected to.
    fn blocked(&self, id: SocketId, address: IpAddr) -> Option<Error> {
        let list = self.entry_ref(id)?.cold.as_ref()?.block_list.as_ref()?;
        list.check(address).then(|| {
            let message = format!("IP({address}) is blocked by net.BlockList");
            Error::with_code("ERR_IP_BLOCKED", message)
        })
    }

    fn attempt_blocked(&mut self, id: SocketId, attempt: &Attempt, error: Error) -> Tried {
        if self
            .connecting(id)
            .is_some_and(|connecting| connecting.is_multiple())
        {
            return self.address_failed(id, attempt, error);
        }
        self.emit_attempt(id, attempt);
        self.destroy(id, Some(error));
        Tried::Over
    }

    fn bind_refused(&mut self, id: SocketId, error: Error) -> Tried {
        match self.connecting(id) {
            Some(connecting) if connecting.is_multiple() => {
                connecting.errors.push(error);
                Tried::Refused
            }
            _ => {
                self.destroy(id, Some(error));
                Tried::Over
            }
        }
    }

    /// `connect(2)` said no at once, and Node tells no `connectionAttemptFailed` of a single
    /// address then; but a refusal is told from the pending phase.
    fn attempt_refused(&mut self, id: SocketId, error: &std::io::Error) -> Tried {
        let Some(connecting) = self.connecting(id) else {
            return Tried::Over;
        };
        let made = connecting.error(error);
        if connecting.is_multiple() {
            let attempt = connecting.attempt();
            return self.address_failed(id, &attempt, made);
        }
        if error.kind() == std::io::ErrorKind::ConnectionRefused {
            connecting.failed = error.raw_os_error().map(std::io::Error::from_raw_os_error);
            self.agenda.put_off(Pending::ConnectFailed(id));
        } else {
            self.destroy(id, Some(made));
        }
        Tried::Over
    }

    /// One address of several has failed.
    fn address_failed(&mut self, id: SocketId, attempt: &Attempt, error: Error) -> Tried {
        if let Some(connecting) = self.connecting(id) {
            connecting.errors.push(error.clone());
        }
        self.emit_attempt_failed(id, attempt, &error);
        Tried::Refused
    }

    /// The pending phase: `connect(2)` had said no in the call.
    pub(in crate::net) fn attempt_failed_at_once(&mut self, id: SocketId) {
        if let Some(error) = self
            .connecting(id)
            .and_then(|connecting| connecting.failed.take())
        {
            self.attempt_failed(id, &error);
        }
    }

    pub(super) fn attempt_failed(&mut self, id: SocketId, error: &std::io::Error) {
        self.with_socket(id, |socket, errands| socket.stop_attempt_timer(errands));
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        let attempt = connecting.attempt();
        let error = connecting.error(error);
        if connecting.is_multiple() {
            self.address_failed(id, &attempt, error);
            return self.attempt(id);
        }
        self.emit_attempt_failed(id, &attempt, &error);
        self.destroy(id, Some(error));
    }

    /// The timer of an attempt: the address did not answer, the next one is tried.
    pub(in crate::net) fn attempt_timed_out(&mut self, id: SocketId) {
        let Some(connecting) = self.connecting(id) else {
            return;
        };
        connecting.timer = None;
        let attempt = connecting.attempt();
        let error = connecting.error(&std::io::Error::from_raw_os_error(ETIMEDOUT));
        connecting.errors.push(error);
        self.emit_socket(
            id,
            "connectionAttemptTimeout",
            |entry| {
                let cold = entry.cold.as_mut();
                cold.map(|cold| &mut cold.connection_attempt_timeout)
            },
            |listener, socket| listener(socket, &attempt),
        );
        self.attempt(id);
    }

    fn emit_attempt(&mut self, id: SocketId, attempt: &Attempt) {
        self.emit_socket(
            id,
            "connectionAttempt",
            |entry| entry.cold.as_mut().map(|cold| &mut cold.connection_attempt),
            |listener, socket| listener(socket, attempt),
        );
    }

    fn emit_attempt_failed(&mut self, id: SocketId, attempt: &Attempt, error: &Error) {
        let error = &error.clone().of(Subject::Socket(id));
        self.emit_socket(
            id,
            "connectionAttemptFailed",
            |entry| {
                let cold = entry.cold.as_mut();
                cold.map(|cold| &mut cold.connection_attempt_failed)
            },
            |listener, socket| listener(socket, attempt, error),
        );
    }
}
