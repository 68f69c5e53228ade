//! B: readiness.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use netloop::trace::{Idle, Queue, What, Why};
use netloop::{ConnectOptions, Socket, SocketId};

use crate::stage::*;

/// B1. Catches: after a short read nobody looks for the end that the same readiness told of.
#[test]
fn an_end_that_came_with_the_data_is_not_lost() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"all of it").unwrap();
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["data all of it", "end", "close Some(false)"]);
}

/// B2. Catches: a read that stops short at urgent data is taken for the whole.
#[test]
fn what_stands_behind_urgent_data_is_not_lost() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        c.set_timeout(LIMIT).on_timeout(|c| {
            c.destroy();
        });
        let said = said.clone();
        let mut text = String::new();
        c.on_data(move |c, chunk| {
            text.push_str(&String::from_utf8_lossy(chunk));
            if text.ends_with("after") {
                said.say(text.clone());
                c.destroy();
            }
        });
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"before").unwrap();
    peer.send_urgent();
    peer.write_all(b"after").unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), ["beforeafter"]);
}

/// B4. Catches: an error in the readiness closes the socket before it is read from.
#[test]
fn what_came_before_a_reset_is_delivered_before_the_error() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"last words").unwrap();
    peer.reset();
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["data last words", "error ECONNRESET", "close Some(true)"]
    );
}

