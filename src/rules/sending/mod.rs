//! The sending half: what is owed to the kernel, and which writes are called back when.
//!
//! As Node's stream over libuv does, at most one *request* is in flight: one write, or all writes
//! that had piled up behind the request before. The others *wait*: behind it, for `uncork`, or for
//! the connection. A callback `C` travels with each write; nothing here calls it.
#![doc = include_str!("table.md")]
//! # What can fail
//!
//! | word | which writes | called back | the socket |
//! | --- | --- | --- | --- |
//! | *refuse* | one that may not be: after `end`, after `destroy` | in a tick | is destroyed in the call |
//! | *fail* | the request in flight; then those that wait are abandoned | in a tick, if the call that made the request has met the error; else in the phase that has | writes no more from here on, and is destroyed behind the callbacks |
//! | *abandon* | those that wait, and those of `end` | in the phase, or in a tick after `destroy`; never before the request in flight | stays as it is |
//!
//! These are Node's three: `errorOrDestroy` in `write`, `onwriteError`, and `errorBuffer`.

use std::io::{self, IoSlice};

use self::outbox::Outbox;
use super::timers::TimerKey;

#[cfg(test)]
mod model;
mod outbox;
#[cfg(test)]
mod table;

/// What a write that waits weighs beside its bytes: its place in the queue, its callback's name,
/// and the heads of what is allocated. So empty writes have a limit, too.
const WAITING_WRITE: usize = 64;

/// Takes bytes, as far as it has room.
pub(crate) trait Kernel {
    /// Offers bytes in one call.
    fn offer(&mut self, slices: &[IoSlice<'_>]) -> Reply;
}

/// What the kernel says to bytes that it is offered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It took so many of them.
    Took(usize),
    /// It is full: readiness will tell of room.
    Full,
    /// It is short of memory: nothing will tell when it has some.
    Starved,
    Failed(io::Error),
}

/// What follows when a request is made.
#[derive(Debug)]
pub(crate) enum Next<C> {
    /// It has left whole in the first try: these are its callbacks.
    Done(Vec<C>),
    /// It has failed in the first try: these are its callbacks.
    Failed(Vec<C>, io::Error),
    /// It is in flight.
    InFlight(Later),
}

/// What a request in flight goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// Readiness will tell of room, or the timer is armed already.
    Readiness,
    /// The kernel is short of memory, and a timer is to look whether it has some.
    Timer,
    /// The kernel may have room, and nothing will tell: the next turn tries again.
    NextTurn,
    /// It has left, or failed, and waits to be called back: from the pending phase, unless the
    /// caller does so.
    Landed,
}

/// How much may be owed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From so many bytes on `write` answers that the program is to wait for `drain`.
    pub(crate) mark: usize,
    /// Writes beyond so many bytes fail.
    pub(crate) limit: usize,
}

/// What a socket sends. While nothing is owed it is two words.
#[derive(Debug)]
pub(crate) struct Sending<C> {
    /// Bytes given to the kernel, or in a request that is on its way there.
    dispatched: u64,
    owed: Option<Box<Owed<C>>>,
}

#[derive(Debug)]
struct Owed<C> {
    outbox: Outbox<C>,
    request: Request,
    /// A write has answered `false`, and `drain` has not been emitted since.
    needs_drain: bool,
    /// How often `cork` was called more than `uncork`.
    corked: usize,
    end_callbacks: Vec<C>,
    /// How many bytes the request was that waited for the connection, until the next is made:
    /// Node's `_pendingData`.
    held_length: usize,
    /// The timer that looks whether the kernel has memory.
    timer: Option<TimerKey>,
}

/// Where the request in flight stands.
#[derive(Debug, Default)]
enum Request {
    /// There is none.
    #[default]
    None,
    /// It waits for the connection.
    Held,
    /// Some of it has not left. It was made in this turn: what the kernel tells of in the same turn
    /// is not meant for it.
    Waiting { since: u32 },
    /// The same, and the kernel may have room.
    Roomy { since: u32 },
    /// All of it has left, or it has failed, later than in the call that made it.
    Landed(io::Result<()>),
}

impl<C> Default for Sending<C> {
    fn default() -> Self {
        Sending {
            dispatched: 0,
            owed: None,
        }
    }
}

impl<C> Default for Owed<C> {
    fn default() -> Self {
        Owed {
            outbox: Outbox::default(),
            request: Request::None,
            needs_drain: false,
            corked: 0,
            end_callbacks: Vec::new(),
            held_length: 0,
            timer: None,
        }
    }
}

/// Writes, and what becomes of them.
impl<C> Sending<C> {
    /// Whether nothing stands before the bytes of a new write: the kernel may be tried at once.
    #[inline]
    pub(crate) fn is_clear(&self) -> bool {
        match &self.owed {
            None => true,
            Some(owed) => owed.is_flushed() && owed.corked == 0,
        }
    }

    /// The kernel is offered so many bytes.
    #[inline]
    pub(crate) fn dispatch(&mut self, count: usize) {
        self.dispatched += count as u64;
        if let Some(owed) = &mut self.owed {
            owed.held_length = 0;
        }
    }

