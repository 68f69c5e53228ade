//! Descriptors from outside, beside Node: of which of them sockets and listeners are made, and what
//! becomes of pipes.

use std::fs::File;
use std::io::{Read, Write, pipe};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};

use netloop::{ListenOptions, Socket};
use socket2::{Domain, Type};

use crate::stage::*;
use crate::support::skipped;
use crate::tools::node_prints;

/// That Node prints the same of a descriptor.
#[track_caller]
fn as_node(script: &str, fd: OwnedFd, ours: &[String]) {
    match node_prints(script, fd) {
        Some(lines) => assert_eq!(ours, lines, "ours, and Node's"),
        None => skipped("Node's own words for a descriptor", "no Node 26"),
    }
}

/// Descriptors that are no streams, with Node's word for each.
fn no_streams() -> Vec<(&'static str, OwnedFd)> {
    let file = |path: &str| OwnedFd::from(File::open(path).unwrap());
    let packets = socket2::Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    let mut found = vec![
        ("FILE", file("/proc/self/exe")),
        ("FILE", file("/dev/null")),
        ("UNKNOWN", file("/")),
        ("UDP", UdpSocket::bind((HOST, 0)).unwrap().into()),
        ("UNKNOWN", UnixDatagram::unbound().unwrap().into()),
        ("UNKNOWN", packets.into()),
    ];
    match File::options().read(true).write(true).open("/dev/ptmx") {
        Ok(terminal) => found.push(("TTY", terminal.into())),
        Err(error) => skipped("the descriptor of a terminal", &error.to_string()),
    }
    found
}

/// Catches: a descriptor that is no stream is called by no name, or by another than Node's.
#[test]
fn a_descriptor_that_is_no_stream_is_refused_by_nodes_word_for_it() {
    let script = "try { new (require('net').Socket)({fd: 0}) } catch (e) { \
                  console.log(e.name, e.code, e.message) }";
    for (word, fd) in no_streams() {
        let of_node = fd.try_clone().unwrap();
        let error = event_loop().socket_from_fd(fd).err().unwrap();
        let told = format!("{} {} {error}", error.name(), error.code().unwrap());
        let expected = format!("TypeError ERR_INVALID_FD_TYPE Unsupported fd type: {word}");
        assert_eq!(told, expected);
        as_node(script, of_node, &[told]);
    }
}

/// ibmruntimes/node#5. Catches: the kernel is asked to listen on what is no socket, or what it says
/// is told in fewer words.
#[test]
fn a_descriptor_that_cannot_listen_is_an_error_in_nodes_words() {
    let script = "require('net').createServer().on('error', e => \
                  console.log(e.errno, e.message, e.address ?? '-', e.port ?? '-')).listen({fd: 0})";
    let mut fds: Vec<OwnedFd> = no_streams().into_iter().map(|(_, fd)| fd).collect();
    let (reader, writer) = pipe().unwrap();
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let unbound = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let pipes = [OwnedFd::from(reader), writer.into()];
    let others = fds.len() + 2;
    fds.extend([connected.into(), unbound.into()]);
    fds.extend(pipes);
    for (index, fd) in fds.into_iter().enumerate() {
        let of_node = fd.try_clone().unwrap();
        let (mut l, words) = (event_loop(), Words::default());
        let said = words.clone();
        let mut server = l.create_server(|_| panic!("nobody connects"));
        server.on_error(move |_, error| {
            let address = error.address().unwrap_or("-");
            let port = error.port().map_or("-".into(), |port| port.to_string());
            said.say(format!(
                "{} {error} {address} {port}",
                error.errno().unwrap()
            ));
        });
        server.listen_on(ListenOptions::fd(fd)).unwrap();
        l.run().unwrap();
        let words = words.take();
        let expected = if index < others {
            "-22 listen EINVAL: invalid argument - -"
        } else {
            "-88 listen ENOTSOCK: socket operation on non-socket - -"
        };
        assert_eq!(words, [expected]);
        as_node(script, of_node, &words);
    }
}

