//! What the trace tells of what the program calls, and of what the kernel answers.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use netloop::ServerOptions;
use netloop::trace::{Queue, What};

use crate::stage::*;

/// Catches: a connect that is under way is told as one that stands.
#[test]
fn what_connect_has_answered_is_told() {
    let mut l = event_loop();
    let listener = Listener::with_backlog(0);
    let address = listener.address();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let What::System {
            name: "connect",
            errno,
        } = record.what
        {
            said.say(format!("{errno:?}"));
        }
    });
    // The queue is full soon, and the handshake of who comes then waits.
    for _ in 0..8 {
        l.connect_to(address)
            .unwrap()
            .after(ms(0), |socket| _ = socket.destroy());
    }
    l.run().unwrap();
    assert!(words.count(&format!("{:?}", Some(libc::EINPROGRESS))) > 0);
}

/// Catches: nobody can tell from a recording that two sockets are the ends of one connection.
#[test]
fn both_ends_of_a_connection_are_told_by_the_same_two_addresses() {
    let mut l = event_loop();
    let ends = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&ends);
    l.on_trace(move |record| match record.what {
        What::Connected { local, remote, .. } => told.borrow_mut().push([local, remote]),
        What::Accepted { local, remote, .. } => told.borrow_mut().push([remote, local]),
        _ => {}
    });
    let mut server = l.create_server(|socket| {
        close_server(socket);
        socket.destroy();
    });
    server.listen_on((HOST, 0)).unwrap();
    let server = server.id();
    l.run_nowait().unwrap();
    let address = l.server_at(server).address().unwrap();
    l.connect_to(address).unwrap().resume();
    l.run().unwrap();
    let ends = ends.take();
    assert!(ends[0] == ends[1] && ends.len() == 2, "{ends:?}");
    assert_eq!(ends[0][1], Some(address));
}

/// Catches: a timer leads to who has set it, though another line has started it again.
#[test]
fn a_timer_that_was_refreshed_leads_to_the_line_that_has_refreshed_it() {
    let mut l = event_loop();
    let timer = l.after(ms(1), |_| {});
    let words = Words::default();
    let said = words.clone();
    let (mut refreshed, mut queued) = (0, 0);
    l.on_trace(move |record| match record.what {
        What::Call("refresh") => refreshed = record.number,
        What::Queued {
            queue: Queue::Timers(delay),
            work,
        } => {
            assert_eq!((delay, work, record.cause), (ms(1), "after", refreshed));
            queued = record.number;
        }
        What::Holds(holds) if queued > 0 => said.say(format!("holds {holds}")),
        What::Phase("timers") => {
            assert_eq!(record.by, Some(queued));
            said.say("due");
        }
        _ => {}
    });
    l.unref_timer(timer);
    assert!(l.refresh(timer));
    assert_eq!(words.take(), ["holds false"]);
    l.ref_timer(timer);
    l.run().unwrap();
    assert_eq!(words.take(), ["holds true", "due"]);
}

