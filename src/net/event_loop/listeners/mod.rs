//! A place for the listeners of one event.
//!
//! It is 16 bytes, whether it is empty, holds a single listener, as most do, or a list.

use std::mem;

use crate::net::ids::ListenerId;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(crate) enum Slot<F: ?Sized> {
    /// One listener, which has no name and is not a `once` listener.
    One(Box<F>),
    /// No listener, or any other set of listeners.
    Many(Option<Box<List<F>>>),
}

/// Boxed, so that the slot is no wider than a single listener.
#[derive(Debug)]
pub(crate) struct List<F: ?Sized> {
    listeners: Vec<Listener<F>>,
    /// How many of them the event that is being emitted goes to.
    called: usize,
    /// The index of the next one to be called.
    next: usize,
    /// All listeners were removed: the one that is out for a call is not put back.
    is_cleared: bool,
}

#[derive(Debug)]
struct Listener<F: ?Sized> {
    /// Taken out while it is called.
    callback: Option<Box<F>>,
    is_once: bool,
    /// It was removed, but the event that is being emitted still goes to it.
    is_gone: bool,
    name: Option<Name>,
}

/// What a listener is found by when it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Programs(ListenerId),
    Library(Own),
}

/// The library's own work that runs in line with the program's listeners, where Node adds a listener of
/// its own. It counts as a `once` listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Own {
    /// The first write waits for the connection: it leaves with `connect`, or fails with `close`.
    HeldWrite,
    /// `reset_and_destroy` waits for the connection.
    Reset,
    /// `destroy_soon` waits for `finish`.
    DestroySoon,
}

/// What can be done with a slot whatever the type of its listeners.
pub(crate) trait AnySlot {
    fn len(&self) -> usize;

    /// Names the listener that the program has added last.
    fn name_last(&mut self, name: ListenerId);

    /// Removes the listener of this name that was added last, also if it is being called.
    fn remove(&mut self, name: ListenerId);

    /// Removes all listeners, also those that are being called.
    fn clear(&mut self);
}

impl<F: ?Sized> Default for Slot<F> {
    fn default() -> Self {
        Slot::Many(None)
    }
}

impl<F: ?Sized> Default for List<F> {
    fn default() -> Self {
        List {
            listeners: Vec::new(),
            called: 0,
            next: 0,
            is_cleared: false,
        }
    }
}

impl<F: ?Sized> List<F> {
    fn add(&mut self, callback: Box<F>, is_once: bool, name: Option<Name>) {
        self.listeners.push(Listener {
            callback: Some(callback),
            is_once,
            is_gone: false,
            name,
        });
    }

    /// Whether the program has added any of them: the others are the library's own.
    pub(super) fn is_programs(&self) -> bool {
        let is_own = |it: &Listener<F>| matches!(it.name, Some(Name::Library(_)));
        self.listeners.iter().any(|listener| !is_own(listener))
    }

    fn remove(&mut self, name: Name) {
        let is_meant = |it: &Listener<F>| it.name == Some(name) && !it.is_gone;
        if let Some(at) = self.listeners.iter().rposition(is_meant) {
            match at < self.called {
                true => self.listeners[at].is_gone = true,
                false => _ = self.listeners.remove(at),
            }
        }
    }

    /// Takes out the next listener to be called. A `once` listener is gone before its call.
    fn take_next(&mut self) -> Option<Box<F>> {
        let listener = self.listeners[..self.called].get_mut(self.next)?;
        self.next += 1;
        listener.is_gone |= listener.is_once;
        listener.callback.take()
    }

    fn end_calls(&mut self) {
        (self.called, self.next) = (0, 0);
        self.listeners.retain(|listener| !listener.is_gone);
    }
}

