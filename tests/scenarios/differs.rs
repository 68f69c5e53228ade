//! What we do on purpose otherwise than Node, pinned; the reasons stand in `without_twin.rs`.

use std::time::Duration;

use netloop::{ConnectOptions, EventLoop, LookupRequest, Loop, Socket};

use crate::peers::new_loop;
use crate::story::*;

#[test]
fn connection_events_unix() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let path = t.sock_path("s");
        l.create_server(|c| {
            c.end().resume();
            close_server(c);
        })
        .listen(path.clone(), move |s| {
            let mut c = s.event_loop().socket();
            let events = "lookup connectionAttempt connect ready end close";
            watch(t, "client", &mut c, events).resume();
            c.connect(&path, move |_| t.log("client connect-callback"))
                .unwrap();
            let (connecting, state) = (c.is_connecting(), c.ready_state());
            t.log(format!(
                "main after-connect connecting={connecting} {state}"
            ));
            c.event_loop().next_tick(move |_| t.log("main nextTick"));
        })
        .unwrap();
    };
    check_text(
        "connection-events-unix",
        "main after-connect connecting=true opening\n\
         client connectionAttempt PATH - -\n\
         main nextTick\n\
         client connect\n\
         client connect-callback\n\
         client ready\n\
         client end\n\
         client close hadError=false\n",
        play,
    );
}

#[test]
fn connection_events_lookup() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end().resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let lookup = move |l: &mut Loop, request: LookupRequest| {
                let (host, all, hints) = (&request.host, request.all, request.hints);
                t.log(format!(
                    "lookup {host} all={all} family=undefined hints={hints}"
                ));
                l.answer_lookup(request.id, Ok(vec![HOST.parse().unwrap()]));
            };
            let port = s.port().unwrap();
            let options = ConnectOptions::from(("example.test", port)).lookup(lookup);
            let mut c = s.event_loop().socket();
            watch(
                t,
                "client",
                &mut c,
                "lookup connectionAttempt connect ready close",
            )
            .resume();
            c.connect(options, |_| {}).unwrap();
            t.log(format!("main after-connect {}", c.ready_state()));
        })
        .unwrap();
    };
    check_text(
        "connection-events-lookup",
        "main after-connect opening\n\
         lookup example.test all=true family=undefined hints=32\n\
         client lookup err=null 127.0.0.1 4 example.test\n\
         client connectionAttempt 127.0.0.1 port 4\n\
         client connect\n\
         client ready\n\
         client close hadError=false\n",
        play,
    );
}

#[test]
fn error_enoent_unix() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let path = t.sock_path("none");
        let mut c = l.connect(&path, |_| {}).unwrap();
        let events = "connectionAttempt connectionAttemptFailed connect error close";
        watch(t, "client", &mut c, events).on_error(move |_, e| {
            let address = e.address().unwrap();
            let (errno, port) = (e.errno().unwrap(), undefined(e.port()));
            let (same, message) = (
                address.ends_with("/none"),
                e.to_string().replace(address, "PATH"),
            );
            let error = errs(e);
            t.log(format!("props {error} {errno} {same} {port} {message}"));
        });
        t.log(format!("main after-connect {}", c.ready_state()));
        l.next_tick(move |_| t.log("main nextTick"));
        l.set_immediate(move |_| t.log("main immediate"));
    };
    check_text(
        "error-enoent-unix",
        "main after-connect opening\n\
         client connectionAttempt PATH - -\n\
         main nextTick\n\
         client connectionAttemptFailed PATH - - ENOENT connect\n\
         client error ENOENT connect\n\
         props ENOENT connect -2 true undefined connect ENOENT PATH\n\
         main immediate\n\
         client close hadError=true\n",
        play,
    );
}

#[test]
fn option_abort_before() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|_| {})
            .listen((HOST, 0), move |s| {
                let (server, port) = (s.id(), s.port().unwrap());
                let signal = s.event_loop().abort_handle();
                s.event_loop().abort(signal);
                let options = ConnectOptions::from((HOST, port)).signal(signal);
                let mut c = s.event_loop().connect(options, |_| {}).unwrap();
                watch(t, "client", &mut c, "connectionAttempt connect error close").on_close(
                    move |c, _| {
                        c.event_loop().server_at(server).close();
                    },
                );
                t.log(format!("main destroyed={}", c.is_destroyed()));
            })
            .unwrap();
    };
    check_text(
        "option-abort-before",
        "main destroyed=false\n\
         client error ABORT_ERR -\n\
         client close hadError=true\n",
        play,
    );
}

