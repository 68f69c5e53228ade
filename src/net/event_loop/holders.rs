//! What holds the loop, one by one: the answer to "why does my program not end?".

use super::{Entry, Loop};
use crate::net::holder::Holder;
use crate::net::socket::Way;
use crate::net::{ServerId, SocketId};

impl Loop {
    /// What holds the loop: why [`run`](crate::EventLoop::run) does not return. Node's
    /// `process.getActiveResourcesInfo`, with the details that the package `why-is-node-running` adds.
    ///
    /// The list is empty exactly when the loop is not [alive](Loop::is_alive). A socket that is read from
    /// and sends as well is in it twice. What does not hold the loop is not listed: what was let go by
    /// `unref`, idle timeouts, abort handles, listeners for signals. While time is
    /// [held](Loop::pause_time), `run` returns even if timers are listed. This looks at every socket and
    /// timer of the loop, and asks the kernel for the peers that it does not know.
    /// [`holders_up_to`](Loop::holders_up_to) does so for a few of them.
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
        self.holders_up_to(usize::MAX).0
    }

    /// As [`holders`](Loop::holders), but at most `limit` timers, and as many of the sockets that connect, of
    /// those that are read from, that send and that end. The second value is the number of those left out.
    /// It is for a report on a loop with thousands of connections: the peers of those left out are not asked
    /// for.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// for seconds in 1..=10 {
    ///     event_loop.after(Duration::from_secs(seconds), |_| {});
    /// }
    /// let (holders, more) = event_loop.holders_up_to(3);
    /// assert_eq!((holders.len(), more), (3, 7));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn holders_up_to(&self, limit: usize) -> (Vec<Holder>, usize) {
        let mut holders = self.agenda.timer_holders(self.home, self.current_timer);
        let mut left_out = holders.len().saturating_sub(limit);
        holders.truncate(limit);
        let mut ids: Vec<_> = self.reactor.find(|_| true).collect();
        ids.sort_unstable_by_key(|id| id.generation());
        let mut counts = [0; Way::COUNT];
        for id in ids {
            let socket = match self.reactor.get(id) {
                Some(Entry::Socket(socket)) => socket,
                Some(Entry::Server(server)) => {
                    holders.extend(server.holder(ServerId(id)));
                    continue;
                }
                None => continue,
            };
            for way in socket.ways() {
                let count = &mut counts[way as usize];
                *count += 1;
                match *count > limit {
                    true => left_out += 1,
                    false => holders.push(socket.holder(SocketId(id), way)),
                }
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
        (holders, left_out)
    }
}
