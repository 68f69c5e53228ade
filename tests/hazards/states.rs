//! The states of a socket and of a server that are soon left: what is done in each of them counts.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use netloop::state::server;
use netloop::state::socket::{Readable, Standing, State, Writable};
use netloop::{ConnectOptions, EventLoop, ListenOptions, ServerOptions, Socket};

use crate::stage::*;

/// Where an open socket is brought to. The last bytes are read, if they are to be, before our
/// half ends or after.
#[derive(Clone, Copy, Debug)]
struct Place {
    readable: Readable,
    writable: Writable,
    reads_first: bool,
}

/// An open socket with these halves.
fn open(receiving: Readable, sending: Writable) -> Standing {
    Standing {
        life: State::Open,
        receiving,
        sending,
    }
}

/// Every place with one of these.
fn places(readables: &[Readable], writables: &[Writable]) -> Vec<Place> {
    let mut places = Vec::new();
    for &readable in readables {
        for &writable in writables {
            for reads_first in [false, true] {
                let place = Place {
                    readable,
                    writable,
                    reads_first,
                };
                let is_one = match (readable, writable) {
                    // Of a socket that cannot write any more, no end is due.
                    (Readable::Due, Writable::Broken) => reads_first,
                    (Readable::Due, Writable::Ending | Writable::Shutting) => true,
                    _ => !reads_first,
                };
                places.extend(is_one.then_some(place));
            }
        }
    }
    places
}

/// Ends our half, or breaks it, and calls back when it is just there.
fn end_half(c: &mut Socket<'_>, place: Place, then: impl FnOnce(&mut Socket<'_>) + 'static) {
    let read = move |c: &mut Socket<'_>, is_time| {
        if place.readable == Readable::Due && is_time {
            assert_eq!(c.read(None).unwrap(), b"farewell");
        }
    };
    let arrived = move |c: &mut Socket<'_>| {
        read(c, !place.reads_first);
        assert_eq!(c.standing(), open(place.readable, place.writable));
        then(c);
    };
    read(c, place.reads_first);
    match place.writable {
        Writable::Open => return arrived(c),
        Writable::Broken => {
            // Until the kernel has heard that nobody is there.
            while c.write("x") {}
            assert!(!c.is_writable() && !c.is_writable_ended());
            return arrived(c);
        }
        Writable::Ending => assert!(!c.write(vec![7; MUCH])),
        Writable::Shutting => {}
        Writable::Sent => {
            c.once_prefinish(arrived);
            c.end();
            return;
        }
        Writable::Due => unreachable!("only without a connection"),
        Writable::Finished => {
            c.once_finish(arrived);
            c.end();
            return;
        }
    }
    c.end();
    assert!(c.is_writable_ended());
    arrived(c);
}

/// Brings an accepted socket to its place and acts there. Returns the events that came from then
/// on, and whether its peer saw a reset.
fn acted(place: Place, act: fn(&mut Socket<'_>)) -> (Vec<String>, bool) {
    let mut l = event_loop();
    let words = Words::default();
    let reader = Reader::default();
    let (told, is_there) = (words.clone(), Rc::new(Cell::new(false)));
    let (there, reads) = (is_there.clone(), reader.clone());
    let options = ServerOptions::default().allow_half_open(true);
    let mut server = l.create_server_with(options, move |c| {
        close_server(c);
        let said = || told.clone();
        let (end, finish, close) = (said(), said(), said());
        c.on_error(|_, _| {})
            .on_end(move |_| end.say("end"))
            .on_finish(move |_| finish.say("finish"))
            .on_close(move |_, _| close.say("close"));
        let (told, reads, there) = (said(), reads.clone(), there.clone());
        let begin = move |c: &mut Socket<'_>| {
            end_half(c, place, move |c| {
                told.take();
                there.set(true);
                act(c);
                reads.begin(c.event_loop());
            });
        };
        match place.readable {
            Readable::Open => begin(c),
            Readable::Ended => _ = c.resume().once_end(begin),
            Readable::Eof | Readable::Due => at_its_end(c, begin),
        }
    });
    let mut peer = peer(listen(&mut server));
    if place.readable != Readable::Open {
        peer.write_all(b"farewell").unwrap();
        peer.end();
    }
    if place.writable == Writable::Broken {
        drop(peer);
        l.run().unwrap();
        assert!(is_there.get(), "{place:?}");
        return (words.take(), false);
    }
    reader.is(peer);
    l.run().unwrap();
    assert!(is_there.get(), "{place:?}");
    let read = reader.all();
    let is_reset = read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    (words.take(), is_reset)
}

