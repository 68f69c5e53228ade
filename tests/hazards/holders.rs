//! What holds the loop is told by `holders`, one by one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use netloop::trace::{Subject, What};
use netloop::{EventLoop, Holder, Loop, Signal, SocketId};

use crate::stage::*;

type Release = Box<dyn FnOnce(&mut EventLoop)>;

/// As they print, without the numbers of sockets and servers.
fn told(l: &Loop) -> Vec<String> {
    let holders = l.holders();
    let lines = holders.iter().map(|holder| {
        let line = holder.to_string();
        match line.split_once('#') {
            Some((who, rest)) => format!("{who}{}", rest.trim_start_matches(char::is_numeric)),
            None => line,
        }
    });
    lines.collect()
}

/// How a timer of a minute and a half is told that this line has set.
fn timer_of(who: &str, line: u32) -> String {
    format!("{who}, due in 90s, set at {}:{line}", file!())
}

/// A socket that is connected, its peer, and the address it is connected to.
fn connected(l: &mut EventLoop) -> (SocketId, Peer, String) {
    let (socket, peer) = crate::stage::connected(l);
    let address = l.socket_at(socket).peer().expect("it is connected");
    (socket, peer, address.to_string())
}

/// These hold the loop, and only these, for some turns at least; without them it ends.
#[track_caller]
fn holds(expected: &[&str], l: &mut EventLoop, release: Release) {
    assert_eq!(told(l), expected);
    for _ in 0..3 {
        assert!(l.run_nowait().unwrap(), "{expected:?}");
    }
    assert_eq!(told(l), expected);
    release(l);
    l.run().unwrap();
    assert_eq!(told(l), [""; 0]);
}

/// Catches: a kind of holder is not told.
#[test]
fn each_holder_is_told_and_when_it_is_released_the_loop_ends() {
    let mut l = event_loop();
    l.pause_time();
    let line = line!() + 1;
    let interval = l.set_interval(ms(90_000), |_| {});
    let timer = timer_of("timer: set_interval", line);
    holds(
        &[&timer],
        &mut l,
        Box::new(move |l| l.clear_interval(interval)),
    );
    let line = line!() + 1;
    let once = l.after(ms(90_000), |_| {});
    let timer = timer_of("timer: after", line);
    holds(&[&timer], &mut l, Box::new(move |l| l.unref_timer(once)));

    let mut server = l.create_server(|_| {});
    server.listen_on((HOST, 0)).unwrap();
    let server = server.id();
    l.run_nowait().unwrap();
    let address = l.server_at(server).address().unwrap();
    let listening = format!("server: listening on {address}");
    let let_go: Release = Box::new(move |l| _ = l.server_at(server).unref());
    holds(&[&listening], &mut l, let_go);
    l.server_at(server).ref_();
    holds(
        &[&listening],
        &mut l,
        Box::new(move |l| _ = l.server_at(server).close()),
    );

    let handle = l.handle().unwrap();
    holds(&["handles: 1"], &mut l, Box::new(move |_| drop(handle)));
}

/// Catches: a socket holds the loop, and it is not told as what.
#[test]
fn a_socket_is_told_as_what_it_holds_the_loop() {
    let mut l = event_loop();
    let (socket, peer, address) = connected(&mut l);
    let reading = format!("socket: reading from {address}");
    holds(
        &[&reading],
        &mut l,
        Box::new(move |l| _ = l.socket_at(socket).unref()),
    );
    l.pause_time();
    let line = line!() + 1;
    l.socket_at(socket).ref_().after(ms(90_000), |_| {});
    let timer = timer_of("timer of socket: after", line);
    let end: Release = Box::new(move |l| _ = l.socket_at(socket).destroy());
    holds(&[&timer, &reading], &mut l, end);
    drop(peer);

    let (socket, peer, address) = connected(&mut l);
    assert!(!l.socket_at(socket).unref().write(vec![7; MUCH]));
    let left = l.socket_at(socket).writable_length();
    let sending = format!("socket: sending, {left} bytes left, to {address}");
    holds(
        &[&sending],
        &mut l,
        Box::new(move |l| _ = l.socket_at(socket).destroy()),
    );
    drop(peer);

    l.set_lookup(|_, _| {});
    let socket = l.connect_to(("printer.example", 9100)).unwrap().id();
    l.run_nowait().unwrap();
    let both = [
        "socket: connecting to printer.example:9100",
        "socket: looking up printer.example",
    ];
    holds(
        &both,
        &mut l,
        Box::new(move |l| _ = l.socket_at(socket).destroy()),
    );
}

/// Catches: a report of a few holders names more of a kind, or does not count those that it leaves out.
#[test]
fn of_many_holders_a_few_of_each_kind_are_told_and_the_others_counted() {
    let mut l = event_loop();
    let sockets: Vec<_> = (0..4).map(|_| connected(&mut l)).collect();
    for (id, ..) in &sockets[1..] {
        let mut socket = l.socket_at(*id);
        socket.after(ms(90_000), |_| {});
        assert!(!socket.write(vec![7; MUCH]));
    }
    let (holders, left_out) = l.holders_up_to(2);
    let of = |is_wanted: fn(&Holder) -> bool| holders.iter().filter(|it| is_wanted(it)).count();
    assert_eq!(of(|holder| matches!(holder, Holder::Timer { .. })), 2);
    assert_eq!(of(|holder| matches!(holder, Holder::Reading { .. })), 2);
    assert_eq!(of(|holder| matches!(holder, Holder::Sending { .. })), 2);
    assert_eq!((holders.len(), left_out), (6, 1 + 2 + 1));
    assert_eq!(l.holders().len(), 3 + 4 + 3);
}

