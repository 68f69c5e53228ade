use netloop::{ConnectOptions, Error, Loop};

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
        let options = ConnectOptions::from(("127.0.0.1", port));
        let options = options.no_delay(true);
        let client = server.event_loop().connect(options, |client| {
            for word in ["one", "two", "three", "four", "five"] {
                client.write(word);
            }
        });
        let mut client = client.expect("a valid port");
        client.set_data(0_usize);
        client.on_data(|client, chunk| {
            *client.data_mut::<usize>().expect("set above") += chunk.len();
        });
        client.on_end(|client| {
            let received = client.data::<usize>().expect("set above");
            println!("client: received {received} bytes");
        });
    })?;
    Ok(())
}