const READABLES: [Readable; 4] = [
    Readable::Open,
    Readable::Eof,
    Readable::Due,
    Readable::Ended,
];

const WRITABLES: [Writable; 5] = [
    Writable::Open,
    Writable::Ending,
    Writable::Shutting,
    Writable::Sent,
    Writable::Finished,
];

/// Catches: in one of the states of an open socket `destroy` does nothing.
#[test]
fn in_each_state_a_socket_can_be_destroyed() {
    let writables = [&WRITABLES[..], &[Writable::Broken]].concat();
    for place in places(&READABLES, &writables) {
        let (events, _) = acted(place, |c| {
            assert!(c.destroy().is_destroyed());
        });
        assert_eq!(events.last().unwrap(), "close", "{place:?}");
    }
}

/// Catches: in one of the states of an open socket `reset_and_destroy` does nothing, or sends a
/// FIN.
#[test]
fn in_each_state_a_socket_can_be_reset() {
    let writables = [&WRITABLES[..], &[Writable::Broken]].concat();
    for place in places(&READABLES, &writables) {
        let (events, is_reset) = acted(place, |c| {
            assert!(c.reset_and_destroy().unwrap().is_destroyed());
        });
        // Later the FIN hides it, and Node leaves a shutdown that has begun alone.
        if let Writable::Open | Writable::Ending = place.writable {
            assert_eq!(events.last().unwrap(), "close", "{place:?}");
            assert!(is_reset, "{place:?}");
        }
    }
}

/// `finish` may stand before `end` or behind it.
#[track_caller]
fn check_end(place: Place, mut events: Vec<String>, expected: &[&str]) {
    let all = events.len();
    events.retain(|event| event != "finish");
    let is_to_finish = place.writable != Writable::Finished;
    assert_eq!(
        all - events.len(),
        usize::from(is_to_finish),
        "{place:?} {events:?}"
    );
    assert_eq!(events, expected, "{place:?}");
}

/// Catches: in one of the states of our half the peer's end is not told, or told twice, or ours
/// does not finish behind it.
#[test]
fn in_each_state_of_our_half_the_end_of_the_peer_is_told_once() {
    for place in places(&[Readable::Due], &WRITABLES) {
        let (events, _) = acted(place, |c| _ = c.once_end(|c| _ = c.end()));
        check_end(place, events, &["end", "close"]);
    }
    for place in places(&[Readable::Ended], &WRITABLES) {
        check_end(place, acted(place, |c| _ = c.end()).0, &["close"]);
    }
}

/// Catches: in one of the states of our half, bytes that are put back when the peer's end is due
/// are lost, or the end is not told behind them.
#[test]
fn in_each_state_of_our_half_bytes_are_put_back_before_the_end() {
    for place in places(&[Readable::Due], &WRITABLES) {
        let (events, _) = acted(place, |c| {
            c.once_end(|c| _ = c.end()).unshift("back");
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                assert_eq!(l.socket_at(id).read(None).unwrap(), b"back");
            });
        });
        check_end(place, events, &["end", "close"]);
    }
}

