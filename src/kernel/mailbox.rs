//! A loop's mailbox, into which other threads put letters, and the bell that wakes the loop for them.
//!
//! The bell rings once, however many letters are put in, until the box has been emptied. So a wake-up
//! costs one system call for each batch, not for each letter.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};

use super::Waker;
use super::reactor::Reactor;

/// How many letters may wait.
const LETTERS_MAX: usize = 1 << 20;

/// Why a letter was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too many letters wait.
    Full,
    /// The mailbox was dropped.
    Gone,
}

/// The loop's end.
#[derive(Debug)]
pub(crate) struct Mailbox<T> {
    letters: Receiver<T>,
    sender: Sender<T>,
}

/// The end of the other threads.
#[derive(Debug)]
pub(crate) struct Sender<T> {
    letters: mpsc::Sender<T>,
    bell: Arc<Bell>,
}

#[derive(Debug)]
struct Bell {
    waker: Arc<Waker>,
    has_rung: AtomicBool,
    /// How many letters wait.
    letters: AtomicUsize,
    /// How many senders hold the loop.
    holders: AtomicUsize,
}

impl<T> Mailbox<T> {
    pub(crate) fn new<S>(reactor: &mut Reactor<S>) -> io::Result<Mailbox<T>> {
        let (sender, letters) = mpsc::channel();
        let bell = Bell {
            waker: reactor.waker()?,
            has_rung: AtomicBool::new(false),
            letters: AtomicUsize::new(0),
            holders: AtomicUsize::new(0),
        };
        let sender = Sender {
            letters: sender,
            bell: Arc::new(bell),
        };
        Ok(Mailbox { letters, sender })
    }

    pub(crate) fn sender(&self) -> Sender<T> {
        self.sender.clone()
    }

    /// Takes the oldest letter. When there is none, the bell may ring again; a letter that comes at that
    /// moment is either taken or rings it.
    pub(crate) fn next(&self) -> Option<T> {
        let letter = self.letters.try_recv().or_else(|_| {
            self.sender.bell.has_rung.swap(false, Ordering::AcqRel);
            self.letters.try_recv()
        });
        let letter = letter.ok()?;
        self.sender.bell.letters.fetch_sub(1, Ordering::AcqRel);
        Some(letter)
    }

    /// Whether a letter waits, or a sender holds the loop.
    pub(crate) fn is_held(&self) -> bool {
        self.holders() > 0 || self.letters() > 0
    }

    /// How many senders hold the loop. Ask this before [`letters`](Mailbox::letters): a sender that
    /// meanwhile sends and lets go is then counted in one of the two.
    pub(crate) fn holders(&self) -> usize {
        self.sender.bell.holders.load(Ordering::Acquire)
    }

    /// How many letters wait.
    pub(crate) fn letters(&self) -> usize {
        self.sender.bell.letters.load(Ordering::Acquire)
    }
}

impl<T> Sender<T> {
    /// Puts a letter into the box.
    pub(crate) fn send(&self, letter: T) -> Result<(), Refused> {
        let one_more = |letters| (letters < LETTERS_MAX).then_some(letters + 1);
        let count = &self.bell.letters;
        // A refused letter is never counted: it would hold the loop, and nothing would wake the loop.
        count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .map_err(|_| Refused::Full)?;
        self.letters.send(letter).map_err(|_| Refused::Gone)?;
        self.bell.ring();
        Ok(())
    }

    pub(crate) fn hold(&self) {
        self.bell.holders.fetch_add(1, Ordering::AcqRel);
    }

    /// Lets the loop go. After the last hold the bell rings, since the loop may have to end.
    pub(crate) fn let_go(&self) {
        if self.bell.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.bell.ring();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender {
            letters: self.letters.clone(),
            bell: Arc::clone(&self.bell),
        }
    }
}

impl Bell {
    fn ring(&self) {
        if self.has_rung.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.waker.wake() {
            self.has_rung.store(false, Ordering::Release);
            log::warn!(target: "netloop::reactor", "the loop could not be woken: {error}");
        }
    }
}
