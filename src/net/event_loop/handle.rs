//! The handle with which other threads reach a loop.

use std::fmt;

use super::Loop;
use super::queues::{Post, Posts};
use super::trace::{Caused, Subject, What, Why};
use crate::kernel::mailbox::{Mailbox, Refused, Sender};
use crate::kernel::reactor::Id;
use crate::net::error::{Error, words};

/// How many posts run in one turn: the bound of Node's thread-safe functions.
const POSTS_PER_TURN: usize = 1000;

/// A handle with which any thread can run a callback on the loop's thread: libuv's `uv_async_send`, Node's
/// thread-safe function.
///
/// It comes from [`Loop::handle`], can be cloned, and is `Send` and `Sync`.
///
/// ```
/// use std::thread;
/// use netloop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// let handle = event_loop.handle()?;
/// let worker = thread::spawn(move || {
///     let sum: u64 = (1..=1000).sum(); // what would keep the loop busy
///     handle.post(move |event_loop| _ = event_loop.set_data(sum))
/// });
/// event_loop.run()?; // until the worker has dropped the handle
/// worker.join().unwrap()?;
/// assert_eq!(event_loop.data(), Some(&500_500_u64));
/// # Ok::<(), netloop::Error>(())
/// ```
///
/// A handle holds the loop until it is dropped, and so does each of its clones:
/// [`run`](crate::EventLoop::run) waits for what they may still post. After [`unref`](Handle::unref), a
/// handle does not hold the loop, and neither do clones that are made of it.
pub struct Handle {
    sender: Sender<Post>,
    is_held: bool,
}

impl Handle {
    /// Posts a callback, which the loop runs in the poll phase of one of its next turns. It may be called
    /// from any thread, including the loop's own, and never blocks.
    ///
    /// Callbacks run in the order in which they were posted, each with its ticks and microtasks before the
    /// next. The loop is woken once for everything posted since it last looked. It runs at most 1000 in a
    /// turn, then serves its sockets and timers, and goes on in the next turn. A posted callback holds the
    /// loop until it has run, even if the handle is gone.
    ///
    /// # Errors
    /// After an error the callback is dropped, and never runs.
    ///
    /// - `ERR_LOOP_GONE`: the [`EventLoop`](crate::EventLoop) was dropped. A loop whose `run` has
    ///   returned is not gone: it runs what was posted when it is run again.
    /// - `ENOBUFS`: more than a million posts (2^20) wait to be run.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let handle = event_loop.handle()?;
    /// drop(event_loop);
    /// assert_eq!(handle.post(|_| {}).unwrap_err().code(), Some("ERR_LOOP_GONE"));
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn post(&self, callback: impl FnOnce(&mut Loop) + Send + 'static) -> Result<(), Error> {
        let sent = self.sender.send(Box::new(callback));
        sent.map_err(|refused| match refused {
            Refused::Full => Error::with_code("ENOBUFS", "too many posts at once"),
            Refused::Gone => words::loop_gone(),
        })
    }

    /// Lets this handle hold the loop again, as a new one does.
    pub fn ref_(&mut self) -> &mut Self {
        if !self.is_held {
            self.sender.hold();
        }
        self.is_held = true;
        self
    }

    /// Lets the loop end although this handle exists: `uv_unref`. Other handles, including earlier clones
    /// of this one, do not change.
    ///
    /// ```
    /// let mut event_loop = netloop::EventLoop::new()?;
    /// let mut handle = event_loop.handle()?;
    /// assert!(event_loop.is_alive());
    /// handle.unref();
    /// event_loop.run()?; // nothing holds it
    /// # Ok::<(), netloop::Error>(())
    /// ```
    pub fn unref(&mut self) -> &mut Self {
        if self.is_held {
            self.sender.let_go();
        }
        self.is_held = false;
        self
    }
}

/// Holds the loop if the original does.
impl Clone for Handle {
    fn clone(&self) -> Handle {
        let mut clone = Handle {
            sender: self.sender.clone(),
            is_held: false,
        };
        if self.is_held {
            clone.ref_();
        }
        clone
    }
}

/// Wakes the loop when the last handle that holds it is dropped: it may have to end.
impl Drop for Handle {
    fn drop(&mut self) {
        self.unref();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handle")
            .field("is_held", &self.is_held)
            .finish_non_exhaustive()
    }
}

impl Loop {
    /// A handle with which other threads post callbacks to this loop: see [`Handle`].
    ///
    /// # Errors
    /// Errors of eventfd(2), when the first handle is made, such as `EMFILE`.
    #[track_caller]
    pub fn handle(&mut self) -> Result<Handle, Error> {
        self.calls("handle", |event_loop| {
            let posts = match event_loop.posts.take() {
                Some(posts) => Ok(posts),
                None => Mailbox::new(&mut event_loop.reactor),
            };
            let posts = posts.map_err(|error| Error::of_call("eventfd", &error))?;
            let mut handle = Handle {
                sender: event_loop.posts.insert(posts).sender(),
                is_held: false,
            };
            handle.ref_();
            Ok(handle)
        })
    }

    /// Runs what other threads have posted. Posts beyond the bound wait for the next turn, and so do those
    /// after a callback that panics.
    pub(in crate::net) fn run_posts(&mut self) -> Result<(), Error> {
        if (self.agenda.again.iter()).any(|Caused(_, listed)| listed.id == Id::WAKER) {
            return Ok(());
        }
        for _ in 0..POSTS_PER_TURN {
            let Some(post) = self.posts.as_ref().and_then(Posts::next) else {
                return Ok(());
            };
            let former = (self.agenda.trace).enter(Subject::Loop, What::Callback("post"));
            post(self);
            self.agenda.trace.leave(former);
            self.drain()?;
        }
        (self.agenda).serve_next_turn(Subject::Loop, Id::WAKER, Why::Bound);
        Ok(())
    }
}
