//! `write-*`, continued: what the kernel does not take in the call, and what never leaves.

use std::time::Duration;

use netloop::{ConnectOptions, ServerOptions, Socket, SocketId};

use crate::story::*;

fn later(c: &mut Socket<'_>, millis: u64, then: impl FnOnce(&mut Socket<'_>) + 'static) {
    let id = c.id();
    c.event_loop()
        .after(Duration::from_millis(millis), move |l| {
            then(&mut l.socket_at(id));
        });
}

twin!(write_large_peer_gone, |t, l| {
    l.create_server(|c| {
        c.destroy();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let options = ConnectOptions::from((HOST, s.port().unwrap())).allow_half_open(true);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, "connect end error close").on_connect(move |c| {
            c.event_loop()
                .set_immediate(move |_| t.log("main immediate"));
        });
        c.write_then(vec![0; 4_000_000], move |_, result| {
            let code = result.err().and_then(|error| error.code());
            t.log(format!("cb {}", code.unwrap_or("null")));
        });
    })
    .unwrap();
});

twin!(write_waits_for_room, |t, l| {
    const MARK: usize = 110_000;
    fn knock(t: &'static Story, p: &mut Socket<'_>, times: u32) {
        if p.readable_length() < MARK {
            return later(p, 5, move |p| knock(t, p, times));
        }
        p.write("x");
        if times < 3 {
            return later(p, 10, move |p| knock(t, p, times + 1));
        }
        later(p, 10, move |p| {
            t.log("peer resume");
            p.resume();
        });
    }
    let path = t.sock_path("s");
    let options = ServerOptions::default().high_water_mark(MARK);
    l.create_server_with(options, move |p| {
        close_server(p);
        p.pause().read(Some(0));
        knock(t, p, 1);
        p.on_end(move |_| t.log("peer end"));
    })
    .listen(path.clone(), move |s| {
        let mut c = s.event_loop().connect(&path, |_| {}).unwrap();
        c.write_then("", move |c, _| {
            let wrote = c.write_then(vec![0; 220_000], move |c, _| {
                t.log("written");
                c.end();
            });
            t.log(format!("write {wrote}"));
        });
        watch(t, "client", &mut c, "data drain");
    })
    .unwrap();
});

twin!(write_refused_bytes, |t, l| {
    closed_port(l, move |l, port| {
        let tell = move |c: &Socket<'_>, words: String| {
            t.log(format!("{words} {}", c.bytes_written()));
        };
        let mut c = l.connect((HOST, port), |_| {}).unwrap();
        for (name, length) in [("cb-1", 100), ("cb-2", 20)] {
            c.write_then(vec![0; length], move |c, result| {
                tell(c, format!("{name} {}", result.unwrap_err().code().unwrap()));
            });
        }
        tell(&c, "written".to_owned());
        c.on_error(move |c, error| tell(c, format!("error {}", error.code().unwrap())));
        c.on_close(move |c, _| {
            tell(c, "close".to_owned());
            let id: SocketId = c.id();
            c.event_loop().next_tick(move |l| {
                tell(&l.socket_at(id), "main nextTick".to_owned());
            });
        });
    });
});

twin!(write_failed_need_drain, |t, l| {
    let path = t.sock_path("s");
    l.create_server(|c| {
        c.destroy();
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let options = ConnectOptions::from(&path)
            .allow_half_open(true)
            .high_water_mark(4);
        let mut c = s.event_loop().connect(options, |_| {}).unwrap();
        watch(t, "client", &mut c, "drain error close")
            .resume()
            .on_end(move |c| {
                c.cork();
                let wrote = c.write_then("more than the mark", move |c, result| {
                    let code = result.unwrap_err().code().unwrap();
                    t.log(format!("cb {code} {}", c.writable_need_drain()));
                });
                t.log(format!("write {wrote} {}", c.writable_need_drain()));
                c.uncork();
                let (writable, needs_drain) = (c.is_writable(), c.writable_need_drain());
                t.log(format!("uncork {writable} {needs_drain}"));
            })
            .on_error(move |c, _| t.log(format!("error {}", c.writable_need_drain())));
    })
    .unwrap();
});

twin!(write_cork_empty_last, |t, l| {
    const ALL: usize = 220_000;
    let path = t.sock_path("s");
    l.create_server(move |p| {
        close_server(p);
        p.pause();
        later(p, 30, |p| _ = p.resume());
        let mut n = 0;
        p.on_data(move |_, chunk| {
            n += chunk.len();
            if n == ALL {
                t.log("peer has all");
            }
        });
    })
    .listen(path.clone(), move |s| {
        s.event_loop()
            .connect(&path, move |c| {
                c.cork();
                c.write(vec![0; ALL]);
                c.write("");
                c.write("");
                c.write_then("", move |c, _| {
                    t.log("written");
                    c.destroy();
                });
                c.uncork();
                t.log(format!("owed {}", c.writable_length()));
            })
            .unwrap();
    })
    .unwrap();
});

twin!(write_empty_peer_gone_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(|p| {
        p.destroy();
        close_server(p);
    })
    .listen(path.clone(), move |s| {
        let mut c = s.event_loop().connect(&path, |_| {}).unwrap();
        watch(t, "client", &mut c, "connect end finish error close").resume();
        c.write_then("", move |_, result| {
            let code = result.err().and_then(|error| error.code());
            t.log(format!("cb {}", code.unwrap_or("null")));
        });
    })
    .unwrap();
});
