//! `err-*`: what goes wrong, and the code, the words and the order of telling it.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use netloop::{ConnectOptions, Error, LookupId, Loop, Socket};

use crate::story::*;

fn told(t: &'static Story, name: &'static str) -> impl FnOnce(&mut Socket<'_>, Result<(), &Error>) {
    move |_, result| t.log(format!("{name} {}", result.unwrap_err().code().unwrap()))
}

fn uncaught(t: &'static Story) {
    t.on_uncaught(|_, thrown| match thrown {
        Thrown::Panic(text) => t.log(format!("process uncaughtException {text}")),
        Thrown::Error(error) => panic!("{error}"),
    });
}

twin!(err_client_crash, |t, l| {
    let child = shared(None);
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
        c.on_data(move |_, _| {
            let mut child: std::process::Child = child.take().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
        });
    })
    .listen((HOST, 0), move |s| {
        let this = std::env::current_exe().unwrap();
        let mut command = Command::new(this);
        command.args([
            "--exact",
            "err::child_that_says_hi",
            "--ignored",
            "--nocapture",
        ]);
        command.env("NETLOOP_CHILD_PORT", s.port().unwrap().to_string());
        child.set(Some(command.stdout(Stdio::null()).spawn().unwrap()));
    })
    .unwrap();
});

/// Not a test: the process that the test above starts, and kills.
#[test]
#[ignore = "a child of err_client_crash"]
fn child_that_says_hi() {
    let Ok(port) = std::env::var("NETLOOP_CHILD_PORT") else {
        return;
    };
    let mut socket = TcpStream::connect((HOST, port.parse().unwrap())).unwrap();
    socket.write_all(b"hi").unwrap();
    std::io::Read::read_to_end(&mut socket, &mut Vec::new()).unwrap();
}

twin!(err_eacces_unix, |t, l| {
    // Root may connect to anything: then the child that Node's script starts drops that.
    let path = t.sock_path("s");
    l.create_server(move |_| {})
        .listen(path.clone(), move |s| {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let folder = path.parent().unwrap();
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
            let server = s.id();
            if is_root() {
                let told = connect_as_nobody(&path);
                told.lines().for_each(move |line| t.log(line));
                s.close();
                return;
            }
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
            let mut c = s.event_loop().connect(&path, move |_| {}).unwrap();
            watch(t, "client", &mut c, "error close").on_close(move |c, _| {
                c.event_loop().server_at(server).close();
            });
        })
        .unwrap();
});

fn is_root() -> bool {
    let uid = Command::new("id").arg("-u").output().expect("id runs");
    uid.stdout == b"0\n"
}

/// Plays the client in a process of another user, and returns what it printed.
fn connect_as_nobody(path: &std::path::Path) -> String {
    let copy = path.with_file_name("test");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(&copy);
    command.args([
        "--exact",
        "err::child_without_permission",
        "--ignored",
        "--nocapture",
    ]);
    command.env("NETLOOP_CHILD_PATH", path).current_dir("/");
    std::os::unix::process::CommandExt::uid(&mut command, 65534);
    let told = command.output().expect("the child runs").stdout;
    let told = String::from_utf8(told).unwrap();
    let lines = told.lines().filter(move |line| line.starts_with("client "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Not a test: the process that the test above starts.
#[test]
#[ignore = "a child of err_eacces_unix"]
fn child_without_permission() {
    let Ok(path) = std::env::var("NETLOOP_CHILD_PATH") else {
        return;
    };
    let mut l = netloop::EventLoop::new().unwrap();
    let mut c = l.connect(std::path::Path::new(&path), move |_| {}).unwrap();
    c.on_error(move |_, error| println!("\nclient error {}", errs(error)));
    c.on_close(move |_, had_error| println!("client close hadError={}", had_error.unwrap()));
    l.run().unwrap();
}

twin!(err_econnrefused_write, |t, l| {
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), move |_| {}).unwrap();
        watch(t, "client", &mut c, "connect error close");
        c.write_then("x", told(t, "cb"));
        c.write_then("y", told(t, "cb-2"));
        c.end_then(told(t, "end-cb"));
    });
});