/// An accepted socket that tells of its end, and a peer that has sent eight bytes and its FIN.
fn ending(begin: impl FnOnce(&mut Socket<'_>) + 'static) -> (EventLoop, Words, Peer) {
    let mut l = event_loop();
    // The eight bytes fill it, so that the end is read in the same breath.
    l.set_read_buffer(8);
    let words = Words::default();
    let said = words.clone();
    let mut begin = Some(begin);
    let options = ServerOptions::default().allow_half_open(true);
    let mut server = l.create_server_with(options, move |c| {
        close_server(c);
        let said = || said.clone();
        let (end, finish, close) = (said(), said(), said());
        c.on_end(move |_| end.say("end"))
            .on_finish(move |_| finish.say("finish"))
            .on_close(move |_, _| close.say("close"));
        begin.take().unwrap()(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"farewell").unwrap();
    (l, words, peer)
}

/// Catches: an end that is read while our shutdown is queued is not told.
#[test]
fn an_end_that_comes_before_our_shutdown_is_told() {
    let (mut l, words, peer) = ending(|c| {
        c.on_data(|c, _| {
            c.end();
            assert_eq!(c.standing(), open(Readable::Open, Writable::Shutting));
        });
    });
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["end", "finish", "close"]);
}

/// Runs a loop in which one callback panics, and goes on.
fn run_through_a_panic(l: &mut EventLoop) {
    let thrown = catch_unwind(AssertUnwindSafe(|| l.run())).expect_err("a panic");
    assert_eq!(thrown.downcast_ref(), Some(&"thrown"));
    l.run().unwrap();
}

/// A tick that panics: those behind it wait for the next callback.
fn throw(c: &mut Socket<'_>) {
    c.event_loop()
        .next_tick(|_| resume_unwind(Box::new("thrown")));
}

/// Catches: an end that is read when our own has left, and `finish` is due, is not told.
#[test]
fn an_end_that_comes_before_finish_is_told() {
    let its_peer = Rc::new(Cell::new(None::<Peer>));
    let of_it = its_peer.clone();
    let (mut l, words, peer) = ending(move |c| {
        c.once_prefinish(throw);
        c.on_data(move |c, _| {
            let (id, peer) = (c.id(), of_it.take().unwrap());
            // From a timer the loop goes on to the shutdown, and only then to what the kernel has.
            c.event_loop().set_timeout(ms(1), move |l| {
                l.socket_at(id).end();
                peer.end();
            });
        });
    });
    its_peer.set(Some(peer));
    run_through_a_panic(&mut l);
    assert_eq!(words.take(), ["finish", "end", "close"]);
}

/// Catches: a shutdown that is done when the peer's end is due is forgotten.
#[test]
fn a_shutdown_that_comes_before_the_end_is_told_finishes() {
    let (mut l, words, peer) = ending(|c| {
        at_its_end(c, |c| {
            c.end();
            throw(c);
            c.read(None);
            assert_eq!(c.standing(), open(Readable::Due, Writable::Shutting));
        });
    });
    peer.end();
    run_through_a_panic(&mut l);
    assert_eq!(words.take(), ["end", "finish", "close"]);
}

/// Catches: a `finish` that is due just before the peer's end is not emitted.
#[test]
fn a_finish_that_comes_before_the_end_is_emitted() {
    let (mut l, words, peer) = ending(|c| {
        at_its_end(c, |c| _ = c.end());
        c.once_prefinish(|c| {
            let id = c.id();
            // This tick stands before that of `finish`, and that of the end behind both.
            c.event_loop().next_tick(move |l| {
                let mut c = l.socket_at(id);
                c.read(None);
                assert_eq!(c.standing(), open(Readable::Due, Writable::Sent));
            });
        });
    });
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["finish", "end", "close"]);
}

/// Catches: a `destroy` stops an `end` that is due.
#[test]
fn an_end_that_is_due_is_told_though_the_socket_was_destroyed() {
    for place in places(&[Readable::Due], &WRITABLES) {
        let (mut events, _) = acted(place, |c| _ = c.destroy());
        events.retain(|event| event != "finish");
        assert_eq!(events, ["end", "close"], "{place:?}");
    }
}

/// Catches: a `finish` that is due is not emitted, since `close` has come before it.
#[test]
fn a_finish_that_is_due_comes_even_behind_close() {
    let (mut l, words, _peer) = ending(|c| {
        c.once_prefinish(|c| {
            // One tick that panics in each place where the others could still be run before `close`.
            (0..4).for_each(|_| throw(c));
            c.destroy();
        });
        c.end();
    });
    let mut panics = 0;
    while catch_unwind(AssertUnwindSafe(|| l.run().unwrap())).is_err() {
        panics += 1;
    }
    assert_eq!(panics, 4);
    assert_eq!(words.take(), ["close", "finish"]);
}

/// Catches: an `end` that is called after `close` leaves `is_writable_ended` as it was.
#[test]
fn our_half_can_be_ended_after_close() {
    let words = Words::default();
    let said = words.clone();
    let (mut l, _, _peer) = ending(move |c| {
        c.on_close(move |c, _| {
            assert_eq!(c.state(), State::Closed);
            said.say(c.is_writable_ended().to_string());
            said.say(c.end().is_writable_ended().to_string());
        });
        c.destroy();
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["false", "true"]);
}

/// Connects to a listener with our half as it is told, acts in the call, and returns what came of it.
fn connecting(half: Writable, act: fn(&mut Socket<'_>)) -> (Vec<String>, Listener) {
    let mut l = event_loop();
    let listener = Listener::new();
    let port = listener.address().port();
    let words = Words::default();
    let connected = move |c: &mut Socket<'_>| {
        c.connect_to((HOST, port)).unwrap();
        if half == Writable::Ending {
            c.end();
        }
        assert_eq!((c.state(), c.standing().sending), (State::Opening, half));
        act(c);
    };
    let mut c = l.socket();
    let said = words.clone();
    c.resume().on_close(move |_, _| said.say("close"));
    if half == Writable::Finished {
        c.end().once_finish(connected);
    } else {
        connected(&mut c);
    }
    l.run().unwrap();
    (words.take(), listener)
}

/// How our half can stand before the connection does.
const BEFORE: [Writable; 3] = [Writable::Open, Writable::Ending, Writable::Finished];

/// Catches: a socket that is to end, or has ended, when it is connected cannot be reset before.
///
/// Of one that is to end Node says `EINVAL`, and never closes it.
#[test]
fn whatever_is_asked_of_a_connecting_socket_it_can_be_reset() {
    for half in BEFORE {
        let reset = |c: &mut Socket<'_>| _ = c.reset_and_destroy().unwrap();
        let (events, listener) = connecting(half, reset);
        assert_eq!(events, ["close"]);
        let mut peer = listener.accept();
        let error = peer.read_to_end(&mut Vec::new()).expect_err("no FIN");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{half:?}");
    }
}

/// Catches: a socket that is connecting cannot be destroyed when it is to end, or has ended.
#[test]
fn whatever_is_asked_of_a_connecting_socket_it_can_be_destroyed() {
    for half in BEFORE {
        let destroyed = |c: &mut Socket<'_>| {
            c.once_connect(|_| panic!("connected"));
            assert!(c.destroy().is_destroyed());
        };
        assert_eq!(connecting(half, destroyed).0, ["close"]);
    }
}

/// Catches: a socket that has ended before it was ever connected cannot be destroyed.
#[test]
fn a_socket_that_never_connects_can_be_destroyed_before_and_after_finish() {
    for is_finished in [false, true] {
        let mut l = event_loop();
        let words = Words::default();
        let mut c = l.socket();
        watch(&words, &mut c);
        let destroyed = |c: &mut Socket<'_>| assert!(c.destroy().is_destroyed());
        c.end();
        if is_finished {
            c.once_finish(destroyed);
        } else {
            destroyed(&mut c);
        }
        l.run().unwrap();
        assert_eq!(words.take().last().unwrap(), "close None");
    }
}

/// Catches: a server that waits for its last connection cannot listen again.
#[test]
fn a_server_that_drains_listens_again() {
    let mut l = event_loop();
    let words = Words::default();
    let (told, closed) = (words.clone(), words.clone());
    let mut server = l.create_server(move |c| {
        let (id, said) = (c.server().unwrap(), told.clone());
        let mut s = c.event_loop().server_at(id);
        s.close();
        assert_eq!(s.state(), server::State::Draining);
        s.listen((), move |s| {
            said.say("listening");
            s.close();
        })
        .unwrap();
        assert!(s.is_listening());
        c.destroy();
    });
    server.on_close(move |_| closed.say("close"));
    let _peer = peer(listen(&mut server));
    l.run().unwrap();
    assert_eq!(words.take(), ["listening", "close"]);
}

/// Catches: a server that looks up where to listen next forgets to close.
#[test]
fn a_server_that_drains_closes_while_it_looks_a_name_up() {
    let mut l = event_loop();
    let words = Words::default();
    let asked = Rc::new(RefCell::new(None));
    let (asking, answering) = (asked.clone(), asked.clone());
    l.set_lookup(move |_, request| _ = asking.replace(Some(request.id)));
    let (told, closed) = (words.clone(), words.clone());
    let mut server = l.create_server(move |c| {
        let (id, said) = (c.server().unwrap(), told.clone());
        let mut s = c.event_loop().server_at(id);
        s.close();
        s.listen(("home.test", 0), move |s| {
            said.say("listening");
            s.close();
        })
        .unwrap();
        c.destroy();
    });
    server.on_close(move |s| {
        closed.say("close");
        if let Some(id) = answering.take() {
            let found = vec![HOST.parse().unwrap()];
            s.event_loop().answer_lookup(id, Ok(found));
        }
    });
    let _peer = peer(listen(&mut server));
    l.run().unwrap();
    assert_eq!(words.take(), ["close", "listening", "close"]);
}

/// Catches: a shutdown(2) that waits for the pending phase is done to the connection made next.
#[test]
fn a_shutdown_that_was_queued_for_a_former_connection_leaves_the_next_one_alone() {
    let mut l = event_loop();
    let listener = Listener::new();
    let address = listener.address();
    let words = Words::default();
    let id = l.socket().id();
    watch(&words, &mut l.socket_at(id));
    let again = move |c: &mut Socket<'_>, _| {
        c.connect(address, |c| _ = c.end_with("second life"))
            .unwrap();
    };
    let mut c = l.socket_at(id);
    c.once_close(again);
    c.connect(address, move |c| {
        c.event_loop().set_immediate(move |l| {
            l.socket_at(id).end().destroy();
        });
    })
    .unwrap();
    let second = Reader::default();
    let reads = second.clone();
    let mut count = 0;
    l.socket_at(id).on_connect(move |c| {
        let peer = listener.accept();
        count += 1;
        if count == 2 {
            reads.is(peer);
            reads.begin(c.event_loop());
        }
    });
    l.run().unwrap();
    assert_eq!(second.all().unwrap(), b"second life");
    assert_eq!(
        words.take(),
        ["close Some(false)", "end", "close Some(false)"]
    );
}