impl<F: ?Sized> Slot<F> {
    /// Whether there is no listener, apart from those that are being called.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Slot::One(_) => false,
            Slot::Many(list) => list
                .as_ref()
                .is_none_or(|list| list.listeners.len() == list.called),
        }
    }

    /// Whether there is a listener, also among those that are being called, that is not gone. `is_one_out`
    /// is whether an only listener may be out for a call.
    pub(in crate::net) fn is_heard(&self, is_one_out: bool) -> bool {
        match self {
            Slot::One(_) => true,
            Slot::Many(None) => is_one_out,
            Slot::Many(Some(list)) => list.listeners.iter().any(|listener| !listener.is_gone),
        }
    }

    /// Adds a listener after all others, as Node's `on` and `once` do.
    pub(crate) fn add(&mut self, callback: Box<F>, is_once: bool) {
        if matches!(self, Slot::Many(None)) && !is_once {
            *self = Slot::One(callback);
        } else {
            self.change(|list| list.add(callback, is_once, None));
        }
    }

    /// Adds work of the library's own after all listeners.
    pub(in crate::net) fn add_own(&mut self, own: Own, work: Box<F>) {
        self.change(|list| list.add(work, true, Some(Name::Library(own))));
    }

    /// Removes work of the library's own.
    pub(in crate::net) fn remove_own(&mut self, own: Own) {
        self.remove_name(Name::Library(own));
    }

    /// An only listener has no name.
    fn remove_name(&mut self, name: Name) {
        if let Slot::Many(Some(_)) = self {
            self.change(|list| list.remove(name));
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut List<F>)) {
        let mut list = mem::take(self).into_list();
        change(&mut list);
        if !list.listeners.is_empty() || list.is_cleared {
            *self = Slot::Many(Some(list));
        }
    }

    fn into_list(self) -> Box<List<F>> {
        match self {
            Slot::One(callback) => {
                let mut list = Box::new(List::default());
                list.add(callback, false, None);
                list
            }
            Slot::Many(list) => list.unwrap_or_default(),
        }
    }

    /// Begins to call the listeners of a list, in the order in which they were added. The list is put back
    /// for that; each listener is taken out for its own call. Those added meanwhile are not called.
    pub(super) fn begin_calls(&mut self, mut list: Box<List<F>>) {
        list.called = list.listeners.len();
        list.is_cleared = false;
        *self = Slot::Many(Some(list));
    }

    pub(super) fn take_next(&mut self) -> Option<Box<F>> {
        match self {
            Slot::Many(Some(list)) => list.take_next(),
            Slot::One(_) | Slot::Many(None) => None,
        }
    }

    /// Puts back the listener that was taken out last.
    pub(super) fn give_back(&mut self, callback: Box<F>) {
        if let Slot::Many(Some(list)) = self
            && let Some(listener) = list.listeners.get_mut(list.next - 1)
        {
            listener.callback = Some(callback);
        }
    }

    /// Forgets the listeners that are gone.
    pub(super) fn end_calls(&mut self) {
        self.change(List::end_calls);
    }

    /// Puts an only listener back that was taken out for a call, before those added meanwhile.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, only: Box<F>) {
        if matches!(self, Slot::Many(None)) {
            // The slot was empty: there is nothing to drop.
            mem::forget(mem::replace(self, Slot::One(only)));
        } else {
            self.join(only);
        }
    }

    #[cold]
    fn join(&mut self, only: Box<F>) {
        let meanwhile = mem::take(self).into_list();
        if !meanwhile.is_cleared {
            *self = Slot::One(only);
        }
        self.change(|list| list.listeners.extend(meanwhile.listeners));
    }
}

impl<F: ?Sized> AnySlot for Slot<F> {
    fn len(&self) -> usize {
        match self {
            Slot::One(_) => 1,
            Slot::Many(list) => list
                .as_ref()
                .map_or(0, |list| list.listeners.len() - list.called),
        }
    }

    fn name_last(&mut self, name: ListenerId) {
        self.change(|list| {
            let is_own = |it: &&mut Listener<F>| matches!(it.name, Some(Name::Library(_)));
            if let Some(last) = list.listeners.iter_mut().rev().find(|it| !is_own(it)) {
                last.name = Some(Name::Programs(name));
            }
        });
    }

    fn remove(&mut self, name: ListenerId) {
        self.remove_name(Name::Programs(name));
    }

    fn clear(&mut self) {
        let mut list = mem::take(self).into_list();
        list.listeners.truncate(list.called);
        for listener in &mut list.listeners {
            listener.is_gone = true;
        }
        list.is_cleared = list.called == 0;
        *self = Slot::Many(Some(list));
    }
}
