//! H5: a callback that panics, or an `error` that nobody hears, leaves `run`; run again, the loop
//! goes on, and nothing that the kernel has told is lost.

use std::any::Any;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use netloop::trace::What;
use netloop::{Error, EventLoop, Loop, ServerOptions, Signal, Socket};
use signal_hook::consts::{SIGUSR1, SIGUSR2};
use signal_hook::low_level::raise;

use crate::stage::*;
use crate::tools::{is_child, myself, passes};

/// Runs the loop to its end, however often it is left, and says so each time.
fn run_on(l: &mut EventLoop, words: &Words) {
    while !is_done(l, words, EventLoop::run) {}
}

/// Whether the loop was not left by a panic or an error; says so if it was.
fn is_done<T>(
    l: &mut EventLoop,
    words: &Words,
    run: impl FnOnce(&mut EventLoop) -> Result<T, Error>,
) -> bool {
    match catch_unwind(AssertUnwindSafe(|| run(l))) {
        Ok(Ok(_)) => return true,
        Ok(Err(error)) => words.say(error.to_string()),
        Err(panic) if text_of(&*panic).contains("on purpose") => words.say("on purpose"),
        Err(panic) => resume_unwind(panic),
    }
    false
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("")
}

/// A peer that has sent, and ended, before the loop runs.
fn peer_that_says(
    l: &mut EventLoop,
    bytes: &[u8],
    connected: fn(&mut Socket<'_>, &Words),
) -> Words {
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        close_server(c);
        connected(c, &said);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(bytes).unwrap();
    peer.end();
    run_on(l, &words);
    words
}

/// What is said of `abcdefghij`, read by four bytes, when the first chunk's listener panics.
const BY_FOUR: [&str; 6] = [
    "data abcd",
    "on purpose",
    "data efgh",
    "data ij",
    "end",
    "close Some(false)",
];

fn panics_once(socket: &mut Socket<'_>) {
    socket.once_data(|_, _| panic!("on purpose"));
}

/// Catches: who was served when the loop was left is not served again.
#[test]
fn what_the_kernel_still_has_comes_though_a_listener_panicked() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    let words = peer_that_says(&mut l, b"abcdefghij", |c, words| {
        watch(words, c);
        panics_once(c);
    });
    assert_eq!(words.take(), BY_FOUR);
}

/// Catches: when the loop is left, somebody else is taken for who was served.
#[test]
fn a_burst_goes_on_after_the_panic_of_a_socket_newly_ready() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    l.set_read_burst(4);
    let (other, its_peer) = connected(&mut l);
    l.socket_at(other).on_data(|other, _| {
        other.destroy();
        panic!("on purpose");
    });
    let words = Words::default();
    let said = words.clone();
    let mut its_peer = Some(its_peer);
    let mut server = l.create_server(move |c| {
        close_server(c);
        watch(&said, c);
        let mut its_peer = its_peer.take().unwrap();
        c.once_data(move |_, _| its_peer.write_all(b"x").unwrap());
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"abcdefghij").unwrap();
    peer.end();
    run_on(&mut l, &words);
    assert_eq!(words.take(), BY_FOUR);
}

/// Catches: a socket that reads on after the panic is on the again list twice, and leaves it after the first
/// service, so that the reset, which has one edge, is lost.
#[test]
fn a_reset_is_noticed_by_a_socket_that_has_read_on_after_the_panic() {
    const TURN: usize = 4 * 32;
    let mut l = event_loop();
    l.set_read_buffer(4);
    let (socket, mut peer) = connected(&mut l);
    let words = Words::default();
    let said = words.clone();
    let mut socket = l.socket_at(socket);
    socket.on_data(|c, _| assert!(c.bytes_read() as usize != TURN + 4, "on purpose"));
    socket.on_error(move |c, error| said.say(format!("{} after {}", error, c.bytes_read())));
    // A turn, one read, which panics, and a turn; what is left is a short read.
    peer.write_all(&[b'x'; 2 * TURN + 6]).unwrap();
    while is_done(&mut l, &words, EventLoop::run_nowait) {}
    assert!(is_done(&mut l, &words, EventLoop::run_nowait));
    peer.reset();
    run_on(&mut l, &words);
    let last = format!("read ECONNRESET after {}", 2 * TURN + 6);
    assert_eq!(words.take(), ["on purpose", last.as_str()]);
}

