use super::*;

/// Takes the listeners out, calls them, does this meanwhile, and puts them back.
fn call_and(slot: &mut Slot<Word>, meanwhile: impl FnOnce(&mut Slot<Word>)) -> String {
    let mut taken = mem::take(slot);
    let said = call(&mut taken);
    meanwhile(slot);
    slot.put_back(taken);
    said
}

type Word = dyn FnMut(&mut String);

const TURN: u32 = 7;

fn word(word: &'static str) -> Box<Word> {
    Box::new(move |line| line.push_str(word))
}

fn call(slot: &mut Slot<Word>) -> String {
    let mut line = String::new();
    match slot {
        Slot::One(listener) => listener(&mut line),
        Slot::Many(list) => Slot::call_each(list, |listener| listener(&mut line)),
    }
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
    let taken = mem::take(&mut slot);
    slot.put_back(taken);
    assert_eq!((call(&mut slot).as_str(), slot.len()), ("b", 1));
}

#[test]
fn what_was_added_during_the_call_stands_behind_what_was_there() {
    let mut slot = Slot::default();
    slot.add(word("a"), false);
    let taken = mem::take(&mut slot);
    slot.add(word("b"), false);
    slot.put_back(taken);
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
    let taken = mem::take(&mut slot);
    slot.put_back(taken);
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
fn a_listener_removed_during_the_call_does_not_come_back() {
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
fn a_listener_removed_before_a_call_may_be_added_again() {
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
fn work_of_the_librarys_own_stands_in_line_and_goes_when_it_is_done_or_taken_away() {
    let name = ListenerId::unique();
    let mut slot = Slot::default();
    slot.add(word("a"), false);
    slot.add_own(Own::Reset, word("!"));
    slot.name_last(name);
    slot.add_own(Own::HeldWrite, word("?"));
    slot.add(word("b"), false);
    assert_eq!(slot.len(), 4);
    slot.remove_own(Own::HeldWrite, TURN);
    assert_eq!(call_and(&mut slot, |_| {}), "a!b");
    slot.remove(name, TURN);
    assert_eq!(call(&mut slot), "b");
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
