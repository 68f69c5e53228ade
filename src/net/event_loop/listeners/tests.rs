use super::*;

/// Calls the listeners as the door does, and does this before each call.
fn call_and(slot: &mut Slot<Word>, mut meanwhile: impl FnMut(&mut Slot<Word>)) -> String {
    let mut line = String::new();
    match mem::take(slot) {
        Slot::One(mut only) => {
            meanwhile(slot);
            only(&mut line);
            slot.put_back(only);
        }
        Slot::Many(None) => {}
        Slot::Many(Some(list)) => {
            slot.begin_calls(list);
            while let Some(mut next) = slot.take_next() {
                meanwhile(slot);
                next(&mut line);
                slot.give_back(next);
            }
            slot.end_calls();
        }
    }
    line
}

type Word = dyn FnMut(&mut String);

fn word(word: &'static str) -> Box<Word> {
    Box::new(move |line| line.push_str(word))
}

fn call(slot: &mut Slot<Word>) -> String {
    call_and(slot, |_| {})
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
    assert_eq!((call(&mut slot).as_str(), slot.len()), ("b", 1));
}

#[test]
fn what_was_added_during_the_call_stands_behind_what_was_there() {
    for is_once in [false, true] {
        let mut slot = Slot::default();
        slot.add(word("a"), is_once);
        let mut added = Some(word("b"));
        let said = call_and(&mut slot, |slot| {
            if let Some(added) = added.take() {
                slot.add(added, false);
            }
        });
        assert_eq!(said, "a");
        assert_eq!(call(&mut slot), if is_once { "b" } else { "ab" });
    }
}

#[test]
fn during_the_calls_those_that_are_not_gone_are_heard_and_none_is_counted() {
    let name = ListenerId::unique();
    let mut slot = Slot::default();
    slot.add(word("a"), true);
    slot.add(word("b"), false);
    slot.name_last(name);
    slot.add(word("c"), true);
    let mut heard = Vec::new();
    call_and(&mut slot, |slot| {
        slot.remove(name);
        heard.push((slot.is_heard(false), slot.len()));
    });
    assert_eq!(heard, [(true, 0), (true, 0), (false, 0)]);

    slot.add(word("d"), false);
    call_and(&mut slot, |slot| {
        heard = vec![(slot.is_heard(true), slot.len())]
    });
    assert_eq!(heard, [(true, 0)]);
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
    slot.remove(second);
    assert_eq!(call(&mut slot), "ac");
    slot.remove(first);
    slot.remove(first);
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
    slot.remove(name);
    assert_eq!(call(&mut slot), "a");
}

#[test]
fn a_listener_removed_during_the_call_is_called_for_the_last_time() {
    let name = ListenerId::unique();
    let mut slot = Slot::default();
    slot.add(word("a"), false);
    slot.add(word("b"), false);
    slot.name_last(name);
    assert_eq!(call_and(&mut slot, |slot| slot.remove(name)), "ab");
    assert_eq!(call(&mut slot), "a");

    for count in 1..3 {
        let mut slot = Slot::default();
        for _ in 0..count {
            slot.add(word("a"), false);
        }
        let said = call_and(&mut slot, |slot| {
            slot.add(word("b"), false);
            slot.clear();
            slot.add(word("c"), false);
        });
        assert_eq!((said.len(), call(&mut slot).as_str()), (count, "c"));
        call_and(&mut slot, Slot::clear);
        assert!(slot.is_empty());
    }
}

#[test]
fn a_listener_removed_before_a_call_may_be_added_again() {
    let name = ListenerId::unique();
    let mut slot = Slot::default();
    slot.remove(name);
    slot.clear();
    slot.remove(name);
    assert!(slot.is_empty());
    slot.add(word("a"), false);
    slot.name_last(name);
    for _ in 0..2 {
        assert_eq!(call(&mut slot), "a");
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
    slot.remove_own(Own::HeldWrite);
    assert_eq!(call(&mut slot), "a!b");
    slot.remove(name);
    assert_eq!(call(&mut slot), "b");
}
