//! An error that says what has failed, and not whose it was.

use std::time::Duration;

use netloop::{ConnectOptions, Encoding, Error, OnRead, SocketId};

use crate::stage::*;

fn socket_of(result: Result<(), &Error>) -> Option<SocketId> {
    result.expect_err("it fails").socket()
}

/// Catches: what a callback is told names nobody.
#[test]
fn each_error_names_the_socket_that_it_is_told_of() {
    let mut l = event_loop();
    let words = Words::default();
    let said = |what: &'static str| {
        let words = words.clone();
        move |id: SocketId, error: Option<SocketId>| {
            assert_eq!(error, Some(id), "{what}");
            words.say(what);
        }
    };

    let (event, write, end) = (said("event"), said("write"), said("end"));
    let mut socket = l.socket();
    socket
        .on_error(move |socket, error| event(socket.id(), error.socket()))
        .write_then("never", move |socket, result| {
            write(socket.id(), socket_of(result))
        });
    socket.end_then(move |socket, result| end(socket.id(), socket_of(result)));

    let (refused, failed) = (said("refused"), said("attempt failed"));
    l.connect_to("/nosuch/socket")
        .unwrap()
        .on_connection_attempt_failed(move |socket, _, error| failed(socket.id(), error.socket()))
        .on_error(move |socket, error| refused(socket.id(), error.socket()));

    let (lookup, not_found) = (said("lookup"), said("not found"));
    l.set_lookup(|l, request| l.answer_lookup(request.id, Err(Error::not_found(&request.host))));
    l.connect_to(("nosuch.test", 1))
        .unwrap()
        .on_lookup(move |socket, it| lookup(socket.id(), it.error.as_ref().unwrap().socket()))
        .on_error(move |socket, error| not_found(socket.id(), error.socket()));

    l.run().unwrap();
    let mut all = words.take();
    all.sort();
    let expected = [
        "attempt failed",
        "end",
        "event",
        "lookup",
        "not found",
        "refused",
        "write",
    ];
    assert_eq!(all, expected);
}

/// Catches: the error that ends `run` is anybody's.
#[test]
fn an_error_without_a_listener_names_its_socket() {
    let mut l = event_loop();
    let id = l
        .socket()
        .destroy_with(Error::with_code("EMINE", "boom"))
        .id();
    let error = l.run().unwrap_err();
    assert_eq!(error.to_string(), "boom", "Node's message");
    let words = format!("boom (EMINE), an unheard 'error' of {id}");
    assert_eq!(format!("{error:?}"), words, "what main prints");

    let taken = listen(l.create_server(|_| {}).unref());
    let mut server = l.create_server(|_| {});
    let id = server.listen_on(taken).unwrap().id();
    let error = l.run().unwrap_err();
    assert_eq!((error.socket(), error.server()), (None, Some(id)));
    let words = format!("{error}, an unheard 'error' of {id}");
    assert_eq!(
        format!("{error:?}"),
        words,
        "the code stands in the message"
    );
}

/// Catches: an error that one socket hands to the next keeps the name of the first.
#[test]
fn an_error_that_is_passed_on_is_that_of_the_next_and_equal() {
    let mut l = event_loop();
    let words = Words::default();
    let (next, said) = (l.socket().id(), words.clone());
    l.socket()
        .on_error(move |socket, error| {
            let passed_on = error.clone();
            let heard = passed_on.clone();
            let said = said.clone();
            let mut next = socket.event_loop().socket_at(next);
            next.on_error(move |socket, error| {
                assert_eq!((error, error.socket()), (&heard, Some(socket.id())));
                said.say("passed on");
            });
            next.destroy_with(passed_on);
        })
        .destroy_with(Error::new("boom"));
    l.run().unwrap();
    assert_eq!(words.take(), ["passed on"]);
}

/// Catches: options can be used once, so that each attempt to connect again builds them anew.
#[test]
fn a_clone_of_options_connects_again_with_the_same_functions() {
    let mut l = event_loop();
    let words = Words::default();
    let mut server = l.create_server(|c| _ = c.end_with("hello"));
    server.set_max_connections(Some(9));
    let (server, address) = (server.id(), listen(&mut server));
    let (asked, read) = (words.clone(), words.clone());
    let (mut lookups, mut reads) = (0, 0);
    let options = ConnectOptions::from(("printer.test", address.port()))
        .timeout(Duration::from_secs(9))
        .lookup(move |l, request| {
            lookups += 1;
            asked.say(format!("lookup {lookups}"));
            l.answer_lookup(request.id, Ok(vec![[127, 0, 0, 1].into()]));
        })
        .on_read(OnRead::new(vec![0; 5], move |_, chunk| {
            reads += 1;
            read.say(format!("read {reads} {}", String::from_utf8_lossy(chunk)));
            true
        }));
    let again = options.clone();
    l.connect_to(options).unwrap().on_close(move |socket, _| {
        let mut second = socket.event_loop().connect_to(again.clone()).unwrap();
        second.on_close(move |socket, _| _ = socket.event_loop().server_at(server).close());
    });
    l.run().unwrap();
    let expected = ["lookup 1", "read 1 hello", "lookup 2", "read 2 hello"];
    assert_eq!(words.take(), expected);
}

/// Catches: a batch of writes that leave together takes four statements.
#[test]
fn cork_and_uncork_are_chained() {
    let mut l = event_loop();
    let mut socket = l.socket();
    socket.cork().set_encoding(Encoding::Utf8).cork();
    assert_eq!(socket.writable_corked(), 2);
    assert_eq!(socket.uncork().writable_corked(), 1);
}