/// Says what becomes of a socket of this descriptor.
fn becomes(fd: OwnedFd, act: impl FnOnce(&mut Socket<'_>, Words)) -> Vec<String> {
    let (mut l, words) = (event_loop(), Words::default());
    let mut socket = l.socket_from_fd(fd).unwrap();
    watch(&words, &mut socket);
    let finished = words.clone();
    socket.on_finish(move |_| finished.say("finish"));
    act(&mut socket, words.clone());
    l.run().unwrap();
    words.take()
}

fn says(words: &Words) -> impl FnOnce(&mut Socket<'_>, Result<(), &netloop::Error>) + 'static {
    let said = words.clone();
    move |_, result| {
        said.say(format!(
            "called {}",
            result.err().map_or("", |e| e.code().unwrap())
        ))
    }
}

/// The same of Node, for `s`.
fn script(options: &str, act: &str) -> String {
    format!(
        "const s = new (require('net').Socket)({{fd: 0, {options}}}); \
         const told = e => console.log('called ' + (e ? e.code : '')); \
         s.on('data', d => console.log('data ' + d)); s.on('end', () => console.log('end')); \
         s.on('finish', () => console.log('finish')); \
         s.on('error', e => console.log('error ' + e.code)); \
         s.on('close', had => console.log('close Some(' + had + ')')); {act}"
    )
}

/// oven-sh/bun#42213. Catches: a pipe is no stream, or is read from as if it were a socket.
#[test]
fn the_read_end_of_a_pipe_is_a_socket() {
    let hello = || {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"hello").unwrap();
        OwnedFd::from(reader)
    };
    let words = becomes(hello(), |_, _| {});
    as_node(&script("", ""), hello(), &words);
    assert_eq!(words, ["data hello", "end", "finish", "close Some(false)"]);
    let words = becomes(hello(), |s, words| _ = s.write_then("x", says(&words)));
    as_node(&script("", "s.write('x', told)"), hello(), &words);
    assert_eq!(words, ["called EPIPE", "error EPIPE", "close Some(true)"]);
}

/// Node is told that it is not readable, and would fail to read from it otherwise. Catches: a write
/// end is read from, or outlives its last write.
#[test]
fn the_write_end_of_a_pipe_is_a_socket_that_only_writes() {
    let act = "console.log(s.readyState, s.readable, s.writable); s.end('hello', told)";
    let (mut reader, writer) = pipe().unwrap();
    let of_node = writer.try_clone().unwrap();
    let words = becomes(writer.into(), |s, words| {
        let (readable, writable) = (s.is_readable(), s.is_writable());
        words.say(format!("{} {readable} {writable}", s.ready_state()));
        s.end_with_then("hello", says(&words));
    });
    as_node(&script("readable: false", act), of_node.into(), &words);
    let expected = [
        "writeOnly false true",
        "called ",
        "finish",
        "close Some(false)",
    ];
    assert_eq!(words, expected);
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert!(all.starts_with("hello"), "{all}");
}

/// Says where a tick and an immediate stand that are queued behind an act.
fn mark(socket: &mut Socket<'_>, words: &Words) {
    let (ticked, checked) = (words.clone(), words.clone());
    socket.event_loop().next_tick(move |_| ticked.say("tick"));
    socket
        .event_loop()
        .set_immediate(move |_| checked.say("immediate"));
}

const MARK: &str = "process.nextTick(() => console.log('tick')); \
                    setImmediate(() => console.log('immediate'));";

/// Catches: the ends of a pipe tell what becomes of them in another order than Node's, or one whose
/// peer has gone tells it before it is written to.
#[test]
fn what_becomes_of_the_ends_of_a_pipe_comes_in_nodes_order() {
    type Act = fn(&mut Socket<'_>, &Words);
    let readers: [(&str, Act, &[&str]); 3] = [
        (
            "",
            |_, _| {},
            &[
                "tick",
                "data hello",
                "immediate",
                "end",
                "finish",
                "close Some(false)",
            ],
        ),
        (
            "s.end('x', told);",
            |s, words| _ = s.end_with_then("x", says(words)),
            &[
                "called EPIPE",
                "tick",
                "error EPIPE",
                "immediate",
                "close Some(true)",
            ],
        ),
        (
            "s.destroy();",
            |s, _| _ = s.destroy(),
            &["tick", "immediate", "close Some(false)"],
        ),
    ];
    for (of_node, act, expected) in readers {
        let hello = || {
            let (reader, mut writer) = pipe().unwrap();
            writer.write_all(b"hello").unwrap();
            OwnedFd::from(reader)
        };
        let words = becomes(hello(), |s, words| {
            act(s, &words);
            mark(s, &words);
        });
        as_node(&script("", &format!("{of_node}{MARK}")), hello(), &words);
        assert_eq!(words, expected, "{of_node}");
    }
    let writers: [(&str, Act, &[&str]); 4] = [
        ("", |_, _| {}, &["tick", "immediate"]),
        (
            "s.end();",
            |s, _| _ = s.end(),
            &["tick", "finish", "immediate", "close Some(false)"],
        ),
        (
            "s.destroySoon();",
            |s, _| _ = s.destroy_soon(),
            &["tick", "finish", "immediate", "close Some(false)"],
        ),
        (
            "s.write('x', told);",
            |s, words| _ = s.write_then("x", says(words)),
            &[
                "called EPIPE",
                "tick",
                "error EPIPE",
                "immediate",
                "close Some(true)",
            ],
        ),
    ];
    for (of_node, act, expected) in writers {
        let nobody_reads = || OwnedFd::from(pipe().unwrap().1);
        let words = becomes(nobody_reads(), |s, words| {
            act(s, &words);
            mark(s, &words);
        });
        let script = script("readable: false", &format!("{of_node}{MARK}"));
        as_node(&script, nobody_reads(), &words);
        assert_eq!(words, expected, "{of_node}");
    }
}

/// Node calls back before the tick: its shutdown is refused in the call. Catches: that a pipe has no
/// half to shut down is an error.
#[test]
fn the_read_end_of_a_pipe_finishes_in_the_pending_phase() {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(b"hello").unwrap();
    drop(writer);
    let words = becomes(reader.into(), |s, words| {
        s.end_then(says(&words));
        mark(s, &words);
    });
    let rest = ["data hello", "immediate", "end", "close Some(false)"];
    assert_eq!(words[..3], ["tick", "called ", "finish"]);
    assert_eq!(words[3..], rest);
}

/// Catches: what a full pipe leaves of a write never leaves, or a reader that goes is not noticed.
#[test]
fn a_write_to_a_full_pipe_leaves_as_it_is_read_and_fails_once_the_reader_is_gone() {
    let (mut reader, writer) = pipe().unwrap();
    let all = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).map(|_| all.len())
    });
    let words = becomes(writer.into(), |s, words| {
        s.end_with_then(vec![7; 3_000_000], says(&words));
    });
    assert_eq!(words, ["called ", "finish", "close Some(false)"]);
    assert_eq!(all.join().unwrap().unwrap(), 3_000_000);
    let (reader, writer) = pipe().unwrap();
    let words = becomes(writer.into(), |s, words| {
        s.write_then(vec![7; 3_000_000], says(&words));
        s.event_loop().set_immediate(move |_| drop(reader));
    });
    assert_eq!(words, ["called EPIPE", "error EPIPE", "close Some(true)"]);
}

