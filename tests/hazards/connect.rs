//! D and E: connecting, and names.

use std::net::IpAddr;

use netloop::{ConnectOptions, LookupRequest, Loop, Socket};

use crate::stage::*;

/// D2. Catches: an error that connect(2) gives at once is emitted inside the call.
#[test]
fn an_error_known_at_once_is_told_later_like_any_other() {
    let mut l = event_loop();
    let words = Words::default();
    // From a loopback address nowhere else can be reached: no packet leaves.
    let options = ConnectOptions::from(("203.0.113.7", 1)).local_address(HOST.parse().unwrap());
    let mut c = l.connect(options, |_| {}).unwrap();
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
                l.set_lookup(|l: &mut Loop, request: LookupRequest| {
                    let address: IpAddr = HOST.parse().unwrap();
                    l.set_immediate(move |l| l.answer_lookup(request.id, Ok(vec![address])));
                });
                let server = l.create_server(|c| _ = c.on_error(|_, _| {}).resume()).id();
                let port = listen(&mut l.server_at(server)).port();
                let host = if is_named { "some.test" } else { HOST };
                let mut c = l.connect((host, port), |_| {}).unwrap();
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
                l.run().unwrap();
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
fn a_connect_that_nobody_answers_can_be_given_up() {
    let kind = socket2::Type::STREAM;
    let silent = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
    silent
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    silent.listen(0).unwrap();
    let address = silent.local_addr().unwrap().as_socket().unwrap();
    let fill = || std::net::TcpStream::connect_timeout(&address, ms(100)).ok();
    let fillers: Vec<_> = std::iter::from_fn(fill).take(8).collect();
    let mut l = event_loop();
    let words = Words::default();
    let options = ConnectOptions::from(address).timeout(ms(30));
    let mut c = l.connect(options, |_| panic!("nobody answers")).unwrap();
    watch(&words, &mut c);
    c.on_timeout(|c| _ = c.destroy());
    l.run().unwrap();
    assert_eq!(words.take(), ["close Some(false)"]);
    drop(fillers);
}

/// E2. Catches: an answer without addresses leaves the socket connecting for ever.
#[test]
fn a_name_without_addresses_is_not_found() {
    let mut l = event_loop();
    l.set_lookup(|l, request| l.answer_lookup(request.id, Ok(vec![])));
    let words = Words::default();
    watch(&words, &mut l.connect(("empty.test", 1), |_| {}).unwrap());
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
