//! G: writing.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use netloop::{ConnectOptions, Error, EventLoop, ServerOptions, Socket};

use crate::program::{Program, netloop};
use crate::stage::*;
use crate::support::{has_strace, skipped};
use crate::tools::*;

/// Makes the kernel keep as little as it can for a socket.
fn narrow(socket: &mut Socket<'_>) {
    let duplicate = socket2::Socket::from(socket.duplicate_fd().unwrap());
    duplicate.set_send_buffer_size(1).unwrap();
}

/// G1. Catches: a peer that never reads makes the outbox grow without end.
#[test]
fn a_peer_that_never_reads_costs_no_more_than_the_limit() {
    const LIMIT: usize = 1 << 20;
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let options = ServerOptions::default().write_limit(LIMIT);
    let called_back = Rc::new(Cell::new(0));
    let counter = called_back.clone();
    let mut server = l.create_server_with(options, move |c| {
        watch(&said, c);
        for _ in 0..1000 {
            let counter = counter.clone();
            c.write_then([0; 1 << 16], move |_, _| counter.set(counter.get() + 1));
            assert!(c.writable_length() <= LIMIT);
        }
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    l.run().unwrap();
    assert_eq!(words.take(), ["error ENOBUFS", "close Some(true)"]);
    assert_eq!(called_back.get(), 1000);
    drop(peer);
}

/// G1. Catches: `drain` is emitted for each request that leaves, or never.
#[test]
fn drain_comes_once_when_all_that_was_owed_has_left() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let reader = Reader::default();
    let reads = reader.clone();
    let mut server = l.create_server(move |c| {
        let said = said.clone();
        for _ in 0..256 {
            c.write([7; 1 << 16]);
        }
        reads.begin(c.event_loop());
        c.on_drain(move |c| {
            said.say(format!("drain, {} left", c.writable_length()));
            c.write_then("x", |c, _| _ = c.end());
        });
        c.resume();
        close_server(c);
    });
    reader.is(peer(listen(&mut server)));
    l.run().unwrap();
    assert_eq!(words.take(), ["drain, 0 left"]);
    assert_eq!(reader.all().unwrap().len(), (256 << 16) + 1);
}

/// G2. Catches: a request that left in part goes on at the wrong byte.
#[test]
fn what_leaves_piece_by_piece_arrives_whole_and_in_order() {
    if lacks(Real::Descriptors) {
        return;
    }
    let mut l = event_loop();
    // Chunks so large that the kernel, which takes 64 KiB however narrow it is, splits them often.
    let sent: Vec<u8> = (0..3_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    let to_send = sent.clone();
    let callbacks = Rc::new(Cell::new(0));
    let counter = callbacks.clone();
    let reader = Reader::default();
    let reads = reader.clone();
    let mut server = l.create_server(move |c| {
        narrow(c);
        let mut number = 0;
        let mut rest = &to_send[..];
        while !rest.is_empty() {
            let (chunk, left) = rest.split_at((number * 79_193 % 199_999 + 1).min(rest.len()));
            rest = left;
            let counter = counter.clone();
            c.write_then(chunk, move |_, result| {
                result.unwrap();
                assert_eq!(counter.replace(number + 1), number, "in order");
            });
            number += 1;
        }
        reads.begin(c.event_loop());
        c.end();
        c.resume();
        close_server(c);
    });
    reader.is(peer(listen(&mut server)));
    l.run().unwrap();
    assert!(reader.all().unwrap() == sent);
    assert!(callbacks.get() > 20);
}

/// G3, G5. Catches: interest is toggled by epoll_ctl, or a send may raise SIGPIPE in a host.
#[test]
fn a_reader_too_slow_costs_no_epoll_ctl_and_no_send_can_raise_sigpipe() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("G3 and G5, sends under strace", "no strace");
    }
    let calls = "trace=epoll_ctl,sendto,sendmsg,write,writev,accept4,?epoll_wait,?epoll_pwait";
    let (server, file) = traced("slow-reader", &["-e", calls]);
    let socket = connect(server.port());
    // Writes until nothing goes any more: the server cannot get rid of its echo, and waits.
    socket.set_nonblocking(true).unwrap();
    let (mut written, mut is_stuck) = (0, false);
    let start = Instant::now();
    while !is_stuck {
        assert!(start.elapsed() < LIMIT, "it takes without end");
        let waited = is_waiting(&file);
        match (&socket).write(&[7; 1 << 16]) {
            Ok(count) => written += count,
            Err(_) => is_stuck = waited && is_waiting(&file),
        }
    }
    socket.set_nonblocking(false).unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    let mut echoed = Vec::new();
    (&socket).read_to_end(&mut echoed).unwrap();
    assert_eq!(echoed.len(), written);
    let trace = trace_of(server, &file);
    let accepted = trace
        .lines()
        .find(|line| line.contains("accept4("))
        .unwrap();
    let fd = accepted.rsplit("= ").next().unwrap().trim();
    let of = |call: &str| {
        let start = format!("{call}({fd},");
        trace
            .lines()
            .filter(move |line| line.contains(&start))
            .collect::<Vec<_>>()
    };
    let added = trace.matches(&format!("EPOLL_CTL_ADD, {fd},")).count();
    assert_eq!(added, 1);
    assert_eq!(trace.matches("EPOLL_CTL_MOD").count(), 0);
    assert_eq!([of("write"), of("writev")].concat(), Vec::<&str>::new());
    let sends = [of("sendto"), of("sendmsg")].concat();
    assert!(sends.len() > 16);
    let begun = sends.iter().filter(|line| !line.contains("<unfinished"));
    assert!(
        begun.clone().all(|line| line.contains("MSG_NOSIGNAL")),
        "{sends:?}"
    );
}

