//! The one door through which user code that listens to events is called.

use std::mem;

use super::event_loop::Loop;
use super::slot::Slot;
use super::trace::{Cause, Subject, What};

/// Listeners that are out of their slot for a call. Going out of scope puts them back, before
/// those that were added meanwhile, also when one of them panics.
struct Call<'l, F: ?Sized, S: Fn(&mut Loop) -> Option<&mut Slot<F>>> {
    event_loop: &'l mut Loop,
    slot: S,
    taken: Slot<F>,
    /// The cause to return to, when the call is traced.
    former: Option<Cause>,
}

impl Loop {
    /// Emits an event: the listeners are taken out of their slot, called, and put back. So a
    /// listener may do anything, and no borrow is held across the call. Returns whether there
    /// were any.
    #[inline]
    pub(super) fn emit<F: ?Sized>(
        &mut self,
        subject: Subject,
        event: &'static str,
        slot: impl Fn(&mut Loop) -> Option<&mut Slot<F>>,
        mut call: impl FnMut(&mut F, &mut Loop),
    ) -> bool {
        let taken = match slot(self) {
            Some(listeners) if !listeners.is_empty() => mem::take(listeners),
            _ => return false,
        };
        let is_traced = self.trace.is_on();
        let former = is_traced.then(|| self.trace.enter(subject, What::Callback(event)));
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
        true
    }
}

impl<F: ?Sized, S: Fn(&mut Loop) -> Option<&mut Slot<F>>> Drop for Call<'_, F, S> {
    #[inline]
    fn drop(&mut self) {
        let taken = mem::take(&mut self.taken);
        if let Some(listeners) = (self.slot)(self.event_loop) {
            listeners.put_back(taken);
        }
        if let Some(former) = self.former {
            self.event_loop.trace.leave(former);
        }
    }
}
