//! The state that callbacks share is borrowed twice, is lost when one of them panics, or dies before
//! the last callback that wants it.

use std::cell::Cell;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use netloop::{Loop, SocketId};

use crate::stage::*;

struct Nick(&'static str);

#[derive(Default)]
struct Room(Vec<SocketId>);

/// Says when it is dropped.
struct Dropped(Words);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.say("dropped");
    }
}

fn panic_of(call: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied())
        .unwrap_or_default()
        .into()
}

/// Catches: a value is looked for at another owner.
#[test]
fn values_are_lent_while_sockets_are_written_to_each_from_its_own_place() {
    let mut l = event_loop();
    let ((alice, mut a), (bob, mut b)) = (connected(&mut l), connected(&mut l));
    l.set_data(Room(vec![alice, bob]));
    for (id, nick) in [(alice, "alice"), (bob, "bob")] {
        let mut socket = l.socket_at(id);
        socket.set_data(Nick(nick)).on_data(|socket, chunk| {
            let text = String::from_utf8_lossy(chunk).into_owned();
            socket.lend(|nick: &mut Nick, socket| {
                socket.event_loop().lend(|room: &mut Room, l| {
                    for member in &room.0 {
                        l.socket_at(*member).end_with(format!("{}: {text}", nick.0));
                    }
                });
            });
        });
    }
    b.write_all(b"hi").unwrap();
    while l.socket_at(bob).bytes_written() == 0 {
        l.run_once().unwrap();
    }
    for peer in [&mut a, &mut b] {
        let mut heard = [0; 7];
        peer.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"bob: hi");
    }
}

/// Catches: a value that was lent to a closure that panicked does not come back.
#[test]
fn a_value_comes_back_from_a_closure_that_panicked() {
    let mut l = event_loop();
    l.set_data(1_u32).set_data(Nick("alice"));
    let told = panic_of(|| {
        l.lend(|count: &mut u32, _| {
            *count += 1;
            panic!("{} on purpose", *count);
        });
    });
    assert_eq!(told, "2 on purpose");
    assert_eq!(l.lend(|count: &mut u32, _| *count), Some(2));
    assert_eq!(l.take_data::<u32>(), Some(2));
    assert_eq!(
        (l.data::<u32>(), l.data::<Nick>().unwrap().0),
        (None, "alice")
    );
}

/// Catches: what is lent is taken for what was never set, and a bug of the program for nothing.
#[test]
fn a_value_that_is_lent_is_refused_by_name() {
    let uses: [fn(&mut Loop); 5] = [
        |l| _ = l.lend(|_: &mut Room, _| ()),
        |l| _ = l.data::<Room>().is_some(),
        |l| _ = l.data_mut::<Room>().is_some(),
        |l| _ = l.take_data::<Room>().is_some(),
        |l| _ = l.set_data(Room::default()).is_alive(),
    ];
    for use_it in uses {
        let mut l = event_loop();
        l.set_data(Room::default());
        let told = panic_of(|| _ = l.lend(|_: &mut Room, l| use_it(l)));
        assert!(told.contains("Room is lent already"), "{told}");
        assert!(l.data::<Room>().is_some(), "and comes back");
    }
}

/// Catches: a socket's values are dropped with its `destroy`, or never.
#[test]
fn the_values_of_a_socket_live_until_its_close_has_run() {
    let mut l = event_loop();
    let words = Words::default();
    let (id, _peer) = connected(&mut l);
    let (closed, ticked) = (words.clone(), words.clone());
    let mut socket = l.socket_at(id);
    socket.set_data(Dropped(words.clone()));
    socket.once_close(move |socket, _| {
        closed.say("close");
        let id = socket.id();
        socket.event_loop().next_tick(move |l| {
            assert!(l.socket_at(id).data::<Dropped>().is_some());
            ticked.say("tick");
        });
    });
    socket.destroy();
    l.run().unwrap();
    assert_eq!(words.take(), ["close", "tick", "dropped"]);

    let mut gone = l.socket_at(id);
    gone.set_data(Dropped(words.clone()));
    assert_eq!(words.take(), ["dropped"], "by one that is gone at once");
    assert!(gone.data::<Dropped>().is_none());
    assert!(gone.lend(|_: &mut Dropped, _| ()).is_none());
}

/// Catches: a value whose `drop` panics keeps the sockets that closed beside it for ever.
#[test]
fn a_value_that_panics_when_it_is_dropped_keeps_no_other_socket() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped on purpose");
        }
    }
    let mut l = event_loop();
    let captured = Rc::new(Cell::new(0));
    let connections = [(); 3].map(|()| connected(&mut l));
    for (id, _) in &connections {
        let mine = captured.clone();
        let mut socket = l.socket_at(*id);
        socket.set_data(Bomb);
        socket.on_close(move |_, _| mine.set(mine.get() + 1));
        socket.destroy();
    }
    for _ in 0..3 {
        assert_eq!(panic_of(|| l.run().unwrap()), "dropped on purpose");
    }
    l.run().unwrap();
    assert_eq!((captured.get(), Rc::strong_count(&captured)), (3, 1));
}
