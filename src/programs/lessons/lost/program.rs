use netloop::{Error, Loop};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut server = event_loop.create_server(|socket| {
        socket.on_data(|_, chunk| {
            println!("server: received {} bytes", chunk.len());
        });
        socket.on_end(|socket| {
            println!("server: that was all");
            let server = socket.server().expect("its server");
            socket.event_loop().server_at(server).close();
        });
    });
    server.listen(("10.9.0.1", 8000), |server| {
        let client = server.event_loop().connect_to(("10.9.0.2", 8000));
        let mut client = client.expect("a valid port");
        client.on_connect(|client| {
            println!("client: connected");
            client.end_with("x".repeat(6000));
        });
    })?;
    Ok(())
}
