//! The PROXY protocol: whom a proxy has connected for, by hand and behind a real HAProxy.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::balancer::Balancer;
use crate::limits::connect_from;
use crate::listening::until;
use crate::program::{Program, netloop};
use crate::sight::{measured, value};
use crate::stage::{LIMIT, at_end, connect, own_path, read};
use crate::support::skipped;

const FIRST: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 80\r\n";
const SECOND: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x08\x0f\xa0\0\x50";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// A server that echoes, and prints who connects; it trusts 127.0.0.1.
fn trusting(options: &[&str]) -> (Program, u16) {
    let common = ["server", "--echo", "--port", "0"];
    let proxy = ["--proxy-protocol", "127.0.0.1"];
    let server = Program::netloop(&[&common[..], &proxy, options].concat());
    let port = server.port();
    (server, port)
}

#[test]
fn the_client_of_a_proxy_is_the_one_that_its_header_names() {
    let sixth = b"PROXY TCP6 2001:db8::1 ::1 80 443\r\n";
    let (server, port) = trusting(&[]);
    for (header, client) in [
        (FIRST, "192.0.2.7"),
        (SECOND, "192.0.2.7"),
        (sixth, "2001:db8::1"),
        // Who connects for itself is itself.
        (LOCAL, "127.0.0.1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ] {
        let mut proxy = connect(port);
        // What follows in the same packet is the client's.
        proxy.write_all(&[header, b"hi"].concat()).unwrap();
        assert_eq!(read(&mut proxy, 9), b"Welcomehi");
        server.expect(&format!("{client} connected."));
        server.expect("<Buffer 68 69>");
        proxy.shutdown(Shutdown::Write).unwrap();
        assert!(at_end(&mut proxy));
        server.expect("client disconnected");
    }
}

#[test]
fn a_header_may_come_in_pieces_and_with_all_that_follows() {
    let (_server, port) = trusting(&["--quiet", "--welcome="]);
    for header in [FIRST, SECOND, LOCAL] {
        let mut proxy = connect(port);
        proxy.set_nodelay(true).unwrap();
        for byte in header {
            proxy.write_all(&[*byte]).unwrap();
        }
        proxy.write_all(b"later").unwrap();
        assert_eq!(read(&mut proxy, 5), b"later");
        // All of it, and the end, at once.
        let mut proxy = connect(port);
        let body = vec![7; 300_000];
        let mut writer = proxy.try_clone().unwrap();
        let all = [header, &body].concat();
        let writing = std::thread::spawn(move || {
            writer.write_all(&all).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        proxy.read_to_end(&mut back).unwrap();
        assert!(back == body, "{} bytes came back", back.len());
        writing.join().unwrap();
    }
}

#[test]
fn a_header_is_believed_only_of_those_named_and_is_data_of_others() {
    let (server, port) = trusting(&["--welcome="]);
    let mut stranger = connect_from([127, 0, 0, 2], port);
    stranger.write_all(FIRST).unwrap();
    assert_eq!(read(&mut stranger, FIRST.len()), FIRST);
    server.expect("127.0.0.2 connected.");
}

#[test]
fn the_limits_hold_for_the_client_and_not_for_its_proxy() {
    let (_server, metrics, port) = measured(&[
        "--quiet",
        "--proxy-protocol",
        "127.0.0.0/31",
        "--deny",
        "192.0.2.9",
        "--allow",
        "192.0.2.0/24",
        "--max-connections-per-peer",
        "1",
    ]);
    let by_proxy = |client: &str| {
        let mut proxy = connect(port);
        let header = format!("PROXY TCP4 {client} 192.0.2.8 4000 80\r\n");
        proxy.write_all(header.as_bytes()).unwrap();
        let mut greeting = [0; 7];
        let is_served = proxy.read_exact(&mut greeting).is_ok();
        is_served.then_some(proxy)
    };
    let held = by_proxy("192.0.2.7").expect("it is served");
    assert!(by_proxy("192.0.2.7").is_none());
    let other = by_proxy("192.0.2.10").expect("it is another peer");
    assert!(by_proxy("192.0.2.9").is_none());
    assert!(by_proxy("198.51.100.1").is_none());
    // The proxy itself is trusted, as often as it asks.
    let mut checks: Vec<TcpStream> = (0..3).map(|_| connect(port)).collect();
    for check in &mut checks {
        check.write_all(LOCAL).unwrap();
        assert_eq!(read(check, 7), b"Welcome");
    }
    for reason in ["max_connections_per_peer", "deny", "allow"] {
        let name = format!("netloop_dropped_total{{reason=\"{reason}\"}}");
        assert_eq!(value(metrics, &name), 1.0, "{reason}");
    }
    drop((held, other));
}

#[test]
fn what_is_no_header_or_too_long_is_cut_at_once_and_what_is_slow_in_time() {
    let options = ["--quiet", "--proxy-protocol", "127.0.0.1"];
    let (_server, metrics, port) = measured(&options);
    let refused = "netloop_dropped_total{reason=\"proxy_header\"}";
    let is_cut = |bytes: &[u8]| {
        let mut proxy = connect(port);
        proxy.write_all(bytes).unwrap();
        // By an end, or a reset for what is not read.
        let mut back = Vec::new();
        _ = proxy.read_to_end(&mut back);
        back.is_empty()
    };
    let long = [b"PROXY UNKNOWN", &[b' '; 200][..]].concat();
    // Its end is there.
    let line = [&long[..], b"\r\n"].concat();
    let huge = [&LOCAL[..14], &[0xff; 20_000]].concat();
    for (count, wrong) in [&b"GET / HTTP/1.1\r\n"[..], b"P R", &long, &line, &huge]
        .iter()
        .enumerate()
    {
        assert!(is_cut(wrong));
        assert_eq!(value(metrics, refused), (count + 1) as f64);
    }
    // Who sends a byte now and then gains no time by it.
    let mut slow = connect(port);
    let mut writer = slow.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for byte in [b"PROXY UNKNOWN", &[b' '; 60][..]].concat() {
            if writer.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let mut back = Vec::new();
    _ = slow.read_to_end(&mut back);
    assert!(back.is_empty());
    let late = "netloop_dropped_total{reason=\"proxy_timeout\"}";
    assert_eq!(value(metrics, late), 1.0);
    assert_eq!(value(metrics, "netloop_accepted_total"), 0.0);
    writing.join().unwrap();
}

#[test]
fn a_connection_that_ends_before_its_header_is_told_by_how_it_has_ended() {
    let options = ["--quiet", "--proxy-protocol", "127.0.0.1"];
    let (_server, metrics, port) = measured(&options);
    let dropped = |reason: &str| {
        let name = format!("netloop_dropped_total{{reason=\"{reason}\"}}");
        value(metrics, &name)
    };
    for (bytes, reason) in [(&b""[..], "proxy_closed"), (b"PROXY TCP", "proxy_partial")] {
        let mut proxy = connect(port);
        proxy.write_all(bytes).unwrap();
        proxy.shutdown(Shutdown::Write).unwrap();
        assert!(at_end(&mut proxy));
        until("it is told", || dropped(reason) == 1.0);
    }
    for bytes in [&b""[..], b"PROXY TCP"] {
        let before = dropped("proxy_error");
        let mut proxy = connect(port);
        proxy.write_all(bytes).unwrap();
        let proxy = socket2::Socket::from(proxy);
        proxy.set_linger(Some(Duration::ZERO)).unwrap();
        drop(proxy);
        until("it is told", || dropped("proxy_error") > before);
    }
    let errors = "netloop_errors_total{code=\"ECONNRESET\"}";
    assert_eq!(value(metrics, errors), 2.0);
    let others = ["proxy_closed", "proxy_partial", "proxy_header"].map(dropped);
    assert_eq!(others, [1.0, 1.0, 0.0]);
}

#[test]
fn a_stop_greets_also_connections_whose_header_comes_after_it() {
    let (mut server, metrics, port) = measured(&["--quiet", "--proxy-protocol", "127.0.0.1"]);
    let mut proxy = connect(port);
    proxy.write_all(&FIRST[..9]).unwrap();
    until("it is there", || {
        value(metrics, "netloop_connections") == 1.0
    });
    server.signal("TERM");
    until("it drains", || value(metrics, "netloop_draining") == 1.0);
    proxy.write_all(&FIRST[9..]).unwrap();
    assert_eq!(read(&mut proxy, 7), b"Welcome");
    assert!(at_end(&mut proxy));
    drop(proxy);
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn a_peer_at_a_path_is_a_proxy_if_unix_is_named() {
    let path = own_path("proxied");
    let text = path.to_str().unwrap();
    let server = Program::netloop(&["server", "--path", text, "--proxy-protocol", "unix"]);
    server.expect(&format!("listening on {text}.."));
    let mut proxy = UnixStream::connect(&path).unwrap();
    proxy.set_read_timeout(Some(LIMIT)).unwrap();
    proxy.write_all(SECOND).unwrap();
    assert_eq!(read(&mut proxy, 7), b"Welcome");
    server.expect("192.0.2.7 connected.");
}

#[test]
fn the_log_names_the_client_and_its_proxy() {
    let options = ["server", "--port", "0", "--proxy-protocol", "127.0.0.1"];
    let mut command = netloop(&options);
    command.env("RUST_LOG", "netloop::programs=debug");
    let mut server = Program::start(command);
    let port = server.port();
    let mut proxy = connect(port);
    let local = proxy.local_addr().unwrap();
    proxy.write_all(FIRST).unwrap();
    assert_eq!(read(&mut proxy, 7), b"Welcome");
    server.signal("TERM");
    drop(proxy);
    let log = server.end().2;
    let told = format!(": 192.0.2.7:4000, by {local}\n");
    assert!(log.contains(&told), "{log}");
}

#[test]
fn behind_haproxy_the_client_is_known_and_health_checks_are_answered() {
    // By a check in version 1 HAProxy names itself; in version 2 it is LOCAL, and bound by no list.
    for (sends, allowed) in [
        ("send-proxy", &["--allow", "127.0.0.1"][..]),
        ("send-proxy-v2", &[]),
    ] {
        let options = [
            "--echo",
            "--proxy-protocol",
            "127.0.0.1",
            "--allow",
            "127.0.0.5",
        ];
        let options = [&options[..], allowed].concat();
        let (server, metrics, port) = measured(&options);
        let check =
            "option tcp-check\n tcp-check connect default\n tcp-check expect string Welcome";
        let line = format!("server one 127.0.0.1:{port} {sends} check inter 20ms rise 1 fall 1");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = listener.local_addr().unwrap().port();
        let Some(balancer) = Balancer::start(listener, &format!("{check}\n {line}")) else {
            return skipped("a server behind HAProxy", "no haproxy");
        };
        until("it is checked", || {
            value(metrics, "netloop_accepted_total") >= 3.0
        });
        server.expect("127.0.0.1 connected.");
        let mut client = connect_from([127, 0, 0, 5], front);
        client.write_all(b"through").unwrap();
        assert_eq!(read(&mut client, 14), b"Welcomethrough");
        // Lines of checks stand between.
        while server.line() != "127.0.0.5 connected." {}
        let mut refused = connect_from([127, 0, 0, 6], front);
        assert!(at_end(&mut refused));
        let dropped = |reason| format!("netloop_dropped_total{{reason=\"{reason}\"}}");
        assert_eq!(value(metrics, &dropped("allow")), 1.0);
        assert_eq!(value(metrics, &dropped("proxy_header")), 0.0);
        drop(balancer);
    }
}

#[test]
fn what_is_no_proxy_is_refused() {
    let options = ["server", "--proxy-protocol", "somewhere"];
    let output = netloop(&options).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = "netloop server: --proxy-protocol: \"somewhere\" is not an address or a network, \
                such as 192.0.2.1 or 10.0.0.0/8, or unix\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
}
