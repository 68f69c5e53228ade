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
    /// Names that were removed in the turn `turn`, but not found: their listeners may be out for a call.
    off: Vec<Name>,
    turn: u32,
    /// All listeners were removed: those that are out for a call are not put back.
    is_cleared: bool,
}

#[derive(Debug)]
struct Listener<F: ?Sized> {
    /// Taken out for good just before the only call of a `once` listener.
    callback: Option<Box<F>>,
    is_once: bool,
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

    /// Removes the listener of this name that was added last, also if it is out for a call. A call never
    /// outlasts the turn.
    fn remove(&mut self, name: ListenerId, turn: u32);

    /// Removes all listeners, also those that are out for a call.
    fn clear(&mut self);
}

/// The content of a slot without listeners, or with a list of them.
pub(super) type Many<F> = Option<Box<List<F>>>;

impl<F: ?Sized> From<Box<F>> for Slot<F> {
    #[inline]
    fn from(only: Box<F>) -> Self {
        Slot::One(only)
    }
}

impl<F: ?Sized> From<Many<F>> for Slot<F> {
    fn from(list: Many<F>) -> Self {
        Slot::Many(list)
    }
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
            off: Vec::new(),
            turn: 0,
            is_cleared: false,
        }
    }
}

impl<F: ?Sized> List<F> {
    fn add(&mut self, callback: Box<F>, is_once: bool, name: Option<Name>) {
        self.listeners.push(Listener {
            callback: Some(callback),
            is_once,
            name,
        });
    }

    /// Returns whether there was such a listener.
    fn remove(&mut self, name: Name) -> bool {
        let mut names = self.listeners.iter().map(|listener| listener.name);
        let found = names.rposition(|other| other == Some(name));
        found.map(|at| self.listeners.remove(at)).is_some()
    }

    fn says_nothing(&self) -> bool {
        self.listeners.is_empty() && self.off.is_empty() && !self.is_cleared
    }
}

impl<F: ?Sized> Slot<F> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Slot::One(_) => false,
            Slot::Many(list) => list.as_ref().is_none_or(|list| list.listeners.is_empty()),
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
    pub(in crate::net) fn remove_own(&mut self, own: Own, turn: u32) {
        self.remove_name(Name::Library(own), turn);
    }

    fn remove_name(&mut self, name: Name, turn: u32) {
        self.change(|list| {
            if list.remove(name) {
                return;
            }
            if mem::replace(&mut list.turn, turn) != turn {
                list.off.clear();
            }
            list.off.push(name);
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut List<F>)) {
        let mut list = mem::take(self).into_list();
        change(&mut list);
        if !list.says_nothing() {
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

    /// Whether the program has added any of them: the others are the library's own.
    pub(super) fn is_programs(list: &Many<F>) -> bool {
        let is_own = |it: &Listener<F>| matches!(it.name, Some(Name::Library(_)));
        let mut listeners = list.iter().flat_map(|list| &list.listeners);
        listeners.any(|listener| !is_own(listener))
    }

    /// Calls the listeners in the order in which they were added. A `once` listener is gone before its
    /// call.
    pub(super) fn call_each(list: &mut Many<F>, mut call: impl FnMut(&mut F)) {
        for listener in list.iter_mut().flat_map(|list| &mut list.listeners) {
            if listener.is_once {
                if let Some(mut callback) = listener.callback.take() {
                    call(&mut callback);
                }
            } else if let Some(callback) = &mut listener.callback {
                call(callback);
            }
        }
    }

    /// Puts listeners back that were taken out for a call, before those added meanwhile.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, taken: Slot<F>) {
        match taken {
            Slot::One(only) if matches!(self, Slot::Many(None)) => {
                // The slot was empty: there is nothing to drop.
                mem::forget(mem::replace(self, Slot::One(only)));
            }
            taken => self.join(taken),
        }
    }

    #[cold]
    fn join(&mut self, taken: Slot<F>) {
        let meanwhile = mem::replace(self, taken).into_list();
        self.change(|list| {
            let List {
                listeners,
                off,
                is_cleared,
                ..
            } = *meanwhile;
            list.listeners
                .retain(|listener| listener.callback.is_some() && !is_cleared);
            for name in off {
                list.remove(name);
            }
            list.listeners.extend(listeners);
            (list.off, list.is_cleared) = (Vec::new(), false);
        });
    }
}

impl<F: ?Sized> AnySlot for Slot<F> {
    fn len(&self) -> usize {
        match self {
            Slot::One(_) => 1,
            Slot::Many(list) => list.as_ref().map_or(0, |list| list.listeners.len()),
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

    fn remove(&mut self, name: ListenerId, turn: u32) {
        self.remove_name(Name::Programs(name), turn);
    }

    fn clear(&mut self) {
        *self = Slot::Many(Some(Box::new(List {
            is_cleared: true,
            ..List::default()
        })));
    }
}
