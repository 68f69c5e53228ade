//! The reactor: one `mio::Poll`, and one slab of what is registered with it.
//!
//! mio's contract on Linux is that of edge-triggered epoll: readiness is a hint and may be
//! spurious, an edge comes once, and only `readable` and `writable` are promised. A source is
//! registered once, for all interests, and never again.
//!
//! An [`Id`] is a slab key and a generation. The slab soon reuses a key, but a generation is never reused.
//! So an old id, or a token left in the running batch, does not name the new item, and an id of another
//! reactor names nothing.

use std::io;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use mio::{Interest, Token};
use slab::Slab;

use super::{Epoll, Event, Events, Poll, Source, Waker};

/// How many events one wait can return; the rest comes with the next.
const EVENTS_MAX: usize = 1024;

const _: () = assert!(usize::BITS == 64, "a token holds a key and a generation");

/// The name of one thing in the slab, and the token of its registration: the generation, which
/// is never zero, above the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(NonZeroU64);

impl Id {
    /// The id of the waker: no slab grows to such a key.
    pub(crate) const WAKER: Id = Id::new(u32::MAX, NonZeroU32::MIN);
    /// The id under which signals are registered.
    pub(crate) const SIGNALS: Id = Id::new(u32::MAX - 1, NonZeroU32::MIN);

    const fn new(key: u32, generation: NonZeroU32) -> Id {
        let id = (generation.get() as u64) << 32 | key as u64;
        match NonZeroU64::new(id) {
            Some(id) => Id(id),
            None => unreachable!(),
        }
    }

    fn key(self) -> usize {
        self.0.get() as u32 as usize
    }

    /// The part that differs from earlier and later items with the same key.
    pub(crate) fn generation(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    pub(super) fn token(self) -> Token {
        Token(self.0.get() as usize)
    }

    /// No token of this module is zero. A zero would become an id that names nothing.
    pub(super) fn of(token: Token) -> Id {
        Id(NonZeroU64::new(token.0 as u64).unwrap_or(NonZeroU64::MAX))
    }
}

/// What the kernel reports of one source. Only readable and writable are promised; the rest are
/// hints, and any of it may be spurious.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readiness<'b>(Event<'b>);

impl Readiness<'_> {
    /// Whether there may be something to read: bytes, an end, or an error.
    #[inline]
    pub(crate) fn is_to_read(&self) -> bool {
        self.0.is_readable() || self.may_hide_more()
    }

    /// After any of these, a short read does not mean that nothing is left.
    #[inline]
    pub(crate) fn may_hide_more(&self) -> bool {
        self.0.is_read_closed() || self.0.is_error() || self.0.is_priority()
    }

    /// Whether a send may be tried: there is room, or the connection has failed or ended.
    pub(crate) fn is_to_write(&self) -> bool {
        self.0.is_writable() || self.is_hung_up()
    }

    /// Whether the connection has failed, or both halves have ended.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.0.is_error() || self.0.is_write_closed()
    }

    /// The names of all that is reported.
    pub(crate) fn names(&self) -> String {
        let names = [
            (self.0.is_readable(), "readable"),
            (self.0.is_writable(), "writable"),
            (self.0.is_read_closed(), "read closed"),
            (self.0.is_write_closed(), "write closed"),
            (self.0.is_error(), "error"),
            (self.0.is_priority(), "priority"),
        ];
        let said = names.iter().filter(|(is_said, _)| *is_said);
        said.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The kernel's flags, such as `EPOLLIN|EPOLLRDHUP`. mio shows them in its details only.
    pub(crate) fn epoll_names(&self) -> String {
        let details = format!("{:#?}", self.0);
        let flags = details.split("events: ").nth(1).unwrap_or_default();
        let flags = flags.split(',').next().unwrap_or_default();
        flags.split_whitespace().collect()
    }
}

/// The events of one wait, and how many of them have been handed out. After a panic, the batch goes on
/// with the source after the one whose callback panicked.
#[derive(Debug)]
pub(crate) struct Batch {
    events: Events,
    handed_out: usize,
    /// A signal ended the wait before it could take what was ready.
    was_interrupted: bool,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch {
            events: Events::with_capacity(EVENTS_MAX),
            handed_out: 0,
            was_interrupted: false,
        }
    }
}

