//! What holds the loop, one by one: the answer to "why does my program not end?".

use super::{Entry, Loop};
use crate::net::holder::Holder;
use crate::net::{ServerId, SocketId};

impl Loop {
    /// What holds the loop: why [`run`](crate::EventLoop::run) does not return. Node's
    /// `process.getActiveResourcesInfo`, with the details that the package `why-is-node-running` adds.
    ///
    /// The list is empty exactly when the loop is not [alive](Loop::is_alive). A socket that is read from
    /// and sends as well is in it twice. What does not hold the loop is not listed: what was let go by
    /// `unref`, idle timeouts, abort handles, listeners for signals. While time is
    /// [held](Loop::pause_time), `run` returns even if timers are listed. This looks at every socket and
    /// timer of the loop.
    ///
    /// ```
    /// use netloop::{EventLoop, Loop, Signal};
    ///
    /// fn report(event_loop: &mut Loop) {
    ///     for holder in event_loop.holders() {
    ///         eprintln!("{holder}"); // server#1: listening on 127.0.0.1:8000
    ///     }
    /// }
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// event_loop.on_signal(Signal::User1, report)?; // kill -USR1 tells
    /// event_loop.run()?;
    /// assert!(event_loop.holders().is_empty()); // that is why it has returned
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn holders(&self) -> Vec<Holder> {
        let mut holders = self.agenda.timer_holders(self.home, self.current_timer);
        let mut ids: Vec<_> = self.reactor.find(|_| true).collect();
        ids.sort_unstable_by_key(|id| id.generation());
        for id in ids {
            match self.reactor.get(id) {
                Some(Entry::Server(server)) => holders.extend(server.holder(ServerId(id))),
                Some(Entry::Socket(socket)) => holders.extend(socket.holders(SocketId(id))),
                None => {}
            }
        }
        holders.extend(self.lookups.holders());
        if let Some(posts) = &self.posts {
            // In this order: see `Mailbox::holders`.
            let handles = Some(posts.holders()).filter(|count| *count > 0);
            let letters = Some(posts.letters()).filter(|count| *count > 0);
            holders.extend(handles.map(Holder::Handles));
            holders.extend(letters.map(Holder::Posts));
        }
        holders.extend(self.agenda.queue_holders());
        holders
    }
}
