//! The results of writes, and the limits of sockets and servers.

use netloop::state::socket::State;
use netloop::{ServerId, Socket};

use super::end::End;
use super::oracle::{Outcome, must};
use super::play::Play;
use super::program::Actor;

/// The most that a waiting write counts towards the limit, beside its bytes.
const WRITE_WEIGHT_MAX: usize = 64;

/// A socket before a write.
struct Before {
    /// The socket can be written to, and has not failed.
    is_writable: bool,
    length: usize,
    /// The write joins the queue: it is not offered to the kernel at once.
    is_queued: bool,
}

impl Before {
    fn new(socket: &Socket<'_>) -> Before {
        let length = socket.writable_length();
        let is_connected = socket.state() == State::Open;
        Before {
            is_writable: socket.is_writable() && socket.errored().is_none(),
            length,
            is_queued: length > 0 || !is_connected || socket.writable_corked() > 0,
        }
    }
}

impl Play {
    /// Writes, and checks the result by the length of the queue and its limits.
    pub(super) fn write_checked(
        &self,
        socket: &mut Socket<'_>,
        number: usize,
        size: usize,
        write: impl FnOnce(&mut Socket<'_>) -> bool,
    ) {
        let before = Before::new(socket);
        let may_go_on = write(socket);
        let limit = self.write_limit(number);
        let wrong = self.end(number, |end| {
            end.writes += 1;
            let outcome = end.check_write(socket, &before, size, limit, may_go_on);
            let words = outcome.err()?;
            Some(format!("{words}: {size} bytes of {:?}", end.actor))
        });
        if let Some(words) = wrong {
            self.fault(words);
        }
    }

    /// The write limit of an end, if the program has set one.
    fn write_limit(&self, number: usize) -> Option<usize> {
        self.with(|state| {
            let end = &state.ends[number];
            match (end.actor, end.server) {
                (Actor::Accepted(_), Some(server)) => state.program.venues.get(server)?.limit,
                (_, None) if !end.manner.is_made_first => end.manner.limit,
                _ => None,
            }
        })
    }

    /// Checks a connection that was accepted or dropped by the limit of its server.
    pub(super) fn check_connections(
        &self,
        connections: usize,
        most: Option<usize>,
        id: ServerId,
        is_dropped: bool,
    ) {
        let is_right = match (most, is_dropped) {
            (None, _) => !is_dropped,
            (Some(most), false) => connections <= most,
            (Some(most), true) => connections >= most,
        };
        if !is_right {
            let what = if is_dropped { "dropped" } else { "accepted" };
            self.fault(format!(
                "a connection is {what} against the limit: {connections} of {id}"
            ));
        }
    }
}

impl End {
    fn check_write(
        &mut self,
        socket: &Socket<'_>,
        before: &Before,
        size: usize,
        limit: Option<usize>,
        may_go_on: bool,
    ) -> Outcome {
        let is_refused = !socket.is_writable() || socket.errored().is_some();
        if !before.is_writable || self.sends_other_bytes || self.is_again {
            return must(!is_refused || !may_go_on, "a refused write returns true");
        }
        must(
            !is_refused || !may_go_on,
            "a write that has failed returns true",
        )?;
        if let Some(limit) = limit {
            let exceeds = before.is_queued && before.length + size > limit;
            must(!exceeds || is_refused, "a write beyond the limit is taken")?;
            let error = socket.errored();
            let is_for_limit = error.is_some_and(|error| error.code() == Some("ENOBUFS"));
            let most = before.length + size + self.writes * WRITE_WEIGHT_MAX;
            must(
                !is_for_limit || most > limit,
                "a write within the limit is refused",
            )?;
        }
        if is_refused {
            return Ok(());
        }
        let (length, mark) = (socket.writable_length(), socket.writable_high_water_mark());
        let is_short = length < mark || length == 0;
        must(may_go_on == is_short, "write returns a wrong result")?;
        self.needs_drain |= !may_go_on;
        must(
            self.needs_drain == socket.writable_need_drain(),
            "writable_need_drain is wrong",
        )
    }

    /// Compares the sent bytes, and whether `drain` is due, with the test's own state.
    pub(super) fn check_sending(&self, socket: &Socket<'_>) -> Outcome {
        let is_known = !self.sends_other_bytes && !self.is_again && !self.has_closed;
        if !is_known || !socket.is_writable() || socket.errored().is_some() {
            return Ok(());
        }
        let written = socket.bytes_written();
        must(written == self.written as u64, "bytes_written is wrong")?;
        must(
            self.needs_drain == socket.writable_need_drain(),
            "writable_need_drain is wrong",
        )?;
        let mark = socket.writable_high_water_mark();
        let is_full = socket.writable_length() >= mark.max(1);
        must(
            !is_full || self.needs_drain,
            "the mark is reached, but no write has returned false",
        )
    }
}
