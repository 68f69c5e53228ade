//! Connecting: what is seen before, at and after `connect`, and what a connection can be told.

use std::path::PathBuf;

use netloop::{ConnectOptions, Encoding, Server, Socket};

use crate::stage::*;
use crate::story::*;

/// Tells how far a socket has come.
fn stage_of(c: &Socket<'_>) -> String {
    format!(
        "pending={} connecting={} {} written={}",
        c.is_pending(),
        c.is_connecting(),
        c.ready_state(),
        c.bytes_written()
    )
}

/// Two writes before the connection: of text with characters of several bytes, and of `second`.
fn write_while_connecting(t: &'static Story, s: &mut Server<'_>, second: &'static [u8]) {
    let mut c = connect(s);
    t.log(stage_of(&c));
    c.write_then("L’État, c’est ", move |c, result| {
        result.unwrap();
        t.log(format!("first {}", stage_of(c)));
    });
    c.write_then(second, move |c, _| t.log(format!("second {}", stage_of(c))));
    t.log(stage_of(&c));
    c.on_connect(move |c| {
        t.log(format!("connected {}", stage_of(c)));
        c.write_then("!", move |_, _| t.log("third"));
        c.end();
    });
}

fn tell_all(t: &'static Story, c: &mut Socket<'_>) {
    c.set_encoding(Encoding::Utf8);
    collect(c, move |c, all| {
        t.log(format!("server got {}", String::from_utf8(all).unwrap()));
        close_server(c);
    });
}

row!(
    net_connect_buffer,
    [
        "pending=true connecting=true opening written=0",
        "pending=true connecting=true opening written=22",
        "first pending=false connecting=false open written=22",
        "connected pending=false connecting=false open written=22",
        "second pending=false connecting=false readOnly written=23",
        "third",
        "server got L’État, c’est moi!",
    ],
    |t, l| {
        l.create_server(move |c| tell_all(t, c))
            .listen((HOST, 0), move |s| {
                write_while_connecting(t, s, b"moi");
            })
            .unwrap();
    }
);

row!(
    net_connect_buffer2,
    [
        "pending=true connecting=true opening written=0",
        "pending=true connecting=true opening written=24",
        "first pending=false connecting=false open written=24",
        "connected pending=false connecting=false open written=24",
        "second pending=false connecting=false readOnly written=25",
        "third",
        "server got L’État, c’est été!",
    ],
    |t, l| {
        l.create_server(move |c| tell_all(t, c))
            .listen((HOST, 0), move |s| {
                write_while_connecting(t, s, "été".as_bytes());
            })
            .unwrap();
    }
);

row!(
    net_write_connect_write,
    ["server got before after"],
    |t, l| {
        l.create_server(move |c| tell_all(t, c))
            .listen((HOST, 0), move |s| {
                let mut c = connect(s);
                c.write("before ");
                c.on_connect(|c| {
                    c.write("after");
                    c.end();
                });
            })
            .unwrap();
    }
);

row!(net_socket_connect_without_cb, ["connect"], |t, l| {
    farewell(l, HOST, move |s| {
        let address = s.address().unwrap();
        let mut c = s.event_loop().connect_to(address).unwrap();
        c.on_connect(move |_| t.log("connect")).resume();
    });
});

row!(net_socket_ready_without_cb, ["connect", "ready"], |t, l| {
    farewell(l, HOST, move |s| {
        let mut c = connect(s);
        c.on_connect(move |_| t.log("connect"))
            .on_ready(move |_| t.log("ready"))
            .resume();
    });
});

row!(
    net_socket_end_before_connect,
    ["close hadError=Some(false)"],
    |t, l| {
        farewell(l, HOST, move |s| {
            connect(s)
                .on_close(move |_, had_error| t.log(format!("close hadError={had_error:?}")))
                .resume()
                .end();
        });
    }
);

