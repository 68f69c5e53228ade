//! Resuming after a callback has panicked, or an `error` had no listener. The run ended in the middle of a
//! turn; the next run finishes that turn, from the callback after the one that threw.
//!
//! The loop can always go on: its [`Phase`], and the batch that the phase works through, are kept in the
//! loop and not on the stack, and the door puts listeners back. The rest is done here.

use std::mem;

use super::phase::{Phase, Rest};
use super::trace::{Caused, Subject, Why};
use super::{Entry, EventLoop, Running};
use crate::kernel::reactor::Id;
use crate::net::error::Error;
use crate::net::{ServerId, SocketId};

impl EventLoop {
    /// Begins a run. If the last one ended in the middle of a turn, this prepares the rest of that turn.
    /// Otherwise the loop enters the phase `first`, and drains the ticks of the program's own statements.
    pub(super) fn go_on(&mut self, first: Phase) -> Result<(), Error> {
        self.agenda.trace.begin_run();
        if self.phase != Phase::Script {
            let former = self.agenda.trace.goes_on();
            let outcome = self.follow_exception();
            self.agenda.trace.leave(former);
            return outcome;
        }
        self.phase = first;
        self.drain()
    }

    /// Does what Node does before it goes on:
    ///
    /// - The ticks that are left wait for the next callback. An immediate makes sure that there is one.
    /// - If a microtask has thrown, the other microtasks run first, and then the ticks.
    /// - If the last timer of a list has thrown, its ticks run first, unless it has cleared that list.
    /// - If the last immediate of a batch has thrown, those that were set meanwhile run in this turn.
    /// - Then libuv goes on with the socket whose callback has thrown: see [`Rest`].
    fn follow_exception(&mut self) -> Result<(), Error> {
        self.set_immediate(|_| {});
        if self.phase == Phase::Ready {
            let interrupted = self.leave_the_interrupted();
            if !matches!(self.agenda.rest, Some(Rest::Read(_) | Rest::ShutDown(_))) {
                interrupted
                    .into_iter()
                    .for_each(|id| self.serve_again_next_turn(id));
            }
        }
        match (mem::take(&mut self.inner.running), self.phase) {
            (Running::Microtasks, _) => {
                self.run_microtasks();
                self.drain()?;
            }
            (Running::Callback, Phase::Timers | Phase::FirstTimers) => {
                let was_closed = self.agenda.timers.has_lost_its_list();
                let is_through = self.agenda.timers.settle().is_none();
                self.agenda.end_timers();
                if is_through && !(was_closed && self.agenda.timers.is_in_pass()) {
                    self.drain()?;
                }
            }
            (Running::Callback, Phase::Check) if self.agenda.immediates.are_through() => {
                self.agenda.immediates.begin_batch();
            }
            _ => {}
        }
        self.serve_interrupted()
    }

    /// Serves the socket on whose callback the last run ended.
    fn serve_interrupted(&mut self) -> Result<(), Error> {
        let Some(rest) = self.agenda.rest.take() else {
            return Ok(());
        };
        let (Rest::Read(id) | Rest::Write(id) | Rest::ShutDown(id) | Rest::Close(id)) = rest;
        let buffer = self.buffer.bytes();
        self.inner.served(id).do_rest(rest, buffer)
    }

    /// The source that was being served. If it was on the again list, it leaves the list.
    fn leave_the_interrupted(&mut self) -> Option<Id> {
        let batches = &mut self.batches;
        match mem::take(&mut batches.is_at_again) {
            true => batches.again.pop_front().map(|Caused(_, listed)| listed.id),
            false => batches.ready.last_handed_out(),
        }
    }

    /// Puts an interrupted source on the again list: it may have more to give, and no new edge will come for
    /// it.
    fn serve_again_next_turn(&mut self, id: Id) {
        match self.inner.reactor.get(id) {
            Some(Entry::Socket(_)) => {
                self.inner.with_socket(SocketId(id), |socket, errands| {
                    socket.join_again(Why::Interrupted, errands)
                });
            }
            Some(Entry::Server(_)) => {
                self.inner.with_server(ServerId(id), |server, errands| {
                    server.accept_again(Why::Interrupted, errands)
                });
            }
            None => (self.inner.agenda).serve_next_turn(Subject::Loop, id, Why::Interrupted),
        }
    }
}
