//! Servers: whom they refuse, how many they take, and what holds the loop.

use netloop::{BlockList, ServerOptions, Socket};

use crate::story::*;

row!(
    net_server_blocklist,
    ["blocked: end", "blocked: close", "0 connections"],
    |t, l| {
        let mut list = BlockList::new();
        list.add_address(HOST).unwrap();
        let options = ServerOptions::default().block_list(list);
        l.create_server_with(options, |_| unreachable!())
            .listen((HOST, 0), move |s| {
                let server = s.id();
                connect(s)
                    .resume()
                    .on_end(move |_| t.log("blocked: end"))
                    .on_close(move |c, _| {
                        t.log("blocked: close");
                        let mut server = c.event_loop().server_at(server);
                        t.log(format!("{} connections", server.connections()));
                        server.close();
                    });
            })
            .unwrap();
    }
);

row!(
    net_server_drop_connections,
    [
        "dropped at 0, with the addresses of both ends",
        "dropped at 0, with the addresses of both ends",
        "served 1",
        "dropped at 1, with the addresses of both ends",
        "served 2",
    ],
    |t, l| {
        let served = shared(0);
        l.create_server(move |c| {
            c.resume();
            t.log(format!("served {}", count_up(served)));
            if served.get() == 2 {
                close_server(c);
            }
        })
        .set_max_connections(Some(0))
        .on_drop(move |s, dropped| {
            let dropped = dropped.expect("an IP connection");
            let (local, remote) = (dropped.local.unwrap(), dropped.remote.unwrap());
            assert_eq!(Some(local), s.address());
            assert_eq!(remote.ip(), local.ip());
            assert_ne!(remote.port(), local.port());
            let limit = s.max_connections().unwrap();
            t.log(format!(
                "dropped at {limit}, with the addresses of both ends"
            ));
        })
        .listen((HOST, 0), move |s| {
            let (id, closes) = (s.id(), shared(0));
            let one_may_stay = move |c: &mut Socket<'_>| {
                let mut s = c.event_loop().server_at(id);
                s.set_max_connections(Some(1));
                let kept = connect(&mut s).id();
                connect(&mut s).resume().on_close(move |c, _| {
                    end_then_connect(c, kept);
                });
            };
            for _ in 0..2 {
                connect(s).resume().on_close(move |c, _| {
                    if count_up(closes) == 2 {
                        one_may_stay(c);
                    }
                });
            }
        })
        .unwrap();

        /// Ends the connection that is served, so that another one can be.
        fn end_then_connect(c: &mut Socket<'_>, kept: netloop::SocketId) {
            let mut kept = c.event_loop().socket_at(kept);
            let server = kept.peer().expect("a connection");
            kept.resume()
                .on_close(move |c, _| {
                    let mut next = c.event_loop().connect(server, |c| _ = c.end()).unwrap();
                    next.resume();
                })
                .end();
        }
    }
);

row!(
    net_server_max_connections_close_makes_more_available,
    ["1 served", "2 closed", "1 closed", "3 served", "3 closed"],
    |t, l| {
        l.create_server(|c| {
            c.on_data(|c, chunk| {
                let who = chunk[0];
                c.write([who]);
                if who == b'3' {
                    close_server(c);
                }
            });
        })
        .set_max_connections(Some(1))
        .listen((HOST, 0), move |s| {
            let port = s.port().unwrap();
            let mut first = talk(t, s.event_loop(), port, "1");
            first.once_data(move |c, _| {
                let first = c.id();
                // It is refused while there is one, which then makes place for the third.
                talk(t, c.event_loop(), port, "2").on_close(move |c, _| {
                    c.event_loop().socket_at(first).end();
                });
            });
            first.on_close(move |c, _| {
                talk(t, c.event_loop(), port, "3").once_data(|c, _| _ = c.end());
            });
        })
        .unwrap();
    }
);

/// A client that says who it is, and tells when it is answered and when it is closed.
fn talk<'l>(
    t: &'static Story,
    l: &'l mut netloop::Loop,
    port: u16,
    who: &'static str,
) -> Socket<'l> {
    let mut c = l.connect_to((HOST, port)).unwrap();
    c.on_data(move |_, _| t.log(format!("{who} served")))
        .on_error(|_, error| assert_eq!(error.code(), Some("ECONNRESET")))
        .on_close(move |_, _| t.log(format!("{who} closed")));
    c.write(who);
    c
}

row!(
    net_server_unref,
    ["listening=true", "ended, listening=true"],
    |t, l| {
        let mut server = l.create_server(|_| unreachable!());
        server.listen_on(()).unwrap().unref();
        let id = server.id();
        t.log(format!("listening={}", server.is_listening()));
        t.run(l);
        let server = l.server_at(id);
        t.log(format!("ended, listening={}", server.is_listening()));
    }
);
