//! Connections that are refused, or cannot even be tried.

use netloop::{ConnectOptions, Loop};

use crate::stage::*;
use crate::story::*;

/// Connects so many times at once, and calls back when all of them have closed.
fn round(l: &mut Loop, port: u16, count: u32, then: impl FnOnce(&mut Loop, u32) + 'static) {
    let (errors, closes) = (shared(0), shared(0));
    let then = shared(Some(then));
    for _ in 0..count {
        l.connect((HOST, port), |_| unreachable!())
            .unwrap()
            .on_error(move |_, error| {
                assert_eq!(error.code(), Some("ECONNREFUSED"));
                count_up(errors);
            })
            .on_close(move |c, had_error| {
                assert_eq!(had_error, Some(true));
                if count_up(closes) == count {
                    then.take().expect("the last close")(c.event_loop(), errors.get());
                }
            });
    }
}

fn rounds(t: &'static Story, l: &mut Loop, port: u16, left: u32) {
    round(l, port, 50, move |l, errors| {
        t.log(format!("{errors} errors"));
        if left > 1 {
            rounds(t, l, port, left - 1);
        }
    });
}

row!(
    net_connect_econnrefused,
    [
        "50 errors",
        "50 errors",
        "50 errors",
        "50 errors",
        "50 errors",
        "nothing is left",
    ],
    |t, l| {
        rounds(t, l, refusing_port(HOST), 5);
        t.run(l);
        assert!(!l.is_alive());
        t.log("nothing is left");
    }
);

row!(
    net_connect_handle_econnrefused,
    ["connecting=true", "error ECONNREFUSED connecting=false"],
    |t, l| {
        let mut c = l
            .connect((HOST, refusing_port(HOST)), |_| unreachable!())
            .unwrap();
        c.on_error(move |c, error| {
            let (code, connecting) = (error.code().unwrap(), c.is_connecting());
            t.log(format!("error {code} connecting={connecting}"));
        });
        t.log(format!("connecting={}", c.is_connecting()));
    }
);

row!(
    net_connect_local_error,
    ["ECONNREFUSED connect 127.0.0.9 and its port"],
    |t, l| {
        let port = refusing_port(HOST);
        // Ours at 127.0.0.1, so that nobody has it at all addresses; 127.0.0.9 is this test's own.
        let local = refusing_port(HOST);
        let options = ConnectOptions::from((HOST, port))
            .local_address("127.0.0.9".parse().unwrap())
            .local_port(local);
        let mut c = l.connect(options, |_| unreachable!()).unwrap();
        c.on_error(move |_, error| {
            let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
            let address = error.local_address().unwrap();
            assert_eq!(error.local_port(), Some(local));
            assert_eq!(error.port(), Some(i32::from(port)));
            let end = format!(" - Local ({address}:{local})");
            assert!(error.to_string().ends_with(&end), "{error}");
            t.log(format!("{code} {syscall} {address} and its port"));
        });
    }
);

row!(net_client_bind_twice, ["EADDRINUSE bind"], |t, l| {
    l.create_server(|_| unreachable!())
        .listen((HOST, 0), move |first| {
            let (id, taken) = (first.id(), first.port().unwrap());
            first
                .event_loop()
                .create_server(|_| unreachable!())
                .listen((HOST, 0), move |second| {
                    let other = second.id();
                    let options = ConnectOptions::from((HOST, second.port().unwrap()))
                        .local_address(HOST.parse().unwrap())
                        .local_port(taken);
                    let l = second.event_loop();
                    let mut c = l.connect(options, |_| unreachable!()).unwrap();
                    c.on_error(move |c, error| {
                        let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
                        t.log(format!("{code} {syscall}"));
                        c.event_loop().server_at(id).close();
                        c.event_loop().server_at(other).close();
                    });
                })
                .unwrap();
        })
        .unwrap();
});

row!(
    net_socket_reset_twice,
    ["error ECONNREFUSED connect", "close hadError=true"],
    |t, l| {
        let port = refusing_port(HOST);
        let mut c = l.connect((HOST, port), |_| unreachable!()).unwrap();
        watch(t, "socket", &mut c, "connect").on_error(move |c, error| {
            t.log(format!("error {}", errs(error)));
            c.reset_and_destroy().unwrap();
        });
        c.on_close(move |_, had_error| t.log(format!("close hadError={}", undefined(had_error))));
    }
);
