//! Several addresses for one name: which is tried, for how long, and what is told.

use std::net::SocketAddr;

use netloop::{ConnectOptions, Loop, Socket};

use crate::peers::{new_loop, silent_at};
use crate::stage::*;
use crate::story::*;

const BOTH: &[&str] = &["::1", HOST];

fn named(port: u16, addresses: &'static [&'static str]) -> ConnectOptions {
    ConnectOptions::from(("x.test", port)).lookup(answering(addresses))
}

fn attempts(c: &Socket<'_>, port: u16) -> String {
    let list = c.auto_select_family_attempted_addresses();
    let list = list.map(|list| list.join(" "));
    list.unwrap_or("none".into())
        .replace(&port.to_string(), "PORT")
}

/// Listens at 127.0.0.1, and lets the same port of ::1 refuse.
fn serve_v4(l: &mut Loop, then: impl FnOnce(&mut Loop, u16) + 'static) {
    farewell(l, HOST, move |s| {
        let port = s.port().unwrap();
        refuse(SocketAddr::new("::1".parse().unwrap(), port));
        then(s.event_loop(), port);
    });
}

#[test]
fn net_autoselectfamily_attempt_timeout_default_value() {
    let l = new_loop();
    assert_eq!(l.default_auto_select_family_attempt_timeout(), ms(500));
}

row!(
    net_socket_connect_invalid_autoselectfamilyattempttimeout,
    [
        "not before its time: true",
        "AggregateError ETIMEDOUT ECONNREFUSED",
    ],
    |t, l| {
        for (asked, kept) in [(0, 10), (1, 10), (9, 10), (10, 10), (11, 11)] {
            l.set_default_auto_select_family_attempt_timeout(ms(asked));
            assert_eq!(l.default_auto_select_family_attempt_timeout(), ms(kept));
        }
        let (silent, waiting) = silent_at([127, 0, 0, 2].into());
        let port = silent.address().port();
        refuse(SocketAddr::from(([127, 0, 0, 3], port)));
        let options =
            named(port, &["127.0.0.2", "127.0.0.3"]).auto_select_family_attempt_timeout(ms(1));
        let start = shared(None);
        l.connect(options, |_| unreachable!())
            .unwrap()
            .on_connection_attempt(move |c, _| {
                start.set(start.get().or(Some(c.event_loop().now())))
            })
            .on_connection_attempt_timeout(move |c, _| {
                let waited = c.event_loop().now() - start.get().unwrap();
                t.log(format!("not before its time: {}", waited >= 10));
            })
            .on_error(move |_, error| {
                let codes: Vec<_> = error
                    .errors()
                    .iter()
                    .filter_map(|error| error.code())
                    .collect();
                t.log(format!("{} {}", error.name(), codes.join(" ")));
            });
        t.run(l);
        drop((silent, waiting));
    }
);

row!(
    net_autoselectfamily_default,
    [
        "on: connect 127.0.0.1 ::1:PORT 127.0.0.1:PORT",
        "off: Error ECONNREFUSED ::1 [] none",
    ],
    |t, l| {
        // The second time IPv4 answers as well, and is not asked.
        serve_v4(l, move |l, port| {
            l.set_default_auto_select_family(true);
            tell_connect(t, l, port, "on");
        });
        t.run(l);
        l.create_server(|_| unreachable!())
            .listen((HOST, 0), move |s| {
                let (id, port) = (s.id(), s.port().unwrap());
                refuse(SocketAddr::new("::1".parse().unwrap(), port));
                let l = s.event_loop();
                l.set_default_auto_select_family(false);
                let mut c = l.connect(named(port, BOTH), |_| unreachable!()).unwrap();
                c.on_close(move |c, _| _ = c.event_loop().server_at(id).close());
                tell_error(t, c, port, "off");
            })
            .unwrap();
    }
);

row!(
    net_autoselectfamily,
    [
        "refused first: connect 127.0.0.1 ::1:PORT 127.0.0.1:PORT",
        "up first: connect ::1 ::1:PORT",
        "all refused: AggregateError ECONNREFUSED - [ECONNREFUSED ::1, ECONNREFUSED 127.0.0.1] \
     ::1:PORT 127.0.0.1:PORT",
        "disabled: Error ECONNREFUSED ::1 [] none",
    ],
    |t, l| {
        serve_v4(l, move |l, port| tell_connect(t, l, port, "refused first"));
        t.run(l);
        farewell(l, "::", move |s| {
            let port = s.port().unwrap();
            tell_connect(t, s.event_loop(), port, "up first");
        });
        t.run(l);
        let port = refusing_port("::1");
        refuse(SocketAddr::from(([127, 0, 0, 1], port)));
        for (on, word) in [(true, "all refused"), (false, "disabled")] {
            let options = named(port, BOTH).auto_select_family(on);
            tell_error(
                t,
                l.connect(options, |_| unreachable!()).unwrap(),
                port,
                word,
            );
            t.run(l);
        }
    }
);

fn tell_connect(t: &'static Story, l: &mut Loop, port: u16, word: &'static str) {
    let mut c = l.connect_to(named(port, BOTH)).unwrap();
    c.resume().on_connect(move |c| {
        let (address, tried) = (c.remote_address().unwrap(), attempts(c, port));
        t.log(format!("{word}: connect {address} {tried}"));
    });
}

fn tell_error(t: &'static Story, mut c: Socket<'_>, port: u16, word: &'static str) {
    c.on_error(move |c, error| {
        let one = |error: &netloop::Error| {
            format!("{} {}", error.code().unwrap(), error.address().unwrap())
        };
        let all: Vec<String> = error.errors().iter().map(one).collect();
        let (name, code) = (error.name(), error.code().unwrap());
        let (address, all) = (error.address().unwrap_or("-"), all.join(", "));
        let tried = attempts(c, port);
        t.log(format!("{word}: {name} {code} {address} [{all}] {tried}"));
    });
}
