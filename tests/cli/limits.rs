//! The limits: who is served, and how often.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use crate::listening::until;
use crate::program::{Program, netloop};
use crate::sight::{measured, value};
use crate::stage::{LIMIT, at_end, own_path, read};

/// Connects from another address of this machine.
pub(crate) fn connect_from(host: [u8; 4], port: u16) -> TcpStream {
    let kind = socket2::Type::STREAM;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
    let from = SocketAddr::from((host, 0));
    socket.bind(&from.into()).unwrap();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    socket.connect(&server.into()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.into()
}

/// Whether a connection from this address is greeted.
fn is_served(host: [u8; 4], port: u16) -> bool {
    let mut peer = connect_from(host, port);
    let is_refused = at_end(&mut peer);
    if !is_refused {
        assert_eq!(read(&mut peer, 6), b"elcome");
    }
    !is_refused
}

#[test]
fn a_peer_has_at_most_so_many_connections_and_another_has_its_own() {
    let (_server, metrics, port) = measured(&["--quiet", "--max-connections-per-peer", "2"]);
    let mut first: Vec<TcpStream> = (0..2).map(|_| connect_from([127, 0, 0, 2], port)).collect();
    for peer in &mut first {
        assert_eq!(read(peer, 7), b"Welcome");
    }
    assert!(!is_served([127, 0, 0, 2], port));
    assert!(is_served([127, 0, 0, 3], port));
    let dropped = "netloop_dropped_total{reason=\"max_connections_per_peer\"}";
    assert_eq!(value(metrics, dropped), 1.0);
    // One that has closed makes room for another.
    first.pop();
    until("it is counted no more", || is_served([127, 0, 0, 2], port));
    assert!(value(metrics, dropped) >= 1.0);
}

#[test]
fn a_connection_that_is_refused_is_not_counted_for_its_peer() {
    let (_server, metrics, port) = measured(&["--quiet", "--max-connections-per-peer", "0"]);
    for _ in 0..3 {
        assert!(!is_served([127, 0, 0, 2], port));
    }
    assert_eq!(value(metrics, "netloop_accepted_total"), 0.0);
    let dropped = "netloop_dropped_total{reason=\"max_connections_per_peer\"}";
    assert_eq!(value(metrics, dropped), 3.0);
}

#[test]
fn only_those_allowed_are_served_and_of_them_none_that_is_denied() {
    let (_server, metrics, port) = measured(&[
        "--quiet",
        "--allow",
        "127.0.0.0/29",
        "--allow",
        "127.0.1.1",
        "--deny",
        "127.0.0.3",
        "--deny",
        "::ffff:127.0.0.4/127",
    ]);
    let hosts = [2, 3, 4, 5, 6, 7, 8].map(|last| [127, 0, 0, last]);
    let served = hosts.map(|host| is_served(host, port));
    assert_eq!(served, [true, false, false, false, true, true, false]);
    assert!(is_served([127, 0, 1, 1], port));
    let dropped = |reason: &str| format!("netloop_dropped_total{{reason=\"{reason}\"}}");
    assert_eq!(value(metrics, &dropped("deny")), 3.0);
    assert_eq!(value(metrics, &dropped("allow")), 1.0);
    assert_eq!(value(metrics, "netloop_accepted_total"), 4.0);
}

#[test]
fn a_mapped_address_is_the_ipv4_address_it_stands_for() {
    let options = ["--host", "::", "--quiet", "--deny", "127.0.0.2"];
    let (_server, _, port) = measured(&options);
    assert!(!is_served([127, 0, 0, 2], port));
    assert!(is_served([127, 0, 0, 3], port));
}

#[test]
fn a_connection_that_is_refused_is_logged_with_the_reason_and_printed_nowhere() {
    let mut command = netloop(&["server", "--port", "0", "--deny", "127.0.0.0/8"]);
    command.env("RUST_LOG", "info");
    let mut server = Program::start(command);
    let port = server.port();
    let mut peer = connect_from([127, 0, 0, 2], port);
    let local = peer.local_addr().unwrap();
    assert!(at_end(&mut peer));
    server.signal("TERM");
    let (_, lines, log) = server.end();
    assert!(lines.is_empty(), "{lines:?}");
    let told = format!("{local}: dropped, the address is denied\n");
    assert!(log.contains(&told), "{log}");
}

#[test]
fn a_peer_without_an_address_is_bound_by_the_number_alone() {
    let path = own_path("limits");
    let text = path.to_str().unwrap();
    let options = ["server", "--path", text, "--allow", "192.0.2.0/24"];
    let limits = ["--max-connections-per-peer", "0"];
    let server = Program::netloop(&[&options[..], &limits[..]].concat());
    server.expect(&format!("listening on {text}.."));
    let mut peer = UnixStream::connect(&path).unwrap();
    assert_eq!(read(&mut peer, 7), b"Welcome");
}

#[test]
fn what_is_no_address_or_network_is_refused() {
    for option in ["--allow", "--deny"] {
        for wrong in [
            "",
            "x",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "1.2.3.4/-1",
            "::/129",
        ] {
            let output = netloop(&["server", option, wrong]).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{wrong}");
            let right = "an address or a network, such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
            let told = format!("netloop server: {option}: {wrong:?} is not {right}\n");
            assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
        }
    }
}
