//! `write-*`, `flow-*` and `pipe-*`: bytes, both ways.

use std::cell::RefCell;
use std::rc::Rc;

use netloop::{ConnectOptions, Encoding, Error, Loop, ServerOptions, Socket};

use crate::story::*;

fn coded(
    t: &'static Story,
    name: &'static str,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| {
        let error = result.unwrap_err();
        t.log(format!("{name} {} {error}", error.code().unwrap()));
    }
}

fn plain(
    t: &'static Story,
    name: &'static str,
) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| {
        result.unwrap();
        t.log(name);
    }
}

fn resuming(c: &mut Socket<'_>) {
    c.resume();
    close_server(c);
}

twin!(write_after_destroy, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
                c.destroy();
                let wrote = c.write_then("late", coded(t, "cb"));
                t.log(format!("write {wrote}"));
                c.end_with_then("x", move |_, result| {
                    t.log(format!("end-cb {}", result.unwrap_err().code().unwrap()));
                });
            });
        })
        .unwrap();
});

twin!(write_after_peer_end, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "end finish error close").cork();
        c.resume();
        c.write(vec![0; 32 << 20]);
        c.uncork();
        c.on_end(move |c| {
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                let mut c = l.socket_at(id);
                let wrote = c.write_then("late", coded(t, "cb"));
                t.log(format!("peer write {wrote} destroyed={}", c.is_destroyed()));
            });
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_error(move |_, _| {})
            .pause()
            .on_connect(move |c| {
                c.end();
                let id = c.id();
                c.event_loop().set_timeout(ms(50), move |l| {
                    l.socket_at(id).destroy();
                });
            });
    })
    .unwrap();
});

twin!(write_before_connect_destroy, |t, l| {
    l.create_server(move |_| {})
        .listen((HOST, 0), move |s| {
            let server = s.id();
            let mut c = connect(s);
            watch(t, "client", &mut c, "connect error close");
            c.write_then("a", coded(t, "cb-1"));
            c.write_then("b", coded(t, "cb-2"));
            c.end_then(move |_, result| {
                t.log(format!("end-cb {}", result.unwrap_err().code().unwrap()));
            });
            c.destroy();
            t.log("main after-destroy");
            c.on_close(move |c, _| {
                c.event_loop().set_immediate(move |l| {
                    l.server_at(server).close();
                });
            });
        })
        .unwrap();
});

twin!(write_callback_queue, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(move |c| {
                    c.event_loop()
                        .next_tick(move |_| t.log("main nextTick-before"));
                    let wrote = c.write_then("x", move |c, _| {
                        t.log(format!("client cb len={}", c.writable_length()));
                        c.end();
                    });
                    let (len, bytes) = (c.writable_length(), c.bytes_written());
                    t.log(format!(
                        "main returned {wrote} len={len} bytesWritten={bytes}"
                    ));
                    let l = c.event_loop();
                    l.next_tick(move |_| t.log("main nextTick-after"));
                    l.queue_microtask(move |_| t.log("main microtask"));
                    l.set_immediate(move |_| t.log("main immediate"));
                })
                .resume();
        })
        .unwrap();
});

twin!(write_callbacks_many, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(move |c| {
                    let same = move |c: &mut Socket<'_>, _: Result<(), &Error>| {
                        t.log("client cb-same");
                        c.event_loop()
                            .queue_microtask(move |_| t.log("microtask-of-same"));
                    };
                    c.write_then("a", move |c, _| {
                        t.log("client cb-a");
                        c.event_loop().next_tick(move |_| t.log("nextTick-of-a"));
                    });
                    c.write_then("b", same);
                    c.write_then("c", same);
                    c.event_loop()
                        .next_tick(move |_| t.log("main nextTick-mid"));
                    c.write_then("d", plain(t, "client cb-d"));
                    c.write_then("e", same);
                    let id = c.id();
                    c.event_loop().next_tick(move |l| {
                        t.log("main nextTick-last");
                        l.socket_at(id).end();
                    });
                })
                .resume();
        })
        .unwrap();
});

