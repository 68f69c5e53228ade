//! Going on after a callback has panicked, or an `error` was not heard: the run was left in the
//! middle of a turn, and the next one goes on behind the callback that has thrown.
//!
//! The loop is always in a state to go on from: the [`Phase`] and what it took to work through stand in
//! the loop and not on the stack, and the door puts listeners back. So this is all there is to do.

use std::mem;

use super::phase::Phase;
use super::trace::{Caused, Subject, Why};
use super::{Entry, EventLoop, Running};
use crate::net::error::Error;
use crate::net::{ServerId, SocketId};

impl EventLoop {
    /// Goes on where a run was left, or begins with the ticks of the program's own statements, and
    /// then with this phase.
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

    /// After a panic, or an error that nobody heard, the ticks that are left wait for the next
    /// callback. An immediate makes sure that there is one, and that a turn follows. Where Node
    /// would look at its queues before it goes on, so does this: the microtasks behind one that
    /// has thrown, the ticks of the last timer of a list unless it cleared the list away, the
    /// immediates behind the last of a batch.
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

    /// The source that was being served may have more to give, and no edge will tell.
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
