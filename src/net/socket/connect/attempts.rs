//! The attempts: one address after the other, each for a limited time, until one of them answers (happy
//! eyeballs). A path or a single address gets one attempt.

use std::io;
use std::net::{IpAddr, SocketAddr};

use libc::ETIMEDOUT;

use crate::kernel::Opening;
use crate::net::error::Error;
use crate::net::event_loop::Served;
use crate::net::event_loop::errands::Errands;
use crate::net::event_loop::firing::TimerTask;
use crate::net::event_loop::phase::Pending;
use crate::net::socket::SocketEntry;
use crate::net::socket::connecting::{Attempt, Target};
use crate::net::socket::events::{
    CONNECTION_ATTEMPT, CONNECTION_ATTEMPT_FAILED, CONNECTION_ATTEMPT_TIMEOUT,
};
use crate::net::trace::{Subject, errno};

/// The outcome of trying an address.
enum Tried {
    /// The attempt is in progress, or there is nothing more to try.
    Over,
    /// The address cannot be used; the next one is tried.
    Refused,
    /// The same, and `connectionAttemptFailed` is emitted.
    Failed(Attempt, Error),
}

/// The outcome of opening a socket for the next address.
enum Opened {
    /// The attempt is announced, then connected.
    Socket(Attempt, Opening),
    /// The attempt is only announced: a path was connected to within the call, and a single blocked
    /// address is an error.
    Announced(Attempt, Option<Error>),
    Nothing(Tried),
}

/// Removes duplicates, and alternates between the families, beginning with that of the first address.
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

impl SocketEntry {
    /// Opens a socket for the next address.
    fn open_next(&mut self, errands: &mut Errands<'_>) -> Opened {
        let Some(connecting) = self.connecting() else {
            return Opened::Nothing(Tried::Over);
        };
        if let Target::Path(_) = connecting.target {
            return Opened::Announced(connecting.attempt(), None);
        }
        let Some(&address) = connecting.addresses.get(connecting.begun) else {
            let errors = std::mem::take(&mut connecting.errors);
            self.destroy(Some(Error::aggregate(errors)), errands);
            return Opened::Nothing(Tried::Over);
        };
        connecting.begun += 1;
        let opening = match errands.registry.open(address) {
            Ok(opening) => opening,
            Err(error) => return Opened::Nothing(self.refused(&error, errands)),
        };
        if let Some(local) = connecting.local(address.ip())
            && let Err(error) = opening.bind(local)
        {
            let (ip, port) = (local.ip().to_string(), local.port());
            let error = Error::of_address("bind", &error, &ip, Some(port));
            return Opened::Nothing(self.bind_refused(error, errands));
        }
        let (attempt, is_multiple) = (connecting.attempt(), connecting.is_multiple());
        match self.blocked(address.ip()) {
            Some(error) if is_multiple => Opened::Nothing(self.address_failed(attempt, error)),
            Some(error) => Opened::Announced(attempt, Some(error)),
            None => Opened::Socket(attempt, opening),
        }
    }

    /// Why this address must not be connected to.
    fn blocked(&self, address: IpAddr) -> Option<Error> {
        let list = self.cold.as_ref()?.block_list.as_ref()?;
        list.check(address).then(|| {
            let message = format!("IP({address}) is blocked by net.BlockList");
            Error::with_code("ERR_IP_BLOCKED", message)
        })
    }

    /// Connects after the attempt was announced, unless a listener has ended it.
    fn connect_opened(
        &mut self,
        attempt: &Attempt,
        opening: Opening,
        errands: &mut Errands<'_>,
    ) -> Tried {
        let Some(connecting) = self.connecting() else {
            return Tried::Over;
        };
        if connecting.is_kept_alive && connecting.begun == 1 {
            opening.keep_alive();
        }
        let is_multiple = connecting.is_multiple();
        if is_multiple {
            let note = format!("{}:{}", attempt.address, attempt.port.unwrap_or(0));
            self.cold().attempted.get_or_insert_default().push(note);
        }
        let connected = opening.connect();
        let answer = connected.as_ref().map_err(errno);
        let answer = answer.and_then(|(_, answer)| answer.map(|()| None));
        (errands.agenda.trace).system(Subject::Socket(errands.id), "connect", answer);
        match connected {
            Ok((stream, _)) => self.adopt(stream, errands),
            Err(error) => return self.refused(&error, errands),
        }
        if is_multiple {
            self.start_attempt_timer(errands);
        }
        Tried::Over
    }

    /// Limits the time of each address but the last.
    fn start_attempt_timer(&mut self, errands: &mut Errands<'_>) {
        let Some(connecting) = self.connecting() else {
            return;
        };
        if connecting.begun == connecting.addresses.len() {
            return;
        }
        let millis = u32::try_from(connecting.attempt_timeout.as_millis());
        let millis = millis.unwrap_or(u32::MAX).max(1);
        let task = TimerTask::Attempt(errands.id);
        connecting.timer = Some(errands.agenda.arm(millis, task));
    }

