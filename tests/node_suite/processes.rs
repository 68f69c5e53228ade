//! What needs a second process: peers that are killed or closed roughly, and a look at the kernel.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use netloop::trace::What;
use netloop::{ConnectOptions, EventLoop, OnRead};

use crate::program::{Program, netloop};
use crate::stage::*;
use crate::story::*;
use crate::support::{LIMIT, has_strace, skipped};

const ECHO: [&str; 6] = ["server", "--echo", "--quiet", "--welcome=", "--port", "0"];

row!(
    net_child_process_connect_reset,
    [
        "client connect",
        "on_read Welcome",
        "client end",
        "client close hadError=false",
    ],
    |t, l| {
        t.go_by_the_clock(l);
        let server = Program::netloop(&["server", "--port", "0"]);
        let port = server.port();
        let on_read = OnRead::new(vec![0; 64], move |_, chunk| {
            t.log(format!("on_read {}", String::from_utf8_lossy(chunk)));
            server.signal("KILL");
            true
        });
        let options = ConnectOptions::from((HOST, port)).on_read(on_read);
        let mut c = l.connect_to(options).unwrap();
        watch(t, "client", &mut c, "connect end close");
    }
);

/// A Rust program that finds no standard input opens /dev/null in its place. This lets it find
/// one, as it asks by its first poll(2).
const BLIND: [&str; 9] = [
    "strace",
    "-D",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=poll",
    "-e",
    "inject=poll:retval=0:when=1",
];

row!(net_listen_after_destroying_stdin, ["served"], |t, l| {
    t.go_by_the_clock(l);
    let mut words = Vec::new();
    if has_strace() {
        words.extend(BLIND);
    } else {
        skipped("a descriptor 0 that is free", "no strace");
    }
    let is_blind = !words.is_empty();
    words.extend(["sh", "-c", r#"exec "$0" "$@" <&-"#]);
    let program = netloop(&ECHO);
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .arg(program.get_program())
        .args(program.get_args())
        .env_remove("RUST_LOG");
    let server = Program::start(command);
    let port = server.port();
    let mut c = l.connect((HOST, port), |c| _ = c.write("x")).unwrap();
    c.on_data(move |c, chunk| {
        assert_eq!(chunk, b"x");
        t.log("served");
        c.end();
    });
    t.run(l);
    if is_blind {
        let zero = std::fs::read_link(format!("/proc/{}/fd/0", server.id()));
        let zero = zero.expect("the loop has taken what was free");
        assert_ne!(zero.to_str(), Some("/dev/null"));
    }
});

/// Sends so many bytes, and reads them all back.
fn echoes(port: u16, length: usize) {
    let mut peer = TcpStream::connect((HOST, port)).expect("the kernel accepts");
    peer.set_read_timeout(Some(LIMIT)).expect("a time limit");
    let sent = pattern(length);
    let mut writer = peer.try_clone().expect("a descriptor");
    let bytes = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&bytes).expect("the server reads");
        writer
            .shutdown(std::net::Shutdown::Write)
            .expect("a connection");
    });
    let mut back = Vec::new();
    peer.read_to_end(&mut back).expect("the server answers");
    writing.join().expect("the writer ends");
    assert!(back == sent, "{length} bytes");
}

#[test]
fn net_response_size() {
    let mut server = Program::netloop(&ECHO);
    let port = server.port();
    let lengths = [
        1, 2, 3, 1023, 4097, 65_535, 65_536, 65_537, 131_071, 1_000_003,
    ];
    let clients = [0, 1].map(|_| {
        std::thread::spawn(move || {
            for length in lengths {
                echoes(port, length);
            }
        })
    });
    for client in clients {
        client.join().expect("every length came back");
    }
    server.signal("TERM");
    let (status, _, errors) = server.end();
    assert!(status.success(), "{errors}");
}

/// Reads some of what comes, and goes with the rest unread.
fn go_roughly(port: u16) {
    let mut peer = TcpStream::connect((HOST, port)).expect("the kernel accepts");
    peer.write_all(b"hello").expect("a connection");
    peer.read_exact(&mut [0; 1000]).expect("the server sends");
}

#[test]
fn net_gh_5504() {
    if let Some(port) = argument_of_child() {
        return go_roughly(port.parse().expect("a port"));
    }
    let mut l = EventLoop::new().expect("an event loop");
    let (turns, ended) = (shared(0), shared(None));
    l.on_trace(move |record| {
        if let What::Wait { .. } = record.what {
            count_up(turns);
        }
    });
    l.create_server(move |c| {
        c.resume().write(vec![0; 16 << 20]);
        c.on_error(move |_, error| ended.set(error.code()));
        close_server(c);
    })
    .listen((HOST, 0), move |s| {
        let port = s.port().expect("a listening server").to_string();
        let mut command = child("processes::net_gh_5504", &port);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut client = command.spawn().expect("this program once more");
        s.on_close(move |_| {
            assert!(client.wait().expect("a child").success());
        });
    })
    .expect("good options");
    let limit = l.set_timeout(LIMIT, |_| panic!("it hangs"));
    l.unref_timer(limit);
    l.run().expect("the error was listened to");
    assert!(
        matches!(ended.get(), Some("EPIPE" | "ECONNRESET")),
        "{:?}",
        ended.get()
    );
    assert!(turns.get() < 1000, "{} turns: it spins", turns.get());
}

fn connect_with_and_without_no_delay() {
    let mut l = EventLoop::new().expect("an event loop");
    let seen = shared(0);
    for no_delay in [true, false] {
        farewell(&mut l, HOST, move |s| {
            let port = s.port().expect("a listening server");
            let options = ConnectOptions::from((HOST, port)).no_delay(no_delay);
            let mut c = s.event_loop().connect_to(options).expect("good options");
            c.resume().on_connect(move |c| {
                assert_eq!(kernel(c).tcp_nodelay().expect("a connection"), no_delay);
                count_up(seen);
            });
        });
        l.run().expect("no error");
    }
    assert_eq!(seen.get(), 2);
}

#[test]
fn net_connect_nodelay() {
    connect_with_and_without_no_delay();
    if argument_of_child().is_some() {
        return;
    }
    if !has_strace() {
        return skipped("how often TCP_NODELAY is set", "no strace");
    }
    let child = child("processes::net_connect_nodelay", "");
    let file = std::env::temp_dir().join(format!("netloop-no-delay-{}", std::process::id()));
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=connect,setsockopt", "-o"])
        .arg(&file)
        .arg(child.get_program())
        .args(child.get_args())
        .envs(
            child
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdout(Stdio::null())
        .status()
        .expect("strace runs");
    let trace = std::fs::read_to_string(&file).expect("what strace wrote");
    std::fs::remove_file(&file).expect("the file goes");
    assert!(status.success(), "{trace}");
    let places = ["connect(", "TCP_NODELAY, [1]"].map(|word| trace.find(word).expect(word));
    assert!(places.is_sorted(), "{trace}");
    assert_eq!(trace.matches("TCP_NODELAY").count(), 1, "{trace}");
}
