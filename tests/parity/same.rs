//! What is the same as in Node, where no recorded scenario shows it.

use netloop::{
    ConnectOptions, Encoding, Error, EventLoop, ListenOptions, LookupRequest, Loop, OnRead, Socket,
};

use crate::peers::new_loop;
use crate::story::*;

fn code<T>(result: Result<T, Error>) -> &'static str {
    result
        .err()
        .and_then(|error| error.code())
        .unwrap_or("none")
}

#[test]
fn a_read_of_more_than_the_mark_raises_it_to_the_next_power_of_two() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.on_error(|_, _| {}).write(vec![7; 200_000]);
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).on_readable(move |c| {
                if let Some(bytes) = c.read(Some(150_000)) {
                    t.log(format!(
                        "{} of {}",
                        bytes.len(),
                        c.readable_high_water_mark()
                    ));
                    c.destroy();
                }
            });
        })
        .unwrap();
    };
    check_text("read beyond the mark", "150000 of 262144\n", play);
}

#[test]
fn a_read_of_text_counts_as_javascript_does() {
    let mut l = new_loop();
    let mut c = l.socket();
    c.set_encoding(Encoding::Utf8);
    c.unshift("\u{e9}\u{1f600}a");
    let mut read = |size| {
        c.read(Some(size))
            .map(|bytes| String::from_utf8(bytes).unwrap())
    };
    assert_eq!(read(1).as_deref(), Some("\u{e9}"));
    assert_eq!(read(4), None);
    assert_eq!(
        read(1).as_deref(),
        Some("\u{1f600}"),
        "it counts as two, and is not cut"
    );
    assert_eq!(read(1).as_deref(), Some("a"));
}

#[test]
fn a_number_that_is_no_port_is_refused_and_so_is_nothing() {
    for text in ["70000", ""] {
        let mut l = new_loop();
        let refused = l.connect(text, |_| unreachable!()).err().unwrap();
        let message = format!("should be >= 0 and < 65536. Received type string ('{text}').");
        assert_eq!(refused.to_string(), format!("Port {message}"));
        assert_eq!(
            (refused.name(), refused.code()),
            ("RangeError", Some("ERR_SOCKET_BAD_PORT"))
        );
        let mut server = l.create_server(|_| {});
        let refused = server.listen(text, |_| unreachable!()).err().unwrap();
        assert_eq!(refused.to_string(), format!("options.port {message}"));
        l.run().unwrap();
    }
}

#[test]
fn an_empty_path_is_none_and_an_empty_host_is_any() {
    let mut l = new_loop();
    let mut server = l.create_server(|_| {});
    let nowhere = ListenOptions::default().path("");
    let refused = server.listen_on(nowhere);
    assert_eq!(code(refused), "ERR_INVALID_ARG_VALUE");
    server.unref().listen_on(("", 0)).unwrap();
    assert!(server.address().unwrap().ip().is_unspecified());
    l.run().unwrap();
}

#[test]
fn a_family_and_hints_that_there_are_not_are_refused_or_told_to_the_own_lookup() {
    let options = || ConnectOptions::from(("x.test", 1));
    let mut l = new_loop();
    let refused = code(l.connect(options().family(5), |_| unreachable!()));
    assert_eq!(refused, "ERR_INVALID_ARG_VALUE");
    let refused = code(l.connect(options().hints(3), |_| unreachable!()));
    assert_eq!(refused, "ERR_INVALID_ARG_VALUE");

    let told = shared(None);
    let lookup = move |l: &mut Loop, request: LookupRequest| {
        told.set(Some((request.family, request.hints)));
        l.answer_lookup(request.id, Err(Error::not_found(&request.host)));
    };
    let own = options().family(5).hints(3).lookup(lookup);
    l.connect(own, |_| unreachable!())
        .unwrap()
        .on_error(|_, _| {});
    l.run().unwrap();
    assert_eq!(told.get(), Some((5, 3)));
}

#[test]
fn an_idle_timeout_reads_back_as_it_was_given() {
    let mut l = new_loop();
    let mut c = l.socket();
    let longest = ms(i32::MAX as u64);
    for given in [
        longest + ms(1),
        std::time::Duration::from_micros(1500),
        ms(0),
    ] {
        assert_eq!(c.set_timeout(given).timeout(), Some(given));
    }
    let zero = ConnectOptions::from((HOST, 1)).timeout(ms(0));
    let mut c = l.connect(zero, |_| unreachable!()).unwrap();
    assert_eq!(c.timeout(), None);
    c.destroy();
    l.run().unwrap();
}

#[test]
fn a_once_listener_hears_one_connection() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let heard = shared(0);
        let mut server = l.create_server(move |c| {
            t.log("each");
            c.end().resume();
            if count_up(heard) == 2 {
                close_server(c);
            }
        });
        let once = move |_: &mut Socket<'_>| t.log("one");
        server
            .once_connection(once)
            .listen((HOST, 0), |s| {
                connect(s).resume();
                connect(s).resume();
            })
            .unwrap();
    };
    check_text("once", "each\none\neach\n", play);
}