    /// The kernel has answered the first try with a write that nothing stood before. What it did not
    /// take is a request; if it took a part, it is tried once more, as libuv does: a connection that
    /// has failed then says so.
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

    /// A write waits: behind a request, for `uncork`, or for the connection. Returns whether the
    /// program may go on writing; beyond the limit the callback is returned, and no byte is kept.
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

    /// A write comes when another has failed: its bytes count, and its callback will be abandoned.
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

    /// What `write` answers: whether the program may go on. If not, `drain` is owed.
    pub(crate) fn may_go_on(&mut self, limits: Limits) -> bool {
        let length = self.len();
        let may_go_on = length < limits.mark || length == 0;
        if !may_go_on {
            self.owed_mut().needs_drain = true;
        }
        may_go_on
    }

    /// Makes a request of what waits, and holds it until the connection stands. Returns whether it
    /// does so from here on, so that the caller sees to its [`release`](Sending::release).
    pub(crate) fn hold(&mut self) -> bool {
        if !self.may_send() {
            return false;
        }
        let owed = self.owed_mut();
        owed.held_length = owed.outbox.make_request();
        owed.request = Request::Held;
        true
    }

    /// The connection stands, and the request that was held for it is tried. None if there is none.
    pub(crate) fn release(&mut self, turn: u32, kernel: &mut impl Kernel) -> Option<Next<C>> {
        if !self.is_held() {
            return None;
        }
        let length = self.owed_mut().held_length;
        self.dispatch(length);
        Some(self.try_first(turn, kernel))
    }

    /// The socket is destroyed, and the request that was held for its connection is over. Returns
    /// its callbacks.
    pub(crate) fn release_in_vain(&mut self) -> Vec<C> {
        if let Some(owed) = &mut self.owed {
            owed.held_length = 0;
        }
        self.end_request()
    }

    /// Whether what waits may become a request.
    pub(crate) fn may_send(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| {
            owed.outbox.has_waiting() && !owed.request.is_in_flight() && owed.corked == 0
        })
    }

    /// Makes one request of all that waits, and tries it. To be asked first: [`may_send`](Sending::may_send).
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

    /// One timer looks for memory, however often the kernel says that it has none.
    fn starved(&self) -> Later {
        if self.waits_for_memory() {
            Later::Readiness
        } else {
            Later::Timer
        }
    }

    /// The kernel tells of room: of some for a request that was there when it was asked, and not for
    /// one that waits for memory.
    pub(crate) fn room_is_told(&mut self, turn: u32) {
        let Some(owed) = &mut self.owed else { return };
        if let Request::Waiting { since } = owed.request
            && since != turn
            && owed.timer.is_none()
        {
            owed.request = Request::Roomy { since };
        }
    }

    /// Whether the kernel may have room for the request, and no edge will tell.
    pub(crate) fn has_room(&self) -> bool {
        self.request()
            .is_some_and(|request| matches!(request, Request::Roomy { .. }))
    }

    /// The turns are counted anew: the request was made in none of those to come.
    pub(crate) fn was_made_before(&mut self) {
        let request = self.owed.as_mut().map(|owed| &mut owed.request);
        if let Some(Request::Waiting { since } | Request::Roomy { since }) = request {
            *since = 0;
        }
    }

    /// What became of a request that has landed, with its callbacks.
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

    /// The request in flight is over, whatever has become of it. Returns its callbacks.
    pub(crate) fn end_request(&mut self) -> Vec<C> {
        let Some(owed) = &mut self.owed else {
            return Vec::new();
        };
        owed.request = Request::None;
        let callbacks = owed.outbox.end_request();
        self.trim();
        callbacks
    }

    /// What waits will never be sent, since there is no connection to wait for: it fails as a
    /// request does. Returns its callbacks.
    pub(crate) fn end_waiting(&mut self) -> Vec<C> {
        self.owed_mut().outbox.make_request();
        self.end_request()
    }

    /// Abandons the first of what waits, and returns its callback, if it has one. None if nothing
    /// waits, or if a request is in flight: the rest is called back behind it.
    pub(crate) fn abandon_one(&mut self) -> Option<Option<C>> {
        let owed = self.owed.as_mut()?;
        if owed.request.is_in_flight() {
            return None;
        }
        owed.outbox.give_up_one()
    }

    /// All callbacks that are owed, in their order, when a socket is connected again.
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

/// What is asked of it, and its corks, marks and timer.
impl<C> Sending<C> {
    /// Node's `writableLength`: bytes that have not left. A request that has left in part counts
    /// whole.
    pub(crate) fn len(&self) -> usize {
        self.owed.as_ref().map_or(0, |owed| owed.outbox.len())
    }

    /// Node's `bytesWritten`: bytes sent, and those that wait to be sent.
    pub(crate) fn bytes_written(&self) -> u64 {
        let waiting = self
            .owed
            .as_ref()
            .map_or(0, |owed| owed.held_length + owed.outbox.waiting_len());
        self.dispatched + waiting as u64
    }

