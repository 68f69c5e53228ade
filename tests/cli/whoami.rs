//! Who answers, and who has asked.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::limits::connect_from;
use crate::program::{Program, netloop};
use crate::stage::{LIMIT, at_end, connect, own_path};

/// What is greeted with, and what comes after it if somebody asks for more.
fn greeting(socket: &mut impl Read, count: usize) -> Vec<String> {
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < count {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("another line");
        text.push(byte[0]);
    }
    let text = String::from_utf8(text).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_client_is_told_who_answers_who_it_is_and_by_whom() {
    let options = ["server", "--whoami", "--echo", "--port", "0"];
    let trusts = ["--proxy-protocol", "127.0.0.1"];
    let server = Program::netloop(&[&options[..], &trusts].concat());
    let port = server.port();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = format!("Hostname: {}", host.trim());
    let process = format!("Process: {}", server.id());
    let here = format!("Server: 127.0.0.1:{port}");
    let mut direct = connect_from([127, 0, 0, 2], port);
    let client = format!("Client: {}", direct.local_addr().unwrap());
    let expected = [host.as_str(), &process, &here, &client];
    assert_eq!(greeting(&mut direct, 4), expected);
    // It is an echo all the same.
    direct.write_all(b"x\n").unwrap();
    assert_eq!(greeting(&mut direct, 1), ["x"]);
    let mut proxy = connect(port);
    proxy
        .write_all(b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 80\r\n")
        .unwrap();
    let by = format!("Proxy: {}", proxy.local_addr().unwrap());
    let client = "Client: 192.0.2.7:4000";
    let expected = [
        host.as_str(),
        &process,
        &here,
        client,
        &by,
        "Destination: 192.0.2.8:80",
    ];
    assert_eq!(greeting(&mut proxy, 6), expected);
}

#[test]
fn a_peer_without_an_address_is_somebody() {
    let path = own_path("whoami");
    let text = path.to_str().unwrap();
    let mut server = Program::netloop(&["server", "--whoami", "--path", text]);
    server.expect(&format!("listening on {text}.."));
    let mut client = UnixStream::connect(&path).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let told = greeting(&mut client, 4);
    let place = format!("Server: {text}");
    assert_eq!(told[2..], [&place, "Client: somebody"]);
    server.signal("TERM");
    assert!(at_end(&mut client));
    drop(client);
    assert_eq!(server.end().0.code(), Some(0));
}

#[test]
fn there_is_one_greeting() {
    let output = netloop(&["server", "--whoami", "--welcome", "x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = "netloop server: --whoami and --welcome exclude each other\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), told);
}
