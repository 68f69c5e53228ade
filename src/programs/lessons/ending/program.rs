use std::time::Duration;

use netloop::{Error, Loop, ServerId, ServerOptions, Socket};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let options = ServerOptions::default().allow_half_open(true);
    let mut server = event_loop.create_server_with(options, |socket| {
        socket.on_data(|socket, chunk| {
            println!("server: received {}", text(chunk));
            if chunk == b"insult" {
                let reset = socket.reset_and_destroy();
                reset.expect("a TCP socket");
            }
        });
        socket.on_end(|socket| {
            println!("server: the client has ended its half");
            socket.after(Duration::from_millis(50), answer);
        });
        socket.on_close(|_, _| println!("server: closed"));
    });
    server.listen(("127.0.0.1", 0), |server| {
        let id = server.id();
        say("question", server.event_loop(), id, move |event_loop| {
            say("insult", event_loop, id, move |event_loop| {
                event_loop.server_at(id).close();
            });
        });
    })?;
    Ok(())
}

fn say(
    word: &str,
    event_loop: &mut Loop,
    server: ServerId,
    mut then: impl FnMut(&mut Loop) + 'static,
) {
    let port = event_loop.server_at(server).port().expect("it listens");
    let client = event_loop.connect_to(("127.0.0.1", port));
    let mut client = client.expect("a valid port");
    match word {
        "question" => _ = client.end_with(word),
        _ => _ = client.write(word),
    }
    client.on_data(|_, chunk| println!("client: received {}", text(chunk)));
    client.on_end(|_| println!("client: the server has ended"));
    client.on_error(|_, error| {
        println!("client: {}", error.code().expect("a code"));
    });
    client.on_close(move |client, had_error| {
        let is_failed = had_error == Some(true);
        println!("client: closed, by an error: {is_failed}");
        then(client.event_loop());
    });
}

fn answer(socket: &mut Socket<'_>) {
    socket.end_with("answer");
}

fn text(chunk: &[u8]) -> String {
    String::from_utf8_lossy(chunk).into_owned()
}
