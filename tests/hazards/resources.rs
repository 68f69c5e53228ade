//! J: resources.

use std::net::TcpStream;
use std::os::fd::AsFd;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use netloop::ServerOptions;

use crate::stage::*;
use crate::support::skipped;
use crate::tools::*;

/// J1. Catches: each connection gets a buffer, or a field, of its own that it does not need.
#[test]
fn an_idle_connection_with_four_listeners_needs_less_than_300_bytes() {
    if lacks(Real::Processes) {
        return;
    }
    const COUNT: usize = 3000;
    if !is_child() {
        let this = "resources::an_idle_connection_with_four_listeners_needs_less_than_300_bytes";
        return match limited(&myself(this), 2 * COUNT + 100) {
            Some(child) => passes(child),
            None => skipped("J1, memory of idle connections", "no prlimit"),
        };
    }
    let mut l = event_loop();
    let options = ServerOptions::default().accepts_per_turn(64);
    let mut server = l.create_server_with(options, |c| {
        c.on_data(|_, _| {})
            .on_end(|_| {})
            .on_error(|_, _| {})
            .on_close(|_, _| {});
    });
    let id = server.id();
    let address = listen(&mut server);
    let mut peers = Vec::with_capacity(COUNT);
    let mut before = 0;
    while peers.len() < COUNT {
        // What the loop itself needs is there after the first.
        if peers.len() == 1 {
            before = memory();
        }
        peers.push(peer(address));
        while l.server_at(id).connections() < peers.len() {
            l.run_once().unwrap();
        }
    }
    let each = memory().saturating_sub(before) / (COUNT - 1);
    assert!(each < 300, "{each} bytes for each connection");
    l.server_at(id).close();
    drop(peers);
    l.run().unwrap();
}

/// J2. Catches: what a peer is owed, or its silence, puts an idle timeout off for ever.
#[test]
fn a_silent_peer_is_noticed() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        let said = said.clone();
        c.write(vec![0; 16 << 20]);
        c.set_timeout(ms(30)).on_timeout(move |c| {
            said.say("timeout");
            c.destroy();
        });
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    l.run().unwrap();
    assert_eq!(words.take(), ["timeout", "close Some(false)"]);
    drop(peer);
}

/// J3. Catches: an error that the kernel finds by itself is not told to a socket that only waits.
#[test]
fn a_peer_that_has_vanished_is_told_by_the_kernel() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "resources::a_peer_that_has_vanished_is_told_by_the_kernel";
        // Probed, so that a kernel without the discipline is seen; taken away for the handshake.
        let setup = "tc qdisc add dev lo root blackhole; tc qdisc del dev lo root";
        match in_own_network(this, setup) {
            Some(child) => passes(child),
            None => skipped("J3, a vanished peer", "no network of one's own, or no tc"),
        }
        return;
    }
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        let fd = c.duplicate_fd().unwrap();
        let limit = Some(ms(500));
        socket2::SockRef::from(&fd.as_fd())
            .set_tcp_user_timeout(limit)
            .unwrap();
        let lost = Command::new("tc")
            .args(["qdisc", "add", "dev", "lo", "root", "blackhole"])
            .status();
        assert!(lost.unwrap().success());
        c.write("is anybody there?");
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    l.run().unwrap();
    assert_eq!(words.take(), ["error ETIMEDOUT", "close Some(true)"]);
    drop(peer);
}

/// Whether memory stays as it is, once a thousand rounds have been.
fn leaves_nothing_behind(rounds: u64, churn: &mut dyn FnMut(u64)) {
    churn(1000);
    let before = memory();
    churn(rounds);
    let grown = memory().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} bytes");
}

/// J4. Catches: a timer that was cleared, or a time that was put off, leaves something behind.
#[test]
fn a_million_timers_that_were_cleared_leave_nothing_behind() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        return passes(myself(
            "resources::a_million_timers_that_were_cleared_leave_nothing_behind",
        ));
    }
    let mut l = event_loop();
    let kept = l.set_timeout(ms(5000), |_| {});
    let mut churn = |count: u64| {
        for number in 0..count {
            let timer = l.set_timeout(ms(1000 + number % 100), |_| {});
            l.refresh(kept);
            l.clear_timeout(timer);
        }
    };
    leaves_nothing_behind(1_000_000, &mut churn);
    l.clear_timeout(kept);
    l.run().unwrap();
}

/// J4. Catches: a socket without a descriptor is kept if no turn follows its `close`.
#[test]
fn sockets_that_close_without_a_turn_leave_nothing_behind() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        return passes(myself(
            "resources::sockets_that_close_without_a_turn_leave_nothing_behind",
        ));
    }
    let mut l = event_loop();
    let mut churn = |count: u64| {
        for _ in 0..count {
            l.socket().destroy();
            l.run().unwrap();
        }
    };
    leaves_nothing_behind(20_000, &mut churn);
}

/// Catches: a single turn keeps sockets that close after its closing phase, and a loop that nothing holds has no
/// further turn.
#[test]
fn sockets_that_close_in_the_last_phase_of_a_last_turn_are_freed() {
    let mut l = event_loop();
    let captured = Rc::new(());
    let kept = captured.clone();
    let socket = l.socket().on_close(move |_, _| _ = &kept).id();
    l.after(Duration::from_millis(1), move |l| {
        l.socket_at(socket).destroy(); // `close` follows in the tick after the timer
    });
    while l.run_once().unwrap() {}
    assert_eq!(Rc::strong_count(&captured), 1);
}

/// J5. Catches: a connect without descriptors panics, or is never told.
#[test]
fn a_connect_without_descriptors_is_an_event_like_any_other() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "resources::a_connect_without_descriptors_is_an_event_like_any_other";
        return match limited(&myself(this), 64) {
            Some(child) => passes(child),
            None => skipped("J5, connect without descriptors", "no prlimit"),
        };
    }
    let mut l = event_loop();
    let words = Words::default();
    let listener = std::net::TcpListener::bind((HOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let all: Vec<_> = std::iter::from_fn(|| listener.try_clone().ok())
        .take(64)
        .collect();
    assert!(all.len() < 64 && TcpStream::connect(address).is_err());
    watch(&words, &mut l.connect_to(address).unwrap());
    words.say("connect has returned");
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["connect has returned", "error EMFILE", "close Some(true)"]
    );
    drop(all);
    l.connect(address, |c| _ = c.destroy()).unwrap();
    l.run().unwrap();
}
