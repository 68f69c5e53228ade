//! What follows when the program calls `pause`, `resume`, `read` and `unshift`, or adds and removes
//! listeners.

use super::{Action, Facts, Kept, Mark, Receiving, Then, Tick, flow, notice, request};

impl Receiving {
    /// Does nothing if the socket is destroyed.
    pub(crate) fn pause(&mut self, kept: &Kept, facts: Facts) -> Then {
        let mut then = Then::default();
        if facts.is_destroyed {
            return then;
        }
        if kept.has_own_buffer() {
            then.add(self.change_request(request::Input::Stopped));
        }
        then.add(self.change_flow(flow::Input::PauseCalled));
        then
    }

    /// Does nothing if the socket is destroyed.
    pub(crate) fn resume(&mut self, kept: &Kept, facts: Facts) -> Then {
        let mut then = Then::default();
        if facts.is_destroyed {
            return then;
        }
        then.add(self.restart(kept, facts));
        let input = match self.states.marks.has(Mark::Pulled) {
            true => flow::Input::ResumeCalledInVain,
            false => flow::Input::ResumeCalled,
        };
        if let Some(resume) = self.change_flow(input)
            && self.states.marks.set(Mark::ResumeDue)
        {
            then.add(resume);
        }
        then
    }

    /// A listener of `data` was added, or a pipe: the data flows, unless it was stopped.
    pub(crate) fn data_added(&mut self, has_readers: bool, kept: &Kept, facts: Facts) -> Then {
        if has_readers {
            self.states.marks.set(Mark::Pulled);
        }
        match self.states.flow.is_flowing() {
            Some(false) => Then::default(),
            Some(true) | None => self.resume(kept, facts),
        }
    }

    /// The first listener of `readable` stops the flow. Another one changes nothing, so that one `once`
    /// listener may follow another.
    pub(crate) fn readable_added(&mut self, kept: &Kept) -> Then {
        if !self.states.marks.set(Mark::Pulled) {
            return Then::default();
        }
        let mut then = Then::from(self.change_flow(flow::Input::ReadableAdded));
        then.add(self.change_notice(notice::Input::ReadableAdded));
        if !kept.is_empty() {
            then.add(self.change_notice(notice::Input::Arrived));
        } else if !self.has_asked() {
            then.add(Action::Queue(Tick::ReadNothing));
        }
        then
    }

    /// The tick after a listener of `readable` was removed. If none is left, the data flows to the
    /// listeners of `data`; without those, it is as if data had never been asked for.
    pub(crate) fn count_readers(
        &mut self,
        is_pulled: bool,
        is_heard: bool,
        kept: &Kept,
        facts: Facts,
    ) -> Then {
        match is_pulled {
            true => self.states.marks.set(Mark::Pulled),
            false => self.states.marks.take(Mark::Pulled),
        };
        if self.states.marks.has(Mark::ResumeDue) && !self.states.flow.was_paused() {
            return self.change_flow(flow::Input::ReadableRemoved).into();
        }
        match (is_heard, is_pulled) {
            (true, _) => self.resume(kept, facts),
            (false, true) => Then::default(),
            (false, false) => self.change_flow(flow::Input::LastRemoved).into(),
        }
    }

    /// Takes waiting bytes, and asks for more: Node's `read(size)`.
    pub(crate) fn read(
        &mut self,
        size: Option<usize>,
        kept: &mut Kept,
        facts: Facts,
    ) -> (Option<Vec<u8>>, Then) {
        kept.raise_mark(size.unwrap_or(0));
        let mut then = Then::from(self.restart(kept, facts));
        let before = kept.len();
        if size != Some(0) {
            _ = self.change_notice(notice::Input::Seen);
        } else if self.states.notice.is_wanted() && (kept.is_full() || facts.has_ended) {
            then.add(match before {
                0 => Some(Action::Delivered),
                _ => self.change_notice(notice::Input::Arrived),
            });
            return (None, then);
        }
        let (taken, is_exact) = kept.take(size, facts.has_ended, self.is_flowing());
        then.add(self.ask(before, kept, facts));
        if !facts.has_ended {
            if kept.is_empty() || taken.is_none() && before <= kept.mark() {
                _ = self.change_notice(notice::Input::Wanted);
            }
        } else if kept.is_empty() && (taken.is_none() || !is_exact) {
            then.add(Action::Delivered);
        }
        (taken, then)
    }

    /// Asks for more if there is room; `before` is how much was waiting before the read.
    fn ask(&mut self, before: usize, kept: &Kept, facts: Facts) -> Option<Action> {
        let has_room = self.states.notice.is_wanted() || before == 0 || kept.len() < kept.mark();
        if self.has_asked() || facts.has_ended || facts.is_doomed() || !has_room {
            return None;
        }
        if before == 0 {
            _ = self.change_notice(notice::Input::Wanted);
        }
        self.change_request(match facts.is_connected {
            true => request::Input::Asked,
            false => request::Input::AskedUnconnected,
        })
    }

    /// Restarts the reading into the program's own buffer, which a callback has stopped by returning
    /// `false`.
    fn restart(&mut self, kept: &Kept, facts: Facts) -> Option<Action> {
        let restarts = kept.has_own_buffer() && facts.is_connected;
        restarts
            .then(|| self.change_request(request::Input::Restarted))
            .flatten()
    }

    /// Puts bytes back in front of what waits. Where Node would emit them as `data` in the call, they
    /// come from a tick, in the order of the calls.
    pub(crate) fn unshift(&mut self, bytes: Vec<u8>, kept: &mut Kept) -> Then {
        let flows = self.is_flowing();
        let mut then = Then::default();
        if flows && kept.is_empty() {
            kept.inbox.unshift(bytes);
            self.states.marks.set(Mark::EmissionDue);
            then.add(Action::Queue(Tick::Unshifted));
        } else if flows && self.states.marks.has(Mark::EmissionDue) {
            kept.inbox.put_behind(bytes);
        } else {
            kept.inbox.unshift(bytes);
            then.add(self.announce());
        }
        then.add(self.ask_from_a_tick());
        then
    }

    /// Announces what waits, if that is wanted.
    pub(super) fn announce(&mut self) -> Option<Action> {
        let is_wanted = self.states.notice.is_wanted();
        let arrived = is_wanted.then(|| self.change_notice(notice::Input::Arrived));
        arrived.flatten()
    }
}