twin!(err_econnrefused, |t, l| {
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), move |_| {}).unwrap();
        let events = "connectionAttempt connectionAttemptFailed connect error end finish close";
        watch(t, "client", &mut c, events)
            .on_error(move |c, e| {
                let (code, syscall) = (e.code().unwrap(), e.syscall().unwrap());
                let (address, same) = (e.address().unwrap(), e.port() == Some(port.into()));
                let message = e.to_string().replace(&port.to_string(), "PORT");
                let (errno, name) = (e.errno().unwrap(), e.name());
                t.log(format!(
                    "props {code} {syscall} {address} {same} {errno} {message} {name}"
                ));
                let (destroyed, connecting) = (c.is_destroyed(), c.is_connecting());
                t.log(format!(
                    "state {destroyed} {connecting} {}",
                    c.ready_state()
                ));
            })
            .on_connection_attempt_failed(move |c, _, _| {
                t.log(format!("failed-state destroyed={}", c.is_destroyed()));
                c.event_loop()
                    .set_immediate(move |_| t.log("main immediate"));
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    });
});

twin!(err_lookup_destroyed, |t, l| {
    let asked = shared(None::<LookupId>);
    let mut c = l.socket();
    let id = c.id();
    watch(
        t,
        "client",
        &mut c,
        "lookup connectionAttempt connect error close",
    );
    let lookup = move |_: &mut Loop, request: netloop::LookupRequest| asked.set(Some(request.id));
    let options = ConnectOptions::from(("slow.test", 1)).lookup(lookup);
    c.on_close(move |c, _| {
        c.event_loop().set_immediate(move |l| {
            l.answer_lookup(asked.get().unwrap(), Ok(vec![HOST.parse().unwrap()]));
            t.log("main lookup-answered");
            l.set_timeout(ms(20), move |_| t.log("main quiet"));
        });
    });
    c.connect(options, move |_| {}).unwrap();
    l.set_immediate(move |l| {
        l.socket_at(id).destroy();
        t.log("main destroyed");
    });
});

twin!(err_lookup, |t, l| {
    let mut c = l.socket();
    watch(
        t,
        "client",
        &mut c,
        "lookup connectionAttempt connect error close",
    );
    let lookup = move |l: &mut Loop, request: netloop::LookupRequest| {
        l.set_immediate(move |l| {
            l.answer_lookup(request.id, Err(Error::not_found(&request.host)));
            l.next_tick(move |_| t.log("main nextTick"));
        });
    };
    c.connect(
        ConnectOptions::from(("nosuch.test", 1)).lookup(lookup),
        move |_| {},
    )
    .unwrap();
});

twin!(err_throw_in_connection, |t, l| {
    uncaught(t);
    l.create_server(move |c| {
        watch(t, "peer", c, DEFAULT);
        close_server(c);
        panic!("in-connection");
    })
    .listen((HOST, 0), move |s| {
        watch(t, "client", &mut connect(s), DEFAULT).on_connect(move |c| {
            c.end_with("x");
        });
    })
    .unwrap();
});

twin!(err_throw_in_data, |t, l| {
    uncaught(t);
    l.create_server(move |c| {
        c.write("one");
        let id = c.id();
        c.event_loop().set_timeout(ms(300), move |l| {
            l.socket_at(id).end_with("two");
        });
        c.resume();
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let n = shared(0);
        watch(t, "client", &mut connect(s), DEFAULT)
            .on_data(move |c, _| {
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
                c.event_loop()
                    .set_immediate(move |_| t.log("main immediate"));
                if count_up(n) == 1 {
                    panic!("in-data");
                }
            })
            .on_data(move |_, _| t.log("client second-data-listener"));
    })
    .unwrap();
});

twin!(err_econnrefused_unix, |t, l| {
    let path = t.sock_path("file");
    std::fs::write(&path, "").unwrap();
    let mut c = l.socket();
    let events = "connectionAttemptFailed connect error close";
    watch(t, "client", &mut c, events)
        .connect(&path, |_| {})
        .unwrap();
    markers(t, l, "main");
});

twin!(err_unhandled, |t, l| {
    t.on_uncaught(move |_, thrown| {
        let Thrown::Error(error) = thrown else {
            panic!("nothing panics")
        };
        t.log(format!("uncaughtException {}", errs(&error)));
    });
    closed_port(l, move |l, port| {
        let mut c = l.connect((HOST, port), |_| {}).unwrap();
        c.on_close(move |_, e| t.log(format!("client close {}", e.unwrap())))
            .on_connection_attempt_failed(move |c, _, _| {
                c.event_loop().next_tick(move |_| t.log("main nextTick"));
            });
    });
});
