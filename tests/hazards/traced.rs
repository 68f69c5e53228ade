//! What the trace tells of what the program calls, and of what the kernel answers.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use netloop::trace::{Queue, What};
use socket2::{Domain, Socket, Type};

use crate::stage::*;

/// Catches: a connect that is under way is told as one that stands.
#[test]
fn what_connect_has_answered_is_told() {
    let mut l = event_loop();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
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