    fn bind_refused(&mut self, error: Error, errands: &mut Errands<'_>) -> Tried {
        match self.connecting() {
            Some(connecting) if connecting.is_multiple() => {
                connecting.errors.push(error);
                Tried::Refused
            }
            _ => {
                self.destroy(Some(error), errands);
                Tried::Over
            }
        }
    }

    /// `socket(2)` or `connect(2)` has failed at once. For a single address Node then emits no
    /// `connectionAttemptFailed`, except for `ECONNREFUSED`, which is reported from the pending phase.
    fn refused(&mut self, error: &io::Error, errands: &mut Errands<'_>) -> Tried {
        let Some(connecting) = self.connecting() else {
            return Tried::Over;
        };
        let made = connecting.error(error);
        if connecting.is_multiple() {
            let attempt = connecting.attempt();
            return self.address_failed(attempt, made);
        }
        if error.kind() == io::ErrorKind::ConnectionRefused {
            connecting.failed = error.raw_os_error().map(io::Error::from_raw_os_error);
            errands.agenda.put_off(Pending::ConnectFailed(errands.id));
        } else {
            self.destroy(Some(made), errands);
        }
        Tried::Over
    }

    /// One address of several has failed.
    fn address_failed(&mut self, attempt: Attempt, error: Error) -> Tried {
        if let Some(connecting) = self.connecting() {
            connecting.errors.push(error.clone());
        }
        Tried::Failed(attempt, error)
    }

    /// Ends an attempt that has failed. Returns it, its error, and whether there are several addresses.
    fn end_attempt(
        &mut self,
        error: Option<io::Error>,
        errands: &mut Errands<'_>,
    ) -> Option<(Attempt, Error, bool)> {
        let connecting = self.connecting()?;
        let error = error.or_else(|| connecting.failed.take())?;
        let (attempt, error) = (connecting.attempt(), connecting.error(&error));
        let is_multiple = connecting.is_multiple();
        if is_multiple {
            connecting.errors.push(error.clone());
        }
        self.stop_attempt_timer(errands);
        Some((attempt, error, is_multiple))
    }

    /// The address did not answer in time.
    fn attempt_timed_out(&mut self) -> Option<Attempt> {
        let connecting = self.connecting()?;
        connecting.timer = None;
        let error = connecting.error(&io::Error::from_raw_os_error(ETIMEDOUT));
        connecting.errors.push(error);
        Some(connecting.attempt())
    }
}

impl Served<'_> {
    /// Tries the next address, or the path.
    pub(in crate::net::socket) fn attempt(&mut self) {
        while let Some(opened) = self.with(SocketEntry::open_next) {
            let tried = match opened {
                Opened::Nothing(tried) => tried,
                Opened::Announced(attempt, error) => {
                    self.emit(CONNECTION_ATTEMPT, |listener, socket| {
                        listener(socket, &attempt);
                    });
                    if let Some(error) = error {
                        self.destroy(Some(error));
                    }
                    return;
                }
                Opened::Socket(attempt, opening) => {
                    self.emit(CONNECTION_ATTEMPT, |listener, socket| {
                        listener(socket, &attempt);
                    });
                    let tried = self
                        .with(|socket, errands| socket.connect_opened(&attempt, opening, errands));
                    tried.unwrap_or(Tried::Over)
                }
            };
            match tried {
                Tried::Over => return,
                Tried::Refused => {}
                Tried::Failed(attempt, error) => self.emit_attempt_failed(&attempt, &error),
            }
        }
    }

    /// An attempt has failed, with this error or with the one that `connect(2)` returned at once.
    pub(in crate::net) fn attempt_failed(&mut self, error: Option<io::Error>) {
        let failed = self.with(|socket, errands| socket.end_attempt(error, errands));
        let Some((attempt, error, is_multiple)) = failed.flatten() else {
            return;
        };
        self.emit_attempt_failed(&attempt, &error);
        match is_multiple {
            true => self.attempt(),
            false => self.destroy(Some(error)),
        }
    }

    /// The timer of an attempt has fired: the next address is tried.
    pub(in crate::net) fn next_attempt_is_due(&mut self) {
        let timed_out = self.entry().and_then(SocketEntry::attempt_timed_out);
        let Some(attempt) = timed_out else { return };
        self.emit(CONNECTION_ATTEMPT_TIMEOUT, |listener, socket| {
            listener(socket, &attempt)
        });
        self.attempt();
    }

    fn emit_attempt_failed(&mut self, attempt: &Attempt, error: &Error) {
        let error = &error.clone().of(Subject::Socket(self.id));
        self.emit(CONNECTION_ATTEMPT_FAILED, |listener, socket| {
            listener(socket, attempt, error)
        });
    }
}