    /// How many writes are owed.
    pub(crate) fn count(&self) -> usize {
        self.owed.as_ref().map_or(0, |owed| owed.outbox.count())
    }

    /// Whether nothing is owed: our half may be shut down.
    pub(crate) fn is_flushed(&self) -> bool {
        self.owed.as_ref().is_none_or(|owed| owed.is_flushed())
    }

    /// Whether there is a request that has not been called back.
    #[inline]
    pub(crate) fn is_in_flight(&self) -> bool {
        self.request().is_some_and(Request::is_in_flight)
    }

    /// Whether the request in flight waits for the connection.
    pub(crate) fn is_held(&self) -> bool {
        self.request()
            .is_some_and(|request| matches!(request, Request::Held))
    }

    /// Whether there is something to abandon: writes that wait, or callbacks of `end`.
    pub(crate) fn has_waiting(&self) -> bool {
        self.owed
            .as_ref()
            .is_some_and(|owed| owed.outbox.has_waiting() || !owed.end_callbacks.is_empty())
    }

    /// Whether the kernel has taken some of the request since this was asked last.
    pub(crate) fn has_progressed(&mut self) -> bool {
        self.owed
            .as_mut()
            .is_some_and(|owed| owed.outbox.has_progressed() && owed.request.is_in_flight())
    }

    /// Whether `end` has callbacks that are owed.
    pub(crate) fn has_end_callbacks(&self) -> bool {
        self.owed
            .as_ref()
            .is_some_and(|owed| !owed.end_callbacks.is_empty())
    }

    /// Node's `writableNeedDrain`, for as long as our half may be written to.
    pub(crate) fn needs_drain(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| owed.needs_drain)
    }

    /// Whether `drain` is due: a write has answered `false`, and all has left.
    pub(crate) fn is_drain_due(&self) -> bool {
        self.needs_drain() && self.len() == 0
    }

    /// `drain` is emitted.
    pub(crate) fn drains(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.needs_drain = false;
        }
        self.trim();
    }

    /// Node's `writableCorked`.
    pub(crate) fn corked(&self) -> usize {
        self.owed.as_ref().map_or(0, |owed| owed.corked)
    }

    pub(crate) fn cork(&mut self) {
        self.owed_mut().corked += 1;
    }

    /// Undoes one `cork`.
    pub(crate) fn uncork(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.corked = owed.corked.saturating_sub(1);
        }
        self.trim();
    }

    /// Undoes every `cork`: `end` does.
    pub(crate) fn uncork_fully(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.corked = 0;
        }
        self.trim();
    }

    /// `end` was called with a callback.
    pub(crate) fn push_end_callback(&mut self, callback: C) {
        self.owed_mut().end_callbacks.push(callback);
    }

    pub(crate) fn take_end_callbacks(&mut self) -> Vec<C> {
        let callbacks = self
            .owed
            .as_mut()
            .map(|owed| std::mem::take(&mut owed.end_callbacks));
        self.trim();
        callbacks.unwrap_or_default()
    }

    /// Whether a timer will look whether the kernel has memory.
    pub(crate) fn waits_for_memory(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| owed.timer.is_some())
    }

    /// The timer of [`Later::Timer`] is armed.
    pub(crate) fn set_timer(&mut self, timer: TimerKey) {
        self.owed_mut().timer = Some(timer);
    }

    /// The timer has fired, or is to be cancelled.
    pub(crate) fn take_timer(&mut self) -> Option<TimerKey> {
        let timer = self.owed.as_mut()?.timer.take();
        self.trim();
        timer
    }

    /// All that waited has been called back: until here it was counted, as in Node.
    pub(crate) fn forget_abandoned(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.outbox.forget_given_up();
        }
        self.trim();
    }

    /// What holds nothing is given back.
    fn trim(&mut self) {
        if self.owed.as_mut().is_some_and(|owed| owed.trim()) {
            self.owed = None;
        }
    }

    fn request(&self) -> Option<&Request> {
        self.owed.as_ref().map(|owed| &owed.request)
    }

    fn owed_mut(&mut self) -> &mut Owed<C> {
        self.owed.get_or_insert_with(Box::default)
    }
}

impl<C> Owed<C> {
    fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && !self.request.is_in_flight()
    }

    /// Returns whether nothing is left that has to be kept.
    fn trim(&mut self) -> bool {
        if !self.is_flushed() || !self.outbox.is_idle() {
            return false;
        }
        self.outbox = Outbox::default();
        !self.needs_drain
            && self.corked == 0
            && self.end_callbacks.is_empty()
            && self.held_length == 0
            && self.timer.is_none()
    }
}

impl Request {
    fn is_on_its_way(&self) -> bool {
        matches!(self, Request::Waiting { .. } | Request::Roomy { .. })
    }

    fn is_in_flight(&self) -> bool {
        match self {
            Request::None => false,
            Request::Held
            | Request::Waiting { .. }
            | Request::Roomy { .. }
            | Request::Landed(_) => true,
        }
    }
}
