//! The reactor: one `mio::Poll`, and one slab of what is registered with it.
//!
//! mio's contract on Linux is that of edge-triggered epoll: readiness is a hint and may be
//! spurious, an edge comes once, and only `readable` and `writable` are promised. A source is
//! registered once, for all interests, and never again.
//!
//! An [`Id`] is a slab key and a generation. The slab reuses the key that became free last, so
//! the generation is what keeps an id, or a token of the running batch, from naming a newcomer.

use std::io;
use std::num::NonZeroU32;
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

/// How much readiness one wait can bring; what is left over comes with the next.
const EVENTS_MAX: usize = 1024;

/// The name of one thing in the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) key: u32,
    /// Never zero, so that an `Option<Id>` is no larger than an id.
    pub(crate) generation: NonZeroU32,
}

impl Id {
    /// What the waker wakes: no slab grows to such a key.
    const WAKER: Id = Id {
        key: u32::MAX,
        generation: NonZeroU32::MIN,
    };
    /// What signals are registered under.
    pub(crate) const SIGNALS: Id = Id {
        key: u32::MAX - 1,
        generation: NonZeroU32::MIN,
    };

    fn token(self) -> Token {
        Token((self.generation.get() as usize) << 32 | self.key as usize)
    }

    fn of(token: Token) -> Id {
        Id {
            key: token.0 as u32,
            generation: NonZeroU32::new((token.0 >> 32) as u32).unwrap_or(NonZeroU32::MIN),
        }
    }

    pub(crate) fn is_waker(self) -> bool {
        self == Id::WAKER
    }
}

/// What the kernel says of one source. Only readable and writable are promised; the rest are
/// hints, and any of it may be spurious.
#[derive(Clone, Debug)]
pub(crate) struct Readiness(Event);

impl Readiness {
    /// Whether there may be something to read: bytes, an end, or an error.
    #[inline]
    pub(crate) fn is_to_read(&self) -> bool {
        self.0.is_readable() || self.is_sticky()
    }

    /// After any of these, a short read does not mean that nothing is left.
    #[inline]
    pub(crate) fn is_sticky(&self) -> bool {
        self.0.is_read_closed() || self.0.is_error() || self.0.is_priority()
    }

    /// All that is said, in words.
    pub(crate) fn words(&self) -> String {
        let words = [
            (self.0.is_readable(), "readable"),
            (self.0.is_writable(), "writable"),
            (self.0.is_read_closed(), "read closed"),
            (self.0.is_write_closed(), "write closed"),
            (self.0.is_error(), "error"),
            (self.0.is_priority(), "priority"),
        ];
        let said = words.iter().filter(|(is_said, _)| *is_said);
        said.map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    }
}

#[derive(Debug)]
struct Held<T> {
    generation: NonZeroU32,
    item: T,
}

#[derive(Debug)]
pub(crate) struct Reactor<T> {
    poll: Poll,
    events: Events,
    items: Slab<Held<T>>,
    next_generation: NonZeroU32,
    /// The batch that is being handed out, and how far it has come. It lives here and not in
    /// the dispatching function, so that it outlasts a callback that panics.
    batch: Vec<Event>,
    handed_out: usize,
}

impl<T> Reactor<T> {
    pub(crate) fn new() -> io::Result<Reactor<T>> {
        Ok(Reactor {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            items: Slab::new(),
            next_generation: NonZeroU32::MIN,
            batch: Vec::with_capacity(EVENTS_MAX),
            handed_out: 0,
        })
    }

    /// A handle with which another thread ends a wait.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), Id::WAKER.token())
    }

    pub(crate) fn insert(&mut self, item: T) -> Id {
        let generation = self.next_generation;
        self.next_generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let key = self.items.insert(Held { generation, item });
        Id {
            key: u32::try_from(key).expect("fewer than 2^32 descriptors"),
            generation,
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        let held = self.items.get(id.key as usize)?;
        (held.generation == id.generation).then_some(&held.item)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let held = self.items.get_mut(id.key as usize)?;
        (held.generation == id.generation).then_some(&mut held.item)
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        self.get(id)?;
        let item = self.items.remove(id.key as usize).item;
        if self.items.is_empty() {
            self.items.shrink_to_fit();
        }
        Some(item)
    }

    /// Who is such, in no particular order.
    pub(crate) fn find(&self, is_such: impl Fn(&T) -> bool) -> impl Iterator<Item = Id> {
        let items = self.items.iter();
        items
            .filter(move |(_, held)| is_such(&held.item))
            .map(|(key, held)| Id {
                key: key as u32,
                generation: held.generation,
            })
    }

    /// Registers a source for everything, edge-triggered, once and for all.
    ///
    /// Priority is among it because a byte of urgent data splits the stream: the read stops
    /// short at the mark and no further edge tells of what stands behind it.
    pub(crate) fn register(&self, source: &mut impl Source, id: Id) -> io::Result<()> {
        let all = Interest::READABLE
            .add(Interest::WRITABLE)
            .add(Interest::PRIORITY);
        self.poll.registry().register(source, id.token(), all)
    }

    /// Registers a source that is only read from.
    pub(crate) fn register_readable(&self, source: &mut impl Source, id: Id) -> io::Result<()> {
        self.poll
            .registry()
            .register(source, id.token(), Interest::READABLE)
    }

    /// Takes a source out of epoll. Closing does that too, unless a duplicate of the descriptor
    /// lives on elsewhere (epoll(7), Q6): so this is for descriptors that came from outside.
    pub(crate) fn deregister(&self, source: &mut impl Source) {
        if let Err(error) = self.poll.registry().deregister(source) {
            log::debug!(target: "netloop::reactor", "deregister: {error}");
        }
    }

    /// Waits for readiness, at most for `timeout`, and makes it the batch. Returns how much
    /// came. Interrupted by a signal, it returns early with nothing: the caller's next wait is
    /// computed from the time that is left.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        debug_assert!(!self.has_batch());
        self.batch.clear();
        self.handed_out = 0;
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => return Err(error),
        }
        self.batch.extend(self.events.iter().cloned());
        Ok(self.batch.len())
    }

    /// Whether some of the batch has not been handed out yet.
    pub(crate) fn has_batch(&self) -> bool {
        self.handed_out < self.batch.len()
    }

    /// Shows each of the batch what is said of it.
    pub(crate) fn for_each_ready(&mut self, show: impl Fn(&mut T, &Readiness)) {
        for event in &self.batch {
            let id = Id::of(event.token());
            if let Some(held) = self.items.get_mut(id.key as usize)
                && held.generation == id.generation
            {
                show(&mut held.item, &Readiness(event.clone()));
            }
        }
    }

    #[inline]
    pub(crate) fn next_ready(&mut self) -> Option<(Id, Readiness)> {
        let event = self.batch.get(self.handed_out)?.clone();
        self.handed_out += 1;
        Some((Id::of(event.token()), Readiness(event)))
    }
}
