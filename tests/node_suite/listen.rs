//! Listening: the forms, the errors, and when it is listened.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};

use netloop::{ListenOptions, Loop, Server};

use crate::stage::*;
use crate::story::*;

fn quiet<'l>(l: &'l mut Loop) -> Server<'l> {
    l.create_server(|_| unreachable!())
}

row!(
    net_listening,
    [
        "made false",
        "called true",
        "listening true",
        "closed false",
        "close false"
    ],
    |t, l| {
        let mut server = quiet(l);
        let tell = move |word: &str, s: &Server<'_>| t.log(format!("{word} {}", s.is_listening()));
        tell("made", &server);
        server
            .on_close(move |s| tell("close", s))
            .listen((), move |s| {
                tell("listening", s);
                s.close();
                tell("closed", s);
            })
            .unwrap();
        tell("called", &server);
    }
);

row!(
    net_bind_twice,
    ["first listening", "second error EADDRINUSE listening=false"],
    |t, l| {
        quiet(l)
            .listen((HOST, 0), move |first| {
                t.log("first listening");
                let (id, port) = (first.id(), first.port().unwrap());
                let mut second = quiet(first.event_loop());
                second
                    .on_listening(|_| unreachable!())
                    .on_error(move |second, error| {
                        let (code, listening) = (error.code().unwrap(), second.is_listening());
                        t.log(format!("second error {code} listening={listening}"));
                        second.event_loop().server_at(id).close();
                    })
                    .listen((HOST, port), |_| unreachable!())
                    .unwrap();
            })
            .unwrap();
    }
);

row!(
    net_eaddrinuse,
    ["error listen EADDRINUSE: address already in use :::PORT"],
    |t, l| {
        quiet(l)
            .listen((), move |first| {
                let (id, port) = (first.id(), first.port().unwrap());
                quiet(first.event_loop())
                    .on_error(move |second, error| {
                        let message = error.to_string().replace(&port.to_string(), "PORT");
                        t.log(format!("error {message}"));
                        second.event_loop().server_at(id).close();
                    })
                    .listen(port, |_| unreachable!())
                    .unwrap();
            })
            .unwrap();
    }
);

row!(
    net_server_try_ports,
    ["error EADDRINUSE", "listening on another port", "closed 2"],
    |t, l| {
        quiet(l)
            .listen((), move |first| {
                let (id, port) = (first.id(), first.port().unwrap());
                let mut second = quiet(first.event_loop());
                second
                    .on_error(move |second, error| {
                        t.log(format!("error {}", error.code().unwrap()));
                        second.listen_on(()).unwrap();
                    })
                    .on_listening(move |second| {
                        assert_ne!(second.port(), Some(port));
                        t.log("listening on another port");
                        second.close_then(move |second, result| {
                            result.unwrap();
                            let mut first = second.event_loop().server_at(id);
                            first.close_then(move |_, result| {
                                result.unwrap();
                                t.log("closed 2");
                            });
                        });
                    })
                    .listen_on(port)
                    .unwrap();
            })
            .unwrap();
    }
);

row!(
    net_better_error_messages_listen,
    ["EADDRNOTAVAIL listen 192.0.2.1 port 4000"],
    |t, l| {
        quiet(l)
            .on_error(move |_, error| {
                let (address, port) = (error.address().unwrap(), error.port().unwrap());
                t.log(format!("{} {address} port {port}", errs(error)));
            })
            .listen(("192.0.2.1", 4000), |_| unreachable!())
            .unwrap();
    }
);

row!(
    net_listen_error,
    ["192.0.2.1: error", "not listening"],
    |t, l| {
        // An address that is nobody's: a privileged port is no error for those who have the privilege.
        let mut server = quiet(l);
        let id = server.id();
        server
            .on_listening(|_| unreachable!())
            .on_error(move |_, error| t.log(format!("{}: error", error.address().unwrap())))
            .listen(("192.0.2.1", 1), |_| unreachable!())
            .unwrap();
        t.run(l);
        assert!(!l.server_at(id).is_listening() && l.server_at(id).address().is_none());
        t.log("not listening");
    }
);

row!(net_listen_close_server, ["closed"], |t, l| {
    let mut server = quiet(l);
    server
        .on_listening(|_| unreachable!())
        .on_error(|_, _| unreachable!())
        .listen((), |_| unreachable!())
        .unwrap();
    server.close_then(move |_, result| {
        result.unwrap();
        t.log("closed");
    });
});

