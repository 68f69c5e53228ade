//! D: connecting.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use netloop::{BlockList, ConnectOptions, LookupRequest, Loop, Socket};

use crate::peers::{closed_port, silent};
use crate::program::{Program, netloop};
use crate::stage::*;
use crate::support::{has_strace, skipped};
use crate::tools::*;

/// D2. Catches: an error that connect(2) gives at once is emitted inside the call.
#[test]
fn an_error_known_at_once_is_told_later_like_any_other() {
    let mut l = event_loop();
    let words = Words::default();
    // From a loopback address nowhere else can be reached: no packet leaves.
    let options = ConnectOptions::from(("203.0.113.7", 1)).local_address(HOST.parse().unwrap());
    let mut c = l.connect_to(options).unwrap();
    watch(&words, &mut c);
    words.say("connect has returned");
    l.run().unwrap();
    let told = words.take();
    assert_eq!(told[0], "connect has returned");
    assert!(told[1].starts_with("error E"), "{told:?}");
    assert_eq!(told[2], "close Some(true)");
}

/// D3. Catches: any of these leaves the socket without its `close`, or closes it twice.
#[test]
fn whatever_is_done_while_looking_up_or_connecting_the_socket_closes_once() {
    type Act = fn(&mut Socket<'_>);
    let acts: [Act; 7] = [
        |c| {
            _ = c.write("x");
        },
        |c| {
            _ = c.end();
        },
        |c| {
            _ = c.destroy();
        },
        |c| {
            _ = c.reset_and_destroy().unwrap();
        },
        |c| {
            _ = c.set_timeout(ms(5)).on_timeout(|c| _ = c.destroy());
        },
        |c| {
            _ = c.pause().resume();
        },
        |c| {
            _ = c.end_with("x").destroy_soon();
        },
    ];
    for first in acts {
        for second in acts {
            for is_named in [false, true] {
                let words = Words::default();
                let mut l = event_loop();
                l.pause_time();
                l.set_lookup(|l: &mut Loop, request: LookupRequest| {
                    let address: IpAddr = HOST.parse().unwrap();
                    l.set_immediate(move |l| l.answer_lookup(request.id, Ok(vec![address])));
                });
                let server = l.create_server(|c| _ = c.on_error(|_, _| {}).resume()).id();
                let port = listen(&mut l.server_at(server)).port();
                let host = if is_named { "some.test" } else { HOST };
                let mut c = l.connect_to((host, port)).unwrap();
                watch(&words, &mut c);
                first(&mut c);
                second(&mut c);
                let id = c.id();
                l.set_timeout(ms(10), move |l| {
                    l.socket_at(id).destroy();
                    l.server_at(server).close();
                    for socket in l.server_at(server).sockets() {
                        l.socket_at(socket).destroy();
                    }
                });
                l.run_for(ms(100)).unwrap();
                assert!(!l.is_alive());
                let told = words.take();
                let closes = told.iter().filter(|word| word.starts_with("close")).count();
                assert_eq!(closes, 1, "{told:?}");
                assert!(told.last().unwrap().starts_with("close"), "{told:?}");
            }
        }
    }
}

/// D7. Catches: an idle timeout does not run while nobody answers.
#[test]
fn an_unanswered_connect_can_be_given_up() {
    let mut l = event_loop();
    let (silent, _waits) = silent();
    let address = silent.address();
    let words = Words::default();
    let options = ConnectOptions::from(address).timeout(ms(30));
    let mut c = l.connect(options, |_| panic!("nobody answers")).unwrap();
    watch(&words, &mut c);
    c.on_timeout(|c| _ = c.destroy());
    l.run().unwrap();
    assert_eq!(words.take(), ["close Some(false)"]);
}

/// D1. Catches: what was written is sent before it is known whether there is a connection.
#[test]
fn a_refused_connection_fails_its_writes_and_never_connects() {
    let mut l = event_loop();
    let words = Words::default();
    let (_held, port) = closed_port();
    let mut c = l.connect((HOST, port), |_| panic!("connected")).unwrap();
    watch(&words, &mut c);
    let said = words.clone();
    c.write_then("x", move |_, result| {
        said.say(format!("written {}", result.is_ok()))
    });
    l.run().unwrap();
    let mut told = words.take();
    told.sort();
    assert_eq!(
        told,
        ["close Some(true)", "error ECONNREFUSED", "written false"]
    );
}

/// D1. Catches: a failing getsockopt is taken for a connection.
#[test]
fn a_connection_that_cannot_be_asked_for_its_error_has_failed() {
    if lacks(Real::Processes) {
        return;
    }
    if !has_strace() {
        return skipped("D1, EBADF from getsockopt", "no strace");
    }
    let listener = std::net::TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = netloop(&["client", "--host", HOST, "--port", &port]);
    let file = trace_file("getsockopt");
    let inject = "inject=getsockopt:error=EBADF:when=1";
    let options = ["-e", "trace=getsockopt", "-e", inject];
    let mut client = Program::start(under_strace(&client, &file, &options));
    let (status, lines, _) = client.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        !lines.contains(&"Client connected".to_string()),
        "{lines:?}"
    );
    assert!(read_trace(&file).contains("(INJECTED)"));
}

