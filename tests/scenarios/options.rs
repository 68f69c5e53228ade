//! `option-*` and `pipe-*`: what is set before a socket connects, and sockets joined to one another.

use netloop::{ConnectOptions, ServerOptions, Socket};

use crate::story::*;

twin!(option_before_connect, |t, l| {
    l.create_server(|c| {
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().socket();
        let id = c.id();
        let same = |c: &mut Socket<'_>| c.id() == id;
        let told = [
            same(c.set_no_delay(true)),
            same(c.set_keep_alive(true, ms(1000))),
            same(c.set_timeout(ms(5000))),
            same(c.unref()),
            same(c.ref_()),
        ];
        t.log(format!(
            "this {}",
            told.map(|same| same.to_string()).join(" ")
        ));
        let timeout = |c: &Socket<'_>| c.timeout().unwrap().as_millis();
        c.connect((HOST, port), move |c| {
            t.log(format!("client connect {}", timeout(c)));
        })
        .unwrap()
        .on_close(move |c, _| t.log(format!("client close {}", timeout(c))))
        .resume();
    })
    .unwrap();
});

twin!(option_hwm, |t, l| {
    let marks = |c: &Socket<'_>| {
        let (readable, writable) = (c.readable_high_water_mark(), c.writable_high_water_mark());
        format!("{readable} {writable}")
    };
    l.create_server_with(ServerOptions::default().high_water_mark(1000), move |c| {
        t.log(format!("peer {}", marks(c)));
        c.end().resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let options = ConnectOptions::from((HOST, s.port().unwrap())).high_water_mark(5);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        t.log(format!("client {}", marks(&c)));
        let wrote = [c.write("1234"), c.write("5")];
        let (need, length) = (c.writable_need_drain(), c.writable_length());
        t.log(format!("write {} {} {need} {length}", wrote[0], wrote[1]));
        c.on_drain(move |_| t.log("client drain")).resume();
    })
    .unwrap();
});

twin!(pipe_no_end, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        let id = c.id();
        watch(t, "peer", c, "end finish close")
            .on_unpipe(move |_, _| t.log("peer unpipe"))
            .pipe_without_end(id)
            .on_end(move |c| {
                c.event_loop().set_timeout(ms(20), move |l| {
                    let mut c = l.socket_at(id);
                    let (writable, state) = (c.is_writable(), c.ready_state());
                    t.log(format!("peer open {writable} {state}"));
                    c.end_with("bye");
                });
            });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "data end close").on_connect(|c| _ = c.end_with("x"));
    })
    .unwrap();
});

twin!(pipe_proxy, |t, l| {
    let proxy = move |l: &mut netloop::Loop, origin: u16| {
        l.create_server(move |c| {
            let id = c.id();
            let mut up = c.event_loop().connect((HOST, origin), |_| {}).unwrap();
            let up = up.pipe(id).on_close(move |_, _| t.log("up close")).id();
            c.pipe(up);
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(|c| _ = c.write("question"))
                .on_data(move |c, chunk| {
                    t.log(format!("client got {}", String::from_utf8_lossy(chunk)));
                    c.end();
                })
                .on_end(move |_| t.log("client end"))
                .on_close(move |_, e| t.log(format!("client close {}", e.unwrap())));
        })
        .unwrap();
    };
    l.create_server(move |c| {
        c.on_data(move |c, chunk| {
            t.log(format!("origin got {}", String::from_utf8_lossy(chunk)));
            c.write("answer");
        })
        .on_end(move |_| t.log("origin end"));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let origin = s.port().unwrap();
        proxy(s.event_loop(), origin);
    })
    .unwrap();
});