/// Catches: what was set while the socket was open is forgotten by its next connection, or what was
/// unset comes back.
#[test]
fn options_that_were_changed_hold_for_the_next_connection() {
    if lacks(Real::Descriptors) {
        return;
    }
    fn kernel(c: &mut Socket<'_>) -> (bool, bool) {
        let kernel: socket2::Socket = c.duplicate_fd().unwrap().into();
        (kernel.tcp_nodelay().unwrap(), kernel.keepalive().unwrap())
    }
    let mut l = event_loop();
    let port = listen(&mut l.create_server(|c| _ = c.resume()));
    let words = Words::default();
    let said = words.clone();
    let options = ConnectOptions::from(port).keep_alive(true);
    let first = |c: &mut Socket<'_>| {
        assert_eq!(kernel(c), (false, true));
        c.set_no_delay(true).set_keep_alive(false, ms(0)).destroy();
    };
    l.connect(options, first).unwrap().once_close(move |c, _| {
        let second = move |c: &mut Socket<'_>| {
            said.say(format!("{:?}", kernel(c)));
            c.destroy();
        };
        c.connect(port, second).unwrap();
    });
    while words.count("(true, false)") == 0 {
        l.run_once().unwrap();
    }
}

/// Catches: an interval that is given to a socket that is gone holds the loop for ever.
#[test]
fn an_interval_of_a_socket_that_is_gone_is_none() {
    let mut l = event_loop();
    let id = l.socket().destroy().id();
    l.run().unwrap();
    l.socket_at(id)
        .set_interval(ms(1), |_| panic!("it has no socket"));
    l.run().unwrap();
}

