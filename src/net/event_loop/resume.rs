//! Resuming after a callback has panicked, or an `error` had no listener. The run ended in the middle of a
//! turn; the next run finishes that turn, from the callback after the one that threw.
//!
//! The loop can always go on: its [`Phase`], and the batch that the phase works through, are kept in the
//! loop and not on the stack, and the door puts listeners back. The rest is done here.

use std::mem;

use super::phase::Phase;
use super::trace::{Caused, Subject, Why};
use super::{Entry, EventLoop, Running};
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
    fn follow_exception(&mut self) -> Result<(), Error> {
        self.set_immediate(|_| {});
        let outcome = match (mem::take(&mut self.inner.running), self.phase) {
            (Running::Microtasks, _) => {
                self.run_microtasks();
                self.drain()
            }
            (Running::Callback, Phase::Timers | Phase::FirstTimers) => {
                let was_closed = self.agenda.timers.has_lost_its_list();
                let is_through = self.agenda.timers.settle().is_none();
                self.agenda.end_timers();
                match is_through && !(was_closed && self.agenda.timers.is_in_pass()) {
                    true => self.drain(),
                    false => Ok(()),
                }
            }
            (Running::Callback, Phase::Check) if self.agenda.immediates.are_through() => {
                self.agenda.immediates.begin_batch();
                Ok(())
            }
            _ => Ok(()),
        };
        if self.phase == Phase::Ready {
            self.serve_the_interrupted_again();
        }
        outcome
    }

    /// Puts the source that was being served on the again list: it may have more to give, and no new edge
    /// will come for it.
    fn serve_the_interrupted_again(&mut self) {
        let batches = &mut self.batches;
        let left = match mem::take(&mut batches.is_at_again) {
            true => batches.again.pop_front().map(|Caused(_, listed)| listed.id),
            false => batches.ready.last_handed_out(),
        };
        let Some(id) = left else { return };
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
