//! What differs from Node beside the scenarios, pinned; the reasons stand on the parity page.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use netloop::{
    ConnectOptions, Error, EventLoop, ListenOptions, LookupRequest, Loop, ServerOptions, Signal,
    Socket, SocketAddress, SocketAddressOptions,
};

use signal_hook::consts::SIGUSR2;
use signal_hook::low_level::raise;

use crate::peers::{Real, lacks, new_loop};
use crate::story::*;

type Told = fn(&mut Socket<'_>, Result<(), &Error>);

#[test]
fn a_second_connect_while_connecting_or_connected_destroys_the_socket() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| _ = c.resume())
            .listen((HOST, 0), move |s| {
                let (server, port) = (s.id(), s.port().unwrap());
                let again = move |c: &mut Socket<'_>| {
                    c.connect((HOST, port), |_| unreachable!()).unwrap();
                };
                let mut c = connect(s);
                watch(t, "connecting", &mut c, "connect error close");
                again(&mut c);
                c.on_close(move |c, _| {
                    let mut s = c.event_loop().server_at(server);
                    let mut c = connect(&mut s);
                    watch(t, "connected", &mut c, "error close").on_connect(again);
                    c.on_close(move |c, _| {
                        c.event_loop().server_at(server).close();
                    });
                });
            })
            .unwrap();
    };
    let told = "connecting error EALREADY connect\n\
                connecting close hadError=true\n\
                connected error EISCONN connect\n\
                connected close hadError=true\n";
    check_text("a second connect", told, play);
}

#[test]
fn a_destroyed_socket_connects_again_from_its_close_and_neither_before_nor_later() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| _ = c.end().resume())
            .listen((HOST, 0), move |s| {
                let (server, port) = (s.id(), s.port().unwrap());
                let again = move |c: &mut Socket<'_>, when: &str| {
                    let result = c.connect((HOST, port), |c| _ = c.end());
                    let code = result.err().and_then(|error| error.code());
                    t.log(format!("{when} {}", code.unwrap_or("connects")));
                };
                let mut c = connect(s);
                let (id, lives) = (c.id(), shared(0));
                c.resume()
                    .once_connect(move |c| again(c.destroy(), "before"))
                    .on_close(move |c, _| {
                        if count_up(lives) == 1 {
                            return again(c, "close");
                        }
                        c.event_loop().server_at(server).close();
                        c.event_loop().set_immediate(move |l| {
                            again(&mut l.socket_at(id), "later");
                        });
                    });
            })
            .unwrap();
    };
    let told = "before ERR_SOCKET_CLOSED\nclose connects\nlater ERR_SOCKET_CLOSED\n";
    check_text("connect again", told, play);
}

#[test]
fn what_is_taken_by_read_is_not_told_by_data() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end_with("hello").resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_readable(move |c| {
                    if let Some(bytes) = c.read(Some(3)) {
                        t.log(format!("read {}", String::from_utf8_lossy(&bytes)));
                        c.read(None);
                    }
                })
                .on_data(|_, _| unreachable!())
                .on_end(move |_| t.log("end"));
        })
        .unwrap();
    };
    check_text("read", "read hel\nend\n", play);
}

#[test]
fn each_write_calls_back_in_its_own_tick_though_the_callback_is_the_same() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).on_connect(move |c| {
                let same = move |_: &mut Socket<'_>, _: Result<(), &Error>| t.log("same");
                c.write_then("a", same);
                c.event_loop().next_tick(move |_| t.log("tick between"));
                c.write_then("b", same);
                c.end();
            });
        })
        .unwrap();
    };
    check_text(
        "one callback, two writes",
        "same\ntick between\nsame\n",
        play,
    );
}

#[test]
fn a_write_beyond_the_limit_fails_and_destroys() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|_| {})
            .listen((HOST, 0), move |s| {
                let options = ConnectOptions::from((HOST, s.port().unwrap())).write_limit(10);
                let mut c = s.event_loop().connect_to(options).unwrap();
                watch(t, "client", &mut c, "error close");
                let told: Told = |_, result| assert!(result.is_err());
                let (fits, exceeds) = (c.write_then("1234567890", told), c.write_then("1", told));
                t.log(format!("write {fits}, write {exceeds}"));
                s.close();
            })
            .unwrap();
    };
    let told = "write true, write false\n\
                client error ENOBUFS write\n\
                client close hadError=true\n";
    check_text("write limit", told, play);
}

