//! The one door through which callbacks that can run again are called. A callback is taken out of its
//! place, called, and put back, also when it panics. No borrow is held across the call, so the callback may
//! do anything.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::Loop;
use super::events::Event;
use super::listeners::{List, Slot};
use super::trace::{Cause, Subject, What};

/// An only listener, out of its slot while it is called. It is put back even if it panics.
struct TakenOut<'l, T, F: ?Sized, H: Fn(&mut Loop) -> Option<&mut T>> {
    event_loop: &'l mut Loop,
    home: H,
    slot: fn(&mut T) -> Option<&mut Slot<F>>,
    taken: Option<Box<F>>,
    /// The cause to return to when the call is over.
    former: Cause,
}

impl Loop {
    /// Emits an event to the listeners in its slot, which their `home` holds. Returns whether there were
    /// any.
    #[inline(always)]
    pub(in crate::net) fn emit<T, F: ?Sized>(
        &mut self,
        subject: Subject,
        event: Event<T, F>,
        home: impl Fn(&mut Loop) -> Option<&mut T> + Copy,
        call: impl FnMut(&mut F, &mut Loop),
    ) -> bool {
        let taken = home(self).and_then(event.slot).map(mem::take);
        let taken = taken.unwrap_or_default();
        let is_heard = !taken.is_empty();
        if is_heard {
            self.emit_to(taken, subject, event, home, call);
        }
        is_heard
    }

    /// Emits an event to listeners that the caller has taken out of their slot. Returns their home, if it
    /// still exists.
    #[inline(always)]
    pub(in crate::net) fn emit_to<T, F: ?Sized>(
        &mut self,
        taken: Slot<F>,
        subject: Subject,
        event: Event<T, F>,
        home: impl Fn(&mut Loop) -> Option<&mut T> + Copy,
        mut call: impl FnMut(&mut F, &mut Loop),
    ) -> Option<&mut T> {
        match taken {
            Slot::One(listener) => {
                let trace = &mut self.agenda.trace;
                let former = match trace.is_on() {
                    true => trace.enter_callback(subject, event.name),
                    false => 0,
                };
                let slot = event.slot;
                let mut running = TakenOut {
                    event_loop: self,
                    home,
                    slot,
                    taken: Some(listener),
                    former,
                };
                if let Some(listener) = &mut running.taken {
                    call(listener, running.event_loop);
                }
                let taken = running.taken.take();
                mem::forget(running);
                put_back(self, home, slot, taken, former)
            }
            Slot::Many(None) => home(self),
            Slot::Many(Some(list)) => self.emit_to_many(list, subject, event, home, call),
        }
    }

    /// Calls the listeners of a list, which stays in its slot meanwhile: each is taken out for its own call.
    #[cold]
    #[inline(never)]
    fn emit_to_many<T, F: ?Sized>(
        &mut self,
        list: Box<List<F>>,
        subject: Subject,
        event: Event<T, F>,
        home: impl Fn(&mut Loop) -> Option<&mut T>,
        mut call: impl FnMut(&mut F, &mut Loop),
    ) -> Option<&mut T> {
        let trace = &mut self.agenda.trace;
        let former = match trace.is_on() {
            true if list.is_programs() => trace.enter_callback(subject, event.name),
            true => trace.goes_untold(),
            false => 0,
        };
        if let Some(slot) = home(self).and_then(event.slot) {
            slot.begin_calls(list);
        }
        self.call_and_then(
            None::<Box<F>>,
            |called, event_loop| {
                while let Some(next) = home(event_loop)
                    .and_then(event.slot)
                    .and_then(Slot::take_next)
                {
                    call(called.insert(next), event_loop);
                    give_back(called.take(), home(event_loop).and_then(event.slot));
                }
            },
            |event_loop, called| {
                let slot = home(event_loop).and_then(event.slot);
                if let Some(slot) = give_back(called, slot) {
                    slot.end_calls();
                }
                event_loop.agenda.trace.leave(former);
            },
        );
        home(self)
    }

    /// Runs queued work, with a record of its own as the cause of all that follows from it.
    #[inline]
    pub(in crate::net) fn traced<R>(
        &mut self,
        by: Cause,
        subject: Subject,
        what: What<'_>,
        run: impl FnOnce(&mut Loop) -> R,
    ) -> R {
        let former = self.agenda.trace.enter_put_off(by, subject, what);
        let answer = run(self);
        self.agenda.trace.leave(former);
        answer
    }

    /// Calls a callback that the caller has taken out of its place. Then, even after a panic, it runs
    /// `then`, which puts the callback back.
    pub(in crate::net) fn call_and_then<C>(
        &mut self,
        mut callback: C,
        call: impl FnOnce(&mut C, &mut Loop),
        then: impl FnOnce(&mut Loop, C),
    ) {
        let outcome = catch_unwind(AssertUnwindSafe(|| call(&mut callback, self)));
        then(self, callback);
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    }
}

fn give_back<F: ?Sized>(
    called: Option<Box<F>>,
    slot: Option<&mut Slot<F>>,
) -> Option<&mut Slot<F>> {
    let slot = slot?;
    if let Some(called) = called {
        slot.give_back(called);
    }
    Some(slot)
}

/// Puts an only listener back before those that were added meanwhile. Returns its home, if it is still
/// there.
#[inline(always)]
fn put_back<T, F: ?Sized>(
    event_loop: &mut Loop,
    home: impl Fn(&mut Loop) -> Option<&mut T>,
    slot: fn(&mut T) -> Option<&mut Slot<F>>,
    taken: Option<Box<F>>,
    former: Cause,
) -> Option<&mut T> {
    event_loop.agenda.trace.leave(former);
    let home = home(event_loop)?;
    if let (Some(slot), Some(taken)) = (slot(home), taken) {
        slot.put_back(taken);
    }
    Some(home)
}

/// Runs only if the listener has panicked.
impl<T, F: ?Sized, H: Fn(&mut Loop) -> Option<&mut T>> Drop for TakenOut<'_, T, F, H> {
    #[inline(always)]
    fn drop(&mut self) {
        let taken = self.taken.take();
        put_back(self.event_loop, &self.home, self.slot, taken, self.former);
    }
}
