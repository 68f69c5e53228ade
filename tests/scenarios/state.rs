//! `state-*` and `socket-*`: what can be asked.

use netloop::Socket;

use crate::story::*;

fn addresses(c: &mut Socket<'_>) -> String {
    let field = |name: &str, value: Option<String>| {
        value.map_or(String::new(), |value| format!(",\"{name}\":\"{value}\""))
    };
    let kind = |port: Option<u16>| {
        if port.is_some() {
            "number"
        } else {
            "undefined"
        }
    };
    let address = c.address().map_or("{}".into(), |address| {
        let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        let ip = address.ip();
        format!(r#"{{"address":"{ip}","family":"{family}","port":N}}"#)
    });
    let la = field("la", c.local_address().map(|ip| ip.to_string()));
    let lf = field("lf", c.local_family().map(str::to_owned));
    let ra = field("ra", c.remote_address().map(|ip| ip.to_string()));
    let rf = field("rf", c.remote_family().map(str::to_owned));
    let (lp, rp) = (kind(c.local_port()), kind(c.remote_port()));
    format!(r#"{{"address":{address}{la},"lp":"{lp}"{lf}{ra},"rp":"{rp}"{rf}}}"#)
}

twin!(state_addresses, |t, l| {
    l.create_server(move |c| {
        t.log(format!("peer connection {}", addresses(c)));
        c.on_close(move |c, _| t.log(format!("peer close {}", addresses(c))))
            .resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().socket();
        t.log(format!("client new {}", addresses(&mut c)));
        c.connect((HOST, port), move |_| {}).unwrap();
        t.log(format!("client connecting {}", addresses(&mut c)));
        c.on_connect(move |c| {
            t.log(format!("client connect {}", addresses(c)));
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                l.set_immediate(move |l| {
                    l.socket_at(id).end();
                });
            });
        })
        .on_end(move |c| t.log(format!("client end {}", addresses(c))))
        .on_close(move |c, _| t.log(format!("client close {}", addresses(c))))
        .resume();
    })
    .unwrap();
});

twin!(state_addresses_unix, |t, l| {
    let path = t.sock_path("s");
    let shown = move |c: &mut Socket<'_>| {
        assert_eq!((c.address(), c.peer()), (None, None));
        r#"{"address":{}}"#
    };
    l.create_server(move |c| {
        t.log(format!("peer {}", shown(c)));
        c.resume();
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let connected = move |c: &mut Socket<'_>| {
            t.log(format!("client {}", shown(c)));
            c.end();
        };
        s.event_loop().connect(&path, connected).unwrap().resume();
    })
    .unwrap();
});

twin!(state_bytes, |t, l| {
    let bytes = move |c: &Socket<'_>| format!("{} {}", c.bytes_read(), c.bytes_written());
    l.create_server(move |c| {
        c.on_data(move |_, _| {}).write("12345");
        c.on_end(move |c| t.log(format!("peer end {}", bytes(c))))
            .on_close(move |c, _| t.log(format!("peer close {}", bytes(c))));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        t.log(format!("client start {}", bytes(&c)));
        c.write("abc");
        t.log(format!("client queued {}", bytes(&c)));
        c.on_data(move |c, _| {
            t.log(format!("client data {}", bytes(c)));
            c.end_with("é");
            t.log(format!("client ended {}", bytes(c)));
        })
        .on_close(move |c, _| t.log(format!("client close {}", bytes(c))));
    })
    .unwrap();
});

fn state(c: &Socket<'_>) -> String {
    format!(
        "{} connecting={} pending={} readable={} writable={} destroyed={} closed={}",
        c.ready_state(),
        c.is_connecting(),
        c.is_pending(),
        c.is_readable(),
        c.is_writable(),
        c.is_destroyed(),
        c.is_closed()
    )
}

twin!(state_readystate, |t, l| {
    l.create_server(move |c| {
        t.log(format!("peer connection {}", state(c)));
        c.on_end(move |c| t.log(format!("peer end {}", state(c))))
            .on_finish(move |c| t.log(format!("peer finish {}", state(c))))
            .on_close(move |c, _| t.log(format!("peer close {}", state(c))))
            .resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().socket();
        t.log(format!("client new {}", state(&c)));
        c.connect((HOST, port), move |_| {}).unwrap();
        t.log(format!("client after-connect() {}", state(&c)));
        c.on_connect(move |c| {
            t.log(format!("client connect {}", state(c)));
            c.end();
            t.log(format!("client after-end() {}", state(c)));
        })
        .on_finish(move |c| t.log(format!("client finish {}", state(c))))
        .on_end(move |c| t.log(format!("client end {}", state(c))))
        .on_close(move |c, _| t.log(format!("client close {}", state(c))))
        .resume();
    })
    .unwrap();
});

twin!(state_server_prop, |t, l| {
    let server = shared(None);
    l.create_server(move |c| {
        let (same, half_open) = (c.server() == server.get(), c.allow_half_open());
        let timeout = undefined(c.timeout().map(move |timeout| timeout.as_millis()));
        t.log(format!(
            "server-prop {same} timeout={timeout} allowHalfOpen={half_open}"
        ));
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        server.set(Some(s.id()));
        let mut c = connect(s);
        let of = if c.server().is_none() {
            "null"
        } else {
            "a server"
        };
        t.log(format!("client {of} allowHalfOpen={}", c.allow_half_open()));
        c.resume();
    })
    .unwrap();
});

twin!(socket_ref, |t, l| {
    l.create_server(move |c| {
        c.unref().resume();
    })
    .listen((HOST, 0), move |s| {
        s.unref();
        connect(s)
            .on_connect(move |c| {
                t.log("client connect");
                let id = c.id();
                c.event_loop().set_timeout(ms(30), move |l| {
                    t.log("timer unref");
                    l.socket_at(id).unref();
                });
            })
            .on_close(move |_, _| t.log("client close"))
            .resume();
    })
    .unwrap();
    t.run(l);
    t.log("process beforeExit");
    t.log("process exit");
});

twin!(socket_unref_before_connect, |t, l| {
    l.create_server(move |c| {
        c.unref().resume();
    })
    .unref()
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |_| t.log("client connect"))
            .unref();
        t.log("main unref");
    })
    .unwrap();
    t.run(l);
    t.log("process beforeExit");
    t.log("process exit");
});
