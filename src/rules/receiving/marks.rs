//! Facts beside the states: eight marks in one byte, since each connection has them.

#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Mark {
    /// `readable` has a listener, also one that is being called: Node's `readableListening`. After a
    /// listener is removed, a tick decides anew.
    Pulled = 1,
    /// The tick of `resume` is queued.
    ResumeDue = 2,
    /// The tick that asks for the next chunk is queued: Node's `readingMore`.
    AskingDue = 4,
    /// The socket is on the again list.
    Listed = 8,
    /// The socket is on the again list, and a short read does not prove that the kernel is empty: an end,
    /// an error or urgent data may follow.
    MayHideMore = 16,
    /// What was put back while the data flows is to be emitted from a tick. Node emits it inside `unshift`,
    /// so it does not count as waiting, and what is put back after it comes after it.
    EmissionDue = 32,
    /// A write has failed: a chunk that comes is dropped.
    Dropping = 64,
    /// A chunk is being emitted.
    Emitting = 128,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks(pub(super) u8);

impl Marks {
    pub(super) const NONE: Marks = Marks(0);
    pub(super) const EMITTING: Marks = Marks(Mark::Emitting as u8);

    #[inline]
    pub(super) fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    /// Sets a mark. Returns whether that is new.
    pub(super) fn set(&mut self, mark: Mark) -> bool {
        let is_new = !self.has(mark);
        self.0 |= mark as u8;
        is_new
    }

    /// Takes a mark away. Returns whether it was set.
    pub(super) fn take(&mut self, mark: Mark) -> bool {
        let was_set = self.has(mark);
        self.0 &= !(mark as u8);
        was_set
    }
}