#[test]
fn a_type_of_service_told_right_after_connect_is_remembered() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end().resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            let before = c.type_of_service();
            c.set_type_of_service(16).resume().on_connect(move |c| {
                t.log(format!("{before}, then {}", c.type_of_service()));
            });
        })
        .unwrap();
    };
    check_text("type of service", "0, then 16\n", play);
}

#[test]
fn an_attempt_timeout_of_zero_counts_as_ten_milliseconds() {
    let mut l = new_loop();
    l.set_default_auto_select_family_attempt_timeout(Duration::ZERO);
    assert_eq!(l.default_auto_select_family_attempt_timeout(), ms(10));
}

#[test]
fn the_error_of_several_attempts_shows_all_their_messages() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        closed_port(l, move |l, port| {
            let lookup = |l: &mut Loop, request: LookupRequest| {
                let both = ["::1", HOST].map(|address| address.parse().unwrap());
                l.answer_lookup(request.id, Ok(both.to_vec()));
            };
            let options = ConnectOptions::from(("x.test", port)).lookup(lookup);
            let mut c = l.connect(options, |_| unreachable!()).unwrap();
            c.on_error(move |_, error| {
                t.log(error.to_string().replace(&port.to_string(), "PORT"));
            });
        });
    };
    let told = "connect ECONNREFUSED ::1:PORT; connect ECONNREFUSED 127.0.0.1:PORT\n";
    check_text("several attempts", told, play);
}

#[test]
fn a_socket_tells_nothing_of_itself_once_it_has_gone() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end_with("hello").resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).resume().on_close(move |c, _| {
                t.log(format!("close {}", c.bytes_read()));
                let id = c.id();
                c.event_loop().set_immediate(move |l| {
                    t.log(format!("later {}", l.socket_at(id).bytes_read()));
                });
            });
        })
        .unwrap();
    };
    check_text("gone", "close 5\nlater 0\n", play);
}

#[test]
fn a_text_that_is_no_port_is_a_path() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.connect("1e3", |_| unreachable!()).unwrap();
        c.on_error(move |_, error| t.log(error));
        let listen = format!("{:?}", ListenOptions::from("1e3"));
        assert!(listen.contains(r#"path: Some("1e3")"#));
    };
    check_text("no port", "connect ENOENT 1e3\n", play);
}

#[test]
fn no_listener_is_kept_for_reading() {
    let mut l = new_loop();
    assert_eq!(l.socket().listener_count("end"), 0);
    assert_eq!(l.socket().on_end(|_| {}).listener_count("end"), 1);
}

#[test]
fn a_socket_address_is_read_as_it_stands_and_not_as_a_url() {
    let read = SocketAddress::parse;
    assert_eq!(read("1.2.3.4:80").unwrap().port(), 80);
    for url in ["127.1", "0x7f.1:5", "user@1.2.3.4", "1.2.3.4/path"] {
        assert_eq!(read(url), None, "{url}");
    }
}

#[test]
fn a_flow_label_of_more_than_twenty_bits_is_an_error() {
    let options = SocketAddressOptions {
        family: netloop::Family::Ipv6,
        flowlabel: 1 << 20,
        ..Default::default()
    };
    let error = SocketAddress::new(options).unwrap_err();
    assert_eq!(error.code(), "ERR_OUT_OF_RANGE");
}

#[test]
fn a_signal_that_comes_twice_between_two_turns_counts_once() {
    if lacks(Real::Signals) {
        return;
    }
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.on_signal(Signal::User2, move |_| t.log("SIGUSR2"))
            .unwrap();
        l.set_immediate(|l| {
            // Sent to this very thread: each is handled before the call returns.
            raise(SIGUSR2).unwrap();
            raise(SIGUSR2).unwrap();
            l.set_timeout(ms(1), |_| {});
        });
    };
    check_text("signals", "SIGUSR2\n", play);
}

#[test]
fn an_accepted_socket_that_connects_anew_is_not_counted_any_more() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let n = shared(0);
        l.create_server(move |c| {
            if count_up(n) == 2 {
                c.resume().on_close(move |_, _| t.log("second close"));
                return;
            }
            let server = c.server().unwrap();
            c.resume().once_close(move |c, _| {
                let port = c.event_loop().server_at(server).port().unwrap();
                let again = move |c: &mut Socket<'_>| {
                    t.log(format!("again {:?}", c.server()));
                    c.destroy();
                    let mut s = c.event_loop().server_at(server);
                    s.close_then(move |_, _| t.log("server close"));
                };
                c.connect((HOST, port), again).unwrap();
            });
        })
        .listen((HOST, 0), |s| {
            connect(s).resume().on_connect(|c| _ = c.end());
        })
        .unwrap();
    };
    // Node takes it off a second time, and its server closes before the second has gone.
    let told = "again None\nserver close\nsecond close\n";
    check_text("an accepted socket connects anew", told, play);
}