/// G4. Catches: a write that comes too late is not called back, or more than once.
#[test]
fn a_write_that_comes_too_late_is_called_back_once_with_its_code() {
    type Act = fn(&mut Socket<'_>);
    let late: [(Act, &str); 3] = [
        (|c| _ = c.end(), "ERR_STREAM_WRITE_AFTER_END"),
        (|c| _ = c.destroy(), "ERR_STREAM_DESTROYED"),
        (|c| _ = c.reset_and_destroy(), "ERR_STREAM_DESTROYED"),
    ];
    for (act, code) in late {
        let mut l = event_loop();
        let words = Words::default();
        let said = words.clone();
        let mut server = l.create_server(move |c| {
            close_server(c);
            c.on_error(|_, _| {}).resume();
            act(c);
            let said = said.clone();
            assert!(!c.write_then("late", move |_, result| {
                said.say(result.unwrap_err().code().unwrap());
            }));
        });
        let peer = peer(listen(&mut server));
        peer.end();
        l.run().unwrap();
        assert_eq!(words.take(), [code]);
    }
}

/// G4. Catches: after a write that failed the next one goes to the kernel, or an end is told of.
#[test]
fn after_a_write_that_failed_no_other_leaves_and_no_end_comes() {
    let path = std::env::temp_dir().join(format!("netloop-g4-{}", std::process::id()));
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let (said, end) = (said.clone(), said.clone());
        c.on_error(|_, _| {}).on_end(move |_| end.say("end"));
        at_its_end(c, move |c| {
            // Once all is taken, `end` is due.
            said.say(String::from_utf8(c.read(None).unwrap()).unwrap());
            for which in ["first", "second"] {
                let said = said.clone();
                c.write_then("x", move |_, result| {
                    said.say(format!("{which} {}", result.unwrap_err().code().unwrap()));
                });
            }
            said.say(format!("{} {}", c.ready_state(), c.writable_length()));
        });
        close_server(c);
    });
    server.listen_on(&path).unwrap();
    let mut peer = Peer::connect_path(&path).unwrap();
    peer.write_all(b"farewell").unwrap();
    drop(peer);
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["farewell", "readOnly 1", "first EPIPE", "second EPIPE"]
    );
}