/// Catches: a setting is changed, and the trace does not tell where.
#[test]
fn what_a_program_sets_is_told_with_its_line() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let (What::Call(name), Some(line)) = (record.what, record.line) {
            said.say(format!("{name} {}", line.line()));
        }
    });
    let line = line!() + 1;
    let mut socket = l.socket();
    socket.set_no_delay(true).unref();
    socket.cork();
    l.stop();
    let expected = [
        format!("socket {line}"),
        format!("set_no_delay {}", line + 1),
        format!("unref {}", line + 1),
        format!("cork {}", line + 2),
        format!("stop {}", line + 3),
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: a recording says that the program has called what the library calls for it.
#[test]
fn a_call_has_the_name_that_the_program_has_used() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let What::Call(name) = record.what {
            said.say(name);
        }
    });
    let mut server = l.create_server_with(ServerOptions::default(), |_| {});
    let address = listen(server.close_then(|_, _| {}));
    let server = server.id();
    let mut client = l.connect_to(address).unwrap();
    client.once_data(|_, _| {}).write_then("a", |_, _| {});
    client.end_with("b").set_timeout_once(ms(9), |_| {});
    let timer = client.set_interval(ms(9), |_| {});
    l.clear_interval(timer);
    l.server_at(server).close();
    let expected = [
        "create_server_with",
        "close_then",
        "listen_on",
        "connect_to",
        "once_data",
        "write_then",
        "end_with",
        "set_timeout_once",
        "set_interval",
        "clear_interval",
        "close",
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: the trace says that a callback has run, and not where the program has handed it over.
#[test]
fn a_callback_is_told_with_the_line_in_which_it_was_handed_over() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let What::Callback(name) = record.what {
            let line = record.line.expect("a line").line();
            said.say(format!("{name} {line}"));
        }
    });
    let line = line!() + 1;
    let mut server = l.create_server(|socket| {
        close_server(socket);
        socket.after(ms(1), |socket| _ = socket.destroy());
    });
    let address = listen(&mut server);
    l.connect_to(address).unwrap().resume();
    l.next_tick(|_| {});
    l.queue_microtask(|_| {});
    l.set_immediate(|_| {});
    l.set_timeout(ms(2), |_| {});
    l.run().unwrap();
    let expected = [
        format!("next_tick {}", line + 6),
        format!("queue_microtask {}", line + 7),
        format!("connection {line}"),
        format!("set_immediate {}", line + 8),
    ];
    let told = words.take();
    assert_eq!(told[..4], expected);
    assert!(told.contains(&format!("after {}", line + 2)), "{told:?}");
    assert!(told.contains(&format!("set_timeout {}", line + 9)));
}

/// Catches: the trace has a callback for an event without a listener.
#[test]
fn work_of_the_librarys_own_is_no_callback() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| match record.what {
        What::Callback(name) => said.say(name),
        What::System { name: "send", .. } => said.say("send"),
        _ => {}
    });
    let mut server = l.create_server(|socket| {
        close_server(socket);
        socket.resume();
    });
    let address = listen(&mut server);
    // It waits for the connection.
    l.connect_to(address).unwrap().end_with("a").resume();
    l.run().unwrap();
    assert_eq!(words.take(), ["connection", "send"]);
}

/// Catches: the trace says that bytes stay in the kernel, when the end was all that had come.
#[test]
fn readiness_after_the_end_was_read_is_told_as_such() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let What::Nothing(idle) = record.what {
            said.say(format!("{} {idle}", record.subject));
        }
    });
    let mut server = l.create_server(|socket| {
        close_server(socket);
        socket.destroy();
    });
    let (address, server) = (listen(&mut server), server.id());
    let client = l.connect_to(address).unwrap().id();
    l.run().unwrap();
    let expected = [
        format!("{server} it is closed"),
        format!("{client} its end was read before"),
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: a socket that has used up its share is said to wait for an end, since it is read until EAGAIN.
#[test]
fn a_burst_that_used_up_its_share_says_so_also_after_a_pause() {
    let mut l = event_loop();
    l.set_read_buffer(1000);
    l.set_read_burst(1000);
    let words = Words::default();
    let said = words.clone();
    l.on_trace(move |record| {
        if let What::Again(why) = record.what {
            said.say(format!("{why:?}"));
        }
    });
    let listener = Listener::new();
    let address = listener.address();
    l.connect(address, move |socket| {
        let mut peer = listener.accept();
        peer.write_all(&[b'x'; 2500]).unwrap();
        socket.pause().after(ms(1), move |socket| {
            socket.resume().on_data(move |socket, chunk| {
                if chunk.len() < 1000 {
                    peer.end();
                    socket.destroy();
                }
            });
        });
    })
    .unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), ["Connected", "BeganToRead", "Bound", "Bound"]);
}