/// Catches: an abort handle of a server that has closed closes what it listens on later.
#[test]
fn an_abort_handle_ends_with_the_listen_that_it_was_given_to() {
    let mut l = event_loop();
    let handle = l.abort_handle();
    let options = ListenOptions::from(()).signal(handle);
    let mut server = l.create_server(|_| {});
    let id = server.listen(options, |s| _ = s.close()).unwrap().id();
    l.run().unwrap();
    l.server_at(id).listen_on(()).unwrap();
    l.abort(handle);
    assert!(l.is_aborted(handle));
    assert!(l.server_at(id).is_listening());
}

/// Catches: with an abort handle that was used before, a path is connected to in the call.
#[test]
fn with_a_used_abort_handle_no_path_is_connected_to() {
    let mut l = event_loop();
    let name = format!("\0netloop-used-handle-{}", std::process::id());
    let words = Words::default();
    let mut server = l.create_server(|_| panic!("it has connected"));
    let id = server.listen_on(&*name).unwrap().unref().id();
    let handle = l.abort_handle();
    l.abort(handle);
    let options = ConnectOptions::from(&*name).signal(handle);
    watch(&words, &mut l.connect_to(options).unwrap());
    l.set_timeout(ms(1), move |l| _ = l.server_at(id).close());
    l.run().unwrap();
    assert_eq!(words.take(), ["error ABORT_ERR", "close Some(true)"]);
}

/// Catches: `read(n)` finds no end, and so nothing to give, in the tick before `end`.
#[test]
fn what_is_left_is_read_while_the_end_is_due() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let said = said.clone();
        at_its_end(c, move |c| {
            assert_eq!(c.read(None).unwrap(), b"farewell");
            assert_eq!(c.standing(), open(Readable::Due, Writable::Open));
            c.unshift("well");
            let rest = c.read(Some(100)).unwrap();
            said.say(String::from_utf8(rest).unwrap());
        });
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"farewell").unwrap();
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["well"]);
}
