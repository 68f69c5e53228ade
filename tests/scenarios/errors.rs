//! `error-*`: what goes wrong, and the code, the words and the order of telling it.

use netloop::{ConnectOptions, Error, LookupId, Loop, Socket};

use crate::story::*;

fn told(t: &'static Story, name: &'static str) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| t.log(format!("{name} {}", result.unwrap_err().code().unwrap()))
}

fn uncaught(t: &'static Story) {
    t.on_uncaught(|_, thrown| match thrown {
        Thrown::Panic(text) => t.log(format!("process uncaughtException {text}")),
        Thrown::Error(error) => panic!("{error}"),
    });
}

twin!(error_econnrefused_write, |t, l| {
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), move |_| {}).unwrap();
        watch(t, "client", &mut c, "connect error close");
        c.write_then("x", told(t, "cb"));
        c.write_then("y", told(t, "cb-2"));
        c.end_then(told(t, "end-cb"));
    });
});

twin!(error_econnrefused, |t, l| {
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), move |_| {}).unwrap();
        let events = "connectionAttempt connectionAttemptFailed connect error end finish close";
        watch(t, "client", &mut c, events)
            .on_error(move |c, e| {
                let (code, syscall) = (e.code().unwrap(), e.syscall().unwrap());
                let (address, same) = (e.address().unwrap(), e.port() == Some(port.into()));
                let message = e.to_string().replace(&port.to_string(), "PORT");
                let (errno, name) = (e.errno().unwrap(), e.name());
                t.log(format!(
                    "props {code} {syscall} {address} {same} {errno} {message} {name}"
                ));
                let (destroyed, connecting) = (c.is_destroyed(), c.is_connecting());
                t.log(format!(
                    "state {destroyed} {connecting} {}",
                    c.ready_state()
                ));
            })
            .on_connection_attempt_failed(move |c, _, _| {
                t.log(format!("failed-state destroyed={}", c.is_destroyed()));
                c.event_loop()
                    .set_immediate(move |_| t.log("main immediate"));
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    });
});

twin!(error_lookup_destroyed, |t, l| {
    let asked = shared(None::<LookupId>);
    let mut c = l.socket();
    let id = c.id();
    watch(
        t,
        "client",
        &mut c,
        "lookup connectionAttempt connect error close",
    );
    let lookup = move |_: &mut Loop, request: netloop::LookupRequest| asked.set(Some(request.id));
    let options = ConnectOptions::from(("slow.test", 1)).lookup(lookup);
    c.on_close(move |c, _| {
        c.event_loop().set_immediate(move |l| {
            l.answer_lookup(asked.get().unwrap(), Ok(vec![HOST.parse().unwrap()]));
            t.log("main lookup-answered");
            l.set_timeout(ms(20), move |_| t.log("main quiet"));
        });
    });
    c.connect(options, move |_| {}).unwrap();
    l.set_immediate(move |l| {
        l.socket_at(id).destroy();
        t.log("main destroyed");
    });
});

twin!(error_lookup, |t, l| {
    let mut c = l.socket();
    watch(
        t,
        "client",
        &mut c,
        "lookup connectionAttempt connect error close",
    );
    let lookup = move |l: &mut Loop, request: netloop::LookupRequest| {
        l.set_immediate(move |l| {
            l.answer_lookup(request.id, Err(Error::not_found(&request.host)));
            l.next_tick(move |_| t.log("main nextTick"));
        });
    };
    c.connect(
        ConnectOptions::from(("nosuch.test", 1)).lookup(lookup),
        move |_| {},
    )
    .unwrap();
});

twin!(error_throw_in_connection, |t, l| {
    uncaught(t);
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
        panic!("in-connection");
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.end_with("x");
        });
    })
    .unwrap();
});

twin!(error_throw_in_data, |t, l| {
    uncaught(t);
    l.create_server(move |c| {
        c.write("one");
        let id = c.id();
        c.event_loop().set_timeout(ms(300), move |l| {
            l.socket_at(id).end_with("two");
        });
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let n = shared(0);
        watch(t, "client", &mut connect(s), DEFAULT)
            .on_data(move |c, _| {
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
                c.event_loop()
                    .set_immediate(move |_| t.log("main immediate"));
                if count_up(n) == 1 {
                    panic!("in-data");
                }
            })
            .on_data(move |_, _| t.log("client second-data-listener"));
    })
    .unwrap();
});

twin!(error_econnrefused_unix, Real::Files, |t, l| {
    let path = t.sock_path("file");
    std::fs::write(&path, "").unwrap();
    let mut c = l.socket();
    let events = "connectionAttemptFailed connect error close";
    watch(t, "client", &mut c, events)
        .connect(&path, |_| {})
        .unwrap();
    markers(t, l, "main");
});

twin!(error_unhandled, |t, l| {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Error(error) = thrown else {
            panic!("nothing panics")
        };
        t.log(format!("uncaughtException {}", errs(&error)));
    });
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), |_| {}).unwrap();
        c.on_close(move |_, e| t.log(format!("client close {}", e.unwrap())))
            .on_connection_attempt_failed(move |c, _, _| {
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    });
});
