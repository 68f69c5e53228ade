//! `happy-eyeballs-*` and `option-*`: several addresses for one name, and the options of a
//! connection.

use std::net::IpAddr;

use netloop::{ConnectOptions, Error, LookupRequest, Loop, Socket};

use crate::peers::silent_at;
use crate::story::*;

/// A lookup that answers these addresses.
fn answering(addresses: &'static [&'static str]) -> impl FnMut(&mut Loop, LookupRequest) {
    move |l, request| {
        let parse = |address: &&str| address.parse::<IpAddr>().unwrap();
        l.answer_lookup(request.id, Ok(addresses.iter().map(parse).collect()));
    }
}

fn named(port: u16, addresses: &'static [&'static str]) -> ConnectOptions {
    ConnectOptions::from(("x.test", port)).lookup(answering(addresses))
}

fn attempts(c: &Socket<'_>, port: u16) -> String {
    let port = format!(":{port}");
    let attempted = c
        .auto_select_family_attempted_addresses()
        .unwrap_or_default();
    let shown = |one: &String| format!("{:?}", one.replace(&port, ":PORT"));
    format!(
        "[{}]",
        attempted.iter().map(shown).collect::<Vec<_>>().join(",")
    )
}

const ALL: &str = "lookup connectionAttempt connectionAttemptFailed connectionAttemptTimeout \
                   connect ready error close";

fn shown(errors: &[Error]) -> String {
    let one = |error: &Error| {
        let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
        format!("\"{code}/{syscall}/{}\"", error.address().unwrap())
    };
    format!("[{}]", errors.iter().map(one).collect::<Vec<_>>().join(","))
}

twin!(happy_eyeballs_all_refused, |t, l| {
    closed_port(l, move |l, port| {
        let mut c = l.connect(named(port, &["::1", HOST]), move |_| {}).unwrap();
        let events = "lookup connectionAttempt connectionAttemptFailed connectionAttemptTimeout \
                      connect error close";
        watch(t, "client", &mut c, events).on_error(move |_, error| {
            let (name, code) = (error.name(), error.code().unwrap());
            t.log(format!(
                "props {name} {name} {code} \"\" {}",
                shown(error.errors())
            ));
        });
    });
});

twin!(happy_eyeballs_first_refused, |t, l| {
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s
            .event_loop()
            .connect(named(port, &["::1", HOST]), move |_| {})
            .unwrap();
        watch(t, "client", &mut c, ALL)
            .resume()
            .on_connect(move |c| {
                let attempts = attempts(c, port);
                t.log(format!(
                    "attempted {attempts} {}",
                    c.remote_address().unwrap()
                ));
            });
    })
    .unwrap();
});

twin!(happy_eyeballs_off, |t, l| {
    closed_port(l, move |l, port| {
        let lookup = move |l: &mut Loop, request: LookupRequest| {
            assert!(!request.all && request.family == 0);
            t.log(format!("lookup-options {{\"hints\":{}}}", request.hints));
            l.answer_lookup(request.id, Ok(vec![HOST.parse().unwrap()]));
        };
        let options = ConnectOptions::from(("x.test", port))
            .auto_select_family(false)
            .lookup(lookup);
        let mut c = l.connect(options, move |_| {}).unwrap();
        let events = "lookup connectionAttempt connectionAttemptFailed error close";
        watch(t, "client", &mut c, events).on_error(move |_, error| {
            let message = error.to_string().replace(&port.to_string(), "PORT");
            t.log(format!("props {} {message}", error.name()));
        });
    });
});

twin!(happy_eyeballs_two_first_ok, |t, l| {
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s
            .event_loop()
            .connect(named(port, &[HOST, "::1"]), move |_| {})
            .unwrap();
        watch(t, "client", &mut c, ALL)
            .resume()
            .on_connect(move |c| t.log(format!("attempted {}", attempts(c, port))));
    })
    .unwrap();
});

twin!(happy_eyeballs_timeout, |t, l| {
    let (silent, waiting) = silent_at([127, 0, 0, 2].into());
    let port = silent.address().port();
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen(("127.0.0.3", port), move |s| {
        let options =
            named(port, &["127.0.0.2", "127.0.0.3"]).auto_select_family_attempt_timeout(ms(50));
        let mut c = s.event_loop().connect(options, move |_| {}).unwrap();
        let events = "connectionAttempt connectionAttemptFailed connectionAttemptTimeout connect \
                      ready error close";
        watch(t, "client", &mut c, events).resume();
    })
    .unwrap();
    t.run(l);
    drop((silent, waiting));
});

twin!(happy_eyeballs_timeout_all, |t, l| {
    let (silent, waiting) = silent_at([127, 0, 0, 2].into());
    let options = named(silent.address().port(), &["127.0.0.2", "127.0.0.3"])
        .auto_select_family_attempt_timeout(ms(50));
    let mut c = l.connect(options, move |_| {}).unwrap();
    let events = "connectionAttempt connectionAttemptFailed connectionAttemptTimeout connect \
                  ready error close";
    watch(t, "client", &mut c, events).on_error(move |_, error| {
        t.log(format!(
            "errors {} {}",
            error.code().unwrap(),
            shown(error.errors())
        ));
    });
    t.run(l);
    drop((silent, waiting));
});

twin!(option_signal, |t, l| {
    l.create_server(move |c| {
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let signal = s.event_loop().abort_handle();
        let options = ConnectOptions::from((HOST, port)).signal(signal);
        let mut c = s.event_loop().connect(options, move |_| {}).unwrap();
        watch(t, "client", &mut c, "connect error close")
            .on_error(move |_, error| {
                t.log(format!("props {} {}", error.name(), error.code().unwrap()));
            })
            .on_connect(move |c| {
                c.event_loop().abort(signal);
                t.log(format!("main after-abort {}", c.is_destroyed()));
            })
            .resume();
    })
    .unwrap();
});

twin!(option_socket_fd, Real::Descriptors, |t, l| {
    l.create_server(move |c| {
        c.on_error(move |_, _| {}).end_with("hi").resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |a| {
                let fd = a.pause().duplicate_fd().unwrap();
                let mut c = a.event_loop().socket_from_fd(fd).unwrap();
                c.on_error(move |_, _| {});
                let (state, pending) = (c.ready_state(), c.is_pending());
                let remote = c.remote_address().unwrap();
                t.log(format!("fd {state} pending={pending} {remote}"));
                c.destroy();
                a.destroy();
            })
            .on_error(move |_, _| {});
    })
    .unwrap();
});

twin!(happy_eyeballs_order, |t, l| {
    closed_port(l, move |l, port| {
        let lookup = answering(&["127.0.0.1", "127.0.0.2", "127.0.0.1", "::1"]);
        let options = ConnectOptions::from(("many.test", port)).lookup(lookup);
        let mut c = l.connect(options, |_| {}).unwrap();
        let events = "lookup connectionAttempt connectionAttemptFailed error close";
        watch(t, "client", &mut c, events).on_error(move |_, e| {
            let (name, code) = (e.name(), e.code().unwrap());
            t.log(format!("props {name} {code} {}", e.errors().len()));
        });
    });
});