/// Catches: work that is queued is not told.
#[test]
fn what_is_queued_is_told_and_is_gone_when_it_has_run() {
    let mut l = event_loop();
    l.next_tick(|_| {});
    l.queue_microtask(|_| {});
    let immediate = l.set_immediate(|_| {});
    l.set_immediate(|_| {});
    let mut handle = l.handle().unwrap();
    handle.unref().post(|_| {}).unwrap();
    assert_eq!(
        told(&l),
        ["posts: 1", "ticks: 1", "microtasks: 1", "immediates: 2"]
    );
    l.unref_immediate(immediate);
    assert_eq!(told(&l).last().unwrap(), "immediates: 1");
    l.run().unwrap();
    assert_eq!(told(&l), [""; 0]);

    let (socket, _peer, address) = connected(&mut l);
    l.socket_at(socket).unref().end();
    assert_eq!(
        told(&l),
        [
            format!("socket: ending, peer {address}"),
            "pending: 1".into()
        ]
    );
    l.run().unwrap();
    l.socket_at(socket).destroy();
    assert_eq!(told(&l), ["closing: 1"]);
    l.run().unwrap();
    assert_eq!(told(&l), [""; 0]);
}

/// Catches: what does not hold the loop is told.
#[test]
fn what_does_not_hold_the_loop_is_not_told() {
    let mut l = event_loop();
    l.on_signal(Signal::User2, |_| {}).unwrap();
    let (socket, _peer, _) = connected(&mut l);
    let abort = l.abort_handle();
    l.socket_at(socket).set_timeout(ms(90_000)).unref();
    l.socket();
    l.create_server(|_| {});
    assert_eq!(told(&l), [""; 0]);
    l.run().unwrap();
    assert!(!l.is_aborted(abort));
}

/// Catches: a timer that is running loses its line.
#[test]
fn an_interval_is_told_with_its_line_also_by_its_own_callback() {
    let mut l = event_loop();
    l.set_interval(ms(1), |l| {
        let holders = l.holders();
        let [Holder::Timer { id, line, due, .. }] = &holders[..] else {
            panic!("{holders:?}");
        };
        assert_eq!((Some(*id), due.is_zero()), (l.current_timer(), true));
        assert!(line.is_some_and(|line| line.file() == file!()));
        l.clear_interval(*id);
    });
    l.run().unwrap();
}

/// The sockets and servers that hold the loop.
fn sources(l: &Loop) -> BTreeSet<String> {
    let holders = l.holders();
    let sources = holders.iter().filter_map(|holder| match holder {
        Holder::Listening { server, .. } => Some(server.to_string()),
        Holder::Connecting { socket, .. }
        | Holder::Reading { socket, .. }
        | Holder::Sending { socket, .. }
        | Holder::Ending { socket, .. } => Some(socket.to_string()),
        _ => None,
    });
    sources.collect()
}

/// Catches: what is told differs from what is counted, or the trace leaves a change out.
#[test]
fn in_each_turn_of_a_conversation_the_holders_are_those_that_the_trace_has_told() {
    let mut l = event_loop();
    let traced = Rc::new(RefCell::new(BTreeSet::new()));
    let follower = Rc::clone(&traced);
    l.on_trace(move |record| {
        if let What::Holds(holds) = record.what
            && record.subject != Subject::Loop
        {
            let who = record.subject.to_string();
            let mut traced = follower.borrow_mut();
            let is_new = if holds {
                traced.insert(who)
            } else {
                traced.remove(&who)
            };
            assert!(is_new, "told twice");
        }
    });
    let seen = Rc::clone(&traced);
    let check = move |l: &Loop| {
        assert_eq!(l.holders().is_empty(), !l.is_alive());
        assert_eq!(sources(l), *seen.borrow());
    };
    let mut server = l.create_server({
        let check = check.clone();
        move |socket| {
            close_server(socket);
            check(socket.event_loop());
            socket.write(vec![7; 8 << 20]);
            let check = check.clone();
            socket.on_drain(move |socket| {
                check(socket.event_loop());
                socket.end();
            });
        }
    });
    let address = listen(&mut server);
    let mut client = l.connect_to(address).unwrap();
    let in_client = check.clone();
    client.on_data(move |socket, _| in_client(socket.event_loop()));
    let at_end = check.clone();
    client.on_close(move |socket, _| at_end(socket.event_loop()));
    check(&l);
    while l.run_once().unwrap() {
        check(&l);
    }
    check(&l);
}

/// Catches: the trace does not tell that a timer or an immediate was let go.
#[test]
fn the_trace_tells_which_timer_and_which_immediate_was_let_go() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| match record.what {
        What::Queued { work, .. } => said.say(format!("{} {work}", record.number)),
        What::Holds(holds) => said.say(format!("{} {holds}", record.by.unwrap())),
        _ => {}
    });
    let timer = l.after(ms(1), |_| {});
    let immediate = l.set_immediate(|_| {});
    l.unref_timer(timer);
    l.unref_timer(timer);
    l.unref_immediate(immediate);
    l.ref_immediate(immediate);
    l.ref_timer(timer);
    l.run().unwrap();
    let told = words.take();
    let number = |name: &str| {
        let line = told.iter().find_map(|line| line.strip_suffix(name));
        line.expect("it was queued").to_owned()
    };
    let (timer, immediate) = (number("after"), number("set_immediate"));
    let lines = told
        .iter()
        .filter(|line| line.ends_with("true") || line.ends_with("false"));
    let expected = [
        format!("{timer}false"),
        format!("{immediate}false"),
        format!("{immediate}true"),
        format!("{timer}true"),
    ];
    assert!(lines.eq(&expected), "{told:?}");
}
