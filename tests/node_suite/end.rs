//! The end of one half, and of both.

use netloop::{Error, Socket};

use crate::stage::*;
use crate::story::*;

row!(
    net_end_destroyed,
    ["end destroyed=false", "close destroyed=true"],
    |t, l| {
        farewell(l, HOST, move |s| {
            connect(s)
                .resume()
                .on_end(move |c| t.log(format!("end destroyed={}", c.is_destroyed())))
                .on_close(move |c, _| t.log(format!("close destroyed={}", c.is_destroyed())));
        });
    }
);

/// Tells the end, the tick after it, `finish` and `close` of a socket that may not be half open.
fn watch_ends(t: &'static Story, c: &mut Socket<'_>) {
    assert!(!c.allow_half_open());
    c.on_end(move |c| {
        t.log(format!("end destroyed={}", c.is_destroyed()));
        let id = c.id();
        c.event_loop().next_tick(move |l| {
            t.log(format!("tick destroyed={}", l.socket_at(id).is_destroyed()));
        });
    })
    .on_finish(move |c| t.log(format!("finish destroyed={}", c.is_destroyed())))
    .on_close(move |_, had_error| t.log(format!("close hadError={}", undefined(had_error))));
}

// Not destroyed in the tick after `end` while our half is open; when it has finished, `end` destroys.
row!(
    net_allow_half_open,
    [
        "end destroyed=false",
        "tick destroyed=false",
        "finish destroyed=false",
        "close hadError=false",
        "finish destroyed=false",
        "end destroyed=false",
        "tick destroyed=true",
        "close hadError=false",
    ],
    |t, l| {
        for ends_first in [false, true] {
            l.create_server(move |c| {
                c.resume();
                if ends_first {
                    c.on_end(|c| _ = c.write("bye"));
                } else {
                    c.end_with(vec![0; 1024]);
                }
                close_server(c);
            })
            .listen((HOST, 0), move |s| {
                let mut c = connect(s);
                watch_ends(t, c.resume());
                if ends_first {
                    c.end_with("first");
                }
            })
            .unwrap();
            t.run(l);
        }
    }
);

row!(
    net_writable,
    ["end writable=true wrote=true", "server got late"],
    |t, l| {
        l.create_server(move |c| {
            collect(c, move |_, all| {
                t.log(format!("server got {}", String::from_utf8(all).unwrap()))
            });
            c.end();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).resume().on_end(move |c| {
                let (writable, wrote) = (c.is_writable(), c.write("late"));
                t.log(format!("end writable={writable} wrote={wrote}"));
            });
        })
        .unwrap();
    }
);

row!(
    net_write_after_close,
    ["callback ERR_STREAM_DESTROYED"],
    |t, l| {
        let accepted = shared(None);
        l.create_server(move |c| {
            c.resume().on_error(|_, _| unreachable!());
            accepted.set(Some(c.id()));
        })
        .listen((HOST, 0), move |s| {
            let server = s.id();
            connect(s)
                .resume()
                .on_connect(|c| _ = c.end())
                .on_end(move |c| {
                    let peer = accepted.get().expect("accepted before it has ended");
                    let told = move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                        t.log(format!("callback {}", result.unwrap_err().code().unwrap()));
                    };
                    c.event_loop().socket_at(peer).write_then("late", told);
                    c.event_loop().server_at(server).close();
                });
        })
        .unwrap();
    }
);

row!(
    net_write_after_end_nt,
    [
        "write false",
        "tick",
        "callback EPIPE This socket has been ended by the other party",
        "error EPIPE",
        "immediate",
        "close hadError=true",
    ],
    |t, l| {
        l.create_server(|c| {
            c.end().resume().on_error(|_, _| {});
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .resume()
                .on_end(move |c| {
                    c.event_loop().next_tick(move |_| t.log("tick"));
                    c.event_loop().set_immediate(move |_| t.log("immediate"));
                    let told = move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                        let error = result.unwrap_err();
                        t.log(format!("callback {} {error}", error.code().unwrap()));
                    };
                    let wrote = c.end().write_then("late", told);
                    t.log(format!("write {wrote}"));
                })
                .on_error(move |_, error| t.log(format!("error {}", error.code().unwrap())))
                .on_close(move |_, had_error| {
                    t.log(format!("close hadError={}", undefined(had_error)));
                });
        })
        .unwrap();
    }
);