/// B4. Catches: a descriptor that stays hung up wakes the loop again and again.
#[test]
fn a_socket_that_both_ends_have_ended_does_not_wake_the_loop() {
    let mut l = event_loop();
    let waits = count_waits(&mut l);
    let options = netloop::ServerOptions::default().allow_half_open(true);
    let mut server = l.create_server_with(options, |c| {
        c.resume();
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    peer.end();
    l.set_timeout(ms(100), |_| {});
    l.run().unwrap();
    assert!(waits.get() <= 6, "{} waits in 100 ms", waits.get());
    drop(peer);
}

/// B5. Catches: an id is looked up by its place alone, not by its generation.
#[test]
fn the_name_of_a_socket_that_is_gone_never_names_a_newcomer() {
    let mut l = event_loop();
    let stale: Vec<SocketId> = (0..3).map(|_| l.socket().destroy().id()).collect();
    // The places of the three are free after a closing phase.
    l.run_nowait().unwrap();
    let fresh: Vec<SocketId> = (0..3).map(|_| l.socket().id()).collect();
    for id in stale {
        let mut ghost = l.socket_at(id);
        assert!(ghost.is_destroyed() && !ghost.write("x"));
        ghost.destroy();
    }
    for id in fresh {
        assert!(!l.socket_at(id).is_destroyed());
    }
}

/// B5. Catches: readiness of a socket destroyed in the same batch reaches its listeners.
#[test]
fn a_socket_destroyed_by_another_of_the_same_batch_hears_nothing_more() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let ids = std::rc::Rc::new(std::cell::RefCell::new(Vec::<SocketId>::new()));
    let options = netloop::ServerOptions::default().accepts_per_turn(2);
    let mut server = l.create_server_with(options, move |c| {
        ids.borrow_mut().push(c.id());
        if ids.borrow().len() == 2 {
            close_server(c);
        }
        let (said, ids) = (said.clone(), ids.clone());
        c.on_data(move |c, _| {
            said.say("data");
            for id in ids.borrow().iter() {
                c.event_loop().socket_at(*id).destroy();
            }
        });
    });
    let address = listen(&mut server);
    let mut peers = [peer(address), peer(address)];
    for peer in &mut peers {
        peer.write_all(b"x").unwrap();
    }
    l.run().unwrap();
    assert_eq!(words.take(), ["data"]);
}

/// B6. Catches: a descriptor that may have a duplicate is closed without leaving epoll.
#[test]
fn a_descriptor_with_a_duplicate_tells_nothing_after_its_close() {
    if lacks(Real::Descriptors) {
        return;
    }
    let mut l = event_loop();
    let told = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = told.clone();
    l.on_trace(move |record| {
        if let netloop::trace::What::Wait { ready, .. } = record.what {
            counter.set(counter.get() + ready);
        }
    });
    let kept = std::rc::Rc::new(std::cell::RefCell::new(None));
    let keeper = kept.clone();
    let mut server = l.create_server(move |c| {
        keeper.replace(Some(c.duplicate_fd().unwrap()));
        c.destroy();
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    l.run().unwrap();
    let before = told.get();
    for _ in 0..10 {
        peer.write_all(b"x").unwrap();
        l.set_timeout(ms(1), |_| {});
        l.run().unwrap();
    }
    assert_eq!(told.get(), before, "readiness of a socket that is gone");
    assert!(kept.borrow().is_some());
}

/// B8. Catches: an answer of the helper thread is taken only with the next one.
#[test]
fn every_answer_of_the_helper_thread_arrives() {
    let mut l = event_loop();
    let words = Words::default();
    for _ in 0..50 {
        let said = words.clone();
        let mut c = l.connect_to(("localhost", 1)).unwrap();
        c.once_lookup(move |_, _| said.say("lookup"))
            .on_error(|_, _| {});
    }
    l.run().unwrap();
    assert_eq!(words.count("lookup"), 50);
}

/// B6. Catches: the same of a listener: the loop is woken for a server that has closed.
#[test]
fn a_listener_with_a_duplicate_tells_nothing_after_its_close() {
    if lacks(Real::Descriptors) {
        return;
    }
    let mut l = event_loop();
    let waits = count_waits(&mut l);
    let mut server = l.create_server(|_| panic!("it has closed"));
    let address = listen(&mut server);
    let duplicate = server.duplicate_fd().unwrap();
    server.close();
    l.run().unwrap();
    let before = waits.get();
    let peers = [peer(address), peer(address)];
    l.set_timeout(ms(20), |_| {});
    l.run().unwrap();
    assert_eq!(waits.get() - before, 1, "it waits for the timer alone");
    drop((peers, duplicate));
}

/// Catches: a callback whose cause the trace does not tell: an answer of the helper thread, an idle
/// timeout, what was put off to the pending or the closing phase.
#[test]
fn each_callback_can_be_followed_to_what_the_kernel_told_or_to_a_timer() {
    let mut l = event_loop();
    let words = Words::default();
    let (said, told) = (words.clone(), Rc::new(RefCell::new(vec![String::new()])));
    l.on_trace(move |record| {
        let what = match record.what {
            What::Readiness { .. } | What::Again(_) | What::Phase("timers") => "the loop".into(),
            What::Callback(name) => name.to_owned(),
            _ => String::new(),
        };
        let mut told = told.borrow_mut();
        let origin = match (&*what, record.origin()) {
            ("the loop", _) | (_, 0) => what.clone(),
            (_, cause) => told[cause as usize].clone(),
        };
        told.push(origin.clone());
        if matches!(record.what, What::Callback(_)) && record.turn > 0 {
            said.say(format!("{what} from {origin}"));
        }
    });
    let mut server = l.create_server(move |c| {
        close_server(c);
        c.set_timeout(ms(20))
            .on_timeout(|c| _ = c.set_timeout(ms(0)).end());
        c.on_finish(|_| {}).on_close(|_, _| {}).resume();
    });
    server.on_close(|_| {});
    let port = listen(&mut server).port();
    let options = ConnectOptions::from(("localhost", port)).family(4);
    let mut c = l.connect(options, |_| {}).unwrap();
    c.on_lookup(|_, _| {}).on_connection_attempt(|_, _| {});
    c.on_end(|_| {}).on_close(|_, _| {}).resume();
    l.run().unwrap();
    let mut words = words.take();
    words.sort();
    let expected = [
        "close",
        "close",
        "close",
        "connect",
        "connection",
        "connectionAttempt",
        "end",
        "finish",
        "lookup",
        "timeout",
    ];
    let from_the_loop = |name| format!("{name} from the loop");
    assert_eq!(words, expected.map(from_the_loop));
}

/// Catches: a timer of which the trace does not tell who armed it, and whose it is.
#[test]
fn a_timer_is_traced_under_what_armed_it_and_as_its_socket() {
    let mut event_loop = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut armed = Vec::new();
    event_loop.on_trace(move |record| match record.what {
        What::Call("after") => assert!(record.line.unwrap().file().ends_with("readiness.rs")),
        What::Queued {
            queue: Queue::Timers(delay),
            work,
        } => {
            assert_eq!((delay, work), (ms(1), "after"));
            armed.push(record.number);
        }
        What::Phase("timers") => {
            assert_eq!(record.origin(), armed.remove(0), "{}", record.subject);
            said.say(record.subject.to_string());
        }
        _ => {}
    });
    let id = event_loop.socket().id();
    event_loop.set_immediate(move |event_loop| {
        event_loop.after(ms(1), |_| {});
        event_loop.socket_at(id).after(ms(1), |_| {});
    });
    event_loop.run().unwrap();
    assert_eq!(words.take(), ["loop".to_owned(), id.to_string()]);
}

/// Catches: the trace does not tell why a source is served without new readiness, who put it on the list,
/// and that readiness which came meanwhile leads to nothing.
#[test]
fn the_again_list_and_idle_readiness_say_why() {
    let mut l = event_loop();
    let words = Words::default();
    let (said, mut listed) = (words.clone(), 0);
    l.on_trace(move |record| match record.what {
        What::Queued {
            queue: Queue::Again,
            ..
        } => listed = record.number,
        What::Again(why) => {
            assert_eq!(record.by, Some(listed));
            said.say(format!("again {why:?}"));
        }
        What::Nothing(why) => said.say(format!("nothing {why:?}")),
        What::Readiness { mio, epoll } => {
            assert_eq!(mio.contains("read closed"), epoll.contains("EPOLLRDHUP"));
            assert_eq!(mio.contains("writable"), epoll.contains("EPOLLOUT"));
        }
        _ => {}
    });
    let listener = Listener::new();
    let address = listener.address();
    l.connect(address, move |c| {
        let mut peer = listener.accept();
        peer.write_all(b"hi").unwrap();
        c.on_data(|_, _| {}).on_end(|_| {});
    })
    .unwrap();
    l.run().unwrap();
    let mut expected = vec![
        format!("again {:?}", Why::Connected),
        format!("nothing {:?}", Idle::ServedAlready),
        format!("again {:?}", Why::MayHideMore),
    ];
    let mut told = words.take();
    told.sort();
    told.dedup();
    expected.sort();
    assert_eq!(told, expected);
}

/// Catches: the pending phase is told of as part of the turn before, and not as the first of its turn.
#[test]
fn a_turn_begins_with_the_pending_phase_in_the_trace_as_in_the_picture() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| match record.what {
        What::Phase("pending") => said.say(format!("pending in {}", record.turn)),
        What::Wait { .. } => said.say(format!("wait in {}", record.turn)),
        _ => {}
    });
    let id = l.socket().id();
    let listener = Listener::new();
    let address = listener.address();
    let end = |c: &mut Socket<'_>| _ = c.after(ms(1), |c| _ = c.end().destroy_soon());
    l.socket_at(id).connect(address, end).unwrap();
    l.run().unwrap();
    let words = words.take();
    let pending = words.iter().find(|word| word.starts_with("pending"));
    let pending = pending.expect("a shutdown").clone();
    let wait = pending.replace("pending", "wait");
    let place = |word: &String| words.iter().position(|it| it == word);
    assert!(place(&pending) < place(&wait), "{words:?}");
}
