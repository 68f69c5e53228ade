//! Names: the lookup, what it tells, and what happens when it comes too late.

use std::net::IpAddr;

use netloop::{ConnectOptions, Error, ListenOptions, LookupId, LookupRequest, Loop, Socket};

use crate::stage::*;
use crate::story::*;

fn named(port: u16, addresses: &'static [&'static str]) -> ConnectOptions {
    ConnectOptions::from(("x.test", port)).lookup(answering(addresses))
}

row!(
    net_dns_custom_lookup,
    [
        "client lookup err=null 127.0.0.1 4 x.test",
        "client connect",
        "client lookup err=null ::1 6 x.test",
        "client connect",
    ],
    |t, l| {
        for (host, addresses) in [(HOST, &[HOST] as &[&str]), ("::1", &["::1"])] {
            farewell(l, host, move |s| {
                let port = s.port().unwrap();
                let mut c = s.event_loop().connect_to(named(port, addresses)).unwrap();
                watch(t, "client", c.resume(), "lookup connect");
            });
            t.run(l);
        }
    }
);

row!(
    net_dns_error,
    [
        "lookup ENOTFOUND None x.test",
        "error ENOTFOUND getaddrinfo x.test getaddrinfo ENOTFOUND x.test",
        "close Some(true)",
    ],
    |t, l| {
        let lookup = |l: &mut Loop, request: LookupRequest| {
            l.answer_lookup(request.id, Err(Error::not_found(&request.host)));
        };
        let options = ConnectOptions::from(("x.test", 1)).lookup(lookup);
        l.connect(options, |_| unreachable!())
            .unwrap()
            .on_lookup(move |_, lookup| {
                let error = lookup.error.as_ref().unwrap().code().unwrap();
                t.log(format!(
                    "lookup {error} {:?} {}",
                    lookup.address, lookup.host
                ));
            })
            .on_error(move |_, error| {
                let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
                let host = error.hostname().unwrap();
                t.log(format!("error {code} {syscall} {host} {error}"));
            })
            .on_close(move |_, had_error| t.log(format!("close {had_error:?}")));
    }
);

row!(net_dns_lookup_skip, ["127.0.0.1", "::1"], |t, l| {
    for host in [HOST, "::1"] {
        farewell(l, host, move |s| {
            let port = s.port().unwrap();
            let mut c = s.event_loop().connect_to((host, port)).unwrap();
            c.on_lookup(|_, _| unreachable!())
                .on_connect(move |_| t.log(host))
                .resume();
        });
        t.run(l);
    }
});

row!(
    net_dns_lookup,
    ["lookup error=false 127.0.0.1 4 localhost"],
    |t, l| {
        l.set_lookup(answering(&[HOST]));
        farewell(l, HOST, move |s| {
            let port = s.port().unwrap();
            let mut c = s.event_loop().connect_to(port).unwrap();
            c.resume().on_lookup(move |_, lookup| {
                let (error, address) = (lookup.error.is_some(), lookup.address.unwrap());
                let family = if address.is_ipv4() { 4 } else { 6 };
                let host = &lookup.host;
                t.log(format!("lookup error={error} {address} {family} {host}"));
            });
        });
    }
);

row!(
    net_connect_options_ipv6,
    ["asked for family 6", "server end IPv6", "client end IPv6",],
    |t, l| {
        l.create_server(move |c| {
            assert_eq!(c.remote_address(), Some("::1".parse().unwrap()));
            c.on_end(move |c| {
                let family = c.remote_family().unwrap();
                t.log(format!("server end {family}"));
            });
            c.resume();
            close_server(c);
        })
        .listen(("::1", 0), move |s| {
            let lookup = move |l: &mut Loop, request: LookupRequest| {
                t.log(format!("asked for family {}", request.family));
                let six: IpAddr = "::1".parse().unwrap();
                l.answer_lookup(request.id, Ok(vec![six]));
            };
            let options = ConnectOptions::from(("x.test", s.port().unwrap()))
                .family(6)
                .lookup(lookup);
            let ending = |c: &mut Socket<'_>| {
                assert_eq!(c.remote_family(), Some("IPv6"));
                c.end();
            };
            let mut c = s.event_loop().connect(options, ending).unwrap();
            c.resume().on_end(move |c| {
                let family = c.remote_family().unwrap();
                t.log(format!("client end {family}"));
            });
        })
        .unwrap();
    }
);

/// A lookup that is answered by [`answer_late`].
fn silent(
    asked: &'static std::cell::Cell<Option<LookupId>>,
) -> impl FnMut(&mut Loop, LookupRequest) {
    move |_, request| asked.set(Some(request.id))
}

row!(
    net_connect_after_destroy,
    [
        "at once: close Some(false)",
        "when asked: close Some(false)",
        "answered too late",
    ],
    |t, l| {
        let asked = shared(None);
        l.set_lookup(silent(asked));
        destroyed(t, l, "at once").destroy();
        t.run(l);
        assert!(asked.take().is_none(), "the tick that asks came too late");
        let id = destroyed(t, l, "when asked").id();
        l.set_immediate(move |l| {
            l.socket_at(id).destroy();
            let lookup = asked.take().expect("the lookup was asked in a tick");
            l.set_immediate(move |l| {
                l.answer_lookup(lookup, Ok(vec![HOST.parse().unwrap()]));
                t.log("answered too late");
            });
        });
    }
);

/// A socket that connects by name, and comes no further than that.
fn destroyed<'l>(t: &'static Story, l: &'l mut Loop, when: &'static str) -> Socket<'l> {
    let mut c = l.connect(("x.test", 1), |_| unreachable!()).unwrap();
    c.on_lookup(|_, _| unreachable!())
        .on_connection_attempt(|_, _| unreachable!())
        .on_close(move |_, had_error| t.log(format!("{when}: close {had_error:?}")));
    c
}

row!(
    net_connect_immediate_finish,
    [
        "lookup ENOTFOUND",
        "error ENOTFOUND getaddrinfo x.test",
        "close Some(true)",
    ],
    |t, l| {
        let asked = shared(None);
        l.set_lookup(silent(asked));
        l.connect(("x.test", 1), |_| unreachable!())
            .unwrap()
            .on_connect(|_| unreachable!())
            .on_lookup(move |_, lookup| {
                let error = lookup.error.as_ref().unwrap();
                t.log(format!("lookup {}", error.code().unwrap()));
            })
            .on_error(move |_, error| {
                let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
                t.log(format!(
                    "error {code} {syscall} {}",
                    error.hostname().unwrap()
                ));
            })
            .on_close(move |_, had_error| t.log(format!("close {had_error:?}")))
            .end();
        l.set_immediate(move |l| {
            let lookup = asked.take().expect("the lookup was asked in a tick");
            l.answer_lookup(lookup, Err(Error::not_found("x.test")));
        });
    }
);

row!(
    net_server_close_before_calling_lookup_callback,
    ["close", "answered too late"],
    |t, l| {
        let asked = shared(None);
        l.set_lookup(silent(asked));
        let mut server = l.create_server(|_| unreachable!());
        server
            .on_error(|_, _| unreachable!())
            .on_close(move |_| t.log("close"))
            .listen(ListenOptions::from(("x.test", 0)), |_| unreachable!())
            .unwrap();
        let id = server.id();
        l.set_immediate(move |l| {
            l.server_at(id).close();
            let lookup = asked.take().expect("the lookup was asked in a tick");
            l.set_immediate(move |l| {
                l.answer_lookup(lookup, Ok(vec![HOST.parse().unwrap()]));
                t.log("answered too late");
            });
        });
    }
);