impl Batch {
    /// How many events the wait returned.
    pub(crate) fn len(&self) -> usize {
        self.events.iter().count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the kernel may have more that was ready when the wait ended. A wait for the reactor's own
    /// descriptor may not report it: it reports what becomes ready, not what already is.
    pub(crate) fn has_left_some(&self) -> bool {
        self.was_interrupted || self.events.iter().nth(EVENTS_MAX - 1).is_some()
    }

    /// The source that was handed out last.
    pub(crate) fn last_handed_out(&self) -> Option<Id> {
        let last = self.events.iter().nth(self.handed_out.checked_sub(1)?)?;
        Some(Id::of(last.token()))
    }

    /// What has not been handed out yet, one by one.
    #[inline]
    pub(crate) fn hand_out(&mut self) -> impl Iterator<Item = (Id, Readiness<'_>)> {
        let Batch {
            events, handed_out, ..
        } = self;
        let mut rest = events.iter();
        if *handed_out > 0 {
            rest.nth(*handed_out - 1);
        }
        rest.map(|event| {
            *handed_out += 1;
            (Id::of(event.token()), Readiness(event))
        })
    }
}

#[derive(Debug)]
struct Held<T> {
    id: Id,
    item: T,
}

#[derive(Debug)]
pub(crate) struct Reactor<T> {
    pub(super) poll: Poll,
    waker: Option<Arc<Waker>>,
    items: Slab<Held<T>>,
}

/// What a call may ask of the kernel: it makes sockets, registers them with epoll, and removes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registry<'r>(pub(super) Epoll<'r>);

impl Registry<'_> {
    /// Registers a source for everything, edge-triggered, once for its lifetime.
    ///
    /// Priority is included because a byte of urgent data splits the stream: the read stops short at the
    /// mark, and no further edge reports the bytes after it.
    pub(crate) fn register(self, source: &mut impl Source, id: Id) -> io::Result<()> {
        let all = Interest::READABLE
            .add(Interest::WRITABLE)
            .add(Interest::PRIORITY);
        self.0.register(source, id.token(), all)
    }

    /// Removes a source from epoll. Closing does that too, unless a duplicate of the descriptor lives on
    /// elsewhere (epoll(7), Q6). So this is for descriptors that may have a duplicate.
    pub(crate) fn deregister(self, source: &mut impl Source) {
        if let Err(error) = self.0.deregister(source) {
            log::debug!(target: "netloop::reactor", "deregister: {error}");
        }
    }
}

/// Numbers the items of all reactors of the process, so that an id of one names nothing in another.
fn next_generation() -> NonZeroU32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NonZeroU32::new(NEXT.fetch_add(1, Relaxed)).unwrap_or_else(next_generation)
}

impl<T> Reactor<T> {
    pub(crate) fn new() -> io::Result<Reactor<T>> {
        Ok(Reactor::of(Poll::new()?))
    }

    pub(super) fn of(poll: Poll) -> Reactor<T> {
        Reactor {
            poll,
            waker: None,
            items: Slab::new(),
        }
    }

    pub(crate) fn registry(&self) -> Registry<'_> {
        Registry(self.poll.registry())
    }

    /// The waker, with which other threads end a wait. It is made when it is first asked for.
    pub(crate) fn waker(&mut self) -> io::Result<Arc<Waker>> {
        if let Some(waker) = &self.waker {
            return Ok(Arc::clone(waker));
        }
        let waker = Arc::new(Waker::new(self.poll.registry(), Id::WAKER.token())?);
        Ok(Arc::clone(self.waker.insert(waker)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn insert(&mut self, item: T) -> Id {
        let generation = next_generation();
        let place = self.items.vacant_entry();
        let key = u32::try_from(place.key()).expect("fewer than 2^32 descriptors");
        let id = Id::new(key, generation);
        place.insert(Held { id, item });
        id
    }

    #[inline]
    pub(crate) fn get(&self, id: Id) -> Option<&T> {
        let held = self.items.get(id.key())?;
        (held.id == id).then_some(&held.item)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let held = self.items.get_mut(id.key())?;
        (held.id == id).then_some(&mut held.item)
    }

    /// The same, with the registry.
    #[inline]
    pub(crate) fn get_with_registry(&mut self, id: Id) -> Option<(&mut T, Registry<'_>)> {
        let held = self.items.get_mut(id.key())?;
        (held.id == id).then_some((&mut held.item, Registry(self.poll.registry())))
    }

    pub(crate) fn remove(&mut self, id: Id) -> Option<T> {
        self.get(id)?;
        let item = self.items.remove(id.key()).item;
        if self.items.is_empty() {
            self.items.shrink_to_fit();
        }
        Some(item)
    }

    /// The ids of the items that satisfy a condition, in no particular order.
    pub(crate) fn find(&self, is_wanted: impl Fn(&T) -> bool) -> impl Iterator<Item = Id> {
        let items = self.items.iter().map(|(_, held)| held);
        items
            .filter(move |held| is_wanted(&held.item))
            .map(|held| held.id)
    }

    /// Calls `show` with each item of the slab.
    pub(crate) fn for_each(&mut self, mut show: impl FnMut(&mut T)) {
        self.items
            .iter_mut()
            .for_each(|(_, held)| show(&mut held.item));
    }

    /// Waits for readiness, at most for `timeout`, and fills the batch. If a signal interrupts it, it
    /// returns early with an empty batch: the caller computes its next wait from the time that is left.
    pub(crate) fn wait(&mut self, batch: &mut Batch, timeout: Option<Duration>) -> io::Result<()> {
        batch.handed_out = 0;
        batch.was_interrupted = false;
        match self.poll.poll(&mut batch.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                batch.events.clear();
                batch.was_interrupted = true;
                Ok(())
            }
            other => other,
        }
    }

    /// Calls `show` with each item of the batch and its readiness.
    pub(crate) fn for_each_ready(&mut self, batch: &Batch, show: impl Fn(&mut T, Readiness<'_>)) {
        for event in batch.events.iter() {
            if let Some(item) = self.get_mut(Id::of(event.token())) {
                show(item, Readiness(event));
            }
        }
    }
}