/// Catches: who was served when the loop was left is not served again.
#[test]
fn what_the_kernel_still_has_comes_though_an_error_elsewhere_was_not_heard() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    let words = peer_that_says(&mut l, b"abcdefghij", |c, words| {
        watch(words, c);
        c.once_data(|c, _| {
            c.event_loop().socket().destroy_with(Error::new("unheard"));
        });
    });
    let expected = [
        "data abcd",
        "unheard",
        "data efgh",
        "data ij",
        "end",
        "close Some(false)",
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: the end of the peer, which has no edge of its own, is lost with the listener.
#[test]
fn the_end_that_came_with_the_bytes_comes_though_their_listener_panicked() {
    let mut l = event_loop();
    let words = peer_that_says(&mut l, b"abc", |c, words| {
        watch(words, c);
        panics_once(c);
    });
    let expected = ["data abc", "on purpose", "end", "close Some(false)"];
    assert_eq!(words.take(), expected);
}

/// Catches: who waits to be accepted is forgotten with the listener of another.
#[test]
fn a_waiting_connection_is_accepted_though_the_listener_panicked_for_another() {
    let mut l = event_loop();
    let words = Words::default();
    let (said, mut count) = (words.clone(), 0);
    let options = ServerOptions::default().accepts_per_turn(10);
    let mut server = l.create_server_with(options, move |c| {
        c.resume();
        count += 1;
        said.say(count.to_string());
        match count {
            2 => panic!("on purpose"),
            4 => close_server(c),
            _ => {}
        }
    });
    let address = listen(&mut server);
    let peers = [(); 4].map(|()| peer(address));
    peers.iter().for_each(|peer| peer.end());
    run_on(&mut l, &words);
    assert_eq!(words.take(), ["1", "2", "on purpose", "3", "4"]);
}

/// Catches: a socket whose `close` has panicked is never freed.
#[test]
fn a_socket_whose_close_panicked_is_gone() {
    let mut l = event_loop();
    let captured = Rc::new(Cell::new(0));
    let mut socket = l.socket();
    let mine = captured.clone();
    socket.on_close(move |_, _| {
        mine.set(mine.get() + 1);
        panic!("on purpose");
    });
    socket.destroy();
    let mine = captured.clone();
    l.create_server(|_| {})
        .listen((), move |s| {
            let port = s.port().unwrap();
            s.close();
            let mut c = s.event_loop().connect(port, |_| unreachable!()).unwrap();
            c.on_error(|_, _| {}).on_close(move |_, _| {
                mine.set(mine.get() + 1);
                panic!("on purpose");
            });
        })
        .unwrap();
    let words = Words::default();
    run_on(&mut l, &words);
    assert_eq!(words.take(), ["on purpose", "on purpose"]);
    assert_eq!((captured.get(), Rc::strong_count(&captured)), (2, 1));
}

/// Catches: the lookup function of the loop is lost when it panics.
#[test]
fn a_lookup_function_that_panicked_is_asked_again() {
    let mut l = event_loop();
    let words = Words::default();
    let (said, mut count) = (words.clone(), 0);
    l.set_lookup(move |l, request| {
        count += 1;
        said.say(format!("{} {count}", request.host));
        assert_ne!(count, 1, "on purpose");
        l.answer_lookup(request.id, Err(Error::not_found(&request.host)));
    });
    let first = l.connect(("first.test", 1), |_| unreachable!());
    let first = first.unwrap().id();
    let mut second = l.connect(("second.test", 1), |_| unreachable!()).unwrap();
    watch(&words, &mut second);
    l.set_timeout(ms(1), move |l| _ = l.socket_at(first).destroy());
    run_on(&mut l, &words);
    let expected = [
        "first.test 1",
        "on purpose",
        "second.test 2",
        "error ENOTFOUND",
        "close Some(true)",
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: a listener of a signal that panicked is lost, or the other signals of its batch are.
#[test]
fn a_signal_whose_listener_panicked_is_heard_again_and_so_are_the_others() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "panics::a_signal_whose_listener_panicked_is_heard_again_and_so_are_the_others";
        return passes(myself(this));
    }
    let mut l = event_loop();
    let words = Words::default();
    for (signal, name) in [(Signal::User1, "USR1"), (Signal::User2, "USR2")] {
        let said = words.clone();
        let heard = move |_: &mut Loop| {
            said.say(name);
            assert_ne!(said.count(name), 1, "on purpose");
        };
        l.on_signal(signal, heard).unwrap();
    }
    l.set_interval(ms(1), |_| {});
    for round in 1..=2 {
        raise(SIGUSR1).unwrap();
        raise(SIGUSR2).unwrap();
        while words.count("USR1") < round || words.count("USR2") < round {
            is_done(&mut l, &words, EventLoop::run_once);
        }
    }
    assert_eq!((words.count("USR1"), words.count("USR2")), (2, 2));
    assert_eq!(words.count("on purpose"), 2);
}

/// A socket that is destroyed with a write on its way, which is called back so.
fn cancelled(words: &Words, callback: fn(&mut Socket<'_>)) {
    let mut l = event_loop();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let closed = said.clone();
        c.on_close(move |_, _| closed.say("close"));
        c.write_then(vec![0; MUCH], move |c, _| callback(c));
        assert!(c.writable_length() > 0);
        let id = c.id();
        c.event_loop()
            .set_immediate(move |l| _ = l.socket_at(id).destroy());
        close_server(c);
    });
    let _peer = peer(listen(&mut server));
    run_on(&mut l, words);
    assert!(!l.is_alive());
}

