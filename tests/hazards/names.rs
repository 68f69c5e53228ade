//! E: names.

use std::net::ToSocketAddrs;

use netloop::state::server::State;
use netloop::{ConnectOptions, EventLoop, Loop, Server, Socket, SocketId};

use crate::stage::*;
use crate::support::skipped;
use crate::tools::*;

/// Runs this test in a process whose name server is the shim.
fn with_a_slow_name_server(test: &str, what: &str) {
    let Some(shim) = compiled("getaddrinfo.c") else {
        return skipped(what, "no C compiler");
    };
    let mut child = myself(test);
    child.env("LD_PRELOAD", shim);
    passes(child);
}

/// A loop on which the shim's slowness would be seen.
fn impatient() -> EventLoop {
    let mut l = new_loop();
    let limit = l.set_timeout(LIMIT, |_| panic!("the loop waits for a name server"));
    l.unref_timer(limit);
    l
}

/// Connects to a name, and says it when it was looked up.
fn look_up(l: &mut Loop, name: &str, words: &Words) -> SocketId {
    let said = words.clone();
    let mut c = l.connect_to((name, 1)).unwrap();
    c.on_lookup(move |_, lookup| said.say(lookup.host.clone()));
    c.on_error(|_, _| {}).id()
}

/// E1. Catches: getaddrinfo is called on the loop's own thread.
#[test]
fn a_slow_name_server_does_not_hold_up_an_interval() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_slow_name_server_does_not_hold_up_an_interval";
        return with_a_slow_name_server(this, "E1, a slow getaddrinfo");
    }
    let mut l = impatient();
    let words = Words::default();
    let said = words.clone();
    let interval = l.set_interval(ms(10), move |l| {
        said.say("tick");
        if said.count("tick") == 20 {
            // Only now the answer for the other name comes.
            l.connect_to(("passes.test", 1))
                .unwrap()
                .on_error(|_, _| {});
        }
    });
    l.unref_timer(interval);
    let told = words.clone();
    let mut c = l.connect_to(("waits.test", 1)).unwrap();
    c.on_lookup(move |_, _| assert!(told.count("tick") >= 20));
    c.on_error(|_, _| {});
    l.run().unwrap();
}

/// E1. Catches: a loop is taken for idle while its helper thread looks a name up.
#[test]
fn a_loop_is_not_idle_while_it_looks_a_name_up() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_loop_is_not_idle_while_it_looks_a_name_up";
        return with_a_slow_name_server(this, "E1, idle during a lookup");
    }
    let mut l = impatient();
    let words = Words::default();
    let mut ticks = 0;
    let interval = l.set_interval(ms(10), move |l| {
        ticks += 1;
        if ticks == 5 {
            // Only now the answer for the other name comes.
            l.connect_to(("passes.test", 1))
                .unwrap()
                .on_error(|_, _| {});
        }
    });
    l.unref_timer(interval);
    look_up(&mut l, "waits.test", &words);
    l.run_until_idle().unwrap();
    assert_eq!(words.take(), ["waits.test"]);
}

/// E1. Catches: one thread asks for one name after the other.
#[test]
fn slow_lookups_do_not_queue_behind_each_other() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::slow_lookups_do_not_queue_behind_each_other";
        return with_a_slow_name_server(this, "E1, several slow lookups");
    }
    let mut l = impatient();
    let words = Words::default();
    for name in ["waits.test", "waits.test", "waits.test", "passes.test"] {
        look_up(&mut l, name, &words);
    }
    l.run().unwrap();
    assert_eq!(words.take().len(), 4);
}

/// E1. Catches: a loop waits for an answer that nobody wants any more, or emits it.
#[test]
fn a_socket_destroyed_during_its_lookup_closes_and_the_loop_ends_without_the_answer() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_socket_destroyed_during_its_lookup_closes_and_the_loop_ends_\
                    without_the_answer";
        return with_a_slow_name_server(this, "E1, destroyed during a lookup");
    }
    let mut l = impatient();
    let words = Words::default();
    let said = words.clone();
    let mut c = l
        .connect(("waits.test", 1), |_| panic!("connected"))
        .unwrap();
    watch(&words, &mut c);
    c.on_lookup(move |_, _| said.say("lookup"));
    let id = c.id();
    l.set_timeout(ms(10), move |l| _ = l.socket_at(id).destroy());
    l.run().unwrap();
    assert_eq!(words.take(), ["close Some(false)"]);
}