twin!(write_cork, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                c.cork();
                let wrote = c.write_then("a", plain(t, "cb-a"));
                let (len, corked) = (c.writable_length(), c.writable_corked());
                t.log(format!("write {wrote} len={len} corked={corked}"));
                let wrote = c.write_then("b", plain(t, "cb-b"));
                t.log(format!("write {wrote} len={}", c.writable_length()));
                let id = c.id();
                c.event_loop().next_tick(move |l| {
                    let mut c = l.socket_at(id);
                    c.uncork();
                    t.log(format!("uncorked len={}", c.writable_length()));
                    c.end();
                });
            })
            .resume();
    })
    .unwrap();
});

twin!(write_end_data_empty, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, "data end");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                c.end_with_then("", plain(t, "cb"));
            })
            .resume();
    })
    .unwrap();
});

twin!(write_epipe_unix, |t, l| {
    let path = t.sock_path("s");
    l.create_server(move |c| {
        c.destroy();
        close_server(c);
    })
    .listen(path.clone(), move |s| {
        let options = ConnectOptions::from(&path).allow_half_open(true);
        let mut c = s.event_loop().connect(options, move |_| {}).unwrap();
        watch(t, "client", &mut c, "connect end finish error close")
            .resume()
            .on_end(move |c| {
                let wrote = c.write_then("x", move |_, result| {
                    let error = result.unwrap_err();
                    let (code, syscall) = (error.code().unwrap(), error.syscall().unwrap());
                    t.log(format!("cb {code} {syscall} {error}"));
                });
                t.log(format!("write {wrote} len={}", c.writable_length()));
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    })
    .unwrap();
});

twin!(write_from_end_handler, |t, l| {
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT).on_end(move |c| {
            let wrote = c.write("last");
            t.log(format!(
                "peer write {wrote} writableEnded={}",
                c.is_writable_ended()
            ));
            let id = c.id();
            c.event_loop().next_tick(move |l| {
                let ended = l.socket_at(id).is_writable_ended();
                t.log(format!("peer nextTick writableEnded={ended}"));
            });
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.end();
        });
    })
    .unwrap();
});

twin!(write_hwm, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "drain")
                .resume()
                .on_connect(move |c| {
                    let (write, read) =
                        (c.writable_high_water_mark(), c.readable_high_water_mark());
                    t.log(format!("hwm {write} {read}"));
                    let wrote = c.write_then(vec![0; 16383], plain(t, "cb-16383"));
                    let (len, need) = (c.writable_length(), c.writable_need_drain());
                    t.log(format!("16383 {wrote} len={len} needDrain={need}"));
                    let wrote = c.write_then(vec![0; 16384], move |c, _| {
                        t.log("cb-16384");
                        c.end();
                    });
                    let (len, need) = (c.writable_length(), c.writable_need_drain());
                    t.log(format!("16384 {wrote} len={len} needDrain={need}"));
                    c.event_loop().next_tick(move |_| t.log("main nextTick"));
                });
        })
        .unwrap();
});

const LARGE: usize = 32 << 20;

twin!(write_large_backpressure, |t, l| {
    let peer = shared(None);
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        peer.set(Some(c.id()));
        let n = shared(0);
        c.on_data(move |_, chunk| n.set(n.get() + chunk.len()))
            .on_end(move |c| {
                let (total, read) = (n.get() == LARGE, c.bytes_read() == LARGE as u64);
                t.log(format!("peer total {total} {read}"));
                close_server(c);
            });
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "drain finish close")
            .resume()
            .on_connect(move |c| {
                let wrote = c.write_then(vec![0; LARGE], move |c, _| {
                    t.log(format!("client cb len={}", c.writable_length()));
                });
                let (len, bytes) = (
                    c.writable_length() == LARGE,
                    c.bytes_written() == LARGE as u64,
                );
                t.log(format!("write {wrote} len={len} bytesWritten={bytes}"));
                c.end_then(plain(t, "client end-cb"));
                let id = c.id();
                c.event_loop().set_timeout(ms(30), move |l| {
                    let len = l.socket_at(id).writable_length() == LARGE;
                    t.log(format!("main resume len={len}"));
                    l.socket_at(peer.get().unwrap()).resume();
                });
            });
    })
    .unwrap();
});