#[test]
fn option_family() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(|c| {
            c.end().resume();
            close_server(c);
        })
        .listen((HOST, 0), move |s| {
            let lookup = move |l: &mut Loop, request: LookupRequest| {
                let (host, family, hints) = (&request.host, request.family, request.hints);
                t.log(format!(
                    "lookup {host} {{\"family\":{family},\"hints\":{hints}}}"
                ));
                l.answer_lookup(request.id, Ok(vec![HOST.parse().unwrap()]));
            };
            let port = s.port().unwrap();
            let options = ConnectOptions::from(("x.test", port))
                .family(4)
                .lookup(lookup);
            let mut c = s.event_loop().connect(options, |_| {}).unwrap();
            watch(
                t,
                "client",
                &mut c,
                "lookup connectionAttempt connect close",
            )
            .resume();
            t.log(format!("main after-connect {}", c.ready_state()));
        })
        .unwrap();
    };
    check_text(
        "option-family",
        "main after-connect opening\n\
         lookup x.test {\"family\":4,\"hints\":0}\n\
         client lookup err=null 127.0.0.1 4 x.test\n\
         client connectionAttempt 127.0.0.1 port 4\n\
         client connect\n\
         client close hadError=false\n",
        play,
    );
}

#[test]
fn pipe_events() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        l.create_server(move |c| {
            let id = c.id();
            c.on_pipe(move |c, source| t.log(format!("peer pipe {}", source == c.id())));
            c.on_unpipe(move |c, source| t.log(format!("peer unpipe {}", source == c.id())));
            c.pipe(id);
            t.log("peer returns-dest true");
            watch(t, "peer", c, "end finish close");
            close_server(c);
        })
        .listen((HOST, 0), |s| {
            let ending = |c: &mut Socket<'_>| {
                c.end_with("x");
            };
            let port = s.port().unwrap();
            s.event_loop()
                .connect((HOST, port), ending)
                .unwrap()
                .resume();
        })
        .unwrap();
    };
    check_text(
        "pipe-events",
        "peer returns-dest true\n\
         peer pipe true\n\
         peer end\n\
         peer finish\n\
         peer unpipe true\n\
         peer close hadError=false\n",
        play,
    );
}

#[test]
fn connecting_nowhere_is_refused_in_the_call() {
    let mut l = new_loop();
    let error = l.connect(ConnectOptions::default(), |_| {}).err().unwrap();
    assert_eq!(
        (error.code(), error.name()),
        (Some("ERR_MISSING_ARGS"), "TypeError")
    );
}

#[test]
fn the_defaults_for_several_addresses_are_those_of_node() {
    let mut l = new_loop();
    let millis = Duration::from_millis;
    assert!(l.default_auto_select_family());
    assert_eq!(l.default_auto_select_family_attempt_timeout(), millis(500));
    l.set_default_auto_select_family_attempt_timeout(millis(3));
    assert_eq!(l.default_auto_select_family_attempt_timeout(), millis(10));
    l.set_default_auto_select_family_attempt_timeout(millis(11));
    assert_eq!(l.default_auto_select_family_attempt_timeout(), millis(11));
    l.set_default_auto_select_family(false);
    assert!(!l.default_auto_select_family());
}

#[test]
fn pause_is_emitted_a_tick_later() {
    let play = |t: &'static Story, l: &mut EventLoop| {
        let mut c = l.socket();
        c.on_pause(move |_| t.log("pause")).pause();
        t.log("main after-pause");
    };
    check_text("pause", "main after-pause\npause\n", play);
}

#[test]
fn a_timer_that_has_fired_is_gone() {
    let mut l = new_loop();
    let timer = l.set_timeout(Duration::ZERO, |_| {});
    assert!(l.timer_has_ref(timer));
    l.run().unwrap();
    assert!(!l.timer_has_ref(timer));
    assert!(!l.refresh(timer));
}
