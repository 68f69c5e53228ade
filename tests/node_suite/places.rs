//! Addresses and ports of both ends, and when they are known.

use std::cell::Cell;

use netloop::{ConnectOptions, Socket};

use crate::stage::*;
use crate::story::*;

row!(
    net_remote_address,
    ["client connecting none", "client connected 127.0.0.1"],
    |t, l| {
        farewell(l, HOST, move |s| {
            let mut c = connect(s);
            assert_eq!((c.remote_port(), c.remote_family()), (None, None));
            let address = c.remote_address();
            t.log(format!(
                "client connecting {}",
                address.map_or("none".into(), |address| address.to_string())
            ));
            c.resume().on_connect(move |c| {
                let address = c.remote_address().unwrap();
                assert!(c.remote_port().is_some() && c.remote_family() == Some("IPv4"));
                t.log(format!("client connected {address}"));
            });
        });
    }
);

row!(
    net_remote_address_port,
    ["6 of 6 places told the same"],
    |t, l| {
        let told = shared(0);
        let tell = move |c: &mut Socket<'_>, port: Option<u16>| {
            assert_eq!(c.remote_address().unwrap().to_string(), HOST);
            assert_eq!(c.remote_family(), Some("IPv4"));
            assert_eq!(c.remote_port(), port);
            count_up(told);
        };
        let watch = move |c: &mut Socket<'_>| {
            let port = c.remote_port();
            assert!(port.is_some());
            tell(c, port);
            c.on_end(move |c| tell(c, port)).on_close(move |c, _| {
                tell(c, port);
                if told.get() == 6 {
                    t.log("6 of 6 places told the same");
                }
            });
            c.resume();
        };
        l.create_server(move |c| {
            watch(c);
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let server = s.port();
            connect(s).on_connect(move |c| {
                assert_eq!(c.remote_port(), server);
                watch(c);
                c.end();
            });
        })
        .unwrap();
    }
);

row!(
    net_local_address_port,
    ["server's address and the socket's are one"],
    |t, l| {
        l.create_server(move |c| {
            let server = c.server().unwrap();
            let address = c.event_loop().server_at(server).address().unwrap();
            assert_eq!(c.local_address(), Some(address.ip()));
            assert_eq!(c.local_port(), Some(address.port()));
            assert_eq!(
                (c.local_family(), c.address()),
                (Some("IPv4"), Some(address))
            );
            t.log("server's address and the socket's are one");
            c.end().resume();
            close_server(c);
        })
        .listen((HOST, 0), |s| {
            connect(s).resume();
        })
        .unwrap();
    }
);

row!(
    net_localport,
    ["server sees the port that was asked for"],
    |t, l| {
        // Ours at 127.0.0.1, so that nobody has it at all addresses; 127.0.0.8 is this test's own.
        let wanted = refusing_port(HOST);
        l.create_server(move |c| {
            assert_eq!(c.remote_port(), Some(wanted));
            t.log("server sees the port that was asked for");
            c.destroy();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let options = ConnectOptions::from((HOST, s.port().unwrap()))
                .local_address("127.0.0.8".parse().unwrap())
                .local_port(wanted);
            let mut c = s.event_loop().connect_to(options).unwrap();
            c.resume()
                .on_connect(move |c| assert_eq!(c.local_port(), Some(wanted)))
                .on_error(|_, error| assert_eq!(error.code(), Some("ECONNRESET")));
        })
        .unwrap();
    }
);

row!(
    net_socket_local_address,
    ["4 connections, 4 times the same port at both ends"],
    |t, l| {
        let (seen, own) = (shared(Vec::new()), shared(Vec::new()));
        l.create_server(move |c| {
            add(seen, c.remote_port());
            c.end().resume();
        })
        .listen((HOST, 0), move |s| {
            let (server, port) = (s.id(), s.port().unwrap());
            let mut c = s.event_loop().socket();
            c.resume()
                .on_connect(move |c| add(own, c.local_port()))
                .on_close(move |c, _| {
                    let (seen_now, own_now) = (seen.take(), own.take());
                    assert_eq!(seen_now, own_now);
                    let count = own_now.len();
                    seen.set(seen_now);
                    own.set(own_now);
                    if count < 4 {
                        c.connect_to((HOST, port)).unwrap();
                        return;
                    }
                    t.log("4 connections, 4 times the same port at both ends");
                    c.event_loop().server_at(server).close();
                });
            c.connect_to((HOST, port)).unwrap();
        })
        .unwrap();
    }
);

row!(
    net_during_close,
    ["client connecting, its server closed", "close"],
    |t, l| {
        l.create_server(|c| {
            c.end();
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            let id = c.id();
            c.on_error(|_, _| {}).on_close(move |_, _| t.log("close"));
            s.close();
            let mut c = s.event_loop().socket_at(id);
            assert_eq!((c.remote_address(), c.remote_family()), (None, None));
            assert_eq!((c.remote_port(), c.peer()), (None, None));
            t.log("client connecting, its server closed");
            c.resume();
        })
        .unwrap();
    }
);

fn add(list: &Cell<Vec<u16>>, port: Option<u16>) {
    let mut all = list.take();
    all.push(port.expect("a connection"));
    list.set(all);
}