/// G6. Catches: a passing shortage of memory ends the connection, or is waited out for ever.
#[test]
fn a_send_that_the_kernel_has_no_memory_for_is_tried_again() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("G6, ENOBUFS from send", "no strace");
    }
    for error in ["ENOBUFS", "ENOMEM"] {
        let inject = format!("inject=sendto,sendmsg:error={error}:when=1..2");
        let (server, file) = traced(error, &["-e", "trace=sendto,sendmsg", "-e", &inject]);
        let socket = connect(server.port());
        assert!(echoes(&socket) && echoes(&socket) && echoes(&socket));
        drop(socket);
        assert!(trace_of(server, &file).matches("(INJECTED)").count() >= 3);
    }
}

/// Catches: a socket that connects after a refused write goes on writing.
#[test]
fn a_write_refused_before_the_connection_ends_all_writing() {
    let mut l = event_loop();
    let words = Words::default();
    let mut server = l.create_server(|c| {
        c.on_data(|_, _| panic!("a byte has left"));
        close_server(c);
    });
    let address = listen(&mut server);
    let options = ConnectOptions::from(address).write_limit(10);
    let mut c = l.connect_to(options).unwrap();
    watch(&words, &mut c);
    let tell = |call: &'static str| {
        let said = words.clone();
        move |_: &mut Socket<'_>, result: Result<(), &Error>| {
            said.say(format!("{call} {}", result.unwrap_err().code().unwrap()));
        }
    };
    assert!(!c.write_then("too many bytes", tell("first")));
    assert!(!c.is_writable());
    assert!(!c.cork().write_then("few", tell("second")));
    assert!(c.uncork().ready_state() == "opening");
    l.run().unwrap();
    assert_eq!(
        words.take(),
        [
            "first ENOBUFS",
            "second ENOBUFS",
            "error ENOBUFS",
            "close Some(true)"
        ]
    );
}

/// Catches: the half of a socket with an idle timeout is shut down, though close(2) ends it next.
#[test]
fn an_idle_timeout_adds_no_call_to_a_close_that_sends_the_fin_itself() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("system calls of a close", "no strace");
    }
    for timeout in ["0", "60s"] {
        let file = trace_file(&format!("close-{timeout}"));
        let arguments = [&ECHO[..], &["--idle-timeout", timeout]].concat();
        let command = under_strace(
            &netloop(&arguments),
            &file,
            &["-e", "trace=shutdown,sendto"],
        );
        let server = Traced(Program::start(command));
        let mut socket = connect(server.port());
        assert!(echoes(&socket));
        socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(
            socket.read_to_end(&mut Vec::new()).unwrap(),
            0,
            "our half ends, too"
        );
        let calls = trace_of(server, &file);
        assert!(calls.contains("\"ping\""), "{calls}");
        assert_eq!(calls.matches("shutdown(").count(), 0, "{calls}");
    }
}

/// G6. Catches: each edge of a socket that waits for memory makes one more timer that tries again.
#[test]
fn while_the_kernel_has_no_memory_one_timer_tries_again_whatever_comes() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("G6, ENOBUFS for long", "no strace");
    }
    let inject = "inject=sendto,sendmsg:error=ENOBUFS:when=1+";
    let options = ["-ttt", "-e", "trace=sendto,sendmsg", "-e", inject];
    let (server, file) = traced("starved", &options);
    let mut socket = connect(server.port());
    socket.set_nodelay(true).unwrap();
    for edge in 1..=30 {
        socket.write_all(b"x").unwrap();
        await_injections(&file, edge);
    }
    drop(server);
    let times = read_trace(&file)
        .lines()
        .filter(|line| line.contains("(INJECTED)"))
        .map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect::<Vec<f64>>();
    // Ten milliseconds, floored, between two tries.
    let lasted = times[times.len() - 1] - times[0];
    let expected = 1 + (lasted / 0.009) as usize;
    assert!(times.len() <= expected, "{} in {lasted} s", times.len());
}