/// E1. Catches: a lookup that nobody wants any more holds up the one that follows it.
#[test]
fn a_lookup_that_was_given_up_does_not_hold_up_the_next() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_lookup_that_was_given_up_does_not_hold_up_the_next";
        return with_a_slow_name_server(this, "E1, after a lookup that was given up");
    }
    let mut l = impatient();
    let words = Words::default();
    let id = l.connect_to(("waits.test", 1)).unwrap().id();
    let told = words.clone();
    l.set_timeout(ms(20), move |l| {
        l.socket_at(id).destroy();
        look_up(l, "passes.test", &told);
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["passes.test"]);
}

/// E1. Catches: a question that nobody wants answered any more stays in the queue.
#[test]
fn a_lookup_that_was_given_up_while_it_waited_is_not_made() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_lookup_that_was_given_up_while_it_waited_is_not_made";
        return with_a_slow_name_server(this, "E1, given up before it is asked for");
    }
    let mut l = impatient();
    let words = Words::default();
    // As many as are asked for at once, the one in question, and one behind it.
    for name in ["waits.test"; 4]
        .into_iter()
        .chain(["kills.test", "waits.test"])
    {
        let id = look_up(&mut l, name, &words);
        if name == "kills.test" {
            l.set_immediate(move |l| {
                l.socket_at(id).destroy();
                // The shim is asked past the loop: now the others are answered.
                assert!(("passes.test", 1).to_socket_addrs().is_ok());
            });
        }
    }
    l.run().unwrap();
    assert_eq!(words.take(), ["waits.test"; 5]);
}

/// Catches: the zone of a link-local address is lost, or looked up, between a text or an address of
/// the program's and the kernel.
#[test]
fn a_link_local_address_is_listened_on_and_connected_to_in_its_zone() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_link_local_address_is_listened_on_and_connected_to_in_its_zone";
        // Two devices, so that an address without its zone is taken for one of the first. The kernel makes
        // the address reachable only after it has added it.
        let setup = "ip address add fe80::2/64 dev lo nodad; \
                     ip link add zone0 type veth peer name zone1; ip link set zone0 up; \
                     ip link set zone1 up; ip address add fe80::1/64 dev zone0 nodad; \
                     for try in $(seq 500); do \
                     ip -6 route show table local | grep -q 'fe80::1 dev zone0' && break; \
                     sleep 0.01; done";
        return match in_own_network(this, setup) {
            Some(command) => passes(command),
            None => skipped("an address in a zone", "no network of one's own"),
        };
    }
    let mut l = event_loop();
    l.set_lookup(|_, request| panic!("{} is no name", request.host));
    let words = Words::default();
    let said = words.clone();
    let heard = words.clone();
    let mut server = l.create_server(move |c| {
        heard.say(c.resume().peer().unwrap().ip().to_string());
        if heard.count("fe80::1") == 2 {
            close_server(c);
        }
    });
    let listening = move |s: &mut Server<'_>| {
        let address = s.address().unwrap();
        for target in [
            ConnectOptions::from(address),
            ("fe80::1%zone0", address.port()).into(),
        ] {
            let said = said.clone();
            let at_peer = move |c: &mut Socket<'_>| {
                assert_eq!(c.peer(), Some(address));
                said.say("peer");
                c.destroy();
            };
            s.event_loop().connect(target, at_peer).unwrap();
        }
    };
    server.listen(("fe80::1%zone0", 0), listening).unwrap();
    l.run().unwrap();
    let mut words = words.take();
    words.sort();
    assert_eq!(words, ["fe80::1", "fe80::1", "peer", "peer"]);
}

