//! Queries of the sending half; its corks, its timer and the callbacks of `end`.

use super::{Request, Sending};
use crate::rules::timers::TimerKey;

impl<C> Sending<C> {
    /// Node's `writableLength`: bytes that are not sent. A request that was sent in part counts in full.
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

    /// Whether callbacks of `end` are owed.
    pub(crate) fn has_end_callbacks(&self) -> bool {
        self.owed
            .as_ref()
            .is_some_and(|owed| !owed.end_callbacks.is_empty())
    }

    /// Node's `writableNeedDrain`, for as long as our half may be written to.
    pub(crate) fn needs_drain(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| owed.needs_drain)
    }

    /// Whether `drain` is due: a write has returned `false`, and all bytes are sent.
    pub(crate) fn is_drain_due(&self) -> bool {
        self.needs_drain() && self.len() == 0
    }

    /// Notes that `drain` is emitted.
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

    /// Keeps the callback of an `end`.
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

    /// Whether the timer of [`Later::Timer`](super::Later::Timer) is armed.
    pub(crate) fn waits_for_memory(&self) -> bool {
        self.owed.as_ref().is_some_and(|owed| owed.timer.is_some())
    }

    /// Notes the timer of [`Later::Timer`](super::Later::Timer), which is armed.
    pub(crate) fn set_timer(&mut self, timer: TimerKey) {
        self.owed_mut().timer = Some(timer);
    }

    /// Forgets the timer, which has fired or will be cancelled.
    pub(crate) fn take_timer(&mut self) -> Option<TimerKey> {
        let timer = self.owed.as_mut()?.timer.take();
        self.trim();
        timer
    }

    /// Stops counting abandoned bytes, after the last of their callbacks, as in Node.
    pub(crate) fn forget_abandoned(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.outbox.forget_given_up();
        }
        self.trim();
    }
}