/// D2. Catches: an errno that a route answers with at once is lost, or has another name.
#[test]
fn each_kind_of_closed_route_has_its_error() {
    if lacks(Real::Processes) {
        return;
    }
    let routes = "ip route add unreachable 10.1.0.0/16; ip route add prohibit 10.2.0.0/16; \
                  ip route add throw 10.3.0.0/16; ip route add blackhole 10.4.0.0/16";
    if !is_child() {
        let this = "connect::each_kind_of_closed_route_has_its_error";
        match in_own_network(this, routes) {
            Some(child) => passes(child),
            None => skipped("D2, closed routes", "no network of one's own"),
        }
        return;
    }
    let codes = ["EHOSTUNREACH", "EACCES", "ENETUNREACH", "EINVAL"];
    for (number, code) in codes.into_iter().enumerate() {
        let mut l = event_loop();
        let words = Words::default();
        let host = format!("10.{}.0.1", number + 1);
        watch(&words, &mut l.connect_to((host.as_str(), 1)).unwrap());
        words.say("connect has returned");
        l.run().unwrap();
        let error = format!("error {code}");
        let expected = ["connect has returned", &error, "close Some(true)"];
        assert_eq!(words.take(), expected);
    }
}

/// D4. Catches: an address that does not answer holds up those behind it.
#[test]
fn an_address_that_hangs_gives_way_to_the_next() {
    let mut l = event_loop();
    let words = Words::default();
    let (silent, _waits) = silent();
    let mut server = l.create_server(|c| {
        c.resume();
        close_server(c);
    });
    let port = silent.address().port();
    server.listen_on(("127.0.0.2", port)).unwrap();
    let options = ConnectOptions::from(("two.test", port))
        .auto_select_family(true)
        .auto_select_family_attempt_timeout(ms(30))
        .lookup(|l, request| {
            let found = [HOST, "127.0.0.2"].map(|address| address.parse().unwrap());
            l.answer_lookup(request.id, Ok(found.to_vec()));
        });
    let said = words.clone();
    let connected = move |c: &mut Socket<'_>| {
        said.say(format!("connected to {}", c.remote_address().unwrap()));
        c.end();
    };
    let said = words.clone();
    l.connect(options, connected)
        .unwrap()
        .on_connection_attempt_timeout(move |_, attempt| {
            said.say(format!("no answer from {}", attempt.address));
        });
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["no answer from 127.0.0.1", "connected to 127.0.0.2"]
    );
}