#[test]
fn the_callback_of_an_end_after_destroy_is_called_too() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.socket().destroy().end_then(move |_, result| {
            t.log(result.unwrap_err().code().unwrap());
        });
    };
    check_text("end after destroy", "ERR_STREAM_DESTROYED\n", play);
}

#[test]
fn a_reset_while_our_fin_is_on_its_way_resets() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end().reset_and_destroy().unwrap();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            watch(t, "client", &mut connect(s), "error close").resume();
        })
        .unwrap();
    };
    let told = "client error ECONNRESET connect\nclient close hadError=true\n";
    check_text("a reset after end", told, play);
}

#[test]
fn bytes_put_back_while_data_flows_come_a_tick_later() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.socket();
        c.on_data(move |c, chunk| {
            t.log(format!("data {}", String::from_utf8_lossy(chunk)));
            if c.readable_length() == 0 && chunk == b"first" {
                c.unshift("again");
                t.log("put back");
            }
        });
        c.unshift("first");
        t.log("put");
    };
    check_text("unshift", "put\ndata first\nput back\ndata again\n", play);
}

#[test]
fn a_pipe_comes_behind_all_listeners_of_data() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            let id = c.id();
            c.pipe(id);
            c.on_data(|c, _| _ = c.write("first"));
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            c.on_connect(|c| _ = c.end_with("piped"));
            let heard = Rc::new(RefCell::new(String::new()));
            let told = Rc::clone(&heard);
            c.on_data(move |_, chunk| *heard.borrow_mut() += str::from_utf8(chunk).unwrap());
            c.on_close(move |_, _| t.log(told.borrow()));
        })
        .unwrap();
    };
    check_text("pipe order", "firstpiped\n", play);
}

#[test]
fn a_pipe_stays_when_all_listeners_of_data_go() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            let id = c.id();
            c.pipe(id);
            c.on_data(|_, _| unreachable!());
            c.remove_all_listeners("data");
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s)
                .on_connect(|c| _ = c.end_with("piped"))
                .on_data(move |_, chunk| t.log(data(chunk)));
        })
        .unwrap();
    };
    check_text("pipe stays", "data 5 \"piped\"\n", play);
}

fn told_at_attempts(
    t: &'static Story,
    l: &mut Loop,
    (port, addresses): (u16, &'static [&'static str]),
    then: impl Fn(&mut Socket<'_>) + 'static,
) {
    let lookup = move |l: &mut Loop, request: LookupRequest| {
        let parse = |address: &&str| address.parse().unwrap();
        l.answer_lookup(request.id, Ok(addresses.iter().map(parse).collect()));
    };
    let options = ConnectOptions::from(("x.test", port)).lookup(lookup);
    l.connect_to(options)
        .unwrap()
        .on_connection_attempt(move |c, attempt| {
            let ended = c.is_writable_ended();
            t.log(format!("attempt {} {ended}", attempt.address));
            then(c);
        })
        .on_connection_attempt_failed(move |c, attempt, _| {
            t.log(format!("failed {} {}", attempt.address, c.ready_state()));
        })
        .on_error(|_, _| {})
        .on_close(move |_, _| t.log("close"))
        .resume();
}

#[test]
fn a_socket_is_opening_until_the_error_of_its_only_attempt() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        closed_port(l, move |l, port| {
            told_at_attempts(t, l, (port, &[HOST]), |_| {});
        });
    };
    let told = "attempt 127.0.0.1 false\nfailed 127.0.0.1 opening\nclose\n";
    check_text("the only attempt", told, play);
}

#[test]
fn a_socket_destroyed_during_an_attempt_is_not_told_of_its_failure() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        closed_port(l, move |l, port| {
            told_at_attempts(t, l, (port, &[HOST, "127.0.0.2"]), |c| {
                let id = c.id();
                c.event_loop()
                    .next_tick(move |l| _ = l.socket_at(id).destroy());
            });
        });
    };
    let told = "attempt 127.0.0.1 false\nclose\n";
    check_text("destroyed during an attempt", told, play);
}