row!(
    net_connect_options_path,
    ["12 forms have connected, with 6 callbacks"],
    |t, l| {
        let path = t.sock_path("s");
        let (called, connected, closed) = (shared(0), shared(0), shared(0));
        let mut server = l.create_server(|c| {
            c.end().resume();
        });
        let id = server.id();
        let text = path.to_str().unwrap().to_owned();
        server
            .listen(path.clone(), move |s| {
                for form in 0..12 {
                    let options = form_of(form % 6, &path, &text);
                    let callback = move |_: &mut Socket<'_>| _ = count_up(called);
                    let l = s.event_loop();
                    // The loop's own way without a callback, a socket's with one.
                    let mut c = if form < 6 {
                        l.connect_to(options).unwrap()
                    } else {
                        let id = l.socket().id();
                        l.socket_at(id).connect(options, callback).unwrap();
                        l.socket_at(id)
                    };
                    c.resume()
                        .on_connect(move |_| _ = count_up(connected))
                        .on_close(move |c, _| {
                            if count_up(closed) == 12 {
                                c.event_loop().server_at(id).close();
                            }
                        });
                }
            })
            .unwrap();
        server.on_close(move |_| {
            t.log(format!(
                "{} forms have connected, with {} callbacks",
                connected.get(),
                called.get()
            ));
        });
    }
);

fn form_of(form: usize, path: &PathBuf, text: &str) -> ConnectOptions {
    match form {
        0 => path.clone().into(),
        1 => path.into(),
        2 => path.as_path().into(),
        3 => text.into(),
        4 => ConnectOptions::from(text).allow_half_open(false),
        _ => ConnectOptions::from(path).timeout(ms(60_000)),
    }
}

row!(
    net_connect_abort_controller,
    [
        "before ABORT_ERR AbortError",
        "before close Some(true)",
        "in the same tick ABORT_ERR AbortError",
        "in the same tick close Some(true)",
        "after connect ABORT_ERR AbortError",
        "after connect close Some(true)",
        "let go: nothing",
    ],
    |t, l| {
        l.create_server(|c| _ = c.resume())
            .listen((HOST, 0), move |s| abort(t, s, When::Before))
            .unwrap();
    }
);

#[derive(Clone, Copy, PartialEq)]
enum When {
    Before,
    SameTick,
    Connected,
}

/// Uses an abort handle at this time, and goes on with the next time; last with [`let_go`].
fn abort(t: &'static Story, s: &mut Server<'_>, when: When) {
    let (server, port) = (s.id(), s.port().expect("a listening server"));
    let l = s.event_loop();
    let signal = l.abort_handle();
    if when == When::Before {
        l.abort(signal);
    }
    let options = ConnectOptions::from((HOST, port)).signal(signal);
    let (word, next) = match when {
        When::Before => ("before", Some(When::SameTick)),
        When::SameTick => ("in the same tick", Some(When::Connected)),
        When::Connected => ("after connect", None),
    };
    l.connect_to(options)
        .unwrap()
        .on_connect(move |c| {
            assert!(when == When::Connected);
            c.event_loop().abort(signal);
            assert!(c.is_destroyed());
        })
        .on_error(move |_, error| {
            t.log(format!("{word} {} {}", error.code().unwrap(), error.name()));
        })
        .on_close(move |c, had_error| {
            t.log(format!("{word} close {had_error:?}"));
            let mut s = c.event_loop().server_at(server);
            match next {
                Some(next) => abort(t, &mut s, next),
                None => let_go(t, &mut s),
            }
        });
    if when == When::SameTick {
        l.abort(signal);
    }
    assert_eq!(l.is_aborted(signal), when != When::Connected);
}

/// A socket that has closed by itself is let go by its handle: when it connects once more, the
/// handle is used for the first time, and means nothing.
fn let_go(t: &'static Story, s: &mut Server<'_>) {
    let (server, address) = (s.id(), s.address().unwrap());
    let signal = s.event_loop().abort_handle();
    let options = ConnectOptions::from(address).signal(signal);
    let mut c = s.event_loop().connect(options, |c| _ = c.end()).unwrap();
    c.resume().once_close(move |c, _| {
        let again = move |c: &mut Socket<'_>| {
            c.event_loop().abort(signal);
            assert!(!c.is_destroyed());
            t.log("let go: nothing");
            c.end().event_loop().server_at(server).close();
        };
        c.connect(address, again).unwrap();
    });
}
