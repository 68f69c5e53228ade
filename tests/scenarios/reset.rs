//! `reset-*`: ending so that the peer is told of a reset.

use netloop::{ServerOptions, Socket};

use crate::story::*;

twin!(reset_after_end, |t, l| {
    l.create_server_with(ServerOptions::default().allow_half_open(true), move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT)
            .on_connect(move |c| {
                c.end_with("bye");
            })
            .on_finish(move |c| {
                let id = c.id();
                c.event_loop().set_timeout(ms(20), move |l| {
                    l.socket_at(id).reset_and_destroy().unwrap();
                });
            });
    })
    .unwrap();
});

twin!(reset_basic, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            let id = c.id();
            c.event_loop().set_timeout(ms(10), move |l| {
                let mut c = l.socket_at(id);
                c.reset_and_destroy().unwrap();
                t.log(format!(
                    "main returns-this=true destroyed={}",
                    c.is_destroyed()
                ));
            });
        });
    })
    .unwrap();
});

twin!(reset_connecting, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, DEFAULT)
            .reset_and_destroy()
            .unwrap();
        t.log(format!("main destroyed={}", c.is_destroyed()));
    })
    .unwrap();
});

twin!(reset_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |c| {
        c.end().resume();
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let connected = move |c: &mut Socket<'_>| {
            let error = c.reset_and_destroy().err().unwrap();
            t.log(format!("throws {} {error}", error.code().unwrap()));
        };
        let mut c = s.event_loop().connect(&path, connected).unwrap();
        watch(t, "client", &mut c, "end close").resume();
    })
    .unwrap();
});

twin!(reset_error_props, |t, l| {
    l.create_server(|c| {
        c.once_data(|c, _| _ = c.reset_and_destroy().unwrap());
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "end close")
            .on_error(move |_, e| {
                let (code, errno) = (e.code().unwrap(), e.errno().unwrap());
                let (syscall, address) = (e.syscall().unwrap(), undefined(e.address()));
                let port = undefined(e.port());
                t.log(format!(
                    "props {code} {errno} {syscall} {address} {port} {e}"
                ));
            })
            .resume()
            .on_connect(|c| _ = c.write("x"));
    })
    .unwrap();
});

twin!(reset_unconnected, |t, l| {
    let mut c = l.socket();
    let id = watch(t, "client", &mut c, DEFAULT).id();
    let same = c.reset_and_destroy().unwrap().id() == id;
    t.log(format!("this {same} {}", c.is_destroyed()));
});