twin!(write_large_drain, |t, l| {
    l.create_server(move |c| {
        c.resume();
    })
    .listen((HOST, 0), move |s| {
        let server = s.id();
        watch(t, "client", &mut connect(s), "drain")
            .resume()
            .on_connect(move |c| {
                let wrote = c.write_then(vec![0; LARGE], move |c, _| {
                    t.log(format!("client cb len={}", c.writable_length()));
                    c.end();
                    c.event_loop().server_at(server).close();
                });
                t.log(format!("write {wrote}"));
                let wrote = c.write_then("tail", plain(t, "client cb-2"));
                t.log(format!("write-2 {wrote}"));
            });
    })
    .unwrap();
});

twin!(write_null_handle, |t, l| {
    let mut c = l.socket();
    watch(t, "client", &mut c, DEFAULT);
    let wrote = c.write_then("x", coded(t, "cb"));
    let (state, bytes) = (c.ready_state(), c.bytes_written());
    t.log(format!(
        "write {wrote} readyState={state} bytesWritten={bytes}"
    ));
    l.next_tick(move |_| t.log("main nextTick"));
});

twin!(write_pending_destroy_err, |t, l| {
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        close_server(c);
        c.on_error(move |_, _| {});
        let id = c.id();
        c.event_loop().set_timeout(ms(30), move |l| {
            l.socket_at(id).destroy();
        });
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), "drain finish error close").on_connect(move |c| {
            let told = move |name: &'static str| {
                move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                    t.log(format!("{name} {}", result.unwrap_err()));
                }
            };
            c.write_then(vec![0; LARGE], told("cb-1"));
            c.write_then("two", told("cb-2"));
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                l.socket_at(id).destroy_with(Error::new("boom"));
                t.log("main destroyed");
            });
        });
    })
    .unwrap();
});

twin!(write_sync_no_drain, |t, l| {
    l.create_server(resuming)
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(move |c| {
                    c.on_drain(move |_| t.log("client drain"));
                    let wrote = c.write_then(vec![0; 20000], move |c, _| {
                        t.log("client cb");
                        c.end();
                    });
                    let (len, need) = (c.writable_length(), c.writable_need_drain());
                    t.log(format!("write {wrote} len={len} needDrain={need}"));
                    c.event_loop()
                        .set_immediate(move |_| t.log("main immediate"));
                })
                .resume();
        })
        .unwrap();
});

twin!(flow_chunk_size, |t, l| {
    const N: usize = 4 << 20;
    l.create_server(move |c| {
        let (max, n) = (shared(0), shared(0));
        c.on_data(move |_, chunk| {
            max.set(max.get().max(chunk.len()));
            n.set(n.get() + chunk.len());
        })
        .on_end(move |c| {
            t.log(format!(
                "peer max<=65536 {} total {}",
                max.get() <= 65536,
                n.get() == N
            ));
            close_server(c);
        });
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                c.end_with(vec![0; N]);
            })
            .resume();
    })
    .unwrap();
});

fn flowing(c: &Socket<'_>) -> String {
    c.readable_flowing()
        .map_or("null".into(), move |flowing| flowing.to_string())
}

twin!(flow_late_listener, |t, l| {
    l.create_server(move |c| {
        t.log(format!("peer flowing={}", flowing(c)));
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            let mut c = l.socket_at(id);
            t.log(format!(
                "main attach readableLength={}",
                c.readable_length()
            ));
            watch(t, "peer", &mut c, "data end close");
            t.log(format!("main attached flowing={}", flowing(&c)));
            l.next_tick(move |_| t.log("main nextTick"));
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                c.end_with("hello");
            })
            .resume();
    })
    .unwrap();
});

