//! The one door through which callbacks that can run again are called. A callback is taken out of its
//! place, called, and put back, also when it panics. No borrow is held across the call, so the callback may
//! do anything.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::Loop;
use super::events::Event;
use super::listeners::{Many, Slot};
use super::trace::{Cause, Subject, What};

/// Listeners that are out of their slot while they are called. They are put back even if one panics.
struct TakenOut<'l, T, F: ?Sized, L: Into<Slot<F>>, H: Fn(&mut Loop) -> Option<&mut T>> {
    event_loop: &'l mut Loop,
    home: H,
    slot: fn(&mut T) -> Option<&mut Slot<F>>,
    taken: Option<L>,
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
            Slot::One(listener) => call_out(
                self,
                listener,
                subject,
                event,
                true,
                home,
                move |listener, event_loop| {
                    call(listener, event_loop);
                },
            ),
            Slot::Many(list) => emit_to_many(self, list, subject, event, home, call),
        }
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

#[cold]
#[inline(never)]
fn emit_to_many<T, F: ?Sized>(
    event_loop: &mut Loop,
    list: Many<F>,
    subject: Subject,
    event: Event<T, F>,
    home: impl Fn(&mut Loop) -> Option<&mut T> + Copy,
    mut call: impl FnMut(&mut F, &mut Loop),
) -> Option<&mut T> {
    let is_programs = Slot::is_programs(&list);
    call_out(
        event_loop,
        list,
        subject,
        event,
        is_programs,
        home,
        |list, event_loop| {
            Slot::call_each(list, |listener| call(listener, event_loop));
        },
    )
}

/// Calls what was taken out: one listener, or a list. `is_programs` is whether the program has added any.
#[inline(always)]
fn call_out<T, F: ?Sized, L: Into<Slot<F>>>(
    event_loop: &mut Loop,
    taken: L,
    subject: Subject,
    event: Event<T, F>,
    is_programs: bool,
    home: impl Fn(&mut Loop) -> Option<&mut T> + Copy,
    call: impl FnOnce(&mut L, &mut Loop),
) -> Option<&mut T> {
    let trace = &mut event_loop.agenda.trace;
    let former = match trace.is_on() {
        true if is_programs => trace.enter_callback(subject, event.name),
        true => trace.goes_untold(),
        false => 0,
    };
    let slot = event.slot;
    let mut running = TakenOut {
        event_loop,
        home,
        slot,
        taken: Some(taken),
        former,
    };
    if let Some(taken) = &mut running.taken {
        call(taken, running.event_loop);
    }
    let taken = running.taken.take();
    mem::forget(running);
    put_back(event_loop, home, slot, taken, former)
}

/// Puts listeners back before those that were added meanwhile. Returns their home, if it is still there.
#[inline(always)]
fn put_back<T, F: ?Sized>(
    event_loop: &mut Loop,
    home: impl Fn(&mut Loop) -> Option<&mut T>,
    slot: fn(&mut T) -> Option<&mut Slot<F>>,
    taken: Option<impl Into<Slot<F>>>,
    former: Cause,
) -> Option<&mut T> {
    event_loop.agenda.trace.leave(former);
    let home = home(event_loop)?;
    if let (Some(listeners), Some(taken)) = (slot(home), taken) {
        listeners.put_back(taken.into());
    }
    Some(home)
}

/// Runs only if a listener has panicked.
impl<T, F: ?Sized, L: Into<Slot<F>>, H: Fn(&mut Loop) -> Option<&mut T>> Drop
    for TakenOut<'_, T, F, L, H>
{
    #[inline(always)]
    fn drop(&mut self) {
        let taken = self.taken.take();
        put_back(self.event_loop, &self.home, self.slot, taken, self.former);
    }
}
