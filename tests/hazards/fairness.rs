//! C: fairness.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use netloop::trace::{Subject, What};
use netloop::{EventLoop, Loop, OnRead, SocketId, SocketOptions};

use crate::stage::*;

/// C1. Catches: a peer that sends without end is read from without end.
#[test]
fn a_flood_is_read_in_bounded_bursts() {
    let mut l = event_loop();
    l.set_read_buffer(1024);
    let (burst, longest) = (Rc::new(Cell::new(0_u32)), Rc::new(Cell::new(0)));
    let (counter, max) = (burst.clone(), longest.clone());
    l.on_trace(move |record| match record.what {
        What::Wait { .. } => counter.set(0),
        What::Callback("data") => {
            counter.set(counter.get() + 1);
            max.set(max.get().max(counter.get()));
        }
        _ => {}
    });
    let mut server = l.create_server(|c| {
        c.on_data(|_, _| {});
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.flood(&[1; 4096]);
    drop(peer);
    l.run().unwrap();
    assert_eq!(longest.get(), 32);
}

/// C1. Catches: the bound counts reads, and a program with a large buffer has no bound.
#[test]
fn a_burst_is_bounded_in_bytes() {
    // Less than the kernel keeps for a reader, however short of memory it is.
    const BUFFER: usize = 16 * 1024;
    const BURST: usize = 4 * BUFFER;
    let mut l = event_loop();
    l.set_read_buffer(BUFFER);
    l.set_read_burst(BURST);
    let (burst, longest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let in_new_turn = burst.clone();
    l.on_trace(move |record| {
        if let What::Wait { .. } = record.what {
            in_new_turn.set(0);
        }
    });
    let max = longest.clone();
    let (ours, mut peer) = connected(&mut l);
    peer.flood(&[1; BUFFER]);
    let (mut more, mut is_first) = (100, true);
    l.socket_at(ours).on_data(move |_, chunk| {
        burst.set(burst.get() + chunk.len());
        max.set(max.get().max(burst.get()));
        // The kernel tells of it in the next turn, in which the rest is read, too.
        if more > 0 {
            more -= 1;
            peer.offer(&[1; BUFFER]);
        } else if std::mem::take(&mut is_first) {
            peer.end();
        }
    });
    l.run().unwrap();
    assert_eq!(longest.get(), BURST);
}

/// The chunks of two sockets, turn by turn: of one that had more to give than one turn takes, and
/// ends, and of one that is first heard of in the turn after.
fn turns_of_two(prepare: impl FnOnce(&mut EventLoop)) -> Vec<String> {
    let mut l = event_loop();
    l.set_read_buffer(4);
    prepare(&mut l);
    let words = Words::default();
    let (ours, mut flooding) = connected(&mut l);
    let (other, mut pinging) = connected(&mut l);
    let said = words.clone();
    let mut chunks = 0;
    let mut socket = l.socket_at(ours);
    socket.on_data(move |_, _| {
        chunks += 1;
        if chunks == 1 {
            pinging.write_all(b"ping").unwrap();
        }
        if chunks == 33 {
            said.say("the rest");
        }
    });
    let said = words.clone();
    socket.on_end(move |_| said.say("end"));
    let said = words.clone();
    l.socket_at(other).on_data(move |socket, _| {
        said.say("ping");
        socket.destroy();
    });
    // From here on both are silent, and the kernel will tell.
    l.run_nowait().unwrap();
    let said = words.clone();
    l.on_trace(move |record| match record.what {
        What::Wait { .. } if said.count("turn") < 3 => said.say("turn"),
        _ => {}
    });
    flooding.write_all(&[b'f'; 33 * 4 - 1]).unwrap();
    flooding.end();
    l.run().unwrap();
    words.take()
}

/// C1. Catches: who hit the bound is served before, or behind, the wrong ones; or never again.
#[test]
fn the_rest_of_a_burst_goes_first_as_in_node_or_last_when_the_program_sets_the_burst() {
    let node = turns_of_two(|_| {});
    assert_eq!(node, ["turn", "turn", "the rest", "ping", "turn", "end"]);
    let set = turns_of_two(|l| l.set_read_burst(32 * 4));
    assert_eq!(set, ["turn", "turn", "ping", "the rest", "turn", "end"]);
}

/// C2. Catches: a socket stands on the again list more than once.
#[test]
fn a_socket_that_is_paused_and_resumed_often_is_served_once_a_turn() {
    let mut l = event_loop();
    let (served, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (counter, max) = (served.clone(), most.clone());
    l.on_trace(move |record| match record.what {
        What::Wait { .. } => counter.set(0),
        What::Again(_) if matches!(record.subject, Subject::Socket(_)) => {
            counter.set(counter.get() + 1);
            max.set(max.get().max(counter.get()));
        }
        _ => {}
    });
    // With a buffer of its own a socket stops and starts to be read with each pause and resume.
    fn pause_and_resume(l: &mut Loop, id: SocketId, left: u32) {
        l.socket_at(id).pause().resume();
        if left > 0 {
            l.next_tick(move |l| pause_and_resume(l, id, left - 1));
        }
    }
    let listener = Listener::new();
    let address = listener.address();
    let own = OnRead::new(vec![0; 16], |_, _| true);
    let mut c = l.socket_with(SocketOptions::default().on_read(own));
    c.connect(address, move |c| {
        // More than one read takes, so that there is something to be served for.
        let mut peer = listener.accept();
        peer.write_all(&[0; 64]).unwrap();
        let id = c.id();
        pause_and_resume(c.event_loop(), id, 10);
    })
    .unwrap();
    l.run().unwrap();
    assert_eq!(most.get(), 1);
}

/// C3. Catches: a write callback that writes again keeps timers from running.
#[test]
fn a_write_callback_that_writes_again_lets_timers_run() {
    fn write(c: &mut netloop::Socket<'_>) {
        c.write_then(vec![0; 1 << 16], |c, result| {
            if result.is_ok() {
                write(c);
            }
        });
    }
    let mut l = event_loop();
    let mut server = l.create_server(|c| {
        c.on_error(|_, _| {});
        write(c);
        let id = c.id();
        c.event_loop().set_timeout(ms(20), move |l| {
            l.socket_at(id).destroy();
        });
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    l.run().unwrap();
    drop(peer);
}

/// C4. Catches: ticks that queue ticks let an immediate pass.
#[test]
fn ticks_that_queue_ticks_hold_back_everything_else() {
    fn tick(l: &mut Loop, left: u32, words: Words) {
        match left {
            0 => words.say("ticks"),
            left => l.next_tick(move |l| tick(l, left - 1, words)),
        }
    }
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.set_immediate(move |_| said.say("immediate"));
    let said = words.clone();
    l.next_tick(move |l| tick(l, 100_000, said));
    l.run().unwrap();
    assert_eq!(words.take(), ["ticks", "immediate"]);
}

/// C4. Catches: nobody is warned that a drain does not end.
#[test]
fn a_very_long_drain_is_warned_of_once() {
    /// Keeps the warnings of this thread's ticks.
    struct Warnings;
    thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });
    impl log::Log for Warnings {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            if record.target() == "netloop::tick" && record.level() == log::Level::Warn {
                SEEN.set(SEEN.get() + 1);
            }
        }

        fn flush(&self) {}
    }
    fn tick(l: &mut Loop, left: u32) {
        if left > 0 {
            l.next_tick(move |l| tick(l, left - 1));
        }
    }
    log::set_logger(&Warnings).expect("the only logger of these tests");
    log::set_max_level(log::LevelFilter::Warn);
    let mut l = event_loop();
    l.next_tick(|l| tick(l, 900_000));
    l.set_immediate(|l| l.next_tick(|l| tick(l, 2_100_000)));
    l.run().unwrap();
    assert_eq!(SEEN.get(), 1);
}

/// C5. Catches: a timer that is set again in its callback runs again in the same pass.
#[test]
fn an_interval_of_nothing_lets_the_rest_of_the_loop_run_between() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.set_interval(ms(0), move |l| {
        said.say("timer");
        l.advance(ms(3));
        let said = said.clone();
        l.set_immediate(move |_| said.say("immediate"));
        if said_count(l) == 5 {
            let this = l.current_timer().unwrap();
            l.clear_interval(this);
        }
    });
    fn said_count(_: &mut Loop) -> usize {
        thread_local!(static COUNT: Cell<usize> = const { Cell::new(0) });
        COUNT.set(COUNT.get() + 1);
        COUNT.get()
    }
    l.run().unwrap();
    assert_eq!(words.take(), ["timer", "immediate"].repeat(5));
}