#[test]
fn an_end_before_the_connection_outlives_an_attempt_that_fails() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let port = s.port().unwrap();
            told_at_attempts(t, s.event_loop(), (port, &["127.0.0.2", HOST]), |c| {
                c.end();
            });
        })
        .unwrap();
    };
    let told = "attempt 127.0.0.2 false\nfailed 127.0.0.2 opening\n\
                attempt 127.0.0.1 true\nclose\n";
    check_text("an end before the connection", told, play);
}

#[test]
fn what_waited_for_a_connection_that_failed_does_not_spoil_the_next() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        closed_port(l, move |l, closed| {
            l.create_server(move |c| {
                c.on_data(move |_, chunk| {
                    t.log(format!("peer {}", String::from_utf8_lossy(chunk)))
                });
                close_server(c);
            })
            .listen((HOST, 0), move |s| {
                let port = s.port().unwrap();
                let told = move |name: &'static str| {
                    move |_: &mut Socket<'_>, result: Result<(), &Error>| {
                        let code = result.err().and_then(Error::code);
                        t.log(format!("{name} {}", code.unwrap_or("null")));
                    }
                };
                let mut c = s.event_loop().connect_to((HOST, closed)).unwrap();
                c.on_error(|_, _| {}).once_close(move |c, _| {
                    c.connect((HOST, port), |c| _ = c.end()).unwrap();
                    c.write_then("new", told("new"));
                    t.log(format!("errored {}", c.errored().is_some()));
                });
                c.write_then("old", told("old"));
            })
            .unwrap();
        });
    };
    let told = "errored false\nold ERR_SOCKET_CLOSED_BEFORE_CONNECTION\nnew null\npeer new\n";
    check_text("connected again", told, play);
}

#[test]
fn a_connect_behind_a_write_that_failed_is_refused() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.socket();
        watch(t, "c", &mut c, "error close");
        c.write("nobody is there");
        let refused = c.connect((HOST, 1), |_| unreachable!());
        t.log(refused.err().unwrap().code().unwrap());
    };
    let told = "ERR_SOCKET_CLOSED\n\
                c error ERR_SOCKET_CLOSED -\n\
                c close hadError=undefined\n";
    check_text("a connect behind a failed write", told, play);
}

#[test]
fn the_prefinish_of_a_socket_without_a_connection_comes_with_its_finish() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.socket();
        watch(t, "c", &mut c, "finish");
        c.on_prefinish(move |c| t.log(format!("prefinish {}", c.is_writable_finished())));
        c.end_then(move |_, _| t.log("end callback"));
        t.log("end has returned");
    };
    let told = "end has returned\nprefinish true\nend callback\nc finish\n";
    check_text("prefinish without a connection", told, play);
}

#[test]
fn a_destination_that_outlives_its_source_hears_no_unpipe() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| _ = c.resume())
            .listen((HOST, 0), move |s| {
                let server = s.id();
                let mut to = connect(s);
                watch(t, "to", &mut to, "finish close");
                to.on_unpipe(|_, _| panic!("its source is gone"));
                let to = to.id();
                let mut from = connect(s);
                from.pipe(to);
                from.on_connect(|c| _ = c.destroy());
                from.on_close(move |c, _| {
                    c.event_loop().set_timeout(ms(1), move |l| {
                        l.socket_at(to).end();
                        l.server_at(server).close();
                    });
                });
            })
            .unwrap();
    };
    check_text("unpipe", "to finish\nto close hadError=false\n", play);
}

#[test]
fn a_connect_behind_an_end_is_refused() {
    let mut l = new_loop();
    let mut c = l.socket();
    let refused = c.end().connect((HOST, 1), |_| unreachable!());
    assert_eq!(refused.err().unwrap().code(), Some("ERR_SOCKET_CLOSED"));
    c.destroy();
    l.run().unwrap();
}

/// Goes on with a socket at which four bytes wait.
fn with_bytes_that_wait(
    t: &'static Story,
    l: &mut EventLoop,
    then: fn(&'static Story, &mut Socket<'_>),
) {
    l.create_server(|c| {
        c.end_with("wait").on_error(|_, _| {}).resume();
    })
    .listen((HOST, 0), move |s| {
        let mut c = connect(s);
        c.pause().read(Some(0));
        c.set_interval(ms(5), move |c| {
            if c.readable_length() == 4 {
                let interval = c.event_loop().current_timer().unwrap();
                c.event_loop().clear_interval(interval);
                then(t, c);
            }
        });
        s.unref();
    })
    .unwrap();
}