/// G6. Catches: a run whose time is held waits for ever for a write that only a timer tries again.
#[test]
fn a_run_whose_time_is_held_does_not_wait_for_memory_of_the_kernel() {
    if lacks(Real::Processes) {
        return;
    }
    let this = "writing::a_run_whose_time_is_held_does_not_wait_for_memory_of_the_kernel";
    if !is_child() {
        if !has_strace() {
            return skipped("G6, ENOBUFS while time is held", "no strace");
        }
        let file = trace_file("held-enobufs");
        let inject = "inject=sendto,sendmsg:error=ENOBUFS:when=1";
        let options = ["-e", "trace=sendto,sendmsg", "-e", inject];
        passes(under_strace(&myself(this), &file, &options));
        assert!(read_trace(&file).contains("(INJECTED)"));
        return;
    }
    let mut l = EventLoop::new().unwrap();
    l.pause_time();
    let listener = Listener::new();
    let address = listener.address();
    let id = l.connect_to(address).unwrap().id();
    while l.socket_at(id).is_connecting() {
        l.run_once().unwrap();
    }
    let mut peer = listener.accept();
    l.socket_at(id).unref().write("hi");
    l.run().unwrap();
    assert!(l.is_alive() && l.socket_at(id).writable_length() == 2);
    while l.is_alive() {
        l.run_for(ms(10)).unwrap();
    }
    let mut bytes = [0; 2];
    peer.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"hi");
}

/// G7. Catches: an interrupted read or write is taken for a failure.
#[test]
fn an_interrupted_read_or_write_is_done_again() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("G7, EINTR from recv and send", "no strace");
    }
    // The signal that ends the server goes through a sendto, too, and is left alone.
    let inject = "inject=recvfrom,sendto:error=EINTR:when=1..3+2";
    let (server, file) = traced("eintr-io", &["-e", "trace=recvfrom,sendto", "-e", inject]);
    let socket = connect(server.port());
    assert!(echoes(&socket) && echoes(&socket));
    drop(socket);
    assert!(trace_of(server, &file).contains("(INJECTED)"));
}

/// G7. Catches: a look at whether more can be read fails with EINTR, and ends the connection.
#[test]
fn an_interrupted_peek_is_done_again() {
    let this = "writing::an_interrupted_peek_is_done_again";
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        if !has_strace() {
            return skipped("G7, EINTR from a peek", "no strace");
        }
        let file = trace_file("eintr-peek");
        // Each first try is interrupted, and its repetition is not.
        let inject = "inject=recvfrom:error=EINTR:when=1+2";
        let options = ["-e", "trace=recvfrom", "-e", inject];
        passes(under_strace(&myself(this), &file, &options));
        let trace = read_trace(&file);
        let is_peek = |line: &str| line.contains("MSG_PEEK") && line.contains("(INJECTED)");
        assert!(trace.lines().any(is_peek), "{trace}");
        return;
    }
    let mut l = EventLoop::new().unwrap();
    let listener = Listener::new();
    // Both have just connected when the first is read, and the second peeked.
    for _ in 0..2 {
        let mut socket = l.connect_to(listener.address()).unwrap();
        socket.on_error(|_, error| panic!("{error}"));
        socket.on_data(|socket, chunk| {
            *socket.event_loop().data_mut::<usize>().unwrap() += chunk.len();
        });
    }
    l.set_data(0_usize);
    let peers = thread::spawn(move || {
        for _ in 0..2 {
            listener.accept().write_all(b"hello").unwrap();
        }
    });
    l.run().unwrap();
    peers.join().unwrap();
    assert_eq!(l.data(), Some(&10_usize));
}

/// G8. Catches: shutdown(2) on a connection that was reset is an error of its own.
#[test]
fn ending_a_connection_that_was_reset_is_no_error_of_its_own() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let options = ServerOptions::default().pause_on_connect(true);
    let mut server = l.create_server_with(options, move |c| {
        watch(&said, c);
        let said = said.clone();
        c.on_finish(move |c| {
            said.say("finish");
            c.resume();
        });
        c.end();
        close_server(c);
    });
    peer(listen(&mut server)).reset();
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["finish", "error ECONNRESET", "close Some(true)"]
    );
}
