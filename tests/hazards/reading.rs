//! F: reading, and the half-closed connection.

use std::io::Write;

use netloop::{OnRead, ServerOptions, Socket, SocketOptions};

use crate::stage::*;

/// F1. Catches: the peer's end closes the socket before what it is owed has left.
#[test]
fn a_peer_that_has_ended_gets_all_that_it_is_owed() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let reader = Reader::default();
    let reads = reader.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        let reads = reads.clone();
        c.on_end(move |c| {
            assert!(!c.write(vec![7; MUCH]));
            reads.begin(c.event_loop());
        });
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    peer.end();
    reader.is(peer);
    l.run().unwrap();
    assert_eq!(words.take(), ["end", "close Some(false)"]);
    assert_eq!(reader.all().unwrap(), vec![7; MUCH]);
}

/// F1. Catches: the peer's end is not told, or closes the socket, while our own waits for what is
/// owed.
#[test]
fn a_peer_that_ends_after_us_gets_all_that_it_is_owed() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let reader = Reader::default();
    let reads = reader.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        let reads = reads.clone();
        c.on_end(move |c| {
            assert!(c.writable_length() > 0);
            reads.begin(c.event_loop());
        });
        c.end_with(vec![7; MUCH]);
        close_server(c);
    });
    let peer = peer(listen(&mut server));
    peer.end();
    reader.is(peer);
    l.run().unwrap();
    assert_eq!(words.take(), ["end", "close Some(false)"]);
    assert_eq!(reader.all().unwrap(), vec![7; MUCH]);
}

/// Catches: bytes that are put back when the end is due are lost, or nobody is told of the end.
#[test]
fn what_is_put_back_before_the_end_stands_before_it() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let (said, end) = (said.clone(), said.clone());
        c.on_end(move |_| end.say("end"));
        at_its_end(c, move |c| {
            let all = c.read(None).unwrap();
            c.unshift(&all[3..]);
            let id = c.id();
            c.event_loop().set_immediate(move |l| {
                let rest = l.socket_at(id).read(None).unwrap();
                said.say(String::from_utf8(rest).unwrap());
            });
        });
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"onetwo").unwrap();
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["two", "end"]);
}

/// Catches: a head of which only a part has come holds the loop in its ticks, or what stands behind
/// it never flows into the pipe.
#[test]
fn a_head_that_is_read_by_hand_waits_for_its_rest_and_what_follows_is_piped() {
    fn head(c: &mut Socket<'_>) {
        match c.read(Some(2)) {
            None => _ = c.once_readable(head),
            Some(head) => {
                c.write(head);
                let id = c.id();
                c.pipe(id);
            }
        }
    }
    let mut l = event_loop();
    let mut server = l.create_server(|c| {
        c.once_readable(head);
        close_server(c);
    });
    let port = listen(&mut server);
    let words = Words::default();
    let said = words.clone();
    let mut c = l.connect(port, |c| _ = c.write("a")).unwrap();
    c.on_data(move |c, chunk| {
        said.say(String::from_utf8_lossy(chunk));
        c.end();
    });
    let id = c.id();
    l.set_timeout(ms(30), move |l| _ = l.socket_at(id).write("bcd"));
    l.run().unwrap();
    assert_eq!(words.take().concat(), "abcd");
}

/// F2. Catches: `data` or `end` is emitted after `destroy`.
#[test]
fn after_destroy_nothing_comes_but_close() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        watch(&said, c);
        c.on_data(|c, _| _ = c.destroy().destroy());
        close_server(c);
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"one two three").unwrap();
    peer.end();
    l.run().unwrap();
    assert_eq!(words.take(), ["data one ", "close Some(false)"]);
}

/// F3. Catches: `end` closes the descriptor, and the reset takes away what the peer has not read.
#[test]
fn what_was_sent_before_end_arrives_though_nothing_was_read() {
    let mut l = event_loop();
    let options = ServerOptions::default().pause_on_connect(true);
    let mut server = l.create_server_with(options, |c| {
        c.end_with(vec![7; 100_000]);
        close_server(c);
        let id = c.id();
        c.event_loop().set_timeout(ms(30), move |l| {
            l.socket_at(id).resume();
        });
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(&[1; 100_000]).unwrap();
    let reader = Reader::of(peer);
    reader.begin(&mut l);
    l.run().unwrap();
    assert_eq!(reader.all().unwrap(), vec![7; 100_000]);
}

/// F4, F5. Catches: `resume` waits for an edge that has been, or a paused socket is read from.
#[test]
fn what_came_during_a_pause_is_seen_at_its_end_and_not_before() {
    let mut l = event_loop();
    let words = Words::default();
    let said = words.clone();
    let options = ServerOptions::default().pause_on_connect(true);
    let mut server = l.create_server_with(options, move |c| {
        watch(&said, c);
        close_server(c);
        let (id, said) = (c.id(), said.clone());
        c.event_loop().set_timeout(ms(20), move |l| {
            said.say("resume");
            l.socket_at(id).resume();
        });
    });
    let mut peer = peer(listen(&mut server));
    peer.write_all(b"patience").unwrap();
    peer.end();
    l.run().unwrap();
    assert_eq!(
        words.take(),
        ["resume", "data patience", "end", "close Some(false)"]
    );
}

/// F6. Catches: the kernel is read from with an empty buffer, which looks like an end.
#[test]
fn an_empty_buffer_is_not_the_end_of_the_stream() {
    let mut l = event_loop();
    let words = Words::default();
    let listener = Listener::new();
    let said = words.clone();
    let own = OnRead::new(Vec::new(), move |_, chunk| {
        said.say(String::from_utf8_lossy(chunk));
        true
    });
    let address = listener.address();
    let mut c = l.socket_with(SocketOptions::default().on_read(own));
    let said = words.clone();
    c.on_end(move |_| said.say("end"));
    c.connect_to(address).unwrap();
    c.on_connect(move |_| listener.accept().write_all(b"abc").unwrap());
    l.run().unwrap();
    assert_eq!(words.take(), ["a", "b", "c", "end"]);
}

/// F7. Catches: a chunk is shown from the read buffer after another read has gone into it.
#[test]
fn a_chunk_that_is_kept_is_not_overwritten_by_the_next() {
    let mut l = event_loop();
    l.set_read_buffer(4);
    let words = Words::default();
    let said = words.clone();
    let mut server = l.create_server(move |c| {
        let said = said.clone();
        // A paused socket keeps what comes, while others go on reading into the same buffer.
        c.pause()
            .on_data(move |_, chunk| said.say(String::from_utf8_lossy(chunk)));
        let id = c.id();
        c.event_loop().set_timeout(ms(20), move |l| {
            l.socket_at(id).resume();
        });
        if c.remote_port().is_some_and(|port| port == last_port(None)) {
            close_server(c);
        }
    });
    let address = listen(&mut server);
    let mut peers = [peer(address), peer(address)];
    last_port(Some(peers[1].address().unwrap().port()));
    peers[0].write_all(b"aaaabbbb").unwrap();
    peers[1].write_all(b"ccccdddd").unwrap();
    drop(peers);
    l.run().unwrap();
    let mut told = words.take();
    told.sort();
    assert_eq!(told, ["aaaa", "bbbb", "cccc", "dddd"]);
}

/// The port of the peer that comes last, once it was told.
fn last_port(told: Option<u16>) -> u16 {
    thread_local!(static PORT: std::cell::Cell<u16> = const { std::cell::Cell::new(0) });
    PORT.set(told.unwrap_or(PORT.get()));
    PORT.get()
}