/// A client that reads four bytes at a time of the ten that its server sends.
fn read_by_four(
    t: &'static Story,
    l: &mut EventLoop,
    mut told: impl FnMut(&mut Socket<'_>, u32) + 'static,
) {
    let mut server = l.create_server(|c| {
        c.end_with("abcdefghij");
        close_server(c);
    });
    let listening = move |s: &mut netloop::Server<'_>| {
        let mut count = 0;
        let own = OnRead::new(vec![0; 4], move |c: &mut Socket<'_>, chunk: &[u8]| {
            t.log(String::from_utf8_lossy(chunk));
            count += 1;
            told(c, count);
            true
        });
        let options = ConnectOptions::from(s.address().unwrap()).on_read(own);
        let mut c = s.event_loop().connect_to(options).unwrap();
        watch(t, "client", &mut c, "end close");
    };
    server.listen((HOST, 0), listening).unwrap();
}

#[test]
fn a_socket_with_its_own_buffer_that_is_paused_from_its_callback_reads_no_more() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        read_by_four(t, l, move |c, count| {
            if count == 1 {
                let id = c.pause().id();
                c.event_loop().set_timeout(ms(20), move |l| {
                    t.log("resume");
                    l.socket_at(id).resume();
                });
            }
        });
    };
    let told = "abcd\nresume\nefgh\nij\nclient end\nclient close hadError=false\n";
    check_text("paused", told, play);
}

#[test]
fn a_callback_of_an_own_buffer_that_panics_is_called_again() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        t.on_uncaught(move |_, _| t.log("uncaught"));
        read_by_four(t, l, |_, count| assert_ne!(count, 1, "on purpose"));
    };
    let told = "abcd\nuncaught\nefgh\nij\nclient end\nclient close hadError=false\n";
    check_text("panics", told, play);
}

#[test]
fn an_end_that_is_due_comes_though_the_socket_was_destroyed_since() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end_with("x");
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let mut c = connect(s);
            watch(t, "client", &mut c, "end close");
            c.on_readable(move |c| match c.read(None) {
                Some(_) => t.log("readable"),
                None => _ = c.destroy(),
            });
        })
        .unwrap();
    };
    let told = "readable\nclient end\nclient close hadError=false\n";
    check_text("end after destroy", told, play);
}

#[test]
fn a_path_that_cannot_be_connected_to_knows_no_reset_either() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.connect("/nosuch/socket", |_| unreachable!()).unwrap();
        watch(t, "c", &mut c, "error close");
        let refused = c.reset_and_destroy().err().unwrap();
        t.log(refused.code().unwrap());
    };
    let told = "ERR_INVALID_HANDLE_TYPE\n\
                c error ENOENT connect\n\
                c close hadError=true\n";
    check_text("a reset of a path", told, play);
}

#[test]
fn what_is_called_back_after_destroy_is_counted_until_the_last() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).on_connect(move |c| {
                c.cork();
                let told = move |c: &Socket<'_>, when: &str| {
                    let (written, length) = (c.bytes_written(), c.writable_length());
                    t.log(format!("{when} {written} {length}"));
                };
                c.on_close(move |c, _| told(c, "close"));
                c.write_then("12345678", move |c, _| told(c, "first"));
                c.write_then("90", move |c, _| told(c, "second"));
                told(c, "before");
                c.destroy();
            });
        })
        .unwrap();
    };
    let told = "before 10 10\nfirst 10 2\nsecond 10 0\nclose 0 0\n";
    check_text("counts after destroy", told, play);
}

#[test]
fn a_write_that_comes_too_late_goes_by_what_half_open_was_when_the_peer_ended() {
    for half_open in [true, false] {
        let play = |t: &'static Story, l: &mut EventLoop| {
            l.create_server(|c| {
                c.resume().end();
                close_server(c);
            })
            .listen((HOST, 0), move |s| {
                let mut c = connect(s);
                c.set_allow_half_open(half_open).on_error(|_, _| {});
                c.resume().on_end(move |c| {
                    c.set_allow_half_open(!half_open).end();
                    c.write_then("late", move |_, result| {
                        t.log(result.unwrap_err().code().unwrap());
                    });
                });
            })
            .unwrap();
        };
        let code = match half_open {
            true => "ERR_STREAM_WRITE_AFTER_END\n",
            false => "EPIPE\n",
        };
        check_text("half open at the end", code, play);
    }
}

#[test]
fn what_was_not_sent_counts_until_all_of_it_has_been_called_back() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.pause().on_error(|_, _| {});
            c.after(ms(20), |c| _ = c.destroy());
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            connect(s).on_connect(move |c| {
                // More than both kernels' buffers hold.
                for length in [40_000_000, 20, 3] {
                    c.write_then(vec![0; length], move |c, result| {
                        let code = result.unwrap_err().code().unwrap();
                        t.log(format!("{code} {}", c.bytes_written()));
                    });
                }
                c.end_then(move |c, _| t.log(format!("end {}", c.bytes_written())));
                c.on_close(move |c, _| {
                    t.log(format!("close {}", c.bytes_written()));
                });
                c.destroy();
            });
        })
        .unwrap();
    };
    let told = "ECANCELED 40000023\nECANCELED 40000023\nECANCELED 40000023\nend 40000023\nclose 40000000\n";
    check_text("bytes of late callbacks", told, play);
}

#[test]
fn a_listener_of_resume_behind_one_of_data_is_told_of_an_accepted_connection() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(move |c| {
            c.on_data(|_, _| {}).on_resume(move |_| t.log("resume"));
            c.on_end(move |_| t.log("end"));
            close_server(c);
        })
        .listen((HOST, 0), |s| {
            connect(s).resume().on_connect(|c| _ = c.end());
        })
        .unwrap();
    };
    check_text("resume", "resume\nend\n", play);
}
