use netloop::{Error, Loop, Socket};

pub(super) fn program(event_loop: &mut Loop) -> Result<(), Error> {
    let mut count = 0;
    let mut server = event_loop.create_server(move |socket| {
        count += 1;
        println!("server: connection {count}");
        socket.on_data(|_, chunk| println!("server: hi {}", text(chunk)));
        if count == 3 {
            close_server(socket);
        }
    });
    server.listen(("127.0.0.1", 0), |server| {
        let port = server.port().expect("it listens");
        for name in ["Ada", "Ben", "Cleo"] {
            let event_loop = server.event_loop();
            let client = event_loop.connect_to(("127.0.0.1", port));
            let mut client = client.expect("a valid port");
            client.on_connect(move |client| {
                println!("{name}: connected");
                client.end_with(name);
            });
        }
    })?;
    Ok(())
}

fn close_server(socket: &mut Socket<'_>) {
    let server = socket.server().expect("its server");
    socket.event_loop().server_at(server).close();
}

fn text(chunk: &[u8]) -> String {
    String::from_utf8_lossy(chunk).into_owned()
}
