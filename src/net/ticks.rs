//! Running one entry of the tick queue.

use super::error::Error;
use super::event_loop::Loop;
use super::queues::Tick;
use super::trace::{Cause, Subject, What};

impl Loop {
    /// Runs a tick: the user's own, or the library's deferred work.
    pub(super) fn run_tick(&mut self, cause: Cause, tick: Tick) -> Result<(), Error> {
        let subject = match &tick {
            Tick::User(_) => Subject::Loop,
            Tick::Socket(id, _) => Subject::Socket(*id),
            Tick::Server(id, _) => Subject::Server(*id),
            Tick::Lookup(_, _) => Subject::Loop,
        };
        if !self.trace.is_on() {
            return self.run_tick_untold(tick);
        }
        let what = match &tick {
            Tick::User(_) => What::Callback("next_tick"),
            _ => What::Tick,
        };
        let former = self.trace.enter_caused(cause, subject, what);
        let outcome = self.run_tick_untold(tick);
        self.trace.leave(former);
        outcome
    }

    fn run_tick_untold(&mut self, tick: Tick) -> Result<(), Error> {
        match tick {
            Tick::User(task) => {
                task(self);
                Ok(())
            }
            Tick::Socket(id, tick) => self.run_socket_tick(id, tick),
            Tick::Server(id, tick) => self.run_server_tick(id, tick),
            Tick::Lookup(ticket, answer) => self.name_answered(ticket, answer),
        }
    }
}
