//! What follows from a chunk, from the end, and from the ticks.

use super::{Action, Facts, Kept, Mark, Receiving, States, Then, Tick, notice, request};

/// What the kernel does.
impl Receiving {
    /// The socket is connected: the kernel is read if a chunk was asked for before.
    pub(crate) fn connected(&mut self, facts: Facts) -> Then {
        let connected = request::Input::Connected;
        let started = facts.is_connected.then(|| self.change_request(connected));
        started.flatten().into()
    }

    /// A chunk has come.
    #[inline]
    pub(crate) fn chunk_came(&mut self) {
        _ = self.change_request(request::Input::ChunkCame);
    }

    /// Whether a chunk is passed on at once: to the listeners of `data`, or, if neither `data` nor
    /// `readable` has one, dropped. Other chunks are kept.
    pub(crate) fn passes_on(&self, is_heard: bool, kept: &Kept) -> bool {
        self.is_flowing() && kept.is_empty() && (is_heard || !self.states.marks.has(Mark::Pulled))
    }

    /// Keeps a chunk for later.
    pub(crate) fn keep(&mut self, chunk: Vec<u8>, kept: &mut Kept) -> Then {
        kept.inbox.push(chunk);
        self.announce().into()
    }

    /// Begins to pass a chunk straight to the listeners of `data`, if the states are `STREAMING`. Returns
    /// whether it does.
    #[inline]
    pub(crate) fn begin_passing(&mut self) -> bool {
        let passes = self.states.are(States::STREAMING);
        if passes {
            self.states = States::PASSING;
        }
        passes
    }

    /// Ends the passing. Returns whether a listener has changed nothing meanwhile, so that nothing is left
    /// to do but to wait for the next chunk.
    #[inline]
    pub(crate) fn end_passing(&mut self) -> bool {
        let flows_on = self.states.are(States::PASSING);
        if flows_on {
            self.states = States::STREAMING;
        }
        flows_on
    }

    /// Begins to emit a chunk that does not just pass.
    pub(crate) fn begin_emission(&mut self) {
        self.states.marks.set(Mark::Emitting);
    }

    pub(crate) fn end_emission(&mut self) {
        self.states.marks.take(Mark::Emitting);
    }

    /// Whether a chunk is being emitted, so that a listener of `data` may be out for its call.
    pub(crate) fn is_emitting(&self) -> bool {
        self.states.marks.has(Mark::Emitting)
    }

    /// A chunk was emitted or kept: decides whether the kernel is read on, and queues a tick that asks for
    /// the next one (Node's `maybeReadMore`). If the data flows through, there is no tick, since it would
    /// have no visible effect.
    pub(crate) fn chunk_is_done(&mut self, kept: &Kept) -> Then {
        self.end_emission();
        let mut then = Then::default();
        if self.is_flowing() && self.reads_kernel() && kept.is_empty() {
            _ = self.change_request(request::Input::FlowedThrough);
            _ = self.change_notice(notice::Input::Wanted);
            return then;
        }
        then.add(self.ask_from_a_tick());
        if kept.is_full() && !self.states.marks.has(Mark::EmissionDue) {
            then.add(self.change_request(request::Input::Filled));
        }
        then
    }

    pub(super) fn ask_from_a_tick(&mut self) -> Option<Action> {
        let is_new = !self.has_asked() && self.states.marks.set(Mark::AskingDue);
        is_new.then_some(Action::Queue(Tick::Ask))
    }

    /// The peer has ended. `readable` is emitted at once, and then a read of size 0 follows.
    pub(crate) fn ended(&mut self, kept: &mut Kept) -> Then {
        kept.end_text();
        _ = self.change_notice(notice::Input::Ended);
        self.change_request(request::Input::Ended).into()
    }

    /// The callback of the program's own buffer has returned `false`, or the descriptor was closed.
    pub(crate) fn stopped(&mut self) -> Then {
        self.change_request(request::Input::Stopped).into()
    }

    /// A write has failed: Node's `push` drops whatever comes after an error.
    pub(crate) fn write_failed(&mut self) {
        self.states.marks.set(Mark::Dropping);
    }

    /// A chunk is dropped after a failed write, and the kernel is not read on. `None` if it is not to be dropped.
    pub(crate) fn drop_chunk(&mut self) -> Option<Then> {
        let drops = self.states.marks.has(Mark::Dropping);
        drops.then(|| self.change_request(request::Input::Stopped).into())
    }

    /// The socket is connected again.
    pub(crate) fn begin_again(&mut self, kept: &mut Kept) {
        kept.clear();
        self.states.marks.take(Mark::Dropping);
        _ = self.change_request(request::Input::Ended);
    }
}

/// What the ticks do.
impl Receiving {
    /// The tick after a chunk: asks for the next one if there is room.
    pub(crate) fn ask_is_due(&mut self, kept: &mut Kept, facts: Facts) -> Then {
        self.states.marks.take(Mark::AskingDue);
        let has_room = kept.len() < kept.mark() || self.is_flowing() && kept.is_empty();
        match has_room && !facts.has_ended && !self.has_asked() {
            true => self.read(Some(0), kept, facts).1,
            false => Then::default(),
        }
    }

    /// The tick that emits what was put back: what is left of it after the tick waits.
    pub(crate) fn emission_is_due(&mut self) {
        self.states.marks.take(Mark::EmissionDue);
    }

    /// The tick of `resume`, before the event.
    pub(crate) fn resume_is_due(&mut self, kept: &mut Kept, facts: Facts) -> Then {
        let then = self.read_unless_asked(kept, facts);
        self.states.marks.take(Mark::ResumeDue);
        then
    }

    /// A read of size 0, unless a chunk is asked for already.
    pub(crate) fn read_unless_asked(&mut self, kept: &mut Kept, facts: Facts) -> Then {
        match self.has_asked() {
            true => Then::default(),
            false => self.read(Some(0), kept, facts).1,
        }
    }

    /// Whether the tick of `readable` emits it.
    pub(crate) fn emits_readable(&self, kept: &Kept, facts: Facts) -> bool {
        !facts.is_doomed() && (facts.has_ended || !kept.is_empty())
    }

    /// `readable` was emitted.
    pub(crate) fn note_readable(&mut self) {
        _ = self.change_notice(notice::Input::Seen);
    }

    /// The tick of `readable`, after the event: unless the data flows, the next chunk is announced, too.
    pub(crate) fn after_readable(&mut self, kept: &Kept, facts: Facts) {
        if !self.is_flowing() && !facts.has_ended && kept.len() <= kept.mark() {
            _ = self.change_notice(notice::Input::Wanted);
        }
    }
}
