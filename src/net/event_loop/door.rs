//! The one door through which user code is called that is to be called again: it is taken out of
//! its place, called, and put back, also when it panics. So it may do anything, and no borrow is
//! held across the call.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::Loop;
use super::listeners::Slot;
use super::trace::{Cause, Subject, What};

/// Listeners that are out of their slot for a call. They are put back before those that were added
/// meanwhile, also when one of them panics.
struct Call<'l, F: ?Sized, S: Fn(&mut Loop) -> Option<&mut Slot<F>>> {
    event_loop: &'l mut Loop,
    slot: S,
    taken: Slot<F>,
    /// The cause to return to.
    former: Cause,
}

impl Loop {
    /// Emits an event to the listeners in a slot. Returns whether there were any.
    #[inline(always)]
    pub(in crate::net) fn emit<F: ?Sized>(
        &mut self,
        subject: Subject,
        event: &'static str,
        slot: impl Fn(&mut Loop) -> Option<&mut Slot<F>>,
        call: impl FnMut(&mut F, &mut Loop),
    ) -> bool {
        let taken = slot(self).map(mem::take).unwrap_or_default();
        self.emit_to(taken, subject, event, slot, call)
    }

    /// The same to listeners that were taken out of their slot already.
    #[inline(always)]
    pub(in crate::net) fn emit_to<F: ?Sized>(
        &mut self,
        taken: Slot<F>,
        subject: Subject,
        event: &'static str,
        slot: impl Fn(&mut Loop) -> Option<&mut Slot<F>>,
        mut call: impl FnMut(&mut F, &mut Loop),
    ) -> bool {
        if taken.is_empty() {
            return false;
        }
        let former = match self.agenda.trace.is_on() {
            true => self.agenda.trace.enter(subject, What::Callback(event)),
            false => 0,
        };
        let mut running = Call {
            event_loop: self,
            slot,
            taken,
            former,
        };
        let Call {
            event_loop, taken, ..
        } = &mut running;
        taken.call(|listener| call(listener, event_loop));
        running.put_back();
        // Nothing is left in it to be dropped.
        mem::forget(running);
        true
    }

    /// Does something under a record, which is the cause of all that follows from it.
    #[inline]
    pub(in crate::net) fn traced<R>(
        &mut self,
        cause: Cause,
        subject: Subject,
        what: What<'_>,
        run: impl FnOnce(&mut Loop) -> R,
    ) -> R {
        let former = self.agenda.trace.enter_caused(cause, subject, what);
        let answer = run(self);
        self.agenda.trace.leave(former);
        answer
    }

    /// Calls what stands in no slot, and was taken out of its place already.
    pub(in crate::net) fn call<C>(
        &mut self,
        mut callback: C,
        call: impl FnOnce(&mut C, &mut Loop),
        put_back: impl FnOnce(&mut Loop, C),
    ) {
        let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut callback, self)));
        put_back(self, callback);
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }
}

impl<F: ?Sized, S: Fn(&mut Loop) -> Option<&mut Slot<F>>> Call<'_, F, S> {
    #[inline(always)]
    fn put_back(&mut self) {
        match (self.slot)(self.event_loop) {
            Some(listeners) => listeners.put_back(&mut self.taken),
            None => drop(mem::take(&mut self.taken)),
        }
        self.event_loop.agenda.trace.leave(self.former);
    }
}

/// A listener has panicked.
impl<F: ?Sized, S: Fn(&mut Loop) -> Option<&mut Slot<F>>> Drop for Call<'_, F, S> {
    #[cold]
    fn drop(&mut self) {
        self.put_back();
    }
}