#[test]
fn a_new_connection_begins_with_nothing_to_be_read() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        with_bytes_that_wait(t, l, |t, c| {
            let port = c.remote_port().unwrap();
            c.destroy().once_close(move |c, _| {
                t.log(format!("waits {}", c.readable_length()));
                let again = move |c: &mut Socket<'_>| {
                    t.log(format!("waits {}", c.readable_length()));
                    c.destroy();
                };
                c.connect((HOST, port), again).unwrap();
            });
        });
    };
    check_text("second life", "waits 4\nwaits 0\n", play);
}

#[test]
fn what_waits_is_dropped_by_destroy_though_it_had_begun_to_flow() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        with_bytes_that_wait(t, l, |t, c| {
            c.on_data(move |_, _| t.log("data"));
            c.on_close(move |c, _| t.log(format!("close {}", c.readable_length())));
            c.resume().destroy();
        });
    };
    check_text("flow and destroy", "close 0\n", play);
}

#[test]
fn no_end_follows_what_was_put_back_and_is_dropped_by_destroy() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        with_bytes_that_wait(t, l, |t, c| {
            c.on_data(move |c, chunk| {
                t.log(format!("data {}", chunk.len()));
                c.unshift(chunk).destroy();
            });
            c.on_end(move |_| t.log("end"));
            c.on_close(move |c, _| t.log(format!("close {}", c.readable_length())));
            // The peer has ended, so `end` is due once the chunk is out.
            c.after(ms(20), |c| _ = c.resume());
        });
    };
    check_text("unshift and destroy", "data 4\nclose 0\n", play);
}

#[test]
fn an_empty_write_behind_what_left_in_parts_waits_for_no_room() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let path = t.sock_path("s");
        // What the kernel keeps is taken once; the rest fills more than a third of it.
        let options = ServerOptions::default().high_water_mark(200_000);
        l.create_server_with(options, move |p| {
            close_server(p);
            p.pause().read(Some(0));
            p.after(ms(50), move |p| {
                t.log("resume");
                p.resume();
            });
        })
        .listen(path.clone(), move |s| {
            s.event_loop()
                .connect(&path, move |c| {
                    c.cork().write(vec![0; 280_000]);
                    c.write_then("", move |c, _| {
                        t.log("written");
                        c.destroy();
                    });
                    c.uncork();
                })
                .unwrap();
        })
        .unwrap();
    };
    check_text("an empty write at last", "written\nresume\n", play);
}

#[test]
fn a_text_that_could_not_be_written_counts() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let path = t.sock_path("s");
        l.create_server(|c| {
            c.destroy();
            close_server(c);
        })
        .listen(path.clone(), move |s| {
            let options = ConnectOptions::from(&path).allow_half_open(true);
            let mut c = s.event_loop().connect(options, |_| {}).unwrap();
            c.resume().on_error(|_, _| {}).on_end(move |c| {
                c.write_then("text", move |c, result| {
                    let code = result.unwrap_err().code().unwrap();
                    t.log(format!("{code} {}", c.bytes_written()));
                });
            });
        })
        .unwrap();
    };
    check_text("a text that failed", "EPIPE 4\n", play);
}

#[test]
fn a_socket_that_has_begun_to_read_comes_before_one_that_is_ready_already() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let path = t.sock_path("s");
        let options = ServerOptions::default().pause_on_connect(true);
        l.create_server_with(options, move |p| {
            close_server(p);
            p.on_data(move |_, _| t.log("peer data")).resume().end();
        })
        .listen(path.clone(), move |s| {
            s.event_loop()
                .connect(&path, |c| _ = c.write("x"))
                .unwrap()
                .on_end(move |_| t.log("client end"))
                .resume();
        })
        .unwrap();
    };
    check_text("two in one turn", "peer data\nclient end\n", play);
}

#[test]
fn a_timer_that_was_cleared_is_no_callback_that_left_over_microtasks_wait_for() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        t.on_uncaught(move |_, _| t.log("caught"));
        let cleared = l.set_timeout(ms(1), |_| unreachable!());
        l.next_tick(move |l| {
            l.queue_microtask(move |_| t.log("microtask"));
            l.clear_timeout(cleared);
            panic!("in a tick");
        });
        l.set_immediate(move |_| {
            t.log("immediate");
            panic!("in an immediate");
        });
        l.set_immediate(move |_| t.log("another"));
        l.advance(ms(30));
    };
    let lines = "caught\nimmediate\ncaught\nanother\nmicrotask\n"; // Node: the microtask first
    check_text("a cleared timer", lines, play);
}
