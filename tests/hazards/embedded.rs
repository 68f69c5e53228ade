//! L: the loop inside another loop.

use std::cell::Cell;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use netloop::EventLoop;
use tokio::io::unix::AsyncFd;

use crate::stage::*;
use crate::support::skipped;
use crate::tools::*;

/// More than four waits take.
const COUNT: usize = 5000;

/// Runs a test in a process that may have both ends of all connections, and little beside them.
fn with_descriptors(name: &str, test: impl FnOnce()) {
    if is_child() {
        return test();
    }
    let limited = |command: &Command| limited(command, 2 * COUNT + 100);
    let may_be = limited(&Command::new("true")).is_some_and(|mut it| {
        let outcome = it.stderr(Stdio::null()).status();
        outcome.is_ok_and(|status| status.success())
    });
    match limited(&myself(&format!("embedded::{name}"))) {
        Some(child) if may_be => passes(child),
        _ => skipped(
            "L1, 5000 sockets",
            "no prlimit, or it may not set 10 100 descriptors",
        ),
    }
}

/// A loop that has run a turn, and whose sockets then all become ready at once; and how many of
/// them have received their byte.
fn with_all_ready() -> (EventLoop, Rc<Cell<usize>>, Vec<TcpStream>) {
    let mut l = EventLoop::new().unwrap();
    let received = Rc::new(Cell::new(0));
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let mut peers = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peers.push(listener.accept().unwrap().0);
        let count = Rc::clone(&received);
        let mut socket = l.socket_from_fd(ours).unwrap();
        socket.on_data(move |socket, _| {
            count.set(count.get() + 1);
            socket.destroy();
        });
    }
    assert!(l.run_nowait().unwrap());
    for peer in &mut peers {
        peer.write_all(b"x").unwrap();
    }
    (l, received, peers)
}

/// L1. Catches: a host that is told of edges only waits for ever, with sockets that are ready.
#[test]
fn no_readiness_is_lost_in_a_loop_of_mio() {
    with_descriptors("no_readiness_is_lost_in_a_loop_of_mio", || {
        let (mut l, received, _peers) = with_all_ready();
        let mut host = mio::Poll::new().unwrap();
        let fd = l.as_raw_fd();
        let mut source = SourceFd(&fd);
        let readable = Interest::READABLE;
        host.registry()
            .register(&mut source, Token(0), readable)
            .unwrap();
        let mut events = Events::with_capacity(8);
        while l.run_nowait().unwrap() {
            let timeout = l.backend_timeout();
            host.poll(&mut events, timeout.or(Some(LIMIT))).unwrap();
            assert!(
                timeout.is_some() || !events.is_empty(),
                "{}",
                received.get()
            );
        }
        assert_eq!(received.get(), COUNT);
    });
}

/// L1. Catches: the same, in a task of a runtime.
#[test]
#[allow(deprecated, reason = "what tokio has in its place is unsafe code")]
fn no_readiness_is_lost_in_a_task_of_tokio() {
    with_descriptors("no_readiness_is_lost_in_a_task_of_tokio", || {
        let (l, received, _peers) = with_all_ready();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut l = AsyncFd::with_interest(l, tokio::io::Interest::READABLE).unwrap();
            while l.get_mut().run_nowait().unwrap() {
                match l.get_mut().backend_timeout() {
                    Some(Duration::ZERO) => tokio::task::yield_now().await,
                    timeout => {
                        let told = tokio::time::timeout(timeout.unwrap_or(LIMIT), l.readable());
                        let told = told.await.unwrap_or_else(|_| panic!("{}", received.get()));
                        told.unwrap().clear_ready();
                    }
                }
            }
        });
        assert_eq!(received.get(), COUNT);
    });
}