twin!(flow_pause_in_connect, |t, l| {
    l.create_server(move |c| {
        c.end_with("hello");
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        let id = watch(t, "client", &mut c, "data end close").pause().id();
        c.event_loop().set_timeout(ms(400), move |l| {
            let mut c = l.socket_at(id);
            let (len, bytes) = (c.readable_length(), c.bytes_read());
            t.log(format!(
                "main paused readableLength={len} bytesRead={bytes}"
            ));
            c.resume();
        });
    })
    .unwrap();
});

twin!(flow_pause_on_connect, |t, l| {
    l.create_server_with(ServerOptions::default().pause_on_connect(true), move |c| {
        watch(t, "peer", c, "data end close");
        t.log(format!(
            "peer isPaused={} flowing={}",
            c.is_paused(),
            flowing(c)
        ));
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            let mut c = l.socket_at(id);
            let (bytes, len) = (c.bytes_read(), c.readable_length());
            t.log(format!(
                "main resume bytesRead={bytes} readableLength={len}"
            ));
            c.resume();
        });
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .on_connect(move |c| {
                c.end_with("hello");
            })
            .resume();
    })
    .unwrap();
});

twin!(flow_readable_partial, |t, l| {
    l.create_server(move |c| {
        c.end_with("abcdef");
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        let read = move |c: &mut Socket<'_>, size| {
            let taken = c.read(size);
            taken.map_or("null".into(), move |bytes| {
                String::from_utf8(bytes).unwrap()
            })
        };
        watch(t, "client", &mut connect(s), "end close").once_readable(move |c| {
            t.log(format!("read-4 {}", read(c, Some(4))));
            t.log(format!("read-4 {}", read(c, Some(4))));
            t.log(format!("read-2 {}", read(c, Some(2))));
            t.log(format!("read {}", read(c, None)));
            c.on_readable(move |c| t.log(format!("again {}", read(c, None))));
        });
    })
    .unwrap();
});

twin!(flow_setencoding_hex, |t, l| {
    l.create_server(move |c| {
        c.write("abcd");
        let id = c.id();
        c.event_loop().set_timeout(ms(40), move |l| {
            l.socket_at(id).end_with("e");
        });
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .set_encoding(Encoding::Base64)
            .on_data(move |_, text| t.log(format!("client data {}", String::from_utf8_lossy(text))))
            .on_end(move |_| t.log("client end"));
    })
    .unwrap();
});

twin!(flow_setencoding_invalid, |t, l| {
    l.create_server(move |c| {
        c.end_with([0x61, 0xff, 0xfe, 0xe2, 0x28, 0xa1, 0xf0, 0x9f, 0x98, 0x62]);
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s)
            .set_encoding(Encoding::Utf8)
            .on_data(move |_, text| {
                let text = std::str::from_utf8(text).unwrap();
                let codes: Vec<String> = text
                    .chars()
                    .map(move |c| format!("{:x}", c as u32))
                    .collect();
                t.log(format!("client data {} {}", codes.len(), codes.join(" ")));
            });
    })
    .unwrap();
});

twin!(flow_unshift, |t, l| {
    l.create_server(move |c| {
        c.end_with("abcdef");
        resuming(c);
    })
    .listen((HOST, 0), move |s| {
        connect(s).once_data(move |c, chunk| {
            c.pause().unshift(&chunk[3..]);
            let (text, len) = (String::from_utf8_lossy(chunk), c.readable_length());
            t.log(format!("first {text} readableLength={len}"));
            watch(t, "client", c, "data end close");
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                l.socket_at(id).resume();
            });
        });
    })
    .unwrap();
});

twin!(pipe_echo, |t, l| {
    l.create_server(move |c| {
        let id = c.id();
        c.pipe(id);
        watch(t, "peer", c, "end finish close");
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        watch(t, "client", &mut c, DEFAULT)
            .on_connect(move |c| {
                c.write("hello");
            })
            .once_data(move |c, _| {
                c.end_with(" world");
            });
    })
    .unwrap();
});