/// Catches: the attempts at several addresses go by a time of their own.
#[test]
fn the_attempts_at_several_addresses_wait_while_time_is_held() {
    let mut l = new_loop();
    l.pause_time();
    let words = Words::default();
    let (silent, _waits) = silent();
    let port = silent.address().port();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        said.say("connected");
        c.resume();
    });
    server.listen_on(("127.0.0.2", port)).unwrap().unref();
    let options = ConnectOptions::from(("two.test", port))
        .auto_select_family(true)
        .auto_select_family_attempt_timeout(Duration::from_secs(5))
        .lookup(|l, request| {
            let found = [HOST, "127.0.0.2"].map(|address| address.parse().unwrap());
            l.answer_lookup(request.id, Ok(found.to_vec()));
        });
    l.connect_to(options).unwrap();
    l.run_for(ms(4999)).unwrap();
    assert!(words.take().is_empty(), "the first has five seconds");
    l.run_for(ms(1)).unwrap();
    assert_eq!(words.take(), ["connected"]);
}

/// D5, D6. Catches: an error of bind or of the search for a port of our own is lost.
#[test]
fn a_socket_may_meet_itself_and_ports_may_run_out() {
    if lacks(Real::Processes) {
        return;
    }
    let range = "echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range";
    if !is_child() {
        let this = "connect::a_socket_may_meet_itself_and_ports_may_run_out";
        match in_own_network(this, range) {
            Some(child) => passes(child),
            None => skipped("D5 and D6, few ports", "no network of one's own"),
        }
        return;
    }
    // As in Node, a socket that met itself is an open one, and hears what it says.
    let mut l = event_loop();
    let words = Words::default();
    let mut c = l
        .connect((HOST, 40000), |c| _ = c.end_with("echo"))
        .unwrap();
    watch(&words, &mut c);
    l.run().unwrap();
    assert_eq!(words.take(), ["data echo", "end", "close Some(false)"]);

    let listener = std::net::TcpListener::bind((HOST, 50000)).unwrap();
    let held: Vec<_> = std::iter::from_fn(|| std::net::TcpStream::connect((HOST, 50000)).ok())
        .take(3)
        .collect();
    watch(&words, &mut l.connect_to((HOST, 50000)).unwrap());
    l.run().unwrap();
    assert_eq!(words.take(), ["error EADDRNOTAVAIL", "close Some(true)"]);

    let options = ConnectOptions::from((HOST, 50000))
        .local_address(HOST.parse().unwrap())
        .local_port(50000);
    watch(&words, &mut l.connect_to(options).unwrap());
    l.run().unwrap();
    assert_eq!(words.take(), ["error EADDRINUSE", "close Some(true)"]);
    drop((held, listener));
}

/// D3. Catches: a socket that has ended connects as one that may talk, or not at all.
#[test]
fn a_socket_that_has_ended_before_it_connects_only_listens() {
    let mut l = event_loop();
    let words = Words::default();
    let mut server = l.create_server(|c| {
        c.resume().end_with("x");
        close_server(c);
    });
    let port = listen(&mut server).port();
    let mut c = l.socket();
    watch(&words, &mut c);
    let said = words.clone();
    c.on_finish(move |c| {
        said.say("finish");
        c.connect_to((HOST, port)).unwrap();
    });
    let said = words.clone();
    c.on_connect(move |c| said.say(format!("connect, {}", c.ready_state())));
    c.end();
    l.run().unwrap();
    let expected = [
        "finish",
        "connect, readOnly",
        "data x",
        "end",
        "close Some(false)",
    ];
    assert_eq!(words.take(), expected);
}

/// Catches: each address that is refused at once goes a step deeper, until the stack is used up.
#[test]
fn ten_thousand_addresses_refused_at_once_are_an_error_like_any_other() {
    let mut l = event_loop();
    l.set_lookup(|l, request| {
        let found = (0..10_000).map(|number| Ipv4Addr::from(0x7f01_0000 + number).into());
        l.answer_lookup(request.id, Ok(found.collect()));
    });
    let mut list = BlockList::new();
    list.add_cidr("127.1.0.0/16").unwrap();
    let options = ConnectOptions::from(("many.test", 1)).block_list(list);
    let words = Words::default();
    let said = words.clone();
    let mut c = l.connect_to(options).unwrap();
    c.on_error(move |_, error| said.say(error.errors().len().to_string()));
    l.run().unwrap();
    assert_eq!(words.take(), ["10000"]);
}
