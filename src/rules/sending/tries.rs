//! Writes, their requests, and the tries to send them.

use std::io;

use super::{Kernel, Later, Limits, Next, Reply, Request, Sending};

/// How many bytes a waiting write counts beside its own: for its place in the queue, its callback, and
/// the headers of its allocations. So empty writes have a limit, too.
const WAITING_WRITE: usize = 64;

impl<C> Sending<C> {
    /// Whether nothing is queued before a new write: its bytes may be offered to the kernel at once.
    #[inline]
    pub(crate) fn is_clear(&self) -> bool {
        match &self.owed {
            None => true,
            Some(owed) => owed.is_flushed() && owed.corked == 0,
        }
    }

    /// Counts bytes that are offered to the kernel.
    #[inline]
    pub(crate) fn dispatch(&mut self, count: usize) {
        self.dispatched += count as u64;
        if let Some(owed) = &mut self.owed {
            owed.held_length = 0;
        }
    }

    /// Continues a write that was offered to the kernel at once, with the answer. What the kernel did not
    /// take becomes a request. If it took a part, the rest is tried once more, as in libuv: a connection
    /// that has failed reports it then.
    pub(crate) fn begin(
        &mut self,
        bytes: &[u8],
        callback: Option<C>,
        reply: Reply,
        turn: u32,
        kernel: &mut impl Kernel,
    ) -> Next<C> {
        let (taken, later) = match reply {
            Reply::Failed(error) => return Next::Failed(callback.into_iter().collect(), error),
            Reply::Took(count) if count == bytes.len() => {
                return Next::Done(callback.into_iter().collect());
            }
            Reply::Took(count) => (count, None),
            Reply::Full => (0, Some(Later::Readiness)),
            Reply::Starved => (0, Some(self.starved())),
        };
        let owed = self.owed_mut();
        owed.outbox.push(bytes[taken..].to_vec(), callback);
        owed.outbox.make_request();
        owed.outbox.credit(taken);
        owed.request = Request::Waiting { since: turn };
        Next::InFlight(later.unwrap_or_else(|| self.try_again(kernel)))
    }

    /// Queues a write: it waits for the request in flight, for `uncork`, or for the connection. Returns
    /// whether the program may go on writing; beyond the limit the callback is returned, and no byte is
    /// kept.
    pub(crate) fn queue(
        &mut self,
        bytes: &[u8],
        callback: Option<C>,
        limits: Limits,
    ) -> Result<bool, Option<C>> {
        if !self.may_owe(bytes.len(), limits) {
            return Err(callback);
        }
        self.owed_mut().outbox.push(bytes.to_vec(), callback);
        Ok(self.may_go_on(limits))
    }

    /// Queues a write after another one has failed: its bytes count, and its callback will be abandoned.
    /// Beyond the limit no byte is kept.
    pub(crate) fn queue_in_vain(&mut self, bytes: &[u8], callback: Option<C>, limits: Limits) {
        let may_owe = self.may_owe(bytes.len(), limits);
        let kept = if may_owe { bytes } else { &[] };
        self.owed_mut().outbox.push(kept.to_vec(), callback);
        self.may_go_on(limits);
    }

    fn may_owe(&self, more: usize, limits: Limits) -> bool {
        let weight = self.owed.as_ref().map_or(0, |owed| {
            owed.outbox.len() + owed.outbox.count() * WAITING_WRITE
        });
        weight.saturating_add(more) <= limits.limit
    }

    /// What `write` returns: whether the program may go on. If not, `drain` is owed.
    pub(crate) fn may_go_on(&mut self, limits: Limits) -> bool {
        let length = self.len();
        let may_go_on = length < limits.mark || length == 0;
        if !may_go_on {
            self.owed_mut().needs_drain = true;
        }
        may_go_on
    }

    /// Makes a request of the waiting writes, and holds it until there is a connection. Returns whether it
    /// was made just now; then the caller arranges its [`release`](Sending::release).
    pub(crate) fn hold(&mut self) -> bool {
        if !self.may_send() {
            return false;
        }
        let owed = self.owed_mut();
        owed.held_length = owed.outbox.make_request();
        owed.request = Request::Held;
        true
    }

    /// Tries the request that was held for the connection. `None` if there is none.
    pub(crate) fn release(&mut self, turn: u32, kernel: &mut impl Kernel) -> Option<Next<C>> {
        if !self.is_held() {
            return None;
        }
        let length = self.owed_mut().held_length;
        self.dispatch(length);
        Some(self.try_first(turn, kernel))
    }

    /// Ends the request that was held for the connection of a destroyed socket. Returns its callbacks.
    pub(crate) fn release_in_vain(&mut self) -> Vec<C> {
        if let Some(owed) = &mut self.owed {
            owed.held_length = 0;
        }
        self.end_request()
    }