/// E2. Catches: an answer without addresses leaves the socket connecting for ever.
#[test]
fn a_name_without_addresses_is_not_found() {
    let mut l = event_loop();
    l.set_lookup(|l, request| l.answer_lookup(request.id, Ok(vec![])));
    let words = Words::default();
    watch(&words, &mut l.connect_to(("empty.test", 1)).unwrap());
    l.run().unwrap();
    assert_eq!(words.take(), ["error ENOTFOUND", "close Some(true)"]);
}

/// E2. Catches: the answer to a server's lookup is dropped.
#[test]
fn a_server_listens_at_the_first_address_of_a_name() {
    let mut l = event_loop();
    l.set_lookup(|l, request| {
        let found = ["fe80::1", HOST].map(|address| address.parse().unwrap());
        l.answer_lookup(request.id, Ok(found.to_vec()));
    });
    let words = Words::default();
    let said = words.clone();
    l.create_server(|_| {})
        .listen(("home.test", 0), move |s| {
            said.say(s.address().unwrap().ip().to_string());
            s.close();
        })
        .unwrap();
    l.run().unwrap();
    assert_eq!(words.take(), [HOST]);
}

/// E2. Catches: a server does not know that it looks a name up, or never stops.
#[test]
fn a_server_whose_name_is_not_found_is_idle_again() {
    let mut l = event_loop();
    l.set_lookup(|l, request| l.answer_lookup(request.id, Ok(vec![])));
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(|_| {});
    let id = server.id();
    server.on_error(move |_, error| said.say(error.to_string()));
    server
        .listen(("empty.test", 0), |_| panic!("listening"))
        .unwrap();
    assert_eq!(server.state(), State::Resolving);
    l.run().unwrap();
    assert_eq!(words.take(), ["getaddrinfo ENOTFOUND empty.test"]);
    assert_eq!(l.server_at(id).state(), State::Idle);
}

/// E3. Catches: no limit to the lookups that wait for an answer.
#[test]
fn a_lookup_beyond_ten_thousand_that_wait_fails_with_enobufs() {
    let mut l = event_loop();
    l.set_lookup(|_, _| {});
    let waiting: Vec<_> = (0..10_000)
        .map(|_| l.connect_to(("waits.test", 1)).unwrap().id())
        .collect();
    let words = Words::default();
    watch(&words, &mut l.connect_to(("waits.test", 1)).unwrap());
    l.set_immediate(move |l| {
        for id in waiting {
            l.socket_at(id).destroy();
        }
    });
    l.run().unwrap();
    assert_eq!(words.take(), ["error ENOBUFS", "close Some(true)"]);
}

/// E2. Catches: a shortage of the machine's is told as a name that does not exist.
#[test]
fn a_name_server_without_descriptors_is_no_missing_name() {
    if lacks(Real::Processes) {
        return;
    }
    if !is_child() {
        let this = "names::a_name_server_without_descriptors_is_no_missing_name";
        return with_a_slow_name_server(this, "E2, EAI_SYSTEM from getaddrinfo");
    }
    let mut l = impatient();
    let words = Words::default();
    let said = words.clone();
    let mut c = l.connect_to(("starved.test", 1)).unwrap();
    c.on_error(move |_, error| said.say(error.to_string()));
    l.run().unwrap();
    assert_eq!(words.take(), ["getaddrinfo EMFILE starved.test"]);
}

/// E3. Catches: a lookup that no listen waits for any more holds the loop, and counts.
#[test]
fn a_server_that_closes_or_listens_anew_forgets_its_lookup() {
    let mut l = event_loop();
    l.set_lookup(|_, _| {});
    let id = l
        .create_server(|_| {})
        .on_error(|_, error| panic!("{error}"))
        .id();
    for _ in 0..5001 {
        for _ in 0..2 {
            l.server_at(id).listen_on(("waits.test", 1)).unwrap();
            l.run_nowait().unwrap();
            assert_eq!(l.server_at(id).state(), State::Resolving);
        }
    }
    l.server_at(id).close();
    l.run().unwrap();
}
