//! The one door through which user code that listens to events is called.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::event_loop::Loop;
use super::slot::Slot;
use super::trace::{Subject, What};

impl Loop {
    /// Emits an event: the listeners are taken out of their slot, called, and put back before
    /// those that were added meanwhile, also when one of them panics. So a listener may do
    /// anything, and no borrow is held across the call. Returns whether there were any.
    #[inline]
    pub(super) fn emit<F: ?Sized>(
        &mut self,
        subject: Subject,
        event: &'static str,
        slot: impl Fn(&mut Loop) -> Option<&mut Slot<F>>,
        mut call: impl FnMut(&mut F, &mut Loop),
    ) -> bool {
        let Some(listeners) = slot(self) else {
            return false;
        };
        if listeners.is_empty() {
            return false;
        }
        let mut taken = mem::take(listeners);
        let is_traced = self.trace.is_on();
        let former = if is_traced {
            self.trace.enter(subject, What::Callback(event))
        } else {
            0
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            taken.call(|listener| call(listener, &mut *self));
        }));
        if let Some(listeners) = slot(self) {
            listeners.put_back(taken);
        }
        if is_traced {
            self.trace.leave(former);
        }
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        true
    }
}