twin!(pipe_large, |t, l| {
    const N: u64 = 8 << 20;
    l.create_server(move |c| {
        let id = c.id();
        c.pipe(id);
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        fn go(c: &mut Socket<'_>, sent: u64) {
            let mut sent = sent;
            while sent < N {
                sent += 65536;
                if !c.write([0; 65536]) {
                    c.once_drain(move |c| go(c, sent));
                    return;
                }
            }
            c.end();
        }
        let n = shared(0);
        connect(s)
            .on_connect(move |c| go(c, 0))
            .on_data(move |_, chunk| n.set(n.get() + chunk.len() as u64))
            .on_end(move |c| {
                let (all, written, read) =
                    (n.get() == N, c.bytes_written() == N, c.bytes_read() == N);
                t.log(format!(
                    "client end {all} bytesWritten={written} bytesRead={read}"
                ));
            })
            .on_close(move |_, _| t.log("client close"));
    })
    .unwrap();
});

twin!(write_corked_before_connect, |t, l| {
    l.create_server(move |c| {
        close_server(c);
        watch(t, "peer", c, "data");
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().unwrap();
        let mut c = s.event_loop().socket();
        c.cork();
        let answer = c.write("hello");
        t.log(format!("write {answer} {}", c.writable_length()));
        let connected = move |c: &mut Socket<'_>| {
            t.log("connect");
            c.uncork();
            c.end();
        };
        c.connect((HOST, port), connected).unwrap();
        c.resume();
    })
    .unwrap();
    let mut c = l.socket();
    c.on_error(move |_, error| t.log(format!("error {}", error.code().unwrap())))
        .on_close(move |_, e| t.log(format!("close {}", e.map_or("undefined", |_| "told"))));
    c.cork();
    let answer = c.write_then("lost", move |_, result| {
        t.log(format!("cb {}", result.unwrap_err().code().unwrap()));
    });
    t.log(format!("write {answer} {}", c.writable_length()));
    c.uncork();
    t.log(format!(
        "uncorked {} {}",
        c.writable_length(),
        c.is_destroyed()
    ));
});

twin!(pipe_then_readable, |t, l| {
    l.create_server(move |c| {
        close_server(c);
        let id = c.id();
        c.pipe(id);
        c.once_readable(move |c| t.log(format!("readable {}", c.readable_length())));
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        c.on_connect(|c| _ = c.write("1234"));
        c.on_data(move |c, chunk| {
            t.log(format!("echo {}", String::from_utf8_lossy(chunk)));
            c.destroy();
        });
    })
    .unwrap();
});

twin!(pipe_in_data, |t, l| {
    fn play(t: &'static Story, l: &mut Loop, name: &'static str, begin: fn(&mut Socket<'_>)) {
        l.create_server(move |c| {
            close_server(c);
            c.on_finish(|_| {});
            begin(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            let heard = Rc::new(RefCell::new(String::new()));
            let told = Rc::clone(&heard);
            c.on_connect(|c| _ = c.write("one "));
            c.on_data(move |_, chunk| *heard.borrow_mut() += std::str::from_utf8(chunk).unwrap());
            let (id, l) = (c.id(), c.event_loop());
            l.set_timeout(ms(30), move |l| _ = l.socket_at(id).write("two "));
            l.set_timeout(ms(60), move |l| {
                t.log(format!("{name} {}", told.borrow()));
                l.socket_at(id).destroy();
                if name == "begun" {
                    play(t, l, "ended", |c| {
                        let id = c.on_data(|c, _| _ = c.unpipe(None)).id();
                        c.pipe(id);
                    });
                }
            });
        })
        .unwrap();
    }
    play(t, l, "begun", |c| {
        c.once_data(|c, _| {
            let id = c.id();
            c.pipe(id);
        });
    });
});
