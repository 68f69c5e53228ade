//! Standard output and standard error: a reader that does not read, or a disk that takes its time, holds
//! up neither a connection nor a signal. What cannot be written at once is written by a thread, which
//! there is only while it has something to write.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many bytes wait at most. A line that finds no room is dropped, and counted.
const ROOM: usize = 256 * 1024;

/// What a pipe that is ready takes whole (pipe(7): `PIPE_BUF`).
const AT_ONCE: usize = 4096;

/// How long the thread waits for one more line before it ends.
const IDLE: Duration = Duration::from_secs(1);

/// How long the end of the program waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    queue: Mutex<Queue>,
    changed: Condvar,
    write: fn(&[u8]),
    /// Whether `AT_ONCE` bytes can be written now without a wait.
    is_ready: fn() -> bool,
    /// Told of the lines that were dropped, once the reader reads again.
    tell_of_dropped: fn(u64),
}

struct Queue {
    waiting: Vec<u8>,
    dropped: u64,
    thread: Thread,
}

#[derive(Clone, Copy, PartialEq)]
enum Thread {
    None,
    Waiting,
    /// So many lines.
    Writing(u64),
}

impl Queue {
    /// The lines not read yet, as far as is known.
    fn unread(&self) -> u64 {
        let in_hand = match self.thread {
            Thread::Writing(lines) => lines,
            Thread::None | Thread::Waiting => 0,
        };
        in_hand + count(&self.waiting)
    }
}

impl Writer {
    pub(crate) const fn new(
        write: fn(&[u8]),
        is_ready: fn() -> bool,
        tell_of_dropped: fn(u64),
    ) -> Writer {
        let queue = Queue {
            waiting: Vec::new(),
            dropped: 0,
            thread: Thread::None,
        };
        Writer {
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            write,
            is_ready,
            tell_of_dropped,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has these lines written, whole or not at all, and returns at once.
    pub(crate) fn push(&'static self, lines: &str) {
        let mut queue = self.queue();
        let is_idle = queue.thread == Thread::None && queue.waiting.is_empty();
        if is_idle && lines.len() <= AT_ONCE && (self.is_ready)() {
            return (self.write)(lines.as_bytes());
        }
        // What is longer than all the room goes alone.
        if !queue.waiting.is_empty() && queue.waiting.len() + lines.len() > ROOM {
            queue.dropped += count(lines.as_bytes());
            return;
        }
        queue.waiting.extend_from_slice(lines.as_bytes());
        if queue.thread == Thread::None {
            queue.thread = Thread::Waiting;
            let thread = thread::Builder::new().name("netloop-writer".into());
            if thread.spawn(|| self.work(IDLE)).is_err() {
                // Where no thread can be had, the lines are worth the wait.
                drop(queue);
                return self.work(Duration::ZERO);
            }
        }
        self.changed.notify_all();
    }

    /// Writes until nothing has come for so long.
    fn work(&self, idle: Duration) {
        let mut queue = self.queue();
        loop {
            queue = self.wait(queue, idle, |queue| queue.waiting.is_empty());
            if queue.waiting.is_empty() {
                queue.thread = Thread::None;
                return;
            }
            let lines = mem::take(&mut queue.waiting);
            let dropped = mem::take(&mut queue.dropped);
            queue.thread = Thread::Writing(count(&lines));
            drop(queue);
            (self.write)(&lines);
            if dropped > 0 {
                (self.tell_of_dropped)(dropped);
            }
            queue = self.queue();
            queue.thread = Thread::Waiting;
            self.changed.notify_all();
        }
    }

    /// Waits until all is written, but not for ever: at the end of the program. Returns how many lines
    /// stay unread.
    pub(crate) fn finish(&self) -> u64 {
        let is_at_work = |queue: &mut Queue| queue.unread() > 0;
        let queue = self.wait(self.queue(), PATIENCE, is_at_work);
        queue.dropped + queue.unread()
    }

    fn wait<'q>(
        &self,
        queue: MutexGuard<'q, Queue>,
        limit: Duration,
        is_to_wait: impl FnMut(&mut Queue) -> bool,
    ) -> MutexGuard<'q, Queue> {
        let waited = self.changed.wait_timeout_while(queue, limit, is_to_wait);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// How many lines these are.
fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}
