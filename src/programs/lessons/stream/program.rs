use netloop::{ConnectOptions, Error, Loop};

/// How much the client has received.
struct Received(usize);

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(|socket| {
        socket.on_data(|socket, chunk| {
            println!("server: received {}", String::from_utf8_lossy(chunk));
            socket.end_with("x".repeat(200_000));
        });
        let server = socket.server().expect("its server");
        socket.event_loop().server_at(server).close();
    });
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        let options = ConnectOptions::from(("127.0.0.1", port)).no_delay(true);
        let client = server.event_loop().connect(options, |client| {
            for word in ["one", "two", "three", "four", "five"] {
                client.write(word);
            }
        });
        let mut client = client.expect("a valid port");
        client.set_data(Received(0));
        client.on_data(|client, chunk| {
            let received: &mut Received = client.data_mut().expect("set above");
            received.0 += chunk.len();
        });
        client.on_end(|client| {
            let received: &Received = client.data().expect("set above");
            println!("client: received {} bytes", received.0);
        });
    })?;
    Ok(())
}
