//! A place for the listeners of one event.
//!
//! It is 16 bytes whether it holds nobody, the usual single listener, or a list.

use std::mem;

use crate::net::ids::ListenerId;

#[derive(Debug)]
pub(crate) enum Slot<F: ?Sized> {
    /// One listener that stays, and has no name.
    One(Box<F>),
    /// Nobody, or all that is not so simple.
    Many(Option<Box<List<F>>>),
}

/// Boxed, so that the slot is no wider than a single listener.
#[derive(Debug)]
pub(crate) struct List<F: ?Sized> {
    listeners: Vec<Listener<F>>,
    /// Who was taken away in this turn and did not stand here: if listeners are out for a call, one
    /// of them.
    off: Vec<ListenerId>,
    turn: u32,
    /// None of those that are out for a call comes back.
    is_cleared: bool,
}

#[derive(Debug)]
struct Listener<F: ?Sized> {
    /// Taken out for good just before the only call of a `once` listener.
    callback: Option<Box<F>>,
    is_once: bool,
    name: Option<ListenerId>,
}

/// What can be done with a slot whatever its listeners are told.
pub(crate) trait AnySlot {
    fn len(&self) -> usize;

    /// Names the listener that was added last.
    fn name_last(&mut self, name: ListenerId);

    /// Takes away the listener of this name that was added last, also if it is out for a call, which
    /// never lasts longer than this turn.
    fn remove(&mut self, name: ListenerId, turn: u32);

    /// Takes away all listeners, also those that are out for a call.
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
            off: Vec::new(),
            turn: 0,
            is_cleared: false,
        }
    }
}

impl<F: ?Sized> List<F> {
    fn add(&mut self, callback: Box<F>, is_once: bool) {
        self.listeners.push(Listener {
            callback: Some(callback),
            is_once,
            name: None,
        });
    }

    /// Returns whether there was such a listener.
    fn remove(&mut self, name: ListenerId) -> bool {
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

    /// Adds a listener behind all others, as Node's `on` and `once` do.
    pub(crate) fn add(&mut self, callback: Box<F>, is_once: bool) {
        if matches!(self, Slot::Many(None)) && !is_once {
            *self = Slot::One(callback);
        } else {
            self.change(|list| list.add(callback, is_once));
        }
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
                list.add(callback, false);
                list
            }
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
    pub(crate) fn put_back(&mut self, taken: &mut Slot<F>) {
        if matches!(self, Slot::Many(None)) && matches!(taken, Slot::One(_)) {
            mem::swap(self, taken);
        } else {
            self.join(mem::take(taken));
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
            if let Some(last) = list.listeners.last_mut() {
                last.name = Some(name);
            }
        });
    }

    fn remove(&mut self, name: ListenerId, turn: u32) {
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

    fn clear(&mut self) {
        *self = Slot::Many(Some(Box::new(List {
            is_cleared: true,
            ..List::default()
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the listeners out, calls them, does this meanwhile, and puts them back.
    fn call_and(slot: &mut Slot<Word>, meanwhile: impl FnOnce(&mut Slot<Word>)) -> String {
        let mut taken = mem::take(slot);
        let said = call(&mut taken);
        meanwhile(slot);
        slot.put_back(&mut taken);
        said
    }

    type Word = dyn FnMut(&mut String);

    const TURN: u32 = 7;

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

    #[test]
    fn a_named_listener_can_be_taken_away_and_the_others_stay() {
        let (first, second) = (ListenerId::unique(), ListenerId::unique());
        let mut slot = Slot::default();
        slot.add(word("a"), false);
        slot.name_last(first);
        slot.add(word("b"), true);
        slot.name_last(second);
        slot.add(word("c"), false);
        slot.remove(second, TURN);
        assert_eq!(call(&mut slot), "ac");
        slot.remove(first, TURN);
        slot.remove(first, TURN);
        assert_eq!(call(&mut slot), "c");
    }

    #[test]
    fn of_two_of_one_name_the_one_added_last_goes_first() {
        let name = ListenerId::unique();
        let mut slot = Slot::default();
        for words in ["a", "b"] {
            slot.add(word(words), false);
            slot.name_last(name);
        }
        slot.remove(name, TURN);
        assert_eq!(call(&mut slot), "a");
    }

    #[test]
    fn who_is_taken_away_during_the_call_does_not_come_back() {
        let name = ListenerId::unique();
        let mut slot = Slot::default();
        slot.add(word("a"), false);
        slot.name_last(name);
        slot.add(word("b"), false);
        let said = call_and(&mut slot, |slot| {
            slot.remove(name, TURN);
            slot.add(word("c"), false);
            slot.name_last(name);
        });
        assert_eq!((said.as_str(), call(&mut slot).as_str()), ("ab", "bc"));

        let said = call_and(&mut slot, |slot| {
            slot.add(word("d"), false);
            slot.clear();
            slot.add(word("e"), false);
        });
        assert_eq!((said.as_str(), call(&mut slot).as_str()), ("bc", "e"));
        assert_eq!(call_and(&mut slot, Slot::clear), "e");
        assert!(slot.is_empty());
    }

    #[test]
    fn who_is_taken_away_before_a_call_may_be_added_again() {
        let name = ListenerId::unique();
        let mut slot = Slot::default();
        slot.remove(name, TURN);
        slot.clear();
        slot.remove(name, TURN);
        assert!(slot.is_empty());
        slot.add(word("a"), false);
        slot.name_last(name);
        for _ in 0..2 {
            assert_eq!(call_and(&mut slot, |_| {}), "a");
        }
    }

    #[test]
    fn what_was_taken_away_in_vain_is_not_kept_beyond_the_turn() {
        let mut slot: Slot<Word> = Slot::default();
        for turn in 1..=1000 {
            slot.remove(ListenerId::unique(), turn);
        }
        let Slot::Many(Some(list)) = slot else {
            panic!("the last one may be out for a call");
        };
        assert_eq!(list.off.len(), 1);
    }
}