/// Catches: a pipe is taken for a connection that has a peer, an address, or a reset.
#[test]
fn a_pipe_has_neither_addresses_nor_a_reset() {
    let (reader, _writer) = pipe().unwrap();
    let mut l = event_loop();
    let mut socket = l.socket_from_fd(reader).unwrap();
    assert_eq!((socket.address(), socket.peer()), (None, None));
    socket.set_no_delay(true).set_keep_alive(true, ms(1000));
    let refused = socket.reset_and_destroy().err().unwrap();
    assert_eq!(refused.code(), Some("ERR_INVALID_HANDLE_TYPE"));
    socket.destroy();
    l.run().unwrap();
}

/// Catches: a stream socket that is not connected is refused, or not read from at once.
#[test]
fn a_socket_of_a_descriptor_that_is_not_connected_fails_to_read() {
    for (domain, code) in [(Domain::IPV4, "ENOTCONN"), (Domain::UNIX, "EINVAL")] {
        let socket = socket2::Socket::new(domain, Type::STREAM, None).unwrap();
        let of_node = socket.try_clone().unwrap();
        // It is read from though nobody listens for what comes.
        let (mut l, words) = (event_loop(), Words::default());
        let (failed, closed) = (words.clone(), words.clone());
        l.socket_from_fd(socket)
            .unwrap()
            .on_error(move |_, error| failed.say(format!("error {}", error.code().unwrap())))
            .on_close(move |_, had_error| closed.say(format!("close {had_error:?}")));
        l.run().unwrap();
        let words = words.take();
        as_node(&script("", ""), of_node.into(), &words);
        assert_eq!(
            words,
            [format!("error {code}"), "close Some(true)".to_owned()]
        );
    }
    let (one, other) = UnixStream::pair().unwrap();
    drop(other);
    assert_eq!(becomes(one.into(), |_, _| {})[0], "end");
}