    /// Whether the waiting writes may become a request.
    pub(crate) fn may_send(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| {
            owed.outbox.has_waiting() && !owed.request.is_in_flight() && owed.corked == 0
        })
    }

    /// Makes one request of all waiting writes, and tries it. Only if they [may](Sending::may_send) become
    /// one.
    pub(crate) fn send(&mut self, turn: u32, kernel: &mut impl Kernel) -> Next<C> {
        let length = self.owed_mut().outbox.make_request();
        self.dispatch(length);
        self.try_first(turn, kernel)
    }

    /// The first try with a request: libuv's `uv_try_write`. If it took a part, the kernel is tried
    /// once more.
    fn try_first(&mut self, turn: u32, kernel: &mut impl Kernel) -> Next<C> {
        let owed = self.owed_mut();
        owed.request = Request::Waiting { since: turn };
        let (slices, _) = owed.outbox.offer();
        let reply = kernel.offer(&slices);
        Next::InFlight(match reply {
            Reply::Took(count) if owed.outbox.took_first(count) => {
                return Next::Done(self.end_request());
            }
            Reply::Took(_) => self.try_again(kernel),
            Reply::Full => Later::Readiness,
            Reply::Starved => self.starved(),
            Reply::Failed(error) => return Next::Failed(self.end_request(), error),
        })
    }

    /// Whether a request is on its way, so that one more try makes sense.
    pub(crate) fn is_on_its_way(&self) -> bool {
        self.request().is_some_and(Request::is_on_its_way)
    }

    /// One more try with the request that is on its way: libuv's `uv__write`.
    pub(crate) fn try_again(&mut self, kernel: &mut impl Kernel) -> Later {
        let Some(owed) = &mut self.owed else {
            return Later::Readiness;
        };
        let (Request::Waiting { since } | Request::Roomy { since }) = owed.request else {
            return Later::Readiness;
        };
        let (slices, offered) = owed.outbox.offer();
        let reply = kernel.offer(&slices);
        owed.request = Request::Waiting { since };
        match reply {
            Reply::Took(count) if owed.outbox.took(count) => {
                owed.request = Request::Landed(Ok(()));
                Later::Landed
            }
            Reply::Took(count) if count == offered => {
                owed.request = Request::Roomy { since };
                Later::NextTurn
            }
            Reply::Took(_) | Reply::Full => Later::Readiness,
            Reply::Starved => self.starved(),
            Reply::Failed(error) => {
                owed.request = Request::Landed(Err(error));
                Later::Landed
            }
        }
    }

    /// Asks for a timer, unless one is armed already.
    fn starved(&self) -> Later {
        if self.waits_for_memory() {
            Later::Readiness
        } else {
            Later::Timer
        }
    }

    /// Readiness has reported room. A request that was made in this turn, or that waits for memory, ignores
    /// it.
    pub(crate) fn room_reported(&mut self, turn: u32) {
        let Some(owed) = &mut self.owed else { return };
        if let Request::Waiting { since } = owed.request
            && since != turn
            && owed.timer.is_none()
        {
            owed.request = Request::Roomy { since };
        }
    }

    /// Whether the kernel may have room for the request, which no readiness will report.
    pub(crate) fn has_room(&self) -> bool {
        self.request()
            .is_some_and(|request| matches!(request, Request::Roomy { .. }))
    }

    /// The turn counter has wrapped around: the request was made in none of the turns to come.
    pub(crate) fn was_made_before(&mut self) {
        let request = self.owed.as_mut().map(|owed| &mut owed.request);
        if let Some(Request::Waiting { since } | Request::Roomy { since }) = request {
            *since = 0;
        }
    }

    /// Takes the callbacks and the outcome of a request that has landed.
    pub(crate) fn take_landed(&mut self) -> Option<(Vec<C>, io::Result<()>)> {
        let owed = self.owed.as_mut()?;
        match std::mem::take(&mut owed.request) {
            Request::Landed(outcome) => Some((self.end_request(), outcome)),
            other => {
                owed.request = other;
                None
            }
        }
    }

    /// Ends the request in flight, whatever its outcome. Returns its callbacks.
    pub(crate) fn end_request(&mut self) -> Vec<C> {
        let Some(owed) = &mut self.owed else {
            return Vec::new();
        };
        owed.request = Request::None;
        let callbacks = owed.outbox.end_request();
        self.trim();
        callbacks
    }

    /// Ends the waiting writes, which have no connection to wait for: they fail as a request does. Returns
    /// their callbacks.
    pub(crate) fn end_waiting(&mut self) -> Vec<C> {
        self.owed_mut().outbox.make_request();
        self.end_request()
    }

    /// Abandons the first write that waits, and returns its callback, if it has one. `None` if no
    /// write waits, or if a request is in flight: the others are called back after it.
    pub(crate) fn abandon_one(&mut self) -> Option<Option<C>> {
        let owed = self.owed.as_mut()?;
        if owed.request.is_in_flight() {
            return None;
        }
        owed.outbox.give_up_one()
    }

    /// Prepares for another connection. Returns all callbacks that are owed, in their order.
    pub(crate) fn begin_again(&mut self) -> Vec<C> {
        self.dispatched = 0;
        let mut callbacks = self.end_request();
        callbacks.extend(std::iter::from_fn(|| self.abandon_one()).flatten());
        callbacks.extend(self.take_end_callbacks());
        if let Some(owed) = &mut self.owed {
            owed.needs_drain = false;
        }
        self.forget_abandoned();
        callbacks
    }
}
