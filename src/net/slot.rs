//! A place for the listeners of one event.
//!
//! It is 16 bytes whether it holds nobody, the usual single listener, or a list.

use std::mem;

#[derive(Debug)]
pub(crate) enum Slot<F: ?Sized> {
    /// One listener that stays.
    One(Box<F>),
    /// None at all, or more than one, or one that goes after its first call.
    Many(Option<Box<List<F>>>),
}

/// Boxed once more, so that the slot is no wider than a single listener.
type List<F> = Vec<Listener<F>>;

#[derive(Debug)]
pub(crate) struct Listener<F: ?Sized> {
    /// Taken out for good just before the only call of a `once` listener.
    callback: Option<Box<F>>,
    is_once: bool,
}

impl<F: ?Sized> Default for Slot<F> {
    fn default() -> Self {
        Slot::Many(None)
    }
}

impl<F: ?Sized> Slot<F> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Slot::Many(None))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Slot::One(_) => 1,
            Slot::Many(list) => list.as_ref().map_or(0, |list| list.len()),
        }
    }

    /// Adds a listener behind all others, as Node's `on` and `once` do.
    pub(crate) fn add(&mut self, callback: Box<F>, is_once: bool) {
        if self.is_empty() && !is_once {
            *self = Slot::One(callback);
            return;
        }
        let mut list = mem::take(self).into_list();
        list.push(Listener {
            callback: Some(callback),
            is_once,
        });
        *self = Slot::Many(Some(list));
    }

    fn into_list(self) -> Box<List<F>> {
        match self {
            Slot::One(callback) => Box::new(vec![Listener {
                callback: Some(callback),
                is_once: false,
            }]),
            Slot::Many(list) => list.unwrap_or_default(),
        }
    }

    /// Calls each listener in the order of adding. One that goes after its first call is gone
    /// before it is made.
    #[inline(always)]
    pub(crate) fn call(&mut self, mut call: impl FnMut(&mut F)) {
        match self {
            Slot::One(callback) => call(callback),
            Slot::Many(list) => Self::call_list(list, &mut call),
        }
    }

    #[cold]
    fn call_list(list: &mut Option<Box<List<F>>>, call: &mut dyn FnMut(&mut F)) {
        for listener in list.iter_mut().flat_map(|list| list.iter_mut()) {
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
    pub(crate) fn put_back(&mut self, taken: &mut Slot<F>) {
        if self.is_empty() && matches!(taken, Slot::One(_)) {
            mem::swap(self, taken);
        } else {
            self.join(mem::take(taken));
        }
    }

    #[cold]
    fn join(&mut self, mut taken: Slot<F>) {
        if let Slot::Many(Some(list)) = &mut taken {
            list.retain(|listener| listener.callback.is_some());
            if list.is_empty() {
                return;
            }
        }
        let added = mem::replace(self, taken);
        if !added.is_empty() {
            let mut list = mem::take(self).into_list();
            list.append(&mut added.into_list());
            *self = Slot::Many(Some(list));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Word = dyn FnMut(&mut String);

    fn word(word: &'static str) -> Box<Word> {
        Box::new(move |line| line.push_str(word))
    }

    fn call(slot: &mut Slot<Word>) -> String {
        let mut line = String::new();
        slot.call(|listener| listener(&mut line));
        line
    }

    #[test]
    fn a_slot_is_two_words_whatever_it_holds() {
        assert_eq!(size_of::<Slot<Word>>(), 16);
    }

    #[test]
    fn listeners_are_called_in_the_order_of_adding_and_once_listeners_only_once() {
        let mut slot = Slot::default();
        slot.add(word("a"), true);
        slot.add(word("b"), false);
        slot.add(word("c"), true);
        assert_eq!(call(&mut slot), "abc");
        let mut taken = mem::take(&mut slot);
        slot.put_back(&mut taken);
        assert_eq!((call(&mut slot).as_str(), slot.len()), ("b", 1));
    }

    #[test]
    fn what_was_added_during_the_call_stands_behind_what_was_there() {
        let mut slot = Slot::default();
        slot.add(word("a"), false);
        let mut taken = mem::take(&mut slot);
        slot.add(word("b"), false);
        slot.put_back(&mut taken);
        assert_eq!(call(&mut slot), "ab");
    }

    #[test]
    fn a_call_that_panics_loses_only_the_once_listeners_already_called() {
        let mut slot: Slot<Word> = Slot::default();
        slot.add(word("a"), true);
        slot.add(Box::new(|_| panic!("on purpose")), false);
        slot.add(word("c"), true);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(&mut slot)));
        assert!(outcome.is_err());
        let mut taken = mem::take(&mut slot);
        slot.put_back(&mut taken);
        assert_eq!(slot.len(), 2);
    }
}
