//! The idle timeout of a socket.

use std::time::Duration;

use crate::stage::append;
use crate::story::*;

row!(
    net_settimeout,
    ["60000 then 0", "no timeout came"],
    |t, l| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            c.on_timeout(|_| unreachable!()).on_connect(move |c| {
                let id = c.id();
                assert_eq!(c.set_timeout(ms(5)).id(), id);
                let first = c.set_timeout(ms(60_000)).timeout().unwrap();
                let then = c
                    .set_timeout(ms(5))
                    .set_timeout(Duration::ZERO)
                    .timeout()
                    .unwrap();
                t.log(format!("{} then {}", first.as_millis(), then.as_millis()));
                c.event_loop().set_timeout(ms(30), move |l| {
                    t.log("no timeout came");
                    l.socket_at(id).destroy();
                });
            });
        })
        .unwrap();
    }
);

row!(
    net_can_reset_timeout,
    [
        "server timeout 1",
        "server timeout 2",
        "client got What?What?",
        "server close hadError=false",
    ],
    |t, l| {
        let timeouts = shared(0);
        l.create_server(move |c| {
            c.set_timeout(ms(20)).resume();
            c.on_timeout(move |c| {
                t.log(format!("server timeout {}", count_up(timeouts)));
                c.write("What?");
                if timeouts.get() == 2 {
                    c.set_timeout(Duration::ZERO);
                }
            })
            .on_close(move |_, had_error| {
                t.log(format!("server close hadError={}", undefined(had_error)));
            });
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let got = shared(Vec::new());
            connect(s).on_data(move |c, chunk| {
                append(got, chunk);
                let all = got.take();
                if all.len() == "What?What?".len() {
                    t.log(format!("client got {}", String::from_utf8_lossy(&all)));
                    c.end();
                }
                got.set(all);
            });
        })
        .unwrap();
    }
);

row!(
    net_socket_timeout,
    [
        "set 0ns",
        "set 1ms",
        "set 18446744073709551615.999999999s",
        "timeout open destroyed=false",
        "close",
    ],
    |t, l| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            for given in [ms(0), ms(1), Duration::MAX] {
                assert_eq!(c.set_timeout(given).timeout(), Some(given));
                t.log(format!("set {given:?}"));
            }
            c.set_timeout_once(ms(10), move |c| {
                let (state, destroyed) = (c.ready_state(), c.is_destroyed());
                t.log(format!("timeout {state} destroyed={destroyed}"));
                let id = c.id();
                // It lives until it is destroyed.
                c.event_loop().set_timeout(ms(10), move |l| {
                    let mut c = l.socket_at(id);
                    assert!(!c.is_destroyed());
                    c.destroy();
                });
            })
            .on_close(move |_, _| t.log("close"));
        })
        .unwrap();
    }
);

row!(
    net_socket_timeout_unref,
    ["3 connections", "ended, and none of them was closed"],
    |t, l| {
        let sockets = shared(Vec::new());
        let count = shared(0);
        let mut server = l.create_server(|c| {
            c.unref().resume();
            let server = c.server().unwrap();
            c.event_loop().server_at(server).unref();
        });
        server
            .listen((HOST, 0), move |s| {
                for _ in 0..3 {
                    let mut c = connect(s);
                    c.set_timeout_once(ms(60_000), |_| unreachable!());
                    c.on_connect(move |c| {
                        c.unref();
                        if count_up(count) == 3 {
                            t.log("3 connections");
                        }
                    });
                    let mut all = sockets.take();
                    all.push(c.id());
                    sockets.set(all);
                }
            })
            .unwrap();
        t.run(l);
        for id in sockets.take() {
            assert_eq!(l.socket_at(id).ready_state(), "open");
        }
        t.log("ended, and none of them was closed");
    }
);