row!(
    net_listen_close_server_callback_is_not_function,
    ["close"],
    |t, l| {
        let mut server = quiet(l);
        server
            .on_listening(|_| unreachable!())
            .on_close(move |_| t.log("close"))
            .listen((), |_| unreachable!())
            .unwrap()
            .close();
    }
);

row!(
    net_server_listen_remove_callback,
    [
        "callback 1, 0 left",
        "close, 0 left",
        "callback 2, 0 left",
        "close, 0 left",
    ],
    |t, l| {
        let mut server = quiet(l);
        let left = |s: &Server<'_>| s.listener_count("listening");
        let callback = move |s: &mut Server<'_>, count: u32| {
            t.log(format!("callback {count}, {} left", left(s)));
            s.close();
        };
        let closes = shared(0);
        server
            .on_close(move |s| {
                t.log(format!("close, {} left", left(s)));
                if count_up(closes) == 1 {
                    s.listen((), move |s| callback(s, 2)).unwrap();
                }
            })
            .listen((), move |s| callback(s, 1))
            .unwrap();
    }
);

row!(
    net_listen_ipv6only,
    ["IPv4 ECONNREFUSED", "IPv6 connect"],
    |t, l| {
        l.create_server(|c| {
            c.end().resume();
            close_server(c);
        })
        .listen(ListenOptions::from(("::", 0)).ipv6_only(true), move |s| {
            let port = s.port().unwrap();
            // No other listener may serve this port over IPv4.
            refuse(SocketAddr::from(([127, 0, 0, 1], port)));
            let mut four = s
                .event_loop()
                .connect((HOST, port), |_| unreachable!())
                .unwrap();
            four.on_error(move |c, error| {
                t.log(format!("IPv4 {}", error.code().unwrap()));
                let mut six = c.event_loop().connect_to(("::1", port)).unwrap();
                six.on_connect(move |_| t.log("IPv6 connect")).resume();
            });
        })
        .unwrap();
    }
);

row!(
    net_server_bind,
    Real::Descriptors,
    [
        "a callback alone ::",
        "a port ::",
        "a port and a host 127.0.0.1",
        "the backlog holds: true",
    ],
    |t, l| {
        let tell = move |word: &str, s: &mut Server<'_>| {
            let bound = s.address().unwrap();
            t.log(format!("{word} {}", bound.ip()));
            s.close();
            bound.port()
        };
        let mut first = quiet(l);
        let any = ListenOptions::from(()).reuse_port(true);
        first
            .listen(any, move |s| _ = tell("a callback alone", s))
            .unwrap();
        let port = first.port().expect("bound in the call");
        assert_ne!(port, 0);
        let forms = [ListenOptions::from(port), (HOST, port).into()];
        for (word, form) in ["a port", "a port and a host"].into_iter().zip(forms) {
            let callback = move |s: &mut Server<'_>| assert_eq!(tell(word, s), port);
            quiet(l).listen(form.reuse_port(true), callback).unwrap();
        }
        t.run(l);
        t.log(format!("the backlog holds: {}", backlog_holds(l)));
    }
);

/// With a backlog of 1 the kernel completes two connections that nobody accepts, and no third.
fn backlog_holds(l: &mut Loop) -> bool {
    let mut server = l.create_server(|c| _ = c.destroy());
    server
        .listen(ListenOptions::from(0).backlog(1), |s| _ = s.close())
        .unwrap();
    let port = server.port().expect("bound in the call");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let waiting = [TcpStream::connect(address), TcpStream::connect(address)];
    let third = TcpStream::connect_timeout(&address, ms(100)).map_err(|error| error.kind());
    waiting.iter().all(Result::is_ok) && third.err() == Some(ErrorKind::TimedOut)
}

row!(
    net_server_listen_options_signal,
    [
        "used before: close",
        "used later: listening",
        "used later: close",
    ],
    |t, l| {
        let early = l.abort_handle();
        l.abort(early);
        quiet(l)
            .on_listening(|_| unreachable!())
            .on_close(move |_| t.log("used before: close"))
            .listen(ListenOptions::from(0).signal(early), |_| unreachable!())
            .unwrap();
        t.run(l);
        let late = l.abort_handle();
        quiet(l)
            .on_close(move |_| t.log("used later: close"))
            .listen(ListenOptions::from(0).signal(late), move |s| {
                t.log("used later: listening");
                s.event_loop().abort(late);
                assert!(!s.is_listening());
            })
            .unwrap();
    }
);