/// Catches: `close` is lost, and the socket with it, behind a write callback that panicked.
#[test]
fn close_comes_though_a_cancelled_write_panicked() {
    let words = Words::default();
    cancelled(&words, |_| panic!("on purpose"));
    assert_eq!(words.take(), ["on purpose", "close"]);
}

/// Catches: the same behind an error that nobody heard.
#[test]
fn close_comes_though_an_error_was_not_heard_before_it() {
    let words = Words::default();
    cancelled(&words, |c| {
        c.event_loop().socket().destroy_with(Error::new("unheard"));
    });
    assert_eq!(words.take(), ["unheard", "close"]);
}

/// Catches: what waits to be emitted stays where it is when a listener panicked, and the end too.
#[test]
fn what_has_waited_is_emitted_though_a_listener_panicked() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    let words = peer_that_says(&mut l, b"abcdefghij", |c, words| {
        watch(words, c);
        c.pause();
        let id = c.id();
        c.event_loop().set_timeout(ms(1), move |l| {
            let mut c = l.socket_at(id);
            panics_once(&mut c);
            c.resume();
        });
    });
    assert_eq!(words.take(), BY_FOUR);
}

/// Catches: what happens after a panic is told as caused by what panicked.
#[test]
fn nothing_is_caused_by_what_panicked_before() {
    let mut l = event_loop();
    let words = Words::default();
    let told = words.clone();
    l.on_trace(move |record| {
        if let What::Callback(name) = record.what {
            told.say(format!("{name} of {}", record.cause));
        }
    });
    l.set_immediate(|_| panic!("on purpose"));
    run_on(&mut l, &words);
    l.next_tick(|_| {});
    l.run().unwrap();
    let expected = [
        "set_immediate of 0",
        "on purpose",
        "set_immediate of 0",
        "next_tick of 0",
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: a tracer that panics takes listeners with it, or half a step of a socket's life.
#[test]
fn nothing_is_lost_where_the_tracer_panicked() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"hi").unwrap();
    let mut told = HashSet::new();
    l.on_trace(move |record| {
        let what = match record.what {
            What::Callback(name) => name.to_owned(),
            What::Transition { input, .. } => format!("{input:?}"),
            _ => return,
        };
        if told.insert(what) {
            panic!("on purpose");
        }
    });
    // Only once all that came before has been told.
    l.pause_time();
    l.set_timeout(ms(20), move |_| peer.end());
    while !is_done(&mut l, &words, |l| l.run_for(ms(20))) {}
    let mut events = words.take();
    let all = events.len();
    events.retain(|word| word != "on purpose");
    assert_eq!(events, ["data hi", "end", "close Some(false)"]);
    assert!(all > events.len() + 3, "it has panicked in several turns");
}

/// Catches: a pass over the timers that begins anew where the first one was left by a panic.
#[test]
fn what_falls_due_beside_the_first_timers_waits_for_a_turn_though_the_last_of_them_panicked() {
    let mut l = event_loop();
    let words = Words::default();
    let (first, due, immediate) = (words.clone(), words.clone(), words.clone());
    l.pause_time();
    l.after(ms(1), move |l| {
        first.say("first");
        l.resume_time();
        l.advance(ms(20));
        panic!("on purpose");
    });
    l.after(ms(10), move |_| due.say("due"));
    l.set_immediate(move |_| immediate.say("immediate"));
    l.advance(ms(1));
    run_on(&mut l, &words);
    assert_eq!(words.take(), ["first", "on purpose", "immediate", "due"]);
}

/// Catches: ticks that run between an interval that cleared itself and panicked, and the next timer.
#[test]
fn the_ticks_of_an_interval_that_cleared_itself_and_panicked_wait_for_the_next_timer() {
    let mut l = event_loop();
    let words = Words::default();
    let (tick, next) = (words.clone(), words.clone());
    l.pause_time();
    l.set_interval(ms(1), move |l| {
        let this = l.current_timer().unwrap();
        l.clear_interval(this);
        let tick = tick.clone();
        l.next_tick(move |_| tick.say("tick"));
        panic!("on purpose");
    });
    l.after(ms(2), move |_| next.say("next"));
    l.advance(ms(2));
    run_on(&mut l, &words);
    assert_eq!(words.take(), ["on purpose", "next", "tick"]);
}
